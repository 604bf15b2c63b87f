"""GET /api/gtfs_realtime/{trip-updates|vehicle-positions|alerts}-for-agency/{id}.pb (or .pbtext): what we know, as a feed.

``key`` as for ``/api/where``; ``removeAgencyIds=false`` writes ids with their agency's code; ``routeFilterId`` keeps the
trips and vehicles of one route.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api import exports, params
from api.endpoints.answers import answer, key_admitted
from api.errors import invalid, unknown
from api.formats import gtfs_realtime
from api.replica import Replica
from api.served import Served
from domain import ids
from domain.errors import IdMalformed

SUFFIXES: dict[str, tuple[Callable[[Any], bytes], str]] = {
    ".pbtext": (gtfs_realtime.text, gtfs_realtime.TEXT_TYPE),
    ".pb": (gtfs_realtime.binary, gtfs_realtime.CONTENT_TYPE),
}


async def trip_updates(request: Request) -> Response:
    """The agency's trips with our predictions; uncertainty is the wider side of the band from 10 to 90 percent."""
    return await _exported(request, "trip-updates", exports.trips_said, gtfs_realtime.trip_updates)


async def vehicle_positions(request: Request) -> Response:
    """The agency's vehicles."""
    return await _exported(request, "vehicle-positions", exports.vehicles_said, gtfs_realtime.vehicle_positions)


async def alerts(request: Request) -> Response:
    """Notices that concern the agency, in force or to come."""
    served, agency, suffix, query = await _asked(request)
    now_epoch_s: float = request.app.state.clock.now_epoch_s()
    names = exports.Names(served, qualified=not params.boolean(query, "removeAgencyIds", True))
    said = exports.notices_said(served, now_epoch_s, agency=agency, names=names)
    encode, media_type = SUFFIXES[suffix]
    return _response(request, encode(gtfs_realtime.alerts(now_epoch_s, said)), media_type, now_epoch_s)


async def _exported(
    request: Request, kind: str, say: Callable[..., list[Any]], encode_all: Callable[[float, Any], Any]
) -> Response:
    served, agency, suffix, query = await _asked(request)
    names = exports.Names(served, qualified=not params.boolean(query, "removeAgencyIds", True))
    route_id = _route_wanted(served, params.text(query, "routeFilterId"), names)
    now_epoch_s: float = request.app.state.clock.now_epoch_s()
    live, usable = served.live_at(now_epoch_s)
    encode, media_type = SUFFIXES[suffix]
    if live is None:
        return _response(request, encode(encode_all(now_epoch_s, [])), media_type, now_epoch_s)
    key = kind, agency, suffix, names.qualified, route_id, usable
    body = live.exports.get(key)
    if body is None:
        # Off the event loop: a large city's tick takes longer to encode than a rider may wait.
        body = await asyncio.to_thread(
            lambda: encode(
                encode_all(
                    live.computed_epoch_s, _kept(say(served, live, usable, agency=agency, names=names), route_id)
                )
            )
        )
        live.exports.put(key, body, len(body))
    return _response(request, body, media_type, live.computed_epoch_s)


def _kept(said: list[Any], route_id: str) -> list[Any]:
    if not route_id:
        return said
    return [one for one in said if _name_of(one) is not None and _name_of(one).route_id == route_id]


def _name_of(one: Any) -> Any:
    return one.name if hasattr(one, "name") else one.trip


def _route_wanted(served: Served, given: str, names: exports.Names) -> str:
    """The route of ``routeFilterId`` as *names* writes it; blank for all."""
    if not given:
        return ""
    try:
        _, raw_id = ids.split(given)
    except IdMalformed:
        raise invalid("routeFilterId", "expected agency code, underscore, route id") from None
    route = served.bundle.route_ids.index(raw_id)
    if route is None:
        raise unknown()
    return names.of_route(route, raw_id)


async def _asked(request: Request) -> tuple[Served, int, str, dict[str, str]]:
    query = await key_admitted(request)
    replica: Replica = request.app.state.replica
    given: str = request.path_params["agency_id"]
    suffix = next((suffix for suffix in SUFFIXES if given.endswith(suffix)), "")
    found = replica.by_code.get(given.removesuffix(suffix)) if suffix else None
    if found is None:
        raise unknown()
    params.instant_epoch_s(query, "time", found[0].bundle.time_zone)
    return found[0], found[1], suffix, query


def _response(request: Request, body: bytes, media_type: str, at_epoch_s: float) -> Response:
    response = answer(request, body, media_type, public=True)
    response.headers["last-modified"] = format_datetime(datetime.fromtimestamp(int(at_epoch_s), UTC), usegmt=True)
    return response

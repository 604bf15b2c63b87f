"""``search/stop`` and ``search/route`` as OneBusAway asks them, and one search of our own over both."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import params
from api.endpoints.answers import limit, schedule_answer
from api.errors import invalid, unknown
from api.formats import oba
from api.plane import Floats, away_m
from api.search_index import Match
from api.served import Served
from api.where import Ask
from domain.ids import qualify
from domain.spelling import fold

MAX_INPUT = 200
"""Letters of a query."""
MAX_COUNT = 250
"""Source: OneBusAway, search/stop: maxCount."""
DEFAULT_COUNT = 20
OWN_DEFAULT_COUNT = 10
OWN_MAX_COUNT = 50


def search(ask: Ask) -> bytes:
    """``search/stop`` or ``search/route``: what *input* may mean, best first."""
    if ask.id not in ("stop", "route"):
        raise unknown()
    wanted = params.text(ask.query, "input")
    if not wanted:
        raise invalid("input", "required: a name, or the beginning of one")
    _check_length("input", wanted)
    count = params.integer(ask.query, "maxCount", DEFAULT_COUNT, 1, MAX_COUNT)
    found = [
        (match, served)
        for served in ask.served()
        for match in (served.stop_index if ask.id == "stop" else served.route_index).find(wanted, count + 1)
    ]
    found.sort(key=lambda item: item[0])
    shown, references = found[:count], ask.references
    pieces = []
    for match, served in shown:
        if ask.id == "stop":
            piece = served.fragments.stop(match.row)
            references.routes.update(piece.routes)
            references.agencies.update(piece.agencies)
            references.stops.update((key, value) for key, value in piece.stops.items() if key != piece.id)
            pieces.append(piece.reference)
        else:
            route = served.fragments.route(match.row)
            references.agencies.update((served.fragments.agencies[route.agency],))
            pieces.append(route.reference)
    return oba.listing(pieces, ask.encoded_references(), limit_exceeded=len(found) > count, out_of_range=False)


def _check_length(name: str, text: str) -> None:
    if len(text) > MAX_INPUT:
        raise invalid(name, f"expected at most {MAX_INPUT} letters")


async def search_all(request: Request) -> Response:
    """GET /api/v1/search?q=&lat=&lon=&limit=&types=: stops, stations and routes in one list, best first."""
    limit(request)
    query = params.parse_query(request.scope["query_string"])
    wanted = params.text(query, "q")
    if not wanted:
        raise invalid("q", "required: a name, a stop code or a route, or the beginning of one")
    _check_length("q", wanted)
    count = params.integer(query, "limit", OWN_DEFAULT_COUNT, 1, OWN_MAX_COUNT)
    lat, lon = params.optional_number(query, "lat", -90, 90), params.longitude(query, "lon")
    if (lat is None) != (lon is None):
        raise invalid("lon" if lon is None else "lat", "lat and lon come together")
    types = params.text(query, "types") or "stop,route"
    if not set(types.split(",")) <= {"stop", "route"}:
        raise invalid("types", f"expected stop, route or stop,route, found {types[:40]!r}")
    replica = request.app.state.replica
    found: list[tuple[tuple[int, int, float], dict[str, object]]] = []
    for served in Ask(replica=replica, settings=request.app.state.settings, query=query, id="", now_epoch_s=0).served():
        away = None
        if lat is not None and lon is not None:
            away = away_m(lat, lon, served.bundle.array("stop_lat"), served.bundle.array("stop_lon"))
        if "route" in types:
            found += [(_key(match, 0), _route(served, match.row)) for match in served.route_index.find(wanted, count)]
        if "stop" in types:
            matches = served.stop_index.find(wanted, count, away)
            found += [(_key(match, 1), _stop(served, match.row, away)) for match in matches]
    found.sort(key=lambda item: item[0])
    body = {"query": wanted, "folded": fold(wanted), "results": [shown for _, shown in found[:count]]}
    return schedule_answer(request, msgspec.json.encode(body))


def _key(match: Match, kind: int) -> tuple[int, int, float]:
    return match.cost, kind, match.rank


def _stop(served: Served, row: int, away: Floats | None) -> dict[str, object]:
    bundle, fragments = served.bundle, served.fragments
    it = bundle.stop(row)
    names = [bundle.route(route) for route in fragments.routes_at(row)]
    return {
        "type": "station" if it.location_type == 1 else "stop",
        "id": qualify(fragments.code, it.raw_id),
        "code": it.code,
        "name": it.name,
        "direction": it.compass,
        "lat": it.lat,
        "lon": it.lon,
        "routes": [name.short_name or name.long_name for name in names],
        "distanceM": None if away is None else round(float(away[row])),
    }


def _route(served: Served, row: int) -> dict[str, object]:
    it = served.bundle.route(row)
    return {
        "type": "route",
        "id": qualify(it.agency_code, it.raw_id),
        "shortName": it.short_name,
        "longName": it.long_name,
        "agencyName": served.bundle.agency_of_route(row).name,
        "mode": it.mode,
        "color": it.color,
        "textColor": it.text_color,
    }

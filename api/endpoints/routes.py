"""``routes-for-agency``, ``route``, ``routes-for-location`` and ``shape``; a route's lines for our own map."""

from starlette.requests import Request
from starlette.responses import Response

from api import params
from api.around import MAX_RADIUS_M, is_covered, place_asked
from api.endpoints.answers import limit, schedule_answer
from api.errors import invalid, unknown
from api.formats import oba
from api.replica import Replica
from api.served import Served
from api.where import Ask
from domain import ids
from domain.errors import IdMalformed

DEFAULT_RADIUS_M = 500.0
QUERY_RADIUS_M = 10_000.0
"""With a name to look for."""
MAX_QUERY_RADIUS_M = 100_000.0
"""Apps look for a name in the whole region around a rider."""
MAX_COUNT = 50


def routes_for_agency(ask: Ask) -> bytes:
    """The agency's routes, in the order in which it wants them shown."""
    served, agency = ask.agency()
    rows = served.fragments.routes_of(agency)
    agency_id, reference = served.fragments.agencies[agency]
    ask.references.agencies[agency_id] = reference
    return oba.listing([served.fragments.route(row).reference for row in rows], ask.encoded_references())


def route(ask: Ask) -> bytes:
    """One route, with its agency."""
    served, row = ask.route()
    piece = served.fragments.route(row)
    agency_id, reference = served.fragments.agencies[piece.agency]
    ask.references.agencies[agency_id] = reference
    noticed = served.notices.of_route(row, ask.now_epoch_s)
    ask.references.situations.update(noticed.references)
    return ask.entry(piece.reference)


def shape(ask: Ask) -> bytes:
    """One line that vehicles draw."""
    served, raw_id = ask.split("id", ask.id)
    row = served.bundle.shape_ids.index(raw_id)
    if row is None:
        raise unknown()
    return ask.entry(served.fragments.polyline(row))


def routes_for_location(ask: Ask) -> bytes:
    """Routes that call within radius of a point, or in a box, the nearest first.

    ``query`` wants routes of that short name, else those whose names begin with it or hold it.
    """
    wanted = params.text(ask.query, "query").casefold()
    place = place_asked(
        ask.query,
        QUERY_RADIUS_M if wanted else DEFAULT_RADIUS_M,
        max_radius_m=MAX_QUERY_RADIUS_M if wanted else MAX_RADIUS_M,
    )
    limit = min(params.integer(ask.query, "maxCount", 10, 1, 1_000_000), MAX_COUNT)
    found: list[tuple[int, float, Served, int]] = []
    reached = False
    for served in ask.served():
        bundle = served.bundle
        reached |= is_covered(bundle, place.lat, place.lon)
        nearest: dict[int, int] = {}
        for stop in place.stops(bundle):
            for row in bundle.stop_route_rows(stop):
                nearest.setdefault(row, stop)
        for row, stop in nearest.items():
            rank = _rank(served, row, wanted)
            if rank is not None:
                away_m = place.away_m(bundle.stop_lat[stop], bundle.stop_lon[stop])
                found.append((rank, away_m, served, row))
    found.sort(key=lambda item: item[:2])
    shown = found[:limit]
    for _, _, served, row in shown:
        agency_id, reference = served.fragments.agencies[served.bundle.route_agency[row]]
        ask.references.agencies[agency_id] = reference
    return oba.listing(
        [served.fragments.route(row).reference for _, _, served, row in shown],
        ask.encoded_references(),
        limit_exceeded=len(found) > limit,
        out_of_range=not reached and not shown,
    )


def _rank(served: Served, row: int, wanted: str) -> int | None:
    """How well a route's names fit what is wanted: 0 best; None not at all."""
    if not wanted:
        return 0
    texts, bundle = served.bundle.texts, served.bundle
    short, long = texts[bundle.route_short_name[row]].casefold(), texts[bundle.route_long_name[row]].casefold()
    if wanted in (short, long):
        return 0
    if short.startswith(wanted) or long.startswith(wanted):
        return 1
    return 2 if wanted in long else None


async def shapes(request: Request) -> Response:
    """GET /api/v1/shapes/{route}: the lines that a route's vehicles draw, for a map."""
    limit(request)
    replica: Replica = request.app.state.replica
    try:
        code, raw_id = ids.split(request.path_params["route_id"])
    except IdMalformed:
        raise invalid("route_id", "expected agency code, underscore, id") from None
    found = replica.by_code.get(code)
    row = found[0].bundle.route_ids.index(raw_id) if found else None
    if found is None or row is None:
        raise unknown()
    fragments = found[0].fragments
    lines = dict.fromkeys(shape for direction in fragments.directions(row) for shape in direction.shapes)
    it = found[0].bundle.route(row)
    body = b'{"color":%b,"polylines":%b,"routeId":%b}' % (
        oba.encode(it.color),
        oba.array(fragments.polyline(shape) for shape in lines),
        fragments.route(row).id,
    )
    return schedule_answer(request, body)

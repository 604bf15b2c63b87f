"""``routes-for-agency`` and ``route``; a route's lines for our own map."""

from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.answers import answer, limit
from api.errors import invalid, unknown
from api.formats import oba
from api.replica import Replica
from api.where import Ask
from domain import ids
from domain.errors import IdMalformed


def routes_for_agency(ask: Ask) -> bytes:
    """The agency's routes, in the order in which it wants them shown."""
    ask.served()
    found = ask.replica.by_code.get(ask.id)
    if found is None:
        raise unknown()
    served, agency = found
    bundle = served.bundle
    rows = [row for row in range(len(bundle.route_ids)) if bundle.route_agency[row] == agency]
    rows.sort(key=lambda row: (bundle.route_sort[row], row))
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
    return answer(request, body, public=True)

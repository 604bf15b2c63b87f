"""``stop``, ``stops-for-location`` and ``stops-for-route``."""

from api import params
from api.around import is_covered, modes_asked, modes_of, place_asked
from api.formats import oba
from api.served import Served
from api.where import Ask

DEFAULT_RADIUS_M = 500.0
QUERY_RADIUS_M = 10_000.0
"""With a stop code to look for. Source: OneBusAway, stops-for-location."""
MAX_COUNT = 250


def stop(ask: Ask) -> bytes:
    """One stop, with its routes, their agencies, its station, and what is said about it."""
    served, row = ask.stop()
    piece = served.fragments.stop(row)
    references = ask.references
    references.routes.update(piece.routes)
    references.agencies.update(piece.agencies)
    references.stops.update((key, value) for key, value in piece.stops.items() if key != piece.id)
    references.situations.update(served.notices.of_stop(row, ask.now_epoch_s).references)
    return ask.entry(piece.reference)


def stops_for_location(ask: Ask) -> bytes:
    """Stops within radius of a point, or in a box of latSpan by lonSpan, nearest first; ``query`` is a stop code."""
    query = ask.query
    code = params.text(query, "query")
    place = place_asked(query, QUERY_RADIUS_M if code else DEFAULT_RADIUS_M)
    max_count = params.integer(query, "maxCount", 100, 1, 1_000_000)
    modes = modes_asked(query)
    found: list[tuple[Served, int]] = []
    out_of_range = True
    for served in ask.served():
        params.instant_epoch_s(query, "time", served.bundle.time_zone)
        out_of_range &= not is_covered(served.bundle, place.lat, place.lon)
        found += [(served, row) for row in place.stops(served.bundle) if _is_wanted(served, row, code, modes)]
    if len(ask.replica.served) > 1:
        found.sort(key=lambda item: place.away_m(item[0].bundle.stop_lat[item[1]], item[0].bundle.stop_lon[item[1]]))
    limit = min(max_count, MAX_COUNT)
    shown = found[:limit]
    references = ask.references
    listed = set()
    for served, row in shown:
        piece = served.fragments.stop(row)
        listed.add(piece.id)
        references.add_stop(piece)
    for stop_id in listed:  # in the list, so only their stations are references
        references.stops.pop(stop_id, None)
    return oba.listing(
        [served.fragments.stop(row).reference for served, row in shown],
        ask.encoded_references(),
        limit_exceeded=len(found) > limit,
        out_of_range=out_of_range and not shown,
    )


def _is_wanted(served: Served, row: int, code: str, modes: frozenset[int]) -> bool:
    bundle = served.bundle
    if code and bundle.texts[bundle.stop_code[row]] != code and bundle.stop_ids[row] != code:
        return False
    if modes and not any(modes_of(bundle, route) & modes for route in served.fragments.routes_at(row)):
        return False
    return bool(code) or bundle.stop_location_type[row] == 0


def stops_for_route(ask: Ask) -> bytes:
    """A route's stops, as a whole and in order for each direction, with the lines its vehicles draw."""
    served, route = ask.route()
    with_lines = params.boolean(ask.query, "includePolylines", True)
    params.instant_epoch_s(ask.query, "time", served.bundle.time_zone)
    groups = served.fragments.directions(route)
    bundle, fragments = served.bundle, served.fragments
    stops: dict[int, None] = {}
    encoded, shapes = [], {}
    for group in groups:
        stops.update(dict.fromkeys(group.stops))
        shapes.update(dict.fromkeys(group.shapes))
        lines = [fragments.polyline(shape) for shape in group.shapes] if with_lines else []
        name = {"name": group.names[0], "names": list(group.names), "type": "destination"}
        encoded.append(
            b'{"id":%b,"name":%b,"polylines":%b,"stopIds":%b,"subGroups":[]}'
            % (
                oba.encode(group.direction),
                oba.encode(name),
                oba.array(lines),
                oba.array(fragments.stop(row).id for row in group.stops),
            )
        )
    for row in sorted(stops, key=lambda row: bundle.stop_ids[row]):
        ask.refer_to_stop(served, row)
    ask.refer_to_route(served, route)
    ask.references.situations.update(served.notices.of_route(route, ask.now_epoch_s).references)
    ordered = sorted((fragments.stop(row) for row in stops), key=lambda piece: piece.stop_id)
    return ask.entry(
        b'{"polylines":%b,"routeId":%b,"stopGroupings":[{"ordered":true,"stopGroups":%b,"type":"direction"}],"stopIds":%b}'
        % (
            oba.array(fragments.polyline(shape) for shape in shapes) if with_lines else oba.NONE,
            fragments.route(route).id,
            oba.array(encoded),
            oba.array(piece.id for piece in ordered),
        )
    )

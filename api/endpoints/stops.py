"""``stop``, ``stops-for-location`` and ``stops-for-route``."""

from math import cos, radians

import numpy as np

from api import params
from api.errors import invalid
from api.formats import oba
from api.fragments import METRES_PER_DEGREE, stops_within
from api.served import Served
from api.where import Ask

DEFAULT_RADIUS_M = 500.0
QUERY_RADIUS_M = 10_000.0
"""With a stop code to look for. Source: OneBusAway, stops-for-location."""
MAX_RADIUS_M = 20_000.0
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
    lat = params.required_number(query, "lat", -90, 90)
    lon = params.required_number(query, "lon", -180, 180)
    code = params.text(query, "query")
    radius_m = params.optional_number(query, "radius", 0, 1e9) or 0.0  # 0 is what a client sends for "none"
    lat_span = params.optional_number(query, "latSpan", 0, 180)
    lon_span = params.optional_number(query, "lonSpan", 0, 360)
    if lon_span is None:
        lon_span = params.optional_number(query, "lngSpan", 0, 360)
    max_count = params.integer(query, "maxCount", 100, 1, 1_000_000)
    modes = _modes(params.text(query, "routeType"))
    found: list[tuple[Served, int]] = []
    out_of_range = True
    for served in ask.served():
        out_of_range &= not _covers(served, lat, lon)
        if radius_m or not (lat_span and lon_span):
            radius_m = radius_m or (QUERY_RADIUS_M if code else DEFAULT_RADIUS_M)
            rows = stops_within(served.bundle, lat, lon, min(radius_m, MAX_RADIUS_M))
        else:
            rows = _in_box(served, lat, lon, lat_span, lon_span)
        found += [(served, row) for row in rows if _is_wanted(served, row, code, modes)]
    if len(ask.replica.served) > 1:
        found.sort(key=lambda item: _away_m(item[0], item[1], lat, lon))
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


def _modes(given: str) -> frozenset[int]:
    if not given:
        return frozenset()
    parts = given.split(",")
    try:
        if len(parts) > 100:
            raise ValueError
        return frozenset(int(part) for part in parts)
    except ValueError:
        raise invalid("routeType", f"expected at most 100 GTFS route types like 0,3, found {given[:40]!r}") from None


def _is_wanted(served: Served, row: int, code: str, modes: frozenset[int]) -> bool:
    bundle = served.bundle
    if code and bundle.texts[bundle.stop_code[row]] != code and bundle.stop_ids[row] != code:
        return False
    if modes and not any(bundle.route_mode[route] in modes for route in served.fragments.routes_at(row)):
        return False
    return bool(code) or bundle.stop_location_type[row] == 0


def _covers(served: Served, lat: float, lon: float) -> bool:
    """Is the point in, or within a stop's default radius of, the ground that the timetable's agencies serve?"""
    for bounds in served.bundle.meta["agency_bounds"]:
        if bounds is not None:
            south, west, north, east = bounds
            slack = DEFAULT_RADIUS_M / METRES_PER_DEGREE
            if south - slack <= lat <= north + slack and west - 2 * slack <= lon <= east + 2 * slack:
                return True
    return False


def _in_box(served: Served, lat: float, lon: float, lat_span: float, lon_span: float) -> list[int]:
    bundle = served.bundle
    rows = bundle.stops_within(lat - lat_span / 2, lon - lon_span / 2, lat + lat_span / 2, lon + lon_span / 2)
    shrink = cos(radians(lat))
    away = np.hypot(bundle.array("stop_lat")[rows] - lat, (bundle.array("stop_lon")[rows] - lon) * shrink)
    nearest: list[int] = rows[np.argsort(away, kind="stable")].tolist()
    return nearest


def _away_m(served: Served, row: int, lat: float, lon: float) -> float:
    north = (served.bundle.stop_lat[row] - lat) * METRES_PER_DEGREE
    east = (served.bundle.stop_lon[row] - lon) * METRES_PER_DEGREE * cos(radians(lat))
    return float(np.hypot(north, east))


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

"""``vehicles-for-agency`` and ``vehicle``, and vehicles on our own map."""

from math import isfinite
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api import params
from api.endpoints.answers import answer, limit
from api.endpoints.trips import vehicle_asked
from api.errors import unknown
from api.formats import geojson, oba
from api.live import Live, vehicle_rows_in
from api.replica import Replica
from api.served import Served
from api.status import OCCUPANCY, live_status, trip_ids_of_row, vehicle_id
from api.where import Ask
from domain.ids import qualify
from domain.realtime import NO_VALUE, OCCUPANCY_NAMES

ANY_AGE_S = 10**9


def vehicles_for_agency(ask: Ask) -> bytes:
    """The agency's vehicles that are heard of; none for an agency we do not know. A stale feed has no vehicles."""
    found = ask.replica.by_code.get(ask.id)
    if found is None:
        ask.served()
        return oba.listing((), ask.encoded_references(), out_of_range=False)
    served, agency = found
    params.instant_epoch_s(ask.query, "time", served.bundle.time_zone)
    age_s = params.integer(ask.query, "ageInSeconds", ANY_AGE_S, 0, ANY_AGE_S)
    oldest = ask.now_epoch_s - age_s
    live, usable = served.live_at(ask.now_epoch_s)
    if live is None or age_s != ANY_AGE_S:
        return _listing(ask, served, agency, live, usable, oldest)
    key = agency, usable, served.notices.revision(ask.now_epoch_s), ask.wants_references()
    listing = live.listings.get(key)
    if listing is None:
        listing = _listing(ask, served, agency, live, usable, oldest)
        live.listings.put(key, listing, len(listing))
    return listing


def _listing(
    ask: Ask, served: Served, agency: int, live: Live | None, usable: tuple[bool, ...], oldest_epoch_s: float
) -> bytes:
    rows: list[bytes] = []
    if live is not None:
        for vehicle in range(len(live.vehicle_ids)):
            if usable[live.vehicle_feed[vehicle]] and live.located_epoch_s[vehicle] >= oldest_epoch_s:
                row = live.vehicle_trip[vehicle]
                if agency_of(served, live, row) == agency:
                    rows.append(_vehicle(ask, served, live, vehicle, row))
    agency_id, reference = served.fragments.agencies[agency]
    ask.references.agencies[agency_id] = reference
    return oba.listing(rows, ask.encoded_references(), out_of_range=False)


def vehicle(ask: Ask) -> bytes:
    """One vehicle that is on a trip; 404 for one that is not: apps can only show it on its trip."""
    served, number, live = vehicle_asked(ask)
    row = live.vehicle_trip[number]
    if row < 0 or route_of(served, live, row) < 0 or live_status(served, live, row, ask.now_epoch_s) is None:
        raise unknown()
    return ask.entry(_vehicle(ask, served, live, number, row))


def agency_of(served: Served, live: Live, row: int) -> int:
    """The agency's row for a vehicle on the trip of that live row; the main agency's for one on no known route."""
    if row >= 0:
        route = route_of(served, live, row)
        if route >= 0:
            return served.bundle.route_agency[route]
    return served.bundle.main_agency


def route_of(served: Served, live: Live, row: int) -> int:
    """The route's row of a live row, or -1."""
    trip = live.trip[row]
    return served.bundle.trip_route[trip] if trip >= 0 else trip_ids_of_row(served, live, row)[2]


def _vehicle(ask: Ask, served: Served, live: Live, vehicle: int, row: int) -> bytes:
    located = live.located_epoch_s[vehicle]
    status = live_status(served, live, row, ask.now_epoch_s) if row >= 0 else None
    trip_id, phase, word, member, updated = oba.BLANK, oba.BLANK, b'"default"', b"", located
    if row >= 0:
        updated = max(updated, live.updated_epoch_s[row])
        trip_id, reference, route = trip_ids_of_row(served, live, row)
        if route >= 0:
            ask.references.trips[trip_id] = reference
            ask.refer_to_route(served, route)
        else:
            trip_id = oba.BLANK
    if status is not None:
        phase, word, member = status.phase, status.status, b'"tripStatus":%b,' % status.member
        for stop in status.stops:
            ask.refer_to_stop(served, stop)
        ask.references.situations.update(status.situations)
    occupancy = OCCUPANCY[live.occupancy[vehicle]] if live.occupancy[vehicle] >= 0 else oba.BLANK
    return (
        b'{"lastLocationUpdateTime":%d,"lastUpdateTime":%d,%b"occupancyCapacity":-1,"occupancyCount":-1,'
        b'"occupancyStatus":%b,"phase":%b,"status":%b,"tripId":%b,%b"vehicleId":%b}'
        % (
            located * 1000,
            updated * 1000,
            oba.location(b"location", live.lat[vehicle], live.lon[vehicle]),
            occupancy,
            phase,
            word,
            trip_id,
            member,
            vehicle_id(served, live, vehicle),
        )
    )


async def vehicles_geojson(request: Request) -> Response:
    """GET /api/v1/vehicles.geojson?bbox=west,south,east,north: live vehicles inside, on their routes' lines."""
    limit(request)
    state = request.app.state
    replica: Replica = state.replica
    box = params.box(dict(request.query_params)) if request.query_params.get("bbox") else (-90.0, -180.0, 90.0, 180.0)
    features: list[dict[str, Any]] = []
    for served in replica.served.values():
        live, usable = served.live_at(state.clock.now_epoch_s())
        if live is not None:
            rows = (row for row in vehicle_rows_in(live, box) if usable[live.vehicle_feed[row]])
            features += [_feature(served, live, vehicle) for vehicle in rows]
    return answer(request, geojson.collection(features), geojson.CONTENT_TYPE, public=True)


def _feature(served: Served, live: Live, vehicle: int) -> dict[str, Any]:
    on_shape = isfinite(live.snapped_lat[vehicle])
    lat = live.snapped_lat[vehicle] if on_shape else live.lat[vehicle]
    lon = live.snapped_lon[vehicle] if on_shape else live.lon[vehicle]
    row = live.vehicle_trip[vehicle]
    bearing = live.bearing_deg[vehicle]
    properties: dict[str, Any] = {
        "vehicleId": qualify(served.fragments.code, live.vehicle_ids[vehicle]),
        "label": live.vehicle_labels[vehicle],
        "locatedAt": live.located_epoch_s[vehicle] * 1000,
        "bearing": round(bearing) if isfinite(bearing) else None,
        "occupancy": OCCUPANCY_NAMES[live.occupancy[vehicle]] if live.occupancy[vehicle] >= 0 else "",
        "tripId": "",
        "routeId": "",
    }
    route = route_of(served, live, row) if row >= 0 else -1
    if row >= 0 and route >= 0:
        it = served.bundle.route(route)
        deviation = live.deviation_s[row]
        properties |= {
            "tripId": oba.decode_text(trip_ids_of_row(served, live, row)[0]),
            "routeId": served.fragments.route(route).route_id,
            "routeShortName": it.short_name or it.long_name,
            "color": it.color,
            "textColor": it.text_color,
            "deviation": None if deviation == NO_VALUE else deviation,
        }
    return geojson.point(lat, lon, properties)

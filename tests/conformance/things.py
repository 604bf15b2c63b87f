"""One of each thing of a city, for those who ask as an app does: found in the city's own tables, not by asking."""

from dataclasses import dataclass
from math import isfinite

from api.formats import oba
from api.status import trip_ids_of_row
from domain.ids import qualify
from domain.realtime import TripRelationship
from tests.conformance.cities import City


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """A vehicle under way, and what belongs to it. *position* is the 0-based place of the stop, its next but one."""

    agency_id: str
    agency_name: str
    route_id: str
    route_name: str
    trip_id: str
    service_date_ms: int
    vehicle_id: str
    lat: float
    lon: float
    stop_id: str
    stop_name: str
    stop_code: str
    stop_lat: float
    stop_lon: float
    position: int
    predicted_ms: int
    block_id: str
    shape_id: str


def things_of(city: City) -> Things:
    """Of the first vehicle on a scheduled trip that has a block, a shape and a predicted stop well ahead."""
    (served,) = city.application.replica.served.values()
    live, _ = served.live_at(city.now_epoch_s)
    assert live is not None
    bundle, fragments = served.bundle, served.fragments
    for vehicle, row in enumerate(live.vehicle_trip):
        trip = live.trip[row] if row >= 0 else -1
        if trip < 0 or live.own_calls[row] or live.relationship[row] != TripRelationship.SCHEDULED:
            continue
        position = live.next_position[vehicle] + 1
        if not (0 < position < live.calls(row) - 1) or not isfinite(live.snapped_lat[vehicle]):
            continue
        call = live.ptr[row] + position
        block, shape = bundle.trip_block[trip], bundle.trip_shape(trip)
        at = live.arrival_epoch_s[call]
        if not (live.told[call] and city.now_epoch_s < at < city.now_epoch_s + 1800 and block >= 0 and shape >= 0):
            continue
        stop, route = live.call_stop[call], bundle.trip_route[trip]
        agency = bundle.agency_of_route(route)
        it = bundle.stop(stop)
        return Things(
            agency_id=agency.code,
            agency_name=agency.name,
            route_id=fragments.route(route).route_id,
            route_name=bundle.texts[bundle.route_short_name[route]],
            trip_id=oba.decode_text(trip_ids_of_row(served, live, row)[0]),
            service_date_ms=bundle.day_start_epoch_s(live.day(row)) * 1000,
            vehicle_id=qualify(bundle.code, live.vehicle_ids[vehicle]),
            lat=live.snapped_lat[vehicle],
            lon=live.snapped_lon[vehicle],
            stop_id=qualify(bundle.code, bundle.stop_ids[stop]),
            stop_name=it.name,
            stop_code=it.code,
            stop_lat=it.lat,
            stop_lon=it.lon,
            position=position,
            predicted_ms=at * 1000,
            block_id=qualify(bundle.code, bundle.block_ids[block]),
            shape_id=qualify(bundle.code, bundle.shape_ids[shape]),
        )
    raise AssertionError(f"{city.name}: no vehicle is well under way")

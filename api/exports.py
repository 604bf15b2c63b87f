"""What we know of one agency, in the words of GTFS-realtime: our predictions with their bands, vehicles, notices.

Ids are raw, as the agency's schedule writes them, or qualified where the reader wants them so.
"""

from collections.abc import Callable
from math import isfinite

from api.formats.gtfs_realtime import AlertSaid, CallSaid, Informed, TripName, TripSaid, VehicleSaid
from api.live import GONE, Live
from api.served import Served
from api.status import trip_ids_of_row
from domain.ids import qualify
from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, TripRelationship
from domain.situation import Selector, Situation

DUPLICATED = int(TripRelationship.DUPLICATED)
SILENT = int(CallFlag.SKIPPED | CallFlag.NO_DATA)
PASSED = int(CallFlag.PASSED)


class Names:
    """How ids are written: raw, or with the code of their agency."""

    def __init__(self, served: Served, *, qualified: bool) -> None:
        self._served = served
        self.qualified = qualified
        own_code = served.fragments.code
        self.stop: Callable[[str], str] = lambda raw_id: qualify(own_code, raw_id) if qualified else raw_id
        self.vehicle = self.stop

    def of_route(self, route: int, raw_id: str) -> str:
        """*raw_id* of a route, or of a trip of it."""
        if not self.qualified:
            return raw_id
        return qualify(self._served.bundle.agency_of_route(route).code, raw_id)

    def of_agency(self, raw_id: str) -> str:
        """The code by which readers of the API know that agency: apps drop a notice of one they do not know."""
        return next((it.code for it in self._served.bundle.agencies if it.raw_id == raw_id), raw_id)


def trips_said(served: Served, live: Live, usable: tuple[bool, ...], *, agency: int, names: Names) -> list[TripSaid]:
    """Everything told live of the agency's trips; a cancelled trip says that and nothing else."""
    said = []
    for row, relationship in enumerate(live.relationship):
        route = _route_of(served, live, row)
        if route < 0 or served.bundle.route_agency[route] != agency or not usable[live.trip_feed[row]]:
            continue
        gone = relationship in GONE
        if not gone and not live.source[row]:
            continue
        vehicle, deviation = live.vehicle[row], live.deviation_s[row]
        name, new_trip_id = _named(served, live, row, route, names)
        said.append(
            TripSaid(
                name=name,
                new_trip_id=new_trip_id,
                vehicle=(names.vehicle(live.vehicle_ids[vehicle]), live.vehicle_labels[vehicle])
                if vehicle >= 0
                else None,
                updated_epoch_s=live.updated_epoch_s[row],
                delay_s=None if deviation == NO_VALUE else deviation,
                calls=[] if gone else _calls(served, live, row, names),
            )
        )
    return said


def _route_of(served: Served, live: Live, row: int) -> int:
    trip = live.trip[row]
    if trip >= 0 and row not in live.named:
        return served.bundle.trip_route[trip]
    return trip_ids_of_row(served, live, row)[2]


def _named(served: Served, live: Live, row: int, route: int, names: Names) -> tuple[TripName, str]:
    bundle, trip, said = served.bundle, live.trip[row], live.named.get(row, {})
    own_id = said.get("trip_id", "")
    raw_id = bundle.trip_ids[trip] if trip >= 0 else own_id
    direction = said.get("direction", "")
    frequent = trip >= 0 and bundle.trip_frequency[trip] >= 0
    is_copy = live.relationship[row] == DUPLICATED and trip >= 0
    name = TripName(
        trip_id=names.of_route(route, raw_id),
        route_id=names.of_route(route, bundle.route_ids[route]),
        direction=int(direction) if direction in ("0", "1") else (bundle.trip_direction[trip] if trip >= 0 else -1),
        start_date=live.service_date[row],
        start_time_s=_start_s(served, live, row) if frequent or is_copy else -1,
        relationship=live.relationship[row],
    )
    return name, names.of_route(route, own_id) if is_copy and own_id else ""


def _start_s(served: Served, live: Live, row: int) -> int:
    bundle, trip = served.bundle, live.trip[row]
    if live.own_calls[row] and live.calls(row):
        first = live.ptr[row]
        at = live.scheduled_epoch_s[first] or live.departure_epoch_s[first] or live.arrival_epoch_s[first]
        if at:
            return max(0, at - bundle.day_start_epoch_s(live.day(row)))
    return bundle.trip_start_s[trip]


def _calls(served: Served, live: Live, row: int, names: Names) -> list[CallSaid]:
    bundle, trip, said = served.bundle, live.trip[row], []
    own = bool(live.own_calls[row])
    first_row = bundle.call_row(trip) if trip >= 0 and not own else -1
    for call in range(live.ptr[row], live.ptr[row + 1]):
        flags, stop = live.flags[call], live.call_stop[call]
        arrival, departure = live.arrival_epoch_s[call], live.departure_epoch_s[call]
        if stop < 0 or flags & PASSED or not (arrival or departure or flags & SILENT):
            continue
        band_s = max(-live.early_s[call], live.late_s[call])
        position = call - live.ptr[row]
        said.append(
            CallSaid(
                sequence=bundle.pattern_sequence[first_row + position] if first_row >= 0 else position + 1,
                stop_id=names.stop(bundle.stop_ids[stop]),
                arrival_epoch_s=arrival,
                departure_epoch_s=departure,
                uncertainty_s=band_s if band_s > 0 else -1,
                flags=flags,
            )
        )
    return said


def vehicles_said(
    served: Served, live: Live, usable: tuple[bool, ...], *, agency: int, names: Names
) -> list[VehicleSaid]:
    """The agency's vehicles that are heard of; those on no known trip count to the main agency."""
    bundle, said = served.bundle, []
    for vehicle, raw_id in enumerate(live.vehicle_ids):
        if not usable[live.vehicle_feed[vehicle]] or not isfinite(live.lat[vehicle]):
            continue
        row = live.vehicle_trip[vehicle]
        route = _route_of(served, live, row) if row >= 0 else -1
        if (bundle.route_agency[route] if route >= 0 else bundle.main_agency) != agency:
            continue
        following = live.next_position[vehicle] if row >= 0 else -1
        stop = live.stop_at(bundle, row, following) if row >= 0 else -1
        timetabled = row >= 0 and live.trip[row] >= 0 and not live.own_calls[row]
        bearing, speed = live.bearing_deg[vehicle], live.speed_mps[vehicle]
        said.append(
            VehicleSaid(
                vehicle_id=names.vehicle(raw_id),
                label=live.vehicle_labels[vehicle],
                trip=_named(served, live, row, route, names)[0] if route >= 0 else None,
                lat=live.lat[vehicle],
                lon=live.lon[vehicle],
                bearing_deg=bearing if isfinite(bearing) else None,
                speed_mps=speed if isfinite(speed) else None,
                sequence=bundle.pattern_sequence[bundle.call_row(live.trip[row], following)]
                if timetabled and stop >= 0
                else -1,
                stop_id=names.stop(bundle.stop_ids[stop]) if stop >= 0 else "",
                located_epoch_s=live.located_epoch_s[vehicle],
                occupancy=live.occupancy[vehicle],
                percentage=live.occupancy_percentage[vehicle],
            )
        )
    return said


def notices_said(served: Served, now_epoch_s: float, *, agency: int, names: Names) -> list[AlertSaid]:
    """Notices that concern anything of the agency's and are not over."""
    return [
        AlertSaid(
            entity_id=names.stop(it.raw_id),
            periods=it.periods,
            informed=[_informed(served, selector, names) for selector in it.selectors],
            cause=it.cause,
            effect=it.effect,
            severity=it.severity,
            header=it.header,
            description=it.description,
            url=it.url,
        )
        for it in served.notices.situations
        if not _is_over(it, now_epoch_s) and any(_concerns(served, one, agency) for one in it.selectors)
    ]


def _is_over(it: Situation, now_epoch_s: float) -> bool:
    return bool(it.periods) and all(0 < period.end_epoch_s <= now_epoch_s for period in it.periods)


def _concerns(served: Served, selector: Selector, agency: int) -> bool:
    bundle = served.bundle
    if selector.agency_raw_id:
        return bundle.agencies[agency].raw_id == selector.agency_raw_id
    route = _route_named(served, selector)
    if route >= 0:
        return bundle.route_agency[route] == agency
    if selector.stop_raw_id:
        stop = bundle.stop_ids.index(selector.stop_raw_id)
        agencies = {bundle.route_agency[row] for row in served.fragments.routes_at(stop)} if stop is not None else set()
        return agency in (agencies or {bundle.main_agency})
    if selector.route_mode is not None:
        return any(bundle.route_mode[row] == selector.route_mode for row in served.fragments.routes_of(agency))
    return agency == bundle.main_agency


def _route_named(served: Served, selector: Selector) -> int:
    bundle = served.bundle
    if selector.route_raw_id:
        route = bundle.route_ids.index(selector.route_raw_id)
        return -1 if route is None else route
    if selector.trip_raw_id:
        trip = bundle.trip_ids.index(selector.trip_raw_id)
        return -1 if trip is None else bundle.trip_route[trip]
    return -1


def _informed(served: Served, selector: Selector, names: Names) -> Informed:
    route = _route_named(served, selector)
    return Informed(
        agency_id=names.of_agency(selector.agency_raw_id) if selector.agency_raw_id else "",
        route_id=(names.of_route(route, selector.route_raw_id) if route >= 0 else selector.route_raw_id)
        if selector.route_raw_id
        else "",
        route_mode=selector.route_mode,
        direction=selector.direction,
        stop_id=names.stop(selector.stop_raw_id) if selector.stop_raw_id else "",
        trip_id=(names.of_route(route, selector.trip_raw_id) if route >= 0 else selector.trip_raw_id)
        if selector.trip_raw_id
        else "",
        start_date=selector.trip_start_date,
    )

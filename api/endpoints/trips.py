"""``trip``, ``trip-details``, ``trip-for-vehicle``, ``trips-for-route`` and ``trips-for-location``."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from api import around, params
from api.errors import unknown
from api.formats import oba
from api.live import NO_ROW, Live
from api.running import Run, timetabled, under_way
from api.served import Served
from api.status import Status, live_status, row_times, scheduled_status, trip_ids_of_row
from api.visit_rows import frequency
from api.visits import Moment, moment
from api.where import Ask
from domain import service_day
from domain.ids import qualify
from domain.realtime import TripRelationship

DEFAULT_RADIUS_M = 500.0
DUPLICATED = int(TripRelationship.DUPLICATED)
MAX_TRIPS = 1_000_000
"""OneBusAway sets no limit of its own."""


class Parts(NamedTuple):
    """What of a trip's details is asked for."""

    trip: bool
    schedule: bool
    status: bool


def trip(ask: Ask) -> bytes:
    """One trip, of the timetable or of a realtime feed, with its route."""
    served, raw_id = ask.split("id", ask.id)
    rows = served.bundle.trip_rows(raw_id)
    if rows:
        piece = served.fragments.trip(rows[0])
        reference, route = piece.reference, piece.route
    else:
        when = moment(ask, served, None)
        run = _own_run(served, raw_id, when, None)
        if run is None or when.live is None:
            raise unknown()
        _, reference, route = trip_ids_of_row(served, when.live, run.row)
    ask.refer_to_route(served, route)
    return ask.entry(reference)


def trip_details(ask: Ask) -> bytes:
    """A trip on one day: its schedule, how it is doing, what is said about it."""
    served, raw_id = ask.split("id", ask.id)
    zone = served.bundle.time_zone
    parts = _parts(ask, Parts(trip=True, schedule=True, status=True))
    when = moment(ask, served, params.instant_epoch_s(ask.query, "time", zone))
    day = params.service_date(ask.query, "serviceDate", zone)
    run = _carried_run(ask, served, when, day) or _own_run(served, raw_id, when, day)
    run = run or _scheduled_run(served, raw_id, when, day)
    if run is None:
        raise unknown()
    return ask.entry(details(ask, served, run, when, parts))


def trip_for_vehicle(ask: Ask) -> bytes:
    """The trip that a vehicle is on. The schedule is in it unless it is unwanted: apps that ask without parameters
    cannot show the trip without one."""
    parts = _parts(ask, Parts(trip=False, schedule=True, status=True))
    served, vehicle, live = vehicle_asked(ask)
    row = live.vehicle_trip[vehicle]
    if row < 0:
        raise unknown()
    route = served.bundle.trip_route[live.trip[row]] if live.trip[row] >= 0 else trip_ids_of_row(served, live, row)[2]
    if route < 0:
        raise unknown()
    when = moment(ask, served, params.instant_epoch_s(ask.query, "time", served.bundle.time_zone))
    return ask.entry(details(ask, served, Run(timetabled(live, row), row, live.day(row), route), when, parts))


def vehicle_asked(ask: Ask) -> tuple[Served, int, Live]:
    """The timetable, the live row and the tick of the vehicle that the id names; 404 when nothing is heard of it."""
    served, raw_id = ask.split("id", ask.id)
    live, usable = served.live_at(ask.now_epoch_s)
    if live is not None:
        found = [
            vehicle
            for vehicle, vehicle_raw_id in enumerate(live.vehicle_ids)
            if vehicle_raw_id == raw_id and usable[live.vehicle_feed[vehicle]]
        ]
        if found:  # where two feeds use one id: the one that is on a trip, then the one heard of last
            best = max(found, key=lambda vehicle: (live.vehicle_trip[vehicle] >= 0, live.located_epoch_s[vehicle]))
            return served, best, live
    raise unknown()


def trips_for_route(ask: Ask) -> bytes:
    """The route's trips that are under way; none for a route of nobody's."""
    parts = _parts(ask, Parts(trip=True, schedule=True, status=True))
    served, route = ask.route()
    when = moment(ask, served, params.instant_epoch_s(ask.query, "time", served.bundle.time_zone))
    most = params.integer(ask.query, "maxCount", MAX_TRIPS, 1, 1_000_000)
    runs = [run for run in under_way(served, when) if run.route == route]
    rows = details_of(ask, served, when, runs[:most], parts)
    ask.refer_to_route(served, route)
    return oba.listing(rows, ask.encoded_references(), limit_exceeded=len(runs) > most, out_of_range=False)


def trips_for_location(ask: Ask) -> bytes:
    """Trips whose vehicle is, or should be, in a box of latSpan by lonSpan or within radius (at most 20 km)."""
    parts = _parts(ask, Parts(trip=True, schedule=False, status=False))
    place = around.place_asked(ask.query, DEFAULT_RADIUS_M, bounded=True)
    most = params.integer(ask.query, "maxCount", MAX_TRIPS, 1, 1_000_000)
    rows: list[bytes] = []
    found = 0
    reached = False
    for served in ask.served():
        when = moment(ask, served, params.instant_epoch_s(ask.query, "time", served.bundle.time_zone))
        reached |= around.is_covered(served.bundle, place.lat, place.lon)
        runs = [run for run in under_way(served, when) if _is_inside(ask, served, run, when, place)]
        rows += details_of(ask, served, when, runs[: max(most - found, 0)], parts)
        found += len(runs)
    return oba.listing(
        rows, ask.encoded_references(), limit_exceeded=found > most, out_of_range=not reached and not rows
    )


def _is_inside(ask: Ask, served: Served, run: Run, when: Moment, place: around.Place) -> bool:
    if run.trip >= 0 and run.row < 0 and not place.may_touch(served.fragments.bounds(run.trip)):
        return False
    status = _status(ask, served, run, when)
    return status is not None and place.holds(status.lat, status.lon)


def _parts(ask: Ask, default: Parts) -> Parts:
    query = ask.query
    return Parts(
        trip=params.boolean(query, "includeTrip", default.trip),
        schedule=params.boolean(query, "includeSchedule", default.schedule),
        status=params.boolean(query, "includeStatus", default.status),
    )


def details_of(ask: Ask, served: Served, when: Moment, runs: Iterable[Run], parts: Parts) -> list[bytes]:
    """Every run's details."""
    return [details(ask, served, run, when, parts) for run in runs]


def details(ask: Ask, served: Served, run: Run, when: Moment, parts: Parts) -> bytes:
    """One run's details, with all they refer to added to the references."""
    number = service_day.yyyymmdd(run.day)
    members = []
    if run.trip < 0 and when.live is not None:
        trip_id, reference, route = trip_ids_of_row(served, when.live, run.row)
        raw_id = own_raw_id(served, when.live, run.row)
        noticed = served.notices.of_added_call(raw_id, route, -1, number, when.epoch_s)
        frequent = oba.NULL
    else:
        piece = served.fragments.trip(run.trip)
        trip_id, reference, route = piece.id, piece.reference, piece.route
        noticed = served.notices.of_trip(run.trip, number, when.epoch_s)
        day_start = served.bundle.day_start_epoch_s(run.day)
        frequent = oba.NULL if piece.frequency < 0 else frequency(served, piece, day_start)
    members.append(b'"frequency":%b' % frequent)
    if parts.schedule:
        members.append(b'"schedule":%b' % _schedule(ask, served, run, when, frequent))
    members.append(b'"serviceDate":%d' % (served.bundle.day_start_epoch_s(run.day) * 1000))
    members.append(b'"situationIds":%b' % noticed.ids)
    status = _status(ask, served, run, when) if parts.status else None
    if status is not None:
        members.append(b'"status":%b' % status.member)
        _refer_to(ask, served, status)
    members.append(b'"tripId":%b' % trip_id)
    if parts.trip or parts.schedule:
        ask.references.trips[trip_id] = reference
        ask.refer_to_route(served, route)
    ask.references.situations.update(noticed.references)
    return b"{%b}" % b",".join(members)


def _refer_to(ask: Ask, served: Served, status: Status) -> None:
    for stop in status.stops:
        ask.refer_to_stop(served, stop)
    ask.references.trips.update(status.trips)
    ask.refer_to_route(served, status.route)
    ask.references.situations.update(status.situations)


def _status(ask: Ask, served: Served, run: Run, when: Moment) -> Status | None:
    if run.row >= 0 and when.live is not None:
        return live_status(served, when.live, run.row, ask.now_epoch_s)
    start = served.bundle.day_start_epoch_s(run.day)
    return scheduled_status(served, run.trip, service_day.yyyymmdd(run.day), start, when.epoch_s, any_time=True)


def _carried_run(ask: Ask, served: Served, when: Moment, day: date | None) -> Run | None:
    """The run that the vehicle named by ``vehicleId`` is on, where that is the trip asked for."""
    vehicle_id, live = params.text(ask.query, "vehicleId"), when.live
    if not vehicle_id or live is None:
        return None
    asked_id = oba.encode(ask.id)
    for vehicle, raw_id in enumerate(live.vehicle_ids):
        row = live.vehicle_trip[vehicle]
        if (
            row >= 0
            and when.usable[live.vehicle_feed[vehicle]]
            and qualify(served.fragments.code, raw_id) == vehicle_id
        ):
            trip_id, _, route = trip_ids_of_row(served, live, row)
            if route >= 0 and trip_id == asked_id and day in (None, live.day(row)):
                return Run(timetabled(live, row), row, live.day(row), route)
    return None


def _own_run(served: Served, raw_id: str, when: Moment, day: date | None) -> Run | None:
    """The run of a trip that lists its own calls, by the id its feed gave it: the timetable does not have it so."""
    live = when.live
    if live is None:
        return None
    for row in live.own_rows:
        name = live.named.get(row, {}).get("trip_id", "")
        if not name and live.relationship[row] == DUPLICATED:
            continue  # the timetable's own run has that id
        fits = own_raw_id(served, live, row) == raw_id and day in (None, live.day(row))
        if fits and when.usable[live.trip_feed[row]]:
            route = trip_ids_of_row(served, live, row)[2]
            if route >= 0:
                return Run(-1, row, live.day(row), route)
    return None


def own_raw_id(served: Served, live: Live, row: int) -> str:
    """The raw trip id of a live row: its own, or the timetable's."""
    trip = live.trip[row]
    return live.named.get(row, {}).get("trip_id", "") or (served.bundle.trip_ids[trip] if trip >= 0 else "")


def _scheduled_run(served: Served, raw_id: str, when: Moment, day: date | None) -> Run | None:
    """The run asked for: on *day*, else the one nearest to the moment on any day around it, else the trip at all."""
    bundle, live = served.bundle, when.live
    rows = bundle.trip_rows(raw_id)
    if not rows:
        return None
    route = bundle.trip_route[rows[0]]
    around_it = (int(when.epoch_s) - 86_400, int(when.epoch_s) + 86_400)
    days = [day] if day is not None else bundle.service_days_around(*around_it)
    best: tuple[float, Run] | None = None
    for candidate in days:
        active, start = bundle.active(candidate), bundle.day_start_epoch_s(candidate)
        for trip in rows:
            calls = bundle.trip_length(trip)
            if not (active[bundle.trip_service[trip]] and calls):
                continue
            begins, ends = start + bundle.trip_start_s[trip], start + bundle.arrival_s(trip, calls - 1)
            away_s = max(begins - when.epoch_s, when.epoch_s - ends, 0.0)
            row = NO_ROW
            if live is not None:
                row = live.row_of(trip, service_day.yyyymmdd(candidate))
                if row >= 0 and not when.usable[live.trip_feed[row]]:
                    row = NO_ROW
                if row >= 0:
                    away_s = -1.0
            if best is None or away_s < best[0]:
                best = away_s, Run(trip, max(row, NO_ROW), candidate, route)
    if best is not None:
        return best[1]
    if day is not None:
        return None
    return Run(rows[0], NO_ROW, service_day.local_date(when.epoch_s, bundle.time_zone), route)


def _usual(served: Served, run: Run, service_time_s: int) -> bytes:
    return served.usual_occupancy(run.trip, run.day, service_time_s).encode() if run.trip >= 0 else b""


def _schedule(ask: Ask, served: Served, run: Run, when: Moment, frequent: bytes) -> bytes:
    bundle, fragments = served.bundle, served.fragments
    following = before = ""
    headsigns: list[bytes]
    if run.trip >= 0:
        stops = bundle.trip_stops(run.trip).tolist()
        arrivals, departures = bundle.trip_arrivals_s(run.trip).tolist(), bundle.trip_departures_s(run.trip).tolist()
        metres = bundle.trip_distances_m(run.trip).tolist()
        first = bundle.call_row(run.trip)
        headsigns = [fragments.headsign_text(bundle.pattern_headsign[first + k]) for k in range(len(stops))]
        block = bundle.trip_block[run.trip]
        order = list(fragments.block_day(block, run.day)) if block >= 0 else []
        if run.trip in order:
            place = order.index(run.trip)
            before = fragments.trip_id(order[place - 1]) if place else ""
            following = fragments.trip_id(order[place + 1]) if place + 1 < len(order) else ""
    else:
        assert when.live is not None
        live, start = when.live, bundle.day_start_epoch_s(run.day)
        told_arrivals, told_departures, metres = row_times(served, live, run.row)
        arrivals = [at - start for at in told_arrivals]
        departures = [at - start for at in told_departures]
        stops = [live.stop_at(bundle, run.row, k) for k in range(len(arrivals))]
        headsigns = [oba.BLANK] * len(stops)
    for trip_id in (before, following):
        if trip_id:
            found = bundle.trip_ids.index(trip_id.partition("_")[2])
            if found is not None:
                ask.refer_to_trip(served, found)
    calls = []
    for stop, arrival, departure, metre, headsign in zip(stops, arrivals, departures, metres, headsigns, strict=True):
        if stop < 0:
            continue
        ask.refer_to_stop(served, stop)
        calls.append(
            b'{"arrivalTime":%d,"departureTime":%d,"distanceAlongTrip":%b,"historicalOccupancy":"%b",'
            b'"stopHeadsign":%b,"stopId":%b}'
            % (arrival, departure, oba.decimal(metre), _usual(served, run, arrival), headsign, fragments.stop(stop).id)
        )
    return b'{"frequency":%b,"nextTripId":%b,"previousTripId":%b,"stopTimes":%b,"timeZone":%b}' % (
        frequent,
        oba.encode(following),
        oba.encode(before),
        oba.array(calls),
        oba.encode(bundle.time_zone),
    )

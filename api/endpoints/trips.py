"""``trip-details``."""

from datetime import date
from typing import NamedTuple

from api import params
from api.errors import unknown
from api.formats import oba
from api.live import NO_ROW
from api.served import Served
from api.status import Status, live_status, row_times, scheduled_status, trip_ids_of_row
from api.visits import Moment, frequency, moment
from api.where import Ask
from domain import service_day


class _Run(NamedTuple):
    """One run of a trip: *trip* is its row or -1, *row* its live row or -1."""

    trip: int
    row: int
    day: date


def trip_details(ask: Ask) -> bytes:
    """A trip on one day: its schedule, how it is doing, what is said about it."""
    query = ask.query
    served, raw_id = ask.split("id", ask.id)
    zone = served.bundle.time_zone
    with_trip = params.boolean(query, "includeTrip", True)
    with_schedule = params.boolean(query, "includeSchedule", True)
    with_status = params.boolean(query, "includeStatus", True)
    when = moment(ask, served, params.instant_epoch_s(query, "time", zone))
    day = params.service_date(query, "serviceDate", zone)
    run = _own_run(served, raw_id, when, day) or _scheduled_run(served, raw_id, when, day)
    if run is None:
        raise unknown()
    number = service_day.yyyymmdd(run.day)
    status = _status(ask, served, run, when)
    members = []
    if run.row >= 0 and run.trip < 0 and when.live is not None:
        trip_id, reference, route = trip_ids_of_row(served, when.live, run.row)
        noticed = served.notices.of_added_call(raw_id, route, -1, number, when.epoch_s)
        frequent = oba.NULL
    else:
        piece = served.fragments.trip(run.trip)
        trip_id, reference, route = piece.id, piece.reference, piece.route
        noticed = served.notices.of_trip(run.trip, number, when.epoch_s)
        day_start = served.bundle.day_start_epoch_s(run.day)
        frequent = oba.NULL if piece.frequency < 0 else frequency(served, piece, day_start)
    members.append(b'"frequency":%b' % frequent)
    if with_schedule:
        members.append(b'"schedule":%b' % _schedule(ask, served, run, when, frequent))
    members.append(b'"serviceDate":%d' % (served.bundle.day_start_epoch_s(run.day) * 1000))
    members.append(b'"situationIds":%b' % noticed.ids)
    if with_status and status is not None:
        members.append(b'"status":%b' % status.member)
        _refer_to(ask, served, status)
    members.append(b'"tripId":%b' % trip_id)
    if with_trip:
        ask.references.trips[trip_id] = reference
        ask.refer_to_route(served, route)
    ask.references.situations.update(noticed.references)
    return ask.entry(b"{%b}" % b",".join(members))


def _refer_to(ask: Ask, served: Served, status: Status) -> None:
    for stop in status.stops:
        ask.refer_to_stop(served, stop)
    ask.references.trips.update(status.trips)
    ask.refer_to_route(served, status.route)
    ask.references.situations.update(status.situations)


def _status(ask: Ask, served: Served, run: _Run, when: Moment) -> Status | None:
    if run.row >= 0 and when.live is not None:
        return live_status(served, when.live, run.row, ask.now_epoch_s)
    start = served.bundle.day_start_epoch_s(run.day)
    return scheduled_status(served, run.trip, service_day.yyyymmdd(run.day), start, when.epoch_s, any_time=True)


def _own_run(served: Served, raw_id: str, when: Moment, day: date | None) -> _Run | None:
    """The run of a trip that only a realtime feed knows, by the id it gave it."""
    live = when.live
    if live is None:
        return None
    for row, names in live.named.items():
        fits = names.get("trip_id") == raw_id and day in (None, live.day(row)) and when.usable[live.trip_feed[row]]
        if fits and trip_ids_of_row(served, live, row)[2] >= 0:
            return _Run(-1, row, live.day(row))
    return None


def _scheduled_run(served: Served, raw_id: str, when: Moment, day: date | None) -> _Run | None:
    """The run asked for: on *day*, else the one nearest to the moment on any day around it, else the trip at all."""
    bundle, live = served.bundle, when.live
    rows = bundle.trip_rows(raw_id)
    if not rows:
        return None
    around = (int(when.epoch_s) - 86_400, int(when.epoch_s) + 86_400)
    days = [day] if day is not None else bundle.service_days_around(*around)
    best: tuple[float, _Run] | None = None
    for candidate in days:
        active, start = bundle.active(candidate), bundle.day_start_epoch_s(candidate)
        for trip in rows:
            calls = bundle.trip_length(trip)
            if not (active[bundle.trip_service[trip]] and calls):
                continue
            begins, ends = start + bundle.trip_start_s[trip], start + bundle.arrival_s(trip, calls - 1)
            away_s = max(begins - when.epoch_s, when.epoch_s - ends, 0.0)
            row = -1
            if live is not None:
                row = live.row_of(trip, service_day.yyyymmdd(candidate))
                if row >= 0 and not when.usable[live.trip_feed[row]]:
                    row = NO_ROW
                if row >= 0:
                    away_s = -1.0
            if best is None or away_s < best[0]:
                best = away_s, _Run(trip, max(row, -1), candidate)
    if best is not None:
        return best[1]
    if day is not None:
        return None
    return _Run(rows[0], -1, service_day.local_date(when.epoch_s, bundle.time_zone))


def _schedule(ask: Ask, served: Served, run: _Run, when: Moment, frequent: bytes) -> bytes:
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
            b'{"arrivalTime":%d,"departureTime":%d,"distanceAlongTrip":%b,"historicalOccupancy":"",'
            b'"stopHeadsign":%b,"stopId":%b}'
            % (arrival, departure, oba.decimal(metre), headsign, fragments.stop(stop).id)
        )
    return b'{"frequency":%b,"nextTripId":%b,"previousTripId":%b,"stopTimes":%b,"timeZone":%b}' % (
        frequent,
        oba.encode(following),
        oba.encode(before),
        oba.array(calls),
        oba.encode(bundle.time_zone),
    )

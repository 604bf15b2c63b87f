"""Which visit is meant: of a trip, on a day, at a stop, at one place of the trip's calls, by one vehicle."""

from datetime import date, timedelta
from math import inf
from typing import NamedTuple

from api import params
from api.errors import invalid, unknown
from api.listed_once import leaves_epoch_s
from api.references import TripPiece
from api.served import Served
from api.visits import Moment, Visit, moment, scheduled_visit
from api.where import Ask
from domain import service_day
from domain.ids import qualify


class Wanted(NamedTuple):
    """Which visit is asked for."""

    stops: tuple[int, ...]
    day: date
    sequence: int
    """0-based position, -1 for any."""


class Asked(NamedTuple):
    """One visit that is asked about: where it was looked for, and what was found, the likeliest first."""

    served: Served
    stop: int
    when: Moment
    trip_raw_id: str
    wanted: Wanted
    visits: list[Visit]


def visits_asked(ask: Ask) -> Asked:
    """The visits that ``tripId``, ``serviceDate``, ``stopSequence`` and ``vehicleId`` may mean at the stop."""
    query = ask.query
    ask.with_intervals = params.boolean(query, "includeIntervals", False)
    served, stop = ask.stop()
    zone = served.bundle.time_zone
    asked_trip = params.text(query, "tripId")
    if not asked_trip:
        raise invalid("tripId", "required: agency code, underscore, trip id")
    trip_served, trip_raw_id = ask.split("tripId", asked_trip)
    when = moment(ask, served, params.instant_epoch_s(query, "time", zone))
    day = params.service_date(query, "serviceDate", zone)
    sequence = params.integer(query, "stopSequence", -1, -1, 10_000)
    vehicle = params.text(query, "vehicleId")
    if trip_served is not served:  # a place that both know?
        known = dict(served.together.get(stop, ()))
        if trip_served.bundle.feed_id not in known:
            raise unknown()
        served, stop = trip_served, known[trip_served.bundle.feed_id]
        when = moment(ask, served, params.instant_epoch_s(query, "time", zone))
    same = [row for feed_id, row in served.together.get(stop, ()) if feed_id == served.bundle.feed_id]
    stops = tuple(row for one in (stop, *same) for row in served.fragments.platforms(one))
    today = service_day.local_date(when.epoch_s, zone)
    wanted = Wanted(stops, day or today, sequence)
    found = _visits_of(served, when, trip_raw_id, wanted)
    if day is None:  # what began yesterday may still be under way, or just over
        before = wanted._replace(day=today - timedelta(days=1))
        still = _visits_of(served, when, trip_raw_id, before)
        still = [visit for visit in still if service_day.local_date(visit.at_epoch_s, zone) >= today]
        if still and _nearest_s(still, when) < _nearest_s(found, when):
            found, wanted = still, before
    if vehicle and when.live is not None:
        live, code = when.live, served.fragments.code
        carried = [
            v
            for v in found
            if v.row >= 0
            and live.vehicle[v.row] >= 0
            and qualify(code, live.vehicle_ids[live.vehicle[v.row]]) == vehicle
        ]
        found = carried or found
    # Where several fit (a loop, the runs of a frequency-based trip), the next to come, else the last that came.
    found.sort(key=lambda v: (leaves_epoch_s(v, when) < when.epoch_s, abs(v.at_epoch_s - when.epoch_s)))
    return Asked(served, stop, when, trip_raw_id, wanted, found)


def _visits_of(served: Served, when: Moment, trip_raw_id: str, wanted: Wanted) -> list[Visit]:
    return _scheduled(served, when, trip_raw_id, wanted) + _own(served, when, trip_raw_id, wanted)


def _nearest_s(visits: list[Visit], when: Moment) -> float:
    """How far the nearest in time is off."""
    return min((abs(visit.at_epoch_s - when.epoch_s) for visit in visits), default=inf)


def visits_by_timetable(asked: Asked) -> list[Visit]:
    """The same by the timetable alone, whatever is told live: also calls that are skipped or trips taken back."""
    return _scheduled(asked.served, Moment(asked.when.epoch_s, None, ()), asked.trip_raw_id, asked.wanted)


def _scheduled(served: Served, when: Moment, trip_raw_id: str, wanted: Wanted) -> list[Visit]:
    bundle, found = served.bundle, []
    active, start = bundle.active(wanted.day), bundle.day_start_epoch_s(wanted.day)
    for trip in bundle.trip_rows(trip_raw_id):
        if not active[bundle.trip_service[trip]]:
            continue
        piece: TripPiece = served.fragments.trip(trip)
        positions = range(piece.calls) if wanted.sequence < 0 else range(wanted.sequence, wanted.sequence + 1)
        for position in positions:
            if position >= piece.calls:
                break
            stop = bundle.pattern_stop[piece.call_row + position]
            visit = scheduled_visit(when, trip, position, stop, wanted.day, start + bundle.arrival_s(trip, position))
            if visit is not None and (stop in wanted.stops or visit.stop in wanted.stops):
                found.append(visit)
    return found


def _own(served: Served, when: Moment, trip_raw_id: str, wanted: Wanted) -> list[Visit]:
    live = when.live
    if live is None:
        return []
    found = []
    for row in live.own_rows:
        trip = live.trip[row]
        raw = live.named.get(row, {}).get("trip_id", "") or (served.bundle.trip_ids[trip] if trip >= 0 else "")
        if raw != trip_raw_id or live.day(row) != wanted.day or not when.usable[live.trip_feed[row]]:
            continue
        for call in range(live.ptr[row], live.ptr[row + 1]):
            position = call - live.ptr[row]
            if live.call_stop[call] in wanted.stops and wanted.sequence in (-1, position) and live.told[call]:
                at = live.arrival_epoch_s[call] or live.departure_epoch_s[call] or live.scheduled_epoch_s[call]
                found.append(Visit(at, trip, position, live.call_stop[call], wanted.day, row, call, False))
    return found

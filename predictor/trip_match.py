"""Which run of the timetable a realtime trip or vehicle speaks of: trip row and service date, or none.

A wrong "your bus is coming" is worse than none, so every rule asks for one candidate and gives up on two:

1. ``trip_id`` as written, or without an agency's id before it. Runs of a frequency-based trip are told apart by
   ``start_time``.
2. Without a known trip_id: route, start_time, direction where given; if several trips still fit, the first stop.

The service day is ``start_date`` when the trip's service runs then. Feeds that write the calendar date after midnight
mean the day before; that is believed only if the trip does not run on the date written, but ran the day before past
midnight. Without start_date it is the day on which the run is nearest to now. A vehicle that is on the road now cannot be
on a run that is hours away: when the same trip is under way by the date before or after, that date is meant.
Source: GTFS-realtime reference, message TripDescriptor ("alternative trip matching").
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Protocol

import numpy as np

from domain import service_day
from domain.realtime import NO_VALUE, Bools, Floats, Int32s, Int64s, TripRelationship, UInt8s
from predictor.schedule import Schedule

NEAR_S = 6 * 3600
"""Without start_date: a run that starts later or ended earlier than this from now is not the one spoken of."""

UNDER_WAY_S = 3600
"""A run that starts no later, or ended no earlier, may have a vehicle on it now."""


class Unmatched(IntEnum):
    """Why a realtime trip has no run in the timetable; a closed set, for counting."""

    MATCHED = 0
    NO_TRIP = 1
    """It names no trip at all (a vehicle out of service)."""
    UNKNOWN_TRIP = 2
    AMBIGUOUS = 3
    """More than one run fits what is said."""
    NOT_THAT_DAY = 4
    """The trip is known but does not run on the day it is said to."""
    EXTRA = 5
    """Added by the agency: not meant to be in the timetable."""


class Descriptors(Protocol):
    """The columns of a TripDescriptor, as TripUpdates and Vehicles have them."""

    @property
    def trip_ids(self) -> list[str]:
        """Raw trip ids, blank for none."""

    @property
    def route_ids(self) -> list[str]:
        """Raw route ids, blank for none."""

    @property
    def direction(self) -> Int32s:
        """0, 1 or NO_VALUE."""

    @property
    def start_date(self) -> Int32s:
        """The date as yyyymmdd, or 0."""

    @property
    def start_time_s(self) -> Int32s:
        """ServiceTime or NO_VALUE."""

    @property
    def relationship(self) -> UInt8s:
        """TripRelationship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """One row a descriptor."""

    trip: Int32s
    """Row of the run, or -1."""
    service_date: Int32s
    """yyyymmdd; 0 without a run."""
    why: UInt8s
    """Unmatched."""
    base_epoch_s: Int64s
    """What the profile's times count from: the run's first departure. 0 without a run."""


ADDS = (TripRelationship.ADDED, TripRelationship.NEW)
"""Trips that are not in the timetable by definition, whatever their trip_id looks like."""


def match(
    schedule: Schedule,
    described: Descriptors,
    now_epoch_s: float,
    first_stops: Callable[[], Int32s] | None = None,
    *,
    here_and_now: bool = False,
) -> Matched:
    """The run of each descriptor; *first_stops* (stop rows, -1 unknown) help where no trip_id does.

    *here_and_now*: they are vehicles on the road; a trip update may speak of a run that is a day away.
    """
    n = len(described.trip_ids)
    spans = schedule.all_trips_named(described.trip_ids)
    trip: Int32s = spans[:, 0].copy()
    runs = spans[:, 1] - spans[:, 0]
    why = np.zeros(n, np.uint8)
    blank = np.fromiter((not trip_id for trip_id in described.trip_ids), bool, n)
    why[trip < 0] = Unmatched.UNKNOWN_TRIP
    extra = np.isin(described.relationship, ADDS)
    trip[extra] = -1
    why[extra] = Unmatched.EXTRA
    for row in np.flatnonzero((trip >= 0) & (runs > 1)).tolist():
        trip[row] = _run_of_frequency(schedule, range(*spans[row].tolist()), described, row)
        why[row] = Unmatched.MATCHED if trip[row] >= 0 else Unmatched.AMBIGUOUS
    date, fits = _service_dates(schedule, trip, described, now_epoch_s)
    if here_and_now:
        _move_to_the_day_under_way(schedule, trip, date, fits, now_epoch_s)
    why[(trip >= 0) & ~fits] = Unmatched.NOT_THAT_DAY
    trip[~fits] = -1
    unknown = np.flatnonzero(why == Unmatched.UNKNOWN_TRIP).tolist()
    first = first_stops() if first_stops is not None and unknown else np.full(n, -1, np.int32)
    for row in unknown:
        stop = int(first[row])
        trip[row], date[row] = _by_route_and_time(schedule, described, row, now_epoch_s, stop)
        why[row] = Unmatched.MATCHED if trip[row] >= 0 else (Unmatched.NO_TRIP if blank[row] else why[row])
    found = trip >= 0
    date[~found] = 0
    base = np.zeros(n, np.int64)
    starts = schedule.trip_start_s[trip[found]].astype(np.int64)
    said = described.start_time_s[found]
    starts = np.where(schedule.is_inexact(trip[found]) & (said != NO_VALUE), said, starts)
    base[found] = schedule.starts_epoch_s(date[found]) + starts
    return Matched(trip=trip, service_date=date, why=why, base_epoch_s=base)


def _run_of_frequency(schedule: Schedule, rows: range, described: Descriptors, row: int) -> int:
    """The run that starts at start_time; of a frequency without exact times the one next to it, within its headway."""
    said = int(described.start_time_s[row])
    if said == NO_VALUE:
        return -1
    starts = schedule.trip_start_s[rows.start : rows.stop]
    nearest = rows.start + int(np.argmin(np.abs(starts - said)))
    away_s = abs(int(schedule.trip_start_s[nearest]) - said)
    frequency = int(schedule.trip_frequency[nearest])
    slack_s = 0 if schedule.frequency_exact[frequency] else int(schedule.frequency_headway_s[frequency])
    return nearest if away_s <= slack_s else -1


def _service_dates(
    schedule: Schedule, trip: Int32s, described: Descriptors, now_epoch_s: float
) -> tuple[Int32s, Bools]:
    """Service date of each run, and whether it runs then."""
    date = np.zeros(len(trip), np.int32)
    fits = np.zeros(len(trip), bool)
    known = trip >= 0
    service = np.where(known, schedule.trip_service[np.maximum(trip, 0)], 0)
    if not known.any():
        return date, fits
    for number in np.unique(described.start_date[known]).tolist():
        rows = np.flatnonzero(known & (described.start_date == number))
        if number == 0:
            date[rows], fits[rows] = _nearest_days(schedule, trip[rows], now_epoch_s)
            continue
        date[rows] = number
        fits[rows] = schedule.runs_on(number)[service[rows]]
        late = rows[~fits[rows]]
        if len(late):
            before = _day_before(number)
            ends = schedule.trip_start_s[trip[late]] + schedule.duration_s(trip[late])
            moved = late[(ends >= 86_400) & schedule.runs_on(before)[service[late]]]
            date[moved] = before
            fits[moved] = True
    return date, fits


def _move_to_the_day_under_way(schedule: Schedule, trip: Int32s, date: Int32s, fits: Bools, now_epoch_s: float) -> None:
    """Where the run is more than NEAR_S away but under way by the date before or after, set that *date* and *fits*."""
    known = np.flatnonzero((trip >= 0) & (date > 0))
    for number in np.unique(date[known]).tolist():
        rows = known[date[known] == number]
        rows = rows[away_s(schedule, trip[rows], number, now_epoch_s) > NEAR_S]
        for other in (_day_before(number), _day_after(number)) if len(rows) else ():
            runs = schedule.runs_on(other)[schedule.trip_service[trip[rows]]] if other else np.zeros(len(rows), bool)
            moved = rows[runs & (away_s(schedule, trip[rows], other, now_epoch_s) <= UNDER_WAY_S)]
            date[moved], fits[moved] = other, True


def away_s(schedule: Schedule, trip: Int32s, number: int, now_epoch_s: float) -> Floats:
    """Seconds until each run starts on that day, or since it ended; 0 while it is under way."""
    try:
        now_s = now_epoch_s - schedule.start_epoch_s(number)
    except ValueError:
        return np.full(len(trip), np.inf)
    start_s = schedule.trip_start_s[trip].astype(np.float64)
    away: Floats = np.maximum(np.maximum(start_s - now_s, now_s - (start_s + schedule.duration_s(trip))), 0.0)
    return away


def _day_after(number: int) -> int:
    try:
        return service_day.yyyymmdd(service_day.from_yyyymmdd(number) + timedelta(days=1))
    except (ValueError, OverflowError):
        return 0


def _day_before(number: int) -> int:
    try:
        return service_day.yyyymmdd(service_day.from_yyyymmdd(number) - timedelta(days=1))
    except (ValueError, OverflowError):
        return 0


def _nearest_days(schedule: Schedule, trip: Int32s, now_epoch_s: float) -> tuple[Int32s, Bools]:
    """The day on which each run is nearest to now: under way counts 0; of two under way, the later start."""
    best = np.full(len(trip), np.inf)
    date = np.zeros(len(trip), np.int32)
    service = schedule.trip_service[trip]
    for number in schedule.days_near(now_epoch_s):
        wait_s = away_s(schedule, trip, number, now_epoch_s)
        better = schedule.runs_on(number)[service] & (wait_s <= best)
        best[better] = wait_s[better]
        date[better] = number
    return date, best <= NEAR_S


def _by_route_and_time(
    schedule: Schedule, described: Descriptors, row: int, now_epoch_s: float, first_stop: int
) -> tuple[int, int]:
    """(trip, service date) of the only trip of the route that starts then, or (-1, 0)."""
    route_id, said = described.route_ids[row], int(described.start_time_s[row])
    if not route_id or said == NO_VALUE:
        return -1, 0
    route = int(schedule.routes_named([route_id])[0])
    if route < 0:
        return -1, 0
    trips = schedule.route_trips[schedule.route_trip_ptr[route] : schedule.route_trip_ptr[route + 1]]
    trips = trips[schedule.trip_start_s[trips] == said]
    direction = int(described.direction[row])
    if direction != NO_VALUE:
        trips = trips[schedule.trip_direction[trips] == direction]
    number = int(described.start_date[row])
    if number:
        trips = trips[schedule.runs_on(number)[schedule.trip_service[trips]]]
        dates = np.full(len(trips), number, np.int32)
    else:
        dates, fits = _nearest_days(schedule, trips, now_epoch_s)
        trips, dates = trips[fits], dates[fits]
    if len(trips) > 1 and first_stop >= 0:
        first = schedule.pattern_stop[schedule.pattern_ptr[schedule.pattern_of(trips)]]
        trips, dates = trips[first == first_stop], dates[first == first_stop]
    return (int(trips[0]), int(dates[0])) if len(trips) == 1 else (-1, 0)

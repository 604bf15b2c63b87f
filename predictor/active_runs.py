"""The runs of a timetable that may have a vehicle now, and the duties that they are parts of."""

from dataclasses import dataclass, field

import numpy as np

from domain.realtime import Int32s, Int64s
from predictor.calls import Calls, calls_of
from predictor.schedule import Schedule

LATE_S = 40 * 60
"""A vehicle that would be later than that is on another run."""
WAITS_S = 30 * 60
"""A vehicle at the start of a run may wait for its departure so long."""
SPARE_DUTIES = 1_000
"""Duties of days gone by are forgotten when there are so many more than twice those of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """Runs that may have a vehicle now, by the line they drive on."""

    trip: Int32s
    date: Int32s
    calls: Calls
    duty: Int64s
    """Number of each run's duty."""
    line: Int64s
    """``pattern_shape``, or ``-2 - pattern`` without one; the runs are sorted by it."""

    def name(self, row: int) -> tuple[int, int]:
        """Trip and service date of a row."""
        return int(self.trip[row]), int(self.date[row])

    def starts_epoch_s(self, row: int) -> int:
        """When the run of a row leaves its first call."""
        return int(self.calls.departure_epoch_s[self.calls.ptr[row]])


@dataclass(slots=True)
class Duties:
    """A block on a day, or a run that belongs to none, by number; numbers are never used twice."""

    numbers: dict[int, int] = field(default_factory=dict)
    """Key of a duty to its number."""
    numbered: int = 0

    def number(self, keys: Int64s) -> Int64s:
        """The number of each; who has none is given the next."""
        for key in keys.tolist():
            if key not in self.numbers:
                self.numbers[key] = self.numbered
                self.numbered += 1
        return np.array([self.numbers[key] for key in keys.tolist()], np.int64)

    def forget_before(self, date: int) -> None:
        """Forget those of earlier days."""
        self.numbers = {key: number for key, number in self.numbers.items() if key >> 34 >= date}


def duty_keys(schedule: Schedule, trip: Int32s, date: Int32s) -> Int64s:
    """The key of the duty that each run is part of: the day above bit 34, then block or trip."""
    block = schedule.trip_block[trip].astype(np.int64)
    own = (trip.astype(np.int64) << 1) | 1
    keys: Int64s = (date.astype(np.int64) << 34) | np.where(block >= 0, block << 1, own)
    return keys


def active_runs(schedule: Schedule, duties: Duties, now_epoch_s: float) -> Active:
    """The runs with times of their own that are under way, soon to begin, or not long over."""
    trips, dates, bases = [], [], []
    exact = np.flatnonzero(~schedule.is_inexact(np.arange(len(schedule.trip_start_s), dtype=np.int32)))
    start, duration = schedule.trip_start_s[exact], schedule.duration_s(exact.astype(np.int32))
    days = schedule.days_near(now_epoch_s)
    for number in days:
        day = schedule.start_epoch_s(number)
        now_s = now_epoch_s - day
        runs = schedule.runs_on(number)[schedule.trip_service[exact]]
        here = exact[runs & (start - WAITS_S <= now_s) & (now_s <= start + duration + LATE_S)]
        trips.append(here)
        dates.append(np.full(len(here), number))
        bases.append(day + schedule.trip_start_s[here].astype(np.int64))
    trip = np.concatenate([*trips, np.zeros(0)]).astype(np.int32)
    date = np.concatenate([*dates, np.zeros(0)]).astype(np.int32)
    base = np.concatenate([*bases, np.zeros(0)]).astype(np.int64)
    pattern = schedule.pattern_of(trip).astype(np.int64)
    shape = schedule.pattern_shape[pattern].astype(np.int64)
    line = np.where(shape >= 0, shape, -2 - pattern)
    order = np.argsort(line, kind="stable")
    trip, date, base, line = trip[order], date[order], base[order], line[order]
    duty = duties.number(duty_keys(schedule, trip, date))
    if len(duties.numbers) > 2 * len(trip) + SPARE_DUTIES:
        duties.forget_before(days[0])
    return Active(trip=trip, date=date, calls=calls_of(schedule, trip, base), duty=duty, line=line)

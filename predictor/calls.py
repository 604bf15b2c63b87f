"""Calls of many runs at once: flat arrays, one row a call, in which every method of prediction works."""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Int32s, Int64s
from predictor.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The scheduled calls of *n* runs: call rows ``ptr[i]:ptr[i + 1]`` belong to run ``i``, in order."""

    ptr: Int64s
    run: Int64s
    """Run of each call."""
    source: Int64s
    """Row of each call in the schedule's ``pattern_…`` columns."""
    pattern: Int32s
    """Of each run."""
    stop: Int32s
    arrival_epoch_s: Int64s
    departure_epoch_s: Int64s

    def __len__(self) -> int:
        return len(self.run)

    def of(self, first: int, last: int) -> "Calls":
        """Those of the runs from *first* up to and without *last*, which count from 0 again."""
        rows = slice(int(self.ptr[first]), int(self.ptr[last]))
        return Calls(
            ptr=self.ptr[first : last + 1] - self.ptr[first],
            run=self.run[rows] - first,
            source=self.source[rows],
            pattern=self.pattern[first:last],
            stop=self.stop[rows],
            arrival_epoch_s=self.arrival_epoch_s[rows],
            departure_epoch_s=self.departure_epoch_s[rows],
        )

    def only(self, runs: Int64s) -> tuple["Calls", Int64s]:
        """Those of some runs, which count from 0 then, and their rows among all."""
        sizes = np.diff(self.ptr)[runs]
        ptr = np.zeros(len(runs) + 1, np.int64)
        np.cumsum(sizes, out=ptr[1:])
        rows = ragged(self.ptr[:-1][runs], sizes)
        return Calls(
            ptr=ptr,
            run=np.repeat(np.arange(len(runs), dtype=np.int64), sizes),
            source=self.source[rows],
            pattern=self.pattern[runs],
            stop=self.stop[rows],
            arrival_epoch_s=self.arrival_epoch_s[rows],
            departure_epoch_s=self.departure_epoch_s[rows],
        ), rows


def ragged(starts: Int64s, sizes: Int64s) -> Int64s:
    """``starts[0] … starts[0] + sizes[0] - 1, starts[1] …``: the rows of many ranges, one after another."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    rows: Int64s = np.repeat(starts - (ends - sizes), sizes) + np.arange(total, dtype=np.int64)
    return rows


def calls_of(schedule: Schedule, trip: Int32s, base_epoch_s: Int64s) -> Calls:
    """Calls of the runs of *trip* (rows, none negative) whose profiles count from *base_epoch_s*."""
    profile = schedule.trip_profile[trip]
    pattern: Int32s = schedule.profile_pattern[profile]
    first = schedule.profile_ptr[profile]
    sizes = schedule.profile_ptr[profile + 1] - first
    ptr = np.zeros(len(trip) + 1, np.int64)
    np.cumsum(sizes, out=ptr[1:])
    run = np.repeat(np.arange(len(trip), dtype=np.int64), sizes)
    row = np.arange(ptr[-1])
    times = (first - ptr[:-1])[run] + row
    source = (schedule.pattern_ptr[pattern] - ptr[:-1])[run] + row
    base = base_epoch_s[run]
    return Calls(
        ptr=ptr,
        run=run,
        source=source,
        pattern=pattern,
        stop=schedule.pattern_stop[source],
        arrival_epoch_s=base + schedule.profile_arrival_s[times],
        departure_epoch_s=base + schedule.profile_departure_s[times],
    )

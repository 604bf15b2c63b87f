"""What is remembered of every vehicle from tick to tick: one row a vehicle, in a table that all rules share.

A vehicle keeps its row (its *slot*) until it has not been heard of for FORGET_S. Nothing here outlives the process:
after a restart every vehicle is looked for anew on its whole line.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.realtime import Floats, Int64s
from predictor.learned.tracks import OTHER_LINE_M
from predictor.schedule import Schedule

KEPT = 4
"""Places along its line that a vehicle may be at, kept until it is clear which is right."""
FORGET_S = 1800
"""A vehicle not heard of for longer is looked for anew on its whole line."""

TRACE = np.dtype([
    ("heard_epoch_s", "f8"),  # when it was last in a feed, by our clock; -inf for a free row
    # the last position that was believed
    ("seen_epoch_s", "i8"), ("lat", "f8"), ("lon", "f8"),
    # positions refused since, and the last of them
    ("leaps", "f8"),  # jumps refused lately: fades with every position believed
    ("refused", "i4"), ("refused_epoch_s", "i8"), ("refused_lat", "f8"), ("refused_lon", "f8"),
    # the run, and where on its line the vehicle may be: metres (nan: none) and cost (0 for the best, which is first)
    ("trip", "i4"), ("date", "i4"), ("along_m", "f8", (KEPT,)), ("cost", "f8", (KEPT,)),
    # the last position that was on the line, and the place there
    ("matched_epoch_s", "i8"), ("matched_lat", "f8"), ("matched_lon", "f8"),
    ("snapped_lat", "f8"), ("snapped_lon", "f8"), ("bearing_deg", "f8"), ("late_s", "i8"),
    # how the run goes: least metres seen on it, doubt whether it has begun, and whether it is over
    ("least_m", "f8"), ("doubted", "?"), ("ended", "?"),
    # metres driven against the line, less those driven along it since
    ("against_m", "f8"),
    # positions off the line in a row, and since when
    ("off_pings", "i4"), ("off_since_epoch_s", "i8"),
])  # fmt: skip

Traces = npt.NDArray[np.void]
"""Rows of TRACE."""
MANY = 1024


def blank(n: int) -> Traces:
    """*n* rows that know nothing."""
    rows = np.zeros(n, TRACE)
    rows["heard_epoch_s"] = -np.inf
    rows["trip"] = -1
    for name in (
        "lat",
        "lon",
        "along_m",
        "matched_lat",
        "matched_lon",
        "snapped_lat",
        "snapped_lon",
        "bearing_deg",
        "least_m",
    ):
        rows[name] = np.nan
    rows["cost"] = np.inf
    return rows


class Memory:
    """The table of one timetable's vehicles."""

    def __init__(self) -> None:
        self.table: Traces = blank(MANY)
        self._slots: dict[tuple[str, str], int] = {}
        self._free = list(range(MANY - 1, -1, -1))
        self.evidence: Any = None
        """A ``predictor.evidence.Evidence`` once there is something to infer; nobody else looks at it."""

    def __len__(self) -> int:
        return len(self._slots)

    def slots_of(self, keys: Iterable[tuple[str, str]], now_epoch_s: float) -> Int64s:
        """The slot of each (feed id, vehicle id), new ones blank; a key that comes twice gets two slots."""
        slots: list[int] = []
        used: set[int] = set()
        for key in keys:
            slot = self._slots.get(key)
            while slot is not None and slot in used:
                key = (key[0], key[1] + "\0")  # noqa: PLW2901  # a feed that gives one id to two vehicles
                slot = self._slots.get(key)
            if slot is None:
                slot = self._slots[key] = self._take()
            used.add(slot)
            slots.append(slot)
        rows = np.array(slots, np.int64)
        self.table["heard_epoch_s"][rows] = now_epoch_s
        return rows

    def _take(self) -> int:
        if not self._free:
            size = len(self.table)
            self.table = np.concatenate([self.table, blank(size)])
            self._free = list(range(2 * size - 1, size - 1, -1))
        return self._free.pop()

    def go_on_with(self, schedule: Schedule, before: Schedule) -> None:
        """Take another timetable for the one *before*: vehicles stay where they are, on trips of the same name and way.

        What was to be inferred is inferred anew.
        """
        trips = self.table["trip"].copy()
        self.table["trip"] = -1
        same: dict[tuple[int, int], bool] = {}
        for row in np.unique(trips[trips >= 0]).tolist():
            raw_id = before.timetable.trip_ids[row]
            found = _run_named(schedule, raw_id, int(before.trip_start_s[row]))
            if found < 0:
                continue
            patterns = _pattern(schedule, found), _pattern(before, row)
            if patterns not in same:
                same[patterns] = _same_way(schedule, patterns[0], before, patterns[1])
            if same[patterns]:
                self.table["trip"][trips == row] = found
        self.evidence = None

    def forget(self, now_epoch_s: float) -> None:
        """Free the rows of vehicles that have not been heard of for FORGET_S."""
        old = np.flatnonzero(self.table["heard_epoch_s"] < now_epoch_s - FORGET_S)
        gone = {slot for slot in old.tolist() if self.table["heard_epoch_s"][slot] > -np.inf}
        if gone:
            self._slots = {key: slot for key, slot in self._slots.items() if slot not in gone}
            self._free.extend(gone)
            self.table[list(gone)] = blank(len(gone))


def _run_named(schedule: Schedule, raw_id: str, start_s: int) -> int:
    """Row of the trip; of one that runs every so many minutes, of the run that starts then. -1 for none."""
    first, last = schedule.trips_named(raw_id)
    if last - first == 1:
        return first
    return next((row for row in range(first, last) if schedule.trip_start_s[row] == start_s), -1)


def _pattern(schedule: Schedule, trip: int) -> int:
    return int(schedule.pattern_of(np.array([trip], np.int32))[0])


def _same_way(schedule: Schedule, pattern: int, before: Schedule, pattern_before: int) -> bool:
    """Do two timetables' patterns call at the same stops, at the same places along their lines?"""
    (stops, metres), (stops_before, metres_before) = _calls(schedule, pattern), _calls(before, pattern_before)
    return stops == stops_before and bool((np.abs(metres - metres_before) <= OTHER_LINE_M).all())


def _calls(schedule: Schedule, pattern: int) -> tuple[list[str], Floats]:
    calls = slice(schedule.pattern_ptr[pattern], schedule.pattern_ptr[pattern + 1])
    stops = [schedule.timetable.stop_ids[row] for row in schedule.pattern_stop[calls].tolist()]
    return stops, schedule.pattern_distance_m[calls].astype(np.float64)

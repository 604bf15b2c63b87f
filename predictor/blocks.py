"""What the vehicle of a run does before and after it: the blocks of a timetable, day by day."""

import numpy as np

from domain.realtime import Int32s
from predictor.schedule import Schedule

NEXT_RUNS_S = 3_600
"""Runs that a vehicle's block begins within an hour are foretold."""
DAYS_KEPT = 4
"""Days whose chains are kept: yesterday's runs past midnight, today's, and some to spare where a clock is moved."""


class Blocks:
    """The blocks of one timetable; a day's are worked out when it is first asked for."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._days: dict[int, tuple[Int32s, Int32s]] = {}

    def before(self, trip: Int32s, date: Int32s) -> Int32s:
        """The trip that the same vehicle does just before each on that day; -1: none."""
        found = np.full(len(trip), -1, np.int32)
        for day in np.unique(date).tolist():
            mine = date == day
            found[mine] = self._chains(day)[0][trip[mine]]
        return found

    def next_runs(self, trip: Int32s, date: Int32s, now_epoch_s: float) -> tuple[Int32s, Int32s]:
        """(trips, dates) that the blocks of these runs begin within NEXT_RUNS_S."""
        trips: list[Int32s] = []
        dates: list[Int32s] = []
        for day in np.unique(date).tolist():
            coming = np.unique(self._chains(day)[1][trip[date == day]])
            coming = coming[coming >= 0]
            starts = self._schedule.start_epoch_s(day) + self._schedule.trip_start_s[coming]
            coming = coming[starts <= now_epoch_s + NEXT_RUNS_S]
            trips.append(coming)
            dates.append(np.full(len(coming), day, np.int32))
        if not trips:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        return np.concatenate(trips), np.concatenate(dates)

    def _chains(self, day: int) -> tuple[Int32s, Int32s]:
        """By trip: the one before and the one after it in its block on that day; -1: none."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) > DAYS_KEPT:
                self._days.clear()
            before = _before(self._schedule, day)
            later = np.flatnonzero(before >= 0).astype(np.int32)
            after = np.full(len(before), -1, np.int32)
            after[before[later]] = later
            found = self._days[day] = before, after
        return found


def _before(schedule: Schedule, day: int) -> Int32s:
    """By trip: the one before it in its block among those that run on that day; -1: none."""
    trips = schedule.block_trips
    block = np.repeat(np.arange(len(schedule.block_ptr) - 1), np.diff(schedule.block_ptr))
    runs = schedule.runs_on(day)[schedule.trip_service[trips]]
    trips, block = trips[runs], block[runs]
    order = np.lexsort((schedule.trip_start_s[trips], block))
    trips, block = trips[order], block[order]
    before = np.full(len(schedule.trip_route), -1, np.int32)
    same = block[1:] == block[:-1]
    before[trips[1:][same]] = trips[:-1][same]
    return before

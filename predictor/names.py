"""The names of a timetable as the numbers that the learned engine knows them by: the same for every version of it."""

import numpy as np

from domain.realtime import Int32s, Int64s
from predictor.learned.runs import key_of
from predictor.schedule import Schedule

RUNS_KEPT = 200_000
"""Runs whose numbers are kept before they are made anew."""


class Names:
    """Of one timetable of one feed. Numbers as :func:`predictor.learned.runs.key_of` makes them."""

    def __init__(self, schedule: Schedule, feed_id: str) -> None:
        self._schedule, self._feed_id = schedule, feed_id
        timetable = schedule.timetable
        stops = (timetable.stop_ids[row] for row in range(len(timetable.stop_ids)))
        self.stop: Int64s = np.array([key_of(feed_id, stop) for stop in stops], np.int64)
        """By row of the stop."""
        agencies = [key_of(feed_id, agency.raw_id) for agency in timetable.agencies] or [key_of(feed_id, "")]
        self.group: Int64s = np.array(agencies, np.int64)[timetable.array("route_agency")]
        """By row of the route: its agency."""
        self._runs: dict[tuple[int, int], int] = {}

    def runs(self, trip: Int32s, date: Int32s) -> Int64s:
        """Of trips on service dates."""
        known = self._runs.get
        pairs = zip(trip.tolist(), date.tolist(), strict=True)
        return np.array([known(pair) or self._run(*pair) for pair in pairs], np.int64)

    def _run(self, trip: int, date: int) -> int:
        if len(self._runs) > RUNS_KEPT:
            self._runs.clear()
        start_s = int(self._schedule.trip_start_s[trip])
        made = self._runs[trip, date] = key_of(self._feed_id, self._schedule.timetable.trip_ids[trip], date, start_s)
        return made

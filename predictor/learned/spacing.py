"""How far each vehicle is behind the one before it, against what the timetable says.

Behind a late vehicle more people wait, so it becomes later; the one behind it finds few, and catches up. Both are learned as
one number a group. Vehicles are those of any line that serve a stop pair, in the order in which they pass: whoever passed it
last left the stop empty. What was planned between the two is what their own timetables say, so a run on which nobody is seen
is missing on both sides.
"""

import numpy as np

from domain.realtime import Floats, Int64s
from predictor.learned.plan import Plan

LEAST_S, MOST_S = 120.0, 3_600.0
"""Planned gaps outside of this say nothing: two lines timed together, or a vehicle an hour."""
LONGEST = 3.0
"""A gap of more than so many planned ones has been left by a vehicle that nobody saw."""


class Spacing:
    """Who passed each stop pair last; by its slot. Forgotten at a restart, and known again within a headway."""

    def __init__(self) -> None:
        self._passed_epoch_s = np.zeros(0)
        self._due_epoch_s = np.zeros(0)
        self._run = np.zeros(0, np.int64)

    def passed(self, plan: Plan, call: Int64s, moment: Floats) -> tuple[Int64s, Floats]:
        """Take arrivals in. Returns, for the runs that arrived, a row each: the run, and how much longer than planned the gap
        before it is where it came last, as a share of the plan (-1 to 1); 0 where that cannot be said."""
        pair = plan.pair[call]
        inner = np.flatnonzero(pair >= 0)
        order = inner[np.lexsort((moment[inner], pair[inner]))]
        call, moment, pair = call[order], moment[order], pair[order]
        if not len(call):
            return np.zeros(0, np.int64), np.zeros(0)
        self._hold(int(pair.max()) + 1)
        run, due = plan.run[call], plan.runs.arrival_epoch_s[call]
        key = plan.runs.key[run]
        first = np.concatenate([[True], pair[1:] != pair[:-1]])
        last = np.append(first[1:], True)

        def before(kept: Floats, now: Floats) -> Floats:
            return np.where(first, kept[pair], np.concatenate([now[:1], now[:-1]]))

        gap = moment - before(self._passed_epoch_s, moment)
        planned = due - before(self._due_epoch_s, due)
        other = key != np.where(first, self._run[pair], np.concatenate([key[:1], key[:-1]]))
        with np.errstate(invalid="ignore"):
            told = other & (planned >= LEAST_S) & (planned <= MOST_S) & (gap >= 0) & (gap <= LONGEST * planned)
            more = np.where(told, np.clip(gap / np.where(told, planned, 1.0) - 1.0, -1.0, 1.0), 0.0)
            newer = last & (moment >= self._passed_epoch_s[pair])
        at = pair[newer]
        self._passed_epoch_s[at], self._due_epoch_s[at], self._run[at] = moment[newer], due[newer], key[newer]
        newest = np.lexsort((moment, run))
        newest = newest[np.append(run[newest][1:] != run[newest][:-1], True)]
        return run[newest], more[newest]

    def _hold(self, n: int) -> None:
        room = len(self._run)
        if n > room:
            more = max(n, 2 * room) - room
            self._passed_epoch_s = np.concatenate([self._passed_epoch_s, np.zeros(more)])
            self._due_epoch_s = np.concatenate([self._due_epoch_s, np.full(more, np.nan)])
            self._run = np.concatenate([self._run, np.full(more, -1, np.int64)])

"""What reports have said so far of vehicles that name no run: for each the duties it may be on, and what it was last told to be."""

from dataclasses import dataclass, field

import numpy as np

from domain.realtime import Bools, Floats, Int64s
from predictor.active_runs import Active, Duties, active_runs
from predictor.nearby import Grid
from predictor.schedule import Schedule
from predictor.traces import FORGET_S

MISS = 5.0
"""What a report costs that fits no run of a duty."""
AS_GOOD_AS_MISS = MISS - 0.2
"""A duty whose mean cost is no better is not held any longer."""
MEMORY_S = 600.0
"""How long a report counts: e-fold."""
LONGEST_GAP_S = 120
"""After a longer silence a report counts no more than after this."""
ACTIVE_FOR_S = 30
"""The runs that may have a vehicle are looked up anew so often."""
SLOT_BITS = 40


@dataclass(slots=True)
class State:
    """What is held of one vehicle. *duty* and *run* are -1 and None before anything is."""

    seen_epoch_s: int = 0
    reports: int = 0
    duty: int = -1
    run: tuple[int, int] | None = None
    rival: tuple[int, int] | None = None
    wins: int = 0
    heading_deg: float = float("nan")
    anchor: tuple[float, float, int] = (float("nan"), float("nan"), 0)
    """Latitude, longitude and when the vehicle came there: it has not moved far since."""
    stands: bool = False
    """It has not for long."""


@dataclass(slots=True)
class Evidence:
    """What was gathered so far; a pair is a vehicle's slot and a duty."""

    pair: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    """``slot << SLOT_BITS | duty number``, ascending."""
    mean: Floats = field(default_factory=lambda: np.zeros(0))
    """Of each pair: what the reports of the vehicle cost on that duty."""
    duties: Duties = field(default_factory=Duties)
    states: dict[int, State] = field(default_factory=dict)
    """By slot."""
    grids: tuple[Grid | None, Grid | None] | None = None
    """Of lines with a shape and of lines along stops, made once."""
    _active: tuple[int, Active] | None = None

    def active(self, schedule: Schedule, now_epoch_s: float) -> Active:
        """The runs that may have a vehicle now; kept for half a minute."""
        mark = int(now_epoch_s // ACTIVE_FOR_S)
        if self._active is None or self._active[0] != mark:
            self._active = mark, active_runs(schedule, self.duties, now_epoch_s)
        return self._active[1]

    def is_news(self, slots: Int64s, seen_epoch_s: Int64s) -> Bools:
        """Which reports are not the one that their vehicle was last judged by."""
        known = [self.states.get(slot) for slot in slots.tolist()]
        last = np.array([state.seen_epoch_s if state else 0 for state in known], np.int64)
        news: Bools = (seen_epoch_s > last) | (seen_epoch_s < last - FORGET_S)
        return news

    def weigh(self, slots: Int64s, seen_epoch_s: Int64s, of: Int64s, duty: Int64s, cost: Floats) -> None:
        """Average what new reports say of each duty with what was said before.

        *slots* reported at *seen_epoch_s*. A row each run that a report fits: the slot it is *of*, the run's *duty*, its
        *cost*. A duty of which a report says nothing was missed.
        """
        weight = self._weights(slots, seen_epoch_s)
        said = (of << SLOT_BITS) | duty
        order = np.lexsort((cost, said))
        head = np.ones(len(order), bool)
        head[1:] = said[order][1:] != said[order][:-1]
        new, least = said[order][head], cost[order][head]
        pairs = np.union1d(self.pair, new)
        mean, now = np.full((2, len(pairs)), MISS)
        mean[np.searchsorted(pairs, self.pair)] = self.mean
        now[np.searchsorted(pairs, new)] = np.minimum(least, MISS)
        reported, at = np.unique(pairs >> SLOT_BITS, return_inverse=True)
        weights = np.array([weight.get(slot, 0.0) for slot in reported.tolist()], np.float64)
        alive = np.array([slot in self.states for slot in reported.tolist()], bool)
        mean += weights[at] * (now - mean)
        kept = (mean < AS_GOOD_AS_MISS) & alive[at]
        self.pair, self.mean = pairs[kept], mean[kept]

    def _weights(self, slots: Int64s, seen_epoch_s: Int64s) -> dict[int, float]:
        """Slot to how much its new report counts; a vehicle that was silent for long begins anew."""
        weight: dict[int, float] = {}
        for slot, when in zip(slots.tolist(), seen_epoch_s.tolist(), strict=True):
            state = self.states.setdefault(slot, State())
            gap_s = when - state.seen_epoch_s
            if not 0 <= gap_s <= FORGET_S:
                state = self.states[slot] = State(heading_deg=state.heading_deg, anchor=state.anchor)
                gap_s = 0
            state.reports += 1
            state.seen_epoch_s = when
            weight[slot] = max(1.0 - float(np.exp(-min(gap_s, LONGEST_GAP_S) / MEMORY_S)), 1.0 / state.reports)
        return weight

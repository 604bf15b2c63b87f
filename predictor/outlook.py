"""What a tick asks the learned engine, and what it answers, in the tick's own columns."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from domain.realtime import Bools, Floats, Int32s, Int64s
from predictor.calls import Calls
from predictor.runs import key_of_run

STANDS_S = 15
"""What was foretold so long ago still stands, as long as no vehicle has been heard of since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What a tick knows of the runs of its calls: a row a run, or a call."""

    trip: Int32s
    date: Int32s
    usual: Bools
    """A run of the timetable as it stands: not a copy at other times."""
    followed: Bools
    """Its vehicle has a believable place on the line."""
    vehicle: Int64s
    """Key of that vehicle."""
    distance_m: Floats
    located_epoch_s: Floats
    lies: Floats
    """How much of a lie is what its vehicle says now, 0 to 1; the place is the last one that was none."""
    skipped: Bools
    """A row a call."""
    agency_arrival_epoch_s: Int64s
    """What the agency predicts of each call; 0 for nothing."""
    agency_departure_epoch_s: Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the engine foretells, aligned with the tick's calls; nan where it claims nothing."""

    arrival_epoch_s: Floats
    """To be published."""
    departure_epoch_s: Floats
    median_epoch_s: Floats
    early_epoch_s: Floats
    """10th percentile of the arrival (of a first call: the departure)."""
    late_epoch_s: Floats
    """90th."""
    passed: Bools
    uncertain: Bools
    deviation_s: Floats
    """A row a run."""
    preferred: Bools
    """Runs on which ours is told even where the agency predicts. A row a run."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """An outlook, and what was known of vehicles when it was made."""

    now_epoch_s: int
    """When it was."""
    key: Int64s
    """Of the runs, ascending; *order* are their rows then."""
    order: Int64s
    ptr: Int64s
    located_epoch_s: Floats
    outlook: Outlook

    @classmethod
    def of(cls, now_epoch_s: int, calls: Calls, sights: Sights, outlook: Outlook) -> Self:
        """What was foretold just now of these calls."""
        key = key_of_run(sights.date, sights.trip)
        order = np.argsort(key, kind="stable")
        return cls(now_epoch_s, key[order], order, calls.ptr, sights.located_epoch_s, outlook)

    def still(self, now_epoch_s: int, calls: Calls, sights: Sights) -> Outlook | None:
        """The same outlook for the calls of now; None where a vehicle has been heard of since, it is too old, or of no run at all."""
        if not 0 <= now_epoch_s - self.now_epoch_s < STANDS_S or not len(self.key):
            return None
        then = self._rows_then(sights)
        if (sights.followed & ((then < 0) | (sights.located_epoch_s != self.located_epoch_s[then]))).any():
            return None
        return self._moved(now_epoch_s, calls, then)

    def _rows_then(self, sights: Sights) -> Int64s:
        """The row then of each run of now, or -1."""
        key = key_of_run(sights.date, sights.trip)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        rows: Int64s = np.where((self.key[at] == key) & sights.usual, self.order[at], -1)
        return rows

    def _moved(self, now_epoch_s: int, calls: Calls, then: Int64s) -> Outlook:
        """What was foretold, in the rows of now; nothing that was ahead is told before now."""
        it, n = self.outlook, len(calls)
        same = (then >= 0) & (np.diff(self.ptr)[then] == np.diff(calls.ptr))
        shift = np.where(same, self.ptr[:-1][then] - calls.ptr[:-1], 0)
        known = same[calls.run]
        call = np.where(known, np.arange(n) + shift[calls.run], 0)

        def times(column: Floats, *, ahead: bool = True) -> Floats:
            if not len(column):
                return np.full(n, np.nan)
            moved = np.maximum(column[call], now_epoch_s) if ahead else column[call]
            return np.where(known, moved, np.nan)

        return Outlook(
            arrival_epoch_s=times(it.arrival_epoch_s),
            departure_epoch_s=times(it.departure_epoch_s),
            median_epoch_s=times(it.median_epoch_s),
            early_epoch_s=times(it.early_epoch_s, ahead=False),
            late_epoch_s=times(it.late_epoch_s),
            passed=known & it.passed[call] if len(it.passed) else np.zeros(n, bool),
            uncertain=known & it.uncertain[call] if len(it.uncertain) else np.zeros(n, bool),
            deviation_s=np.where(same, it.deviation_s[then], np.nan),
            preferred=same & it.preferred[then],
        )

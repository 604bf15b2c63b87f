"""What positions of a run seem to prove, kept until the run has been believable a while longer.

Whatever leaps about at random drives believably now and then. So nothing is learned of a position before more of them
have borne it out, and what a liar told shortly before it was caught is not learned at all.
"""

from typing import Any

import numpy as np

from domain.realtime import Floats, Int64s
from predictor.learned.settings import Settings
from predictor.learned.tracks import Tracks

GIVE_UP_S = 1_800.0
"""A run not heard of for so long after it told something will not bear it out any more."""
Columns = tuple[Any, ...]
"""Arrays of one length."""


class Probation:
    """Several queues, by the name of what they hold; columns of any kind, the same ones each time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._held: dict[str, tuple[Int64s, Floats, Columns]] = {}

    def __len__(self) -> int:
        return sum(len(key) for key, _, _ in self._held.values())

    def pass_through(
        self, name: str, now_epoch_s: float, tracks: Tracks, key: Int64s, told: Columns
    ) -> tuple[Int64s, Columns]:
        """Take in what runs (their keys) told now; returns what has been borne out by now, with the keys of its runs.

        What runs tell that report their stops as such is borne out at once.
        """
        since = np.full(len(key), now_epoch_s)
        if name in self._held:
            held, then, before = self._held[name]
            key, since = np.concatenate([held, key]), np.concatenate([then, since])
            told = tuple(np.concatenate([old, new]) for old, new in zip(before, told, strict=True))
        slot = tracks.find(key)
        known, at = slot >= 0, np.maximum(slot, 0)
        until = since + self.settings.probation_s
        with np.errstate(invalid="ignore"):
            lied = known & (tracks.column("lied_epoch_s")[at] >= since)
            over = np.isfinite(tracks.column("ended_epoch_s")[at])
            heard = np.where(over, now_epoch_s, tracks.column("located_epoch_s")[at])
            lately = now_epoch_s - tracks.column("began_epoch_s")[at] < self.settings.proven_s
        doubt, new = tracks.doubt(at, now_epoch_s), since == now_epoch_s
        lied |= known & new & (doubt >= self.settings.doubtful)
        trusted = new & (tracks.column("native")[at] | ~(lately | (doubt >= self.settings.wary)))
        proven = known & ~lied & (trusted | (heard >= until))
        lost = ~known | lied | (now_epoch_s > since + GIVE_UP_S)
        keep = ~(proven | lost)
        self._held[name] = key[keep], since[keep], tuple(column[keep] for column in told)
        return key[proven], tuple(column[proven] for column in told)

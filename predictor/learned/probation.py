"""What positions of a run seem to prove, kept until the run has been believable a while longer.

Whatever leaps about at random drives believably now and then. So nothing is learned of a position before more of them
have borne it out, and what a liar told shortly before it was caught is not learned at all.
"""

from collections.abc import Callable
from dataclasses import Field, fields, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from domain.realtime import Int64s
from predictor.learned.settings import Settings
from predictor.learned.tracks import Tracks

GIVE_UP_S = 1_800.0
"""A run not heard of for so long after it told something will not bear it out any more."""


class Told(Protocol):
    """A dataclass of nothing but arrays of one length, a row each thing that a run told."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def run_key(self) -> Int64s:
        """Of the run that told it."""


Lesson = TypeVar("Lesson", bound=Told)


class Probation(Generic[Lesson]):
    """A queue of lessons of one kind."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._held: Lesson | None = None
        """None: no row."""
        self._since_epoch_s = np.zeros(0)

    def pass_through(self, now_epoch_s: float, tracks: Tracks, told: Lesson) -> Lesson:
        """Take in what runs told now; returns what has been borne out by now.

        What runs tell that report their stops as such is borne out at once.
        """
        since, held = np.full(len(told.run_key), now_epoch_s), self._held
        if held is not None:
            since = np.concatenate([self._since_epoch_s, since])
            told = _columnwise(told, lambda name, new: np.concatenate([getattr(held, name), new]))
        if not len(since):
            return told
        slot = tracks.find(told.run_key)
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
        self._held = _columnwise(told, lambda _, column: column[keep]) if keep.any() else None
        self._since_epoch_s = since[keep]
        return _columnwise(told, lambda _, column: column[proven])


def _columnwise(told: Lesson, change: Callable[[str, npt.NDArray[Any]], npt.NDArray[Any]]) -> Lesson:
    return replace(told, **{it.name: change(it.name, getattr(told, it.name)) for it in fields(told)})

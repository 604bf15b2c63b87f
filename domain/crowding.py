"""How full vehicles usually are: counts by route, direction, kind of day and hour of service."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from domain.realtime import Floats, Int8s

LEVELS = 7
"""OCCUPANCY_NAMES from EMPTY to NOT_ACCEPTING_PASSENGERS: those that say how full it is."""
ENOUGH = 20.0
"""Reports before anything is called usual."""
KINDS = ("weekday", "saturday", "sunday")

Place = tuple[str, int, int, int]
"""Raw route id, direction (0, 1; -1: unknown), index of KINDS, hour after the start of the service day."""


def kind_of(day: date) -> int:
    """Index of KINDS."""
    return max(0, day.weekday() - 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowding:
    """One timetable's counts, a row a place; *counts* is LEVELS numbers a row, flat."""

    routes: list[str] = field(default_factory=list)
    direction: Int8s = field(default_factory=lambda: np.zeros(0, np.int8))
    kind: Int8s = field(default_factory=lambda: np.zeros(0, np.int8))
    hour: Int8s = field(default_factory=lambda: np.zeros(0, np.int8))
    counts: Floats = field(default_factory=lambda: np.zeros(0))

    def by_place(self) -> dict[Place, Floats]:
        """Place to its counts, the caller's to count on; what is kept is only to be read."""
        places = zip(self.routes, self.direction.tolist(), self.kind.tolist(), self.hour.tolist(), strict=True)
        return dict(zip(places, self.counts.reshape(-1, LEVELS).copy(), strict=True))

    @classmethod
    def of(cls, by_place: dict[Place, Floats]) -> "Crowding":
        """The counts of these places."""
        places = sorted(by_place)
        columns = np.array([place[1:] for place in places], np.int8).reshape(-1, 3)
        return cls(
            routes=[place[0] for place in places],
            direction=columns[:, 0].copy(),
            kind=columns[:, 1].copy(),
            hour=columns[:, 2].copy(),
            counts=np.array([by_place[place] for place in places], np.float64).reshape(-1),
        )


def usual(counts: Floats) -> int:
    """The level in the middle of all reports, or -1 where there are too few."""
    total = float(counts.sum())
    if total < ENOUGH:
        return -1
    return int(np.searchsorted(np.cumsum(counts), total / 2))

"""A made-up line for the engine's tests: runs every ten minutes over the same stops, driven second by second."""

from dataclasses import dataclass, field

import numpy as np

from predictor.learned.runs import Fixes, Runs, key_of

START = 1_700_000_000.0
STOPS = 12
APART_M = 400.0
PACE_S = 80.0
"""Scheduled between two stops."""
FLEET = 20
"""Runs that the fleet drives."""
HOUR_S = 3_600.0


def line(n_runs: int = 6, *, chained: bool = False, timed: bool = True, waits: bool = False) -> Runs:
    """*n_runs* runs of twelve stops; with *chained*, each is driven by the vehicle of the one before."""
    n = n_runs * STOPS
    position = np.tile(np.arange(STOPS), n_runs)
    run = np.repeat(np.arange(n_runs), STOPS)
    headway = PACE_S * STOPS + 300.0 if chained else 600.0
    due = START + run * headway + position * PACE_S
    none = np.full(n, np.nan)
    return Runs(
        key=np.array([key_of("town", number) for number in range(n_runs)], np.int64),
        group=np.full(n_runs, key_of("town"), np.int64),
        before=np.arange(n_runs, dtype=np.int64) - 1 if chained else np.full(n_runs, -1, np.int64),
        exact=np.ones(n_runs, bool),
        service_epoch_s=np.full(n_runs, START - START % 86_400.0),
        day_type=np.zeros(n_runs, np.uint8),
        ptr=np.arange(n_runs + 1, dtype=np.int64) * STOPS,
        stop=np.array([key_of("town", f"s{it}") for it in position], np.int64),
        distance_m=position.astype(np.float64) * APART_M,
        arrival_epoch_s=due if timed else none,
        departure_epoch_s=due.copy() if timed else none.copy(),
        waits=(position == 0) | waits,
        skipped=np.zeros(n, bool),
    )


@dataclass(slots=True)
class Bus:
    """Drives one run at a constant share of the scheduled speed, and says where it is."""

    run: int
    leaves: float
    speed_mps: float
    dwell_s: float = 10.0
    stands: dict[int, float] = field(default_factory=dict)
    """Extra seconds at a stop."""

    def arrival(self, position: int) -> float:
        """At the stop itself."""
        moving = position * APART_M / self.speed_mps
        standing = sum(self.dwell_s + self.stands.get(it, 0.0) for it in range(1, position))
        return self.leaves + moving + standing

    def metres(self, now: float) -> float:
        """Along the line."""
        for position in range(1, STOPS):
            arrives = self.arrival(position)
            if now < arrives:
                left = arrives - APART_M / self.speed_mps
                return (position - 1) * APART_M + max(now - left, 0.0) * self.speed_mps
        return (STOPS - 1) * APART_M

    def runs_at(self, now: float) -> bool:
        """Does it report?"""
        return self.leaves - 120 <= now <= self.arrival(STOPS - 1) + 60


def fleet() -> list[Bus]:
    """A run every ten minutes, no two alike."""
    rng = np.random.default_rng(5)
    return [
        Bus(
            number,
            START + number * 600.0 + float(rng.uniform(0, 120)),
            float(rng.uniform(3.8, 5.0)),
            stands={int(rng.integers(1, STOPS - 1)): float(rng.uniform(0, 60))},
        )
        for number in range(FLEET)
    ]


def fixes(now: float, buses: list[Bus]) -> Fixes:
    """Where the buses say they are."""
    here = [bus for bus in buses if bus.runs_at(now)]
    return Fixes(
        run=np.array([bus.run for bus in here], np.int64),
        vehicle=np.array([key_of("bus", bus.run) for bus in here], np.int64),
        distance_m=np.array([bus.metres(now) for bus in here], float),
        located_epoch_s=np.full(len(here), now),
        at=np.full(len(here), -1, np.int64),
    )

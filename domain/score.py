"""How good predictions turned out to be: sums that add up over routes and days, and the figures that people read.

The definitions are published ones; ``predictor.accuracy`` has their bounds and sources. An error is *actual - predicted*.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from domain.realtime import Floats

METHODS = ("published", "ours", "agency", "schedule")
"""What riders were told; our median; the agency's own time; the timetable."""
HORIZONS, ETA_N, MBTA_N = 5, 4, 4
"""Horizons 0-3, 3-6, 6-10, 10-15, 15-30 minutes to the actual arrival; the ETA benchmark's first four of them; the MBTA's
bins by predicted horizon: 0-3, 3-6, 6-12, 12-30."""
FIELDS = (
    "n", "error_s", "absolute_s", "reliable", "missed", "eta_n", "eta_good", "mbta_n", "mbta_good", "banded", "inside",
)  # fmt: skip
"""Of a method and horizon: predictions, sums of errors and of their sizes in seconds, how many were reliable (Cal-ITP),
came more than a minute before the promise, were in and accurate by the ETA benchmark and by the MBTA's bins (there the last
axis counts its bins), had a band and were inside it."""
STRATA = ("with_agency", "without_agency")
"""Whether the agency predicted that call too: only then are the two compared."""
SHAPE = (len(STRATA), len(METHODS), HORIZONS, len(FIELDS))
Tally = npt.NDArray[np.float64]
"""Sums of SHAPE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDay:
    """One local day of one timetable: a tally for each route."""

    routes: list[str] = field(default_factory=list)
    """Raw ids."""
    sums: Floats = field(default_factory=lambda: np.zeros(0))
    """Tallies of the routes in order, flat."""

    def tallies(self) -> dict[str, Tally]:
        """Route to tally."""
        return dict(zip(self.routes, self.sums.reshape(-1, *SHAPE), strict=True))

    @classmethod
    def of(cls, tallies: dict[str, Tally]) -> "ScoreDay":
        """The day of these tallies."""
        routes = sorted(tallies)
        return cls(routes=routes, sums=np.array([tallies[route] for route in routes], np.float64).reshape(-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One method in words that people use; None where there is no sample."""

    n: int
    mae_s: list[float | None]
    """By horizon."""
    bias_s: list[float | None]
    """Mean of actual minus predicted, by horizon."""
    eta: float | None
    """ETA Accuracy Benchmark: mean of the buckets' percentages."""
    eta_buckets: list[float | None]
    mbta: list[float | None]
    """Per cent accurate, by its bins."""
    reliable: float | None
    """Per cent reliable by Cal-ITP."""
    missed: float | None
    """Per cent that came more than a minute before the promise."""
    coverage: float | None
    """Per cent inside the band of 80 %."""


def score_of(tally: Tally) -> Score:
    """The score of one method: *tally* is HORIZONS by FIELDS."""
    column = {name: tally[:, at] for at, name in enumerate(FIELDS)}

    def shares(good: str, of: str, n: int, scale: float = 100.0) -> list[float | None]:
        return [
            round(float(scale * a / b), 1) if b else None
            for a, b in zip(column[good][:n].tolist(), column[of][:n].tolist(), strict=True)
        ]

    def overall(good: str, of: str) -> float | None:
        total = column[of].sum()
        return round(float(100.0 * column[good].sum() / total), 1) if total else None

    eta = shares("eta_good", "eta_n", ETA_N)
    some = [share for share in eta if share is not None]
    return Score(
        n=int(column["n"].sum()),
        mae_s=shares("absolute_s", "n", HORIZONS, 1.0),
        bias_s=shares("error_s", "n", HORIZONS, 1.0),
        eta=round(sum(some) / len(some), 1) if some else None,
        eta_buckets=eta,
        mbta=shares("mbta_good", "mbta_n", MBTA_N),
        reliable=overall("reliable", "n"),
        missed=overall("missed", "n"),
        coverage=overall("inside", "banded"),
    )

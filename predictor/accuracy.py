"""How good predictions were, by the definitions that agencies publish: pure functions on arrays.

``error_s`` is always *actual - predicted*: positive when the vehicle came later than promised, negative when it came
earlier, and the rider may have missed it. ``nan`` means that there was nothing to score.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Bools, Floats, Int64s

HORIZON_EDGES_S = (0.0, 180.0, 360.0, 600.0, 900.0, 1800.0)
"""0-3, 3-6, 6-10, 10-15 and 15-30 minutes; a bucket holds its start, not its end."""

HORIZON_NAMES = ("0–3", "3–6", "6–10", "10–15", "15–30")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Horizons from *from_s* up to and without *to_s*, and the errors that count as accurate."""

    from_s: float
    to_s: float
    early_s: float
    """Bound of a vehicle that came earlier, negative."""
    late_s: float


ETA_BUCKETS = (
    Bin(from_s=0, to_s=180, early_s=-30, late_s=90),
    Bin(from_s=180, to_s=360, early_s=-60, late_s=150),
    Bin(from_s=360, to_s=600, early_s=-60, late_s=210),
    Bin(from_s=600, to_s=900, early_s=-90, late_s=270),
)
"""By time to the actual arrival, bounds inclusive.

Source: ETA Accuracy Benchmark (2024), github.com/TransitApp/ETA-Accuracy-Benchmark.
"""

MBTA_BINS = (
    Bin(from_s=0, to_s=180, early_s=-60, late_s=60),
    Bin(from_s=180, to_s=360, early_s=-90, late_s=120),
    Bin(from_s=360, to_s=720, early_s=-150, late_s=210),
    Bin(from_s=720, to_s=1800, early_s=-240, late_s=360),
)
"""By predicted time to arrival, bounds exclusive. Source: github.com/mbta/prediction_analyzer."""

EARLY_S = 60.0
"""A vehicle that comes earlier than promised by more than this is a missed bus."""


def horizon_bucket(horizon_s: Floats) -> Int64s:
    """Bucket of each horizon among HORIZON_EDGES_S; -1 outside (negative, 30 minutes or more, nan)."""
    bucket: Int64s = np.searchsorted(np.asarray(HORIZON_EDGES_S), horizon_s, "right") - 1
    with np.errstate(invalid="ignore"):
        inside = (horizon_s >= 0) & (horizon_s < HORIZON_EDGES_S[-1])
    bucket[~inside] = -1
    return bucket


def bin_of(bins: tuple[Bin, ...], horizon_s: Floats) -> Int64s:
    """Which of *bins* each horizon is in; -1 outside all."""
    found = np.full(len(horizon_s), -1, np.int64)
    with np.errstate(invalid="ignore"):
        for number, it in enumerate(bins):
            found[(horizon_s >= it.from_s) & (horizon_s < it.to_s)] = number
    return found


def eta_accurate(actual_horizon_s: Floats, error_s: Floats) -> Bools:
    """Is each prediction accurate by the ETA Accuracy Benchmark? False outside its four buckets."""
    return _within(ETA_BUCKETS, actual_horizon_s, error_s, inclusive=True)


def mbta_accurate(predicted_horizon_s: Floats, error_s: Floats) -> Bools:
    """Is each prediction accurate by the MBTA's bins? False outside the four."""
    return _within(MBTA_BINS, predicted_horizon_s, error_s, inclusive=False)


def _within(bins: tuple[Bin, ...], horizon_s: Floats, error_s: Floats, *, inclusive: bool) -> Bools:
    which = bin_of(bins, horizon_s)
    early = np.asarray([it.early_s for it in bins])[which]
    late = np.asarray([it.late_s for it in bins])[which]
    with np.errstate(invalid="ignore"):
        good = (error_s >= early) & (error_s <= late) if inclusive else (error_s > early) & (error_s < late)
    accurate: Bools = good & (which >= 0)
    return accurate


def reliable(actual_horizon_s: Floats, error_s: Floats) -> Bools:
    """Is each prediction reliable by Cal-ITP: ``-60 ln(m + 1.3) < error < 60 ln(m + 1.5)`` with m minutes to arrival?

    False where the arrival was before the prediction. Source: Cal-ITP, "reliable accuracy" of GTFS-realtime quality.
    """
    with np.errstate(invalid="ignore"):
        minutes = np.maximum(actual_horizon_s, 0.0) / 60.0
        good: Bools = (
            (actual_horizon_s >= 0)
            & (error_s > -60.0 * np.log(minutes + 1.3))
            & (error_s < 60.0 * np.log(minutes + 1.5))
        )
    return good


def shares(which: Int64s, good: Bools, n: int) -> Floats:
    """Percentage of *good* in each of *n* bins; nan for an empty one. Rows with *which* -1 count nowhere."""
    inside = which >= 0
    count = np.bincount(which[inside], minlength=n)
    hits = np.bincount(which[inside & good], minlength=n)
    percent: Floats = np.where(count > 0, 100.0 * hits / np.maximum(count, 1), np.nan)
    return percent


def score(percentages: Floats) -> float:
    """The plain mean of the buckets' percentages; nan if none has any, of those that have some otherwise."""
    some = percentages[np.isfinite(percentages)]
    return float(some.mean()) if len(some) else float("nan")

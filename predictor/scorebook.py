"""Our own score: what riders were told, written down, and compared with when the vehicle really came.

Once a minute a part of all predictions is written down, ours beside the agency's and the timetable's; when the vehicle
passes the stop, all are scored alike, by the published definitions of :mod:`predictor.accuracy`. When it came is read off
its positions, not off anybody's prediction: the first crossing of 15 m before the stop, linear between two reports that are
no more than 150 s apart. First calls are left out: when a driver leaves is another question than how long a bus takes.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.realtime import Bools, Floats, Int64s
from domain.score import FIELDS, METHODS, SHAPE, STRATA, Tally
from predictor.accuracy import (
    EARLY_S,
    ETA_BUCKETS,
    HORIZON_EDGES_S,
    MBTA_BINS,
    bin_of,
    eta_accurate,
    horizon_bucket,
    mbta_accurate,
    reliable,
)

SAMPLE_EVERY_S = 60.0
SAMPLES_A_TICK = 3_000
PENDING_MOST = 120_000
FORGOTTEN_S = 3_600.0
"""A vehicle that did not come within an hour of what was told is not waited for."""
BEFORE_STOP_M = 15.0
GAP_S = 150.0
TOP_SPEED_MPS = 90.0
"""A place further on than that is another place on the line, or another trip: nobody came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told now of calls still ahead on runs whose vehicle is under way, a row each. Times epoch s, nan: none."""

    run: Int64s
    """Key of the run: the same from tick to tick."""
    position: Int64s
    route: Int64s
    published_epoch_s: Floats
    ours_epoch_s: Floats
    agency_epoch_s: Floats
    scheduled_epoch_s: Floats
    early_epoch_s: Floats
    """10th percentile, nan where no band is known."""
    late_epoch_s: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Arrivals that were seen, a row each."""

    run: Int64s
    position: Int64s
    at_epoch_s: Floats


def crossings(
    *, run: Int64s, ptr: Int64s, distance_m: Floats,
    before_m: Floats, before_epoch_s: Floats, now_m: Floats, now_epoch_s: Floats,
) -> Came:  # fmt: skip
    """The calls that vehicles reached between two reports.

    *run* is the key of each run, *ptr* and *distance_m* its calls along its line; the others where its vehicle was at the
    report before and is now (nan: unknown).
    """
    of = np.repeat(np.arange(len(run)), np.diff(ptr))
    position = np.arange(len(of)) - ptr[:-1][of]
    with np.errstate(invalid="ignore"):
        took_s = now_epoch_s - before_epoch_s
        moved = (now_m > before_m) & (took_s > 0) & (took_s <= GAP_S) & (now_m - before_m <= took_s * TOP_SPEED_MPS)
        mark_m = distance_m - BEFORE_STOP_M
        reached = moved[of] & (mark_m > before_m[of]) & (mark_m <= now_m[of]) & (position > 0)
    rows = np.flatnonzero(reached)
    it = of[rows]
    share = (mark_m[rows] - before_m[it]) / (now_m[it] - before_m[it])
    at = before_epoch_s[it] + share * (now_epoch_s[it] - before_epoch_s[it])
    return Came(run=run[it], position=position[rows], at_epoch_s=at)


@dataclass(slots=True)
class Scorebook:
    """Predictions that wait for their vehicle, and the tallies by route of those whose vehicle came."""

    tallies: dict[int, Tally] = field(default_factory=dict)
    """Route to sums of SHAPE."""
    waiting: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    written_epoch_s: float = float("-inf")
    seed: int = 0

    def is_due(self, now_epoch_s: float) -> bool:
        """Is it time to write down again? Callers need not prepare what is not written."""
        return not 0 <= now_epoch_s - self.written_epoch_s < SAMPLE_EVERY_S

    def note(self, now_epoch_s: float, told: Told) -> None:
        """Write down a part of what is told, once a minute; the same part of the same input every time."""
        if not self.is_due(now_epoch_s):
            return
        self.written_epoch_s = now_epoch_s
        horizon = told.published_epoch_s - now_epoch_s
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero((horizon >= 0) & (horizon < HORIZON_EDGES_S[-1]))
        if len(rows) > SAMPLES_A_TICK:
            self.seed += 1
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, SAMPLES_A_TICK, replace=False))
        fresh = {
            "key": _call_key(told.run[rows], told.position[rows]),
            "route": told.route[rows],
            "made": np.full(len(rows), now_epoch_s),
            **{method: getattr(told, f"{name}_epoch_s")[rows] for method, name in zip(METHODS, _NAMES, strict=True)},
            "early": told.early_epoch_s[rows],
            "late": told.late_epoch_s[rows],
        }
        kept = self.waiting
        if kept:
            alive = np.flatnonzero(kept["published"] > now_epoch_s - FORGOTTEN_S)[-PENDING_MOST:]
            fresh = {name: np.concatenate([kept[name][alive], column]) for name, column in fresh.items()}
        self.waiting = fresh

    def score(self, came: Came) -> int:
        """Compare what was written down with when vehicles came; how many predictions that settled."""
        if not self.waiting or not len(came.run):
            return 0
        keys = _call_key(came.run, came.position)
        order = np.argsort(keys, kind="stable")
        at = np.minimum(np.searchsorted(keys[order], self.waiting["key"]), len(keys) - 1)
        hit = keys[order][at] == self.waiting["key"]
        rows = np.flatnonzero(hit)
        if len(rows):
            actual = came.at_epoch_s[order][at[rows]]
            it = {name: column[rows] for name, column in self.waiting.items()}
            self._add(actual, it)
            self.waiting = {name: column[~hit] for name, column in self.waiting.items()}
        return len(rows)

    def _add(self, actual: Floats, it: dict[str, npt.NDArray[Any]]) -> None:
        routes, route = np.unique(it["route"], return_inverse=True)
        total = np.zeros((len(routes), *SHAPE))
        horizon = actual - it["made"]
        bucket = horizon_bucket(horizon)
        stratum = np.where(np.isnan(it["agency"]), STRATA.index("without_agency"), STRATA.index("with_agency"))
        for number, method in enumerate(METHODS):
            error = actual - it[method]
            promised = it[method] - it["made"]
            has_band = ~np.isnan(it["early"]) & (method == "published")
            with np.errstate(invalid="ignore"):
                inside = has_band & (actual >= it["early"]) & (actual <= it["late"])
                missed = error < -EARLY_S
            good = ~np.isnan(error)
            said = good & (bucket >= 0)
            eta = said & (bin_of(ETA_BUCKETS, horizon) >= 0)
            columns: dict[str, tuple[Bools, Floats | Bools]] = {
                "n": (said, good),
                "error_s": (said, error),
                "absolute_s": (said, np.abs(error)),
                "reliable": (said, reliable(horizon, error)),
                "missed": (said, missed),
                "eta_n": (eta, good),
                "eta_good": (eta, eta_accurate(horizon, error)),
                "banded": (said, has_band),
                "inside": (said, inside),
            }
            for name, (where, value) in columns.items():
                rows = np.flatnonzero(where)
                index: Any = (route[rows], stratum[rows], number, bucket[rows], FIELDS.index(name))
                np.add.at(total, index, value[rows].astype(np.float64))
            mbta = bin_of(MBTA_BINS, promised)
            rows = np.flatnonzero(good & (mbta >= 0))
            accurate = mbta_accurate(promised, error)
            for name, value in (("mbta_n", good), ("mbta_good", accurate)):
                index = (route[rows], stratum[rows], number, mbta[rows], FIELDS.index(name))
                np.add.at(total, index, value[rows].astype(np.float64))
        for row, name in enumerate(routes.tolist()):
            known = self.tallies.get(name)
            self.tallies[name] = total[row] if known is None else known + total[row]


_NAMES = ("published", "ours", "agency", "scheduled")


def _call_key(run: Int64s, position: Int64s) -> Int64s:
    """One number for a call of a run; with run keys spread over 63 bits two never meet."""
    with np.errstate(over="ignore"):
        keys: Int64s = run * np.int64(1_000_003) + position
    return keys

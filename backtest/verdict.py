"""From answers to figures: what each method's predictions were worth, on one and the same sample."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backtest.recording import Bools, Floats, Int64s, Recording, end_of_piece
from backtest.replay import Answers, everybody_spoke
from backtest.sampling import EN_ROUTE, KINDS
from backtest.truth import Truth
from predictor import accuracy

BOOTSTRAPS = 1000
DOUBTFUL_S = 3000.0
"""Nobody's buses are so late on a whole day: clocks or timetables are not what they seem."""
SEED = 20260216
"""Any number; always the same, so that two runs agree to the last bit."""
N = len(accuracy.HORIZON_NAMES)
ETA_N = len(accuracy.ETA_BUCKETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One method on one kind of question; nan where there was nothing to judge. An error is actual minus predicted."""

    mae_s: Floats
    """Mean absolute error, per horizon bucket (of ``predictor.accuracy``, by the actual horizon)."""
    median_s: Floats
    """Median error, likewise."""
    eta: float
    """ETA score: the mean of *eta_buckets*, percent."""
    eta_buckets: Floats
    """Percent accurate, per bucket of the score."""
    mbta: Floats
    """Percent accurate, per bin of the MBTA's definition (by the predicted horizon)."""
    reliable: float
    """Percent of predictions that a rider could rely on."""
    coverage: Floats
    """Share (0 to 1) of arrivals within the band, per bucket of the predicted horizon."""
    width_s: Floats
    """Mean width of the band, likewise."""
    early60: float
    """Percent of vehicles that came more than ``EARLY_S`` before they were told."""
    before_now: int
    """Predictions of a time already past."""
    wobble_s: float
    """Median change of a prediction from one question to the next."""
    availability: float
    """Percent of questions that were answered."""
    eta_ci95: tuple[float, float]
    """95 % interval of the score, trips drawn anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Figures of all methods on one kind of question."""

    samples: int
    trips: int
    counts: Int64s
    """Per horizon bucket."""
    truncated: Bools
    """Per horizon bucket: too little was recorded after its predictions to see all that belongs in it."""
    methods: dict[str, Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Everything said about one set."""

    name: str
    form: str
    parts: dict[str, Part]
    """By kind of question; "en route" is the one that counts."""
    days: dict[int, Part]
    """Vehicles under way by service day (yyyymmdd), where more than one is judged."""
    truth_known: int
    truth_of: int
    warm_until_s: float
    judged_to_s: float
    time_zone: str
    interval_s: float
    notes: list[str] = field(default_factory=list)

    @property
    def main(self) -> Part:
        """The vehicles under way."""
        return self.parts[KINDS[EN_ROUTE]]


def verdict_of(recording: Recording, answers: Answers, truth: Truth) -> Verdict:
    """The figures of every kind of question that was asked."""
    parts = {}
    for kind, name in enumerate(KINDS):
        rows = np.flatnonzero(answers.kind == kind)
        if len(rows) or kind == EN_ROUTE:
            parts[name] = _part(recording, answers, rows)
    day = np.asarray(recording.runs.service_days, np.int64)[answers.run]
    judged = np.unique(day)
    days = {
        int(it): _part(recording, answers, np.flatnonzero((answers.kind == EN_ROUTE) & (day == it))) for it in judged
    }  # fmt: skip
    return Verdict(
        name=recording.name,
        form=recording.form,
        parts=parts,
        days={it: part for it, part in days.items() if part.samples} if len(judged) > 1 else {},
        truth_known=int(np.isfinite(truth.at_s).sum()),
        truth_of=truth.of,
        warm_until_s=recording.warm_until_s,
        judged_to_s=recording.pieces[-1][1] if recording.pieces else 0.0,
        time_zone=recording.time_zone,
        interval_s=recording.interval_s,
        notes=[*recording.notes, *_doubts(answers)],
    )


def _doubts(answers: Answers) -> list[str]:
    """What looks as though the schedule were another recording's."""
    timetable = answers.arrival_s.get("schedule", np.full(len(answers), np.nan))
    known = np.isfinite(timetable) & np.isfinite(answers.actual_s)
    off_s = float(np.median(np.abs(answers.actual_s[known] - timetable[known]))) if known.any() else 0.0
    if off_s < DOUBTFUL_S:
        return []
    return [
        f"half of all vehicles are more than {off_s / 60:.0f} min off their timetable: is it in force then, and in this time zone?"
    ]


def _part(recording: Recording, answers: Answers, rows: Int64s) -> Part:
    horizon = answers.actual_s[rows] - answers.now_s[rows]
    bucket = accuracy.horizon_bucket(horizon)
    end = end_of_piece(recording.pieces, answers.now_s[rows])
    edges = np.asarray(accuracy.HORIZON_EDGES_S)
    counted, truncated = _observable(bucket, answers.now_s[rows] + edges[np.maximum(bucket, 0) + 1] <= end)
    spoke = everybody_spoke(answers)[rows]
    kept = rows[counted & spoke]
    asked = rows[counted]
    methods = {
        name: _figures(answers, name, kept, asked, bucket=bucket[counted & spoke], told=rows[spoke], end=end[spoke])
        for name in answers.arrival_s
    }
    return Part(
        samples=len(kept),
        trips=len(np.unique(answers.run[kept])),
        counts=np.bincount(bucket[counted & spoke], minlength=N),
        truncated=truncated,
        methods=methods,
    )


def _observable(bucket: Int64s, seen: Bools) -> tuple[Bools, Bools]:
    """(rows that count, buckets that are truncated).

    A recording that ends hides what came late. A row counts when it is *seen*: whatever would have happened is in its piece of
    the recording. A bucket of which less than a third would be left (in short recordings) counts with all its rows, marked as
    truncated.
    """
    inside = bucket >= 0
    whole = inside & seen
    had = np.bincount(bucket[inside], minlength=N)
    left = np.bincount(bucket[whole], minlength=N)
    truncated: Bools = (had > 0) & (left * 3 < had)
    counted: Bools = np.where(truncated[np.maximum(bucket, 0)], inside, whole)
    return counted, truncated


def _figures(
    answers: Answers, name: str, rows: Int64s, asked: Int64s, *, bucket: Int64s, told: Int64s, end: Floats
) -> Figures:
    """Of *rows*, in their *bucket*; availability in those *asked*; the band in all those *told*, up to the *end* of each."""
    arrival = answers.arrival_s[name]
    now, actual = answers.now_s[rows], answers.actual_s[rows]
    error, ahead, predicted = actual - arrival[rows], actual - now, arrival[rows] - now
    in_eta = accuracy.bin_of(accuracy.ETA_BUCKETS, ahead)
    eta_good = accuracy.eta_accurate(ahead, error)
    eta_buckets = accuracy.shares(in_eta, eta_good, ETA_N)
    mbta = accuracy.shares(
        accuracy.bin_of(accuracy.MBTA_BINS, predicted),
        accuracy.mbta_accurate(predicted, error),
        len(accuracy.MBTA_BINS),
    )
    coverage, width = _band(answers, name, told, end)
    return Figures(
        mae_s=_per_bucket(bucket, np.abs(error), np.mean),
        median_s=_per_bucket(bucket, error, np.median),
        eta=accuracy.score(eta_buckets),
        eta_buckets=eta_buckets,
        mbta=mbta,
        reliable=100.0 * float(accuracy.reliable(ahead, error).mean()) if len(rows) else float("nan"),
        coverage=coverage,
        width_s=width,
        early60=100.0 * float((error < -accuracy.EARLY_S).mean()) if len(rows) else float("nan"),
        before_now=int(np.count_nonzero(predicted < 0)),
        wobble_s=_wobble(answers, rows, arrival[rows]),
        availability=100.0 * float(np.isfinite(arrival[asked]).mean()) if len(asked) else float("nan"),
        eta_ci95=_bootstrap(answers.run[rows], in_eta, eta_good),
    )


def _band(answers: Answers, name: str, rows: Int64s, end_s: Floats) -> tuple[Floats, Floats]:
    """(share of arrivals in the band, its mean width) per bucket of the predicted horizon.

    A row is seen when the band's end is: by then it has held or it has not, also where nobody came before the recording ended.
    """
    if name not in answers.bands:
        return np.full(N, np.nan), np.full(N, np.nan)
    low, high = answers.bands[name].p10_s[rows], answers.bands[name].p90_s[rows]
    now, actual = answers.now_s[rows], answers.actual_s[rows]
    bucket = accuracy.horizon_bucket(answers.arrival_s[name][rows] - now)
    _, truncated = _observable(bucket, high <= end_s)
    known = np.where(truncated[np.maximum(bucket, 0)], np.isfinite(actual), high <= end_s)
    bucket = np.where(known, bucket, -1)
    return accuracy.shares(bucket, (actual >= low) & (actual <= high), N) / 100.0, _per_bucket(
        bucket, high - low, np.mean
    )


def _per_bucket(bucket: Int64s, values: Floats, reduce: Any) -> Floats:
    return np.asarray([reduce(part) if len(part := values[bucket == it]) else np.nan for it in range(N)], np.float64)


def _wobble(answers: Answers, rows: Int64s, told: Floats) -> float:
    """Median change of the predicted clock time between two successive questions about one call, at most 90 s apart."""
    call, now = answers.call[rows], answers.now_s[rows]
    order = np.lexsort((now, call))
    same = (np.diff(call[order]) == 0) & (np.diff(now[order]) <= 90.0)
    changes = np.abs(np.diff(told[order]))[same]
    return float(np.median(changes)) if len(changes) else float("nan")


def _bootstrap(run: Int64s, bucket: Int64s, good: Bools) -> tuple[float, float]:
    """95 % interval of the score, trips drawn with replacement: predictions of one trip are not independent."""
    inside = bucket >= 0
    _, trip = np.unique(run[inside], return_inverse=True)
    trips = int(trip.max(initial=-1)) + 1
    if trips < 2:
        return float("nan"), float("nan")
    cell = trip * ETA_N + bucket[inside]
    count = np.bincount(cell, minlength=trips * ETA_N).reshape(trips, ETA_N).astype(np.float64)
    hits = np.bincount(cell[good[inside]], minlength=trips * ETA_N).reshape(trips, ETA_N).astype(np.float64)
    random = np.random.Generator(np.random.PCG64(SEED))
    drawn = random.multinomial(trips, np.full(trips, 1.0 / trips), size=BOOTSTRAPS).astype(np.float64)
    totals = drawn @ count
    with np.errstate(invalid="ignore", divide="ignore"):
        percent = 100.0 * (drawn @ hits) / totals
    some = np.isfinite(percent)
    scores = np.where(some, percent, 0.0).sum(axis=1) / np.maximum(some.sum(axis=1), 1)
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as a tree of numbers; null where there was nothing to judge."""
    main = verdict.main
    return {
        "set": verdict.name,
        "samples": main.samples,
        "trips": main.trips,
        "methods": _methods(main),
        "format": verdict.form,
        "counts": main.counts.tolist(),
        "truncated": main.truncated.tolist(),
        "truth": {"known": verdict.truth_known, "of": verdict.truth_of},
        "judged_from_epoch_s": verdict.warm_until_s,
        "judged_to_epoch_s": verdict.judged_to_s,
        "kinds": {
            name.replace(" ", "_"): {"samples": part.samples, "trips": part.trips, "methods": _methods(part)}
            for name, part in verdict.parts.items()
            if part is not main
        },
        "days": {
            str(day): {"samples": part.samples, "trips": part.trips, "methods": _methods(part)}
            for day, part in verdict.days.items()
        },
        "notes": verdict.notes,
    }


def _methods(part: Part) -> dict[str, Any]:
    return {
        name: {
            "mae": _list(it.mae_s, 1),
            "median": _list(it.median_s, 1),
            "eta": _number(it.eta, 2),
            "eta_buckets": _list(it.eta_buckets, 2),
            "mbta": _list(it.mbta, 2),
            "coverage": _list(it.coverage, 4),
            "width": _list(it.width_s, 1),
            "reliable": _number(it.reliable, 2),
            "early60": _number(it.early60, 2),
            "before_now": it.before_now,
            "wobble": _number(it.wobble_s, 1),
            "availability": _number(it.availability, 2),
            "ci95": {"eta": [_number(it.eta_ci95[0], 2), _number(it.eta_ci95[1], 2)]},
        }
        for name, it in part.methods.items()
    }


def _list(values: Floats, digits: int) -> list[float | None]:
    return [_number(float(it), digits) for it in values]


def _number(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None

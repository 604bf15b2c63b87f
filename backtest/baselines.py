"""What others would have said: the timetable, constant delay, a historical mean, and TheTransitClock's steady state.

Each is fed the same positions as everybody and floored at now (the timetable is not: it says what it says).
"""

from dataclasses import dataclass, field

import numpy as np

from backtest.recording import Bools, Floats, Int64s, Recording
from backtest.sampling import NEXT_TRIP, Observed, Samples
from predictor.calls import ragged

HISTORY_SHARE = 0.618
"""The gain at which TheTransitClock's filter comes to rest, whatever the data say: the golden ratio.

Source: TheTransitClock, KalmanPrediction: gain = (e + v) / (e + 2 v), e' = v × gain.
"""

LEAST, MOST = 0.3, 4.0
"""Travel times outside these multiples of what was expected are detours, breaks and errors: nobody should learn them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The calls ahead of some samples, a row each; calls of one sample lie together, in order."""

    sample: Int64s
    call: Int64s
    ptr: Int64s
    """n + 1 row pointers, per sample."""


def ahead_of(recording: Recording, samples: Samples, rows: Int64s) -> Ahead:
    """Every call ahead of the samples in *rows*, as far as was known."""
    start = samples.next_call[rows]
    sizes = recording.runs.ptr[samples.run[rows] + 1] - start
    ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Ahead(sample=np.repeat(rows, sizes), call=ragged(start, sizes), ptr=ptr)


def schedule(recording: Recording, ahead: Ahead) -> Floats:
    """The timetable."""
    return recording.runs.arrival_s[ahead.call]


def constant_delay(recording: Recording, samples: Samples, ahead: Ahead) -> Floats:
    """The vehicle stays as late as it is where it was last seen."""
    runs = recording.runs
    due = scheduled_where_seen(recording, samples)
    late_s = (samples.seen_s - due)[samples.of][ahead.sample]
    arrives: Floats = np.maximum(runs.arrival_s[ahead.call] + late_s, samples.now_s[ahead.sample])
    return arrives


def scheduled_where_seen(recording: Recording, samples: Samples) -> Floats:
    """When the timetable had each sample's run where it was seen: between two calls evenly by distance."""
    runs = recording.runs
    first = runs.ptr[samples.run]
    to = np.clip(samples.next_call, first, runs.ptr[samples.run + 1] - 1)
    before = np.maximum(to - 1, first)
    due: Floats = runs.arrival_s[to] - samples.share * (runs.arrival_s[to] - runs.departure_s[before])
    return np.where(to == before, runs.departure_s[first], due)


@dataclass(slots=True)
class Habits:
    """Travel times learned as they became known: per stop pair the mean and the last, of all runs that share it."""

    recording: Recording
    observed: Observed
    pair: Int64s = field(init=False)
    """Of each call: the stretch that ends there."""
    sums: Floats = field(init=False)
    count: Floats = field(init=False)
    last: Floats = field(init=False)
    taken: int = field(init=False, default=0)
    metres: float = field(init=False, default=0.0)
    seconds: float = field(init=False, default=0.0)
    _planned: Floats = field(init=False)
    _stretch_m: Floats = field(init=False)

    def __post_init__(self) -> None:
        runs = self.recording.runs
        n = len(self.recording.stops.ids)
        before = np.concatenate([[0], runs.stop[:-1]])
        _, self.pair = np.unique(before * n + runs.stop, return_inverse=True)
        pairs = int(self.pair.max(initial=-1)) + 1
        self.sums, self.count = np.zeros((2, pairs)), np.zeros(pairs)
        self.last = np.full((2, pairs), np.nan)
        self._planned = np.maximum(np.diff(runs.arrival_s, prepend=np.nan), 0.0)
        self._stretch_m = np.maximum(np.diff(runs.along_m, prepend=np.nan), 0.0)

    def learn(self, now_s: float) -> None:
        """Take in what became known by *now_s*."""
        until = int(np.searchsorted(self.observed.known_s, now_s, "right"))
        if until == self.taken:
            return
        rows = slice(self.taken, until)
        self.taken = until
        call = self.observed.call[rows]
        forms = np.stack([self.observed.run_s[rows], self.observed.whole_s[rows]])
        expected = self._times(1, call, 1.0)
        with np.errstate(invalid="ignore"):
            odd = (forms[1] > MOST * expected) | (forms[1] < LEAST * expected)
        call, forms = call[~odd], forms[:, ~odd]
        pair = self.pair[call]
        for form, values in enumerate(forms):
            np.add.at(self.sums[form], pair, values)
            self.last[form][pair] = values
        np.add.at(self.count, pair, 1.0)
        stretch = self._stretch_m[call]
        known = np.isfinite(stretch)
        self.metres += float(stretch[known].sum())
        self.seconds += float(forms[1][known].sum())

    def arrivals(self, samples: Samples, ahead: Ahead, history_share: float) -> Floats:
        """Predicted arrivals at the calls ahead: *history_share* of the mean and the rest of the last vehicle's time.

        A next trip starts when its vehicle has come, but not before its time.
        """
        arrives = np.full(len(ahead.call), np.nan)
        free = np.full(len(samples), np.nan)
        kind = samples.kind[ahead.sample]
        for rows in (np.flatnonzero(kind != NEXT_TRIP), np.flatnonzero(kind == NEXT_TRIP)):
            if len(rows):
                sample, call = ahead.sample[rows], ahead.call[rows]
                heads = np.flatnonzero(np.diff(sample, prepend=-1) != 0)
                arrives[rows] = self._arrivals(samples, sample, call, heads, free, history_share)
                ends = np.append(heads[1:], len(rows)) - 1
                free[sample[ends]] = arrives[rows[ends]]
        return arrives

    def _arrivals(
        self, samples: Samples, sample: Int64s, call: Int64s, heads: Int64s, free_s: Floats, history_share: float
    ) -> Floats:
        whole = self._times(1, call, history_share)
        rows = sample[heads]
        standing = np.isfinite(samples.standing_s[rows])
        run = self._times(0, call[heads], history_share)
        to_next = np.where(standing, whole[heads], run * samples.share[rows])
        start = np.where(standing, samples.standing_s[rows], samples.seen_s[rows])
        # Before its departure a vehicle is taken to leave in time, or now.
        runs = self.recording.runs
        origin = call[heads] == runs.ptr[samples.run[rows]]
        leaves = np.fmax(runs.departure_s[call[heads]], samples.now_s[rows])
        leaves = np.where(samples.kind[rows] == NEXT_TRIP, np.fmax(leaves, free_s[samples.of[rows]]), leaves)
        steps = whole.copy()
        steps[heads] = np.where(origin, 0.0, to_next)
        start = np.where(origin, leaves, start)
        start = np.where(standing, np.maximum(start + to_next, samples.now_s[rows]) - to_next, start)
        sums = np.cumsum(steps)
        offset = np.repeat(sums[heads] - steps[heads] - start, np.diff(np.append(heads, len(call))))
        arrives: Floats = np.maximum(sums - offset, samples.now_s[sample])
        return arrives

    def _times(self, form: int, call: Int64s, history_share: float) -> Floats:
        pair = self.pair[call]
        count = self.count[pair]
        seen: Bools = count > 0
        mean = self.sums[form][pair] / np.maximum(count, 1.0)
        times = history_share * mean + (1.0 - history_share) * np.where(seen, self.last[form][pair], 0.0)
        planned = self._planned[call]
        if not self.recording.runs.scheduled and self.seconds > 0:
            planned = self._stretch_m[call] * (self.seconds / max(self.metres, 1.0))
        found: Floats = np.where(seen, times, planned)
        return found

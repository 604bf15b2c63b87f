"""The replay: in order of time, every method is asked the same questions with what had been received by then."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from backtest import baselines
from backtest.recording import Bools, Floats, Int64s, Recording, said_at
from backtest.sampling import BEFORE_DEPARTURE, EN_ROUTE, Samples, observed, samples_of
from backtest.tracks import Tracks, tracks_of
from backtest.truth import Truth, crossings, leaders, truth_of

LONGEST_S = 2700.0
"""From a question to what happened, of those that are kept. Errors are judged within half an hour; whether a band of up to half
an hour holds, the late ones tell as well."""

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Quantiles of one method, a row a question."""

    p10_s: Floats
    p90_s: Floats


@dataclass(slots=True, kw_only=True)
class Answers:
    """The judged questions (a run at an instant, a call ahead of it) and every method's answer, a row each."""

    now_s: Floats
    run: Int64s
    call: Int64s
    kind: Int64s
    actual_s: Floats
    """inf where a vehicle was still on its way when the recording ended."""
    arrival_s: dict[str, Floats] = field(default_factory=dict)
    """Method to predicted arrival, nan where it said nothing."""
    bands: dict[str, Bands] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.now_s)


class Predictor(Protocol):
    """What learns while the day goes on."""

    def at(self, now_s: float, ahead: baselines.Ahead) -> dict[str, Floats]:
        """Answers at *now_s* for the calls ahead of the samples of that tick; names with ``:p10``, ``:p90`` are bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every predictor is given: the recording and where its vehicles were, as was known."""

    recording: Recording
    tracks: Tracks
    leads: Bools
    """Fixes of the vehicle that counts for its run."""
    samples: Samples


def replay(
    recording: Recording, learners: Callable[[Setting], list[Predictor]], progress: Progress
) -> tuple[Answers, Truth]:
    """Everybody's answers to the judged questions, and what happened."""
    progress("placing vehicles on their lines", 0.0)
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    truth = truth_of(recording, tracks)
    leads = leaders(recording, tracks)
    samples = samples_of(recording, tracks, leads)
    setting = Setting(recording=recording, tracks=tracks, leads=leads, samples=samples)
    predictors = learners(setting)
    ticks = np.flatnonzero(np.diff(samples.now_s, prepend=-np.inf) > 0) if len(samples) else np.zeros(0, np.int64)
    bounds = np.append(ticks, len(samples))
    kept: list[dict[str, Floats]] = []
    for number, (low, high) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        if number % 50 == 0:
            progress("replaying", number / len(ticks))
        now_s = float(samples.now_s[low])
        ahead = baselines.ahead_of(recording, samples, np.arange(low, high))
        told: dict[str, Floats] = {}
        for predictor in predictors:
            told.update(predictor.at(now_s, ahead))
        if now_s < recording.warm_until_s:
            continue
        actual, still_open = truth.at_s[ahead.call], truth.open_s[ahead.call]
        with np.errstate(invalid="ignore"):
            asked = np.flatnonzero(((actual > now_s) & (actual < now_s + LONGEST_S)) | (still_open > now_s))
        row = {name: values[asked] for name, values in told.items()}
        row["sample"], row["call"] = ahead.sample[asked].astype(np.float64), ahead.call[asked].astype(np.float64)
        kept.append(row)
    progress("replaying", 1.0)
    return _answers(setting, truth, kept), truth


def _answers(setting: Setting, truth: Truth, kept: list[dict[str, Floats]]) -> Answers:
    recording, samples = setting.recording, setting.samples
    columns = {name: np.concatenate([it[name] for it in kept]) for name in kept[0]} if kept else {}
    sample = columns.pop("sample", np.zeros(0)).astype(np.int64)
    call = columns.pop("call", np.zeros(0)).astype(np.int64)
    now, run = samples.now_s[sample], samples.run[sample]
    # Who seemed to be under way, but came back to its first stop, had not departed.
    departed = truth.at_s[recording.runs.ptr[run]]
    with np.errstate(invalid="ignore"):
        kind = np.where((samples.kind[sample] == EN_ROUTE) & (departed > now), BEFORE_DEPARTURE, samples.kind[sample])
    answers = Answers(
        now_s=now,
        run=run,
        call=call,
        kind=kind,
        actual_s=np.where(np.isfinite(truth.open_s[call]), np.inf, truth.at_s[call]),
    )
    asked = baselines.Ahead(sample=sample, call=call, ptr=np.zeros(1, np.int64))
    if recording.runs.scheduled:
        answers.arrival_s["schedule"] = baselines.schedule(recording, asked)
        answers.arrival_s["constant_delay"] = baselines.constant_delay(recording, samples, asked)
    if recording.said:
        # What is told to be past is shown as now: no screen shows a time before now.
        answers.arrival_s["agency"] = np.maximum(said_at(recording.said, now, call), now)
    for name, values in columns.items():
        if ":" not in name:
            answers.arrival_s[name] = values
    for name in answers.arrival_s:
        if f"{name}:p10" in columns:
            answers.bands[name] = Bands(p10_s=columns[f"{name}:p10"], p90_s=columns[f"{name}:p90"])
    return answers


class History:
    """The historical mean and TheTransitClock's blend, learning as the day goes on."""

    def __init__(self, setting: Setting) -> None:
        recording = setting.recording
        found = None
        if len(recording.fixes) and not recording.native:
            found = crossings(recording, setting.tracks.causal_m, setting.leads, hindsight=False)
        self._samples = setting.samples
        self._habits = baselines.Habits(recording, observed(recording, found))

    def at(self, now_s: float, ahead: baselines.Ahead) -> dict[str, Floats]:
        """Both answers."""
        self._habits.learn(now_s)
        return {
            "historical": self._habits.arrivals(self._samples, ahead, 1.0),
            "transitclock": self._habits.arrivals(self._samples, ahead, baselines.HISTORY_SHARE),
        }


def everybody_spoke(answers: Answers) -> Bools:
    """Questions that every method answered: the one sample on which all are judged."""
    together = np.ones(len(answers), np.bool_)
    for values in answers.arrival_s.values():
        together &= np.isfinite(values)
    return together

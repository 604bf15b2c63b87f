"""What the engine does with what it sees: running times, dwells, starts and outcomes, each learned once it is borne out.

The order of the four matters: who rushed is doubted before anything else of it is heard, and gaps between vehicles are those
of before the arrivals just seen.
"""

import numpy as np

from domain.realtime import Floats, Int64s
from predictor.learned.hours import hour_slots
from predictor.learned.learned import Learned
from predictor.learned.lessons import Dwells, Outcomes, RunningTimes, Starts
from predictor.learned.plan import Plan
from predictor.learned.probation import Probation
from predictor.learned.samples import Samples
from predictor.learned.settings import Settings
from predictor.learned.spacing import Spacing
from predictor.learned.tracks import Seen, Tracks

KNOWN_WELL = 0.5
"""From this share of experience on, a stop pair's usual time tells a lie; before, it may be the timetable that is wrong."""


class Learning:
    """One engine's: from its *tracks* into what it has *learned* and, of its own forecasts, into its *samples*."""

    def __init__(self, settings: Settings, learned: Learned, tracks: Tracks, samples: Samples) -> None:
        self.settings, self.learned, self.tracks, self.samples = settings, learned, tracks, samples
        self._spacing = Spacing()
        self._running_times: Probation[RunningTimes] = Probation(settings)
        self._dwells: Probation[Dwells] = Probation(settings)
        self._starts: Probation[Starts] = Probation(settings)
        self._outcomes: Probation[Outcomes] = Probation(settings)

    def learn(self, now_epoch_s: float, plan: Plan, seen: Seen) -> None:
        """Learn from what has become known and been borne out."""
        self._learn_running_times(now_epoch_s, plan, seen)
        self._learn_dwells(now_epoch_s, plan, seen)
        self._learn_starts(now_epoch_s, plan, seen)
        self._learn_outcomes(now_epoch_s, plan, seen)

    def _learn_running_times(self, now_epoch_s: float, plan: Plan, seen: Seen) -> None:
        """And doubt the runs that can not have driven so fast; nobody is judged any more by what was said of liars."""
        runs = plan.runs
        call, observed = _numbers(seen.run_call), _seconds(seen.run_s)
        fair = ~(runs.skipped[call] | runs.skipped[np.maximum(call - 1, 0)])
        call, observed = call[fair], observed[fair]
        run = plan.run[call]
        told = RunningTimes(
            run_key=runs.key[run],
            pair=plan.pair[call],
            observed_s=observed,
            pace_s=plan.pace_s[call],
            habit=plan.habit[run],
            hour=hour_slots(runs, run, now_epoch_s),
            service_epoch_s=runs.service_epoch_s[run],
            spacing=self._spacing_of(plan, run),
        )
        rushed = self._rushed(now_epoch_s, plan, run, told)
        self._distrust(now_epoch_s, runs.key[np.concatenate([*seen.lied_run, rushed])])
        told = told.only(observed >= plan.least_s[call])
        proven = self._running_times.pass_through(now_epoch_s, self.tracks, told)
        if len(proven.pair):
            self.learned.learn_days(proven.habit, proven.service_epoch_s)
            self.learned.learn_runs(
                proven.pair, proven.observed_s, proven.pace_s, proven.habit, now_epoch_s, proven.hour, proven.spacing
            )

    def _rushed(self, now_epoch_s: float, plan: Plan, run: Int64s, told: RunningTimes) -> Int64s:
        """Runs that can not have driven as fast as they say; from now on they are doubted. *run*: the plan's, a row each."""
        at, where = np.unique(run, return_inverse=True)
        slot = self.tracks.find(plan.runs.key[at])
        usual = self.learned.usual_s(told.pair, told.pace_s, told.habit, now_epoch_s, told.hour)[0]
        # Where some trips have a longer time than others, nobody lies who needs the others'.
        usual = self.learned.briefest_s(told.pair, usual)
        known = self.learned.seen_share(told.pair, now_epoch_s)
        fast = self.tracks.hurries(
            slot,
            np.bincount(where, known * told.observed_s, len(at)).astype(np.float64),
            np.bincount(where, known * usual, len(at)).astype(np.float64),
        )
        impossible = (known >= KNOWN_WELL) & (told.observed_s < self.settings.least_ratio * usual - 15.0)
        fast[where[impossible]] = True
        fast &= ~self.tracks.column("native")[slot]
        self.tracks.caught(slot[fast], now_epoch_s, self.settings.doubtful)
        rushed: Int64s = at[fast]
        return rushed

    def _distrust(self, now_epoch_s: float, caught: Int64s) -> None:
        """Judge nobody by what was said of runs (their keys) that lie."""
        doubt = self.tracks.doubt(self.tracks.find(caught), now_epoch_s)
        self.samples.forget(caught[doubt >= self.settings.doubtful])

    def _learn_dwells(self, now_epoch_s: float, plan: Plan, seen: Seen) -> None:
        runs = plan.runs
        call, observed = _numbers(seen.dwell_call), _seconds(seen.dwell_s)
        exact = (plan.timed & runs.exact)[plan.run[call]]
        early = np.where(exact, runs.departure_epoch_s[call] - _seconds(seen.dwell_arrived_epoch_s), np.nan)
        fair = ~runs.skipped[call]
        call, observed, early = call[fair], observed[fair], early[fair]
        run = plan.run[call]
        told = Dwells(
            run_key=runs.key[run],
            place=plan.place[call],
            observed_s=observed,
            early_s=early,
            waits=runs.waits[call],
            habit=plan.habit[run],
            spacing=self._spacing_of(plan, run),
        )
        proven = self._dwells.pass_through(now_epoch_s, self.tracks, told)
        if len(proven.place):
            self.learned.learn_dwells(
                proven.place, proven.observed_s, proven.early_s, proven.waits, proven.habit, now_epoch_s, proven.spacing
            )

    def _learn_starts(self, now_epoch_s: float, plan: Plan, seen: Seen) -> None:
        runs, tracks = plan.runs, self.tracks
        call, departed = _numbers(seen.start_call), _seconds(seen.start_epoch_s)
        run = plan.run[call]
        before = runs.before[run]
        slot = tracks.find(runs.key[np.maximum(before, 0)])
        slot[before < 0] = -1
        told = Starts(
            run_key=runs.key[run],
            habit=plan.habit[run],
            scheduled_epoch_s=np.where(runs.exact[run], runs.departure_epoch_s[call], np.nan),
            arrived_epoch_s=np.where(slot >= 0, tracks.column("ended_epoch_s")[np.maximum(slot, 0)], np.nan),
            departed_epoch_s=departed,
        )
        proven = self._starts.pass_through(now_epoch_s, tracks, told)
        self.learned.learn_starts(
            proven.habit, proven.scheduled_epoch_s, proven.arrived_epoch_s, proven.departed_epoch_s
        )

    def _learn_outcomes(self, now_epoch_s: float, plan: Plan, seen: Seen) -> None:
        """Gaps between vehicles, at once, of runs that are believed; and what has become of the forecasts made."""
        call, arrived = _numbers(seen.outcome_call), _seconds(seen.outcome_epoch_s)
        key, tracks = plan.runs.key, self.tracks
        told = Outcomes(run_key=key[plan.run[call]], position=plan.position[call], arrived_epoch_s=arrived)
        believed = tracks.doubt(tracks.find(told.run_key), now_epoch_s) < self.settings.wary
        run, more = self._spacing.passed(plan, call[believed], arrived[believed])
        tracks.column("spacing")[tracks.find(key[run])] = more
        proven = self._outcomes.pass_through(now_epoch_s, tracks, told)
        self.samples.resolve(proven.run_key, proven.position, proven.arrived_epoch_s)
        self.samples.judge(now_epoch_s, self.learned)

    def _spacing_of(self, plan: Plan, run: Int64s) -> Floats:
        """How far each run was from its planned gap before what was just seen of it."""
        spacing: Floats = self.tracks.column("spacing")[self.tracks.find(plan.runs.key[run])]
        return spacing


def _numbers(parts: list[Int64s]) -> Int64s:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _seconds(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)

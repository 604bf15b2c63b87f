"""The engine: takes in what is reported, learns from it, and forecasts every call ahead with a band.

It keeps a sample of its own forecasts until it sees what happened, and only then judges the experts and itself by them.
Nothing here asks for the time: the same reports in the same order give the same forecasts, bit for bit.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Bools, Floats, Int64s
from predictor.learned.errors import (
    AGENCY,
    AGES_S,
    EXPERTS,
    KNOTS_S,
    N_AGES,
    QUANTILES,
    SCALE_S,
    TRAVEL,
    Judgement,
    judge,
    knots,
)
from predictor.learned.journeys import Journeys, Stand, journeys, stand
from predictor.learned.learned import Learned, State
from predictor.learned.learning import Learning
from predictor.learned.plan import LIFT_M, Plan, calls_at, least_s, paces, spread, thresholds, top_speeds
from predictor.learned.runs import (
    Fixes,
    Forecast,
    ForecastFlag,
    Kind,
    Runs,
    StopEvents,
    Told,
    nothing_told,
)
from predictor.learned.samples import Samples
from predictor.learned.settings import Settings
from predictor.learned.tracks import Tracks

SETTLED_S = 20_000.0
"""Seconds of running that have to be observed of a group without a timetable before its forecasts are held against it:
in the first minutes its speed is a guess, whose errors would be taken for habits."""
ALIKE_S = 300.0
"""So long after one another, forecasts of one run are as good as independent."""
ALIKE_CALLS = 2.5
"""So many calls of one forecast are as good as one: what delays the one delays the others."""
GUESS_VOTE = 0.01
"""Where there is no timetable and few were seen, the speed is made up: such a forecast counts where nobody else speaks."""


class Engine:
    """One timetable's (or one recording's) predictor. *state* is what was learned before."""

    def __init__(self, settings: Settings | None = None, state: State | None = None) -> None:
        self.settings = settings or Settings()
        self.learned = Learned(self.settings)
        if state is not None:
            self.learned.restore(state)
        self.tracks = Tracks(self.settings)
        self.samples = Samples(self.settings)
        self._learning = Learning(self.settings, self.learned, self.tracks, self.samples)
        self._judgement: tuple[int, Judgement] | None = None
        self._plan: Plan | None = None
        """The last one observed by."""

    def state(self) -> State:
        """Everything learned, to keep. Where vehicles are right now is not part of it."""
        return self.learned.state()

    def prepare(self, runs: Runs) -> Plan:
        """What can be said of *runs* before any report; wanted by everything else. Good until the runs change."""
        run, position = spread(runs.ptr)
        reach, leave = thresholds(runs, run, position)
        top_mps = top_speeds(runs, run, position)
        pace, timed = paces(runs, run, position, top_mps)
        inner = np.flatnonzero(position > 0)
        pair = np.full(len(run), -1, np.int64)
        pair[inner] = self.learned.pair_slots(runs.stop[inner - 1], runs.stop[inner])
        pace = self._pace_of_others(pace, pair, timed[run])
        lift = run.astype(np.float64) * LIFT_M
        return Plan(
            runs=runs,
            run=run,
            position=position,
            reach_m=reach,
            leave_m=leave,
            reach_key=lift + np.maximum(reach, -LIFT_M / 2),
            leave_key=lift + np.minimum(leave, LIFT_M / 2 - 1),
            pace_s=pace,
            timed=timed,
            pair=pair,
            place=self.learned.stops.slots(runs.stop),
            habit=self.learned.group_slots(runs.group),
            least_s=least_s(top_mps[run], position, reach, leave),
            top_mps=top_mps,
            calls_at=calls_at(runs, run, position),
        )

    def _pace_of_others(self, pace_s: Floats, pair: Int64s, timed: Bools) -> Floats:
        """The pace, without a timetable that of the runs seen on the same ways: what they needed is known against it."""
        inner = np.flatnonzero(~timed & (pair >= 0))
        n, scheduled = self.learned.pairs["n"][pair[inner]], self.learned.pairs["scheduled_s"][pair[inner]]
        pace = pace_s.copy()
        pace[inner] = np.where(n > 0, scheduled / np.where(n > 0, n, 1.0), pace[inner])
        return pace

    def observe(self, now_epoch_s: float, plan: Plan, fixes: Fixes, events: StopEvents) -> None:
        """Take in what was received by *now*, and learn what it proves."""
        if plan is not self._plan:
            self._plan = plan
            self.samples.forget(self.tracks.forget_others(plan))
        seen = self.tracks.observe(now_epoch_s, plan, fixes, events, self.learned)
        self._learning.learn(now_epoch_s, plan, seen)

    def forecast(
        self, now_epoch_s: float, plan: Plan, rows: Int64s | None = None, told: Told | None = None
    ) -> Forecast:
        """When the runs in *rows* (all, if None) will be at each call, by everything received by *now*."""
        rows = np.arange(len(plan.runs), dtype=np.int64) if rows is None else rows
        made = self._make(now_epoch_s, plan, rows, told or nothing_told())
        self._sample(now_epoch_s, plan, made)
        return self._assemble(now_epoch_s, plan, made)

    def tick(
        self, now_epoch_s: float, plan: Plan, fixes: Fixes, events: StopEvents, told: Told, rows: Int64s | None = None
    ) -> Forecast:
        """Observe, then forecast."""
        self.observe(now_epoch_s, plan, fixes, events)
        return self.forecast(now_epoch_s, plan, rows, told)

    def consider(
        self, now_epoch_s: float, plan: Plan, rows: Int64s, told: Told | None = None
    ) -> "tuple[Made, Forecast]":
        """A forecast with everything it was made of; nothing is learned or remembered of it."""
        made = self._make(now_epoch_s, plan, rows, told or nothing_told())
        return made, self._assemble(now_epoch_s, plan, made)

    # --- how a forecast is made

    def judgement(self) -> Judgement:
        """What the errors so far say."""
        version = self.learned.version
        if self._judgement is None or self._judgement[0] != version:
            self._judgement = (
                version,
                judge(
                    self.learned.errors,
                    self.learned.band_errors,
                    self.learned.expert_errors,
                    self.learned.widths,
                    self.settings,
                ),
            )
        return self._judgement[1]

    def _make(self, now_epoch_s: float, plan: Plan, rows: Int64s, told: Told) -> "Made":
        """A forecast with all its parts; learns and keeps nothing."""
        at = stand(now_epoch_s, plan, rows, self.tracks, self.settings)
        ways, at = journeys(now_epoch_s, plan, at, told, self.learned, self.tracks, self.settings)
        judgement = self.judgement()
        n = len(ways.row)
        ratio = np.where(ways.ahead, ways.arrival_s[0], ways.departure_s[0])
        agency = np.where(ways.ahead, ways.arrival_s[AGENCY], ways.departure_s[AGENCY])
        rough = np.where(np.isnan(ratio), agency, ratio)
        some = np.flatnonzero(~np.isnan(rough))
        ahead = ways.ahead[some]
        group = plan.habit[at.run][ways.row]
        cell = 2 * at.kind[ways.row].astype(np.int64) + ways.raw
        low, share = knots(rough[some])
        scale = rough[some] + SCALE_S
        leaf = (group[some] * judgement.weight.shape[1] + cell[some]) * len(KNOTS_S) + low
        made_up = ways.raw[some] & ~plan.timed[at.run[ways.row[some]]]
        silent = np.full((len(EXPERTS), n), np.nan)
        experts, weight, bias = silent, silent.copy(), silent.copy()
        total, blend, dwell = np.zeros(len(some)), np.zeros(len(some)), np.zeros(len(some))
        for number in range(len(EXPERTS)):
            goes = ways.departure_s[number, some]
            said = np.where(ahead, ways.arrival_s[number, some], goes)
            spoken = ~np.isnan(said)
            if not spoken.any():
                continue
            table = judgement.weight[..., number].reshape(-1)
            votes = np.where(spoken, table[leaf] * (1 - share) + table[leaf + 1] * share, 0.0)
            if number < TRAVEL:
                votes = np.where(made_up, GUESS_VOTE * votes, votes)
            shift = np.zeros(len(some))
            if number == AGENCY:
                table = judgement.bias[..., number].reshape(-1)
                shift = table[leaf] * (1 - share) + table[leaf + 1] * share
            heard = np.where(spoken, said, 0.0)
            total += votes
            blend += votes * np.maximum(heard + shift * scale, 0.0)
            dwell += votes * np.where(spoken & ~np.isnan(goes), np.maximum(goes - said, 0.0), 0.0)
            experts[number, some], weight[number, some], bias[number, some] = said, votes, shift
        weight[:, some] /= total
        mean = np.full(n, np.nan)
        mean[some] = blend / total
        stay = np.zeros(n)
        stay[some] = np.where(ahead, dwell / total, 0.0)
        age = np.digitize(np.nan_to_num(at.age_s, nan=0.0), AGES_S)[ways.row]
        low, share = knots(mean[some])
        offsets = np.full((len(QUANTILES) + 1, n), np.nan)
        offsets[:, some] = _quantiles(judgement.quantile, group[some], cell[some], low, age[some], share)
        blend, dwell = mean, stay
        self._hold(now_epoch_s, plan, at, ways, blend, offsets)
        return Made(
            at=at, ways=ways, rough_s=rough, blend_s=blend, dwell_s=dwell, experts_s=experts, weight=weight, bias=bias,
            offsets=offsets, age=age, group=group, cell=cell,
        )  # fmt: skip

    def _hold(
        self, now_epoch_s: float, plan: Plan, at: Stand, ways: Journeys, blend_s: Floats, offsets: Floats
    ) -> None:
        """Promise no run that has not begun much before its timetable, unless half of its kind come so early: what may
        happen in an hour at a terminal is no reason to send riders out an hour's uncertainty early."""
        waits = (at.kind == Kind.BEFORE_DEPARTURE) | (at.kind == Kind.NEXT_RUN)
        held = np.flatnonzero((waits & plan.runs.exact[at.run])[ways.row])
        scale = blend_s[held] + SCALE_S
        middle = blend_s[held] + offsets[QUANTILES.index(0.5), held] * scale
        planned = plan.runs.arrival_epoch_s[ways.call[held]] - now_epoch_s
        soonest = (np.fmin(middle, planned) - self.settings.lead_s - blend_s[held]) / scale
        offsets[-1, held] = np.maximum(offsets[-1, held], soonest)

    def _sample(self, now_epoch_s: float, plan: Plan, made: "Made") -> None:
        ways = made.ways
        settled = self.learned.groups["observed_s"] >= SETTLED_S
        settled = settled[made.group] | plan.timed[plan.run[ways.call]]
        event = ways.ahead & settled & (made.blend_s <= 45 * 60.0) & ~plan.runs.skipped[ways.call]
        slot = self.tracks.find(plan.runs.key[made.at.run])
        doubt = self.tracks.doubt(np.maximum(slot, 0), now_epoch_s)
        event &= ~((slot >= 0) & (doubt >= self.settings.doubtful))[ways.row]
        rows = np.flatnonzero(event)
        share = self._worth(now_epoch_s, plan, made, rows)
        chosen, each = self.samples.choose(now_epoch_s, rows)
        if len(chosen):
            ends = made.offsets[[QUANTILES.index(0.1), QUANTILES.index(0.9)]][:, chosen]
            run = made.at.run[ways.row[chosen]]
            self.samples.add(
                now_epoch_s,
                run_key=plan.runs.key[run],
                position=plan.position[ways.call[chosen]],
                worth=share[chosen] * each,
                group=made.group[chosen],
                cell=made.cell[chosen],
                age=made.age[chosen],
                rough_s=made.rough_s[chosen],
                blend_s=made.blend_s[chosen],
                band_s=made.blend_s[chosen] + ends * (made.blend_s[chosen] + SCALE_S),
                experts_s=made.experts_s[:, chosen],
            )

    def _worth(self, now_epoch_s: float, plan: Plan, made: "Made", rows: Int64s) -> Floats:
        """What a sample of each call counts: forecasts of one run are alike, over its calls and from minute to minute."""
        ways = made.ways
        worth = np.zeros(len(ways.row))
        if not len(rows):
            return worth
        slot = self.tracks.find(plan.runs.key[made.at.run])
        at = np.maximum(slot, 0)
        sampled = self.tracks.column("sampled_epoch_s")
        passed = np.where(slot >= 0, now_epoch_s - sampled[at], 30.0)
        sampled[slot[slot >= 0]] = now_epoch_s
        fresh = np.clip(np.nan_to_num(passed, nan=ALIKE_S) / ALIKE_S, 0.0, 1.0)
        worth[rows] = fresh[ways.row[rows]] / ALIKE_CALLS
        return worth

    def _assemble(self, now_epoch_s: float, plan: Plan, made: "Made") -> Forecast:
        ways, at = made.ways, made.at
        claim = ~np.isnan(made.blend_s) & ways.leaves & ~plan.runs.skipped[ways.call]
        scale = made.blend_s + SCALE_S
        columns: dict[str, Floats] = {}
        names = ("p10", "p30", "p50", "p90", "published")
        lift = ways.row * 1e7
        arrives = claim & ways.ahead
        n = len(claim)
        for column, name in enumerate(names):
            moved = np.maximum(made.blend_s + made.offsets[column] * scale, 0.0)
            both = np.empty(2 * n)
            both[0::2] = np.where(arrives, moved, 0.0)
            both[1::2] = np.where(claim, moved + made.dwell_s, 0.0)
            both = np.maximum.accumulate(both + np.repeat(lift, 2)) - np.repeat(lift, 2)
            both = np.ceil(both + now_epoch_s)
            columns[f"arrival_{name}"] = np.where(arrives, both[0::2], np.nan)
            columns[f"departure_{name}"] = np.where(claim, both[1::2], np.nan)
        flags = np.zeros(n, np.uint8)
        flags[~ways.leaves] |= np.uint8(ForecastFlag.PASSED)
        flags[~claim & ways.leaves] |= np.uint8(ForecastFlag.NO_CLAIM)
        kind = at.kind[ways.row]
        flags[claim & (kind == Kind.NEXT_RUN)] |= np.uint8(ForecastFlag.AFTER_LAYOVER)
        with np.errstate(invalid="ignore"):
            unsure = (made.blend_s > self.settings.far_s) | (at.age_s > self.settings.stale_s)[ways.row]
        flags[claim & unsure] |= np.uint8(ForecastFlag.UNCERTAIN)
        return Forecast(
            run=at.run, kind=at.kind, age_s=at.age_s, deviation_s=at.delay_s, ptr=ways.ptr, flags=flags, **columns
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A forecast with everything it was made of; a row a call, seconds after now."""

    at: Stand
    ways: Journeys
    rough_s: Floats
    """The first travel expert's time, or the agency's: the horizon by which the experts are judged."""
    blend_s: Floats
    dwell_s: Floats
    experts_s: Floats
    weight: Floats
    bias: Floats
    offsets: Floats
    """Relative, a row a quantile (QUANTILES, then the published one)."""
    age: Int64s
    group: Int64s
    cell: Int64s


def _quantiles(table: Floats, group: Int64s, cell: Int64s, low: Int64s, age: Int64s, share: Floats) -> Floats:
    """A row a quantile."""
    flat = table.reshape(-1, table.shape[-1]).T
    at = ((group * table.shape[1] + cell) * table.shape[2] + low) * N_AGES + age
    rows: Floats = flat[:, at] * (1 - share) + flat[:, at + N_AGES] * share
    return rows

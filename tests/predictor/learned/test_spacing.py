"""Gaps between vehicles: what a long one costs is learned, and a vehicle close behind another is foretold sooner."""

import numpy as np
import pytest

from domain.realtime import Floats
from predictor.learned.engine import Engine
from predictor.learned.plan import Plan
from predictor.learned.runs import Runs, StopEvents, key_of, no_fixes
from predictor.learned.spacing import Spacing

START = 1_700_000_000.0
STOPS, PACE_S, HEADWAY_S = 16, 120.0, 600.0


def line(n: int, *, timed: bool = True) -> Runs:
    """*n* runs of one line, ten minutes apart."""
    position = np.tile(np.arange(STOPS), n)
    due = START + np.repeat(np.arange(n), STOPS) * HEADWAY_S + position * PACE_S
    due = due if timed else np.full(n * STOPS, np.nan)
    return Runs(
        key=np.array([key_of("spacing", it) for it in range(n)], np.int64),
        group=np.full(n, key_of("spacing"), np.int64),
        before=np.full(n, -1, np.int64),
        exact=np.ones(n, bool),
        service_epoch_s=np.full(n, START - START % 86_400.0),
        day_type=np.zeros(n, np.uint8),
        ptr=np.arange(n + 1, dtype=np.int64) * STOPS,
        stop=np.array([key_of("spacing", f"s{it}") for it in position], np.int64),
        distance_m=position.astype(np.float64) * 500.0,
        arrival_epoch_s=due,
        departure_epoch_s=due.copy(),
        waits=position == 0,
        skipped=np.zeros(n * STOPS, bool),
    )


def driven(n: int, effect: float) -> Floats:
    """When each run passes each stop: a gap twice as long as planned makes running times longer by *effect*."""
    random = np.random.default_rng(7)
    at = np.zeros((n, STOPS))
    at[:, 0] = START + np.arange(n) * HEADWAY_S + random.uniform(0.0, 400.0, n)
    for stop in range(1, STOPS):
        gap = np.diff(at[:, stop - 1], prepend=at[0, stop - 1] - HEADWAY_S) / HEADWAY_S - 1.0
        at[:, stop] = at[:, stop - 1] + PACE_S * (1.0 + effect * np.clip(gap, -1.0, 1.0)) * random.gamma(25, 1 / 25, n)
    return at


def told(at: Floats, since: float, until: float) -> StopEvents:
    run, position = np.nonzero((at > since) & (at <= until))
    return StopEvents(run=run, position=position, arrived_epoch_s=at[run, position], departed_epoch_s=at[run, position])


def learned(effect: float, n: int = 150) -> Engine:
    """An engine that has seen a day of that line."""
    engine, at = Engine(), driven(n, effect)
    plan = engine.prepare(line(n))
    for now in np.arange(START, at.max() + 120.0, 120.0):
        engine.observe(float(now), plan, no_fixes(), told(at, float(now) - 120.0, float(now)))
    return engine


def arrival_s(engine: Engine, behind_s: float) -> float:
    """Seconds that the second of two vehicles needs for four stops, when it is so far behind the first."""
    it = Engine(state=engine.state())
    plan = it.prepare(line(2))
    first = START + 300.0 + PACE_S * np.arange(STOPS)
    now = START + 300.0 + 5 * PACE_S + behind_s
    at = np.stack([first, first + behind_s])
    it.observe(now, plan, no_fixes(), told(at, 0.0, now))
    return float(it.forecast(now, plan).arrival_p50[STOPS + 9]) - now


def test_what_gaps_cost_is_learned_and_the_close_follower_is_foretold_sooner() -> None:
    """An eighth longer behind a gap twice as long: the follower at a sixth of its gap needs less, the late one more."""
    engine = learned(0.12)
    run, dwell = engine.learned.spacing_share()[:, 0]
    assert 0.07 < run < 0.17
    assert dwell < 0.01
    close, planned, late = (arrival_s(engine, it) for it in (100.0, HEADWAY_S, 1_000.0))
    assert close < 0.96 * planned
    assert late > 1.03 * planned
    kept = Engine(state=engine.state())
    np.testing.assert_array_equal(kept.learned.spacing_share(), engine.learned.spacing_share())


def test_gaps_that_cost_nothing_change_nothing() -> None:
    engine = learned(0.0)
    assert engine.learned.spacing_share()[0, 0] < 0.03
    assert arrival_s(engine, 100.0) == pytest.approx(arrival_s(engine, HEADWAY_S), rel=0.03)


def test_without_a_timetable_no_gap_is_planned() -> None:
    engine, at = Engine(), driven(6, 0.1)
    plan = engine.prepare(line(6, timed=False))
    for now in np.arange(START, at.max() + 120.0, 120.0):
        engine.observe(float(now), plan, no_fixes(), told(at, float(now) - 120.0, float(now)))
    assert not engine.tracks.column("spacing").any()
    assert engine.learned.spacing_share()[:, 0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("run", "moments", "expected"),
    [
        ([0, 1], [0.0, 150.0], {0: 0.0, 1: -0.75}),
        ([0, 1], [0.0, 1_500.0], {0: 0.0, 1: 1.0}),
        ([0, 2], [0.0, 1_200.0], {0: 0.0, 2: 0.0}),
        ([0, 1], [0.0, 1_900.0], {0: 0.0, 1: 0.0}),
        ([1, 0], [0.0, 100.0], {1: 0.0, 0: 0.0}),
    ],
    ids=["close", "late", "the one between unseen", "somebody unseen between", "overtaken"],
)
def test_gap_is_held_against_the_timetables_of_both(
    run: list[int], moments: list[float], expected: dict[int, float]
) -> None:
    """Told at once or one after another, it is the same."""
    plan = Engine().prepare(line(3))
    call = np.array(run) * STOPS + 4
    moment = START + np.array(moments)
    assert seen(Spacing(), plan, [call], [moment]) == pytest.approx(expected)
    assert seen(Spacing(), plan, np.split(call, 2), np.split(moment, 2)) == pytest.approx(expected)


def seen(spacing: Spacing, plan: Plan, calls: list[np.ndarray], moments: list[Floats]) -> dict[int, float]:
    found: dict[int, float] = {}
    for call, moment in zip(calls, moments, strict=True):
        run, more = spacing.passed(plan, call, moment)
        found |= dict(zip(run.tolist(), more.tolist(), strict=True))
    return found

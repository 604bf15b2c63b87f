"""Reports that look odd and are true: what honest runs tell counts, though a timetable, a relay or a second unit is off."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from predictor.learned.engine import Engine
from predictor.learned.runs import Fixes, Runs, no_events
from tests.predictor.learned.town import FLEET, HOUR_S, START, STOPS, fixes, fleet, line

STEP_S = 30.0


def drive(runs: Runs, told: Callable[[float, Fixes], Fixes] = lambda _, it: it) -> Engine:
    """An engine after two hours and a half of it."""
    engine, buses = Engine(), fleet()
    plan = engine.prepare(runs)
    for now in np.arange(START - 60.0, START + 2.5 * HOUR_S, STEP_S).tolist():
        engine.observe(now, plan, told(now, fixes(now, buses)), no_events())
        engine.forecast(now, plan)
    return engine


def counted(engine: Engine) -> tuple[float, float]:
    """Running times, and outcomes that judged a forecast."""
    return float(engine.learned.pairs["n"].sum()), float(engine.learned.errors.sum())


def with_a_wait(runs: Runs) -> Runs:
    """The timetable waits eight minutes on the way to the seventh stop, where nobody does."""
    later = np.where(np.arange(len(runs.stop)) % STOPS >= 6, 480.0, 0.0)
    return replace(
        runs,
        arrival_epoch_s=runs.arrival_epoch_s + later,
        departure_epoch_s=runs.departure_epoch_s + later,
    )


def test_runs_count_where_the_timetable_has_a_wait_that_nobody_keeps() -> None:
    """They are faster than it thought possible; that is the timetable's fault."""
    times, outcomes = counted(drive(with_a_wait(line(FLEET))))
    plain_times, plain_outcomes = counted(drive(line(FLEET)))
    assert times > 0.8 * plain_times
    assert outcomes > 0.8 * plain_outcomes


def test_a_run_counts_whose_second_unit_speaks_now_and_then() -> None:
    """At the same place, under its own name."""

    def two_units(now: float, told: Fixes) -> Fixes:
        second = int(now / STEP_S) % 5 == 0
        return replace(told, vehicle=told.vehicle + second)

    _, outcomes = counted(drive(line(FLEET), two_units))
    _, alone = counted(drive(line(FLEET)))
    assert outcomes > 0.4 * alone


def test_doubts_do_not_grow_with_how_often_a_lie_is_repeated() -> None:
    """Told twelve times a minute for ten minutes, it is forgotten as soon as one told twice a minute."""
    engine = Engine()
    plan = engine.prepare(line(1))
    now = START
    for now in np.arange(START, START + 600.0, 5.0).tolist():
        here = Fixes(
            run=np.zeros(1, np.int64), vehicle=np.ones(1, np.int64), distance_m=np.full(1, 100.0),
            located_epoch_s=np.full(1, now), at=np.full(1, -1, np.int64), lies=np.ones(1),
        )  # fmt: skip
        engine.observe(now, plan, here, no_events())
    slot = engine.tracks.find(plan.runs.key)
    settings = engine.settings
    assert engine.tracks.doubt(slot, now)[0] >= settings.doubtful
    assert engine.tracks.doubt(slot, now + 2 * settings.doubt_half_life_s)[0] < settings.doubtful

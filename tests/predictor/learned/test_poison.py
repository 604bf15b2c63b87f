"""A position feed that lies must not poison what was learned: each lie is fed, and the state compared."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from predictor.learned.engine import Engine
from predictor.learned.runs import Fixes, Forecast, no_events
from tests.predictor.learned.town import START, STOPS, Bus, fixes, line

SPEED_MPS = 4.5
N = 12


def buses() -> list[Bus]:
    return [Bus(number, START + number * 600.0, SPEED_MPS) for number in range(N)]


def frozen_clock(now: float, told: Fixes) -> Fixes:
    """Positions move on, but every report bears the hour at which the clock stopped."""
    return replace(told, located_epoch_s=np.full(len(told.run), START + 1.0))


def teleports(now: float, told: Fixes) -> Fixes:
    """Every other report is somewhere else on the line."""
    return replace(told, distance_m=np.where(int(now / 20) % 2 == 0, told.distance_m, 4_400.0 - told.distance_m))


def nowhere(now: float, told: Fixes) -> Fixes:
    """Every vehicle at 0, 0: off every line, so no distance; or a matcher that clamps it to the start."""
    return replace(told, distance_m=np.full(len(told.run), np.nan if int(now / 20) % 2 == 0 else 0.0))


def from_the_future(now: float, told: Fixes) -> Fixes:
    """Reports an hour ahead."""
    return replace(told, located_epoch_s=told.located_epoch_s + 3600.0)


def wrong_trips(now: float, told: Fixes) -> Fixes:
    """Vehicles report each other's runs, another one every minute."""
    return replace(told, run=(told.run + int(now / 60)) % N)


def run_time(engine: Engine, plan_line: int = N) -> float:
    """What the whole line is expected to take."""
    plan = engine.prepare(line(plan_line))
    pair, pace = plan.pair[1:STOPS], plan.pace_s[1:STOPS]
    return float(engine.learned.usual_s(pair, pace, plan.habit[np.zeros(STOPS - 1, np.int64)], START + 9000)[0].sum())


def drive(engine: Engine, lie: Callable[[float, Fixes], Fixes] | None, lies_from: float, until: float) -> Forecast:
    plan = engine.prepare(line(N))
    now, fleet = START - 60, buses()
    while True:
        told = fixes(now, fleet)
        engine.observe(now, plan, lie(now, told) if lie and now >= lies_from else told, no_events())
        forecast = engine.forecast(now, plan)
        claimed = ~np.isnan(forecast.arrival_p50)
        assert (forecast.arrival_p10[claimed] >= now).all()
        assert (forecast.arrival_p50[claimed] < now + 4 * 3600).all()
        now += 20.0
        if now > until:
            return forecast


@pytest.mark.parametrize("lie", [frozen_clock, teleports, nowhere, from_the_future, wrong_trips])
def test_engine_is_not_poisoned(lie: Callable[[float, Fixes], Fixes]) -> None:
    """After an hour of truth and half an hour of lies, what the line takes has hardly changed."""
    engine = Engine()
    drive(engine, lie, START + 3600, START + 5400)
    honest = Engine()
    drive(honest, None, 0.0, START + 3600)
    assert run_time(engine) == pytest.approx(run_time(honest), rel=0.08)
    before, after = honest.state().columns, engine.state().columns
    assert after["group.dwell_s"] / after["group.dwell_n"] == pytest.approx(
        before["group.dwell_s"] / before["group.dwell_n"], rel=0.25
    )
    # A run that tells the truth afterwards is predicted as if nothing had been.
    bus = Bus(0, START, SPEED_MPS)
    said = []
    for it in (engine, honest):
        again = Engine(state=it.state())
        plan = again.prepare(line(1))
        for now in np.arange(START - 60, START + 300, 20.0):
            again.observe(now, plan, fixes(now, [bus]), no_events())
        said.append(float(again.forecast(START + 300, plan).arrival_p50[STOPS - 1]))
    assert said[0] == pytest.approx(said[1], abs=0.1 * (bus.arrival(STOPS - 1) - START - 300))

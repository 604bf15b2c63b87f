"""A new timetable gives runs that are under way other calls, or another line, under the same name."""

from dataclasses import replace

import numpy as np
import pytest

from predictor.learned.engine import Engine
from predictor.learned.runs import Fixes, Forecast, Runs, no_events
from tests.predictor.learned.town import APART_M, START, STOPS, Bus, fixes, line

BUSES = [Bus(0, START, 5.0), Bus(1, START + 60, 5.0)]
CHANGES = START + 800.0
"""They have left their ninth stop by then."""


def only(runs: Runs, positions: list[int], lift_m: float = 0.0) -> Runs:
    """The same runs calling at fewer stops, of a line that begins *lift_m* before the first."""
    rows = (runs.ptr[:-1][:, None] + np.array(positions)).reshape(-1)
    return replace(
        runs,
        ptr=np.arange(len(runs) + 1, dtype=np.int64) * len(positions),
        stop=runs.stop[rows],
        distance_m=runs.distance_m[rows] + lift_m,
        arrival_epoch_s=runs.arrival_epoch_s[rows],
        departure_epoch_s=runs.departure_epoch_s[rows],
        waits=runs.waits[rows],
        skipped=runs.skipped[rows],
    )


def driven(before: Runs | None, after: Runs, lift_m: float = 0.0) -> tuple[Engine, Forecast]:
    """An engine, and its forecast two minutes after the change; without *before*, it begins with the change."""
    engine = Engine()
    if before is not None:
        plan = engine.prepare(before)
        for now in np.arange(START - 60.0, CHANGES, 20.0).tolist():
            engine.observe(now, plan, fixes(now, BUSES), no_events())
            engine.forecast(now, plan)
    plan = engine.prepare(after)
    for now in np.arange(CHANGES, CHANGES + 121.0, 20.0).tolist():
        told: Fixes = fixes(now, BUSES)
        engine.observe(now, plan, replace(told, distance_m=told.distance_m + lift_m), no_events())
        forecast = engine.forecast(now, plan)
    return engine, forecast


@pytest.mark.parametrize("positions", [range(8), [0, *range(5, STOPS)], [0]])
def test_fewer_calls_are_followed_from_where_the_vehicle_is(positions: list[int]) -> None:
    """As though it were seen for the first time: the number of calls that it had passed says nothing any more."""
    runs = line(2)
    after = only(runs, list(positions))
    _, forecast = driven(runs, after)
    _, anew = driven(None, after)
    assert np.array_equal(forecast.flags, anew.flags)
    assert np.array_equal(np.isfinite(forecast.arrival_p50), np.isfinite(anew.arrival_p50))


def test_no_forecast_made_for_other_calls_is_judged() -> None:
    """The fifth call of before is not the fifth of now."""
    runs = line(2)
    kept, _ = driven(runs, runs)
    other, _ = driven(runs, only(runs, [0, *range(5, STOPS)]))
    kept.samples.judge(CHANGES + 7_200.0, kept.learned)
    other.samples.judge(CHANGES + 7_200.0, other.learned)
    assert 0 <= other.learned.errors.sum() < 0.5 * kept.learned.errors.sum()


def test_a_longer_line_makes_nobody_a_liar() -> None:
    """The same stops, of a line that begins two kilometres earlier: every place on it is another."""
    runs = line(2)
    lift_m = 5 * APART_M
    after = only(runs, list(range(STOPS)), lift_m)
    engine, forecast = driven(runs, after, lift_m)
    _, anew = driven(None, after, lift_m)
    assert engine.tracks.refused == 0
    assert np.array_equal(forecast.flags, anew.flags)


def test_the_same_calls_in_a_new_plan_are_the_same_runs() -> None:
    """Plans are made anew whenever runs come and go."""
    runs = line(2)
    one, forecast = driven(runs, runs)
    other, again = driven(runs, only(runs, list(range(STOPS))))
    np.testing.assert_array_equal(forecast.arrival_p50, again.arrival_p50)
    assert len(one.samples) == len(other.samples) > 0

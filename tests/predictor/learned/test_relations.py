"""Runs that are not plain: without exact times, with stops left out, without a timetable at all."""

from dataclasses import replace

import numpy as np

from predictor.learned.engine import Engine
from predictor.learned.errors import CONSTANT_DELAY
from predictor.learned.runs import Forecast, ForecastFlag, Runs, no_events
from tests.predictor.learned.town import PACE_S, START, STOPS, Bus, fixes, line

N = 5
SLOW_MPS = 400.0 / (PACE_S * 1.25)
NOW = START + (N - 1) * 600 + 240
LAST = slice((N - 1) * STOPS, N * STOPS)
"""The calls of the last run, which is under way at NOW."""


def fleet() -> list[Bus]:
    return [Bus(number, START + number * 600.0, SLOW_MPS) for number in range(N)]


def drive(runs: Runs) -> tuple[Engine, Forecast]:
    engine, buses = Engine(), fleet()
    plan = engine.prepare(runs)
    forecast = None
    for now in np.arange(START - 60, NOW + 1, 20.0).tolist():
        engine.observe(now, plan, fixes(now, buses), no_events())
        forecast = engine.forecast(now, plan)
    assert forecast is not None
    return engine, forecast


def errors_s(forecast: Forecast) -> np.ndarray:
    """Actual minus predicted at the calls ahead of the last run."""
    bus = fleet()[-1]
    truth = np.array([bus.arrival(position) for position in range(STOPS)])
    return (truth - forecast.arrival_p50[LAST])[~np.isnan(forecast.arrival_p50[LAST])]


def test_frequency_run_is_predicted_and_never_late() -> None:
    """Without exact times nobody can be late: no deviation, no constant delay, but arrivals from what runs need."""
    runs = replace(line(N), exact=np.zeros(N, bool))
    engine, forecast = drive(runs)
    assert np.isnan(forecast.deviation_s).all()
    made, _ = engine.consider(NOW, engine.prepare(runs), np.array([N - 1]))
    assert np.isnan(made.experts_s[CONSTANT_DELAY]).all()
    assert len(errors_s(forecast)) >= STOPS - 4
    assert np.abs(errors_s(forecast)).max() < 60.0


def test_frequency_run_does_not_wait_for_its_time() -> None:
    """A run that is early by a timetable that does not bind is not held at its stops."""
    early = line(N, waits=True)
    early = replace(
        early,
        exact=np.zeros(N, bool),
        arrival_epoch_s=early.arrival_epoch_s + 900.0,
        departure_epoch_s=early.departure_epoch_s + 900.0,
    )
    _, forecast = drive(early)
    assert np.abs(errors_s(forecast)).max() < 60.0


def test_skipped_stop_is_not_claimed_but_passed_through() -> None:
    """Nothing is said of the stop left out, no dwell is counted there, and the stops beyond are still foretold."""
    runs = line(N)
    skipped = runs.skipped.copy()
    left_out = (N - 1) * STOPS + 8
    skipped[left_out] = True
    _, forecast = drive(replace(runs, skipped=skipped))
    _, plain = drive(runs)
    assert np.isnan(forecast.arrival_p50[left_out])
    assert np.isnan(forecast.departure_published[left_out])
    assert forecast.flags[left_out] & ForecastFlag.NO_CLAIM
    beyond = slice(left_out + 1, LAST.stop)
    assert np.isfinite(forecast.arrival_p50[beyond]).all()
    sooner = plain.arrival_p50[beyond] - forecast.arrival_p50[beyond]
    assert (sooner >= 0).all()
    assert (sooner <= 20.0).all()


def test_skipped_stop_teaches_nothing() -> None:
    """Running times to and from a stop that is passed are none of that stop pair's."""
    runs = line(N)
    skipped = runs.skipped.copy().reshape(N, STOPS)
    skipped[:, 6] = True
    engine, _ = drive(replace(runs, skipped=skipped.reshape(-1)))
    plan = engine.prepare(runs)
    n = engine.learned.pairs["n"][plan.pair[1:STOPS]]
    assert (n[[5, 6]] == 0).all()
    assert (np.delete(n, [5, 6]) > N - 2.5).all()


def test_added_run_leans_on_what_others_needed() -> None:
    """An added run has no timetable, but it goes the ways of runs that have been seen."""
    runs = line(N)
    due = np.where(np.arange(N * STOPS) >= LAST.start, np.nan, runs.arrival_epoch_s)
    engine, _ = drive(runs)
    added = replace(runs, arrival_epoch_s=due, departure_epoch_s=due.copy(), key=runs.key + 1)
    plan, buses = engine.prepare(added), fleet()
    for now in np.arange(NOW - 200, NOW + 1, 20.0).tolist():
        engine.observe(now, plan, fixes(now, buses[-1:]), no_events())
    forecast = engine.forecast(NOW, plan)
    assert np.isnan(forecast.deviation_s[-1])
    assert len(errors_s(forecast)) >= STOPS - 4
    assert np.abs(errors_s(forecast)).max() < 120.0


def test_added_run_on_new_ways_is_foretold_by_distance() -> None:
    """Nobody has been seen on its ways and no timetable is known: the pace of the network and the metres ahead remain."""
    runs = line(N)
    due = np.full(N * STOPS, np.nan)
    _, forecast = drive(replace(runs, arrival_epoch_s=due, departure_epoch_s=due.copy()))
    assert np.isfinite(forecast.arrival_p50[LAST][5:]).all()
    assert (np.diff(forecast.arrival_p50[LAST][5:]) > 0).all()
    assert (forecast.arrival_p10[LAST][5:] >= NOW).all()

"""Liars for hours: what honest runs are told stays what it would be without them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from predictor.learned.engine import Engine
from predictor.learned.plan import Plan
from predictor.learned.runs import Fixes, Forecast, Kind, no_events
from tests.predictor.learned.town import APART_M, FLEET, HOUR_S, START, STOPS, fixes, fleet, line

WHOLE_M = (STOPS - 1) * APART_M
STEP_S = 30.0
END_S = 2.5 * HOUR_S
Lie = Callable[[float, Fixes], Fixes]


def silent(now: float, told: Fixes) -> Fixes:
    """Says nothing."""
    return replace(told, distance_m=np.full(len(told.run), np.nan))


def teleports(now: float, told: Fixes) -> Fixes:
    """About the whole line, at random."""
    return replace(told, distance_m=_at_random(now, told, WHOLE_M))


def agree_for_minutes(now: float, told: Fixes) -> Fixes:
    """Another place every two minutes, where they drive on as a bus would."""
    passed = now % 120.0
    return replace(told, distance_m=_at_random(now - passed, told, WHOLE_M - 700.0) + 4.5 * passed)


def ahead_by_turns(now: float, told: Fixes) -> Fixes:
    """Where they are, and for five minutes of every ten 1,500 m ahead of it."""
    off = 1_500.0 if now % 600.0 >= 300.0 else 0.0
    return replace(told, distance_m=np.minimum(told.distance_m + off, WHOLE_M))


def stuck(now: float, told: Fixes) -> Fixes:
    """At one place for minutes, then on to where they are."""
    return replace(told, distance_m=np.floor(told.distance_m / 1_500.0) * 1_500.0)


def clocks_jump(now: float, told: Fixes) -> Fixes:
    """Where they are, dated up to ten minutes ago, at random."""
    return replace(told, located_epoch_s=told.located_epoch_s - _at_random(now, told, 600.0))


def off_the_line(now: float, told: Fixes) -> Fixes:
    """At 0, 0: nowhere, or clamped to the start of the line."""
    return replace(told, distance_m=np.full(len(told.run), np.nan if int(now / STEP_S) % 2 else 0.0))


def _at_random(now: float, told: Fixes, most: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([np.random.default_rng(int(now) + run).uniform(0, most) for run in told.run.tolist()], float)


def drive(lie: Lie, *, all_lie: bool, until_s: float, end_s: float) -> list[Forecast]:
    """Forecasts from minute to minute; after an hour of truth, half of the runs (or all) lie until *until_s*."""
    engine, buses, made = Engine(), fleet(), []
    plan: Plan = engine.prepare(line(FLEET))
    for now in np.arange(START - 60.0, START + end_s, STEP_S).tolist():
        told = fixes(now, buses)
        if START + HOUR_S <= now < START + until_s:
            honest = (told.run % 2 == 0) & (not all_lie)
            false = lie(now, told)
            told = replace(
                told,
                distance_m=np.where(honest, told.distance_m, false.distance_m),
                located_epoch_s=np.where(honest, told.located_epoch_s, false.located_epoch_s),
            )
        engine.observe(now, plan, told, no_events())
        made.append(engine.forecast(now, plan))
    return made


def furthest_s(made: list[Forecast], other: list[Forecast], since_s: float, every: int) -> float:
    """By how much the honest runs' times differ at most, of every quantile, from *since_s* on."""
    worst = 0.0
    for mine, theirs in list(zip(made, other, strict=True))[int((since_s + 60.0) / STEP_S) :]:
        runs = np.repeat((mine.kind == Kind.EN_ROUTE) & (mine.run % every == 0), np.diff(mine.ptr))
        for name in ("p10", "p50", "p90", "published"):
            here, there = (getattr(it, f"arrival_{name}")[runs] for it in (mine, theirs))
            both = np.isfinite(here) & np.isfinite(there)
            worst = max(worst, float(np.abs(here - there)[both].max(initial=0.0)))
    return worst


@pytest.mark.parametrize("lie", [teleports, agree_for_minutes, ahead_by_turns, stuck, clocks_jump, off_the_line])
def test_half_of_all_runs_lie_for_hours_and_the_others_are_told_the_same(lie: Lie, without: list[Forecast]) -> None:
    """To ten seconds, at every quantile, all the time."""
    made = drive(lie, all_lie=False, until_s=END_S, end_s=END_S)
    assert furthest_s(made, without, HOUR_S, every=2) <= 10.0


@pytest.fixture(scope="module")
def without() -> list[Forecast]:
    """What is told where the liars are silent instead."""
    made = drive(silent, all_lie=False, until_s=END_S, end_s=END_S)
    assert any((it.kind == Kind.EN_ROUTE).any() for it in made[-60:])
    return made


@pytest.mark.parametrize("lie", [teleports, clocks_jump])
def test_after_an_hour_of_nothing_but_lies_truth_is_told_within_ten_minutes(lie: Lie) -> None:
    """As after an hour of silence, to twenty seconds at every quantile."""
    end_s = 2 * HOUR_S + 1_200.0
    made = drive(lie, all_lie=True, until_s=2 * HOUR_S, end_s=end_s)
    quiet = drive(silent, all_lie=True, until_s=2 * HOUR_S, end_s=end_s)
    assert furthest_s(made, quiet, 2 * HOUR_S + 600.0, every=1) <= 20.0

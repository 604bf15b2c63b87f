"""A city's first hour: ways that nobody has been seen on, and an agency that knows them."""

import numpy as np
import pytest

from domain.realtime import Floats
from predictor.learned.engine import Engine
from predictor.learned.runs import Told, no_events, nothing_told
from tests.predictor.learned.town import APART_M, START, STOPS, Bus, fixes, line

SPEED_MPS = 1.5
"""Far below what anybody would guess: a third of the timetable's."""


def forecast(*, timed: bool, agency: bool) -> tuple[Floats, Floats]:
    """P50 of the calls ahead of the very first bus, two stops on its way, and when it will be there."""
    engine, bus = Engine(), Bus(0, START, SPEED_MPS, dwell_s=0.0)
    plan = engine.prepare(line(1, timed=timed))
    now = START
    while bus.metres(now) < 1.5 * APART_M:
        now += 30.0
        engine.observe(now, plan, fixes(now, [bus]), no_events())
    position = np.arange(2, STOPS)
    actual = np.array([bus.arrival(int(it)) for it in position])
    told = nothing_told()
    if agency:
        told = Told(
            run=np.zeros(len(position), np.int64),
            position=position,
            arrival_epoch_s=actual,
            departure_epoch_s=np.full(len(position), np.nan),
        )
    made = engine.forecast(now, plan, np.zeros(1, np.int64), told)
    return made.arrival_p50[position] - now, actual - now


def test_a_made_up_speed_gives_way_to_the_agency() -> None:
    told, actual = forecast(timed=False, agency=True)
    assert told == pytest.approx(actual, rel=0.02, abs=15.0)


def test_a_made_up_speed_is_told_when_nobody_else_speaks() -> None:
    told, actual = forecast(timed=False, agency=False)
    assert np.all(np.diff(told) > 0)
    assert np.all(told[3:] < 0.8 * actual[3:])


def test_before_ours_have_seen_the_ways_the_agency_counts_more_than_they_do() -> None:
    alone, _ = forecast(timed=True, agency=False)
    together, actual = forecast(timed=True, agency=True)
    share = (together - alone) / (actual - alone)
    assert np.all(share[3:] > 0.5)
    assert np.all(share[3:] < 1.0)

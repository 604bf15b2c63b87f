"""Feeds that are slow and honest: what lies between two positions minutes apart is all that will ever be known."""

import numpy as np

from predictor.learned.engine import Engine
from predictor.learned.runs import no_events
from tests.predictor.learned.town import FLEET, HOUR_S, START, fixes, fleet, line


def test_positions_of_every_five_minutes_and_some_seconds_teach() -> None:
    """Running times, and what became of forecasts, once the feed is known to be so slow: a poll takes its time, so that no two are less than 300 s apart."""
    engine, buses, rng = Engine(), fleet(), np.random.default_rng(1)
    plan = engine.prepare(line(FLEET))
    engine.learned.groups["interval_s"][plan.habit] = 310.0
    now = START - 60.0
    while now < START + 4 * HOUR_S:
        engine.observe(now, plan, fixes(now, buses), no_events())
        engine.forecast(now, plan)
        now += 300.0 + float(rng.uniform(0.0, 20.0))
    assert engine.learned.pairs["n"].sum() > 50
    assert engine.learned.errors.sum() > 50

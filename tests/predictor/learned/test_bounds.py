"""What the engine keeps stays bounded, whatever it is fed for however long."""

from bench.prediction import days, fixes, network
from predictor.learned.engine import Engine
from predictor.learned.runs import no_events, nothing_told


def test_engine_keeps_no_more_on_the_third_day_than_on_the_second() -> None:
    """Runs and stop pairs stay as many from day to day; samples may grow fewer as forecasts learn the hours."""
    first, second, third = days(3, vehicles=12, step_s=300.0)
    assert (third[0], third[2]) == (second[0], second[2])
    assert third[1] <= second[1]
    assert third[2] == first[2]


def test_state_is_small() -> None:
    """At most 2 KB a stop pair."""
    engine = Engine()
    runs, speed = network(50, 1_700_000_000.0)
    plan = engine.prepare(runs)
    for number in range(20):
        now = 1_700_000_000.0 + 30 * number
        engine.tick(now, plan, fixes(runs, speed, now), no_events(), nothing_told())
    state = engine.state()
    assert len(state.columns["pair.n"]) > 0
    assert state.bytes_per_pair() <= 2_048

"""The engine learns a line that runs slower than its timetable, keeps its promises, and does not forget them."""

import numpy as np

from predictor.learned.engine import Engine
from predictor.learned.learned import State
from predictor.learned.runs import Forecast, Kind, no_events
from predictor.learned.settings import Settings
from tests.predictor.learned.town import APART_M, PACE_S, START, STOPS, Bus, fixes, line

SLOW_MPS = 400.0 / (PACE_S * 1.25)


def fleet(n: int = 6, speed_mps: float = SLOW_MPS) -> list[Bus]:
    return [Bus(number, START + number * 600.0, speed_mps) for number in range(n)]


def drive(engine: Engine, buses: list[Bus], until: float, *, step_s: float = 20.0) -> list[Forecast]:
    runs = line(len(buses))
    plan = engine.prepare(runs)
    forecasts = []
    now = START - 60
    while now <= until:
        engine.observe(now, plan, fixes(now, buses), no_events())
        forecasts.append(engine.forecast(now, plan))
        now += step_s
    return forecasts


def test_engine_learns_that_buses_are_slower_than_their_timetable() -> None:
    """After three runs the fourth is expected to need what the others needed, not what the timetable says."""
    buses = fleet()
    now = START + 3 * 600 + 200
    forecast = drive(Engine(), buses, now)[-1]
    said = forecast.arrival_p50[3 * STOPS + STOPS - 1]
    truth = buses[3].arrival(STOPS - 1)
    by_timetable = now + (STOPS - 1) * PACE_S - 200
    assert abs(said - truth) < abs(by_timetable - truth) / 3


def test_engine_never_promises_the_past_and_never_runs_backwards() -> None:
    """At every tick: calls ahead are not before now, quantiles are ordered, times do not decrease along a run."""
    buses = fleet(4)
    buses[1].stands = {4: 400.0}
    now = START - 60
    for forecast in drive(Engine(), buses, START + 3000):
        claimed = ~np.isnan(forecast.arrival_p50)
        assert (forecast.arrival_p10[claimed] >= now).all()
        for low, high in (("p10", "p30"), ("p30", "p50"), ("p50", "p90"), ("p10", "published"), ("published", "p90")):
            assert (getattr(forecast, f"arrival_{low}")[claimed] <= getattr(forecast, f"arrival_{high}")[claimed]).all()
        for start, end in zip(forecast.ptr[:-1], forecast.ptr[1:], strict=True):
            for name in ("p10", "p30", "p50", "p90", "published"):
                arrival = getattr(forecast, f"arrival_{name}")[start:end]
                departure = getattr(forecast, f"departure_{name}")[start:end]
                both = np.stack([arrival, departure], axis=1).reshape(-1)
                both = both[~np.isnan(both)]
                assert (np.diff(both) >= 0).all()
        now += 20.0


def test_engine_replayed_gives_the_same_bits() -> None:
    """Two engines fed alike forecast alike and have learned alike."""
    first, second = Engine(), Engine()
    for one, other in zip(drive(first, fleet(), START + 3000), drive(second, fleet(), START + 3000), strict=True):
        for name in Forecast.__slots__:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name, column in first.state().columns.items():
        np.testing.assert_array_equal(column, second.state().columns[name])


def test_engine_restored_knows_what_was_learned() -> None:
    """A new engine with the state of another has the same state, and expects slow buses from the first one on."""
    old = Engine()
    drive(old, fleet(), START + 6000)
    new = Engine(state=old.state())
    for name, column in old.state().columns.items():
        np.testing.assert_array_equal(column, new.state().columns[name])
    bus = Bus(0, START, SLOW_MPS)
    forecast = drive(new, [bus], START + 200)[-1]
    naive = drive(Engine(), [bus], START + 200)[-1]
    truth = bus.arrival(STOPS - 1)
    assert abs(forecast.arrival_p50[STOPS - 1] - truth) < abs(naive.arrival_p50[STOPS - 1] - truth) / 2


def test_engine_takes_a_vehicle_that_waits_beyond_its_first_stop_for_waiting() -> None:
    """Parked 300 m along its line before its time, a bus has not left: riders at the second stop are told so."""
    engine = Engine()
    runs = line(1)
    plan = engine.prepare(runs)
    bus = Bus(0, START, 5.0)
    parked = fixes(START - 100, [bus])
    for now in np.arange(START - 900, START - 200, 30.0):
        there = type(parked)(
            run=parked.run,
            vehicle=parked.vehicle,
            distance_m=np.array([460.0]),
            located_epoch_s=np.array([now]),
            at=parked.at,
        )
        engine.observe(now, plan, there, no_events())
        forecast = engine.forecast(now, plan)
        assert forecast.kind.tolist() == [Kind.BEFORE_DEPARTURE]
        assert forecast.arrival_p50[1] > START


def test_engine_sends_nobody_out_for_what_may_happen_at_a_terminal() -> None:
    """Before anything is learned, an on-time vehicle's next runs are promised when the timetable says; the band is wide."""
    engine = Engine()
    runs = line(3, chained=True)
    plan = engine.prepare(runs)
    bus = Bus(0, START, APART_M / PACE_S, dwell_s=0.0)
    for now in np.arange(START, START + 300, 20.0):
        engine.observe(now, plan, fixes(now, [bus]), no_events())
    forecast = engine.forecast(START + 300, plan)
    assert forecast.kind.tolist() == [Kind.EN_ROUTE, Kind.NEXT_RUN, Kind.NEXT_RUN]
    told = slice(STOPS + 1, 3 * STOPS)
    ahead = forecast.arrival_published[told] - runs.arrival_epoch_s[told]
    ahead = ahead[~np.isnan(ahead)]
    assert len(ahead) == 2 * STOPS - 1
    assert (ahead >= -Settings().lead_s).all()
    assert forecast.arrival_p10[-1] < runs.arrival_epoch_s[-1] - 300


def test_engine_takes_one_long_stand_for_an_incident() -> None:
    """A bus held up for eight minutes hardly moves what is expected of the one after it."""
    engine, calm = Engine(), Engine()
    buses, quiet = fleet(9), fleet(9)
    buses[6].stands = {5: 480.0}
    buses[6].dwell_s = quiet[6].dwell_s
    until = START + 8 * 600 + 300
    said = drive(engine, buses, until)[-1].arrival_p50[8 * STOPS + STOPS - 1]
    without = drive(calm, quiet, until)[-1].arrival_p50[8 * STOPS + STOPS - 1]
    assert said - without < 45.0


def test_engine_reads_a_state_that_lacks_what_is_learned_today() -> None:
    """A state kept by an earlier version has the long sums; what it calls by other names is left alone."""
    old = Engine()
    drive(old, fleet(), START + 6000)
    whole = old.state().columns
    lacking = {name: column for name, column in whole.items() if ".lately_" not in name}
    lacking["pair.recent_observed_s"] = whole["pair.lately_s"]
    lacking["group.today_observed_s"] = whole["group.lately_s"]
    new = Engine(state=State(lacking))
    np.testing.assert_array_equal(new.state().columns["pair.observed_s"], whole["pair.observed_s"])
    assert (new.learned.today(START + 6000) == 1.0).all()
    bus = Bus(0, START, SLOW_MPS)
    said = drive(new, [bus], START + 200)[-1].arrival_p50[STOPS - 1]
    assert abs(said - bus.arrival(STOPS - 1)) < 60.0

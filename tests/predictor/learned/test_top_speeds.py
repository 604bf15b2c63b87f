"""How fast a vehicle may be is its own timetable's to say: a train is no liar for its speed, a bus is no train."""

from dataclasses import replace

import numpy as np
import pytest

from domain.realtime import Floats
from predictor.learned.engine import Engine
from predictor.learned.plan import RAIL_MPS, ROAD_MPS
from predictor.learned.runs import Fixes, Kind, Runs, no_events
from tests.predictor.learned.town import PACE_S, START, STOPS, line


def top_mps(runs: Runs) -> list[float]:
    """Of each run."""
    speeds: list[float] = Engine().prepare(runs).top_mps.tolist()
    return speeds


def stretched(runs: Runs, apart_m: float) -> Runs:
    """The same with stops so far apart."""
    metres = (np.arange(len(runs.stop)) % STOPS * apart_m).astype(np.float64)
    return replace(runs, distance_m=metres)


def in_whole_minutes(runs: Runs) -> Runs:
    """The same timetable, of whole minutes."""
    rounded = (runs.arrival_epoch_s // 60.0 * 60.0).astype(np.float64)
    return replace(runs, arrival_epoch_s=rounded, departure_epoch_s=rounded.copy())


def reports(metres: float, now: float) -> Fixes:
    """One vehicle on the first run."""
    return Fixes(
        run=np.zeros(1, np.int64), vehicle=np.ones(1, np.int64), distance_m=np.full(1, metres),
        located_epoch_s=np.full(1, now), at=np.full(1, -1, np.int64),
    )  # fmt: skip


@pytest.mark.parametrize("speed_mps", [50.0, 70.0, 83.0])
def test_a_fast_train_is_followed_and_learned_from(speed_mps: float) -> None:
    """Between cities, as fast as its timetable wants; one report a minute."""
    engine, apart_m = Engine(), speed_mps * 900.0
    runs = stretched(line(1), apart_m)
    due = (START + np.arange(STOPS) * 1_000.0).astype(np.float64)
    plan = engine.prepare(replace(runs, arrival_epoch_s=due, departure_epoch_s=due.copy()))
    for now in np.arange(START, START + 8_000.0, 60.0).tolist():
        passed, into = divmod(now - START, 1_000.0)
        metres = passed * apart_m + min(max(into - 50.0, 0.0) * speed_mps, apart_m)
        engine.observe(now, plan, reports(metres, now), no_events())
        assert engine.forecast(now, plan).kind[0] != Kind.UNSEEN
    assert engine.tracks.refused == 0
    assert engine.tracks.doubt(engine.tracks.find(plan.runs.key), now).max() == 0
    assert engine.learned.pairs["n"].sum() >= 6


def test_a_bus_that_drives_like_a_train_has_jumped() -> None:
    """1,200 m in half a minute, on a line that takes four."""
    engine = Engine()
    plan = engine.prepare(line(1))
    engine.observe(START, plan, reports(100.0, START), no_events())
    engine.observe(START + 30.0, plan, reports(1_300.0, START + 30.0), no_events())
    assert engine.tracks.refused == 1


def test_a_bus_in_town_is_as_fast_as_any_road_allows_whatever_its_minutes_say() -> None:
    """Two calls in one minute, or second, ask for any speed; nobody drives it."""
    assert top_mps(line(2)) == [ROAD_MPS] * 2
    rounded = in_whole_minutes(line(2))
    assert top_mps(rounded) == [ROAD_MPS] * 2
    at_once = rounded.arrival_epoch_s.copy()
    at_once[1:4] = at_once[0]
    assert top_mps(replace(rounded, arrival_epoch_s=at_once, departure_epoch_s=at_once.copy()))[0] == ROAD_MPS


def test_the_fastest_leg_counts_twice_and_trains_have_a_limit() -> None:
    """25 m/s from stop to stop is 42 after what minutes may hide; nothing drives faster than RAIL_MPS."""
    apart_m = 25.0 * PACE_S
    seconds = stretched(line(1), apart_m)
    assert top_mps(seconds)[0] == pytest.approx(2 * apart_m / (PACE_S + 15.0))
    assert top_mps(stretched(line(1), 100.0 * PACE_S))[0] == RAIL_MPS


@pytest.mark.parametrize(("apart_m", "most_mps"), [(400.0, ROAD_MPS), (2_500.0, 50.0), (40_000.0, RAIL_MPS)])
def test_without_a_timetable_the_way_between_stops_bounds_the_speed(apart_m: float, most_mps: float) -> None:
    """Who stops every 400 m gathers no more speed than a bus."""
    speeds: Floats = Engine().prepare(stretched(line(1, timed=False), apart_m)).top_mps
    assert speeds[0] == pytest.approx(most_mps)


def test_legs_without_times_are_bounded_by_their_way() -> None:
    """A timetable of a few slow kilometres says nothing of the forty beyond."""
    runs = stretched(line(1), 2_500.0)
    due = runs.arrival_epoch_s.copy()
    due[:2], due[2:] = [START, START + 500.0], np.nan
    assert top_mps(replace(runs, arrival_epoch_s=due, departure_epoch_s=due.copy()))[0] == pytest.approx(50.0)

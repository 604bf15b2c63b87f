"""A timetable that is far off between two stops, always: what vehicles need there is learned all the same."""

from dataclasses import replace

import numpy as np
import pytest

from predictor.learned.engine import Engine
from predictor.learned.runs import Runs, no_events
from tests.predictor.learned.test_odd_but_honest import STEP_S, with_a_wait
from tests.predictor.learned.town import FLEET, HOUR_S, START, STOPS, Bus, fixes, fleet, line

WAIT = 6
"""Position of the stop with the wrong time."""


def drive(runs: Runs, buses: list[Bus], hours: float = 2.5) -> Engine:
    """An engine after some hours of it."""
    engine = Engine()
    plan = engine.prepare(runs)
    for now in np.arange(START - 60.0, START + hours * HOUR_S, STEP_S).tolist():
        engine.observe(now, plan, fixes(now, buses), no_events())
        engine.forecast(now, plan)
    return engine


def expected_s(engine: Engine, runs: Runs, run: int = FLEET - 1, position: int = WAIT) -> float:
    """Of one run's way to one stop, by ratio."""
    plan = engine.prepare(runs)
    call = np.array([run * STOPS + position])
    usual = engine.learned.usual_s(
        plan.pair[call], plan.pace_s[call], plan.habit[[run]], START + 2.5 * HOUR_S
    )  # fmt: skip
    return float(usual[0, 0])


def test_a_wait_that_nobody_keeps_is_learned() -> None:
    """560 s by the timetable, 80 to 95 in fact."""
    runs = with_a_wait(line(FLEET))
    assert expected_s(Engine(), runs) > 400
    assert expected_s(drive(runs, fleet()), runs) < 200


def test_nothing_else_is_thought_quick_for_it() -> None:
    """The network's ratio is that of the other legs."""
    ratio = [float(drive(runs, fleet()).learned.network_ratio()[0]) for runs in (with_a_wait(line(FLEET)), line(FLEET))]
    assert ratio[0] == pytest.approx(ratio[1], rel=0.05)


class SlowBus(Bus):
    """Needs ten minutes more to the seventh stop, on the way."""

    def metres(self, now: float) -> float:
        """Along the line."""
        there_s = self.arrival(WAIT) - 45.0
        return super().metres(now if now < there_s else max(there_s, now - 600.0))

    def runs_at(self, now: float) -> bool:
        """Does it report?"""
        return self.leaves - 120 <= now <= self.arrival(STOPS - 1) + 660


def test_a_way_that_takes_far_longer_than_its_timetable_says_is_learned() -> None:
    """80 s by the timetable, eleven minutes in fact."""
    buses: list[Bus] = [SlowBus(it.run, it.leaves, it.speed_mps, stands=it.stands) for it in fleet()]
    engine = drive(line(FLEET), buses)
    assert 400 < expected_s(engine, line(FLEET)) < 800
    assert 50 < expected_s(engine, line(FLEET), position=WAIT + 2) < 120


def test_two_breakdowns_at_one_place_teach_nothing() -> None:
    """Only as many in a row as are believed."""
    buses: list[Bus] = [
        (SlowBus if it.run in {6, 7} else Bus)(it.run, it.leaves, it.speed_mps, stands=it.stands) for it in fleet()
    ]
    assert expected_s(drive(line(FLEET), buses), line(FLEET)) < 120


def test_trips_without_the_wait_of_others_are_no_liars() -> None:
    """Every fifth trip has eight minutes more on the way, by its timetable; all drive alike."""
    plain = line(FLEET)
    padded = with_a_wait(plain)
    fifth = (np.arange(len(plain.stop)) // STOPS) % 5 == 4
    runs = replace(
        plain,
        arrival_epoch_s=np.where(fifth, padded.arrival_epoch_s, plain.arrival_epoch_s),
        departure_epoch_s=np.where(fifth, padded.departure_epoch_s, plain.departure_epoch_s),
    )
    engine = drive(runs, fleet())
    slot = engine.tracks.find(runs.key)
    assert np.isnan(engine.tracks.column("lied_epoch_s")[slot[slot >= 0]]).all()
    assert 50 < expected_s(engine, runs, run=3) < 120


def test_odd_running_times_that_differ_are_never_believed() -> None:
    """A liar's are not alike."""
    engine = Engine()
    plan = engine.prepare(line(1))
    call = np.array([WAIT])
    for number, told_s in enumerate((900.0, 5_000.0, 1_800.0, 700.0, 2_000.0, 900.0)):
        taken = engine.learned.learn_runs(
            plan.pair[call], np.array([told_s]), plan.pace_s[call], plan.habit[[0]], START + number, np.zeros(1, np.int64),
            np.zeros(1),
        )  # fmt: skip
        assert not taken.any()

"""What a run tells is learned once it has been borne out, and not at all when it lies."""

import numpy as np

from predictor.learned.engine import Engine
from predictor.learned.lessons import Outcomes
from predictor.learned.plan import Plan
from predictor.learned.probation import GIVE_UP_S, Probation
from predictor.learned.runs import no_events
from tests.predictor.learned.town import START, Bus, fixes, line

STEP_S = 20.0


class Road:
    """One run, heard of from minute to minute, and what it told on probation."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.plan: Plan = self.engine.prepare(line(1))
        self.probation: Probation[Outcomes] = Probation(self.engine.settings)
        self.now = START

    def drive(self, until: float) -> None:
        """Report all the way."""
        bus = Bus(0, START, 4.5)
        for now in np.arange(self.now + STEP_S, until + STEP_S, STEP_S).tolist():
            self.engine.observe(now, self.plan, fixes(now, [bus]), no_events())
            self.now = now

    def pass_through(self, *positions: int) -> list[int]:
        """The run tells now that it arrived at *positions*; what is borne out by now."""
        told = Outcomes(
            run_key=self.plan.runs.key[np.zeros(len(positions), np.int64)],
            position=np.array(positions, np.int64),
            arrived_epoch_s=np.full(len(positions), self.now),
        )
        proven: list[int] = self.probation.pass_through(self.now, self.engine.tracks, told).position.tolist()
        return proven


def test_probation_of_a_run_just_heard_of_ends_when_it_stayed_believable() -> None:
    """Not before; and each thing is handed on once."""
    road = Road()
    road.drive(START + 60.0)
    assert road.pass_through(1, 2) == []
    road.drive(road.now + road.engine.settings.probation_s - STEP_S)
    assert road.pass_through(3) == []
    road.drive(road.now + STEP_S)
    assert road.pass_through() == [1, 2]
    road.drive(road.now + road.engine.settings.probation_s)
    assert road.pass_through() == [3]


def test_probation_is_spared_a_run_long_followed() -> None:
    """It is trusted."""
    road = Road()
    road.drive(START + road.engine.settings.proven_s + 60.0)
    assert road.pass_through(4) == [4]


def test_probation_of_a_run_caught_lying_ends_in_nothing() -> None:
    """Neither what it told before nor what it tells meanwhile is ever handed on."""
    road = Road()
    road.drive(START + 60.0)
    assert road.pass_through(1) == []
    tracks = road.engine.tracks
    tracks.caught(tracks.find(road.plan.runs.key), road.now, road.engine.settings.doubtful)
    assert road.pass_through(2) == []
    road.drive(road.now + 2 * road.engine.settings.probation_s)
    assert road.pass_through() == []


def test_probation_of_a_run_not_heard_of_any_more_is_given_up() -> None:
    """What it told does not wait for ever."""
    road = Road()
    road.drive(START + 60.0)
    assert road.pass_through(1) == []
    road.now += GIVE_UP_S + STEP_S
    assert road.pass_through() == []
    road.drive(road.now + STEP_S)
    assert road.pass_through() == []

"""Which run of its duty a vehicle is put to, report by report (the town of streets: one bus east, then west)."""

import numpy as np
import pytest

from predictor.active_runs import Active, Duties, active_runs
from predictor.duties import KEEPS, PATIENCE, Option, choose
from predictor.evidence import State
from tests.predictor.streets import DATE, Streets, at

DUTY = 7


@pytest.fixture
def active(town: Streets) -> Active:
    return active_runs(town.schedule, Duties(), at(7, 30))


def option(town: Streets, active: Active, trip: str, cost: float, *, at_end: bool = False) -> Option:
    """A report that fits this trip so well."""
    row = int(np.flatnonzero(active.trip == town.bundle.trip_rows(trip)[0])[0])
    return Option(cost, row, at_end)


def name(town: Streets, trip: str) -> tuple[int, int]:
    return town.bundle.trip_rows(trip)[0], DATE


def test_nothing_is_said_before_reports_agree(town: Streets, active: Active) -> None:
    """And one that speaks for another run in between begins the count anew."""
    state, east, west = State(), option(town, active, "east2", 0.1), option(town, active, "west2", 0.1)
    for report in [*[east] * (PATIENCE - 1), west, *[east] * (PATIENCE - 1)]:
        choose(state, DUTY, [report], active, ended=False)
        assert state.run is None
    choose(state, DUTY, [east], active, ended=False)
    assert (state.run, state.duty) == (name(town, "east2"), DUTY)


def test_a_run_is_kept_until_another_fits_clearly_better(town: Streets, active: Active) -> None:
    state = State(duty=DUTY, run=name(town, "east2"))
    for mine, expected in ((0.1 + KEEPS, "east2"), (0.2 + KEEPS, "west2")):
        options = [option(town, active, "west2", 0.1), option(town, active, "east2", mine)]
        for _ in range(PATIENCE):
            choose(state, DUTY, options, active, ended=False)
        assert state.run == name(town, expected)


@pytest.mark.parametrize(("at_end", "ended"), [(True, False), (False, True)])
def test_at_the_end_of_a_run_the_next_one_is_taken_at_once(
    town: Streets, active: Active, at_end: bool, ended: bool
) -> None:
    state = State(duty=DUTY, run=name(town, "east2"))
    options = [option(town, active, "east2", 0.1, at_end=at_end), option(town, active, "west2", 0.9)]
    choose(state, DUTY, options, active, ended=ended)
    assert state.run == name(town, "west2")


def test_who_has_lost_its_duty_keeps_its_run_for_some_reports(town: Streets, active: Active) -> None:
    state = State(duty=DUTY, run=name(town, "east2"))
    for _ in range(PATIENCE - 1):
        choose(state, -1, [], active, ended=False)
        assert state.run == name(town, "east2")
    choose(state, -1, [], active, ended=False)
    assert (state.run, state.duty) == (None, -1)


def test_runs_of_one_block_are_one_duty_and_numbers_are_never_used_twice(town: Streets) -> None:
    duties = Duties()
    morning = active_runs(town.schedule, duties, at(7, 30))
    number = {int(trip): int(duty) for trip, duty in zip(morning.trip, morning.duty, strict=True)}
    assert number[town.bundle.trip_rows("east2")[0]] == number[town.bundle.trip_rows("west2")[0]]
    assert number[town.bundle.trip_rows("east2")[0]] != number[town.bundle.trip_rows("east1")[0]]
    duties.forget_before(DATE + 1)
    assert duties.numbers == {}
    assert active_runs(town.schedule, duties, at(7, 30)).duty.min() > morning.duty.max()

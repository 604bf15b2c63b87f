"""Learning at work: a town whose buses take half as long again as its timetable says."""

import numpy as np
import pytest

from domain.arrival import SOURCE_CODES, Source
from domain.predictions import CallFlag, Predictions
from domain.score import METHODS, SHAPE, STRATA, score_of
from predictor.foresight import Foresight
from tests.predictor.driven import SLOW_MPS, buses, check, run
from tests.predictor.streets import DATE, Streets, at


@pytest.fixture
def town(_streets: Streets) -> Streets:
    schedule = _streets.schedule
    return Streets(_streets.bundle, schedule, _streets.ground, foresight=Foresight(schedule, "streets"))


def error_s(town: Streets, made: Predictions, trip: str, position: int, start: int) -> float:
    """Actual minus told."""
    row = town.row(made, trip)
    told = int(made.arrival_epoch_s[made.ptr[row] + position])
    return start + position * 1000 / SLOW_MPS - told


def test_a_slow_town_is_learned(town: Streets) -> None:
    """A bus that just left is told right to its last stop, where its timetable would be ten minutes wrong."""
    made = run(town, 91)
    start = at(8, 30)
    row = town.row(made, "east9")
    assert made.source[row] == SOURCE_CODES[Source.LEARNED]
    for position in range(1, 7):
        assert abs(error_s(town, made, "east9", position, start)) < 15 + 0.1 * position * 300
    last = made.ptr[row] + 6
    assert made.early_s[last] < 0 < made.late_s[last]


def test_without_learning_a_bus_stays_as_late_as_it_is(town: Streets) -> None:
    town.foresight = None
    made = run(town, 91)
    assert error_s(town, made, "east9", 6, at(8, 30)) > 500
    assert made.source[town.row(made, "east9")] == SOURCE_CODES[Source.POSITION]


def test_the_next_run_of_a_block_is_foretold(town: Streets) -> None:
    """east9's bus leaves again as west9 at 8:55: never told before that, and not as a sure thing."""
    made = run(town, 100)
    row = town.row(made, "west9")
    assert row >= 0
    first = made.ptr[row]
    assert made.source[row] == SOURCE_CODES[Source.LEARNED]
    assert at(8, 55) <= made.departure_epoch_s[first] <= at(9, 5)
    assert made.arrival_epoch_s[first + 6] > at(9, 15)
    assert made.flags[first + 3] & CallFlag.UNCERTAIN
    assert made.vehicle[row] == -1


def test_the_agency_is_believed_until_ours_has_proved_better(town: Streets) -> None:
    """At first riders are told its times; after hundreds of scored predictions, ours."""
    early = run(town, 11, agency=True)
    row = town.row(early, "east1")
    assert early.source[row] == SOURCE_CODES[Source.AGENCY]
    assert early.arrival_epoch_s[early.ptr[row] + 6] == at(7, 30)
    assert early.late_s[early.ptr[row] + 6] > 0
    late = run(town, 91, agency=True)
    assert late.source[town.row(late, "east9")] == SOURCE_CODES[Source.LEARNED]
    assert abs(error_s(town, late, "east9", 6, at(8, 30))) < 260
    assert town.foresight is not None
    total = sum(town.foresight.preference.book.tallies.values(), np.zeros(SHAPE))[STRATA.index("with_agency")]
    ours, agency = score_of(total[METHODS.index("ours")]), score_of(total[METHODS.index("agency")])
    assert ours.n == agency.n > 300
    assert (ours.mae_s[4] or 0) < 0.6 * (agency.mae_s[4] or 0)


def test_the_same_day_again_is_the_same_to_the_second(town: Streets) -> None:
    again = Streets(town.bundle, town.schedule, town.ground, foresight=Foresight(town.schedule, "streets"))
    one, other = run(town, 40), run(again, 40)
    for name in ("trip", "arrival_epoch_s", "departure_epoch_s", "early_s", "late_s", "flags", "source"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_forecast_is_explained_to_the_second(town: Streets) -> None:
    """What the explanation says is what riders are told; its parts add up."""
    made = run(town, 91)
    assert town.foresight is not None
    trip, row = town.bundle.trip_rows("east9")[0], town.row(made, "east9")
    why = town.foresight.explain(trip, DATE, 6)
    assert why is not None
    assert why.kind == "en_route"
    assert why.times_epoch_s["published"] == made.arrival_epoch_s[made.ptr[row] + 6]
    assert [segment.to_position for segment in why.segments] == list(range(why.next_position, 7))
    assert abs(sum(opinion.weight for opinion in why.experts) - 1) < 0.001
    mean_s = sum(opinion.weight * max(opinion.says_s + opinion.bias_s, 0) for opinion in why.experts)
    assert abs(mean_s - why.blend_s) < 0.5
    assert abs(why.blend_s + why.quantiles_s["published"] - (why.times_epoch_s["published"] - why.now_epoch_s)) < 2
    assert all(1.3 < (segment.ratio or 0) < 1.7 for segment in why.segments)
    assert all(segment.n > 3 for segment in why.segments)
    ratio = next(opinion for opinion in why.experts if opinion.expert == "ratio")
    walked_s = sum(segment.part * segment.expected_s for segment in why.segments)
    walked_s += sum(segment.dwell_s for segment in why.segments[:-1])
    assert abs(walked_s - (why.age_s or 0) - ratio.says_s) < 5
    assert town.foresight.explain(trip, DATE, 99) is None
    assert town.foresight.explain(trip, 20200101, 3) is None
    again = town.foresight.explain(trip, DATE, 6)
    assert again == why


def test_the_next_run_is_explained_from_its_first_call(town: Streets) -> None:
    made = run(town, 100)
    assert town.foresight is not None
    why = town.foresight.explain(town.bundle.trip_rows("west9")[0], DATE, 3)
    assert why is not None
    assert why.kind == "next_run"
    assert why.segments[0].to_position == 0
    row = town.row(made, "west9")
    assert why.times_epoch_s["published"] <= made.arrival_epoch_s[made.ptr[row] + 3]


def test_what_was_foretold_stands_until_a_vehicle_moves(town: Streets) -> None:
    """Seconds later without news the same is told, and the engine is not asked again; with news it is."""
    made = run(town, 60)
    assert town.foresight is not None
    before = {name: column.copy() for name, column in town.foresight.engine.state().columns.items()}
    now = at(8)
    again = town.tick(now + 5, *buses(now))
    check(again)
    row, old = town.row(again, "east4"), town.row(made, "east4")
    ahead = slice(int(again.ptr[row]) + 6, int(again.ptr[row + 1]))
    then = slice(int(made.ptr[old]) + 6, int(made.ptr[old + 1]))
    np.testing.assert_array_equal(again.arrival_epoch_s[ahead], made.arrival_epoch_s[then])
    assert again.source[row] == SOURCE_CODES[Source.LEARNED]
    for name, column in town.foresight.engine.state().columns.items():
        np.testing.assert_array_equal(column, before[name])
    moved = town.tick(now + 10, *buses(now + 10))
    check(moved)
    late = town.tick(now + 30, *buses(now + 10))
    check(late)


def test_a_tick_without_any_run_does_not_stand_in_the_way_of_the_next(town: Streets) -> None:
    """A predictor that starts before its feeds have spoken, or goes on when all of them were sick."""
    now = at(8)
    assert not len(town.tick(now - 5).trip)
    made = town.tick(now, *buses(now))
    check(made)
    assert len(made.trip)

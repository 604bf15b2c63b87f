"""One bus a block: east at :00, twenty minutes, five at the end, west, and east again at :50 (the town of streets)."""

import numpy as np

from domain.realtime import Int32s
from predictor.blocks import Blocks
from tests.predictor.streets import DATE, Streets, at


def rows(town: Streets, *trips: str) -> Int32s:
    return np.array([town.bundle.trip_rows(trip)[0] for trip in trips], np.int32)


def days(count: int, date: int = DATE) -> Int32s:
    return np.full(count, date, np.int32)


def test_the_run_before_is_the_same_vehicles(town: Streets) -> None:
    """The first of a block and a trip without one have none before them."""
    blocks = Blocks(town.schedule)
    before = blocks.before(rows(town, "west2", "east7", "east2", "out1"), days(4))
    assert before.tolist() == [*rows(town, "east2", "west2"), -1, -1]


def test_a_run_comes_next_only_within_the_hour(town: Streets) -> None:
    """The bus that is on east2 at 7:20 leaves west at 7:45; the one on west2 leaves east at 8:10."""
    blocks = Blocks(town.schedule)
    trip, date = blocks.next_runs(rows(town, "east2", "west2", "out1"), days(3), at(7, 5))
    assert (trip.tolist(), date.tolist()) == (rows(town, "west2").tolist(), [DATE])
    trip, _ = blocks.next_runs(rows(town, "east2", "west2", "out1"), days(3), at(7, 10))
    assert sorted(trip.tolist()) == sorted(rows(town, "west2", "east7").tolist())


def test_nothing_comes_next_for_nobody(town: Streets) -> None:
    trip, date = Blocks(town.schedule).next_runs(rows(town), days(0), at(7))
    assert (len(trip), len(date)) == (0, 0)

"""How full vehicles usually are is counted by route, direction, kind of day and hour, and fades."""

import numpy as np

from domain.crowding import Crowding, usual
from predictor.crowding import HALF_LIFE_S, CrowdingBook
from store import crowding
from store.hall import Hall
from tests.predictor.streets import EAST, Report, Streets, along, at


def test_reports_are_counted_every_two_minutes(town: Streets) -> None:
    """FEW_SEATS_AVAILABLE (2) is reported; what is no level is not counted."""
    book = CrowdingBook()
    for minute in range(10):
        now = at(7, minute)
        made = town.tick(now, Report(place=along(EAST, 300.0 * minute), when=now, trip="east0"))
        made.occupancy.flags.writeable = True
        made.occupancy[:] = 2 if minute < 6 else 7
        book.note(now, town.schedule, made)
    assert {place: counts.tolist() for place, counts in book.by_place.items()} == {
        ("S", 0, 0, 7): [0, 0, 3, 0, 0, 0, 0]
    }


def test_counts_fade_by_half_in_four_weeks(town: Streets) -> None:
    book = CrowdingBook(by_place={("S", 0, 0, 7): np.full(7, 8.0)}, faded_epoch_s=at(7))
    made = town.tick(at(7))
    book.note(at(7) + HALF_LIFE_S, town.schedule, made)
    assert book.by_place["S", 0, 0, 7].tolist() == [4.0] * 7


async def test_counts_that_were_kept_are_counted_on(town: Streets, hall: Hall) -> None:
    """What a predictor recalls from the hall after a restart goes on growing."""
    await crowding.put(hall, "town", Crowding.of({("S", 0, 0, 7): np.full(7, 3.0)}), at(7))
    book = CrowdingBook(by_place=(await crowding.get(hall, "town")).by_place())
    made = town.tick(at(7), Report(place=along(EAST, 300.0), when=at(7), trip="east0"))
    made.occupancy.flags.writeable = True
    made.occupancy[:] = 2
    book.note(at(7), town.schedule, made)
    assert book.by_place["S", 0, 0, 7].tolist() == [3, 3, 4, 3, 3, 3, 3]


def test_usual_is_the_level_in_the_middle() -> None:
    assert usual(np.array([0, 5, 30, 5, 0, 0, 0])) == 2
    assert usual(np.array([30, 5, 0, 0, 0, 40, 0])) == 5
    assert usual(np.array([0, 5, 5, 5, 0, 0, 0])) == -1


def test_crowding_keeps_its_places() -> None:
    by_place = {("b", 1, 2, 25): np.arange(7.0), ("a", -1, 0, 7): np.ones(7)}
    found = Crowding.of(by_place).by_place()
    assert {place: counts.tolist() for place, counts in found.items()} == {
        place: counts.tolist() for place, counts in by_place.items()
    }
    assert Crowding.of({}).by_place() == {}

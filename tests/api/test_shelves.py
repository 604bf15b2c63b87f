"""What is kept is weighed, all of it together."""

import gc

from api.shelves import Budget, Shelf


def test_the_heaviest_shelf_is_emptied_when_all_together_are_too_heavy() -> None:
    """The lighter ones stay as they are, and what was just put is gone only with a shelf that was the heaviest."""
    budget = Budget(1000)
    stops: Shelf[int, bytes] = Shelf(budget)
    rows: Shelf[int, bytes] = Shelf(budget)
    for row in range(6):
        rows.put(row, b"row", 100)
    for stop in range(5):
        stops.put(stop, b"stop", 90)
    assert (len(rows), len(stops)) == (0, 5)
    assert (rows.bytes, stops.bytes) == (0, 450)
    rows.put(9, b"row", 100)
    assert rows.get(9) == b"row"


def test_a_shelf_that_nobody_holds_weighs_nothing() -> None:
    """A tick's shelves go with the tick: the next one's may be as full."""
    budget = Budget(1000)
    lasting: Shelf[int, bytes] = Shelf(budget)
    lasting.put(1, b"piece", 100)
    for _ in range(5):
        tick: Shelf[int, bytes] = Shelf(budget)
        for row in range(8):
            tick.put(row, b"row", 100)
        assert len(tick) == 8
        del tick
        gc.collect()
    assert lasting.get(1) == b"piece"


def test_a_piece_put_again_weighs_once() -> None:
    """What is renewed every few seconds must not look heavier each time."""
    budget = Budget(1000)
    shelf: Shelf[str, int] = Shelf(budget)
    for number in range(50):
        shelf.put("status", number, 100)
    assert (shelf.bytes, shelf["status"]) == (100, 49)

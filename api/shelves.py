"""What a web process keeps because it may be asked for again: one budget in bytes for all of it.

A piece kept is a piece not encoded again, so everything that is kept stands on a :class:`Shelf`, whose pieces are weighed as
they are put there. When all shelves of a process together grow beyond the budget, the heaviest is emptied: whatever riders
ask for most stands there again after some milliseconds of encoding.
"""

from typing import TypeVar
from weakref import WeakSet

MAX_KEPT_BYTES = 28 * 1024**2
"""In each web process, for all its timetables. New York's busiest 500 stops with all their trips take 23 MiB."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Budget:
    """The bytes that all shelves of one process may hold together."""

    def __init__(self, most_bytes: int = MAX_KEPT_BYTES) -> None:
        self.most_bytes = most_bytes
        self._shelves: WeakSet[Shelf[object, object]] = WeakSet()
        self._spent = 0

    def spend(self, size: int) -> None:
        """Count what was put on a shelf; empties the heaviest when it is too much."""
        self._spent += size
        if self._spent <= self.most_bytes:
            return
        alive = list(self._shelves)  # those of ticks that are over have gone with them
        if sum(it.bytes for it in alive) > self.most_bytes:
            max(alive, key=lambda it: it.bytes).clear()
        self._spent = sum(it.bytes for it in alive)

    def add(self, shelf: "Shelf[Key, Value]") -> None:
        """A shelf that counts from now on, for as long as somebody holds it."""
        self._shelves.add(shelf)  # type: ignore[arg-type]  # only weighed and emptied


class Shelf(dict[Key, Value]):
    """Pieces by what they are asked for. Read it as a dict; :meth:`put` weighs."""

    __slots__ = ("__weakref__", "budget", "bytes")

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.budget, self.bytes = budget, 0

    def put(self, key: Key, value: Value, size: int) -> Value:
        """Keep *value*, which takes about *size* bytes of memory; one that is put again is taken to weigh what it did."""
        if key not in self:
            if not self.bytes:
                self.budget.add(self)
            self.bytes += size
            self.budget.spend(size)
        self[key] = value
        return value

    def clear(self) -> None:
        super().clear()
        self.bytes = 0

    def __hash__(self) -> int:  # type: ignore[override]  # a shelf is itself, whatever stands on it
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

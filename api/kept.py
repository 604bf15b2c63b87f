"""Larger answers that only rest on the timetable, encoded once and kept: riders of one morning ask about the same day."""

from collections.abc import Callable, Hashable
from typing import NamedTuple

from api.references import References
from api.shelves import Budget, Shelf

REFERENCE_BYTES = 110
"""Of memory for each entry of the references' dictionaries, whose contents others hold too."""


class Piece(NamedTuple):
    """Part of an answer, and what it refers to, also encoded. *references* is never changed by its reader."""

    body: bytes
    references: References
    encoded: bytes

    def encoded_with(self, situations: dict[bytes, bytes]) -> bytes:
        """The references with those of the moment."""
        if not situations:
            return self.encoded
        fresh = self.references.copy()
        fresh.situations.update(situations)
        return fresh.encode()


class Kept:
    """The pieces of one timetable."""

    def __init__(self, budget: Budget) -> None:
        self._pieces: Shelf[Hashable, Piece] = Shelf(budget)

    def of(self, key: Hashable, make: Callable[[], tuple[bytes, References]]) -> Piece:
        """The piece of that key, made on first need."""
        found = self._pieces.get(key)
        if found is None:
            body, references = make()
            found = Piece(body, references, references.encode())
            size = 1000 + len(body) + len(found.encoded) + REFERENCE_BYTES * len(references)
            self._pieces.put(key, found, size)
        return found

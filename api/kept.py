"""Larger answers that only rest on the timetable, encoded once and kept: riders of one morning ask about the same day."""

from collections.abc import Callable, Hashable
from typing import NamedTuple

from api.fragments import References

MAX_KEPT_BYTES = 24 * 1024**2
"""Per timetable, in each web process."""


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
    """The pieces of one timetable; all are forgotten when they grow too large together."""

    def __init__(self) -> None:
        self._pieces: dict[Hashable, Piece] = {}
        self._bytes = 0

    def of(self, key: Hashable, make: Callable[[], tuple[bytes, References]]) -> Piece:
        """The piece of that key, made on first need."""
        found = self._pieces.get(key)
        if found is None:
            body, references = make()
            found = Piece(body, references, references.encode())
            size = len(found.body) + 2 * len(found.encoded)
            if self._bytes + size > MAX_KEPT_BYTES:
                self._pieces.clear()
                self._bytes = 0
            self._pieces[key] = found
            self._bytes += size
        return found

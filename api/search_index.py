"""Finding things by name or code as riders type them: prefixes, typing errors, any accent. Built once a timetable.

An index is a sorted vocabulary of folded words with the things each stands in, as arrays: New York's 16,161 stops take
about two megabytes. Costs of a match: a code exactly 0, the beginning of a code 1; names from 2 up, each word found
exactly 0, as a beginning 1, with typing errors 2 and 3 more. Equally good ones come by weight.
"""

import bisect
from collections.abc import Sequence
from math import log2
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from api.fragments import Fragments
from domain import spelling
from store.timetable import Bundle

MAX_WORDS = 8
"""Words of a query that count; more add nothing to a name of a stop."""
MAX_LETTERS = 16
"""Letters of a word that count."""
_NEVER = 255
_NOT_FIRST = 1
"""Added when the query's first word is not the name's first."""


class Match(NamedTuple):
    """Something found. Sorting gives the best first."""

    cost: int
    rank: float
    """Lighter things, and those farther off, have a higher one."""
    row: int


class SearchIndex:
    """See the module. *codes* and *names* have one entry a row; rows with neither are never found."""

    def __init__(self, codes: Sequence[str], names: Sequence[str], weights: Sequence[float]) -> None:
        self._weights = np.asarray(weights, np.float32)
        coded = sorted((key, row) for row, code in enumerate(codes) if (key := code_key(code)))
        self._codes = [key for key, _ in coded]
        self._code_rows = np.array([row for _, row in coded], np.int32)
        postings: dict[str, list[int]] = {}
        first = [""] * len(names)
        for row, name in enumerate(names):
            words = [spelling.written_out(token) for token in spelling.tokens(name)]
            first[row] = words[0] if words else ""
            for piece in dict.fromkeys(beginning for word in words for beginning in _beginnings(word)):
                postings.setdefault(piece, []).append(row)
        self._words = sorted(postings)
        self._ptr = np.cumsum([0, *(len(postings[word]) for word in self._words)]).astype(np.int32)
        self._rows = np.array([row for word in self._words for row in postings[word]], np.int32)
        number = {word: at for at, word in enumerate(self._words)}
        self._first = np.array([number.get(word, -1) for word in first], np.int32)
        self._letters = _letters_of(self._words)

    def __len__(self) -> int:
        return len(self._weights)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays and words, roughly."""
        arrays = (self._weights, self._code_rows, self._ptr, self._rows, self._first, self._letters)
        return sum(array.nbytes for array in arrays) + sum(50 + len(word) for word in (*self._words, *self._codes))

    def find(self, query: str, limit: int, away_m: npt.NDArray[np.float64] | None = None) -> list[Match]:
        """The best *limit* matches, best first; *away_m* (one a row) prefers what is near to what is busy."""
        found: dict[int, int] = {}
        for row, cost in self._by_code(query):
            found[row] = min(cost, found.get(row, cost))
        ranks = -self._weights.astype(np.float64) if away_m is None else away_m
        costs = self._by_name(query)
        if costs is not None:
            rows = np.flatnonzero(costs < _NEVER)
            order = np.lexsort((rows, ranks[rows], costs[rows]))[: limit + len(found)]
            for row in rows[order].tolist():
                found.setdefault(row, int(costs[row]))
        return sorted(Match(cost, float(ranks[row]), row) for row, cost in found.items())[:limit]

    def _by_code(self, query: str) -> list[tuple[int, int]]:
        key = code_key(query)
        if not key:
            return []
        first, last = _range(self._codes, key)
        return [(int(self._code_rows[at]), int(self._codes[at] != key)) for at in range(first, min(last, first + 500))]

    # --- names

    def _by_name(self, query: str) -> npt.NDArray[np.int32] | None:
        """The cost of every row, _NEVER where a word of the query is not in its name; None without words."""
        words = [word[:MAX_LETTERS] for word in spelling.tokens(query)]
        words = ([word for word in words if word not in spelling.FILLERS] or words)[:MAX_WORDS]
        if not words or not self._words:
            return None
        exact = [self._of_word(word) for word in words]
        costs = _sum(exact)
        if not (costs < _NEVER).any():
            costs = _sum([np.minimum(one, self._with_errors(word)) for word, one in zip(words, exact, strict=True)])
        begins = np.zeros(len(self), bool)
        for form in {words[0], spelling.written_out(words[0])}:
            low, high = _range(self._words, form)
            begins |= (self._first >= low) & (self._first < high)
        return np.where(costs < _NEVER, costs + 2 + np.where(begins, 0, _NOT_FIRST), _NEVER).astype(np.int32)

    def _of_word(self, word: str) -> npt.NDArray[np.int32]:
        costs = np.full(len(self), _NEVER, np.int32)
        forms = {word, spelling.written_out(word), *(["street"] if word == "saint" else [])}
        for form in forms:
            low, high = _range(self._words, form)
            costs[self._rows[self._ptr[low] : self._ptr[high]]] = 1
        for form in forms:
            low = bisect.bisect_left(self._words, form)
            if low < len(self._words) and self._words[low] == form:
                costs[self._rows[self._ptr[low] : self._ptr[low + 1]]] = 0
        return costs

    def _with_errors(self, word: str) -> npt.NDArray[np.int32]:
        costs = np.full(len(self), _NEVER, np.int32)
        allowed = spelling.edits_allowed(word)
        if not allowed:
            return costs
        edits = _prefix_edits(word, self._letters)
        for distance in range(allowed, 0, -1):
            for at in np.flatnonzero(edits == distance).tolist():
                costs[self._rows[self._ptr[at] : self._ptr[at + 1]]] = 1 + distance
        return costs


def index_of_stops(fragments: Fragments) -> SearchIndex:
    """Stops and stations (no entrances) by code and name; the busier, the earlier."""
    bundle, texts = fragments.bundle, fragments.bundle.texts
    calls = np.diff(bundle.array("stop_call_ptr")).tolist()
    codes, names, weights = [], [], []
    for row, kind in enumerate(bundle.stop_location_type):
        shown = kind in (0, 1)
        codes.append(texts[bundle.stop_code[row]] if shown else "")
        names.append(texts[bundle.stop_name[row]] if shown else "")
        weights.append(log2(1 + sum(calls[platform] for platform in (row, *bundle.stop_child_rows(row)))))
    return SearchIndex(codes, names, weights)


def index_of_routes(bundle: Bundle) -> SearchIndex:
    """Routes by short name (as their code) and long name; the busier, the earlier."""
    texts, rows = bundle.texts, range(len(bundle.route_ids))
    trips = np.diff(bundle.array("route_trip_ptr")).tolist()
    codes = [texts[bundle.route_short_name[row]] for row in rows]
    names = [f"{texts[bundle.route_long_name[row]]} {codes[row]}" for row in rows]
    return SearchIndex(codes, names, [log2(1 + trips[row]) for row in rows])


def code_key(code: str) -> str:
    """A code as it is compared: folded, without spaces and signs."""
    return "".join(spelling.tokens(code))


def _beginnings(word: str) -> list[str]:
    """The word; where no spaces are written, whatever it may be found by: every ending of it."""
    return [word[at:] for at in range(min(len(word), MAX_LETTERS))] if spelling.is_unspaced(word) else [word]


def _range(words: Sequence[str], beginning: str) -> tuple[int, int]:
    """Where the words with that beginning stand in a sorted list."""
    low = bisect.bisect_left(words, beginning)
    return low, bisect.bisect_left(words, beginning + "\U0010ffff", low)


def _sum(parts: list[npt.NDArray[np.int32]]) -> npt.NDArray[np.int32]:
    total = np.minimum(np.sum(parts, axis=0), _NEVER - 4)
    everywhere = np.max(parts, axis=0) < _NEVER
    costs: npt.NDArray[np.int32] = np.where(everywhere, total, _NEVER).astype(np.int32)
    return costs


def _letters_of(words: Sequence[str]) -> npt.NDArray[np.uint32]:
    """One column a word, one row a letter, 0 beyond its end; words longer than MAX_LETTERS are cut."""
    letters = np.zeros((MAX_LETTERS, len(words)), np.uint32)
    for at, word in enumerate(words):
        cut = word[:MAX_LETTERS]
        letters[: len(cut), at] = [ord(letter) for letter in cut]
    return letters


def _prefix_edits(word: str, letters: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """The fewest insertions, deletions, substitutions and swaps of neighbours between *word* and any beginning of each
    word of the vocabulary (optimal string alignment), all at once."""
    rows = min(len(word) + 3, len(letters))
    n = letters.shape[1]
    before2: list[npt.NDArray[np.uint8]] = []
    before = [np.full(n, j, np.uint8) for j in range(rows + 1)]
    for i, letter in enumerate(word, 1):
        code, previous = ord(letter), ord(word[i - 2]) if i > 1 else 0
        row = [np.full(n, i, np.uint8)]
        for j in range(1, rows + 1):
            best = np.minimum(before[j] + 1, row[j - 1] + 1)
            np.minimum(best, before[j - 1] + (letters[j - 1] != code), out=best)
            if i > 1 and j > 1:
                swapped = (letters[j - 1] == previous) & (letters[j - 2] == code)
                best = np.where(swapped, np.minimum(best, before2[j - 2] + 1), best)
            row.append(best.astype(np.uint8))
        before2, before = before, row
    ends = [np.where(letters[j - 1] != 0, column, _NEVER) if j else column for j, column in enumerate(before)]
    fewest: npt.NDArray[np.uint8] = np.min(ends, axis=0).astype(np.uint8)
    return fewest

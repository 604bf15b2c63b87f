"""Many protobuf messages of one type, read side by side: the n-th field of all of them in a few array operations.

A tick of a large city holds 200,000 small messages. Touching each through generated classes costs a third of a second;
here every step reads one field of every message that still has one. Only the wire format is known here; what a field
means is the caller's.
Source: Protocol Buffers documentation, "Encoding".
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from domain.realtime import Bools, Floats, Int64s

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_HIGH, _LOW = np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)


class Irregular(Exception):
    """The bytes are not what is read here: malformed, or well-formed but rare. Ask the generated classes."""


class Field(NamedTuple):
    """One field of each of some messages."""

    rows: Int64s
    """Which messages, ascending."""
    tag: int | Int64s
    """Field number and wire type, ``number << 3 | wire type``: of all of them, or of each where they differ."""
    value: Int64s
    """The number (as the 64 bits of a signed one), or the length of the bytes."""
    at: Int64s
    """Where the bytes of the value begin."""


class Wire:
    """The bytes of a message and everything inside it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._letters: str | None = None
        padded = np.frombuffer(data + bytes(16), np.uint8)
        self._bytes = padded
        self._words: np.ndarray[tuple[int], np.dtype[np.uint64]] = np.ndarray(
            (len(data) + 8,), "<u8", padded, strides=(1,)
        )

    def fields(self, begin: Int64s, end: Int64s) -> Iterator[Field]:
        """The first field of each message ``begin[i]:end[i]`` that has one, then the second, and so on.

        Raises Irregular for bytes that are no sequence of fields, and for groups.
        """
        rows, at, left = np.arange(len(begin)), begin, end - begin
        while len(rows):
            least = int(left.min())
            if least < 0:
                raise Irregular("a field that ends beyond its message")
            if least == 0:
                alive = np.flatnonzero(left)
                rows, at, end = rows[alive], at[alive], end[alive]
                if not len(rows):
                    return
            tag, at = self._varints(at)
            first = int(tag[0])
            same = bool((tag == first).all())
            if first < 8 or first >> 32 or (not same and ((tag < 8) | (tag >> 32 != 0)).any()):
                raise Irregular("a field without a number")
            value, at, after = self._values_of(first & 7, at) if same else self._values(tag & 7, at)
            yield Field(rows, first if same else tag, value, at)
            at, left = after, end - after

    def _values(self, kind: Int64s, at: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """Value of each field, where it begins, and where the next field does."""
        value, start, after = np.zeros(len(at), np.int64), at.copy(), at.copy()
        for each in range(8):
            mine = np.flatnonzero(kind == each)
            if len(mine):
                value[mine], start[mine], after[mine] = self._values_of(each, at[mine])
        return value, start, after

    def _values_of(self, kind: int, at: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        if kind == VARINT:
            value, after = self._varints(at)
            return value, at, after
        if kind == BYTES:
            length, start = self._varints(at)
            if ((length < 0) | (length > len(self.data))).any():
                raise Irregular("a length beyond the message")
            return length, start, start + length
        if kind in {FIXED32, FIXED64}:
            size = 4 if kind == FIXED32 else 8
            return np.full(len(at), size, np.int64), at, at + size
        raise Irregular("a group, or a wire type that there is none of")

    def _varints(self, at: Int64s) -> tuple[Int64s, Int64s]:
        """The varint at each place, and the place after it."""
        byte = self._bytes[at]
        if int(byte.max()) < 0x80:
            return byte.astype(np.int64), at + 1
        more = byte >= 0x80
        second = self._bytes[at + more]
        if not (more & (second >= 0x80)).any():
            value = byte.astype(np.int64)
            value += more * ((second.astype(np.int64) << 7) - 0x80)
            return value, at + 1 + more
        word = self._words[at]
        stop = ~word & _HIGH
        below = (stop & (~stop + np.uint64(1))) - np.uint64(
            1
        )  # all bits below the last byte's high bit; all if none is
        size = (np.bitwise_count(below) >> np.uint8(3)).astype(np.int64) + 1
        word &= below & _LOW
        # Squeeze seven bits a byte together: pairs of bytes, then of pairs, then both halves.
        word = (word & np.uint64(0x007F007F007F007F)) | ((word & np.uint64(0x7F007F007F007F00)) >> np.uint64(1))
        word = (word & np.uint64(0x00003FFF00003FFF)) | ((word & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2))
        word = (word & np.uint64(0x000000000FFFFFFF)) | ((word & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4))
        long = np.flatnonzero(stop == 0)
        if len(long):  # nine or ten bytes: negative numbers
            ninth = self._bytes[at[long] + 8]
            tenth = np.where(ninth >= 0x80, self._bytes[at[long] + 9], 0).astype(np.uint64)
            if (tenth > 1).any():
                raise Irregular("a number of more than 64 bits")
            word[long] |= ((ninth & 0x7F).astype(np.uint64) << np.uint64(56)) | (tenth << np.uint64(63))
            size[long] = 9 + (ninth >= 0x80)
        return word.view(np.int64), at + size

    def floats(self, at: Int64s) -> Floats:
        """The 32-bit floating point number at each place."""
        low = (self._words[at] & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        return low.view(np.float32).astype(np.float64)

    def doubles(self, at: Int64s) -> Floats:
        """The 64-bit one."""
        return self._words[at].view(np.float64)

    def texts(self, at: Int64s, length: Int64s) -> list[str]:
        """The text at each place; a negative length is a blank one. Raises Irregular for what is not UTF-8."""
        if not (length > 0).any():
            return [""] * len(at)
        if self._letters is None:
            self._letters = self.data.decode("latin-1")
        letters, ends = self._letters, (at + np.maximum(length, 0)).tolist()
        found = [letters[start:end] for start, end in zip(at.tolist(), ends, strict=True)]
        if "".join(found).isascii():
            return found
        try:
            return [text if text.isascii() else str(text.encode("latin-1"), "utf-8") for text in found]
        except UnicodeDecodeError as error:
            raise Irregular("text that is not UTF-8") from error

    def distinct(self, at: Int64s, length: Int64s) -> tuple[Int64s, Int64s]:
        """Rows of the first of each different text, in order, and for every row the index among these."""
        n = len(at)
        whole: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        mixed = length.astype(np.uint64)
        for start in range(0, int(length.max(initial=0)), 8):
            left = np.clip(length - start, 0, 8)
            word = self._words[np.minimum(at + start, len(self._words) - 1)]
            word &= np.where(
                left == 8, np.uint64(2**64 - 1), (np.uint64(1) << (8 * left).astype(np.uint64)) - np.uint64(1)
            )
            whole.append(word)
            mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        stands_for = np.empty(n, np.int64)
        todo = np.arange(n)
        bits = min(max(n - 1, 1).bit_length() + 2, 24)
        table = np.empty(1 << bits, np.int64)
        for turn in range(64):
            slot = (mixed[todo] * np.uint64(0xD1342543DE82EF95 + 2 * turn)) >> np.uint64(64 - bits)
            table[slot[::-1]] = todo[::-1]  # the first row of each slot stays
            claim = table[slot]
            same = self._same(whole, length, todo, claim)
            stands_for[todo[same]] = claim[same]
            todo = todo[~same]
            if not len(todo):
                break
        else:
            raise Irregular("texts that cannot be told apart")
        firsts = np.flatnonzero(stands_for == np.arange(n))
        index = np.empty(n, np.int64)
        index[firsts] = np.arange(len(firsts))
        return firsts, index[stands_for]

    @staticmethod
    def _same(
        words: "list[np.ndarray[tuple[int], np.dtype[np.uint64]]]", length: Int64s, one: Int64s, other: Int64s
    ) -> Bools:
        same: Bools = length[one] == length[other]
        for word in words:
            same &= word[one] == word[other]
        return same

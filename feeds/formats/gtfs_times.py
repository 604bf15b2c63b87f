"""Columns of GTFS times ("H:MM:SS", past 24:00 too) to ServiceTimes, all at once."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BLANK = -(2**31)
BAD = BLANK + 1

LARGEST_S = 10 * 86_400
"""A call later than ten days after its service day began is a mistake."""


def parse_time(text: str) -> int:
    """One time in seconds; BLANK for a blank text, BAD for anything that is not a time."""
    text = text.strip()
    if not text:
        return BLANK
    parts = text.split(":")
    if len(parts) not in {2, 3} or not all(part.strip().isdigit() and part.isascii() for part in parts):
        return BAD
    hours, minutes, seconds = (int(part) for part in (*parts, "0")[:3])
    value = hours * 3600 + minutes * 60 + seconds
    return value if minutes < 60 and seconds < 60 and value <= LARGEST_S else BAD


def parse_times(array: pa.Array) -> npt.NDArray[np.int32]:
    """A column of times in seconds, with BLANK and BAD as :func:`parse_time` has them."""
    count = len(array)
    result = np.full(count, BAD, np.int32)
    if not count:
        return result
    _, offset_buffer, text_buffer = array.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, count + 1, array.offset * 4)
    size = np.diff(offsets)
    result[size == 0] = BLANK
    if text_buffer is not None:
        text = np.frombuffer(text_buffer, np.uint8)
        if bool((size == 8).all()):
            cells = text[offsets[0] : offsets[-1]].reshape(count, 8)
            result = _eight(cells)
        else:
            for width in (8, 7):
                rows = np.flatnonzero(size == width)
                if rows.size:
                    cells = text[offsets[rows][:, None] + np.arange(width)]
                    if width == 7:
                        cells = np.concatenate([np.full((rows.size, 1), ord("0"), np.uint8), cells], axis=1)
                    result[rows] = _eight(cells)
    for row in np.flatnonzero(result == BAD)[:1_000_000].tolist():
        result[row] = parse_time(array[row].as_py())
    return result


def _eight(cells: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Rows of eight bytes as ``HH:MM:SS``, each row worked on as one 64-bit number whose lowest byte comes first."""
    word = np.ascontiguousarray(cells).reshape(-1).view("<u8") ^ np.uint64(0x30303A30303A3030)
    # What is left is the digits' values, and 0 for the colons; anything above 9 carries into its byte's high bit.
    bad = (word | (word + np.uint64(0x76767F76767F7676))) & np.uint64(0x8080808080808080)
    pairs = word * np.uint64(10) + (word >> np.uint64(8))
    hours, minutes, seconds = (
        ((pairs >> np.uint64(shift)) & np.uint64(0xFF)).astype(np.int32) for shift in (0, 24, 48)
    )  # fmt: skip
    value: npt.NDArray[np.int32] = hours * 3600 + minutes * 60 + seconds
    value[(bad != 0) | (minutes > 59) | (seconds > 59)] = BAD
    return value

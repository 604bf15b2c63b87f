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
    digits = cells - np.uint8(48)
    value = np.zeros(len(cells), np.int32)
    good = (cells[:, 2] == 58) & (cells[:, 5] == 58)
    for column, weight in ((0, 36000), (1, 3600), (3, 600), (4, 60), (6, 10), (7, 1)):
        digit = digits[:, column]
        good &= digit <= (5 if column in {3, 6} else 9)
        value += digit.astype(np.int32) * weight
    value[~good] = BAD
    return value

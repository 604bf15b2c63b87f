"""stop_times.txt, ten million rows of it: read by column, grouped by trip, blanks filled in.

No Python code runs once a row; rows that cannot be used become Problems.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feeds.formats.gtfs_archive import GtfsArchive
from feeds.formats.gtfs_columns import Block, Problems, read_blocks
from feeds.formats.gtfs_times import BAD, BLANK, parse_times

COLUMNS = ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence", "pickup_type", "drop_off_type",
           "timepoint", "stop_headsign", "shape_dist_traveled")  # fmt: skip
Texts = Callable[[str], int]
Rows = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTimes:
    """Calls grouped by trip: trip ``trips[k]`` has rows ``ptr[k]:ptr[k+1]``, by stop_sequence, times never blank."""

    trips: npt.NDArray[np.int32]
    ptr: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int32]
    sequence: npt.NDArray[np.int32]
    arrival_s: npt.NDArray[np.int32]
    departure_s: npt.NDArray[np.int32]
    pickup: npt.NDArray[np.uint8]
    drop_off: npt.NDArray[np.uint8]
    timepoint: npt.NDArray[np.uint8]
    headsign: npt.NDArray[np.int32]
    distance: npt.NDArray[np.float32]
    """shape_dist_traveled in the feed's own unit, nan where blank."""


def read_stop_times(archive: GtfsArchive, trips: Rows, stops: Rows, texts: Texts, problems: Problems) -> StopTimes:
    """All usable calls. *trips* and *stops* are the rows that ids stand for; *texts* interns a headsign."""
    read = _Growing(archive.size("stop_times.txt"))
    for block in read_blocks(archive, "stop_times.txt", COLUMNS, problems):
        part = _columns(block, trips, stops, texts, problems)
        keep = _usable(block, part, problems)
        read.add(part if keep is None else {name: column[keep] for name, column in part.items()}, block.bytes)
    return _grouped(read.done(), problems)


class _Growing:
    """Columns that take in block after block without holding everything twice."""

    def __init__(self, file_bytes: int) -> None:
        self._file_bytes = file_bytes
        self._columns: dict[str, npt.NDArray[Any]] = {name: np.zeros(0, kind) for name, kind in _TYPES.items()}
        self._rows = self._room = 0

    def add(self, part: Mapping[str, npt.NDArray[Any]], part_bytes: int) -> None:
        """One more block, of which *part_bytes* of the file were read."""
        size = part["trip"].size
        if self._rows + size > self._room:
            # Room that is never written to takes no memory: rather guess too much than copy.
            self._room = self._rows + size + int(1.1 * size * self._file_bytes / max(part_bytes, 1))
            for name, column in self._columns.items():
                grown = np.empty(self._room, column.dtype)
                grown[: self._rows] = column[: self._rows]
                self._columns[name] = grown
        for name, column in part.items():
            self._columns[name][self._rows : self._rows + size] = column
        self._rows += size

    def done(self) -> dict[str, npt.NDArray[Any]]:
        return {name: column[: self._rows] for name, column in self._columns.items()}


_TYPES = {"trip": np.int32, "stop": np.int32, "sequence": np.int32, "arrival_s": np.int32, "departure_s": np.int32,
          "pickup": np.uint8, "drop_off": np.uint8, "timepoint": np.uint8, "headsign": np.int32,
          "distance": np.float32}  # fmt: skip


def _columns(block: Block, trips: Rows, stops: Rows, texts: Texts, problems: Problems) -> dict[str, npt.NDArray[Any]]:
    return {
        "trip": _rows_of(block, "trip_id", trips),
        "stop": _rows_of(block, "stop_id", stops),
        "sequence": _integers(block, "stop_sequence", problems),
        "arrival_s": parse_times(block.column("arrival_time")),
        "departure_s": parse_times(block.column("departure_time")),
        "pickup": _small(block, "pickup_type", "0123", 0),
        "drop_off": _small(block, "drop_off_type", "0123", 0),
        "timepoint": _small(block, "timepoint", "01", 1),
        "headsign": _interned(block, "stop_headsign", texts),
        "distance": _floats(block.column("shape_dist_traveled")),
    }


def _rows_of(block: Block, name: str, rows: Rows) -> npt.NDArray[np.int32]:
    codes, distinct = block.encoded(name)
    return np.fromiter((rows.get(text, -1) for text in distinct), np.int32, len(distinct))[codes]


def _integers(block: Block, name: str, problems: Problems) -> npt.NDArray[np.int32]:
    array = block.column(name)
    try:
        return np.asarray(pc.cast(array, pa.int32()).to_numpy(zero_copy_only=False), np.int32)
    except pa.ArrowInvalid:
        values = [text.strip() for text in array.to_pylist()]
        good = [value.isascii() and value.isdigit() and len(value) < 10 for value in values]
        for row in np.flatnonzero(~np.array(good, bool)).tolist():
            problems.add(
                "stop_sequence",
                block.where(row),
                f"stop_sequence {values[row]!r}: expected a whole number; row left out",
            )
        return np.array([int(value) if fit else -1 for value, fit in zip(values, good, strict=True)], np.int32)


def _small(block: Block, name: str, values: str, otherwise: int) -> npt.NDArray[np.uint8]:
    codes, distinct = block.encoded(name)
    table = [int(text) if len(text) == 1 and text in values else otherwise for text in distinct]
    return np.array(table or [otherwise], np.uint8)[codes]


def _interned(block: Block, name: str, texts: Texts) -> npt.NDArray[np.int32]:
    codes, distinct = block.encoded(name)
    return np.array([texts(text) for text in distinct] or [0], np.int32)[codes]


def _floats(array: pa.Array) -> npt.NDArray[np.float32]:
    if pc.max(pc.binary_length(array)).as_py() == 0:
        return np.full(len(array), np.nan, np.float32)
    blank = pc.equal(array, "")
    try:
        numbers = pc.cast(pc.if_else(blank, None, array), pa.float64())
        return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float32)
    except pa.ArrowInvalid:
        return np.full(len(array), np.nan, np.float32)


def _usable(block: Block, part: dict[str, npt.NDArray[Any]], problems: Problems) -> npt.NDArray[np.bool_] | None:
    bad_time = (part["arrival_s"] == BAD) | (part["departure_s"] == BAD)
    keep = np.ones(block.rows, bool)
    for code, message, column, bad in (
        (
            "unknown_trip",
            "trip_id is not in trips.txt (or its trip was left out); row left out",
            "trip_id",
            part["trip"] < 0,
        ),
        (
            "unknown_stop",
            "stop_id is not in stops.txt (or its stop was left out); row left out",
            "stop_id",
            part["stop"] < 0,
        ),
        ("bad_time", "expected a time as H:MM:SS; row left out", "arrival_time", bad_time),
        ("stop_sequence", "expected a whole number; row left out", "stop_sequence", part["sequence"] < 0),
    ):
        rows = np.flatnonzero(np.asarray(bad) & keep)
        if rows.size:
            first = int(rows[0])
            found = block.column(column)[first].as_py()
            if not (code == "stop_sequence" and found and not found.strip().isdigit()):
                problems.add(code, block.where(first), f"{column} {found!r}: {message}", count=int(rows.size))
            keep[rows] = False
    return None if keep.all() else keep


def _grouped(rows: dict[str, npt.NDArray[Any]], problems: Problems) -> StopTimes:
    trip, sequence = rows["trip"], rows["sequence"]
    edge = np.flatnonzero(trip[1:] != trip[:-1]) + 1
    starts = np.concatenate([[0], edge]).astype(np.int64) if trip.size else np.zeros(0, np.int64)
    rising = np.ones(trip.size, bool)
    rising[1:] = (sequence[1:] > sequence[:-1]) | (trip[1:] != trip[:-1])
    if np.unique(trip[starts]).size != starts.size or not rising.all():
        order = np.lexsort((sequence, trip))
        rows = {name: column[order] for name, column in rows.items()}
        trip, sequence = rows["trip"], rows["sequence"]
        twice = np.zeros(trip.size, bool)
        twice[1:] = (trip[1:] == trip[:-1]) & (sequence[1:] == sequence[:-1])
        if twice.any():
            problems.add("duplicate_call", "stop_times.txt", "the same stop_sequence twice in one trip; the later row left out", count=int(twice.sum()))  # fmt: skip
            rows = {name: column[~twice] for name, column in rows.items()}
    return _timed(rows, problems)


def _timed(rows: dict[str, npt.NDArray[Any]], problems: Problems) -> StopTimes:
    """Fill blank times: the other event of the call, then between timed calls; leave out trips that cannot be told."""
    arrival, departure = np.asarray(rows["arrival_s"], np.int32), np.asarray(rows["departure_s"], np.int32)
    arrival = np.where(arrival == BLANK, departure, arrival)
    departure = np.where(departure == BLANK, arrival, departure)
    trip = np.asarray(rows["trip"], np.int32)
    starts, lengths = _runs(trip)
    ends = starts + lengths - 1
    untold = (arrival[starts] == BLANK) | (arrival[ends] == BLANK) | (lengths < 2)
    if untold.any():
        problems.add("trip_without_times", "stop_times.txt", "fewer than two calls, or no time at the first or last one; trip left out", count=int(untold.sum()))  # fmt: skip
        keep = ~np.repeat(untold, lengths)
        rows = {name: column[keep] for name, column in rows.items()}
        arrival, departure, trip = arrival[keep], departure[keep], trip[keep]
        starts, lengths = _runs(trip)
    blank = arrival == BLANK
    if blank.any():
        along = _along(np.asarray(rows["distance"], np.float32), starts, lengths)
        known = ~blank
        # From the departure of the timed call before to the arrival of the one after: each is two knots at one place.
        knots = np.column_stack([arrival[known], departure[known]]).ravel().astype(float)
        arrival[blank] = np.round(np.interp(along[blank], np.repeat(along[known], 2), knots))
        departure[blank] = arrival[blank]
    backwards = departure < arrival
    backwards[1:] |= (arrival[1:] < departure[:-1]) & (trip[1:] == trip[:-1])
    if backwards.any():
        problems.add("time_goes_back", "stop_times.txt", "a call before the one before it; lifted to it", count=int(backwards.sum()))  # fmt: skip
        arrival, departure = _lifted(arrival, departure, starts, lengths)
    return StopTimes(
        trips=trip[starts],
        ptr=np.concatenate([starts, [trip.size]]).astype(np.int64),
        stop=np.asarray(rows["stop"], np.int32),
        sequence=np.asarray(rows["sequence"], np.int32),
        arrival_s=arrival,
        departure_s=departure,
        pickup=np.asarray(rows["pickup"], np.uint8),
        drop_off=np.asarray(rows["drop_off"], np.uint8),
        timepoint=np.asarray(rows["timepoint"], np.uint8),
        headsign=np.asarray(rows["headsign"], np.int32),
        distance=np.asarray(rows["distance"], np.float32),
    )


def _runs(trip: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if not trip.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.flatnonzero(trip[1:] != trip[:-1]) + 1]).astype(np.int64)
    return starts, np.diff(np.concatenate([starts, [trip.size]]))


def _along(
    distance: npt.NDArray[np.float32], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Something that rises along every trip and from trip to trip: shape distance where whole trips have it, else calls."""
    number = np.repeat(np.arange(starts.size), lengths)
    count = np.arange(number.size) - np.repeat(starts, lengths)
    nan = np.isnan(distance)
    falling = np.zeros(nan.size, bool)
    falling[1:] = (distance[1:] < distance[:-1]) & (number[1:] == number[:-1])
    unfit = np.add.reduceat((nan | falling).astype(np.int64), starts) > 0
    step = np.where(np.repeat(unfit, lengths), count, np.nan_to_num(distance).astype(float))
    widest = float(step.max(initial=0.0)) + 1.0
    along: npt.NDArray[np.float64] = step + number * (2 * widest)
    return along


def _lifted(
    arrival: npt.NDArray[np.int32], departure: npt.NDArray[np.int32], starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:  # fmt: skip
    both = np.empty(arrival.size * 2, np.int64)
    lift = np.repeat(np.arange(starts.size, dtype=np.int64) * (1 << 24), lengths)
    both[0::2], both[1::2] = arrival + lift, departure + lift
    both = np.maximum.accumulate(both)
    return (both[0::2] - lift).astype(np.int32), (both[1::2] - lift).astype(np.int32)

"""The files of a timetable bundle: which arrays and texts it holds, and how they lie on disk.

A bundle is one folder, ``{home}/timetables/{feed_id}/{generation}/``:

- ``{name}.npy`` for every name in ARRAYS, one-dimensional, of the type said there, read through memory maps;
- ``{name}_ptr.npy`` (int64, n + 1 byte offsets) and ``{name}.utf8`` for every name in TEXT_COLUMNS;
- ``{name}_hash.npy`` (uint32, CRC-32 of the id's UTF-8, ascending) and ``{name}_hash_row.npy`` (int32, the row of each)
  for every name in ID_COLUMNS, so that an id is found by bisection without a dictionary in every process;
- ``translations.json`` (see ``store.timetable.Bundle.translations``), ``problems.json`` (a list of Problem);
- ``meta.json``, written last: a folder without it is not a bundle.
"""

import bisect
import json
import mmap
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import BundleUnusable

LAYOUT = 1
"""Counted up whenever a reader of the old layout would be wrong; part of every generation's name."""

ARRAYS: dict[str, str] = {
    # stops: one row a row of stops.txt; text columns refer to ``texts``
    "stop_lat": "f8",
    "stop_lon": "f8",
    "stop_parent": "i4",  # row of the station, -1 for none
    "stop_location_type": "u1",
    "stop_wheelchair": "u1",  # of the station where the platform says 0
    "stop_compass": "i1",  # 0 N, 1 NE … 7 NW: the way departing vehicles go; -1 when it cannot be told
    "stop_code": "i4",
    "stop_name": "i4",
    "stop_description": "i4",
    "stop_platform": "i4",
    "stop_url": "i4",
    "stop_children_ptr": "i4",
    "stop_children": "i4",
    "stop_route_ptr": "i4",
    "stop_routes": "i4",  # routes that call at the stop itself, in the order of routes
    # routes
    "route_agency": "i4",  # row in meta["agencies"]
    "route_mode": "i4",
    "route_short_name": "i4",
    "route_long_name": "i4",
    "route_description": "i4",
    "route_url": "i4",
    "route_color": "i4",
    "route_text_color": "i4",
    "route_sort": "i4",
    "route_trip_ptr": "i4",
    "route_trips": "i4",  # by direction, then start
    # trips: one row a run; a frequency-based trip has one row for each departure of each of its windows, adjacent
    "trip_route": "i4",
    "trip_service": "i4",
    "trip_profile": "i4",
    "trip_start_s": "i4",  # ServiceTime of the departure from the first call
    "trip_block": "i4",  # -1 for none
    "trip_direction": "i1",  # -1 when not said
    "trip_headsign": "i4",
    "trip_short_name": "i4",
    "trip_wheelchair": "u1",
    "trip_bikes": "u1",
    "trip_frequency": "i4",  # row of its window, -1 for a trip with times of its own
    "frequency_start_s": "i4",
    "frequency_end_s": "i4",
    "frequency_headway_s": "i4",
    "frequency_exact": "u1",
    "block_ptr": "i4",
    "block_trips": "i4",  # by start, whatever the service: ask ``active``
    # patterns: stops in order, with all that is the same on every trip; profiles: times relative to the trip's start
    "pattern_ptr": "i8",
    "pattern_shape": "i4",  # per pattern; -1 for none
    "pattern_stop": "i4",
    "pattern_sequence": "i4",  # stop_sequence as the feed writes it
    "pattern_pickup": "u1",
    "pattern_drop_off": "u1",
    "pattern_timepoint": "u1",  # 0: times are approximate
    "pattern_headsign": "i4",  # text, 0 when the trip's applies
    "pattern_distance_m": "f4",  # along the shape (along straight lines where there is none), never decreasing
    "profile_ptr": "i8",
    "profile_pattern": "i4",  # per profile
    "profile_arrival_s": "i4",
    "profile_departure_s": "i4",
    # calls by stop: rows stop_call_ptr[stop]:stop_call_ptr[stop + 1], by departure
    "stop_call_ptr": "i8",
    "call_departure_s": "i4",
    "call_trip": "i4",
    "call_position": "u2",  # 0-based
    # services: service_active[day * n_services + service], day 0 is meta["first_day"]
    "service_active": "u1",
    # shapes
    "shape_ptr": "i8",
    "shape_lat": "f8",
    "shape_lon": "f8",
    "shape_dist_m": "f4",  # metres from the shape's start, on the sphere
}

ID_COLUMNS = ("stop_id", "route_id", "trip_id", "service_id", "shape_id", "block_id")
"""Raw ids by row. Runs of one frequency-based trip share theirs; a lookup finds the first of them."""
TEXT_COLUMNS = ("texts", *ID_COLUMNS)
"""``texts`` holds every name once; row 0 is the blank text."""


def folder_of(home: Path, feed_id: str, generation: str) -> Path:
    """Where the bundle lives."""
    return home / "timetables" / feed_id / generation


def read_meta(folder: Path) -> dict[str, Any]:
    """The bundle's ``meta.json``; raises BundleUnusable when there is none or it is of another layout."""
    try:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BundleUnusable(f"{folder}: no readable meta.json, so this is not a complete bundle ({error})") from error
    if meta.get("layout") != LAYOUT:
        raise BundleUnusable(f"{folder}: layout {meta.get('layout')}, this program reads {LAYOUT}; import it again")
    return meta


def open_array(folder: Path, name: str, kind: str) -> npt.NDArray[Any]:
    """A read-only memory map of ``{name}.npy``; raises BundleUnusable unless it is one-dimensional of type *kind*."""
    try:
        array: npt.NDArray[Any] = np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError) as error:
        raise BundleUnusable(f"{folder / name}.npy cannot be read: {error}") from error
    if array.ndim != 1 or array.dtype != np.dtype(kind):
        raise BundleUnusable(f"{folder / name}.npy: expected a column of {kind}, found {array.dtype} {array.shape}")
    return array


class TextColumn(Sequence[str]):
    """A column of texts in a memory map."""

    def __init__(self, folder: Path, name: str) -> None:
        self._ptr = open_array(folder, f"{name}_ptr", "i8").data
        size = self._ptr[-1] if len(self._ptr) else 0
        path = folder / f"{name}.utf8"
        try:
            with path.open("rb") as file:
                self._bytes = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")
        except (OSError, ValueError) as error:
            raise BundleUnusable(f"{path} cannot be read: {error}") from error
        if len(self._bytes) != size:
            raise BundleUnusable(f"{path}: expected {size} bytes, found {len(self._bytes)}")

    def __len__(self) -> int:
        return max(len(self._ptr) - 1, 0)

    def raw(self, row: int) -> bytes:
        """The text as UTF-8."""
        return bytes(self._bytes[self._ptr[row] : self._ptr[row + 1]])

    def __getitem__(self, row: int) -> str:  # type: ignore[override]  # slices are not needed
        return str(self._bytes[self._ptr[row] : self._ptr[row + 1]], "utf-8")


class IdColumn(TextColumn):
    """A column of raw ids that also finds the row of an id."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self._hash = open_array(folder, f"{name}_hash", "u4").data
        self._row = open_array(folder, f"{name}_hash_row", "i4").data

    def index(self, raw_id: str) -> int | None:  # type: ignore[override]  # an absent id is no error
        """The (first) row with that id, or None."""
        wanted = raw_id.encode("utf-8", "surrogatepass")
        key = zlib.crc32(wanted)
        at = bisect.bisect_left(self._hash, key)
        while at < len(self._hash) and self._hash[at] == key:
            row = self._row[at]
            if self.raw(row) == wanted:
                return int(row)
            at += 1
        return None

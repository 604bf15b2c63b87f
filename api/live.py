"""One tick's predictions for one timetable, made ready for quick questions. Built off the event loop, then read-only.

Calls that are predicted are found by stop and time (``calls_between``), so a vehicle however late is found where it
will be; the timetable's calls ask ``row_of`` whether their trip has anything live to say.
"""

import bisect
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from api.shelves import Budget, Shelf
from domain import service_day
from domain.predictions import CallFlag, Predictions
from domain.realtime import TripRelationship
from store.timetable import Bundle

SKIPPED = int(CallFlag.SKIPPED)
SILENT = int(CallFlag.SKIPPED | CallFlag.NO_DATA)
GONE = (int(TripRelationship.CANCELED), int(TripRelationship.DELETED))
NO_ROW = -1
REPLACED = -2
"""The timetable's calls of that trip do not count: a replacement lists its own."""


def key_of(trip: int, date_yyyymmdd: int) -> int:
    """One number for a trip on a service day."""
    return date_yyyymmdd << 32 | trip


class Live:
    """See the module. Columns are memoryviews of the same names as in :class:`domain.predictions.Predictions`."""

    trip: Sequence[int]
    service_date: Sequence[int]
    relationship: Sequence[int]
    source: Sequence[int]
    trip_feed: Sequence[int]
    vehicle: Sequence[int]
    updated_epoch_s: Sequence[int]
    deviation_s: Sequence[int]
    own_calls: Sequence[int]
    ptr: Sequence[int]
    call_stop: Sequence[int]
    arrival_epoch_s: Sequence[int]
    departure_epoch_s: Sequence[int]
    early_s: Sequence[int]
    late_s: Sequence[int]
    scheduled_epoch_s: Sequence[int]
    flags: Sequence[int]
    vehicle_feed: Sequence[int]
    vehicle_trip: Sequence[int]
    lat: Sequence[float]
    lon: Sequence[float]
    snapped_lat: Sequence[float]
    snapped_lon: Sequence[float]
    bearing_deg: Sequence[float]
    speed_mps: Sequence[float]
    distance_m: Sequence[float]
    scheduled_distance_m: Sequence[float]
    next_position: Sequence[int]
    closest_position: Sequence[int]
    next_offset_s: Sequence[int]
    closest_offset_s: Sequence[int]
    located_epoch_s: Sequence[int]
    occupancy: Sequence[int]
    occupancy_percentage: Sequence[int]

    COLUMNS = (
        "trip", "service_date", "relationship", "source", "trip_feed", "vehicle", "updated_epoch_s", "deviation_s",
        "own_calls", "ptr", "call_stop", "arrival_epoch_s", "departure_epoch_s", "early_s", "late_s",
        "scheduled_epoch_s", "flags",
        "vehicle_feed", "vehicle_trip", "lat", "lon", "snapped_lat", "snapped_lon", "bearing_deg", "speed_mps",
        "distance_m", "scheduled_distance_m", "next_position", "closest_position", "next_offset_s", "closest_offset_s",
        "located_epoch_s", "occupancy", "occupancy_percentage",
    )  # fmt: skip

    def __init__(self, predictions: Predictions, version: int, budget: Budget | None = None) -> None:
        p, budget = predictions, budget or Budget()
        self.version = version
        self.generation = p.generation
        self.computed_epoch_s = p.computed_epoch_s
        self.feed_ids = p.feed_ids
        self.feed_header_epoch_s = p.feed_header_epoch_s
        self.named = p.named
        self.vehicle_ids = p.vehicle_ids
        self.vehicle_labels = p.vehicle_labels
        for name in self.COLUMNS:
            column: npt.NDArray[Any] = getattr(p, name)
            # A memoryview of what is not aligned cannot be indexed.
            setattr(self, name, (column if column.flags.aligned else column.copy()).data)
        self.missing = frozenset(
            key_of(trip, date) for trip, date in zip(p.missing_trip.tolist(), p.missing_date.tolist(), strict=True)
        )
        """Trips under way whose vehicle should be visible by now and is not."""
        self._index_rows(p)
        self._index_calls(p)
        self.dates = {number: service_day.from_yyyymmdd(number) for number in np.unique(p.service_date).tolist()}
        self.encoded_rows: Shelf[int, Any] = Shelf(budget)
        """Call row to its encoded visit: filled by ``api.visit_rows``, good for one ``rows_revision`` of the notices."""
        self.rows_revision = -1
        self.exports: Shelf[Any, bytes] = Shelf(budget)
        """What was asked for, to the GTFS-realtime message: filled by ``api.endpoints.gtfs_realtime``."""
        self.listings: Shelf[Any, bytes] = Shelf(budget)
        """What was asked for, to a whole list of vehicles: filled by ``api.endpoints.vehicles``."""
        self.encoded_statuses: Shelf[int, Any] = Shelf(budget)
        """Trip row to its encoded status: filled by ``api.status`` on first need, gone with this tick."""

    def _index_rows(self, p: Predictions) -> None:
        own = p.own_calls != 0
        keys = (p.service_date.astype(np.int64) << 32) | p.trip
        regular = np.flatnonzero((p.trip >= 0) & ~own)
        self.rows: dict[int, int] = dict(zip(keys[regular].tolist(), regular.tolist(), strict=True))
        replacing = np.flatnonzero((p.trip >= 0) & own & (p.relationship == TripRelationship.REPLACEMENT))
        self.rows.update(dict.fromkeys(keys[replacing].tolist(), REPLACED))
        """``key_of`` to row, or REPLACED."""
        self.own_rows: list[int] = np.flatnonzero(own).tolist()
        """Rows that list calls of their own."""
        copies = (p.trip >= 0) & own & (p.relationship == TripRelationship.DUPLICATED)
        self.copied: frozenset[int] = frozenset(p.trip[copies].tolist())
        """Trips that run another time beside the timetable."""

    def _index_calls(self, p: Predictions) -> None:
        row_of_call = np.repeat(np.arange(len(p.trip), dtype=np.int32), np.diff(p.ptr))
        leaves = np.where(p.departure_epoch_s > 0, p.departure_epoch_s, p.arrival_epoch_s)
        own = p.own_calls[row_of_call] != 0
        leaves = np.where(own & (leaves == 0), p.scheduled_epoch_s, leaves)
        gone = np.isin(p.relationship, GONE)
        told = (leaves > 0) & (p.call_stop >= 0) & ~gone[row_of_call]
        told &= np.where(own, p.flags & SKIPPED, p.flags & SILENT) == 0
        told &= own | (p.source[row_of_call] != 0)
        self.told = told.astype(np.uint8).tobytes()
        """A byte a call: 1 for those that ``calls_between`` gives."""
        calls = np.flatnonzero(told)
        keys = (p.call_stop[calls].astype(np.int64) << 32) | leaves[calls]
        order = np.argsort(keys)
        self._call_keys = keys[order].data
        self._calls = calls[order].astype(np.int32).data
        self._call_rows = row_of_call[calls][order].data
        stays = np.where(p.arrival_epoch_s > 0, leaves.astype(np.int64) - p.arrival_epoch_s, 0)[calls]
        self._max_stay_s = min(3600, int(stays.max())) if len(calls) else 0

    def row_of(self, trip: int, date_yyyymmdd: int) -> int:
        """The row of a scheduled trip on a day; NO_ROW when nothing live is known, REPLACED when it is replaced."""
        return self.rows.get(key_of(trip, date_yyyymmdd), NO_ROW)

    def calls_between(self, stop: int, from_epoch_s: int, to_epoch_s: int) -> Iterator[tuple[int, int]]:
        """(row, call row) of every call told live at the stop that leaves from then on and arrives by then."""
        keys, calls, arrivals = self._call_keys, self._calls, self.arrival_epoch_s
        at = bisect.bisect_left(keys, stop << 32 | max(from_epoch_s, 0))
        end = stop << 32 | max(to_epoch_s + self._max_stay_s, 0)
        while at < len(keys) and keys[at] <= end:
            call = calls[at]
            if (arrivals[call] or keys[at] & 0xFFFFFFFF) <= to_epoch_s:
                yield self._call_rows[at], call
            at += 1

    def is_skipped(self, row: int, position: int) -> bool:
        call = self.ptr[row] + position
        return call < self.ptr[row + 1] and bool(self.flags[call] & SKIPPED)

    def day(self, row: int) -> date:
        """The service day of the row."""
        return self.dates[self.service_date[row]]

    def calls(self, row: int) -> int:
        """How many calls the row lists."""
        return self.ptr[row + 1] - self.ptr[row]

    def stop_at(self, bundle: Bundle, row: int, position: int) -> int:
        """The stop of that call, or -1: from the row's own list, else from the timetable."""
        if position < 0:
            return -1
        if self.own_calls[row] or position < self.calls(row):
            return self.call_stop[self.ptr[row] + position] if position < self.calls(row) else -1
        trip = self.trip[row]
        if trip < 0 or position >= bundle.trip_length(trip):
            return -1
        return bundle.pattern_stop[bundle.call_row(trip, position)]


def vehicle_rows_in(live: Live, box: tuple[float, float, float, float]) -> list[int]:
    """Vehicles inside (south, west, north, east)."""
    south, west, north, east = box
    lat: npt.NDArray[np.float64] = np.asarray(live.lat)
    lon: npt.NDArray[np.float64] = np.asarray(live.lon)
    rows: list[int] = np.flatnonzero((lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)).tolist()
    return rows

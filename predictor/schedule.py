"""The timetable as the predictor's core sees it: arrays and id lookups, whoever provides them (a bundle, a test).

:class:`Schedule` adds what every tick needs and no bundle stores: dictionaries of ids already asked for, and search
keys over the stop patterns. It holds no state that depends on time, and is thrown away with its bundle.
"""

from collections import deque
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import chain, repeat
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from domain import service_day
from domain.realtime import Bools, Floats, Int32s, Int64s
from domain.timetable import Agency
from predictor.sanity import believable_position

MAX_REMEMBERED_IDS = 500_000
"""Distinct raw ids kept in each dictionary before it is emptied: feeds that invent ids each poll must not fill it."""
UNASKED = -2


class Ids(Protocol):
    """A column of raw ids that finds the row of one."""

    def index(self, raw_id: str) -> int | None:
        """The first row with that id, or None."""

    def __getitem__(self, row: int) -> str:
        """The id of the row."""

    def __len__(self) -> int:
        """How many rows there are."""


class Timetable(Protocol):
    """What a bundle must offer; ``store.timetable.Bundle`` does. Columns as in ``store.bundle_files.ARRAYS``."""

    generation: str
    time_zone: str
    agencies: tuple[Agency, ...]
    meta: dict[str, Any]

    @property
    def stop_ids(self) -> Ids:
        """Raw ids of stops."""

    @property
    def route_ids(self) -> Ids:
        """Raw ids of routes."""

    @property
    def trip_ids(self) -> Ids:
        """Raw ids of trips."""

    def array(self, name: str) -> npt.NDArray[Any]:
        """A column."""

    def active(self, day: date) -> bytes | memoryview:
        """One byte a service: 1 where it runs on *day*."""

    def trip_rows(self, raw_id: str) -> range:
        """Rows of the trip: none, one, or the runs of a frequency-based trip."""


class Schedule:
    """One timetable, ready for bulk questions."""

    def __init__(self, timetable: Timetable) -> None:
        self.timetable = timetable
        self.generation = timetable.generation
        self.time_zone = timetable.time_zone
        self.max_time_s = int(timetable.meta["max_time_s"])
        of = timetable.array
        self.stop_lat: Floats = of("stop_lat")
        self.stop_lon: Floats = of("stop_lon")
        self.stop_parent: Int32s = of("stop_parent")
        self.trip_route: Int32s = of("trip_route")
        self.trip_service: Int32s = of("trip_service")
        self.trip_profile: Int32s = of("trip_profile")
        self.trip_start_s: Int32s = of("trip_start_s")
        self.trip_block: Int32s = of("trip_block")
        self.block_ptr: Int32s = of("block_ptr")
        self.block_trips: Int32s = of("block_trips")
        self.route_mode: Int32s = of("route_mode")
        self.trip_direction: npt.NDArray[np.int8] = of("trip_direction")
        self.trip_frequency: Int32s = of("trip_frequency")
        self.frequency_exact: npt.NDArray[np.uint8] = of("frequency_exact")
        self.frequency_headway_s: Int32s = of("frequency_headway_s")
        self.route_trip_ptr: Int32s = of("route_trip_ptr")
        self.route_trips: Int32s = of("route_trips")
        self.pattern_ptr: Int64s = of("pattern_ptr")
        self.pattern_shape: Int32s = of("pattern_shape")
        self.pattern_stop: Int32s = of("pattern_stop")
        self.pattern_sequence: Int32s = of("pattern_sequence")
        self.pattern_timepoint: npt.NDArray[np.uint8] = of("pattern_timepoint")
        self.pattern_distance_m: npt.NDArray[np.float32] = of("pattern_distance_m")
        self.profile_ptr: Int64s = of("profile_ptr")
        self.profile_pattern: Int32s = of("profile_pattern")
        self.profile_arrival_s: Int32s = of("profile_arrival_s")
        self.profile_departure_s: Int32s = of("profile_departure_s")
        self.prefixes = tuple(
            sorted({f"{name}_" for agency in timetable.agencies for name in (agency.raw_id, agency.code) if name})
        )
        """What some feeds put before a trip_id that the schedule writes bare."""
        self.bounds = self._bounds()
        """South, west, north, east of the stops that trips call at; south > north where there are none."""
        self.waits_for_time = self._waits_for_time()
        self._index_patterns()
        self._trips: dict[str, tuple[int, int]] = {}
        self._stops: dict[str, int] = {}
        self._routes: dict[str, int] = {}
        self._active: dict[int, Bools] = {}
        self._answered: deque[tuple[Sequence[str], Ids, Int32s]] = deque(maxlen=4)
        """The very sequences of ids asked for last, and their rows: one tick asks for the stops of a dataset many times."""

    def _bounds(self) -> tuple[float, float, float, float]:
        used = np.unique(self.pattern_stop)
        lat, lon = self.stop_lat[used], self.stop_lon[used]
        real = believable_position(lat, lon)
        if not real.any():
            return 90.0, 180.0, -90.0, -180.0
        return float(lat[real].min()), float(lon[real].min()), float(lat[real].max()), float(lon[real].max())

    def _waits_for_time(self) -> Bools:
        """Per call of a pattern: an early vehicle waits here. Only where the feed tells timepoints from other stops."""
        exact = self.pattern_timepoint != 0
        sizes = np.diff(self.pattern_ptr)
        told = np.zeros(len(sizes), bool)
        full = sizes > 0
        if full.any():
            told[full] = np.logical_or.reduceat(~exact, self.pattern_ptr[:-1][full])
        waits: Bools = exact & np.repeat(told, sizes)
        waits[self.pattern_ptr[:-1][full]] = True
        return waits

    def _index_patterns(self) -> None:
        sizes = np.diff(self.pattern_ptr)
        pattern = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        keys = (pattern << 32) | self.pattern_stop
        order = np.argsort(keys, kind="stable")
        self.stop_key: Int64s = keys[order]
        """``pattern << 32 | stop`` in order; with ``stop_key_call`` it finds where a pattern calls at a stop."""
        self.stop_key_call: Int64s = order
        """Row of the call in the ``pattern_…`` columns."""
        sequences = (pattern << 32) | self.pattern_sequence.astype(np.int64)
        order = np.argsort(sequences, kind="stable")
        self.sequence_key: Int64s = sequences[order]
        self.sequence_key_call: Int64s = order
        self.distance_key: Floats = pattern.astype(np.float64) * 1e8 + self.pattern_distance_m.astype(np.float64)
        """``pattern * 1e8 + metres``, never decreasing: bisects distances within a pattern."""

    # --- ids

    def trips_named(self, raw_id: str) -> tuple[int, int]:
        """First and last-plus-one row of the trip; (-1, -1) when the timetable has none of that id.

        An id that is unknown as written but known without an agency's id before it is that trip, unless two agencies'
        prefixes lead to different trips.
        """
        found = self._trips.get(raw_id)
        if found is None:
            rows = self.timetable.trip_rows(raw_id)
            if not rows:
                bare = {raw_id[len(prefix) :] for prefix in self.prefixes if raw_id.startswith(prefix)}
                known = [found for found in map(self.timetable.trip_rows, bare) if found]
                rows = known[0] if len(known) == 1 else rows
            found = (rows.start, rows.stop) if rows else (-1, -1)
            self._remember(self._trips, raw_id, found)
        return found

    def all_trips_named(self, raw_ids: Sequence[str]) -> Int32s:
        """:meth:`trips_named` of each, a row of two."""
        known, none = self._trips.get, (-1, -1)
        spans = [known(raw_id) or (self.trips_named(raw_id) if raw_id else none) for raw_id in raw_ids]
        return np.fromiter(chain.from_iterable(spans), np.int32, 2 * len(raw_ids)).reshape(-1, 2)

    def stops_named(self, raw_ids: Sequence[str]) -> Int32s:
        """Row of each stop, -1 for unknown and blank ids."""
        return self._rows(self._stops, self.timetable.stop_ids, raw_ids)

    def routes_named(self, raw_ids: Sequence[str]) -> Int32s:
        """Row of each route, -1 for unknown and blank ids."""
        return self._rows(self._routes, self.timetable.route_ids, raw_ids)

    def _rows(self, known: dict[str, int], ids: Ids, raw_ids: Sequence[str]) -> Int32s:
        for asked, of, rows in self._answered:
            if raw_ids is asked and ids is of:
                return rows
        rows = np.fromiter(map(known.get, raw_ids, repeat(UNASKED)), np.int32, len(raw_ids))
        for at in np.flatnonzero(rows == UNASKED).tolist():
            row = ids.index(raw_ids[at]) if raw_ids[at] else None
            rows[at] = -1 if row is None else row
            self._remember(known, raw_ids[at], int(rows[at]))
        self._answered.append((raw_ids, ids, rows))
        return rows

    @staticmethod
    def _remember(known: dict[str, Any], raw_id: str, value: object) -> None:
        if len(known) >= MAX_REMEMBERED_IDS:
            known.clear()
        known[raw_id] = value

    # --- days

    def runs_on(self, date_yyyymmdd: int) -> Bools:
        """Per service: does it run on that day? All false for a number that is no date."""
        found = self._active.get(date_yyyymmdd)
        if found is None:
            try:
                day = service_day.from_yyyymmdd(date_yyyymmdd)
            except ValueError:
                active = np.zeros(len(bytes(self.timetable.active(date(2000, 1, 1)))), bool)
            else:
                active = np.frombuffer(bytes(self.timetable.active(day)), np.uint8) != 0
            if len(self._active) > 64:
                self._active.clear()
            found = self._active[date_yyyymmdd] = active
        return found

    def start_epoch_s(self, date_yyyymmdd: int) -> int:
        """Epoch seconds of ServiceTime 0; raises ValueError for a number that is no date."""
        return service_day.start_epoch_s(service_day.from_yyyymmdd(date_yyyymmdd), self.time_zone)

    def starts_epoch_s(self, dates_yyyymmdd: Int32s) -> Int64s:
        """Epoch seconds of ServiceTime 0 for each date."""
        distinct, where = np.unique(dates_yyyymmdd, return_inverse=True)
        starts = np.array([self.start_epoch_s(int(number)) for number in distinct], np.int64)
        return starts[where] if len(distinct) else np.zeros(0, np.int64)

    def days_near(self, now_epoch_s: float) -> list[int]:
        """Service days, oldest first, on which a trip may run now or within the next half day."""
        first = service_day.local_date(now_epoch_s - self.max_time_s - 3600, self.time_zone)
        last = service_day.local_date(now_epoch_s + 12 * 3600, self.time_zone)
        count = min((last - first).days, 9)
        return [service_day.yyyymmdd(last - timedelta(days=back)) for back in range(count, -1, -1)]

    # --- trips

    def pattern_of(self, trips: Int32s) -> Int32s:
        """Stop pattern of each trip."""
        patterns: Int32s = self.profile_pattern[self.trip_profile[trips]]
        return patterns

    def duration_s(self, trips: Int32s) -> Int32s:
        """Seconds from the first departure to the last arrival of each trip."""
        last = self.profile_ptr[self.trip_profile[trips] + 1] - 1
        durations: Int32s = np.where(last >= 0, self.profile_arrival_s[np.maximum(last, 0)], 0).astype(np.int32)
        return durations

    def is_inexact(self, trips: Int32s) -> Bools:
        """Is the trip a run of a frequency without exact times (exact_times = 0)? Such runs are never late."""
        frequency = self.trip_frequency[trips]
        if not len(self.frequency_exact):
            return np.zeros(len(trips), bool)
        inexact: Bools = (frequency >= 0) & (self.frequency_exact[np.maximum(frequency, 0)] == 0)
        return inexact

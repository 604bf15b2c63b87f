"""The timetable bundle, read: the questions one may ask of a schedule.

A Bundle is memory-mapped and immutable: every process of a host shares its pages, opening one costs milliseconds.
Columns named in :data:`store.bundle_files.ARRAYS` are attributes of the same name, as memoryviews (quick to index one
value of, and to bisect); ``array(name)`` gives the same memory as a numpy array for bulk work.

``meta.json`` holds: layout, feed_id, generation, source (what was imported, without secrets), imported_epoch_s,
agencies (a list of mappings with the fields of :class:`domain.timetable.Agency`), main_agency (row of the agency
whose code prefixes stops, services, shapes, blocks), feed_info (mapping of feed_info.txt's columns), first_day and
last_day (yyyymmdd, of any service), agency_bounds (per agency [south, west, north, east] of the stops its routes serve,
east beyond 180 where they lie on both sides of the antimeridian; or null), counts (rows by table), max_time_s (largest ServiceTime of any call).
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from domain import service_day
from domain.errors import BundleUnusable
from domain.feed import Problem
from domain.timetable import Agency, Route, Stop, Trip, WheelchairBoarding
from store import keys
from store.bundle_files import ARRAYS, IdColumn, TextColumn, folder_of, open_array, read_meta
from store.hall import Hall

COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


class Bundle:
    """One timetable. See the module for its columns; rows are ints, texts ``str``, ids raw."""

    stop_lat: Sequence[float]
    stop_lon: Sequence[float]
    stop_parent: Sequence[int]
    stop_location_type: Sequence[int]
    stop_wheelchair: Sequence[int]
    stop_compass: Sequence[int]
    stop_code: Sequence[int]
    stop_name: Sequence[int]
    stop_description: Sequence[int]
    stop_platform: Sequence[int]
    stop_url: Sequence[int]
    stop_children_ptr: Sequence[int]
    stop_children: Sequence[int]
    stop_route_ptr: Sequence[int]
    stop_routes: Sequence[int]
    route_agency: Sequence[int]
    route_mode: Sequence[int]
    route_short_name: Sequence[int]
    route_long_name: Sequence[int]
    route_description: Sequence[int]
    route_url: Sequence[int]
    route_color: Sequence[int]
    route_text_color: Sequence[int]
    route_sort: Sequence[int]
    route_trip_ptr: Sequence[int]
    route_trips: Sequence[int]
    trip_route: Sequence[int]
    trip_service: Sequence[int]
    trip_profile: Sequence[int]
    trip_start_s: Sequence[int]
    trip_block: Sequence[int]
    trip_direction: Sequence[int]
    trip_headsign: Sequence[int]
    trip_short_name: Sequence[int]
    trip_wheelchair: Sequence[int]
    trip_bikes: Sequence[int]
    trip_frequency: Sequence[int]
    frequency_start_s: Sequence[int]
    frequency_end_s: Sequence[int]
    frequency_headway_s: Sequence[int]
    frequency_exact: Sequence[int]
    block_ptr: Sequence[int]
    block_trips: Sequence[int]
    pattern_ptr: Sequence[int]
    pattern_shape: Sequence[int]
    pattern_stop: Sequence[int]
    pattern_sequence: Sequence[int]
    pattern_pickup: Sequence[int]
    pattern_drop_off: Sequence[int]
    pattern_timepoint: Sequence[int]
    pattern_headsign: Sequence[int]
    pattern_distance_m: Sequence[float]
    profile_ptr: Sequence[int]
    profile_pattern: Sequence[int]
    profile_arrival_s: Sequence[int]
    profile_departure_s: Sequence[int]
    stop_call_ptr: Sequence[int]
    call_departure_s: Sequence[int]
    call_trip: Sequence[int]
    call_position: Sequence[int]
    service_active: Sequence[int]
    shape_ptr: Sequence[int]
    shape_lat: Sequence[float]
    shape_lon: Sequence[float]
    shape_dist_m: Sequence[float]

    def __init__(self, folder: Path) -> None:
        """Open the bundle in *folder*; raises BundleUnusable when it is incomplete or of another layout."""
        self.folder = folder
        self.meta = read_meta(folder)
        self.feed_id: str = self.meta["feed_id"]
        self.generation: str = self.meta["generation"]
        self.agencies: tuple[Agency, ...] = tuple(msgspec.convert(agency, Agency) for agency in self.meta["agencies"])
        self.main_agency: int = self.meta["main_agency"]
        self.code: str = self.agencies[self.main_agency].code
        """Prefix of the ids of stops, services, shapes, blocks and, in OneBusAway's way, trips' stops."""
        self.time_zone: str = self.agencies[0].time_zone
        """All agencies of one schedule keep the same time. Source: GTFS reference, agency.txt."""
        self._arrays = {name: open_array(folder, name, kind) for name, kind in ARRAYS.items()}
        for name, array in self._arrays.items():
            setattr(self, name, array.data)
        self.texts = TextColumn(folder, "texts")
        self.stop_ids = IdColumn(folder, "stop_id")
        self.route_ids = IdColumn(folder, "route_id")
        self.trip_ids = IdColumn(folder, "trip_id")
        self.service_ids = IdColumn(folder, "service_id")
        self.shape_ids = IdColumn(folder, "shape_id")
        self.block_ids = IdColumn(folder, "block_id")
        self._first_day = service_day.from_yyyymmdd(self.meta["first_day"])
        self._days = len(self.service_active) // max(len(self.service_ids), 1)
        self._idle = bytes(len(self.service_ids))
        self._stop_lat = self._arrays["stop_lat"]
        self._stop_lon = self._arrays["stop_lon"]

    def array(self, name: str) -> npt.NDArray[Any]:
        """The column as a read-only numpy array over the same memory."""
        return self._arrays[name]

    # --- services and days

    def active(self, day: date) -> bytes | memoryview:
        """One byte a service: 1 where it runs on *day* (all 0 outside the calendar)."""
        number = (day - self._first_day).days
        if not 0 <= number < self._days:
            return self._idle
        width = len(self._idle)
        return self._arrays["service_active"].data[number * width : (number + 1) * width]

    def day_start_epoch_s(self, day: date) -> int:
        """Epoch seconds of ServiceTime 0 on *day*."""
        return service_day.start_epoch_s(day, self.time_zone)

    def service_days_around(self, from_epoch_s: float, to_epoch_s: float) -> list[date]:
        """Service days on which a call may fall in the interval, oldest first (night service counts from before)."""
        return list(_days_around(int(from_epoch_s), int(to_epoch_s), int(self.meta["max_time_s"]), self.time_zone))

    # --- trips

    def trip_rows(self, raw_id: str) -> range:
        """Rows of the trip: none, one, or the runs of a frequency-based trip."""
        first = self.trip_ids.index(raw_id)
        if first is None:
            return range(0)
        last = first + 1
        if self.trip_frequency[first] >= 0:
            wanted = self.trip_ids.raw(first)
            while last < len(self.trip_ids) and self.trip_ids.raw(last) == wanted:
                last += 1
        return range(first, last)

    def trip_pattern(self, trip: int) -> int:
        return self.profile_pattern[self.trip_profile[trip]]

    def trip_length(self, trip: int) -> int:
        """How many calls the trip has."""
        profile = self.trip_profile[trip]
        return self.profile_ptr[profile + 1] - self.profile_ptr[profile]

    def call_row(self, trip: int, position: int = 0) -> int:
        """Row of that call in the ``pattern_…`` columns of calls."""
        return self.pattern_ptr[self.profile_pattern[self.trip_profile[trip]]] + position

    def time_row(self, trip: int, position: int = 0) -> int:
        """Row of that call in the ``profile_…`` columns of times."""
        return self.profile_ptr[self.trip_profile[trip]] + position

    def arrival_s(self, trip: int, position: int) -> int:
        """ServiceTime of the call's arrival."""
        return self.trip_start_s[trip] + self.profile_arrival_s[self.time_row(trip, position)]

    def departure_s(self, trip: int, position: int) -> int:
        """ServiceTime of the call's departure."""
        return self.trip_start_s[trip] + self.profile_departure_s[self.time_row(trip, position)]

    def trip_arrivals_s(self, trip: int) -> npt.NDArray[np.int32]:
        """ServiceTimes of all the trip's arrivals, in order."""
        row, n = self.time_row(trip), self.trip_length(trip)
        times: npt.NDArray[np.int32] = self._arrays["profile_arrival_s"][row : row + n] + self.trip_start_s[trip]
        return times

    def trip_departures_s(self, trip: int) -> npt.NDArray[np.int32]:
        """ServiceTimes of all the trip's departures, in order."""
        row, n = self.time_row(trip), self.trip_length(trip)
        times: npt.NDArray[np.int32] = self._arrays["profile_departure_s"][row : row + n] + self.trip_start_s[trip]
        return times

    def trip_stops(self, trip: int) -> npt.NDArray[np.int32]:
        """Stop rows of all the trip's calls, in order."""
        return self._of_pattern("pattern_stop", trip)

    def trip_sequences(self, trip: int) -> npt.NDArray[np.int32]:
        """stop_sequence of all the trip's calls, as the feed writes them."""
        return self._of_pattern("pattern_sequence", trip)

    def trip_distances_m(self, trip: int) -> npt.NDArray[np.float32]:
        """Metres from the start of the trip's shape to each of its calls."""
        return self._of_pattern("pattern_distance_m", trip)

    def _of_pattern(self, column: str, trip: int) -> npt.NDArray[Any]:
        row = self.call_row(trip)
        return self._arrays[column][row : row + self.trip_length(trip)]

    def trip_shape(self, trip: int) -> int:
        """Row of the trip's shape, or -1."""
        return self.pattern_shape[self.trip_pattern(trip)]

    def shape(self, shape: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Latitudes, longitudes (degrees, WGS 84) and metres from the start of the shape's points."""
        rows = slice(self.shape_ptr[shape], self.shape_ptr[shape + 1])
        return self._arrays["shape_lat"][rows], self._arrays["shape_lon"][rows], self._arrays["shape_dist_m"][rows]

    def block_rows(self, block: int) -> Sequence[int]:
        """Trip rows of the block by start, on whatever day they run."""
        return self.block_trips[self.block_ptr[block] : self.block_ptr[block + 1]]

    def route_trip_rows(self, route: int) -> Sequence[int]:
        """Trip rows of the route by direction, then start."""
        return self.route_trips[self.route_trip_ptr[route] : self.route_trip_ptr[route + 1]]

    # --- stops

    def stop_route_rows(self, stop: int) -> Sequence[int]:
        """Routes that call at the stop itself."""
        return self.stop_routes[self.stop_route_ptr[stop] : self.stop_route_ptr[stop + 1]]

    def stop_child_rows(self, stop: int) -> Sequence[int]:
        """Platforms, entrances and nodes of a station."""
        return self.stop_children[self.stop_children_ptr[stop] : self.stop_children_ptr[stop + 1]]

    def stops_within(self, south: float, west: float, north: float, east: float) -> npt.NDArray[np.int64]:
        """Rows of stops (of any location type) in the box, degrees; it may reach beyond the antimeridian."""
        lat, lon = self._stop_lat, self._stop_lon
        between = (lon >= west) & (lon <= east)
        if west < -180.0:
            between |= lon - 360.0 >= west
        if east > 180.0:
            between |= lon + 360.0 <= east
        return np.flatnonzero((lat >= south) & (lat <= north) & between)

    # --- one thing, in the house's words

    def agency_of_route(self, route: int) -> Agency:
        return self.agencies[self.route_agency[route]]

    def stop(self, stop: int) -> Stop:
        parent, compass, texts = self.stop_parent[stop], self.stop_compass[stop], self.texts
        return Stop(
            raw_id=self.stop_ids[stop],
            code=texts[self.stop_code[stop]],
            name=texts[self.stop_name[stop]],
            lat=self.stop_lat[stop],
            lon=self.stop_lon[stop],
            location_type=self.stop_location_type[stop],
            parent_raw_id=self.stop_ids[parent] if parent >= 0 else "",
            wheelchair_boarding=WheelchairBoarding(self.stop_wheelchair[stop]),
            platform_code=texts[self.stop_platform[stop]],
            compass=COMPASS[compass] if compass >= 0 else "",
        )

    def route(self, route: int) -> Route:
        texts = self.texts
        return Route(
            raw_id=self.route_ids[route],
            agency_code=self.agency_of_route(route).code,
            short_name=texts[self.route_short_name[route]],
            long_name=texts[self.route_long_name[route]],
            description=texts[self.route_description[route]],
            mode=self.route_mode[route],
            url=texts[self.route_url[route]],
            color=texts[self.route_color[route]],
            text_color=texts[self.route_text_color[route]],
        )

    def trip(self, trip: int) -> Trip:
        block, shape, direction = self.trip_block[trip], self.trip_shape(trip), self.trip_direction[trip]
        return Trip(
            raw_id=self.trip_ids[trip],
            route_raw_id=self.route_ids[self.trip_route[trip]],
            service_raw_id=self.service_ids[self.trip_service[trip]],
            headsign=self.texts[self.trip_headsign[trip]],
            short_name=self.texts[self.trip_short_name[trip]],
            direction=direction if direction >= 0 else None,
            block_raw_id=self.block_ids[block] if block >= 0 else "",
            shape_raw_id=self.shape_ids[shape] if shape >= 0 else "",
        )

    def translations(self) -> dict[str, dict[str, dict[str, str]]]:
        """Language to "table.field" to (text or ``#record_id``) to translation. Source: GTFS, translations.txt."""
        try:
            return msgspec.json.decode(
                (self.folder / "translations.json").read_bytes(), type=dict[str, dict[str, dict[str, str]]]
            )
        except (OSError, msgspec.MsgspecError) as error:
            raise BundleUnusable(f"{self.folder / 'translations.json'} cannot be read: {error}") from error

    def problems(self) -> list[Problem]:
        """What was wrong with the schedule when it was imported."""
        try:
            return msgspec.json.decode((self.folder / "problems.json").read_bytes(), type=list[Problem])
        except (OSError, msgspec.MsgspecError) as error:
            raise BundleUnusable(f"{self.folder / 'problems.json'} cannot be read: {error}") from error


@lru_cache(maxsize=512)
def _days_around(from_epoch_s: int, to_epoch_s: int, max_time_s: int, time_zone: str) -> tuple[date, ...]:
    first = service_day.local_date(from_epoch_s - max_time_s - 3600, time_zone)
    last = service_day.local_date(to_epoch_s + 3600, time_zone)
    days = (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
    return tuple(
        day
        for day in days
        if service_day.start_epoch_s(day, time_zone) <= to_epoch_s
        and service_day.start_epoch_s(day, time_zone) + max_time_s >= from_epoch_s
    )


async def announce(hall: Hall, feed_id: str, generation: str, at_epoch_s: float) -> None:
    """Put the bundle into force for every process; the one before it stays readable."""
    before = await in_force(hall, feed_id)
    previous = before if before and before != generation else ""
    await hall.put_state(
        keys.timetable(feed_id),
        {"generation": generation, "at": at_epoch_s, "previous": previous},
        topic="timetable",
        feed_id=feed_id,
    )


async def in_force(hall: Hall, feed_id: str) -> str | None:
    """The generation in force for a GTFS feed, or None when nothing was ever imported."""
    state = await hall.get_state(keys.timetable(feed_id))
    return state["generation"].decode() if state else None


def open_bundle(home: Path, feed_id: str, generation: str) -> Bundle:
    """The bundle in its place under *home*; raises BundleUnusable."""
    return Bundle(folder_of(home, feed_id, generation))

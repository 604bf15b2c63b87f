"""A GTFS schedule zip, read whole into the columns of a timetable bundle.

Source: GTFS Schedule reference. Tolerant: a row that cannot be used is a Problem with file and line, the rest is served;
only a schedule of which nothing can be served raises ScheduleRefused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import ScheduleRefused
from domain.feed import Problem
from feeds.formats.gtfs_archive import GtfsArchive
from feeds.formats.gtfs_columns import Problems
from feeds.formats.gtfs_patterns import Patterns, call_index, find_patterns
from feeds.formats.gtfs_shapes import Shapes, read_shapes
from feeds.formats.gtfs_stop_times import StopTimes, read_stop_times
from feeds.formats.gtfs_tables import Tables, TextPool, read_tables

Progress = Callable[[str, float], None]
"""Called with the step's name and the share of all work done, 0 to 1."""
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What a bundle holds: see ``store.bundle_files`` for the names, ``store.timetable`` for *meta*."""

    arrays: Arrays
    texts: dict[str, list[str]]
    translations: dict[str, dict[str, dict[str, str]]]
    meta: dict[str, Any]
    problems: list[Problem]


def read(path: Path, *, codes: Mapping[str, str], progress: Progress = lambda _step, _share: None) -> Schedule:
    """The schedule in the zip at *path*. *codes* is agency_id to configured agency code ("" for the main agency's).

    Raises ScheduleRefused when it cannot be served at all.
    """
    archive = GtfsArchive(path)
    try:
        problems, texts = Problems(), TextPool()
        progress("reading stops, routes and trips", 0.02)
        tables = read_tables(archive, codes, texts, problems)
        progress("reading stop times", 0.1)
        calls = read_stop_times(archive, tables.rows["trip_id"], tables.rows["stop_id"], texts.row, problems)
        if not calls.trips.size:
            raise ScheduleRefused("stop_times.txt: no trip has two calls or more that can be used")
        progress("reading shapes", 0.6)
        shapes = read_shapes(archive, problems)
    finally:
        archive.close()
    progress("finding patterns", 0.65)
    return _assemble(tables, calls, shapes, texts, problems, progress)


def _assemble(
    tables: Tables, calls: StopTimes, shapes: Shapes, texts: TextPool, problems: Problems, progress: Progress
) -> Schedule:
    shape_rows = {raw: row for row, raw in enumerate(shapes.ids)}
    of_shape = np.array([shape_rows.get(raw, -1) if raw else -1 for raw in tables.shapes], np.int32)
    trip_shape = of_shape[tables.trip_shape[calls.trips]]
    arrays: Arrays = dict(tables.arrays)
    for name in [name for name in arrays if name.startswith("trip_")]:
        arrays[name] = arrays[name][calls.trips]
    patterns = find_patterns(calls, trip_shape, arrays["stop_lat"], arrays["stop_lon"], shapes, progress)
    arrays |= patterns.arrays
    ids = dict(tables.ids)
    arrays, run_trip = _with_runs(tables, calls, arrays, patterns)
    ids["trip_id"] = [tables.ids["trip_id"][row] for row in calls.trips[run_trip].tolist()]
    arrays |= _blocks(tables, calls.trips[run_trip], arrays["trip_start_s"], ids)
    progress("indexing calls by stop", 0.85)
    arrays |= call_index(arrays, len(ids["stop_id"]))
    arrays |= _route_index(arrays, len(ids["route_id"]))
    arrays |= _stop_routes(arrays, len(ids["stop_id"]), len(ids["route_id"]))
    arrays |= {"shape_ptr": shapes.ptr, "shape_lat": shapes.lat, "shape_lon": shapes.lon,
               "shape_dist_m": shapes.dist_m.astype(np.float32)}  # fmt: skip
    ids["shape_id"] = shapes.ids
    meta = {
        "agencies": tables.agencies,
        "main_agency": int(np.bincount(arrays["route_agency"][arrays["trip_route"]], minlength=1).argmax()),
        "feed_info": tables.feed_info,
        "first_day": tables.first_day,
        "last_day": tables.last_day,
        "agency_bounds": _bounds(arrays, len(tables.agencies)),
        "counts": {
            "agencies": len(tables.agencies), "stops": len(ids["stop_id"]), "routes": len(ids["route_id"]),
            "trips": int(calls.trips.size), "runs": len(ids["trip_id"]), "stop_times": int(calls.stop.size),
            "calls": int(arrays["call_trip"].size), "shapes": len(shapes.ids), "services": len(ids["service_id"]),
            "patterns": int(arrays["pattern_shape"].size), "profiles": int(arrays["profile_pattern"].size),
        },
        "max_time_s": int(arrays["call_departure_s"].max(initial=0)),
    }  # fmt: skip
    return Schedule(
        arrays=arrays,
        texts={"texts": texts.all(), **ids},
        translations=tables.translations,
        meta=meta,
        problems=problems.all(),
    )


def _with_runs(
    tables: Tables, calls: StopTimes, arrays: Arrays, patterns: Patterns
) -> tuple[Arrays, npt.NDArray[np.int64]]:
    """Every frequency-based trip becomes a row for each departure of its windows; other trips stay one row."""
    starts = patterns.trip_start_s
    windows: list[tuple[int, int, int, int]] = []
    own_start: dict[int, list[tuple[int, int]]] = {}
    for row, trip in enumerate(calls.trips.tolist()):
        if trip not in tables.windows:
            continue
        for window in sorted(tables.windows[trip]):
            start, end, headway, _ = window
            runs = own_start.setdefault(row, [])
            runs.extend((departure, len(windows)) for departure in range(start, end, headway))
            windows.append(window)
    count = np.ones(calls.trips.size, np.int64)
    for row, runs in own_start.items():
        count[row] = len(runs)
    run_trip = np.repeat(np.arange(calls.trips.size), count)
    start_s, frequency = starts[run_trip].astype(np.int32), np.full(run_trip.size, -1, np.int32)
    first = np.cumsum(count) - count
    for row, runs in own_start.items():
        for number, (departure, window_row) in enumerate(runs):
            start_s[first[row] + number] = departure
            frequency[first[row] + number] = window_row
    result = {name: column[run_trip] if name.startswith("trip_") else column for name, column in arrays.items()}
    column = np.array(windows, np.int32).reshape(-1, 4)
    result |= {
        "trip_profile": patterns.trip_profile[run_trip],
        "trip_start_s": start_s,
        "trip_frequency": frequency,
        "frequency_start_s": column[:, 0].copy(),
        "frequency_end_s": column[:, 1].copy(),
        "frequency_headway_s": column[:, 2].copy(),
        "frequency_exact": column[:, 3].astype(np.uint8),
    }
    return result, run_trip


def _blocks(
    tables: Tables, run_trip: npt.NDArray[np.int32], start_s: npt.NDArray[np.int32], ids: dict[str, list[str]]
) -> Arrays:
    """*run_trip* is the row in *tables* of each run's trip."""
    used, block = np.unique(tables.trip_block[run_trip], return_inverse=True)
    blank = int(used.size > 0 and used[0] == 0)
    block = (block - blank).astype(np.int32)
    index = ids["block_id"] = [tables.blocks[row] for row in used[blank:].tolist()]
    order = np.lexsort((start_s, block))
    order = order[block[order] >= 0].astype(np.int32)
    return {
        "trip_block": block,
        "block_trips": order,
        "block_ptr": np.searchsorted(block[order], np.arange(len(index) + 1)).astype(np.int32),
    }


def _route_index(arrays: Arrays, routes: int) -> Arrays:
    order = np.lexsort((arrays["trip_start_s"], arrays["trip_direction"], arrays["trip_route"])).astype(np.int32)
    ptr = np.searchsorted(arrays["trip_route"][order], np.arange(routes + 1)).astype(np.int32)
    return {"route_trips": order, "route_trip_ptr": ptr}


def _stop_routes(arrays: Arrays, stops: int, routes: int) -> Arrays:
    """Distinct (stop, route) over patterns, routes in their sort order."""
    pattern = arrays["profile_pattern"][arrays["trip_profile"]]
    pairs = np.unique(pattern.astype(np.int64) * routes + arrays["trip_route"])
    lengths = np.diff(arrays["pattern_ptr"])[pairs // routes]
    first = arrays["pattern_ptr"][pairs // routes]
    row = np.repeat(first - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    rank = np.empty(routes, np.int64)
    rank[np.lexsort((np.arange(routes), arrays["route_sort"]))] = np.arange(routes)
    key = np.unique(arrays["pattern_stop"][row].astype(np.int64) * routes + np.repeat(rank[pairs % routes], lengths))
    by_rank = np.argsort(rank)
    return {
        "stop_routes": by_rank[key % routes].astype(np.int32),
        "stop_route_ptr": np.searchsorted(key // routes, np.arange(stops + 1)).astype(np.int32),
    }


def _bounds(arrays: Arrays, agencies: int) -> list[list[float] | None]:
    stops = np.repeat(np.arange(arrays["stop_route_ptr"].size - 1), np.diff(arrays["stop_route_ptr"]))
    agency = arrays["route_agency"][arrays["stop_routes"]]
    bounds: list[list[float] | None] = []
    for number in range(agencies):
        mine = stops[agency == number]
        lat, lon = arrays["stop_lat"][mine], arrays["stop_lon"][mine]
        if mine.size and lon.max() - lon.min() > 180.0:  # nearer to each other across the antimeridian?
            beyond = np.where(lon < 0, lon + 360.0, lon)
            lon = beyond if beyond.max() - beyond.min() < lon.max() - lon.min() else lon
        bounds.append([float(lat.min()), float(lon.min()), float(lat.max()), float(lon.max())] if mine.size else None)
    return bounds

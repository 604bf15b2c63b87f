"""Trips that call at the same stops in the same way share a pattern; those with the same time offsets share a profile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from feeds.formats.gtfs_shapes import Shapes, along_shape, bearing_deg, steps_m
from feeds.formats.gtfs_stop_times import StopTimes

Arrays = dict[str, npt.NDArray[Any]]
UInt64s = npt.NDArray[np.uint64]

PORTION = 1 << 18
"""Calls hashed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """*arrays* are the bundle's pattern, profile and stop_compass columns; the others have one value a trip."""

    arrays: Arrays
    trip_profile: npt.NDArray[np.int32]
    trip_start_s: npt.NDArray[np.int32]


def find_patterns(
    calls: StopTimes, trip_shape: npt.NDArray[np.int32], stop_lat: npt.NDArray[np.float64],
    stop_lon: npt.NDArray[np.float64], shapes: Shapes, progress: Callable[[str, float], None],
) -> Patterns:  # fmt: skip
    """Group trips by 64-bit hashes of all their calls (a false match in 400,000 trips: one in 10^8 schedules)."""
    starts, lengths = calls.ptr[:-1], np.diff(calls.ptr)
    start_s = calls.departure_s[starts].astype(np.int32)
    place_hash, time_hash = np.empty(starts.size, np.uint64), np.empty(starts.size, np.uint64)
    for first, last in _portions(calls.ptr):
        place_hash[first:last], time_hash[first:last] = _hashes(calls, first, last)
    trip_hash = _mix(place_hash ^ trip_shape.astype(np.int64).astype(np.uint64))
    _, representative, pattern_of_trip = np.unique(trip_hash, return_index=True, return_inverse=True)
    profile_hash = _mix(time_hash ^ _mix(pattern_of_trip.astype(np.uint64)))
    _, example, profile_of_trip = np.unique(profile_hash, return_index=True, return_inverse=True)
    rows, pattern_ptr = _rows(starts, lengths, representative)
    time_rows, profile_ptr = _rows(starts, lengths, example)
    base = np.repeat(start_s[example], lengths[example])
    arrays: Arrays = {
        "pattern_ptr": pattern_ptr,
        "pattern_shape": trip_shape[representative].astype(np.int32),
        "pattern_stop": calls.stop[rows],
        "pattern_sequence": calls.sequence[rows],
        "pattern_pickup": calls.pickup[rows],
        "pattern_drop_off": calls.drop_off[rows],
        "pattern_timepoint": calls.timepoint[rows],
        "pattern_headsign": calls.headsign[rows],
        "profile_ptr": profile_ptr,
        "profile_pattern": pattern_of_trip[example].astype(np.int32),
        "profile_arrival_s": (calls.arrival_s[time_rows] - base).astype(np.int32),
        "profile_departure_s": (calls.departure_s[time_rows] - base).astype(np.int32),
    }
    progress("placing stops along shapes", 0.7)
    weight = np.bincount(pattern_of_trip, minlength=representative.size)
    arrays |= _distances(arrays, calls.distance[rows], weight, stop_lat, stop_lon, shapes)
    return Patterns(arrays=arrays, trip_profile=profile_of_trip.astype(np.int32), trip_start_s=start_s)


def _portions(ptr: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """(first, last + 1) trips that together have about PORTION calls: what is worked on at once stays in the cache."""
    if ptr.size < 2:
        return []
    edges = np.unique(np.searchsorted(ptr, np.arange(0, int(ptr[-1]), PORTION), "left").clip(max=ptr.size - 2))
    return list(zip(edges.tolist(), [*edges[1:].tolist(), ptr.size - 1], strict=True))


def _hashes(calls: StopTimes, first: int, last: int) -> tuple[UInt64s, UInt64s]:
    """For each trip from *first* to *last*: a hash of where it calls and how, and one of its times after its start."""
    begin, end = int(calls.ptr[first]), int(calls.ptr[last])
    rows = slice(begin, end)
    starts, lengths = calls.ptr[first:last] - begin, np.diff(calls.ptr[first : last + 1])
    position = (np.arange(end - begin) - np.repeat(starts, lengths)).astype(np.uint64)
    kind: UInt64s = (
        calls.stop[rows].astype(np.uint64) << np.uint64(32)
        | (calls.sequence[rows].astype(np.uint64) & np.uint64(0xFFFFFF)) << np.uint64(6)
        | calls.pickup[rows].astype(np.uint64) << np.uint64(4)
        | calls.drop_off[rows].astype(np.uint64) << np.uint64(2)
        | calls.timepoint[rows].astype(np.uint64)
    )
    extra = calls.headsign[rows].astype(np.uint64) << np.uint64(32) | calls.distance[rows].view(np.uint32)
    place: UInt64s = np.add.reduceat(_mix(_mix(kind ^ _mix(position)) ^ extra), starts)
    origin = np.repeat(calls.departure_s[rows][starts], lengths)
    offset = ((calls.arrival_s[rows] - origin).astype(np.uint32).astype(np.uint64) << np.uint64(32)) | (
        calls.departure_s[rows] - origin
    ).astype(np.uint32)
    times: UInt64s = np.add.reduceat(_mix(offset ^ _mix(position + np.uint64(1 << 40))), starts)
    return place, times


def _mix(value: UInt64s) -> UInt64s:
    """The finaliser of SplitMix64: every input bit changes half of the output bits."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: UInt64s = (value ^ (value >> np.uint64(31))) + np.uint64(0x9E3779B97F4A7C15)
    return mixed


def _rows(
    starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    size = lengths[chosen]
    ptr = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    return np.repeat(starts[chosen] - ptr[:-1], size) + np.arange(ptr[-1]), ptr


def _distances(
    arrays: Arrays, given: npt.NDArray[np.float32], weight: npt.NDArray[np.int64],
    stop_lat: npt.NDArray[np.float64], stop_lon: npt.NDArray[np.float64], shapes: Shapes,
) -> Arrays:  # fmt: skip
    ptr, stops = arrays["pattern_ptr"], arrays["pattern_stop"]
    distance = np.zeros(stops.size, np.float32)
    east, north = np.zeros(stop_lat.size), np.zeros(stop_lat.size)
    known: dict[tuple[int, bytes, bytes], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = {}
    for pattern, shape in enumerate(arrays["pattern_shape"].tolist()):
        low, high = int(ptr[pattern]), int(ptr[pattern + 1])
        here = stops[low:high]
        key = (shape, here.tobytes(), given[low:high].tobytes())
        if key not in known:
            known[key] = _place(shape, stop_lat[here], stop_lon[here], given[low:high].astype(float), shapes)
        along, bearing = known[key]
        distance[low:high] = along
        np.add.at(east, here[:-1], np.sin(np.radians(bearing)) * weight[pattern])
        np.add.at(north, here[:-1], np.cos(np.radians(bearing)) * weight[pattern])
    total = np.zeros(stop_lat.size)
    last = np.zeros(stops.size, bool)
    last[ptr[1:] - 1] = True
    np.add.at(total, stops[~last], np.repeat(weight, np.diff(ptr))[~last])
    agreed = np.hypot(east, north) > 0.6 * np.maximum(total, 1)
    compass = np.where(agreed, np.round(np.degrees(np.arctan2(east, north)) % 360 / 45).astype(int) % 8, -1)
    return {"pattern_distance_m": distance, "stop_compass": compass.astype(np.int8)}


def _place(
    shape: int, lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], given: npt.NDArray[np.float64],
    shapes: Shapes,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:  # fmt: skip
    """Metres along the shape of each call, and the bearing on leaving each but the last."""
    if shape < 0:
        along = np.cumsum(steps_m(lat, lon))
        bearing = [bearing_deg(lat[at], lon[at], lat[at + 1], lon[at + 1]) for at in range(lat.size - 1)]
        return along, np.array(bearing)
    rows = slice(int(shapes.ptr[shape]), int(shapes.ptr[shape + 1]))
    line_lat, line_lon, line_m, line_given = shapes.lat[rows], shapes.lon[rows], shapes.dist_m[rows], shapes.given[rows]
    told = not (np.isnan(given).any() or np.isnan(line_given).any())
    if told and (np.diff(given) >= 0).all() and (np.diff(line_given) >= 0).all() and given[-1] > given[0]:
        along = np.maximum.accumulate(np.interp(given, line_given, line_m))
    else:
        along = along_shape(lat, lon, line_lat, line_lon, line_m)
    ahead = np.minimum(along[:-1] + 30.0, line_m[-1])
    lat0, lon0 = np.interp(along[:-1], line_m, line_lat), np.interp(along[:-1], line_m, line_lon)
    lat1, lon1 = np.interp(ahead, line_m, line_lat), np.interp(ahead, line_m, line_lon)
    bearings = np.degrees(np.arctan2((lon1 - lon0) * np.cos(np.radians(lat0)), lat1 - lat0)) % 360
    return along, bearings


def call_index(arrays: Arrays, stops: int) -> Arrays:
    """Calls of all runs by stop and departure."""
    lengths = np.diff(arrays["profile_ptr"])[arrays["trip_profile"]]
    ptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    trips, stop, departure = (np.empty(ptr[-1], np.int32) for _ in range(3))
    position = np.empty(ptr[-1], np.uint16)
    for first, last in _portions(ptr):
        rows, many = slice(int(ptr[first]), int(ptr[last])), lengths[first:last]
        profile = arrays["trip_profile"][first:last]
        place = np.arange(rows.stop - rows.start) - np.repeat(ptr[first:last] - rows.start, many)
        time_row = np.repeat(arrays["profile_ptr"][profile], many) + place
        call_row = np.repeat(arrays["pattern_ptr"][arrays["profile_pattern"][profile]], many) + place
        trips[rows] = np.repeat(np.arange(first, last, dtype=np.int32), many)
        departure[rows] = arrays["profile_departure_s"][time_row] + np.repeat(arrays["trip_start_s"][first:last], many)
        stop[rows] = arrays["pattern_stop"][call_row]
        position[rows] = place
    order = _order(stop, departure, stops)
    counts = np.bincount(stop, minlength=stops)
    return {
        "stop_call_ptr": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "call_departure_s": departure[order],
        "call_trip": trips[order],
        "call_position": position[order],
    }


def _order(stop: npt.NDArray[np.int32], departure: npt.NDArray[np.int32], stops: int) -> npt.NDArray[np.int64]:
    """Rows by stop, then departure; by one sort of packed integers where they fit into 64 bits."""
    low = int(departure.min(initial=0))
    time_bits = max(int(departure.max(initial=0)) - low, 1).bit_length()
    row_bits = max(stop.size, 1).bit_length()
    if stops.bit_length() + time_bits + row_bits > 63:
        return np.lexsort((departure, stop))
    key = stop.astype(np.int64)
    key <<= time_bits
    key |= departure - low
    key <<= row_bits
    key |= np.arange(stop.size)
    key.sort()
    key &= (1 << row_bits) - 1
    return key

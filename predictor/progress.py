"""Where on its trip each vehicle is: on the line of its shape, between its calls, against its timetable.

A vehicle seen before on the same run is looked for near where it was: no further ahead than its speed allows, and
hardly behind. Otherwise the whole line is searched, and the call it says it is at, or else the timetable, decides
between the passes of a loop. Without a shape, the line is drawn through the stops and the tolerance is wider.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import NO_VALUE, Bools, Floats, Int32s, Int64s
from predictor.calls import Calls
from predictor.lines import Lines, lines_of, nearest, windows
from predictor.schedule import Schedule

OFF_ROUTE_M = 100.0
"""Further from its shape than this a vehicle is on a detour or its trip is wrong; GPS between towers errs by 60 m."""
OFF_STOPS_M = 250.0
"""The same where the line is only drawn through the stops."""
BACKWARDS_M = 200.0
"""How far behind its last place a vehicle is looked for: noise, and a first place that was too far ahead."""
TOP_SPEED_MPS = 30.0
SLACK_M = 400.0
AT_STOP_M = 30.0
"""A vehicle this close to a stop is at it; status messages change some 40 m before the sign."""
AGREES_M = 300.0
"""The call a vehicle says it is at counts when geometry puts it no further from there."""
LAYOVER_M = 60.0
"""A vehicle no further than this along its trip has not departed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Vehicles on runs, a row each. *run* is the run in the Calls."""

    run: Int64s
    lat: Floats
    lon: Floats
    seen_epoch_s: Int64s
    stop_sequence: Int32s
    """current_stop_sequence, or NO_VALUE."""
    stop: Int32s
    """Row of the stop it says it is at or goes to, or -1."""
    before_m: Floats
    """Metres along the line where it was last seen on this run; nan for a first sight."""
    before_epoch_s: Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One row a sighting; nan, -1 and NO_VALUE where it cannot be told."""

    distance_m: Floats
    snapped_lat: Floats
    snapped_lon: Floats
    bearing_deg: Floats
    scheduled_distance_m: Floats
    """Where the timetable would have it when it was seen."""
    next_position: Int64s
    closest_position: Int64s
    deviation_s: Int64s
    """Seconds behind the timetable when it was seen; 0 for a vehicle that waits for its departure."""
    on_route: Bools


class Ground:
    """The lines of one timetable."""

    def __init__(self, schedule: Schedule) -> None:
        of = schedule.timetable.array
        self.shapes: Lines = lines_of(of("shape_ptr"), of("shape_lat"), of("shape_lon"), of("shape_dist_m"))
        self.stops: Lines | None = None
        if (schedule.pattern_shape < 0).any():
            stop = schedule.pattern_stop
            self.stops = lines_of(
                schedule.pattern_ptr, schedule.stop_lat[stop], schedule.stop_lon[stop], schedule.pattern_distance_m
            )


def progress(schedule: Schedule, ground: Ground, calls: Calls, seen: Sighting) -> Progress:
    """The progress of every sighting."""
    n = len(seen.run)
    spoken = _spoken_position(schedule, calls, seen)
    first, size = calls.ptr[:-1][seen.run], np.diff(calls.ptr)[seen.run]
    metres = schedule.pattern_distance_m[calls.source].astype(np.float64)
    expected_m = distance_at(schedule, calls, seen.run, seen.seen_epoch_s)
    fresh = np.isnan(seen.before_m)
    elapsed = np.maximum(seen.seen_epoch_s - seen.before_epoch_s, 0)
    spoken_m = np.where(spoken >= 0, metres[first + np.maximum(spoken, 0)], np.nan)
    prior = np.where(np.isnan(spoken_m), expected_m, spoken_m)
    scale = np.where(np.isnan(spoken_m), 1500.0, 200.0)
    from_m = seen.before_m - BACKWARDS_M
    to_m = seen.before_m + elapsed * TOP_SPEED_MPS + SLACK_M
    near_prior = np.where(fresh, prior, np.where(np.isnan(spoken_m), seen.before_m + 5.0 * elapsed, spoken_m))
    near_scale = np.where(fresh, scale, 200.0 + 10.0 * elapsed)
    pattern = calls.pattern[seen.run].astype(np.int64)
    shape = schedule.pattern_shape[pattern].astype(np.int64)
    columns = {name: np.full(n, np.nan) for name in ("away_m", "along_m", "lat", "lon", "bearing_deg")}

    def search(rows: Int64s, low_m: Floats, high_m: Floats, prior_m: Floats, scale_m: Floats) -> None:
        for lines, line in ((ground.shapes, shape), (ground.stops, pattern)):
            chosen = rows[(shape[rows] >= 0) == (lines is ground.shapes)]
            if lines is None or not len(chosen):
                continue
            low, high = windows(lines, line[chosen], low_m[chosen], high_m[chosen])
            found = nearest(
                lines,
                low,
                high,
                lat=seen.lat[chosen],
                lon=seen.lon[chosen],
                prior_m=prior_m[chosen],
                prior_scale_m=scale_m[chosen],
            )
            for name, column in columns.items():
                column[chosen] = getattr(found, name)

    limit = np.where(shape >= 0, OFF_ROUTE_M, OFF_STOPS_M)
    search(np.arange(n), from_m, to_m, near_prior, near_scale)
    with np.errstate(invalid="ignore"):
        lost = np.flatnonzero(~(columns["away_m"] <= limit) & ~fresh)
        search(lost, np.full(n, np.nan), np.full(n, np.nan), prior, scale)
        on_route = columns["away_m"] <= limit
    for name in ("along_m", "lat", "lon", "bearing_deg"):
        columns[name][~on_route] = np.nan
    distance = columns["along_m"]
    by_ground = _position_at(schedule, calls, seen.run, np.maximum(distance - AT_STOP_M, 0.0))
    with np.errstate(invalid="ignore"):
        agrees = (spoken >= 0) & (~on_route | (np.abs(spoken_m - distance) <= AGREES_M) | (spoken == by_ground))
    following = np.where(agrees, spoken, np.where(on_route, by_ground, -1))
    following = np.minimum(following, size - 1)
    closest = _closest(metres, first, following, distance)
    low_s, high_s = time_at(schedule, calls, seen.run, np.where(on_route, distance, spoken_m))
    deviation = seen.seen_epoch_s - np.clip(seen.seen_epoch_s, low_s, high_s)
    departs = calls.departure_epoch_s[first]
    with np.errstate(invalid="ignore"):
        waiting = (following == 0) | (distance - metres[first] <= LAYOVER_M)
    deviation = np.where(waiting, np.maximum(seen.seen_epoch_s - departs, 0), deviation)
    known = (following >= 0) & (on_route | agrees)
    return Progress(
        distance_m=distance,
        snapped_lat=columns["lat"],
        snapped_lon=columns["lon"],
        bearing_deg=columns["bearing_deg"],
        scheduled_distance_m=expected_m,
        next_position=following,
        closest_position=closest,
        deviation_s=np.where(known, deviation, NO_VALUE),
        on_route=on_route,
    )


def _spoken_position(schedule: Schedule, calls: Calls, seen: Sighting) -> Int64s:
    """Position of the call that each vehicle says it is at or goes to; -1 where it says none, or one of several."""
    pattern = calls.pattern[seen.run].astype(np.int64)
    start = schedule.pattern_ptr[pattern]
    position = np.full(len(seen.run), -1, np.int64)
    if not len(schedule.sequence_key):
        return position
    wanted = (pattern << 32) | np.maximum(seen.stop_sequence, 0)
    row = np.minimum(np.searchsorted(schedule.sequence_key, wanted), len(schedule.sequence_key) - 1)
    hit = (schedule.sequence_key[row] == wanted) & (seen.stop_sequence != NO_VALUE)
    position[hit] = schedule.sequence_key_call[row[hit]] - start[hit]
    # protobuf cannot tell an absent current_stop_sequence of some producers from 0; the stop, if given, must agree.
    wrong = hit & (seen.stop >= 0)
    wrong[wrong] = schedule.pattern_stop[(start + position)[wrong]] != seen.stop[wrong]
    position[wrong] = -1
    ask = np.flatnonzero((position < 0) & (seen.stop >= 0))
    wanted = (pattern[ask] << 32) | seen.stop[ask]
    low = np.searchsorted(schedule.stop_key, wanted, "left")
    once = np.searchsorted(schedule.stop_key, wanted, "right") - low == 1
    position[ask[once]] = schedule.stop_key_call[low[once]] - start[ask[once]]
    return position


def _position_at(schedule: Schedule, calls: Calls, run: Int64s, distance_m: Floats) -> Int64s:
    """Position of the first call at or after each distance; the number of calls beyond the last; 0 for nan."""
    pattern = calls.pattern[run].astype(np.int64)
    metres = np.nan_to_num(distance_m, nan=0.0)
    row = np.searchsorted(schedule.distance_key, pattern * 1e8 + metres, "left")
    start, end = schedule.pattern_ptr[pattern], schedule.pattern_ptr[pattern + 1]
    position: Int64s = np.clip(row, start, end) - start
    return position


def _closest(metres: Floats, first: Int64s, following: Int64s, distance_m: Floats) -> Int64s:
    """The nearer of the next call and the one before it."""
    after = np.maximum(following, 0)
    before = np.maximum(after - 1, 0)
    with np.errstate(invalid="ignore"):
        nearer = np.abs(metres[first + before] - distance_m) < np.abs(metres[first + after] - distance_m)
    closest: Int64s = np.where(following < 0, -1, np.where(nearer, before, after))
    return closest


def distance_at(schedule: Schedule, calls: Calls, run: Int64s, at_epoch_s: Int64s) -> Floats:
    """Metres along its line where the timetable has each run at an instant: at a call, or evenly between two."""
    if not len(run):
        return np.zeros(0)
    first, last = calls.ptr[run], calls.ptr[run + 1] - 1
    departed = np.searchsorted((calls.run << 34) + calls.departure_epoch_s, (run << 34) + at_epoch_s, "right")
    after = np.clip(departed, first, last)
    before = np.clip(departed - 1, first, last)
    metres = schedule.pattern_distance_m[calls.source].astype(np.float64)
    left, arrives = calls.departure_epoch_s[before], calls.arrival_epoch_s[after]
    share = np.clip((at_epoch_s - left) / np.maximum(arrives - left, 1), 0.0, 1.0)
    share = np.where(after == before, 0.0, share)
    distances: Floats = metres[before] + share * (metres[after] - metres[before])
    return distances


def time_at(schedule: Schedule, calls: Calls, run: Int64s, distance_m: Floats) -> tuple[Int64s, Int64s]:
    """First and last instant at which the timetable has each run there: the same, but at a call that it dwells at."""
    first, last = calls.ptr[run], calls.ptr[run + 1] - 1
    metres = schedule.pattern_distance_m[calls.source].astype(np.float64)
    there = np.nan_to_num(distance_m, nan=0.0)
    at = first + _position_at(schedule, calls, run, there)
    after, before = np.clip(at, first, last), np.clip(at - 1, first, last)
    gap = np.maximum(metres[after] - metres[before], 1e-6)
    share = np.where(after == before, 0.0, np.clip((there - metres[before]) / gap, 0.0, 1.0))
    left, arrives = calls.departure_epoch_s[before], calls.arrival_epoch_s[after]
    left = np.where(after == before, np.where(at > last, calls.arrival_epoch_s[last], left), left)
    between = (left + share * (arrives - left) * (after != before)).astype(np.int64)
    low, high = between.copy(), between.copy()
    for call in (before, after):
        near = np.abs(metres[call] - there) <= AT_STOP_M
        low = np.where(near, np.minimum(low, calls.arrival_epoch_s[call]), low)
        high = np.where(near, np.maximum(high, calls.departure_epoch_s[call]), high)
    return low, high

"""Calls along a line: which comes next, which one a vehicle speaks of, and where and when the timetable has a run."""

import numpy as np

from domain.realtime import NO_VALUE, Floats, Int32s, Int64s
from predictor.calls import Calls
from predictor.schedule import Schedule

AT_STOP_M = 30.0
"""A vehicle this close to a stop is at it; status messages change some 40 m before the sign."""


def spoken_position(schedule: Schedule, pattern: Int64s, stop_sequence: Int32s, stop: Int32s) -> Int64s:
    """Position of the call that each vehicle says it is at or goes to; -1 where it says none, or one of several."""
    start = schedule.pattern_ptr[pattern]
    position = np.full(len(pattern), -1, np.int64)
    if not len(schedule.sequence_key):
        return position
    wanted = (pattern << 32) | np.maximum(stop_sequence, 0)
    row = np.minimum(np.searchsorted(schedule.sequence_key, wanted), len(schedule.sequence_key) - 1)
    hit = (schedule.sequence_key[row] == wanted) & (stop_sequence != NO_VALUE)
    position[hit] = schedule.sequence_key_call[row[hit]] - start[hit]
    # protobuf cannot tell an absent current_stop_sequence of some producers from 0; the stop, if given, must agree.
    wrong = hit & (stop >= 0)
    wrong[wrong] = schedule.pattern_stop[(start + position)[wrong]] != stop[wrong]
    position[wrong] = -1
    ask = np.flatnonzero((position < 0) & (stop >= 0))
    wanted = (pattern[ask] << 32) | stop[ask]
    low = np.searchsorted(schedule.stop_key, wanted, "left")
    once = np.searchsorted(schedule.stop_key, wanted, "right") - low == 1
    position[ask[once]] = schedule.stop_key_call[low[once]] - start[ask[once]]
    return position


def position_at(schedule: Schedule, calls: Calls, run: Int64s, distance_m: Floats) -> Int64s:
    """Position of the first call at or after each distance; the number of calls beyond the last; 0 for nan."""
    pattern = calls.pattern[run].astype(np.int64)
    metres = np.nan_to_num(distance_m, nan=0.0)
    row = np.searchsorted(schedule.distance_key, pattern * 1e8 + metres, "left")
    start, end = schedule.pattern_ptr[pattern], schedule.pattern_ptr[pattern + 1]
    position: Int64s = np.clip(row, start, end) - start
    return position


def closest_position(metres: Floats, first: Int64s, following: Int64s, distance_m: Floats) -> Int64s:
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
    at = first + position_at(schedule, calls, run, there)
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

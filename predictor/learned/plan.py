"""What can be said of runs before any vehicle is seen: the pace of their timetable, and where a call begins and ends.

Timetables that are rounded to minutes put two calls into one minute and a hole after them, so the pace is smoothed over
some minutes of timetable around each segment before anything is learned against it.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Bools, Floats, Int64s
from predictor.learned.runs import Runs

REACH_M = 15.0
"""A vehicle has arrived this far before the stop: where buses stop behind one another, and half a bus length."""
LEAVE_M = 20.0
"""It has left when it is this far beyond; GPS noise of a standing vehicle is smaller in most streets."""
DEPART_M = 60.0
"""It has left its first call: vehicles shuffle around terminals."""
LIFT_M = 1e7
"""Longer than any line: ``run * LIFT_M + metres`` orders the calls of all runs at once."""
SMOOTH_S = 300.0
"""Half width of the window for timetables in whole minutes; found on one such city, ±180 to ±300 s serve equally. Those with
seconds stay as they are."""
MINUTE_NOISE_S2 = 1_200.0
"""Variance of a difference of two times in whole minutes: 600 by rounding alone; planners round more coarsely."""
SPREAD_SHARE = 0.35
"""By how much the pace between neighbouring stops really differs from the pace around, as a share of it."""
ROAD_MPS = 30.0
"""Nothing is taken to be slower at its fastest: buses on motorways, with nothing said of it in a timetable of stops in town."""
RAIL_MPS = 90.0
"""Nothing on the ground carries passengers faster."""
PEAK_RATIO = 2.0
"""A vehicle that gathers speed until it brakes is at most twice as fast as its mean from stop to stop."""
GATHERS_MPS2 = 1.0
"""Speed gathered and lost in a second, at most, with people standing: what lies between two stops bounds what is reached
there, ``sqrt(GATHERS_MPS2 * metres)``."""
SLACK_M = 150.0
"""What two positions may be further apart than they seem."""
ROUNDED_S, TOLD_S = 60.0, 15.0
"""What a leg may take longer than a timetable of whole minutes, or of seconds, says: two calls in one minute, or second, ask for
any speed."""
UNKNOWN_SPEED_MPS = 8.0
"""Without a timetable, running time starts from this; the network's ratio corrects it within minutes."""
UNKNOWN_RUN_S = 90.0
"""Without a timetable and a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One row a call unless said otherwise."""

    runs: Runs
    run: Int64s
    position: Int64s
    reach_m: Floats
    """Where it counts as arrived, along the line: -inf at first calls."""
    leave_m: Floats
    """Where it counts as departed: inf at last calls."""
    reach_key: Floats
    leave_key: Floats
    pace_s: Floats
    """Smoothed scheduled seconds from the call before to this one; 0 at first calls."""
    timed: Bools
    """Does the run have a timetable? One row a run."""
    pair: Int64s
    """Slot of the stop pair that ends here, among what is learned; -1 at first calls."""
    place: Int64s
    """Slot of the stop."""
    habit: Int64s
    """Slot of the group, one row a run."""
    least_s: Floats
    """Nobody drives from the call before to this one in less."""
    top_mps: Floats
    """No vehicle on the run is faster, one row a run."""
    calls_at: Int64s
    """Equal for runs that call at the same stops in the same order, one row a run."""


def spread(ptr: Int64s) -> tuple[Int64s, Int64s]:
    """Run and position of each call."""
    sizes = np.diff(ptr)
    run = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    return run, np.arange(len(run), dtype=np.int64) - ptr[:-1][run]


def calls_at(runs: Runs, run: Int64s, position: Int64s) -> Int64s:
    """A number for the stops that each run calls at, in order; a row a run."""
    at = np.zeros(len(runs), np.uint64)
    np.add.at(at, run, runs.stop.astype(np.uint64) * (2 * position.astype(np.uint64) + np.uint64(1)))
    return at.view(np.int64)


def thresholds(runs: Runs, run: Int64s, position: Int64s) -> tuple[Floats, Floats]:
    """Where each call begins and ends along its line; calls closer than both margins share the ground between them."""
    n = len(run)
    metres = np.nan_to_num(runs.distance_m, nan=0.0)
    reach = metres - REACH_M
    first = position == 0
    reach[first] = -np.inf
    following = np.full(n, np.inf)
    inner = np.flatnonzero(~first)
    following[inner - 1] = np.maximum(reach[inner], metres[inner - 1])
    leave = np.minimum(metres + np.where(first, DEPART_M, LEAVE_M), following)
    last = np.zeros(n, bool)
    last[runs.ptr[1:][np.diff(runs.ptr) > 0] - 1] = True
    leave[last] = np.inf
    reach[inner] = np.maximum(reach[inner], metres[inner - 1])
    return reach, leave


def top_speeds(runs: Runs, run: Int64s, position: Int64s) -> Floats:
    """How fast each run's vehicle may be, a row a run, ROAD_MPS to RAIL_MPS: by the fastest leg of its timetable, on legs without
    one by how far apart their stops are."""
    tops = np.zeros(len(runs))
    inner = np.flatnonzero(position > 0)
    metres = np.nan_to_num(runs.distance_m[inner] - runs.distance_m[inner - 1], nan=0.0)
    takes = runs.arrival_epoch_s[inner] - runs.departure_epoch_s[inner - 1]
    takes = np.maximum(takes, 0.0) + np.where(_tells_seconds(runs, run), TOLD_S, ROUNDED_S)[run[inner]]
    told = np.isfinite(takes)
    leg_mps = np.where(told, PEAK_RATIO * metres / takes, np.sqrt(GATHERS_MPS2 * np.maximum(metres, 0.0)))
    np.maximum.at(tops, run[inner], leg_mps)
    return np.clip(tops, ROAD_MPS, RAIL_MPS)


def least_s(top_mps: Floats, position: Int64s, reach_m: Floats, leave_m: Floats) -> Floats:
    """In how many seconds the way to each call can be driven at *top_mps* (a row a call), less what two positions may err by."""
    least = np.zeros(len(position))
    inner = np.flatnonzero(position > 0)
    way_m = np.nan_to_num(reach_m[inner] - leave_m[inner - 1], nan=0.0, posinf=0.0, neginf=0.0)
    least[inner] = (way_m - SLACK_M) / top_mps[inner]
    return np.maximum(least, 0.0)


def _tells_seconds(runs: Runs, run: Int64s) -> Bools:
    """Is the timetable of each run one with seconds?"""
    odd = (np.nan_to_num(runs.departure_epoch_s, nan=0.0) % 60 != 0) | (
        np.nan_to_num(runs.arrival_epoch_s, nan=0.0) % 60 != 0
    )
    seconds: Bools = np.bincount(run, odd, len(runs)) > 0
    return seconds


def paces(runs: Runs, run: Int64s, position: Int64s, top_mps: Floats) -> tuple[Floats, Bools]:
    """Smoothed scheduled running time to each call, and whether each run has a timetable."""
    n, n_runs = len(run), len(runs)
    timed = np.zeros(n_runs, bool)
    if not n:
        return np.zeros(0), timed
    first = position == 0
    before = np.maximum(np.arange(n) - 1, 0)
    running = np.where(first, 0.0, runs.arrival_epoch_s - runs.departure_epoch_s[before])
    missing = np.bincount(run, ~np.isfinite(running), n_runs) > 0
    timed = ~missing & (np.diff(runs.ptr) > 0)
    running = np.maximum(np.nan_to_num(running, nan=0.0), 0.0)
    metres = np.where(first, 0.0, np.diff(runs.distance_m, prepend=0.0))
    lined = np.bincount(run, ~np.isfinite(metres), n_runs) == 0
    metres = np.maximum(np.nan_to_num(metres, nan=0.0), 0.0)
    smooth = (timed & lined & ~_tells_seconds(runs, run))[run] & ~first
    pace = running.copy()
    rows = np.flatnonzero(smooth)
    if len(rows):
        # Time and way from the first call, each run's above those of the runs before it, so one interpolation serves all.
        way = np.cumsum(metres)
        way -= way[runs.ptr[:-1][run]]
        clock = np.cumsum(running)
        clock -= clock[runs.ptr[:-1][run]]
        end = clock[runs.ptr[1:][run] - 1]
        lift = run * (float(end.max()) + 1000.0)
        axis = clock + lift + position * 1e-5
        middle = clock[rows] - running[rows] / 2
        low = np.maximum(middle - SMOOTH_S, 0.0)
        high = np.minimum(middle + SMOOTH_S, end[rows])
        gone = np.interp(high + lift[rows] + 1e-3, axis, way) - np.interp(low + lift[rows] - 1e-3, axis, way)
        good = gone > 1.0
        smoothed = metres[rows[good]] * (high - low)[good] / gone[good]
        real = (SPREAD_SHARE * np.maximum(smoothed, running[rows[good]])) ** 2
        own = real / (real + MINUTE_NOISE_S2)
        pace[rows[good]] = own * running[rows[good]] + (1 - own) * smoothed
    floor = metres / top_mps[run]
    pace = np.maximum(pace, np.where(first, 0.0, np.maximum(floor, 1.0)))
    blank = ~timed[run] & ~first
    guess = np.where(lined[run], metres / UNKNOWN_SPEED_MPS, UNKNOWN_RUN_S)
    return np.where(blank, np.maximum(guess, 5.0), pace), timed

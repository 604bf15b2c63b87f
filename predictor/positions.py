"""Runs of which no agency says when they come, told by where their vehicle is."""

from dataclasses import replace

import numpy as np

from domain.arrival import SOURCE_CODES
from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, Bools, Int64s
from predictor import sanity
from predictor.calls import Calls
from predictor.methods import METHODS, Standing
from predictor.progress import Progress
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.times import Times

POSITION_FRESH_S = 300
"""A vehicle not heard of for longer predicts nothing by itself: riders are told the schedule."""


def next_places(progress: Progress, best: Int64s) -> Int64s:
    """Position of the call that each run's vehicle (*best*, or -1) comes to next; -1 where that is not known."""
    place = np.full(len(best), -1, np.int64)
    on = best >= 0
    place[on] = progress.next_position[best[on]]
    return place


def with_positions(
    times: Times, schedule: Schedule, calls: Calls, seen: Seen, progress: Progress, best: Int64s, now_epoch_s: int
) -> Times:
    """The same with the times of runs that no agency speaks of and whose vehicle was heard of lately."""
    fresh = _fresh(times, seen, progress, best, now_epoch_s)
    runs = np.flatnonzero(fresh)
    if not len(runs):
        return times
    mine, rows = calls.only(runs)
    vehicle = best[runs]
    late = progress.deviation_s[vehicle]
    place = np.where(progress.ended[vehicle], np.diff(mine.ptr), np.maximum(progress.next_position[vehicle], 0))
    made_by, method = next(iter(METHODS.items()))
    forecast = method(schedule, mine, Standing(deviation_s=late, next_position=place), now_epoch_s)
    silent = _untold(mine, progress, vehicle) & ((forecast.flags & CallFlag.PASSED) == 0)
    arrival, departure = times.arrival_epoch_s.copy(), times.departure_epoch_s.copy()
    flags, source, deviation = times.flags.copy(), times.source.copy(), times.deviation_s.copy()
    arrival[rows] = np.where(silent, 0, forecast.arrival_epoch_s)
    departure[rows] = np.where(silent, 0, forecast.departure_epoch_s)
    flags[rows] = forecast.flags | np.where(silent, CallFlag.NO_DATA, 0)
    source[runs], deviation[runs] = SOURCE_CODES[made_by], late
    return replace(
        times,
        arrival_epoch_s=arrival,
        departure_epoch_s=departure,
        flags=flags,
        source=source,
        deviation_s=deviation,
        by_vehicle=fresh,
    )


def _fresh(times: Times, seen: Seen, progress: Progress, best: Int64s, now_epoch_s: int) -> Bools:
    """Runs that only a vehicle speaks of, heard of lately and believably late."""
    fresh = np.zeros(len(best), bool)
    alone = np.flatnonzero((best >= 0) & ~times.spoken)
    if len(alone):
        late = progress.deviation_s[best[alone]]
        fresh[alone] = (
            (now_epoch_s - seen.seen_epoch_s[best[alone]] <= POSITION_FRESH_S) & (late != NO_VALUE)
            & (late <= sanity.BELIEVED_LATE_S) & (late >= -sanity.BELIEVED_EARLY_S)
        )  # fmt: skip
    return fresh


def _untold(calls: Calls, progress: Progress, vehicle: Int64s) -> Bools:
    """Calls of which nothing can be said: all but the last of a *vehicle* (one a run) that has been off its line for long."""
    untold = (progress.lost[vehicle] & ~progress.waiting[vehicle])[calls.run]
    untold[calls.ptr[1:] - 1] = False
    return untold

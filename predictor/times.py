"""What riders are told of every call of the runs, and who says so; first of all by the agencies' trip updates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.arrival import SOURCE_CODES, Source
from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, Bools, Floats, Int32s, Int64s, UInt8s
from predictor import sanity
from predictor.arrivals import Told, tell
from predictor.calls import Calls, ragged
from predictor.schedule import Schedule
from predictor.words import Heard, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Columns of the calls, then of the runs. Epoch seconds, 0 where nothing is told."""

    arrival_epoch_s: Int64s
    departure_epoch_s: Int64s
    flags: UInt8s
    early_s: Floats | Int32s
    """10th percentile minus the time that is told; 0 or nan for none."""
    late_s: Floats | Int32s
    """90th."""
    source: UInt8s
    """SOURCE_CODES."""
    deviation_s: Int64s
    """NO_VALUE where it cannot be said."""
    spoken: Bools
    """An agency says something of the run."""
    by_vehicle: Bools
    """The times rest on where its vehicle is."""


def agencies_words(schedule: Schedule, heard: Sequence[Heard], speaking: Words, calls: Calls) -> Told:
    """What the agencies say of every call; nothing of the runs that only a vehicle is on."""
    parts: list[Told] = []
    for number, it in enumerate(heard):
        first, last = np.searchsorted(speaking.feed, (number, number + 1)).tolist()  # words come feed by feed
        if it.updates is not None and last > first:
            parts.append(tell(schedule, calls.of(first, last), it.updates, speaking.row[first:last]))
    said = sum(len(part.flags) for part in parts)
    runs_said = sum(len(part.first) for part in parts)
    none = np.zeros(len(calls) - said, np.int64)
    alone = np.diff(calls.ptr)[runs_said:]
    return Told(
        arrival_epoch_s=np.concatenate([*(part.arrival_epoch_s for part in parts), none]),
        departure_epoch_s=np.concatenate([*(part.departure_epoch_s for part in parts), none]),
        flags=np.concatenate([*(part.flags for part in parts), none.astype(np.uint8)]),
        stop=np.concatenate([*(part.stop for part in parts), calls.stop[said:]]),
        band_s=np.concatenate([*(part.band_s for part in parts), none.astype(np.int32)]),
        first=np.concatenate([*(part.first for part in parts), alone]),
    )


def times_by_agencies(calls: Calls, told: Told, place: Int64s, now_epoch_s: int) -> Times:
    """The agencies' times in order. *place*: position of the call that each run's vehicle comes to next, or -1."""
    n, now = len(place), now_epoch_s
    arrival, departure, flags = told.arrival_epoch_s, told.departure_epoch_s, told.flags.copy()
    spoken = np.zeros(n, bool)
    spoken[calls.run[(arrival | departure | flags) != 0]] = True
    arrival, departure = sanity.in_order(calls.ptr, arrival, departure)
    left = (departure > 0) & (departure < now)
    # Nothing is said of the calls before the first one that is spoken of: the vehicle has left those that it is beyond.
    behind = np.where(spoken, np.minimum(told.first, np.where(place >= 0, place, told.first)), 0)
    before = ragged(calls.ptr[:-1], behind)
    left[before[departure[before] == 0]] = True
    flags |= left * np.uint8(CallFlag.PASSED)
    return Times(
        arrival_epoch_s=arrival,
        departure_epoch_s=departure,
        flags=flags,
        early_s=-told.band_s,
        late_s=told.band_s,
        source=np.where(spoken, SOURCE_CODES[Source.AGENCY], 0).astype(np.uint8),
        deviation_s=_deviation(calls, arrival, departure, now, n),
        spoken=spoken,
        by_vehicle=np.zeros(n, bool),
    )


def _deviation(calls: Calls, arrival: Int64s, departure: Int64s, now: int, n: int) -> Int64s:
    """Seconds late at the next call that is told, else at the last; NO_VALUE where none is."""
    result, call = np.full(n, NO_VALUE, np.int64), np.full(n, -1, np.int64)
    told = np.flatnonzero(departure > 0)
    call[calls.run[told]] = told  # the last of each run stays
    ahead = told[departure[told] >= now][::-1]
    call[calls.run[ahead]] = ahead  # the first that is ahead stays
    runs = np.flatnonzero(call >= 0)
    call = call[runs]
    result[runs] = np.where(
        arrival[call] >= now,
        arrival[call] - calls.arrival_epoch_s[call],
        departure[call] - calls.departure_epoch_s[call],
    )
    return result

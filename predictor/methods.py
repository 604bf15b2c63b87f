"""Our own ways to predict, for runs that a vehicle is on but no agency speaks of: the table of methods.

A method is a function of the scheduled calls, where each run's vehicle is, and now. A learned one takes a seat in
:data:`METHODS` and a code in ``domain.arrival.SOURCE_CODES``.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from domain.arrival import Source
from domain.predictions import CallFlag
from domain.realtime import Bools, Int64s, UInt8s
from predictor.calls import Calls
from predictor.sanity import in_order
from predictor.schedule import Schedule

FAR_AHEAD_S = 45 * 60
"""Beyond this a prediction from a position says little more than the timetable; it is marked uncertain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One row a run of the calls."""

    deviation_s: Int64s
    next_position: Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One row a call: epoch seconds and CallFlag."""

    arrival_epoch_s: Int64s
    departure_epoch_s: Int64s
    flags: UInt8s


class Method(Protocol):
    """A way to predict every call of runs whose vehicles' standing is known."""

    def __call__(self, schedule: Schedule, calls: Calls, standing: Standing, now_epoch_s: int) -> Forecast:
        """Times for every call: of passed ones when the vehicle was there, as far as that can be told."""


def constant_delay(schedule: Schedule, calls: Calls, standing: Standing, now_epoch_s: int) -> Forecast:
    """The vehicle stays as late as it is; an early one waits where it waits for time, and goes on in time.

    Nobody arrives before now at a call that is still ahead; a call behind was left before now.
    """
    delay = standing.deviation_s[calls.run]
    index = np.arange(len(calls))
    position = index - calls.ptr[:-1][calls.run]
    ahead = position >= standing.next_position[calls.run]
    waits = ahead & schedule.waits_for_time[calls.source] & (delay < 0)
    left_in_time = _any_before(waits, calls, including=True)
    arrives_in_time = _any_before(waits, calls, including=False)
    arrival = calls.arrival_epoch_s + np.where(arrives_in_time, 0, delay)
    departure = calls.departure_epoch_s + np.where(left_in_time, 0, delay)
    arrival = np.where(ahead, np.maximum(arrival, now_epoch_s), np.minimum(arrival, now_epoch_s - 1))
    departure = np.where(ahead, np.maximum(departure, arrival), np.minimum(np.maximum(departure, arrival), now_epoch_s))
    arrival, departure = in_order(calls.ptr, arrival, departure)
    flags = np.where(ahead, 0, CallFlag.PASSED).astype(np.uint8)
    flags[ahead & (arrival > now_epoch_s + FAR_AHEAD_S)] |= np.uint8(CallFlag.UNCERTAIN)
    return Forecast(arrival_epoch_s=arrival, departure_epoch_s=departure, flags=flags)


def _any_before(marked: Bools, calls: Calls, *, including: bool) -> Bools:
    """Per call: is one of its run's calls before it (or the call itself, if *including*) marked?"""
    count = np.concatenate([np.zeros(1, np.int64), np.cumsum(marked)])
    upto = count[1:] if including else count[:-1]
    any_before: Bools = upto > count[calls.ptr[:-1]][calls.run]
    return any_before


METHODS: dict[Source, Method] = {Source.POSITION: constant_delay}
"""By the Source that its predictions bear."""

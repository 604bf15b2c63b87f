"""What is refused or mended before a rider sees it: impossible delays, positions, and times that run backwards."""

import numpy as np

from domain.realtime import Bools, Floats, Int64s

BELIEVED_LATE_S = 24 * 3600
"""A longer delay is a wrong service day; long-distance trains have been 20 hours late."""
BELIEVED_EARLY_S = 2 * 3600
"""Nothing runs so far ahead of its timetable: a wrong trip or a wrong time zone."""


def in_order(ptr: Int64s, arrival_epoch_s: Int64s, departure_epoch_s: Int64s) -> tuple[Int64s, Int64s]:
    """Times of many runs (calls ``ptr[i]:ptr[i + 1]``) that never run backwards; 0 stays 0.

    A later call is moved to the latest time before it, never an earlier one: promising a vehicle too early makes
    riders miss it less often than promising it too late, and the earlier call is the surer one.
    """
    if not len(arrival_epoch_s):
        return arrival_epoch_s, departure_epoch_s
    # Each run's times lie above those of the runs before it, so one pass serves all (2 ** 34 s is the year 2514).
    lift = np.repeat(np.arange(len(ptr) - 1, dtype=np.int64) << 34, np.diff(ptr))
    highest = np.maximum(arrival_epoch_s, departure_epoch_s)
    highest += lift
    np.maximum.accumulate(highest, out=highest)
    before = np.empty_like(highest)
    before[0] = 0
    np.subtract(highest[:-1], lift[1:], out=before[1:])
    arrival = np.where(arrival_epoch_s > 0, np.maximum(arrival_epoch_s, before), 0)
    np.maximum(before, arrival_epoch_s, out=before)
    departure = np.where(departure_epoch_s > 0, np.maximum(departure_epoch_s, before), 0)
    return arrival, departure


def believable_position(lat: Floats, lon: Floats) -> Bools:
    """Is it a place on Earth, and not the 0, 0 of a receiver without a fix?"""
    with np.errstate(invalid="ignore"):
        somewhere: Bools = (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & ((np.abs(lat) > 0.01) | (np.abs(lon) > 0.01))
    return somewhere

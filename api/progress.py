"""Where along its trip a vehicle is, by the clock: for trips that no vehicle reports a position of. Pure but for reads
of the timetable."""

import bisect
from collections.abc import Sequence
from math import atan2, cos, degrees, isfinite, nan, radians
from typing import NamedTuple

import numpy as np

from store.timetable import Bundle


class Progress(NamedTuple):
    """A place between two calls. *next_position* equals the number of calls once the last one is passed."""

    next_position: int
    distance_m: float
    next_offset_s: int
    closest_position: int
    closest_offset_s: int


def progress_at(
    now_epoch_s: float, arrivals: Sequence[int], departures: Sequence[int], distances_m: Sequence[float]
) -> Progress:
    """Progress of a trip whose calls have these times (epoch seconds, in order) and distances, at *now*.

    Before the first departure the vehicle stands at the first call, after the last arrival at the last.
    """
    calls = len(departures)
    following = bisect.bisect_right(departures, now_epoch_s)
    if following >= calls:
        offset = int(arrivals[-1] - now_epoch_s)
        return Progress(calls, float(distances_m[-1]), offset, calls - 1, offset)
    to_next = int(arrivals[following] - now_epoch_s)
    if following == 0 or to_next <= 0:
        offset = max(to_next, 0) if following else to_next
        return Progress(following, float(distances_m[following]), offset, following, offset)
    left, arrives = departures[following - 1], arrivals[following]
    share = (now_epoch_s - left) / max(arrives - left, 1)
    before_m, after_m = float(distances_m[following - 1]), float(distances_m[following])
    since = int(left - now_epoch_s)
    closest, closest_offset = (following - 1, since) if -since < to_next else (following, to_next)
    return Progress(
        following, before_m + min(max(share, 0.0), 1.0) * (after_m - before_m), to_next, closest, closest_offset
    )


class Spot(NamedTuple):
    """Degrees (WGS 84) and compass bearing; nan where it cannot be told."""

    lat: float
    lon: float
    bearing_deg: float


def spot_at(bundle: Bundle, trip: int, distance_m: float) -> Spot:
    """The point of the trip's shape so far along it; without a shape, on the straight line between its calls."""
    shape = bundle.trip_shape(trip)
    if not isfinite(distance_m):
        return Spot(nan, nan, nan)
    if shape >= 0:
        lats, lons, along_m = bundle.shape(shape)
    else:
        stops = bundle.trip_stops(trip)
        lats, lons = bundle.array("stop_lat")[stops], bundle.array("stop_lon")[stops]
        along_m = bundle.trip_distances_m(trip)
    if len(along_m) < 2:
        return Spot(float(lats[0]), float(lons[0]), nan) if len(along_m) else Spot(nan, nan, nan)
    after = min(max(int(np.searchsorted(along_m, distance_m, "right")), 1), len(along_m) - 1)
    here_m, there_m = float(along_m[after - 1]), float(along_m[after])
    share = min(max((distance_m - here_m) / (there_m - here_m), 0.0), 1.0) if there_m > here_m else 0.0
    south, west, north, east = (float(n) for n in (lats[after - 1], lons[after - 1], lats[after], lons[after]))
    bearing = nan
    if (north, east) != (south, west):
        bearing = degrees(atan2((east - west) * cos(radians(north)), north - south)) % 360.0
    return Spot(south + share * (north - south), west + share * (east - west), bearing)

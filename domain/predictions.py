"""Predictions for one timetable, columnar: what every web process holds a replica of and joins with the schedule.

A row is one trip on one service day. Its calls are rows ``ptr[i]:ptr[i+1]``: one for every call of the trip's stop
pattern, in order, so position ``k`` of the trip is call row ``ptr[i] + k``; or none at all (a cancelled trip). Rows
with ``own_calls`` (added, new, duplicated, replacement trips, and frequency-based runs that start at a time of their
own) list calls of their own instead, and the timetable's calls of that trip, if it has any on that day, no longer
count when the relationship is REPLACEMENT.
"""

from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np

from domain.realtime import Float32s, Floats, Int8s, Int16s, Int32s, UInt8s, UInt32s


class CallFlag(IntFlag):
    """What is special about one call."""

    SKIPPED = 1
    """The vehicle will not call here: never promise it."""
    NO_DATA = 2
    """The agency says it knows nothing here: show the schedule."""
    PASSED = 4
    """The vehicle has left; the times are those it was last said to have."""
    UNCERTAIN = 8
    """Predicted, but far ahead, across a layover, from off the route, or for a trip that the vehicle does not name."""
    DETOUR = 16
    """The vehicle is off its route: whether it will call here is not known."""
    INFERRED = 32
    """The vehicle names no trip; that it is this one was told from where and when it drives."""


def _no_trips() -> Int32s:
    return np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """See the module. Times are epoch seconds, 0 when there is none."""

    generation: str
    """The timetable bundle that the indexes refer to; with another one loaded, ignore all of this."""
    computed_epoch_s: int
    feed_ids: list[str]
    """Realtime feeds that contributed; ``trip_feed`` and ``vehicle_feed`` point into it."""
    feed_header_epoch_s: list[int]

    trip: Int32s
    """Index in the bundle; -1 for a trip that the timetable does not have."""
    service_date: Int32s
    """yyyymmdd."""
    relationship: UInt8s
    """TripRelationship."""
    source: UInt8s
    """SOURCE_CODES value: who made the times; 0 when the row only says "cancelled"."""
    trip_feed: UInt8s
    vehicle: Int32s
    """Row among the vehicles, or -1."""
    updated_epoch_s: UInt32s
    """When what this rests on was last reported."""
    deviation_s: Int32s
    """Late is positive; NO_VALUE when it cannot be said (frequency-based trips)."""
    own_calls: UInt8s
    ptr: Int32s

    call_stop: Int32s
    """Index of the stop in the bundle (the assigned one where the platform changed)."""
    arrival_epoch_s: UInt32s
    departure_epoch_s: UInt32s
    early_s: Int16s
    """10th percentile minus the published time (zero or negative); both 0 when no band is known."""
    late_s: Int16s
    """90th percentile minus the published time."""
    scheduled_epoch_s: UInt32s
    """Only for ``own_calls``: scheduled departure, where one is known."""
    flags: UInt8s
    """CallFlag."""

    named: dict[int, dict[str, str]] = field(default_factory=dict)
    """Trip row to raw names that the timetable does not give: trip_id, route_id, headsign, short_name, direction."""

    vehicle_ids: list[str]
    """Raw ids, as the feed writes them."""
    vehicle_labels: list[str]
    vehicle_feed: UInt8s
    vehicle_trip: Int32s
    """Trip row, or -1 for a vehicle on no known trip."""
    lat: Floats
    lon: Floats
    """Where the vehicle says it is."""
    snapped_lat: Floats
    snapped_lon: Floats
    """On its trip's shape; nan when off route or on no trip."""
    bearing_deg: Float32s
    """0 is north, clockwise; from the shape where the feed gives none; nan when unknown."""
    speed_mps: Float32s
    distance_m: Float32s
    """Along the trip's shape; nan when unknown."""
    scheduled_distance_m: Float32s
    next_position: Int32s
    """0-based position of the next call; -1 when unknown."""
    closest_position: Int32s
    next_offset_s: Int32s
    """Seconds until the next call, by our prediction."""
    closest_offset_s: Int32s
    """Seconds from now to the closest call; negative when passed."""
    located_epoch_s: UInt32s
    occupancy: Int8s
    """Index into OCCUPANCY_NAMES, or -1."""
    occupancy_percentage: Int16s
    """-1 when unknown."""

    missing_trip: Int32s = field(default_factory=_no_trips)
    """Trips under way whose vehicle should be visible by now and is not: perhaps nothing comes. Index in the bundle."""
    missing_date: Int32s = field(default_factory=_no_trips)

"""What GTFS-realtime feeds claim, columnar: one array or list per field, one row per entity.

Ids are raw, as the feed writes them; matching to the schedule is the predictor's work. Absent values are
``NO_VALUE`` in integer columns, ``nan`` in floats, ``""`` in strings.
Source: GTFS-realtime reference, messages TripUpdate and VehiclePosition.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
UInt32s = npt.NDArray[np.uint32]
Int16s = npt.NDArray[np.int16]
Int8s = npt.NDArray[np.int8]
UInt8s = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

NO_VALUE = -(2**31)
"""An absent integer: no delay, no stop_sequence, no direction … (zero and minus one are legal values)."""


class TripRelationship(IntEnum):
    """TripDescriptor.ScheduleRelationship."""

    SCHEDULED = 0
    ADDED = 1
    UNSCHEDULED = 2
    CANCELED = 3
    REPLACEMENT = 5
    DUPLICATED = 6
    DELETED = 7
    NEW = 8


class StopRelationship(IntEnum):
    """StopTimeUpdate.ScheduleRelationship."""

    SCHEDULED = 0
    SKIPPED = 1
    NO_DATA = 2
    UNSCHEDULED = 3


class StopStatus(IntEnum):
    """VehiclePosition.VehicleStopStatus."""

    INCOMING_AT = 0
    STOPPED_AT = 1
    IN_TRANSIT_TO = 2


OCCUPANCY_NAMES = (
    "EMPTY", "MANY_SEATS_AVAILABLE", "FEW_SEATS_AVAILABLE", "STANDING_ROOM_ONLY", "CRUSHED_STANDING_ROOM_ONLY",
    "FULL", "NOT_ACCEPTING_PASSENGERS", "NO_DATA_AVAILABLE", "NOT_BOARDABLE",
)  # fmt: skip
"""VehiclePosition.OccupancyStatus, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TripUpdates:
    """One dataset of TripUpdates. Row ``i`` describes a trip; its stop time updates are rows ptr[i]:ptr[i+1]."""

    header_epoch_s: int
    """FeedHeader.timestamp; 0 when the feed has none."""

    trip_ids: list[str]
    route_ids: list[str]
    vehicle_ids: list[str]
    vehicle_labels: list[str]
    direction: Int32s
    start_date: Int32s
    """yyyymmdd, or 0."""
    start_time_s: Int32s
    """ServiceTime of TripDescriptor.start_time, or NO_VALUE."""
    relationship: UInt8s
    timestamp_epoch_s: Int64s
    """TripUpdate.timestamp, or 0."""
    delay_s: Int32s
    """TripUpdate.delay, or NO_VALUE."""
    ptr: Int32s
    """n + 1 row pointers into the stop-time-update columns."""

    stop_sequence: Int32s
    stop_ids: list[str]
    """Distinct stop ids of this dataset; ``stop_ref`` points into it."""
    stop_ref: Int32s
    """Index into ``stop_ids``, or -1."""
    stop_relationship: UInt8s
    arrival_epoch_s: Int64s
    """Predicted arrival, or 0 when the event has no time."""
    arrival_delay_s: Int32s
    arrival_uncertainty_s: Int32s
    departure_epoch_s: Int64s
    departure_delay_s: Int32s
    departure_uncertainty_s: Int32s

    properties: dict[int, dict[str, str]] = field(default_factory=dict)
    """Trip row to the TripProperties it has (trip_id, start_date, start_time, trip_headsign,
    trip_short_name, shape_id)."""
    stop_properties: dict[int, dict[str, str]] = field(default_factory=dict)
    """Stop-time-update row to properties present (assigned_stop_id, stop_headsign, pickup_type, drop_off_type,
    occupancy, arrival_scheduled_time, departure_scheduled_time as epoch seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicles:
    """One dataset of VehiclePositions, a row a vehicle."""

    header_epoch_s: int
    vehicle_ids: list[str]
    """VehicleDescriptor.id, or the entity id where the feed gives none."""
    labels: list[str]
    trip_ids: list[str]
    route_ids: list[str]
    stop_ids: list[str]
    direction: Int32s
    start_date: Int32s
    start_time_s: Int32s
    relationship: UInt8s
    lat: Floats
    lon: Floats
    bearing_deg: Float32s
    speed_mps: Float32s
    odometer_m: Floats
    current_stop_sequence: Int32s
    current_status: UInt8s
    timestamp_epoch_s: Int64s
    congestion: Int32s
    occupancy: Int32s
    """Index into OCCUPANCY_NAMES, or NO_VALUE."""
    occupancy_percentage: Int32s
    carriages: dict[int, list[dict[str, str | int]]] = field(default_factory=dict)
    """Row to its carriages in order: id, label, occupancy, occupancy_percentage, carriage_sequence."""

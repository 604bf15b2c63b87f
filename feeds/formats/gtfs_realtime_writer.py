"""Columns back to GTFS-realtime messages: what was kept of a feed, for any tool that reads the format.

What :func:`feeds.formats.gtfs_realtime.decode` reads from the result is what it read before.
"""

import math
from datetime import UTC, datetime
from typing import Any

from google.transit import gtfs_realtime_pb2

from domain.realtime import NO_VALUE, TripUpdates, Vehicles


def encode_trip_updates(told: TripUpdates) -> bytes:
    """A FeedMessage of TripUpdates; entities are named by their row."""
    message = _message(told.header_epoch_s)
    for row, trip_id in enumerate(told.trip_ids):
        update = message.entity.add(id=str(row)).trip_update
        _describe(update.trip, told, row, trip_id)
        if told.vehicle_ids[row] or told.vehicle_labels[row]:
            update.vehicle.id, update.vehicle.label = told.vehicle_ids[row], told.vehicle_labels[row]
        _put(update, "timestamp", int(told.timestamp_epoch_s[row]), 0)
        _put(update, "delay", int(told.delay_s[row]))
        for name, value in told.properties.get(row, {}).items():
            setattr(update.trip_properties, name, value)
        for call in range(int(told.ptr[row]), int(told.ptr[row + 1])):
            _stop(update.stop_time_update.add(), told, call)
    return bytes(message.SerializeToString())


def _stop(stop: Any, told: TripUpdates, call: int) -> None:
    _put(stop, "stop_sequence", int(told.stop_sequence[call]))
    if told.stop_ref[call] >= 0:
        stop.stop_id = told.stop_ids[int(told.stop_ref[call])]
    if told.stop_relationship[call]:
        stop.schedule_relationship = int(told.stop_relationship[call])
    for name in ("arrival", "departure"):
        time = int(getattr(told, f"{name}_epoch_s")[call])
        delay = int(getattr(told, f"{name}_delay_s")[call])
        uncertainty = int(getattr(told, f"{name}_uncertainty_s")[call])
        if time or delay != NO_VALUE or uncertainty != NO_VALUE:
            event = getattr(stop, name)
            _put(event, "time", time, 0)
            _put(event, "delay", delay)
            _put(event, "uncertainty", uncertainty)
    for name, value in told.stop_properties.get(call, {}).items():
        field = stop.stop_time_properties.DESCRIPTOR.fields_by_name.get(name)
        if field is not None:
            setattr(stop.stop_time_properties, name, value if field.type == field.TYPE_STRING else int(value))


def encode_vehicles(told: Vehicles) -> bytes:
    """A FeedMessage of VehiclePositions; entities are named by their vehicle."""
    message = _message(told.header_epoch_s)
    for row, vehicle_id in enumerate(told.vehicle_ids):
        vehicle = message.entity.add(id=vehicle_id or str(row)).vehicle
        vehicle.vehicle.id = vehicle_id
        if told.labels[row]:
            vehicle.vehicle.label = told.labels[row]
        _describe(vehicle.trip, told, row, told.trip_ids[row])
        vehicle.position.latitude, vehicle.position.longitude = float(told.lat[row]), float(told.lon[row])
        for name, column in (("bearing", told.bearing_deg), ("speed", told.speed_mps), ("odometer", told.odometer_m)):
            if not math.isnan(column[row]):
                setattr(vehicle.position, name, float(column[row]))
        if told.stop_ids[row]:
            vehicle.stop_id = told.stop_ids[row]
        _put(vehicle, "current_stop_sequence", int(told.current_stop_sequence[row]))
        vehicle.current_status = int(told.current_status[row])
        _put(vehicle, "timestamp", int(told.timestamp_epoch_s[row]), 0)
        _put(vehicle, "congestion_level", int(told.congestion[row]))
        _put(vehicle, "occupancy_status", int(told.occupancy[row]))
        _put(vehicle, "occupancy_percentage", int(told.occupancy_percentage[row]))
        for carriage in told.carriages.get(row, ()):
            added = vehicle.multi_carriage_details.add()
            for name, value in carriage.items():
                setattr(added, name, value)
    return bytes(message.SerializeToString())


def _message(header_epoch_s: int) -> Any:
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    _put(message.header, "timestamp", header_epoch_s, 0)
    return message


def _describe(trip: Any, told: TripUpdates | Vehicles, row: int, trip_id: str) -> None:
    if trip_id:
        trip.trip_id = trip_id
    if told.route_ids[row]:
        trip.route_id = told.route_ids[row]
    _put(trip, "direction_id", int(told.direction[row]))
    if told.start_date[row]:
        trip.start_date = f"{int(told.start_date[row]):08d}"
    start_s = int(told.start_time_s[row])
    if start_s != NO_VALUE:
        trip.start_time = f"{start_s // 3600:02}:{start_s // 60 % 60:02}:{start_s % 60:02}"
    if told.relationship[row]:
        trip.schedule_relationship = int(told.relationship[row])


def _put(message: Any, name: str, value: int, nothing: int = NO_VALUE) -> None:
    if value != nothing:
        setattr(message, name, value)


def stamp_of(epoch_s: float) -> str:
    """An instant as a part of a file's name that sorts by time."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y%m%dT%H%M%SZ")

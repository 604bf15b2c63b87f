"""GTFS-realtime messages, from what we know. Pure: values in, a FeedMessage out.

Source: GTFS-realtime reference, version 2.0.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from google.protobuf import json_format, text_format
from google.transit import gtfs_realtime_pb2

from domain.predictions import CallFlag
from domain.realtime import TripRelationship
from domain.situation import Period, Translation

CONTENT_TYPE = "application/x-protobuf"
TEXT_TYPE = "text/plain; charset=utf-8"
JSON_TYPE = "application/json"


class TripName(NamedTuple):
    """How a feed names one run of a trip. *start_time_s* is -1 where the timetable says it."""

    trip_id: str
    route_id: str
    direction: int
    start_date: int
    start_time_s: int
    relationship: int


class CallSaid(NamedTuple):
    """One call: *sequence* is -1 for none, times are epoch seconds, 0 for none; *uncertainty_s* -1 when unknown."""

    sequence: int
    stop_id: str
    arrival_epoch_s: int
    departure_epoch_s: int
    uncertainty_s: int
    flags: int


class TripSaid(NamedTuple):
    """One trip. *new_trip_id* names a duplicate of the trip; *delay_s* is None when it cannot be said."""

    name: TripName
    new_trip_id: str
    vehicle: tuple[str, str] | None
    updated_epoch_s: int
    delay_s: int | None
    calls: Sequence[CallSaid]


class VehicleSaid(NamedTuple):
    """One vehicle. *bearing_deg* and *speed_mps* are None when unknown; *occupancy* and *percentage* -1."""

    vehicle_id: str
    label: str
    trip: TripName | None
    lat: float
    lon: float
    bearing_deg: float | None
    speed_mps: float | None
    sequence: int
    stop_id: str
    located_epoch_s: int
    occupancy: int
    percentage: int


class Informed(NamedTuple):
    """What an alert is about; blank, None and 0 name nothing."""

    agency_id: str = ""
    route_id: str = ""
    route_mode: int | None = None
    direction: int | None = None
    stop_id: str = ""
    trip_id: str = ""
    start_date: int = 0


class AlertSaid(NamedTuple):
    """One alert; cause, effect and severity are names of the enumerations."""

    entity_id: str
    periods: Sequence[Period]
    informed: Sequence[Informed]
    cause: str
    effect: str
    severity: str
    header: Sequence[Translation]
    description: Sequence[Translation]
    url: Sequence[Translation]


def message(header_epoch_s: float, *, version: str = "2.0") -> Any:
    """An empty full dataset."""
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version = version
    feed.header.incrementality = gtfs_realtime_pb2.FeedHeader.FULL_DATASET
    feed.header.timestamp = int(header_epoch_s)
    return feed


def trip_updates(header_epoch_s: float, trips: Iterable[TripSaid]) -> Any:
    """Trips as a FeedMessage. A trip that is cancelled or deleted says nothing else."""
    feed = message(header_epoch_s)
    taken: set[str] = set()
    for said in trips:
        entity_id = f"{said.name.start_date}_{said.new_trip_id or said.name.trip_id}"
        if said.name.start_time_s >= 0:
            entity_id += f"_{_time(said.name.start_time_s)}"
        update = feed.entity.add(id=_only_once(entity_id, taken)).trip_update
        _name(update.trip, said.name)
        if said.new_trip_id:
            update.trip_properties.trip_id = said.new_trip_id
            update.trip_properties.start_date = f"{said.name.start_date:08d}"
            if said.calls and said.name.start_time_s >= 0:
                update.trip_properties.start_time = _time(said.name.start_time_s)
        if said.updated_epoch_s:
            update.timestamp = said.updated_epoch_s
        if said.name.relationship in (TripRelationship.CANCELED, TripRelationship.DELETED):
            continue
        if said.vehicle is not None:
            update.vehicle.id, update.vehicle.label = said.vehicle
        if said.delay_s is not None:
            update.delay = said.delay_s
        for call in said.calls:
            _call(update.stop_time_update.add(), call)
    return feed


def _only_once(entity_id: str, taken: set[str]) -> str:
    """*entity_id*, numbered where another entity has it already: two feeds may use one name."""
    free, number = entity_id, 2
    while free in taken:
        free, number = f"{entity_id}#{number}", number + 1
    taken.add(free)
    return free


def _call(into: Any, call: CallSaid) -> None:
    if call.sequence >= 0:
        into.stop_sequence = call.sequence
    into.stop_id = call.stop_id
    if call.flags & (CallFlag.SKIPPED | CallFlag.NO_DATA):
        kind = gtfs_realtime_pb2.TripUpdate.StopTimeUpdate
        into.schedule_relationship = kind.SKIPPED if call.flags & CallFlag.SKIPPED else kind.NO_DATA
        return
    for event, at in ((into.arrival, call.arrival_epoch_s), (into.departure, call.departure_epoch_s)):
        if at:
            event.time = at
            if call.uncertainty_s >= 0:
                event.uncertainty = call.uncertainty_s


def _name(into: Any, name: TripName) -> None:
    if name.trip_id:
        into.trip_id = name.trip_id
    if name.route_id:
        into.route_id = name.route_id
    if name.direction >= 0:
        into.direction_id = name.direction
    into.start_date = f"{name.start_date:08d}"
    if name.start_time_s >= 0 and name.relationship != TripRelationship.DUPLICATED:
        into.start_time = _time(name.start_time_s)  # a duplicate has its own in trip_properties
    into.schedule_relationship = name.relationship


def _time(service_time_s: int) -> str:
    return f"{service_time_s // 3600:02d}:{service_time_s // 60 % 60:02d}:{service_time_s % 60:02d}"


def vehicle_positions(header_epoch_s: float, vehicles: Iterable[VehicleSaid]) -> Any:
    """Vehicles as a FeedMessage."""
    feed = message(header_epoch_s)
    taken: set[str] = set()
    for said in vehicles:
        vehicle = feed.entity.add(id=_only_once(said.vehicle_id, taken)).vehicle
        vehicle.vehicle.id = said.vehicle_id
        if said.label:
            vehicle.vehicle.label = said.label
        vehicle.position.latitude, vehicle.position.longitude = said.lat, said.lon
        if said.bearing_deg is not None:
            vehicle.position.bearing = said.bearing_deg
        if said.speed_mps is not None:
            vehicle.position.speed = said.speed_mps
        if said.located_epoch_s:
            vehicle.timestamp = said.located_epoch_s
        if said.trip is not None:
            _name(vehicle.trip, said.trip)
        if said.sequence >= 0:
            vehicle.current_stop_sequence = said.sequence
        if said.stop_id:
            vehicle.stop_id = said.stop_id
        if said.occupancy >= 0:
            vehicle.occupancy_status = said.occupancy
        if said.percentage >= 0:
            vehicle.occupancy_percentage = said.percentage
    return feed


def alerts(header_epoch_s: float, said: Iterable[AlertSaid], *, version: str = "2.0") -> Any:
    """Alerts as a FeedMessage."""
    feed = message(header_epoch_s, version=version)
    kind = gtfs_realtime_pb2.Alert
    for one in said:
        alert = feed.entity.add(id=one.entity_id).alert
        for period in one.periods:
            span = alert.active_period.add()
            if period.start_epoch_s:
                span.start = period.start_epoch_s
            if period.end_epoch_s:
                span.end = period.end_epoch_s
        for informed in one.informed:
            _informed(alert.informed_entity.add(), informed)
        alert.cause = _number(kind.Cause, one.cause, kind.UNKNOWN_CAUSE)
        alert.effect = _number(kind.Effect, one.effect, kind.UNKNOWN_EFFECT)
        alert.severity_level = _number(kind.SeverityLevel, one.severity, kind.UNKNOWN_SEVERITY)
        for text, translations in (
            (alert.header_text, one.header),
            (alert.description_text, one.description),
            (alert.url, one.url),
        ):
            for translation in translations:
                added = text.translation.add(text=translation.text)
                if translation.language:
                    added.language = translation.language
    return feed


def _number(enum: Any, name: str, otherwise: int) -> int:
    return int(enum.Value(name)) if name in enum.keys() else otherwise  # noqa: SIM118  # an enum wrapper is no mapping


def _informed(into: Any, informed: Informed) -> None:
    if informed.agency_id:
        into.agency_id = informed.agency_id
    if informed.route_id:
        into.route_id = informed.route_id
    if informed.route_mode is not None:
        into.route_type = informed.route_mode
    if informed.direction is not None:
        into.direction_id = informed.direction
    if informed.stop_id:
        into.stop_id = informed.stop_id
    if informed.trip_id:
        into.trip.trip_id = informed.trip_id
        if informed.start_date:
            into.trip.start_date = f"{informed.start_date:08d}"


def binary(feed: Any) -> bytes:
    """As it goes over the wire."""
    serialized: bytes = feed.SerializeToString()
    return serialized


def text(feed: Any) -> bytes:
    """For people: protocol buffer text."""
    return text_format.MessageToString(feed, as_utf8=True).encode()


def json(feed: Any) -> bytes:
    """For people: protocol buffer JSON."""
    return json_format.MessageToJson(feed, preserving_proto_field_name=True, ensure_ascii=False).encode()

"""GTFS-realtime messages to columns: TripUpdates, VehiclePositions and Situations.

Source: GTFS-realtime reference 2.0, decoded with the official bindings. One bad entity is a Problem; only bytes that are
no FeedMessage at all raise NotThisFormat.
"""

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from domain.errors import NotThisFormat
from domain.feed import Problem, ProblemLevel
from domain.realtime import NO_VALUE, OCCUPANCY_NAMES, StopRelationship, TripRelationship, TripUpdates, Vehicles
from domain.situation import Period, Selector, Situation, Translation
from feeds.formats.decoded import Decoded
from feeds.formats.gtfs_realtime_columns import (
    Reader,
    cut,
    date_number,
    properties_of,
    read_trip_updates,
    read_vehicles,
    time_s,
)
from feeds.formats.protobuf_columns import Irregular, Wire

NAN = float("nan")
_TRIP_RELATIONSHIPS = frozenset(TripRelationship)
_STOP_RELATIONSHIPS = frozenset(StopRelationship)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeItems:
    """One dataset. A part is None when the message has no entity of that kind."""

    trip_updates: TripUpdates | None
    vehicles: Vehicles | None
    situations: tuple[Situation, ...]


def content_digest(data: bytes) -> str:
    """Of everything but the header, so that a clock that ticks over the same contents is told from news; blank for
    bytes that only the generated classes can read."""
    try:
        _, begin, end = cut(data)
    except (Irregular, NotThisFormat):
        return ""
    digest = hashlib.sha256()
    for first, last in zip(begin.tolist(), end.tolist(), strict=True):
        digest.update(data[first:last])
    return digest.hexdigest()


def decode(data: bytes, *, feed_id: str, now_epoch_s: float, quickly: bool = True) -> Decoded[RealtimeItems]:
    """The dataset in *data*; raises NotThisFormat when the bytes are not a FeedMessage, or only changes to one.

    Usual trip updates are read column by column; unusual ones, and all where not *quickly*, through the generated classes.
    """
    trips, vehicles, situations = _TripColumns(), _VehicleColumns(), []
    try:
        if not quickly:
            raise Irregular("as asked")
        read = _read_quickly(data)
        incomplete: list[str] = []
    except Irregular:
        header, entities, incomplete = _read(data)
        read = _Read(header, entities)
    header, updates, located = read.header, read.updates, read.vehicles
    if header.incrementality == gtfs_realtime_pb2.FeedHeader.DIFFERENTIAL:
        raise NotThisFormat("expected a whole dataset (FULL_DATASET), found changes to one (DIFFERENTIAL)")
    problems: dict[str, Problem] = {}
    for where in incomplete:
        _note(problems, "rt_entity_incomplete", where, "an entity lacks a field that it must have; left out")
    for entity in read.entities:
        if entity.is_deleted:
            continue
        if not read.has_updates and entity.HasField("trip_update"):
            trips.add(entity, problems)
        if not read.has_vehicles and entity.HasField("vehicle"):
            vehicles.add(entity, problems)
        if entity.HasField("alert"):
            situations.append(_situation(entity, feed_id, now_epoch_s))
    stamp = int(header.timestamp)
    if trips.trip_ids:
        updates = trips.done(stamp)
    if vehicles.vehicle_ids:
        located = vehicles.done(stamp)
    counts = {
        "trip_updates": len(updates.trip_ids) if updates else 0,
        "vehicles": len(located.vehicle_ids) if located else 0,
        "situations": len(situations),
    }
    return Decoded(
        items=RealtimeItems(
            trip_updates=updates,
            vehicles=located,
            situations=tuple(situations),
        ),
        problems=tuple(problems.values()),
        header_epoch_s=stamp,
        entity_counts={kind: count for kind, count in counts.items() if count},
    )


class _Read(NamedTuple):
    """A message: its header, entities that are still to be read, and what was read of all of them."""

    header: Any
    entities: Iterable[Any]
    has_updates: bool = False
    updates: TripUpdates | None = None
    has_vehicles: bool = False
    vehicles: Vehicles | None = None


def _read_quickly(data: bytes) -> _Read:
    """Trip updates and, where they are the usual ones, vehicles by column, the rest as entities; raises Irregular."""
    head, begin, end = cut(data)
    entity = Reader(Wire(data), len(begin))
    entity_id, is_deleted, update, vehicle = entity.text(1), entity.number(2), entity.message(3), entity.message(4)
    others = [entity.message(number) for number in range(5, 9)]
    entity.read(begin, end)
    if not entity_id.present.all():
        raise Irregular("an entity without an id")
    try:
        header = gtfs_realtime_pb2.FeedHeader.FromString(head)
    except DecodeError as error:
        raise Irregular("a header that cannot be read") from error
    if not header.IsInitialized():
        raise Irregular("a header without its required fields")
    kept, stamp = is_deleted.value == 0, int(header.timestamp)
    rest = kept & np.logical_or.reduce([other.present for other in others])
    rows = np.flatnonzero(kept & update.present)
    at = update.at[rows]
    updates = read_trip_updates(data, at, at + update.value[rows], stamp) if len(rows) else None
    vehicles, has_vehicles, rows = None, True, np.flatnonzero(kept & vehicle.present)
    if len(rows):
        at = vehicle.at[rows]
        ids = entity_id.at[rows], entity_id.length[rows]
        try:
            vehicles = read_vehicles(data, at, at + vehicle.value[rows], ids, stamp)
        except Irregular:
            has_vehicles, rest = False, rest | (kept & vehicle.present)
    try:
        entities = [
            gtfs_realtime_pb2.FeedEntity.FromString(data[begin[row] : end[row]])
            for row in np.flatnonzero(rest).tolist()
        ]
    except (DecodeError, RecursionError) as error:
        raise Irregular("an entity that cannot be read") from error
    if not all(it.IsInitialized() for it in entities):
        raise Irregular("an entity without its required fields")
    return _Read(header, entities, True, updates, has_vehicles, vehicles)


def _read(data: bytes) -> tuple[Any, list[Any], list[str]]:
    """Header, the entities that are whole, and where the others are; raises NotThisFormat."""
    message: Any = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(data)
    except (DecodeError, RecursionError) as error:
        raise NotThisFormat(f"expected a GTFS-realtime FeedMessage, found {_looks_like(data)}") from error
    if not message.HasField("header"):
        raise NotThisFormat(f"expected a GTFS-realtime FeedMessage, found {_looks_like(data)}, without a header")
    if message.IsInitialized():
        return message.header, list(message.entity), []
    whole = [it for it in message.entity if set(it.FindInitializationErrors()) <= {"id"}]
    kept = {id(it) for it in whole}
    lost = [it.id or f"entity {row}" for row, it in enumerate(message.entity) if id(it) not in kept]
    if lost and not whole:
        raise NotThisFormat(f"expected a GTFS-realtime FeedMessage, found {_looks_like(data)}, no entity of it whole")
    return message.header, whole, lost


def _looks_like(data: bytes) -> str:
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:64]
    if start[:1] in b"{[" and start:
        kind = "JSON"
    elif start[:1] == b"<":
        kind = "HTML" if b"html" in start.lower() else "XML"
    elif start.startswith((b"header {", b"header:", b"header{")):
        kind = "protobuf as text"
    elif start.startswith(b"PK"):
        kind = "a zip"
    else:
        return f"{len(data)} bytes that start {data[:24]!r}"
    return f"{kind} of {len(data)} bytes"


def _note(problems: dict[str, Problem], code: str, where: str, message: str) -> None:
    known = problems.get(code)
    problems[code] = Problem(
        code=code, level=ProblemLevel.WARNING, where=known.where if known else where,
        message=known.message if known else message, count=known.count + 1 if known else 1,
    )  # fmt: skip


class _Descriptors:
    """The columns that TripUpdates and Vehicles share: which trip is meant."""

    def __init__(self) -> None:
        self.trip_ids: list[str] = []
        self.route_ids: list[str] = []
        self.direction = array("i")
        self.start_date = array("i")
        self.start_time_s = array("i")
        self.relationship = array("B")

    def describe(self, trip: Any, where: str, problems: dict[str, Problem]) -> None:
        relationship = trip.schedule_relationship
        if relationship not in _TRIP_RELATIONSHIPS:
            _note(problems, "rt_trip_relationship", where, f"schedule_relationship {relationship} is unknown; ignored")
            relationship = 2
        self.trip_ids.append(trip.trip_id)
        self.route_ids.append(trip.route_id)
        self.direction.append(trip.direction_id if trip.HasField("direction_id") and trip.direction_id < 2 else NO_VALUE)  # fmt: skip
        self.start_date.append(date_number(trip.start_date))
        self.start_time_s.append(time_s(trip.start_time) if trip.start_time else NO_VALUE)
        self.relationship.append(relationship)

    def shared(self) -> dict[str, Any]:
        return {
            "trip_ids": self.trip_ids,
            "route_ids": self.route_ids,
            "direction": np.array(self.direction, np.int32),
            "start_date": np.array(self.start_date, np.int32),
            "start_time_s": np.array(self.start_time_s, np.int32),
            "relationship": np.array(self.relationship, np.uint8),
        }


class _TripColumns(_Descriptors):
    def __init__(self) -> None:
        super().__init__()
        self.vehicle_ids: list[str] = []
        self.vehicle_labels: list[str] = []
        self.timestamp = array("q")
        self.delay = array("i")
        self.ptr = array("i", [0])
        self.sequence = array("i")
        self.stop_rows: dict[str, int] = {}
        self.stop_ref = array("i")
        self.stop_relationship = array("B")
        self.events = (array("q"), array("i"), array("i"), array("q"), array("i"), array("i"))
        self.properties: dict[int, dict[str, str]] = {}
        self.stop_properties: dict[int, dict[str, str]] = {}

    def add(self, entity: Any, problems: dict[str, Problem]) -> None:
        update = entity.trip_update
        self.describe(update.trip, entity.id, problems)
        self.vehicle_ids.append(update.vehicle.id)
        self.vehicle_labels.append(update.vehicle.label)
        self.timestamp.append(_stamp(update.timestamp))
        self.delay.append(update.delay if update.HasField("delay") else NO_VALUE)
        if update.HasField("trip_properties"):
            self.properties[len(self.trip_ids) - 1] = properties_of(update.trip_properties)
        stop_rows = self.stop_rows
        for stop in update.stop_time_update:
            relationship = stop.schedule_relationship
            if relationship not in _STOP_RELATIONSHIPS:
                _note(problems, "rt_stop_relationship", entity.id, f"schedule_relationship {relationship} is unknown; taken as no data")  # fmt: skip
                relationship = 2
            self.sequence.append(min(stop.stop_sequence, 2**31 - 1) if stop.HasField("stop_sequence") else NO_VALUE)
            stop_id = stop.stop_id
            self.stop_ref.append(stop_rows.setdefault(stop_id, len(stop_rows)) if stop_id else -1)
            self.stop_relationship.append(relationship)
            self._event(stop.arrival if stop.HasField("arrival") else None, 0)
            self._event(stop.departure if stop.HasField("departure") else None, 3)
            if stop.HasField("stop_time_properties"):
                self.stop_properties[len(self.sequence) - 1] = properties_of(stop.stop_time_properties)
        self.ptr.append(len(self.sequence))

    def _event(self, event: Any, first: int) -> None:
        times, delays, uncertainties = self.events[first : first + 3]
        if event is None:
            times.append(0)
            delays.append(NO_VALUE)
            uncertainties.append(NO_VALUE)
            return
        times.append(event.time if 0 < event.time < 2**32 else 0)
        delays.append(event.delay if event.HasField("delay") else NO_VALUE)
        uncertainties.append(event.uncertainty if event.HasField("uncertainty") else NO_VALUE)

    def done(self, header_epoch_s: int) -> TripUpdates:
        arrival, arrival_delay, arrival_wide, departure, departure_delay, departure_wide = self.events
        return TripUpdates(
            header_epoch_s=header_epoch_s,
            vehicle_ids=self.vehicle_ids,
            vehicle_labels=self.vehicle_labels,
            timestamp_epoch_s=np.array(self.timestamp, np.int64),
            delay_s=np.array(self.delay, np.int32),
            ptr=np.array(self.ptr, np.int32),
            stop_sequence=np.array(self.sequence, np.int32),
            stop_ids=list(self.stop_rows),
            stop_ref=np.array(self.stop_ref, np.int32),
            stop_relationship=np.array(self.stop_relationship, np.uint8),
            arrival_epoch_s=np.array(arrival, np.int64),
            arrival_delay_s=np.array(arrival_delay, np.int32),
            arrival_uncertainty_s=np.array(arrival_wide, np.int32),
            departure_epoch_s=np.array(departure, np.int64),
            departure_delay_s=np.array(departure_delay, np.int32),
            departure_uncertainty_s=np.array(departure_wide, np.int32),
            properties=self.properties,
            stop_properties=self.stop_properties,
            **self.shared(),
        )


def _stamp(value: int) -> int:
    return int(value) if 0 < value < 2**32 else 0


class _VehicleColumns(_Descriptors):
    def __init__(self) -> None:
        super().__init__()
        self.vehicle_ids: list[str] = []
        self.labels: list[str] = []
        self.stop_ids: list[str] = []
        self.rows: list[tuple[float, float, float, float, float]] = []
        self.whole: list[tuple[int, int, int, int, int, int]] = []
        self.carriages: dict[int, list[dict[str, str | int]]] = {}

    def add(self, entity: Any, problems: dict[str, Problem]) -> None:
        vehicle = entity.vehicle
        if not vehicle.HasField("position"):
            _note(problems, "rt_no_position", entity.id, "a vehicle without a position; left out")
            return
        at = vehicle.position
        if not (abs(at.latitude) <= 90 and abs(at.longitude) <= 180) or (at.latitude == 0 and at.longitude == 0):
            _note(problems, "rt_bad_position", entity.id, f"{at.latitude}, {at.longitude} is nowhere on earth a bus runs; left out")  # fmt: skip
            return
        self.describe(vehicle.trip, entity.id, problems)
        self.vehicle_ids.append(vehicle.vehicle.id or entity.id)
        self.labels.append(vehicle.vehicle.label)
        self.stop_ids.append(vehicle.stop_id)
        self.rows.append(
            (
                at.latitude,
                at.longitude,
                at.bearing if at.HasField("bearing") else NAN,
                at.speed if at.HasField("speed") else NAN,
                at.odometer if at.HasField("odometer") else NAN,
            )
        )
        occupancy = vehicle.occupancy_status if vehicle.HasField("occupancy_status") else NO_VALUE
        self.whole.append(
            (
                min(vehicle.current_stop_sequence, 2**31 - 1)
                if vehicle.HasField("current_stop_sequence")
                else NO_VALUE,
                vehicle.current_status,
                _stamp(vehicle.timestamp),
                vehicle.congestion_level if vehicle.HasField("congestion_level") else NO_VALUE,
                occupancy if 0 <= occupancy < len(OCCUPANCY_NAMES) else NO_VALUE,
                vehicle.occupancy_percentage
                if vehicle.HasField("occupancy_percentage") and vehicle.occupancy_percentage < 1000
                else NO_VALUE,
            )
        )
        if vehicle.multi_carriage_details:
            self.carriages[len(self.vehicle_ids) - 1] = [
                {name.name: value for name, value in carriage.ListFields() if isinstance(value, (str, int))}
                for carriage in vehicle.multi_carriage_details
            ]

    def done(self, header_epoch_s: int) -> Vehicles:
        lat, lon, bearing, speed, odometer = np.array(self.rows, float).T
        sequence, status, stamp, congestion, occupancy, percentage = np.array(self.whole, np.int64).T
        return Vehicles(
            header_epoch_s=header_epoch_s,
            vehicle_ids=self.vehicle_ids,
            labels=self.labels,
            stop_ids=self.stop_ids,
            lat=lat.copy(),
            lon=lon.copy(),
            bearing_deg=bearing.astype(np.float32),
            speed_mps=speed.astype(np.float32),
            odometer_m=odometer.copy(),
            current_stop_sequence=sequence.astype(np.int32),
            current_status=np.clip(status, 0, 2).astype(np.uint8),
            timestamp_epoch_s=stamp.copy(),
            congestion=congestion.astype(np.int32),
            occupancy=occupancy.astype(np.int32),
            occupancy_percentage=percentage.astype(np.int32),
            carriages=self.carriages,
            **self.shared(),
        )


def _situation(entity: Any, feed_id: str, now_epoch_s: float) -> Situation:
    alert = entity.alert
    return Situation(
        raw_id=entity.id,
        feed_id=feed_id,
        created_epoch_s=int(now_epoch_s),
        periods=tuple(
            Period(start_epoch_s=_period_stamp(one.start), end_epoch_s=_period_stamp(one.end))
            for one in alert.active_period
        ),
        selectors=tuple(_selector(one) for one in alert.informed_entity),
        cause=_enum_name(gtfs_realtime_pb2.Alert.Cause, alert.cause, "UNKNOWN_CAUSE"),
        effect=_enum_name(gtfs_realtime_pb2.Alert.Effect, alert.effect, "UNKNOWN_EFFECT"),
        severity=_enum_name(gtfs_realtime_pb2.Alert.SeverityLevel, alert.severity_level, "UNKNOWN_SEVERITY"),
        header=_texts(alert.header_text),
        description=_texts(alert.description_text),
        url=_texts(alert.url),
    )


def _enum_name(enum: Any, number: int, otherwise: str) -> str:
    return str(enum.Name(number)) if number in enum.values() else otherwise


def _period_stamp(value: int) -> int:
    """Seconds, also where a feed writes milliseconds; 0 where it says nothing that is a time."""
    return _stamp(value // 1000 if 10**11 <= value < 10**14 else value)


def _texts(text: Any) -> tuple[Translation, ...]:
    return tuple(Translation(text=one.text, language=one.language) for one in text.translation if one.text.strip())


def _selector(entity: Any) -> Selector:
    trip = entity.trip
    return Selector(
        agency_raw_id=entity.agency_id,
        route_raw_id=entity.route_id or trip.route_id,
        route_mode=entity.route_type if entity.HasField("route_type") else None,
        direction=next((one.direction_id for one in (entity, trip) if one.HasField("direction_id")), None),
        stop_raw_id=entity.stop_id,
        trip_raw_id=trip.trip_id,
        trip_start_date=date_number(trip.start_date),
        trip_start_time_s=None if time_s(trip.start_time) == NO_VALUE else time_s(trip.start_time),
    )

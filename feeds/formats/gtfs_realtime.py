"""GTFS-realtime messages to columns: TripUpdates, VehiclePositions and Situations.

Source: GTFS-realtime reference 2.0, decoded with the official bindings. One bad entity is a Problem; only bytes that are
no FeedMessage at all raise NotThisFormat.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from domain.errors import NotThisFormat
from domain.feed import Problem
from domain.realtime import TripUpdates, Vehicles
from domain.situation import Situation
from feeds.formats.decoded import Decoded
from feeds.formats.gtfs_realtime_columns import Reader, cut, read_trip_updates, read_vehicles
from feeds.formats.gtfs_realtime_entities import TripColumns, VehicleColumns, note
from feeds.formats.gtfs_realtime_situations import situation_of
from feeds.formats.protobuf_columns import Irregular, Wire


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
    trips, vehicles, situations = TripColumns(), VehicleColumns(), []
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
        note(problems, "rt_entity_incomplete", where, "an entity lacks a field that it must have; left out")
    for entity in read.entities:
        if entity.is_deleted:
            continue
        if not read.has_updates and entity.HasField("trip_update"):
            trips.add(entity, problems)
        if not read.has_vehicles and entity.HasField("vehicle"):
            vehicles.add(entity, problems)
        if entity.HasField("alert"):
            situations.append(situation_of(entity, feed_id, now_epoch_s))
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

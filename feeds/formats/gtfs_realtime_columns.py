"""TripUpdates and VehiclePositions straight from the bytes of a FeedMessage, column by column.

The quick way for the usual message, with the same result as ``gtfs_realtime_entities`` has through the generated classes; for
anything unusual :class:`Irregular` is raised and that way is taken. Field numbers are those of gtfs-realtime.proto.
"""

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from domain.errors import NotThisFormat
from domain.realtime import (
    NO_VALUE,
    OCCUPANCY_NAMES,
    Int32s,
    Int64s,
    StopRelationship,
    StopStatus,
    TripRelationship,
    TripUpdates,
    Vehicles,
)
from feeds.formats.protobuf_columns import BYTES, FIXED32, FIXED64, VARINT, Irregular, Wire

_Update = gtfs_realtime_pb2.TripUpdate
PORTION = 1 << 14
"""Messages read side by side: their columns stay in the processor's cache."""
MAX_ENTITIES = 500_000
"""Of one dataset; the largest recorded has 2,497. A body of the largest allowed size could hold sixteen million empty ones."""
_HEADER, _ENTITY = 1 << 3 | BYTES, 2 << 3 | BYTES


class Column:
    """A field that occurs at most once in each message: where it is, or what it is; -1 long where it is absent."""

    def __init__(self, number: int, kind: int, count: int) -> None:
        self.tag = number << 3 | kind
        self.present = np.zeros(count, bool)
        self.value = np.zeros(count, np.int64)
        self.at = np.zeros(count, np.int64)

    def take(self, rows: Int64s, value: Int64s, at: Int64s) -> None:
        where: Int64s | slice = rows
        if int(rows[-1]) - int(rows[0]) == len(rows) - 1:
            where = slice(int(rows[0]), int(rows[-1]) + 1)  # all in a row: copied, not scattered
        self.present[where] = True
        self.value[where] = value
        self.at[where] = at

    @property
    def length(self) -> Int64s:
        return np.where(self.present, self.value, -1)

    def or_none(self) -> Int32s:
        """As a 32-bit number, NO_VALUE where absent."""
        return np.where(self.present, self.value.astype(np.int32), np.int32(NO_VALUE))


class Reader:
    """The columns of one type of message."""

    def __init__(self, wire: Wire, count: int) -> None:
        self.wire, self.count = wire, count
        self.columns: dict[int, Column] = {}
        self.messages: set[int] = set()
        self.repeated: dict[int, list[tuple[Int64s, Int64s, Int64s]]] = {}
        self.odd: set[int] = set()

    def number(self, number: int) -> Column:
        return self._add(Column(number, VARINT, self.count))

    def text(self, number: int) -> Column:
        return self._add(Column(number, BYTES, self.count))

    def fixed(self, number: int, size: int) -> Column:
        """A floating point number of 4 or 8 bytes: ``at`` is where it stands."""
        return self._add(Column(number, FIXED32 if size == 4 else FIXED64, self.count))

    def message(self, number: int) -> Column:
        column = self.text(number)
        self.messages.add(column.tag)  # given twice it would have to be merged
        return column

    def many(self, number: int) -> list[tuple[Int64s, Int64s, Int64s]]:
        return self.repeated.setdefault(number << 3 | BYTES, [])

    def unusual(self, *numbers: int) -> None:
        """Messages that only the generated classes read."""
        self.odd.update(number << 3 | BYTES for number in numbers)

    def _add(self, column: Column) -> Column:
        self.columns[column.tag] = column
        return column

    def read(self, begin: Int64s, end: Int64s) -> None:
        for first in range(0, len(begin), PORTION):
            portion = slice(first, first + PORTION)
            for rows, tags, values, ats in self.wire.fields(begin[portion], end[portion]):
                if isinstance(tags, int):
                    self._take(tags, rows + first, values, ats)
                    continue
                for tag in np.unique(tags).tolist():
                    mine = np.flatnonzero(tags == tag)
                    self._take(tag, rows[mine] + first, values[mine], ats[mine])

    def _take(self, tag: int, rows: Int64s, value: Int64s, at: Int64s) -> None:
        if tag in self.odd:
            raise Irregular("a rare message")
        if tag in self.repeated:
            self.repeated[tag].append((rows, value, at))
            return
        column = self.columns.get(tag)
        if column is None:
            return  # unknown: skipped, as every reader does
        if tag in self.messages and column.present[rows].any():
            raise Irregular("a message given twice")
        column.take(rows, value, at)


def cut(data: bytes) -> tuple[bytes, Int64s, Int64s]:
    """The header's bytes, and where each entity begins and ends; raises Irregular, or NotThisFormat where there are too many."""
    head = b""
    begins: list[int] = []
    ends: list[int] = []
    at, end = 0, len(data)
    try:
        while at < end:
            tag, size, shift = data[at], data[at + 1], 7
            at += 2
            if size > 0x7F:
                size &= 0x7F
                while True:
                    byte = data[at]
                    at += 1
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
            if tag == _ENTITY:
                if len(begins) == MAX_ENTITIES:
                    raise NotThisFormat(f"expected a dataset of at most {MAX_ENTITIES} entities, found more")
                begins.append(at)
                ends.append(at + size)
            elif tag == _HEADER and not head:
                head = data[at : at + size]
            else:
                raise Irregular("something beside one header and entities")
            at += size
    except IndexError:
        raise Irregular("a message that is cut short") from None
    if at != end or not head:
        raise Irregular("a message that is cut short, or has no header")
    return head, np.array(begins, np.int64), np.array(ends, np.int64)


def read_trip_updates(data: bytes, begin: Int64s, end: Int64s, header_epoch_s: int) -> TripUpdates:
    """The TripUpdates in ``data[begin[i]:end[i]]``, a row each; raises Irregular."""
    wire, n = Wire(data), len(begin)
    update = Reader(wire, n)
    trip, vehicle, properties = update.message(1), update.message(3), update.message(6)
    stamp, delay, stops = update.number(4), update.number(5), update.many(2)
    update.read(begin, end)
    if not trip.present.all():
        raise Irregular("a trip update without a trip")

    vehicle_ids, labels = _vehicle_names(wire, vehicle)

    ptr, stop_at, stop_size = _in_order(stops, n)
    m = len(stop_at)
    stop = Reader(wire, m)
    sequence, stop_id, stop_relationship = stop.number(1), stop.text(4), stop.number(5)
    events, stop_properties = (stop.message(2), stop.message(3)), stop.message(6)
    stop.read(stop_at, stop_at + stop_size)
    moment = Reader(wire, 2 * m)
    moment_delay, moment_time, uncertainty = moment.number(1), moment.number(2), moment.number(3)
    moment_at = np.concatenate([event.at for event in events])
    moment.read(moment_at, moment_at + np.concatenate([np.where(e.present, e.value, 0) for e in events]))
    times = _stamps(moment_time)
    delays, unsure = moment_delay.or_none(), uncertainty.or_none()

    stop_rows, stop_ref = wire.distinct(stop_id.at, np.where(stop_id.present, stop_id.value, 0))
    stop_ids = wire.texts(stop_id.at[stop_rows], stop_id.length[stop_rows])
    if "" in stop_ids:
        blank = stop_ids.index("")
        stop_ref = np.where(stop_ref == blank, -1, stop_ref - (stop_ref > blank))
        stop_ids.remove("")
    return TripUpdates(
        header_epoch_s=header_epoch_s,
        vehicle_ids=vehicle_ids,
        vehicle_labels=labels,
        timestamp_epoch_s=_stamps(stamp),
        delay_s=delay.or_none(),
        ptr=ptr,
        stop_sequence=_sequences(sequence),
        stop_ids=stop_ids,
        stop_ref=stop_ref.astype(np.int32),
        stop_relationship=_enum(stop_relationship, StopRelationship),
        arrival_epoch_s=times[:m],
        arrival_delay_s=delays[:m],
        arrival_uncertainty_s=unsure[:m],
        departure_epoch_s=times[m:],
        departure_delay_s=delays[m:],
        departure_uncertainty_s=unsure[m:],
        properties=_properties(wire, properties, _Update.TripProperties),
        stop_properties=_properties(wire, stop_properties, _Update.StopTimeUpdate.StopTimeProperties),
        **_descriptors(wire, trip),
    )


def read_vehicles(
    data: bytes, begin: Int64s, end: Int64s, entity_ids: tuple[Int64s, Int64s], header_epoch_s: int
) -> Vehicles:
    """The VehiclePositions in ``data[begin[i]:end[i]]``, a row each, if all are somewhere on Earth; raises Irregular.

    *entity_ids* are place and length of their entities' ids.
    """
    wire, n = Wire(data), len(begin)
    position = Reader(wire, n)
    trip, place, vehicle = position.message(1), position.message(2), position.message(8)
    sequence, status, stamp, congestion = (position.number(number) for number in (3, 4, 5, 6))
    stop_id, occupancy, percentage = position.text(7), position.number(9), position.number(10)
    position.unusual(11)
    position.read(begin, end)
    where = Reader(wire, n)
    lat, lon, bearing, odometer, speed = (where.fixed(number, 8 if number == 4 else 4) for number in range(1, 6))
    where.read(place.at, place.at + np.where(place.present, place.value, 0))
    if not (lat.present & lon.present).all():
        raise Irregular("a vehicle without a position")
    lats, lons = wire.floats(lat.at), wire.floats(lon.at)
    if not ((np.abs(lats) <= 90) & (np.abs(lons) <= 180) & ((lats != 0) | (lons != 0))).all():
        raise Irregular("a vehicle nowhere on Earth")
    names, labels = _vehicle_names(wire, vehicle)
    own = wire.texts(*entity_ids) if "" in names else names
    known = _enum(occupancy, range(len(OCCUPANCY_NAMES))).astype(np.int32)
    percent = percentage.value & 0xFFFFFFFF
    return Vehicles(
        header_epoch_s=header_epoch_s,
        vehicle_ids=[name or other for name, other in zip(names, own, strict=True)],
        labels=labels,
        stop_ids=wire.texts(stop_id.at, stop_id.length),
        lat=lats,
        lon=lons,
        bearing_deg=np.where(bearing.present, wire.floats(bearing.at), np.nan).astype(np.float32),
        speed_mps=np.where(speed.present, wire.floats(speed.at), np.nan).astype(np.float32),
        odometer_m=np.where(odometer.present, wire.doubles(odometer.at), np.nan),
        current_stop_sequence=_sequences(sequence),
        current_status=np.where(status.present, _enum(status, StopStatus), StopStatus.IN_TRANSIT_TO).astype(np.uint8),
        timestamp_epoch_s=_stamps(stamp),
        congestion=np.where(congestion.present, _enum(congestion, range(5)).astype(np.int32), np.int32(NO_VALUE)),
        occupancy=np.where(occupancy.present, known, np.int32(NO_VALUE)),
        occupancy_percentage=np.where(percentage.present & (percent < 1000), percent, NO_VALUE).astype(np.int32),
        carriages={},
        **_descriptors(wire, trip),
    )


def _descriptors(wire: Wire, trip: Column) -> dict[str, Any]:
    """The columns of the TripDescriptors at *trip*; absent ones are blank."""
    descriptor = Reader(wire, len(trip.at))
    trip_id, start_time, start_date = descriptor.text(1), descriptor.text(2), descriptor.text(3)
    relationship, route_id, direction = descriptor.number(4), descriptor.text(5), descriptor.number(6)
    descriptor.unusual(7)
    descriptor.read(trip.at, trip.at + np.where(trip.present, trip.value, 0))
    way = direction.value & 0xFFFFFFFF
    return {
        "trip_ids": wire.texts(trip_id.at, trip_id.length),
        "route_ids": wire.texts(route_id.at, route_id.length),
        "direction": np.where(direction.present & (way < 2), way, NO_VALUE).astype(np.int32),
        "start_date": _parsed(wire, start_date, date_number),
        "start_time_s": _parsed(wire, start_time, time_s),
        "relationship": _enum(relationship, TripRelationship),
    }


def _vehicle_names(wire: Wire, vehicle: Column) -> tuple[list[str], list[str]]:
    """Ids and labels of the VehicleDescriptors at *vehicle*, blank where absent."""
    descriptor = Reader(wire, len(vehicle.at))
    vehicle_id, label = descriptor.text(1), descriptor.text(2)
    descriptor.read(vehicle.at, vehicle.at + np.where(vehicle.present, vehicle.value, 0))
    return wire.texts(vehicle_id.at, vehicle_id.length), wire.texts(label.at, label.length)


def _stamps(column: Column) -> Int64s:
    """Epoch seconds; 0 for what cannot be one."""
    stamps: Int64s = np.where((column.value > 0) & (column.value < 2**32), column.value, 0)
    return stamps


def _sequences(column: Column) -> Int32s:
    """Unsigned numbers that must fit into signed ones."""
    numbers = np.minimum(column.value & 0xFFFFFFFF, 2**31 - 1)
    return np.where(column.present, numbers, NO_VALUE).astype(np.int32)


def _in_order(found: list[tuple[Int64s, Int64s, Int64s]], count: int) -> tuple[Int32s, Int64s, Int64s]:
    """Messages that occur many times in others: row pointers of each of *count*, where each begins, how long it is."""
    many = np.zeros(count, np.int64)
    places: list[Int64s] = []
    for rows, _, _ in found:
        places.append(many[rows])
        many[rows] += 1
    ptr = np.zeros(count + 1, np.int32)
    np.cumsum(many, out=ptr[1:])
    at, size = np.zeros(int(ptr[-1]), np.int64), np.zeros(int(ptr[-1]), np.int64)
    for (rows, length, start), place in zip(found, places, strict=True):
        at[ptr[rows] + place], size[ptr[rows] + place] = start, length
    return ptr, at, size


def _enum(column: Column, values: Any) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    known = np.isin(column.value, [int(value) for value in values])
    if not known.all():
        raise Irregular("a value that the enumeration lacks")
    return column.value.astype(np.uint8)


def _parsed(wire: Wire, column: Column, parse: Any) -> Int32s:
    """A column of texts of which few are different."""
    rows, index = wire.distinct(column.at, np.where(column.present, column.value, 0))
    values = [parse(text) for text in wire.texts(column.at[rows], column.length[rows])]
    return np.array(values, np.int32)[index] if values else np.zeros(0, np.int32)


def _properties(wire: Wire, column: Column, kind: Any) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for row in np.flatnonzero(column.present).tolist():
        start, size = int(column.at[row]), int(column.value[row])
        try:
            message = kind.FromString(wire.data[start : start + size])
        except DecodeError as error:
            raise Irregular("properties that cannot be read") from error
        found[row] = properties_of(message)
    return found


def properties_of(message: Any) -> dict[str, str]:
    """The fields that are set, by name."""
    return {name.name: str(value) for name, value in message.ListFields() if not name.is_extension}


def stamp_s(value: int) -> int:
    """An instant in epoch seconds; 0 for what is none."""
    return int(value) if 0 < value < 2**32 else 0


def date_number(text: str) -> int:
    """``20261124`` as that number; 0 for anything else."""
    return int(text) if len(text) == 8 and text.isascii() and text.isdigit() else 0


def time_s(text: str | bytes) -> int:
    """``H:MM:SS`` as seconds; NO_VALUE for anything else, as for what is no UTF-8: that the generated classes give as bytes."""
    parts = text.split(":") if isinstance(text, str) else []
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return NO_VALUE
    value = int(parts[0]) * 3600 + int(parts[1]) * 60 + int(parts[2])
    return value if value < 864_000 else NO_VALUE

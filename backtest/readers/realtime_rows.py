"""Vehicle positions and trip updates as rows, from tables or GTFS-realtime messages, before any timetable is known."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backtest.readers.folder import Folder, Table, numbers, texts
from backtest.recording import Bools, Floats, Int64s, SetUnreadable
from domain.errors import NotThisFormat
from domain.realtime import NO_VALUE, TripRelationship, TripUpdates, Vehicles
from feeds.formats.gtfs_realtime import decode

TRIP = ("trip_id", "vehicle.trip.trip_id", "trip_update.trip.trip_id", "trip.trip_id")
DAY = (
    "start_date",
    "trip_start_date",
    "vehicle.trip.start_date",
    "trip_update.trip.start_date",
    "trip.start_date",
    "date",
)
RECEIVED = ("feed_timestamp", "header_timestamp", "header.timestamp", "ft", "received", "received_at")
AT = ("vehicle.timestamp", "vehicle_timestamp", "timestamp")
VEHICLE = ("vehicle_id", "vehicle.vehicle.id", "vehicle.id")
LAT = ("lat", "latitude", "vehicle.position.latitude", "position.latitude")
LON = ("lon", "longitude", "vehicle.position.longitude", "position.longitude")
SEQUENCE = ("current_stop_sequence", "vehicle.current_stop_sequence")
STOP = ("stop_id", "vehicle.stop_id")
STATUS = ("current_status", "vehicle.current_status")
ROUTE = ("route_id", "vehicle.trip.route_id", "trip_update.trip.route_id", "trip.route_id")
UPDATE = "trip_update.stop_time_update."
UPDATE_SEQUENCE = ("stop_sequence", "seq", UPDATE + "stop_sequence")
UPDATE_STOP = ("stop_id", UPDATE + "stop_id")
ARRIVAL = ("arrival_time", "arrival.time", UPDATE + "arrival.time", "time")
DEPARTURE = ("departure_time", "departure.time", UPDATE + "departure.time")
ARRIVAL_DELAY = ("arrival_delay", "arrival.delay", UPDATE + "arrival.delay", "delay")
DEPARTURE_DELAY = ("departure_delay", "departure.delay", UPDATE + "departure.delay")
STOP_RELATION = ("ssr", UPDATE + "schedule_relationship", "stop_schedule_relationship")
TRIP_RELATION = ("tsr", "trip_update.trip.schedule_relationship", "trip_schedule_relationship")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Positions, a row each, in order of receipt, each report of a vehicle once."""

    received_s: Floats
    at_s: Floats
    trip: list[str]
    day: list[str]
    """yyyymmdd, or empty."""
    route: list[str]
    vehicle: list[str]
    lat: Floats
    lon: Floats
    sequence: Int64s
    """-1 where not said."""
    stop: list[str]
    stopped: Bools

    def __len__(self) -> int:
        return len(self.trip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """Stop time updates, a row each; rows of one message lie together, messages in order of receipt."""

    message_s: Floats
    source: list[str]
    """The feed that each came from: a newer message replaces only what its own feed said."""
    trip: list[str]
    day: list[str]
    route: list[str]
    sequence: Int64s
    stop: list[str]
    arrival_s: Floats
    departure_s: Floats
    arrival_delay_s: Floats
    departure_delay_s: Floats
    relation: Int64s
    """StopRelationship."""


def is_positions(table: Table) -> bool:
    """Has the table the columns of vehicle positions?"""
    return table.has(TRIP, LAT, LON, VEHICLE) and table.has(AT)


def lacking(table: Table) -> list[str]:
    """What a table of positions lacks, by its usual name; empty when it is one, or nothing like one."""
    wanted = {"trip_id": TRIP, "latitude": LAT, "longitude": LON, "vehicle_id": VEHICLE, "timestamp": AT}
    absent = [name for name, spellings in wanted.items() if not table.has(spellings)]
    return absent if len(absent) < len(wanted) // 2 + 1 else []


def is_updates(table: Table) -> bool:
    """Has the table the columns of trip updates?"""
    return table.has(TRIP, RECEIVED) and (table.has(UPDATE_SEQUENCE) or table.has(UPDATE_STOP)) and (
        table.has(ARRIVAL) or table.has(ARRIVAL_DELAY)
    ) and not table.has(LAT)  # fmt: skip


def reports(folder: Folder) -> Reports:
    """All positions of the folder, from its tables, else from its messages; raises SetUnreadable when it has none."""
    tables = [it for it in folder.tables if is_positions(it)]
    found = [_reports_of(it) for it in tables]
    if not found:
        found = [
            reports_in(vehicles, float(vehicles.header_epoch_s))
            for _, vehicles in _decoded(folder, "vehicles")
            if isinstance(vehicles, Vehicles)
        ]
    if not found:
        raise SetUnreadable(f"{folder.paths[-1]}: expected vehicle positions")
    return together(found)


def together(found: list[Reports]) -> Reports:
    """All of them in order of receipt, each report of a vehicle once."""
    return _once(_joined(found))


def updates(folder: Folder) -> Updates | None:
    """All trip updates of the folder, or None."""
    found = _parts([_updates_of(it) for it in folder.tables if is_updates(it)])
    if not found:
        found = [
            updates_in(dataset, float(dataset.header_epoch_s), source)
            for source, dataset in _decoded(folder, "trip_updates")
            if isinstance(dataset, TripUpdates)
        ]
    return in_order(found)


def _parts(tables: list[Updates]) -> list[Updates]:
    """The same; tables that lie one after another in time, with names that differ by digits only, are one feed's."""
    ends: dict[str, float] = {}
    for one in sorted((it for it in tables if len(it.source)), key=lambda it: float(it.message_s.min())):
        name = re.sub(r"\d+", "", Path(one.source[0]).name)
        if float(one.message_s.min()) >= ends.get(name, -np.inf):
            one.source[:] = [name] * len(one.source)
            ends[name] = float(one.message_s.max())
    return tables


def in_order(found: list[Updates]) -> Updates | None:
    """All of them in order of receipt; None when there are none."""
    if not found:
        return None
    columns = {name: _concatenated([getattr(it, name) for it in found]) for name in Updates.__slots__}
    order = np.argsort(columns["message_s"], kind="stable")
    return Updates(**{name: _taken(column, order) for name, column in columns.items()})  # type: ignore[arg-type]


def _decoded(folder: Folder, part: str) -> Iterable[tuple[str, TripUpdates | Vehicles | None]]:
    """(feed, what it says); files whose names differ by digits only are one feed's polls."""
    for name, body in folder.messages(part):
        try:
            items = decode(body, feed_id=name, now_epoch_s=0.0).items
        except NotThisFormat as error:
            raise SetUnreadable(f"{name}: {error}") from error
        yield re.sub(r"\d+", "", name), getattr(items, part)


def _reports_of(table: Table) -> Reports:
    read = table.read(
        trip=TRIP, day=DAY, received=RECEIVED, at=AT, vehicle=VEHICLE, lat=LAT, lon=LON, sequence=SEQUENCE,
        stop=STOP, status=STATUS, route=ROUTE,
    )  # fmt: skip
    at = instants(read, "at")
    received = instants(read, "received") if "received" in read.column_names else at
    read = read.append_column("received_s", pa.array(received)).append_column("at_s", pa.array(at))
    # Feeds repeat a report until there is a newer one: only its first receipt is news.
    keys = [name for name in ("vehicle", "trip", "at_s") if name in read.column_names]
    order = np.argsort(received, kind="stable")
    read = read.take(pa.array(order))
    read = read.append_column("row", pa.array(np.arange(read.num_rows)))
    firsts = read.select([*keys, "row"]).group_by(keys).aggregate([("row", "min")])["row_min"]
    read = read.take(pa.array(np.sort(firsts.to_numpy())))
    sequence = numbers(read, "sequence")
    status = texts(read, "status")
    return Reports(
        received_s=numbers(read, "received_s"),
        at_s=numbers(read, "at_s"),
        trip=texts(read, "trip"),
        day=_days(texts(read, "day")),
        route=texts(read, "route"),
        vehicle=texts(read, "vehicle"),
        lat=numbers(read, "lat"),
        lon=numbers(read, "lon"),
        sequence=np.where(np.isfinite(sequence), sequence, -1).astype(np.int64),
        stop=texts(read, "stop"),
        stopped=np.asarray([it in {"1", "1.0", "STOPPED_AT"} for it in status], np.bool_),
    )


def reports_in(vehicles: Vehicles, received_s: float) -> Reports:
    """The positions of one message received then."""
    header = float(vehicles.header_epoch_s or received_s)
    n = len(vehicles.trip_ids)
    at = np.where(vehicles.timestamp_epoch_s > 0, vehicles.timestamp_epoch_s, header).astype(np.float64)
    sequence = vehicles.current_stop_sequence.astype(np.int64)
    return Reports(
        received_s=np.full(n, received_s),
        at_s=at,
        trip=list(vehicles.trip_ids),
        day=[str(day) if day else "" for day in vehicles.start_date.tolist()],
        route=list(vehicles.route_ids),
        vehicle=list(vehicles.vehicle_ids),
        lat=vehicles.lat.astype(np.float64),
        lon=vehicles.lon.astype(np.float64),
        sequence=np.where(sequence == NO_VALUE, -1, sequence),
        stop=list(vehicles.stop_ids),
        stopped=vehicles.current_status == 1,
    )


def _updates_of(table: Table) -> Updates:
    read = table.read(
        trip=TRIP, day=DAY, message=RECEIVED, sequence=UPDATE_SEQUENCE, stop=UPDATE_STOP, arrival=ARRIVAL, route=ROUTE,
        departure=DEPARTURE, arrival_delay=ARRIVAL_DELAY, departure_delay=DEPARTURE_DELAY, stop_relation=STOP_RELATION,
        trip_relation=TRIP_RELATION,
    )  # fmt: skip
    gone = np.asarray([it in {"3", "CANCELED", "7", "DELETED"} for it in texts(read, "trip_relation")], np.bool_)
    read = read.filter(pa.array(~gone))
    relation = {"SKIPPED": 1, "1": 1, "NO_DATA": 2, "2": 2}
    sequence = numbers(read, "sequence")
    return Updates(
        message_s=instants(read, "message"),
        source=[str(table.path)] * read.num_rows,
        trip=texts(read, "trip"),
        day=_days(texts(read, "day")),
        route=texts(read, "route"),
        sequence=np.where(np.isfinite(sequence), sequence, -1).astype(np.int64),
        stop=texts(read, "stop"),
        arrival_s=_positive(instants(read, "arrival")),
        departure_s=_positive(instants(read, "departure")),
        arrival_delay_s=numbers(read, "arrival_delay"),
        departure_delay_s=numbers(read, "departure_delay"),
        relation=np.asarray([relation.get(it, 0) for it in texts(read, "stop_relation")], np.int64),
    )


def updates_in(dataset: TripUpdates, received_s: float, source: str) -> Updates:
    """The stop time updates of one message received then."""
    sizes = np.diff(dataset.ptr)
    owner = np.repeat(np.arange(len(dataset.trip_ids)), sizes)
    kept = np.flatnonzero(
        ~np.isin(dataset.relationship[owner], (int(TripRelationship.CANCELED), int(TripRelationship.DELETED)))
    )
    owner = owner[kept]
    days = [str(day) if day else "" for day in dataset.start_date.tolist()]
    names = [*dataset.stop_ids, ""]
    rows = owner.tolist()

    def absent(values: "np.ndarray[tuple[int], np.dtype[np.int32]]", none: int) -> Floats:
        part = values[kept]
        return np.where(part == none, np.nan, part.astype(np.float64))

    return Updates(
        message_s=np.full(len(rows), received_s),
        source=[source] * len(rows),
        trip=[dataset.trip_ids[row] for row in rows],
        day=[days[row] for row in rows],
        route=[dataset.route_ids[row] for row in rows],
        sequence=np.where(dataset.stop_sequence[kept] == NO_VALUE, -1, dataset.stop_sequence[kept]).astype(np.int64),
        stop=[names[ref] for ref in dataset.stop_ref[kept].tolist()],
        arrival_s=_positive(dataset.arrival_epoch_s[kept].astype(np.float64)),
        departure_s=_positive(dataset.departure_epoch_s[kept].astype(np.float64)),
        arrival_delay_s=absent(dataset.arrival_delay_s, NO_VALUE),
        departure_delay_s=absent(dataset.departure_delay_s, NO_VALUE),
        relation=dataset.stop_relationship[kept].astype(np.int64),
    )


def instants(table: pa.Table, name: str) -> Floats:
    """A column of instants (epoch seconds or milliseconds, timestamps, ISO 8601) as epoch seconds."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[name]
    if pa.types.is_timestamp(column.type):
        micros: Floats = pc.cast(column, pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy().astype(np.float64)
        return micros / 1e6
    if (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)) and table.num_rows:
        probe = next((it for it in column.to_pylist() if it), "")
        if "-" in probe[1:] or ":" in probe:
            return np.asarray([_iso(it) for it in column.to_pylist()], np.float64)
    values = numbers(table, name)
    with np.errstate(invalid="ignore"):
        seconds: Floats = np.where(values > 1e11, values / 1000.0, values)
    return seconds


def _iso(text: str | None) -> float:
    """Without an offset it is UTC, on whatever machine it is read."""
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return float("nan")
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _positive(values: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        out: Floats = np.where(values > 0, values, np.nan)
    return out


def _days(days: list[str]) -> list[str]:
    """Yyyymmdd of 20260216, 2026-02-16 or 20260216.0."""
    return [it.replace("-", "").split(".")[0][:8] for it in days]


def _concatenated(parts: list[Floats] | list[list[str]]) -> Floats | list[str]:
    if isinstance(parts[0], list):
        return [it for part in parts for it in part]
    return np.concatenate(parts)


def _taken(column: Floats | list[str], rows: Int64s) -> Floats | list[str]:
    return [column[row] for row in rows.tolist()] if isinstance(column, list) else column[rows]


def _joined(found: list[Reports]) -> Reports:
    columns = {name: _concatenated([getattr(it, name) for it in found]) for name in Reports.__slots__}
    return Reports(**columns)  # type: ignore[arg-type]


def _once(said: Reports) -> Reports:
    """In order of receipt; the first receipt of each report."""
    order = np.argsort(said.received_s, kind="stable")
    seen: set[tuple[str, str, float]] = set()
    kept = []
    at = said.at_s.tolist()
    for row in order.tolist():
        key = (said.vehicle[row], said.trip[row], at[row])
        if said.trip[row] and at[row] == at[row] and key not in seen:
            seen.add(key)
            kept.append(row)
    rows = np.asarray(kept, np.int64)
    return Reports(**{name: _taken(getattr(said, name), rows) for name in Reports.__slots__})  # type: ignore[arg-type]

"""The small tables of a schedule: agencies, stops, routes, trips, calendars, frequencies, translations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from domain.errors import ScheduleRefused
from domain.feed import ProblemLevel
from feeds.formats.gtfs_archive import GtfsArchive
from feeds.formats.gtfs_columns import Problems, read_blocks, read_table
from feeds.formats.gtfs_times import BAD, BLANK, parse_time

MAX_DAYS = 60 * 366
"""Calendars that never mean to end are common (20000101 to 20991231, even 99991231); so many days are kept."""
_FIRST_KEPT = date(2000, 1, 1)


class TextPool:
    """Every text once; row 0 is the blank one."""

    def __init__(self) -> None:
        self._rows = {"": 0}

    def row(self, text: str) -> int:
        return self._rows.setdefault(text, len(self._rows))

    def all(self) -> list[str]:
        return list(self._rows)


@dataclass(slots=True, kw_only=True)
class Tables:
    """The small tables as columns, under the names of the bundle (``store.bundle_files.ARRAYS``)."""

    agencies: list[dict[str, str]]
    arrays: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    """``stop_id`` and ``trip_id`` to the row of each raw id."""
    trip_block: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """Row in *blocks* of each trip's block_id; 0, the blank one, for none. *shapes* likewise."""
    trip_shape: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    blocks: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    windows: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=dict)
    """Trip row to its frequency windows: start, end, headway (seconds), exact."""
    feed_info: dict[str, str] = field(default_factory=dict)
    first_day: int = 0
    last_day: int = 0
    translations: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)


REQUIRED = ("agency.txt", "routes.txt", "trips.txt", "stop_times.txt", "stops.txt")


def read_tables(archive: GtfsArchive, codes: Mapping[str, str], texts: TextPool, problems: Problems) -> Tables:
    """All tables but stop_times and shapes. *codes* is agency_id to configured code, "" the main agency's.

    Raises ScheduleRefused when a required file is missing or nothing in one can be used.
    """
    missing = [name for name in REQUIRED if name not in archive]
    if not (
        {"calendar.txt", "calendar_dates.txt"}
        & {name for name in ("calendar.txt", "calendar_dates.txt") if name in archive}
    ):
        missing.append("calendar.txt or calendar_dates.txt")
    if missing:
        raise ScheduleRefused(f"required files are missing: {', '.join(missing)}")
    tables = Tables(agencies=_agencies(archive, codes, problems))
    _stops(archive, tables, texts, problems)
    _routes(archive, tables, texts, problems)
    _services(archive, tables, problems)
    _trips(archive, tables, texts, problems)
    _frequencies(archive, tables, problems)
    for _, row in read_table(archive, "feed_info.txt", _FEED_INFO, problems):
        tables.feed_info = {name: text for name, text in row.items() if text}
    _translations(archive, tables, problems)
    return tables


_FEED_INFO = ("feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_start_date", "feed_end_date",
              "feed_version", "feed_contact_email", "feed_contact_url")  # fmt: skip


def _agencies(archive: GtfsArchive, codes: Mapping[str, str], problems: Problems) -> list[dict[str, str]]:
    names = ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang", "agency_phone",
             "agency_fare_url", "agency_email")  # fmt: skip
    agencies: list[dict[str, str]] = []
    for where, row in read_table(archive, "agency.txt", names, problems):
        if any(agency["raw_id"] == row["agency_id"] for agency in agencies):
            problems.add("duplicate_id", where, f"agency_id {row['agency_id']!r} twice; the later row left out")
            continue
        agencies.append(
            {
                "code": "",
                "raw_id": row["agency_id"],
                "name": row["agency_name"],
                "url": row["agency_url"],
                "time_zone": row["agency_timezone"],
                "language": row["agency_lang"],
                "phone": row["agency_phone"],
                "fare_url": row["agency_fare_url"],
                "email": row["agency_email"],
            }
        )
    if not agencies:
        raise ScheduleRefused("agency.txt: expected at least one agency, found none")
    used: set[str] = set()
    for number, agency in enumerate(agencies):
        given = codes.get(agency["raw_id"]) or (codes.get("") if number == 0 else None)
        code = given or agency_code(agency["raw_id"] or agency["name"])
        while code in used:
            code += "-"
        used.add(code)
        agency["code"] = code
    return agencies


def agency_code(raw_id: str) -> str:
    """A code without underscore from an agency_id: what is neither letter, digit, ``.`` nor ``-`` becomes ``-``."""
    code = "".join(mark if mark.isascii() and (mark.isalnum() or mark in ".-") else "-" for mark in raw_id).strip("-")
    return code or "1"


def _coordinate(text: str, limit: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -limit <= value <= limit else None


def _stops(archive: GtfsArchive, tables: Tables, texts: TextPool, problems: Problems) -> None:
    names = ("stop_id", "stop_code", "stop_name", "stop_desc", "stop_lat", "stop_lon", "stop_url", "location_type",
             "parent_station", "wheelchair_boarding", "platform_code")  # fmt: skip
    rows: list[tuple[str, dict[str, str]]] = []
    index: dict[str, int] = {}
    for where, row in read_table(archive, "stops.txt", names, problems):
        if not row["stop_id"] or row["stop_id"] in index:
            problems.add("duplicate_id", where, f"stop_id {row['stop_id']!r}: blank or twice; the later row left out")
            continue
        index[row["stop_id"]] = len(rows)
        rows.append((where, row))
    lat, lon = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    parent = np.full(len(rows), -1, np.int32)
    for at, (where, row) in enumerate(rows):
        here = _coordinate(row["stop_lat"], 90.0), _coordinate(row["stop_lon"], 180.0)
        if here[0] is not None and here[1] is not None:
            lat[at], lon[at] = here
        if row["parent_station"]:
            parent[at] = index.get(row["parent_station"], -1)
            if parent[at] < 0:
                problems.add("unknown_parent", where, f"parent_station {row['parent_station']!r} is not in stops.txt")
    borrowed = np.isnan(lat) & (parent >= 0)
    lat[borrowed], lon[borrowed] = lat[parent[borrowed]], lon[parent[borrowed]]
    keep = ~np.isnan(lat)
    for at in np.flatnonzero(~keep).tolist():
        where, row = rows[at]
        found = f"{row['stop_lat']!r}, {row['stop_lon']!r}"
        message = f"stop {row['stop_id']!r}: expected degrees, found {found}; left out"
        problems.add("bad_coordinate", where, message, level=ProblemLevel.ERROR)
    if not keep.any():
        raise ScheduleRefused("stops.txt: no stop with a name and a place")
    renumber = np.cumsum(keep) - 1
    parent = np.array([renumber[p] if p >= 0 and keep[p] else -1 for p in parent[keep].tolist()], np.int32)
    kept = [row for (_, row), good in zip(rows, keep.tolist(), strict=True) if good]
    wheelchair = np.array([_small(row["wheelchair_boarding"], "12") for row in kept], np.uint8)
    inherits = (wheelchair == 0) & (parent >= 0)
    wheelchair[inherits] = wheelchair[parent[inherits]]
    tables.ids["stop_id"] = [row["stop_id"] for row in kept]
    tables.rows["stop_id"] = {raw: row for row, raw in enumerate(tables.ids["stop_id"])}
    order = np.argsort(parent, kind="stable")
    order = order[parent[order] >= 0].astype(np.int32)
    tables.arrays |= {
        "stop_lat": lat[keep],
        "stop_lon": lon[keep],
        "stop_parent": parent,
        "stop_location_type": np.array([_small(row["location_type"], "1234") for row in kept], np.uint8),
        "stop_wheelchair": wheelchair,
        "stop_code": np.array([texts.row(row["stop_code"]) for row in kept], np.int32),
        "stop_name": np.array([texts.row(row["stop_name"]) for row in kept], np.int32),
        "stop_description": np.array([texts.row(row["stop_desc"]) for row in kept], np.int32),
        "stop_platform": np.array([texts.row(row["platform_code"]) for row in kept], np.int32),
        "stop_url": np.array([texts.row(row["stop_url"]) for row in kept], np.int32),
        "stop_children": order,
        "stop_children_ptr": np.searchsorted(parent[order], np.arange(len(kept) + 1)).astype(np.int32),
    }


def _small(text: str, values: str) -> int:
    return int(text) if len(text) == 1 and text in values else 0


def _routes(archive: GtfsArchive, tables: Tables, texts: TextPool, problems: Problems) -> None:
    names = ("route_id", "agency_id", "route_short_name", "route_long_name", "route_desc", "route_type", "route_url",
             "route_color", "route_text_color", "route_sort_order")  # fmt: skip
    agencies = {agency["raw_id"]: number for number, agency in enumerate(tables.agencies)}
    rows: dict[str, tuple[int, dict[str, str]]] = {}
    for where, row in read_table(archive, "routes.txt", names, problems):
        agency = agencies.get(row["agency_id"], 0 if not row["agency_id"] or len(agencies) == 1 else -1)
        if not row["route_id"] or row["route_id"] in rows:
            problems.add("duplicate_id", where, f"route_id {row['route_id']!r}: blank or twice; the later row left out")
            continue
        if agency < 0:
            problems.add("unknown_agency", where, f"agency_id {row['agency_id']!r} is not in agency.txt; route given to the first agency")  # fmt: skip
        if not row["route_type"].isdecimal() or len(row["route_type"]) > 5:
            problems.add("route_type", where, f"route_type {row['route_type']!r}: expected a number; taken as bus")
            row["route_type"] = "3"
        rows[row["route_id"]] = (max(agency, 0), row)
    if not rows:
        raise ScheduleRefused("routes.txt: expected at least one route, found none")
    values = [row for _, row in rows.values()]
    tables.ids["route_id"] = list(rows)
    tables.arrays |= {
        "route_agency": np.array([agency for agency, _ in rows.values()], np.int32),
        "route_mode": np.array([int(row["route_type"]) for row in values], np.int32),
        "route_sort": np.array(
            [
                int(row["route_sort_order"])
                if row["route_sort_order"].isdecimal() and len(row["route_sort_order"]) < 10
                else 0
                for row in values
            ],
            np.int32,
        ),
    }
    names_of = {"short_name": "route_short_name", "long_name": "route_long_name", "description": "route_desc"}
    for column, name in {**names_of, "url": "route_url"}.items():
        tables.arrays[f"route_{column}"] = np.array([texts.row(row[name]) for row in values], np.int32)
    for column in ("route_color", "route_text_color"):
        tables.arrays[column] = np.array([texts.row(row[column].lstrip("#")) for row in values], np.int32)


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) == 8 and text.isdecimal() else None
    except ValueError:
        return None


_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _services(archive: GtfsArchive, tables: Tables, problems: Problems) -> None:
    weekly: list[tuple[str, date, date, list[bool]]] = []
    for where, row in read_table(archive, "calendar.txt", ("service_id", "start_date", "end_date", *_WEEK), problems):
        start, end = _day(row["start_date"]), _day(row["end_date"])
        if not row["service_id"] or start is None or end is None or end < start:
            problems.add("bad_calendar", where, f"service {row['service_id']!r}: expected start_date and end_date as YYYYMMDD in order; row left out")  # fmt: skip
            continue
        weekly.append((row["service_id"], start, end, [row[name] == "1" for name in _WEEK]))
    special: list[tuple[str, date, bool]] = []
    for where, row in read_table(archive, "calendar_dates.txt", ("service_id", "date", "exception_type"), problems):
        day = _day(row["date"])
        if not row["service_id"] or day is None or row["exception_type"] not in {"1", "2"}:
            problems.add("bad_calendar_date", where, f"service {row['service_id']!r}: expected date as YYYYMMDD and exception_type 1 or 2; row left out")  # fmt: skip
            continue
        special.append((row["service_id"], day, row["exception_type"] == "1"))
    days = [day for _, start, end, _ in weekly for day in (start, end)] + [day for _, day, adds in special if adds]
    if not days:
        raise ScheduleRefused("calendar.txt and calendar_dates.txt: no service runs on any day")
    first, last = min(days), max(days)
    if (last - first).days >= MAX_DAYS:
        first = max(first, _FIRST_KEPT) if last >= _FIRST_KEPT else last - timedelta(days=MAX_DAYS - 1)
        last = first + timedelta(days=min(MAX_DAYS - 1, (last - first).days))
        problems.add(
            "calendar_cut", "calendar", f"service from {min(days)} to {max(days)}; kept from {first} to {last}"
        )
    index: dict[str, int] = {}
    for service, *_ in (*weekly, *special):
        index.setdefault(str(service), len(index))
    active = np.zeros(((last - first).days + 1, len(index)), np.uint8)
    for service, start, end, on in weekly:
        from_day, after_day = max((start - first).days, 0), max((end - first).days + 1, 0)
        for weekday in np.flatnonzero(on).tolist():
            next_one = from_day + (weekday - first.weekday() - from_day) % 7
            active[next_one:after_day:7, index[service]] = 1
    for service, day, adds in special:
        number = (day - first).days
        if 0 <= number < len(active):
            active[number, index[service]] = adds
    running = np.flatnonzero(active.any(axis=1))
    if not running.size:
        raise ScheduleRefused("calendar.txt and calendar_dates.txt: no service runs on any day")
    tables.ids["service_id"] = list(index)
    tables.arrays["service_active"] = active[running[0] : running[-1] + 1].reshape(-1)
    tables.first_day = int((first + timedelta(days=int(running[0]))).strftime("%Y%m%d"))
    tables.last_day = int((first + timedelta(days=int(running[-1]))).strftime("%Y%m%d"))


def _trips(archive: GtfsArchive, tables: Tables, texts: TextPool, problems: Problems) -> None:
    names = ("trip_id", "route_id", "service_id", "trip_headsign", "trip_short_name", "direction_id", "block_id",
             "shape_id", "wheelchair_accessible", "bikes_allowed")  # fmt: skip
    routes = {raw: row for row, raw in enumerate(tables.ids["route_id"])}
    services = {raw: row for row, raw in enumerate(tables.ids["service_id"])}
    work, shapes = TextPool(), TextPool()
    value_of: dict[str, tuple[str, Callable[[str], int]]] = {
        "route": ("route_id", lambda text: routes.get(text, -1)),
        "service": ("service_id", lambda text: services.get(text, -1)),
        "headsign": ("trip_headsign", texts.row),
        "short_name": ("trip_short_name", texts.row),
        "direction": ("direction_id", lambda text: int(text) if text in {"0", "1"} else -1),
        "wheelchair": ("wheelchair_accessible", lambda text: _small(text, "12")),
        "bikes": ("bikes_allowed", lambda text: _small(text, "12")),
        "block": ("block_id", work.row),
        "shape": ("shape_id", shapes.row),
    }
    ids: dict[str, int] = {}
    parts: list[dict[str, npt.NDArray[np.int32]]] = []
    for block in read_blocks(archive, "trips.txt", names, problems):
        trip_ids = block.texts("trip_id")
        part: dict[str, npt.NDArray[np.int32]] = {}
        for column, (name, value) in value_of.items():
            codes, distinct = block.encoded(name)
            part[column] = np.fromiter(map(value, distinct), np.int32, len(distinct))[codes]
        keep = (part["route"] >= 0) & (part["service"] >= 0)
        for rows, code, name, place in (
            (np.flatnonzero(part["route"] < 0), "unknown_route", "route_id", "routes.txt"),
            (np.flatnonzero((part["route"] >= 0) & (part["service"] < 0)), "unknown_service", "service_id", "any calendar"),
        ):  # fmt: skip
            if rows.size:
                first = int(rows[0])
                message = f"trip {trip_ids[first]!r}: {name} {block.column(name)[first].as_py()!r} is not in {place}; trip left out"
                problems.add(code, block.where(first), message, count=int(rows.size))
        for at in np.flatnonzero(keep).tolist():
            trip = trip_ids[at]
            if not trip or trip in ids:
                keep[at] = False
                problems.add("duplicate_id", block.where(at), f"trip_id {trip!r}: blank or twice; the later row left out")  # fmt: skip
            else:
                ids[trip] = len(ids)
        parts.append({column: values[keep] for column, values in part.items()})
    if not ids:
        raise ScheduleRefused("trips.txt: no trip can be used (every row lacks a known route_id or service_id)")
    merged = {column: np.concatenate([part[column] for part in parts]) for column in value_of}
    tables.ids["trip_id"] = list(ids)
    tables.rows["trip_id"] = ids
    tables.trip_block, tables.trip_shape = merged.pop("block"), merged.pop("shape")
    tables.blocks, tables.shapes = work.all(), shapes.all()
    kinds = {"direction": np.int8, "wheelchair": np.uint8, "bikes": np.uint8}
    tables.arrays |= {f"trip_{name}": column.astype(kinds.get(name, np.int32)) for name, column in merged.items()}


def _frequencies(archive: GtfsArchive, tables: Tables, problems: Problems) -> None:
    if "frequencies.txt" not in archive:
        return
    trips = tables.rows["trip_id"]
    names = ("trip_id", "start_time", "end_time", "headway_secs", "exact_times")
    for where, row in read_table(archive, "frequencies.txt", names, problems):
        start, end = parse_time(row["start_time"]), parse_time(row["end_time"])
        headway = int(row["headway_secs"]) if row["headway_secs"].isdecimal() and len(row["headway_secs"]) < 10 else 0
        trip = trips.get(row["trip_id"])
        if trip is None or min(start, end) in {BLANK, BAD} or end <= start or not 1 <= headway <= 86_400:
            problems.add("bad_frequency", where, f"trip {row['trip_id']!r}: expected a known trip, start before end, headway_secs of 1 to 86400; row left out")  # fmt: skip
            continue
        tables.windows.setdefault(trip, []).append((start, end, headway, int(row["exact_times"] == "1")))


def _translations(archive: GtfsArchive, tables: Tables, problems: Problems) -> None:
    names = ("table_name", "field_name", "language", "translation", "record_id", "record_sub_id", "field_value")
    for where, row in read_table(archive, "translations.txt", names, problems):
        key = row["field_value"] or (f"#{row['record_id']}" if row["record_id"] else "")
        if not (row["table_name"] and row["field_name"] and row["language"] and key):
            problems.add("bad_translation", where, "expected table_name, field_name, language and record_id or field_value; row left out")  # fmt: skip
            continue
        fields = tables.translations.setdefault(row["language"], {})
        fields.setdefault(f"{row['table_name']}.{row['field_name']}", {})[key] = row["translation"]

"""Reads a deployment's TOML file and the environment into Settings; tells every fault at once.

The file says which feeds, regions and channels exist and holds no secrets: those come from the environment by name
(``${NAME}`` in an address or a header). ``docs/configuration.md`` describes every key.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain import quota
from domain.errors import SettingsInvalid
from domain.feed import ENTITY_KINDS, FeedKind, FeedSpec
from runtime.redaction import redact
from runtime.settings import (
    ArchiveSettings,
    DemoSettings,
    FcmSettings,
    NotifySettings,
    PredictorSettings,
    Settings,
    TileSettings,
)

DEFAULT_INTERVAL_S = {
    FeedKind.GTFS: 21_600.0,
    FeedKind.TRIP_UPDATES: 15.0,
    FeedKind.VEHICLE_POSITIONS: 10.0,
    FeedKind.SITUATIONS: 60.0,
    FeedKind.COMBINED: 15.0,
    FeedKind.CAP: 60.0,
    FeedKind.CASE_RATES: 3600.0,
}
"""How often a feed is polled where its configuration does not say."""
MAX_BYTES = {FeedKind.GTFS: 1024**3}
FEED_KEYS = ("id", "kind", "url", "name", "interval_s", "timeout_s", "max_bytes", "schedule", "agencies", "headers",
             "attribution", "region", "allow_private_hosts", "threshold_per_100k", "priority")  # fmt: skip
TABLES = {
    "city": ("name", "time_zone", "language", "contact_email", "region_id"),
    "web": (
        "host",
        "port",
        "processes",
        "require_api_key",
        "accept_test_key",
        "key_quota",
        "anonymous_quota",
        "public_url",
    ),
    "notify": ("console", "quiet_from", "quiet_to", "fcm_project_id", "fcm_credentials", "fcm_base_url"),
    "predictor": ("learn", "publish_quantile"),
    "archive": ("keep_days", "max_gib"),
    "tiles": ("url", "attribution"),
    "demo": ("base_url", "phone_token"),
    "feeds": FEED_KEYS,
    "same_stops": ("stops",),
}
_LISTS = ("feeds", "same_stops")
"""Tables that may be there several times."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_REALTIME = frozenset({FeedKind.TRIP_UPDATES, FeedKind.VEHICLE_POSITIONS, FeedKind.SITUATIONS, FeedKind.COMBINED})


_FEED_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_IN_WORDS: dict[type | tuple[type, ...], str] = {
    str: "a text in quotes", int: "a whole number", bool: "true or false", list: "a list", dict: "a table",
    (int, float): "a number", (int, dict): "a whole number or a table",
}  # fmt: skip


class _Reader:
    """Collects faults while values are read out of one file."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        self.file, self.environment = file, environment
        self.faults: list[str] = []
        self.secrets: dict[str, str] = {}

    def fault(self, key: str, message: str) -> None:
        self.faults.append(f"{self.file}: {key}: {redact(message, {})}")

    def known(self, where: str, table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, 1)
                hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(keys)}"
                self.fault(f"{where}{key}", f"no such key; {hint}")

    def value(self, where: str, table: Mapping[str, Any], key: str, kind: type | tuple[type, ...], default: Any) -> Any:
        if key not in table:
            return default
        found = table[key]
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            self.fault(f"{where}{key}", f"expected {_IN_WORDS[kind]}, found {found!r}")
            return default
        return found

    def within(self, key: str, value: float, least: float, most: float, unit: str = "") -> None:
        if not least <= value <= most:
            self.fault(key, f"expected {least:.15g} to {most:.15g}{unit}, found {value:.15g}")

    def uses(self, key: str, text: str) -> None:
        for name in _PLACEHOLDER.findall(text):
            if name in self.environment:
                self.secrets[name] = self.environment[name]
            else:
                self.fault(key, f"environment variable {name} is not set")


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of the file at *path* (none: no feeds) and the environment; raises SettingsInvalid with all faults."""
    reader = _Reader(str(path) if path else "(no configuration file)", environment)
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise SettingsInvalid([f"{path}: cannot be read: {error.strerror}"]) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsInvalid([f"{path}: expected TOML: {error}"]) from error
    for key in document:
        if key not in TABLES:
            near = difflib.get_close_matches(key, TABLES, 1)
            reader.fault(
                key, f"no such table; {f'did you mean {near[0]}?' if near else 'expected ' + ', '.join(TABLES)}"
            )
    tables = {name: _table(reader, document, name) for name in TABLES if name not in _LISTS}
    feeds = _feeds(reader, document.get("feeds", []))
    settings = replace(_settings(reader, tables, feeds), same_stops=_same_stops(reader, document.get("same_stops", [])))
    if reader.faults:
        raise SettingsInvalid(reader.faults)
    return settings


def _table(reader: _Reader, document: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        reader.fault(name, f"expected a table [{name}], found {table!r}")
        return {}
    reader.known(f"{name}.", table, TABLES[name])
    return table


def _feeds(reader: _Reader, entries: Any) -> tuple[FeedSpec, ...]:
    if not isinstance(entries, list):
        reader.fault("feeds", "expected [[feeds]] entries")
        return ()
    specs: list[FeedSpec] = []
    ids: list[object] = []
    for number, entry in enumerate(entries):
        where = f"feeds[{number}]."
        if not isinstance(entry, dict):
            reader.fault(f"feeds[{number}]", f"expected a [[feeds]] table, found {entry!r}")
            continue
        spec = _feed(reader, where, entry)
        if entry.get("id") in ids:
            reader.fault(f"{where}id", f"{entry['id']!r} is the id of two feeds")
        ids.append(entry.get("id"))
        if spec is not None:
            specs.append(spec)
    _relations(reader, specs)
    return tuple(specs)


def _feed(reader: _Reader, where: str, entry: Mapping[str, Any]) -> FeedSpec | None:
    reader.known(where, entry, FEED_KEYS)
    feed_id = reader.value(where, entry, "id", str, "")
    if not is_feed_id(feed_id):
        reader.fault(f"{where}id", f"expected small letters, digits and hyphens, found {feed_id!r}")
    kinds = [kind.value for kind in FeedKind]
    name = reader.value(where, entry, "kind", str, "")
    if name not in kinds:
        reader.fault(f"{where}kind", f"expected one of {', '.join(kinds)}, found {name!r}")
    kind = FeedKind(name) if name in kinds else FeedKind.COMBINED
    url = reader.value(where, entry, "url", str, "")
    if not _is_web_address(url):
        reader.fault(f"{where}url", f"expected an http or https address, found {url!r}")
    reader.uses(f"{where}url", url)
    headers = reader.value(where, entry, "headers", dict, {})
    for header in headers:
        reader.uses(f"{where}headers.{header}", reader.value(f"{where}headers.", headers, header, str, ""))
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", header):
            reader.fault(f"{where}headers.{header}", "expected the name of an HTTP header")
    agencies = reader.value(where, entry, "agencies", dict, {})
    for raw, code in agencies.items():
        if not re.fullmatch(r"[A-Za-z0-9.-]{1,40}", str(code)):
            reader.fault(
                f"{where}agencies.{raw}", f"expected letters, digits, '.' and '-' (no underscore), found {code!r}"
            )
    interval_s = float(reader.value(where, entry, "interval_s", (int, float), DEFAULT_INTERVAL_S[kind]))
    reader.within(f"{where}interval_s", interval_s, 1, 604_800, " seconds")
    timeout_s = float(reader.value(where, entry, "timeout_s", (int, float), 120.0 if kind is FeedKind.GTFS else 15.0))
    reader.within(f"{where}timeout_s", timeout_s, 0.5, 3600, " seconds")
    max_bytes = reader.value(where, entry, "max_bytes", int, MAX_BYTES.get(kind, 32 * 1024**2))
    reader.within(f"{where}max_bytes", max_bytes, 1, 2**40)
    threshold = reader.value(where, entry, "threshold_per_100k", (int, float), None)
    if threshold is not None:
        reader.within(f"{where}threshold_per_100k", threshold, 0.001, 100_000)
    spec = FeedSpec(
        feed_id=feed_id,
        kind=kind,
        url=url,
        interval_s=interval_s,
        name=reader.value(where, entry, "name", str, ""),
        schedule=tuple(reader.value(where, entry, "schedule", list, [])),
        agency_codes=tuple((str(raw), str(code)) for raw, code in agencies.items()),
        headers=tuple((str(header), str(value)) for header, value in headers.items()),
        timeout_s=timeout_s,
        max_bytes=int(max_bytes),
        attribution=reader.value(where, entry, "attribution", str, ""),
        region=reader.value(where, entry, "region", str, ""),
        allow_private_hosts=reader.value(where, entry, "allow_private_hosts", bool, False),
        threshold_per_100k=None if threshold is None else float(threshold),
        priority=_priority(reader, where, entry, kind),
    )
    return spec if name in kinds else None


def is_feed_id(text: str) -> bool:
    """Small letters, digits and hyphens, at most forty: it is part of file names and keys."""
    return _FEED_ID.fullmatch(text) is not None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _priority(reader: _Reader, where: str, entry: Mapping[str, Any], kind: FeedKind) -> tuple[tuple[str, int], ...]:
    """``priority = 2`` for all a feed says, or a table of entity kinds."""
    found = reader.value(where, entry, "priority", (int, dict), 0)
    if found and kind not in _REALTIME:
        reader.fault(f"{where}priority", f"only realtime feeds are ranked, not {kind.value}")
        return ()
    ranks = dict.fromkeys(ENTITY_KINDS, found) if isinstance(found, int) else found
    for name, rank in ranks.items():
        if name not in ENTITY_KINDS or not isinstance(rank, int) or isinstance(rank, bool) or not -100 <= rank <= 100:
            reader.fault(
                f"{where}priority.{name}",
                f"expected a whole number from -100 to 100 for one of {', '.join(ENTITY_KINDS)}, found {rank!r}",
            )
            return ()
    return tuple((name, rank) for name, rank in ranks.items() if rank)


def _same_stops(reader: _Reader, entries: Any) -> tuple[tuple[str, ...], ...]:
    """``[[same_stops]]`` with ``stops = [qualified ids]``: each a place that several feeds know by an id of their own."""
    if not isinstance(entries, list):
        reader.fault("same_stops", "expected [[same_stops]] entries")
        return ()
    groups: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        where = f"same_stops[{number}]."
        if not isinstance(entry, dict):
            reader.fault(f"same_stops[{number}]", f"expected a [[same_stops]] table, found {entry!r}")
            continue
        reader.known(where, entry, TABLES["same_stops"])
        stops = reader.value(where, entry, "stops", list, [])
        if len(stops) < 2 or not all(isinstance(stop, str) and "_" in stop.strip("_") for stop in stops):
            reader.fault(f"{where}stops", f"expected two or more ids such as 1_75403, found {stops!r}")
            continue
        for stop in stops:
            if stop in seen:
                reader.fault(f"{where}stops", f"{stop!r} is already said to be the same as others")
            seen.add(stop)
        groups.append(tuple(stops))
    return tuple(groups)


def _relations(reader: _Reader, specs: list[FeedSpec]) -> None:
    schedules = [spec.feed_id for spec in specs if spec.kind is FeedKind.GTFS]
    codes: dict[str, str] = {}
    for number, spec in enumerate(specs):
        where = f"feeds[{number}]."
        for raw, code in spec.agency_codes:
            if code in codes:
                reader.fault(f"{where}agencies.{raw}", f"{code!r} is also the code of an agency of {codes[code]}")
            codes[code] = spec.feed_id
        for name in spec.schedule:
            if name not in schedules:
                reader.fault(
                    f"{where}schedule", f"{name!r} is no feed of kind gtfs; there are: {', '.join(schedules) or 'none'}"
                )
        if spec.kind in _REALTIME and not spec.schedule:
            if len(schedules) == 1:
                specs[number] = _with_schedule(spec, schedules[0])
            else:
                reader.fault(
                    f"{where}schedule",
                    f"expected the gtfs feed it speaks about: one of {', '.join(schedules) or 'none (add one)'}",
                )


def _with_schedule(spec: FeedSpec, schedule: str) -> FeedSpec:
    return replace(spec, schedule=(schedule,))


def _settings(reader: _Reader, tables: Mapping[str, dict[str, Any]], feeds: tuple[FeedSpec, ...]) -> Settings:
    environment = reader.environment
    city, web, notify, tiles, demo = (tables[name] for name in ("city", "web", "notify", "tiles", "demo"))
    time_zone = reader.value("city.", city, "time_zone", str, "UTC")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        reader.fault("city.time_zone", f"expected an IANA time zone such as America/Halifax, found {time_zone!r}")
    home = Path(environment.get("WAYSIDE_HOME") or "var").absolute()
    redis_url = environment.get("REDIS_URL", "").strip()
    _environment(reader, redis_url)
    processes = reader.value("web.", web, "processes", int, 1)
    reader.within("web.processes", processes, 1, 64)
    port = reader.value("web.", web, "port", int, 8000)
    reader.within("web.port", port, 0, 65535)
    tile_url = reader.value("tiles.", tiles, "url", str, "")
    if tile_url and not (_is_web_address(tile_url) and all(part in tile_url for part in ("{z}", "{x}", "{y}"))):
        reader.fault("tiles.url", f"expected an http or https address with {{z}}, {{x}} and {{y}}, found {tile_url!r}")
    return Settings(
        home=home,
        redis_url=redis_url or embedded_url(home),
        redis_is_embedded=not redis_url,
        host=environment.get("WAYSIDE_HOST") or reader.value("web.", web, "host", str, "127.0.0.1"),
        port=_number(reader, "WAYSIDE_PORT", port, 0, 65535),
        web_processes=_number(reader, "WAYSIDE_WEB_PROCESSES", processes, 1, 64),
        city=reader.value("city.", city, "name", str, "") or "Wayside",
        time_zone=time_zone,
        language=reader.value("city.", city, "language", str, "en"),
        contact_email=reader.value("city.", city, "contact_email", str, ""),
        region_id=_region_id(reader, city),
        public_url=_public_url(reader, web),
        feeds=feeds,
        notify=_notify(reader, notify),
        predictor=_predictor(reader, tables["predictor"]),
        archive=_archive(reader, tables["archive"]),
        tiles=TileSettings(url=tile_url, attribution=reader.value("tiles.", tiles, "attribution", str, ""))
        if tile_url
        else None,
        demo=DemoSettings(base_url=str(demo["base_url"]), phone_token=str(demo.get("phone_token", "")))
        if demo.get("base_url")
        else None,
        accept_test_key=reader.value("web.", web, "accept_test_key", bool, False),
        require_api_key=reader.value("web.", web, "require_api_key", bool, True),
        key_quota=_quota(reader, web, "key_quota", "100/second"),
        anonymous_quota=_quota(reader, web, "anonymous_quota", "20/second"),
        secrets=reader.secrets,
    )


REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://")


def _environment(reader: _Reader, redis_url: str) -> None:
    """Faults of the environment that would otherwise show themselves late."""

    def fault(name: str, expected: str, found: str) -> None:
        reader.faults.append(f"environment: {name}: expected {expected}, found {redact(repr(found), {})}")

    environment = reader.environment
    if redis_url and not redis_url.startswith(REDIS_SCHEMES):
        fault("REDIS_URL", f"an address that starts with {', '.join(REDIS_SCHEMES)}", redis_url)
    level = environment.get("WAYSIDE_LOG_LEVEL", "")
    if level and level.upper() not in LOG_LEVELS:
        fault("WAYSIDE_LOG_LEVEL", f"one of {', '.join(LOG_LEVELS)}", level)
    if environment.get("WAYSIDE_LOG_FORMAT", "") not in {"", "text", "json"}:
        fault("WAYSIDE_LOG_FORMAT", "text or json", environment["WAYSIDE_LOG_FORMAT"])
    offset = environment.get("WAYSIDE_CLOCK_OFFSET_S", "").strip()
    try:
        finite = not offset or abs(float(offset)) < 1e11
    except ValueError:
        finite = False
    if not finite:
        fault("WAYSIDE_CLOCK_OFFSET_S", "a number of seconds", offset)


def _region_id(reader: _Reader, city: Mapping[str, Any]) -> int:
    number: int = reader.value("city.", city, "region_id", int, 1)
    if not 0 <= number < 2**31:
        reader.fault("city.region_id", f"expected a whole number from 0 to {2**31 - 1}, found {number}")
    return number


def _public_url(reader: _Reader, web: Mapping[str, Any]) -> str:
    url: str = reader.value("web.", web, "public_url", str, "")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc or "?" in url or "#" in url):
        reader.fault("web.public_url", f"expected an address such as https://transit.example/, found {url!r}")
    return f"{url.rstrip('/')}/" if url else ""


def _notify(reader: _Reader, table: Mapping[str, Any]) -> NotifySettings:
    project = reader.value("notify.", table, "fcm_project_id", str, "")
    credentials = reader.value("notify.", table, "fcm_credentials", str, "") or reader.environment.get(
        "GOOGLE_APPLICATION_CREDENTIALS", ""
    )
    fcm = None
    if project:
        if not credentials:
            reader.fault(
                "notify.fcm_project_id", "expected GOOGLE_APPLICATION_CREDENTIALS to name a service account file"
            )
        base = reader.value("notify.", table, "fcm_base_url", str, "https://fcm.googleapis.com")
        fcm = FcmSettings(project_id=project, credentials=Path(credentials), base_url=base)
    for key in ("quiet_from", "quiet_to"):
        if table.get(key) and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(table[key])):
            reader.fault(f"notify.{key}", f"expected a local time HH:MM, found {table[key]!r}")
    return NotifySettings(
        fcm=fcm,
        console=reader.value("notify.", table, "console", bool, False),
        quiet_from=str(table.get("quiet_from", "")),
        quiet_to=str(table.get("quiet_to", "")),
    )


def _predictor(reader: _Reader, table: Mapping[str, Any]) -> PredictorSettings:
    usual = PredictorSettings()
    quantile = float(reader.value("predictor.", table, "publish_quantile", (int, float), usual.publish_quantile))
    if not 0.1 <= quantile <= 0.9:
        reader.fault("predictor.publish_quantile", f"expected 0.1 to 0.9, found {quantile:g}")
    return PredictorSettings(
        learn=reader.value("predictor.", table, "learn", bool, usual.learn), publish_quantile=quantile
    )


def _archive(reader: _Reader, table: Mapping[str, Any]) -> ArchiveSettings:
    usual = ArchiveSettings()
    keep_days = float(reader.value("archive.", table, "keep_days", (int, float), usual.keep_days))
    max_gib = float(reader.value("archive.", table, "max_gib", (int, float), usual.max_bytes / 1024**3))
    if not 0 <= keep_days <= 3660:
        reader.fault("archive.keep_days", f"expected 0 (keep nothing) to 3660 days, found {keep_days:g}")
    if not 0 < max_gib <= 1_000_000:
        reader.fault("archive.max_gib", f"expected more than 0 GiB, found {max_gib:g}")
    return ArchiveSettings(keep_days=keep_days, max_bytes=int(max_gib * 1024**3))


def _quota(reader: _Reader, web: Mapping[str, Any], key: str, default: str) -> quota.Quota:
    try:
        return quota.parse(reader.value("web.", web, key, str, default))
    except ValueError as error:
        reader.fault(f"web.{key}", str(error))
        return quota.parse(default)


def _number(reader: _Reader, name: str, default: int, least: int, most: int) -> int:
    text = reader.environment.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or not least <= int(text) <= most:
        reader.faults.append(f"environment: {name}: expected a whole number from {least} to {most}, found {text!r}")
        return default
    return int(text)


def embedded_url(home: Path) -> str:
    """The address of the embedded server that belongs to *home*."""
    return f"unix://{socket_path(home)}"


def socket_path(home: Path) -> Path:
    """Its private socket: under *home*, or in a short folder of its own where that path is too long for a socket."""
    path = home / "redis" / "redis.sock"
    if len(str(path)) < 100:
        return path
    import hashlib
    import tempfile

    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"wayside-{digest}" / "redis.sock"

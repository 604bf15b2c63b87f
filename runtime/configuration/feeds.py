"""``[[feeds]]`` and ``[[same_stops]]``: which feeds there are, how they belong together, and which stops are one place."""

import re
import ssl
from dataclasses import replace
from typing import Any

from domain.feed import ENTITY_KINDS, FeedKind, FeedSpec
from runtime.configuration.reader import Faults, Table, is_web_address

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
             "attribution", "region", "allow_private_hosts", "ca_file", "threshold_per_100k", "priority")  # fmt: skip
SAME_STOPS_KEYS = ("stops",)
_REALTIME = frozenset({FeedKind.TRIP_UPDATES, FeedKind.VEHICLE_POSITIONS, FeedKind.SITUATIONS, FeedKind.COMBINED})
_FEED_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def read_feeds(faults: Faults, entries: Any) -> tuple[FeedSpec, ...]:
    """The feeds, each realtime one with the schedule it speaks about."""
    specs: list[FeedSpec] = []
    ids: list[object] = []
    for entry in faults.entries("feeds", entries, FEED_KEYS):
        spec = _feed(entry)
        feed_id = entry.found.get("id")
        if feed_id in ids:
            entry.fault("id", f"{feed_id!r} is the id of two feeds")
        ids.append(feed_id)
        if spec is not None:
            specs.append(spec)
    _relations(faults, specs)
    return tuple(specs)


def _feed(entry: Table) -> FeedSpec | None:
    feed_id = entry.text("id")
    if not is_feed_id(feed_id):
        entry.fault("id", f"expected small letters, digits and hyphens, found {feed_id!r}")
    kinds = [kind.value for kind in FeedKind]
    name = entry.text("kind")
    if name not in kinds:
        entry.fault("kind", f"expected one of {', '.join(kinds)}, found {name!r}")
    kind = FeedKind(name) if name in kinds else FeedKind.COMBINED
    url = entry.text("url")
    if not is_web_address(url):
        entry.fault("url", f"expected an http or https address, found {url!r}")
    entry.uses("url", url)
    agencies = entry.value("agencies", dict, {})
    for raw, code in agencies.items():
        if not re.fullmatch(r"[A-Za-z0-9.-]{1,40}", str(code)):
            entry.fault(f"agencies.{raw}", f"expected letters, digits, '.' and '-' (no underscore), found {code!r}")
    threshold = entry.found.get("threshold_per_100k")
    spec = FeedSpec(
        feed_id=feed_id,
        kind=kind,
        url=url,
        headers=_headers(entry),
        interval_s=entry.number("interval_s", DEFAULT_INTERVAL_S[kind], 1, 604_800, " seconds"),
        timeout_s=entry.number("timeout_s", 120.0 if kind is FeedKind.GTFS else 15.0, 0.5, 3600, " seconds"),
        max_bytes=entry.whole("max_bytes", MAX_BYTES.get(kind, 32 * 1024**2), 1, 2**40),
        threshold_per_100k=None if threshold is None else entry.number("threshold_per_100k", 1.0, 0.001, 100_000),
        name=entry.text("name"),
        schedule=tuple(entry.value("schedule", list, [])),
        agency_codes=tuple((str(raw), str(code)) for raw, code in agencies.items()),
        attribution=entry.text("attribution"),
        region=entry.text("region"),
        allow_private_hosts=entry.value("allow_private_hosts", bool, False),
        ca_file=_ca_file(entry),
        priority=_priority(entry, kind),
    )
    return spec if name in kinds else None


def is_feed_id(text: str) -> bool:
    """Small letters, digits and hyphens, at most forty: it is part of file names and keys."""
    return _FEED_ID.fullmatch(text) is not None


def _ca_file(entry: Table) -> str:
    path = entry.text("ca_file")
    if path:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except (OSError, ValueError) as error:
            entry.fault("ca_file", f"expected a file of certificates (PEM), found {path!r}: {error}")
    return path


def _headers(entry: Table) -> tuple[tuple[str, str], ...]:
    headers = Table(entry.faults, f"{entry.where}headers.", entry.value("headers", dict, {}))
    for name in headers.found:
        headers.uses(name, headers.text(name))
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            headers.fault(name, "expected the name of an HTTP header")
    return tuple((str(name), str(value)) for name, value in headers.found.items())


def _priority(entry: Table, kind: FeedKind) -> tuple[tuple[str, int], ...]:
    """``priority = 2`` for all a feed says, or a table of entity kinds."""
    found = entry.value("priority", (int, dict), 0)
    if found and kind not in _REALTIME:
        entry.fault("priority", f"only realtime feeds are ranked, not {kind.value}")
        return ()
    ranks = dict.fromkeys(ENTITY_KINDS, found) if isinstance(found, int) else found
    for name, rank in ranks.items():
        if name not in ENTITY_KINDS or not isinstance(rank, int) or isinstance(rank, bool) or not -100 <= rank <= 100:
            entry.fault(
                f"priority.{name}",
                f"expected a whole number from -100 to 100 for one of {', '.join(ENTITY_KINDS)}, found {rank!r}",
            )
            return ()
    return tuple((name, rank) for name, rank in ranks.items() if rank)


def _relations(faults: Faults, specs: list[FeedSpec]) -> None:
    schedules = [spec.feed_id for spec in specs if spec.kind is FeedKind.GTFS]
    codes: dict[str, str] = {}
    for number, spec in enumerate(specs):
        where = f"feeds[{number}]."
        for raw, code in spec.agency_codes:
            if code in codes:
                faults.add(f"{where}agencies.{raw}", f"{code!r} is also the code of an agency of {codes[code]}")
            codes[code] = spec.feed_id
        for name in spec.schedule:
            if name not in schedules:
                faults.add(
                    f"{where}schedule", f"{name!r} is no feed of kind gtfs; there are: {', '.join(schedules) or 'none'}"
                )
        if spec.kind in _REALTIME and not spec.schedule:
            if len(schedules) == 1:
                specs[number] = replace(spec, schedule=(schedules[0],))
            else:
                faults.add(
                    f"{where}schedule",
                    f"expected the gtfs feed it speaks about: one of {', '.join(schedules) or 'none (add one)'}",
                )


def read_same_stops(faults: Faults, entries: Any) -> tuple[tuple[str, ...], ...]:
    """``[[same_stops]]`` with ``stops = [qualified ids]``: each a place that several feeds know by an id of their own."""
    groups: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for entry in faults.entries("same_stops", entries, SAME_STOPS_KEYS):
        stops = entry.value("stops", list, [])
        if len(stops) < 2 or not all(isinstance(stop, str) and "_" in stop.strip("_") for stop in stops):
            entry.fault("stops", f"expected two or more ids such as 1_75403, found {stops!r}")
            continue
        for stop in stops:
            if stop in seen:
                entry.fault("stops", f"{stop!r} is already said to be the same as others")
            seen.add(stop)
        groups.append(tuple(stops))
    return tuple(groups)

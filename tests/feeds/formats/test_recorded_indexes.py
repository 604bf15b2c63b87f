"""Recorded indexes, broken messages and case rates, read a second time by other means: what is active when, where, and what
is refused.

The reading here is its own, from CAP 1.2, Atom and the district's table: minidom instead of ElementTree, rays instead of
polygons of a library. It shares no code with the decoders, with ``domain.geo`` or with the chains.
"""

import csv
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.dom import minidom
from xml.dom.minidom import Element, Text

import pytest

from domain.alert import Alert, AlertMessage
from domain.concern import assess_places
from domain.errors import NotThisFormat
from domain.feed import FeedKind, FeedSpec
from domain.risk import RiskLevel
from domain.standing import standing_part
from domain.subscription import Place
from feeds.formats.cap import decode
from feeds.formats.cap_index import decode_index
from feeds.formats.health_indicators import decode as decode_rates
from predictor.alert_chains import advance

BASE = "https://index.example/feed"
Point = tuple[float, float]
"""(lat, lon)."""


# --- a second reading of CAP in Atom and RSS


def inside(element: Element, name: str) -> list[Element]:
    return [one for one in element.getElementsByTagName("*") if one.tagName.rpartition(":")[2].lower() == name.lower()]


def said(element: Element, name: str) -> str:
    found = [one for one in element.childNodes if isinstance(one, Element)]
    for one in found:
        if one.tagName.rpartition(":")[2].lower() == name.lower():
            return said_by(one)
    return ""


def said_by(element: Element) -> str:
    return "".join(node.data for node in element.childNodes if isinstance(node, Text)).strip()


def epoch_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@dataclass
class Warned:
    """One message that a public reader may act on: from when until when, and where."""

    identifier: str
    begin_epoch_s: float
    end_epoch_s: float
    rings: list[list[Point]] = field(default_factory=list)
    is_over: bool = False


def warned(alert: Element) -> Warned | None:
    """None for what CAP 1.2 does not let be told to the public as real."""
    if (said(alert, "status"), said(alert, "scope")) != ("Actual", "Public") or said(alert, "msgType") == "Cancel":
        return None
    infos = inside(alert, "info")
    sent = epoch_s(said(alert, "sent"))
    one = Warned(said(alert, "identifier"), sent, 0.0)
    one.is_over = bool(infos) and all(
        "AllClear" in said(info, "responseType") or said(info, "urgency") == "Past" for info in infos
    )
    for info in infos:
        if (end := said(info, "expires")) and not one.is_over:
            one.end_epoch_s = max(one.end_epoch_s, epoch_s(end))
        for polygon in inside(info, "polygon"):
            numbers = [float(number) for number in re.findall(r"[-+]?\d+\.?\d*", said_by(polygon))]
            if numbers:
                one.rings.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return one


def link_of(entry: Element) -> str:
    """What a CAP reader follows: the link that says it is CAP, else an unnamed or alternate one, else the id."""
    links = [
        (
            one.getAttribute("href") or said_by(one),
            one.getAttribute("type"),
            one,
        )
        for one in inside(entry, "link")
    ]
    cap = [href for href, media, _ in links if media == "application/cap+xml"]
    plain = [href for href, media, one in links if not media and one.getAttribute("rel") in {"", "alternate"}]
    address = next(iter([*cap, *plain, said(entry, "id")]), "")
    return address if address.startswith("http") else ""


def covers(rings: list[list[Point]], lat: float, lon: float) -> bool:
    """A ray to the east crosses an odd number of edges of one of the rings."""
    for ring in rings:
        crossings = 0
        for (lat_a, lon_a), (lat_b, lon_b) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (lat_a > lat) != (lat_b > lat):
                crossings += lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a)
        if crossings % 2:
            return True
    return False


def grid(rings: list[list[Point]]) -> list[Point]:
    """Places over and around the rings, off their corners' latitudes."""
    lats, lons = ([point[axis] for ring in rings for point in ring] for axis in (0, 1))
    tall, wide = max(lats) - min(lats), max(lons) - min(lons)
    steps = [-0.31 + 0.2037 * n for n in range(9)]
    return [(min(lats) + tall * a, min(lons) + wide * b) for a in steps for b in steps]


def told(message: AlertMessage, lat: float, lon: float, now_epoch_s: float) -> bool:
    """Do we warn there, then?"""
    changes = advance({}, [message], feed_id="civil", seen_epoch_s=now_epoch_s, now_epoch_s=now_epoch_s)
    for alert in changes.told:
        standing = standing_part(alert, now_epoch_s)
        place = Place(label="", lat=lat, lon=lon, radius_m=0.0)
        if standing and assess_places(standing, (place,), now_epoch_s)[0].level is not RiskLevel.NONE:
            return True
    return False


@pytest.mark.recorded
def test_every_recorded_index_leads_where_a_second_reading_leads(recordings: Path) -> None:
    """The same addresses, and the same messages inside, whether in an entry or beside."""
    links = alerts = 0
    for path in sorted((recordings / "cap" / "feeds").iterdir()):
        root = minidom.parseString(path.read_bytes()).documentElement
        assert root is not None
        index = decode_index(path.read_bytes(), BASE)
        entries = [*inside(root, "entry"), *inside(root, "item")]
        expected = {link_of(entry) for entry in entries if not inside(entry, "alert")} - {""}
        assert {address for address, _ in index.links} == expected, path.name
        identifiers = {said(one, "identifier").replace(", ", ",") for one in inside(root, "alert")}
        assert {one.identifier for one in index.messages} == {one.strip() for one in identifiers}, path.name
        links, alerts = links + len(expected), alerts + len(identifiers)
    assert links > 400
    assert alerts >= 7


@pytest.mark.recorded
@pytest.mark.parametrize("folder", ["feeds", "xml_broken"])
def test_messages_in_indexes_and_broken_ones_warn_where_and_when_they_say(recordings: Path, folder: str) -> None:
    """From sending to expiry, over the drawn ground and nowhere else; broken ones as far as they can be read."""
    places = 0
    for path in sorted((recordings / "cap" / folder).iterdir()):
        data = path.read_bytes()
        ours = decode_index(data, BASE).messages if folder == "feeds" else decode(data, feed_id="civil").items
        by_id = {one.identifier: one for one in ours}
        document = minidom.parseString(data).documentElement
        assert document is not None
        alerts = [document] if document.tagName == "alert" else inside(document, "alert")
        for element in alerts:
            message = by_id["_".join(said(element, "identifier").replace(", ", ",").split())]
            try:
                expected = warned(element)
            except ValueError:
                assert message.sent_epoch_s == 0, (
                    "its time says nothing; that it is told all the same is shown elsewhere"
                )
                continue
            if expected is None or expected.is_over:
                assert not told(message, 0.0, 0.0, message.sent_epoch_s + 60), path.name
            if expected is None or not expected.rings:
                continue
            for lat, lon in grid(expected.rings):
                should = covers(expected.rings, lat, lon) and not expected.is_over
                assert told(message, lat, lon, expected.begin_epoch_s + 60) == should, f"{path.name} {lat} {lon}"
                if expected.end_epoch_s:
                    assert told(message, lat, lon, expected.end_epoch_s - 60) == should
                    assert not told(message, lat, lon, expected.end_epoch_s + 60)
                places += 1
    assert places >= 81


@pytest.mark.recorded
def test_recordings_with_a_document_type_are_refused(recordings: Path) -> None:
    """All of them, and nothing else that is XML at all."""
    refused, typed = set(), set()
    for path in sorted((recordings / "cap").rglob("*")):
        if path.suffix not in {".xml", ".cap", ".atom"} or "jma" in str(path):
            continue
        data = path.read_bytes()
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            typed.add(path.name)
        try:
            if b"<alert" in data:
                decode(data, feed_id="civil")
        except NotThisFormat:
            refused.add(path.name)
    assert typed == refused
    assert typed


# --- a second reading of case rates

THRESHOLD = 100.0
LEVELS = ((4.0, "Extreme"), (2.0, "Severe"), (1.0, "Moderate"))


def next_level(rate: float, before: str) -> str:
    """By docs/formats.md: from the threshold, twice and four times it; a level once reached sticks down to nine tenths."""
    for times, level in LEVELS:
        if rate >= times * THRESHOLD or (level == before and rate >= 0.9 * times * THRESHOLD):
            return level
    return ""


def first_inside(polygons: list[list[list[Point]]]) -> Point:
    """A place in a district: of a grid over its largest ring, one well inside the outline."""
    ring = max((polygon[0] for polygon in polygons), key=len)
    return next((lat, lon) for lat, lon in sorted(grid([ring]), key=lambda at: abs(at[0] - ring[0][0])) if covers([ring], lat, lon))  # fmt: skip


@pytest.mark.recorded
def test_a_winter_of_recorded_case_rates_warns_each_district_as_its_figures_say(recordings: Path) -> None:
    """New York by 177 districts over the Omicron wave: each day's warnings in force, and a place in each district."""
    health = recordings / "health"
    published: dict[str, dict[str, float]] = defaultdict(dict)
    with (health / "nyc/last7days_by_modzcta_history.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if "2021-12-01" <= row["published_at"][:10] <= "2022-03-31" and row["cases_per_100k_7day"]:
                published[row["published_at"]][row["modzcta"]] = float(row["cases_per_100k_7day"])
    shapes = json.loads((health / "boundaries/nyc_modzcta.geojson").read_text())["features"]
    ground = {shape["properties"]["MODZCTA"]: shape["geometry"] for shape in shapes}
    homes = {}
    for district, geometry in ground.items():
        polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        homes[district] = first_inside([[[(lat, lon) for lon, lat, *_ in ring] for ring in one] for one in polygons])
    spec = FeedSpec(feed_id="nyc", kind=FeedKind.CASE_RATES, url="http://x.example", interval_s=3600, threshold_per_100k=THRESHOLD)  # fmt: skip
    level: dict[str, AlertMessage] = {}
    expected: dict[str, str] = {}
    known: dict[str, Alert] = {}
    days = sorted(published)[::4]
    seen = set()
    for stamp in days:
        now = epoch_s(stamp) + 3600
        features = [
            {"properties": {"district_id": district, "name": district, "cases_per_100k_7day": rate}, "geometry": ground[district]}
            for district, rate in published[stamp].items()
        ]  # fmt: skip
        document = json.dumps({"type": "FeatureCollection", "published_at": stamp, "features": features}).encode()
        decoded = decode_rates(document, spec=spec, before=level, now_epoch_s=now)
        level = decoded.items.level
        changes = advance(known, decoded.items.messages, feed_id="nyc", seen_epoch_s=now, now_epoch_s=now)
        known |= {one.alert_id: one for one in (*changes.told, *changes.quiet)}
        for alert_id in changes.forgotten:
            del known[alert_id]
        for district, rate in published[stamp].items():
            expected[district] = next_level(rate, expected.get(district, ""))
        standing = [one for alert in known.values() if (one := standing_part(alert, now)) is not None]
        ours = {alert.infos[0].areas[0].description: alert.infos[0].severity.value for alert in standing}
        assert ours == {district: name for district, name in expected.items() if name}, stamp
        seen |= {*expected.values()}
    assert seen == {"", "Moderate", "Severe", "Extreme"}
    assert len(days) >= 25
    for alert in standing:
        mine = alert.infos[0].areas[0].description
        places = [Place(label=name, lat=lat, lon=lon, radius_m=0.0) for name, (lat, lon) in homes.items()]
        risks = assess_places(alert, places, now)
        touched = {place.label for place, risk in zip(places, risks, strict=True) if risk.level is not RiskLevel.NONE}
        assert touched == {mine}

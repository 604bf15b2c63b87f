"""Every recorded CAP file, read a second time by other means: who must be warned, and who must not be.

The reading here is its own: plain element names, angles summed around a point, metres on a local plane. It shares no code
with the decoder or with ``domain.geo``.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pytest

from domain.concern import assess_places
from domain.risk import RiskLevel
from domain.subscription import Place, rounded_outward
from feeds.formats.cap import decode
from predictor.alert_chains import advance

FOLDERS = ("xml_real", "xml_spec_and_demo", "bbk_xml_converted")
RADIUS_M = 500.0
POINT_M = 5_000.0
"""What a labelled point stands for where a block has nothing else."""
METRES_PER_DEGREE = 111_195.0
CLEARANCE_M = 60.0
"""Points nearer to an edge than this are left out: two ways to measure may differ there."""
Floats = npt.NDArray[np.float64]


@dataclass
class Reading:
    """What one info block says by the letter of CAP 1.2."""

    rings: list[Floats] = field(default_factory=list)
    """Closed, columns (lat, lon), longitudes unwrapped."""
    discs: list[tuple[float, float, float]] = field(default_factory=list)
    """(lat, lon, metres)."""
    is_undrawn: bool = False
    holds: bool = True


@dataclass
class Message:
    identifier: str
    is_for_the_public: bool
    sent_epoch_s: float
    blocks: list[Reading]


def texts(element: ET.Element, name: str) -> list[str]:
    return [(one.text or "").strip() for one in element if one.tag.rpartition("}")[2].lower() == name.lower()]


def first(element: ET.Element, name: str) -> str:
    return next(iter(texts(element, name)), "")


def children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (one for one in element if one.tag.rpartition("}")[2].lower() == name.lower())


def epoch_s(text: str) -> float:
    year = int(text[:4])
    return datetime.fromisoformat(f"{year - 543 if year > 2400 else year}{text[4:]}").timestamp()


def ring_of(text: str) -> Floats | None:
    pairs = [(float(lat), float(lon)) for lat, lon in re.findall(r"(-?[\d.]+)\s*,\s*(-?[\d.]+)", text)]
    pairs = [pair for pair in pairs if pair != (-1.0, -1.0)]
    if any(abs(lat) > 90 for lat, _ in pairs):
        pairs = [(lat, lon) for lon, lat in pairs]
    if len({*pairs}) < 3:
        return None
    points = np.array([*pairs, pairs[0]], np.float64)
    points[:, 1] = np.degrees(np.unwrap(np.radians(points[:, 1])))
    return points


def block_of(info: ET.Element, now_epoch_s: float) -> Reading:
    found = Reading()
    areas = list(children(info, "area"))
    points: list[tuple[float, float, float]] = []
    for area in areas:
        rings = [ring for text in texts(area, "polygon") if text and (ring := ring_of(text)) is not None]
        discs = []
        for text in texts(area, "circle"):
            lat, lon, radius_km = map(float, re.split(r"[,\s]+", text))
            if radius_km > 0:
                discs.append((lat, lon, radius_km * 1000))
        found.rings += rings
        found.discs += discs
        labels = [text for text in texts(area, "circle") if text] if not discs and not rings else []
        if labels and not list(children(area, "geocode")):
            points += [(lat, lon, POINT_M) for lat, lon, _ in (map(float, re.split(r"[,\s]+", one)) for one in labels)]
        else:
            found.is_undrawn |= not rings and not discs
    found.is_undrawn |= not areas
    if not found.rings and not found.discs and not found.is_undrawn:
        found.discs = points
    end = first(info, "expires")
    found.holds = not end or epoch_s(end) > now_epoch_s
    responses = {word.lower() for word in texts(info, "responseType")}
    past = first(info, "urgency") == "Past" and responses <= {"none"}
    over = re.search(r"cancell?ation|entwarnung|aufhebung", first(info, "event"), re.IGNORECASE)
    levels = [
        first(one, "value") for one in children(info, "parameter") if first(one, "valueName") == "awareness_level"
    ]
    if "allclear" in responses or past or over or any(level.startswith("1") for level in levels):
        found.holds = False
    return found


def is_test(alert: ET.Element) -> bool:
    for info in children(alert, "info"):
        codes = [first(code, "value") for code in children(info, "eventCode")]
        if {"RMT", "RWT", "DMO", "NPT"} & set(codes):
            return True
        text = " ".join(first(info, name) for name in ("event", "headline", "description", "instruction"))
        if re.search(r"\btest\b|exercise|\bdrill\b|\bdemo\b|\btesting\b", text, re.IGNORECASE):
            return True
    return False


def messages_in(path: Path) -> list[Message]:
    root = ET.fromstring(path.read_bytes())
    found = []
    for alert in root.iter():
        if alert.tag.rpartition("}")[2] != "alert" or not first(alert, "identifier"):
            continue
        sent = epoch_s(first(alert, "sent"))
        scope = first(alert, "scope") or ("Public" if "/cap/1.0" in alert.tag else "")
        public = first(alert, "status") == "Actual" and scope == "Public"
        public = public and first(alert, "msgType") in {"Alert", "Update"}
        blocks = [block_of(info, sent + 60) for info in children(alert, "info")]
        drawn = [block for block in blocks if not block.is_undrawn]
        for block in blocks:
            if not block.rings and not block.discs and drawn:
                block.is_undrawn = True
        found.append(Message(first(alert, "identifier"), public, sent, blocks))
    return found


def winding(ring: Floats, lat: float, lon: float) -> int:
    angles = np.unwrap(np.arctan2(ring[:, 0] - lat, ring[:, 1] - lon))
    return round(float(angles[-1] - angles[0]) / (2 * math.pi))


def edge_m(ring: Floats, lat: float, lon: float) -> float:
    """Metres to the nearest edge, on the plane that touches the Earth at the point: good for what is near."""
    y = (ring[:, 0] - lat) * METRES_PER_DEGREE
    x = (ring[:, 1] - lon) * METRES_PER_DEGREE * math.cos(math.radians(lat))
    dx, dy = np.diff(x), np.diff(y)
    along = np.clip(-(x[:-1] * dx + y[:-1] * dy) / np.maximum(dx**2 + dy**2, 1e-9), 0, 1)
    return float(np.hypot(x[:-1] + along * dx, y[:-1] + along * dy).min())


def centre_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Spherical law of cosines."""
    a, b, shift = math.radians(lat_a), math.radians(lat_b), math.radians(lon_b - lon_a)
    cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(shift)
    return 6_371_008.8 * math.acos(max(-1.0, min(1.0, cosine)))


def verdict(block: Reading, lat: float, lon: float, radius_m: float) -> bool | None:
    """Must a disc there be warned? None where it is too close to say."""
    doubtful = False
    for ring in block.rings:
        for turn in (-360.0, 0.0, 360.0):
            if not (ring[:, 1].min() - 2 <= lon + turn <= ring[:, 1].max() + 2):
                continue
            if winding(ring, lat, lon + turn):
                return True
            gap = edge_m(ring, lat, lon + turn)
            if gap < radius_m - CLEARANCE_M - 0.01 * radius_m:
                return True
            doubtful |= gap < radius_m + CLEARANCE_M + 0.01 * radius_m
    for centre_lat, centre_lon, reach_m in block.discs:
        gap = centre_m(centre_lat, centre_lon, lat, lon) - reach_m
        if gap < radius_m - CLEARANCE_M:
            return True
        doubtful |= gap < radius_m + CLEARANCE_M + 0.001 * reach_m
    return None if doubtful else False


def samples(block: Reading, lot: np.random.Generator) -> list[tuple[float, float]]:
    """Places in, at and around the first parts of a block's ground."""
    found = []
    for ring in block.rings[:5]:
        (south, west), (north, east) = ring.min(axis=0), ring.max(axis=0)
        tall, wide = max(north - south, 0.02), max(east - west, 0.02)
        spread = lot.uniform(-0.4, 1.4, (8, 2)) * (tall, wide) + (south, west)
        near = ring[lot.integers(0, len(ring), 4)] + lot.normal(0, 0.006, (4, 2))
        found += [(float(lat), float(lon)) for lat, lon in (*spread, *near)]
    for lat, lon, reach_m in block.discs[:5]:
        for _ in range(12):
            share, bearing = lot.uniform(0, 2), lot.uniform(0, 2 * math.pi)
            step = share * reach_m / METRES_PER_DEGREE
            east = step * math.sin(bearing) / max(math.cos(math.radians(lat)), 0.05)
            found.append((lat + step * math.cos(bearing), lon + east))
    return [(lat, (lon + 540) % 360 - 180) for lat, lon in found if abs(lat) < 89]


@pytest.mark.recorded
@pytest.mark.parametrize("folder", FOLDERS)
def test_everybody_in_the_drawn_ground_is_warned_and_nobody_outside(recordings: Path, folder: str) -> None:
    """Each message alone, a minute after it was sent, seen from places in, at and around its ground."""
    lot = np.random.default_rng(5)
    inside = outside = held = 0
    for path in sorted((recordings / "cap" / folder).iterdir()):
        if b"<!DOCTYPE" in (data := path.read_bytes()) or b"<!ENTITY" in data:
            continue
        ours = {one.identifier: one for one in decode(data, feed_id="civil").items}
        for message in messages_in(path):
            now = message.sent_epoch_s + 60
            mine = ours["_".join(message.identifier.split())]
            changes = advance({}, [mine], feed_id="civil", seen_epoch_s=now, now_epoch_s=now)
            alert = next(iter((*changes.told, *changes.quiet)), None)
            if not message.is_for_the_public:
                assert changes.told == (), f"{path.name}: pushed, although {message}"
                continue
            if alert is not None and "it is a test" in alert.why_not_pushable:
                held += 1
                (element,) = [
                    one for one in ET.fromstring(data).iter() if first(one, "identifier") == message.identifier
                ]
                assert is_test(element), f"{path.name}: held as a test: {alert.why_not_pushable}"
                continue
            holding = [block for block in message.blocks if block.holds]
            if not holding:
                continue
            assert changes.told == (alert,), f"{path.name}: told to nobody"
            assert alert is not None
            points = [point for block in holding for point in samples(block, lot)] or [(0.0, 0.0)]
            risks = assess_places(
                alert, [Place(label="", lat=lat, lon=lon, radius_m=RADIUS_M) for lat, lon in points], now
            )
            coarse = any(block.is_undrawn for block in holding)
            for (lat, lon), risk in zip(points, risks, strict=True):
                verdicts = [verdict(block, lat, lon, RADIUS_M) for block in holding]
                warned = risk.level is not RiskLevel.NONE
                if True in verdicts or coarse:
                    inside += 1
                    assert warned, f"{path.name}: nobody warned at {lat}, {lon}"
                elif None not in verdicts:
                    outside += 1
                    assert not warned, f"{path.name}: warned without need at {lat}, {lon}"
    assert inside > 25
    assert outside > 50 or folder == "xml_spec_and_demo"
    assert held <= 4


@pytest.mark.recorded
def test_what_is_kept_of_a_place_is_warned_wherever_the_place_is(recordings: Path) -> None:
    """Rounding to the grid grows a place, never moves it out: whoever is touched exactly is touched as kept."""
    lot = np.random.default_rng(7)
    checked = 0
    for path in sorted((recordings / "cap" / "bbk_xml_converted").iterdir())[::9]:
        for message in messages_in(path):
            (mine,) = decode(path.read_bytes(), feed_id="civil").items
            now = message.sent_epoch_s + 60
            told = advance({}, [mine], feed_id="civil", seen_epoch_s=now, now_epoch_s=now).told
            for alert in told:
                exact = [
                    Place(label="", lat=lat, lon=lon, radius_m=float(lot.choice([0, 1, 99.5, 100, 750])))
                    for block in message.blocks
                    for lat, lon in samples(block, lot)
                ]
                kept = assess_places(alert, [rounded_outward(place) for place in exact], now)
                for place, as_kept, as_is in zip(exact, kept, assess_places(alert, exact, now), strict=True):
                    if as_is.level is not RiskLevel.NONE:
                        checked += 1
                        assert as_kept.level is not RiskLevel.NONE, f"{path.name}: {place}"
    assert checked > 300

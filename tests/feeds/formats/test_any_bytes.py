"""Decoders never raise anything but their one error, whatever the bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import NotThisFormat
from domain.feed import FeedKind, FeedSpec
from feeds.formats import cap, cap_index, gtfs_realtime, health_indicators

SPEC = FeedSpec(feed_id="f", kind=FeedKind.CASE_RATES, url="http://f.example", interval_s=60, threshold_per_100k=50)
WORDS = st.sampled_from(
    ["alert", "info", "area", "polygon", "circle", "geocode", "value", "valueName", "sent", "expires", "references", "status",
     "msgType", "scope", "identifier", "severity", "language", "feed", "entry", "link", "rss", "item", "updated", "guid"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["Actual", "Cancel", "91,181 nan,inf", "1,2 3,4 5,6 1,2", "1,2 1e309", "2026-11-24T00:00:00+99:99", "9999-12-31T23:59:59Z",
         "0001-01-01T00:00:00+14:00", "-1.0,-1.0", "a,b,c", "49.1,8.2 -5", "http://[", "javascript:alert(1)", "²,³ 1"]
    ),
)  # fmt: skip
ELEMENT = st.recursive(
    st.tuples(WORDS, TEXTS),
    lambda inner: st.tuples(WORDS, st.lists(inner, max_size=5)),
    max_leaves=25,
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=5)),
    max_leaves=15,
)
QUIETLY = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)


def xml_of(element: object) -> str:
    assert isinstance(element, tuple)
    name, content = element
    if isinstance(content, str):
        escaped = content.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "")
        return f"<{name}>{escaped}</{name}>"
    return f"<{name}>{''.join(map(xml_of, content))}</{name}>"


def decode_all(data: bytes) -> None:
    """Everything that reads bytes from strangers."""
    for read in (
        lambda: cap.decode(data, feed_id="f"),
        lambda: cap_index.decode_index(data, "http://f.example/index", feed_id="f"),
        lambda: gtfs_realtime.decode(data, feed_id="f", now_epoch_s=0),
        lambda: gtfs_realtime.decode(data, feed_id="f", now_epoch_s=0, quickly=False),
        lambda: health_indicators.decode(data, spec=SPEC, before={}, now_epoch_s=0.0),
    ):
        try:
            read()
        except NotThisFormat as refused:
            assert str(refused)  # noqa: PT017
    cap_index.looks_like_index(data)


@QUIETLY
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    decode_all(data)


@QUIETLY
@given(ELEMENT)
def test_any_xml_of_words_that_mean_something(element: object) -> None:
    body = xml_of(element)
    decode_all(f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">{body}</alert>'.encode("utf-8", "replace"))
    decode_all(f"<feed>{body}</feed>".encode("utf-8", "replace"))


@QUIETLY
@given(JSON, JSON, JSON)
def test_any_case_rates(first: object, second: object, third: object) -> None:
    """Features whose parts are anything at all."""
    ring = [[0, 0], [0, 1], [1, 1], [0, 0]]
    features = [
        first,
        {"properties": second, "geometry": third},
        {"properties": {"name": second, "cases_7day": first, "population": third}, "geometry": {"type": "Polygon", "coordinates": [ring]}},
        {"properties": {"name": "n", "cases_per_100k_7day": 99}, "geometry": {"type": "MultiPolygon", "coordinates": second}},
    ]  # fmt: skip
    decode_all(json.dumps({"features": features, "published_at": third}).encode("utf-8", "replace"))


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_nesting_without_end(depth: int) -> None:
    decode_all(b"[" * depth)
    decode_all(b'{"features":' * depth)
    decode_all(b"<alert>" * depth)
    decode_all(b"<alert>" * depth + b"</alert>" * depth)
    decode_all(b"\x12\x80\x01" * depth)


@pytest.mark.recorded
def test_every_recorded_file_is_read_or_refused(recordings: Path) -> None:
    """Each by every decoder, also by those that it is not for, and cut in two."""
    paths = [
        path for folder in ("cap", "gtfsrt", "health") for path in (recordings / folder).rglob("*")
        if path.is_file() and path.suffix in {".xml", ".cap", ".pb", ".json", ".geojson"} and path.stat().st_size < 400_000
    ]  # fmt: skip
    for path in paths:
        data = path.read_bytes()
        decode_all(data)
        decode_all(data[: len(data) // 2])
    assert len(paths) > 250


@pytest.mark.recorded
def test_every_recorded_realtime_message_is_decoded(recordings: Path) -> None:
    """All but the one that is damaged on purpose, each with as many entities as the official bindings see."""
    from google.transit import gtfs_realtime_pb2

    refused = []
    for path in sorted((recordings / "gtfsrt").rglob("*.pb")):
        data = path.read_bytes()
        try:
            decoded = gtfs_realtime.decode(data, feed_id="f", now_epoch_s=0)
        except NotThisFormat:
            refused.append(path.name)
            continue
        message = gtfs_realtime_pb2.FeedMessage.FromString(data)
        seen = sum(
            it.HasField("trip_update")
            + (it.HasField("vehicle") and it.vehicle.HasField("position"))
            + it.HasField("alert")
            for it in message.entity
            if not it.is_deleted
        )
        lost = sum(one.count for one in decoded.problems if one.code == "rt_bad_position")
        assert sum(decoded.entity_counts.values()) + lost == seen, path
    assert refused == ["transitland-invalid.pb"]

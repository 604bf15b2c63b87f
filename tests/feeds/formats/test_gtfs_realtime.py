"""GTFS-realtime bytes to columns: the quick way and the way through the generated classes say the same."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from google.transit import gtfs_realtime_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import NotThisFormat
from domain.realtime import NO_VALUE
from feeds.formats.gtfs_realtime import RealtimeItems, decode
from feeds.formats.gtfs_realtime_columns import MAX_ENTITIES, cut
from feeds.formats.protobuf_columns import Irregular

TEXT = st.one_of(st.sampled_from(["", "A", "stop-1", "stop-2", "a longer id than eight", "a longer id than eigh2"]), st.text(max_size=12))  # fmt: skip
INT32 = st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(-900, 900))
INT64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(1_700_000_000, 1_800_000_000))
UINT64 = st.one_of(st.integers(0, 2**64 - 1), st.integers(1_700_000_000, 1_800_000_000))
UINT32 = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 99))


def _maybe(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Each field there or not."""
    return st.fixed_dictionaries({}, optional=fields)


EVENT = _maybe(delay=INT32, time=INT64, uncertainty=INT32, scheduled_time=INT64)
STOP = _maybe(
    stop_sequence=UINT32, stop_id=TEXT, arrival=EVENT, departure=EVENT, schedule_relationship=st.sampled_from([0, 1, 2, 3]),
    stop_time_properties=_maybe(assigned_stop_id=TEXT, stop_headsign=TEXT, pickup_type=st.sampled_from([0, 1])),
    departure_occupancy_status=st.sampled_from([0, 3]),
)  # fmt: skip
TRIP = _maybe(
    trip_id=TEXT, route_id=TEXT, direction_id=UINT32, start_time=st.sampled_from(["08:05:09", "25:00:00", "x", ""]),
    start_date=st.sampled_from(["20261124", "2026", ""]), schedule_relationship=st.sampled_from([0, 1, 2, 3, 5, 6, 7, 8]),
    modified_trip=_maybe(affected_trip_id=TEXT),
)  # fmt: skip
UPDATE = st.fixed_dictionaries(
    {"trip": TRIP},
    optional={
        "vehicle": _maybe(id=TEXT, label=TEXT, license_plate=TEXT), "timestamp": UINT64, "delay": INT32,
        "stop_time_update": st.lists(STOP, max_size=6), "trip_properties": _maybe(trip_id=TEXT, start_date=TEXT),
    },
)  # fmt: skip
DEGREES = st.one_of(st.floats(-89, 89, width=32), st.floats(-181, 181, width=32))
POSITION = st.fixed_dictionaries(
    {"latitude": DEGREES, "longitude": DEGREES},
    optional={
        "bearing": st.floats(0, 360, width=32),
        "speed": st.floats(width=32),
        "odometer": st.floats(allow_nan=False),
    },
)
VEHICLE = _maybe(
    trip=TRIP, vehicle=_maybe(id=TEXT, label=TEXT), position=POSITION, current_stop_sequence=UINT32, stop_id=TEXT,
    current_status=st.sampled_from([0, 1, 2]), timestamp=UINT64, congestion_level=st.sampled_from([0, 4]),
    occupancy_status=st.sampled_from([0, 5, 8]), occupancy_percentage=UINT32,
    multi_carriage_details=st.lists(_maybe(id=TEXT, carriage_sequence=UINT32), max_size=1),
)  # fmt: skip
ENTITY = st.fixed_dictionaries(
    {"id": TEXT},
    optional={
        "is_deleted": st.booleans(), "trip_update": UPDATE, "vehicle": VEHICLE,
        "alert": st.fixed_dictionaries({}), "shape": _maybe(shape_id=TEXT),
    },
)  # fmt: skip
MESSAGE = st.builds(
    lambda header, entities: gtfs_realtime_pb2.FeedMessage(
        header={"gtfs_realtime_version": "2.0", **header}, entity=entities
    ),
    _maybe(timestamp=UINT64, incrementality=st.sampled_from([0, 1])),
    st.lists(ENTITY, max_size=8),
)


def _read(data: bytes, *, quickly: bool) -> RealtimeItems | None:
    try:
        return decode(data, feed_id="tu", now_epoch_s=0.0, quickly=quickly).items
    except NotThisFormat:
        return None


def _assert_same(one: object, other: object) -> None:
    """Equal, arrays with their types too."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            _assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other


@settings(max_examples=300, deadline=None)
@given(MESSAGE)
def test_both_ways_read_any_message_alike(message: gtfs_realtime_pb2.FeedMessage) -> None:
    """Whatever fields are there, with whatever values."""
    data = message.SerializeToString()
    _assert_same(_read(data, quickly=True), _read(data, quickly=False))


@settings(max_examples=300, deadline=None)
@given(MESSAGE, st.data())
def test_spoilt_bytes_raise_nothing_but_the_one_error(
    message: gtfs_realtime_pb2.FeedMessage, data: st.DataObject
) -> None:
    """Cut short or with a byte changed, a message is read or refused; what the classes read, the quick way reads alike."""
    good = message.SerializeToString()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(st.sampled_from([good[:at], good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]]))
    plain, quick = _read(bad, quickly=False), _read(bad, quickly=True)
    if plain is not None:
        _assert_same(quick, plain)


def test_a_start_time_that_is_no_text_is_none() -> None:
    """One spoilt byte in it takes neither the trip nor the message away."""
    trip = {"trip_id": "T", "start_time": "08:05:00"}
    message = gtfs_realtime_pb2.FeedMessage(
        header={"gtfs_realtime_version": "2.0"}, entity=[{"id": "1", "trip_update": {"trip": trip}}]
    )
    bad = message.SerializeToString().replace(b"08:05:00", b"08:05:0\xb9")
    for quickly in (True, False):
        items = _read(bad, quickly=quickly)
        assert items is not None
        assert items.trip_updates is not None
        assert (list(items.trip_updates.trip_ids), list(items.trip_updates.start_time_s)) == (["T"], [NO_VALUE])


@pytest.mark.parametrize(
    "data", [b"", b"\x0a", b"\x0a\x80", b"\x12\x00", b"\x0a\x05\x0a\x03", b"<html></html>", b"\x0a\x02\x0a\x00\x0b"]
)
def test_what_is_no_message_is_not_cut(data: bytes) -> None:
    """No header, a length beyond the end, or another format."""
    with pytest.raises(Irregular):
        cut(data)


def test_a_dataset_of_too_many_entities_is_refused() -> None:
    """Two bytes each: a megabyte of nothing must not become a hundred."""
    head = gtfs_realtime_pb2.FeedMessage(header={"gtfs_realtime_version": "2.0"}).SerializeToString()
    with pytest.raises(NotThisFormat, match="at most 500000 entities"):
        decode(head + b"\x12\x00" * (MAX_ENTITIES + 1), feed_id="tu", now_epoch_s=0.0)


def test_a_trip_update_becomes_columns() -> None:
    """Absent is not zero, texts are interned, negative delays stay negative."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version, message.header.timestamp = "2.0", 1_790_000_000
    update = message.entity.add(id="1").trip_update
    update.trip.trip_id, update.trip.start_date, update.trip.start_time = "T1", "20261124", "25:00:10"
    update.delay = -30
    update.stop_time_update.add(stop_sequence=3, stop_id="Đống Đa").arrival.delay = -90
    update.stop_time_update.add(stop_id="B", schedule_relationship=1)
    update.stop_time_update.add(stop_id="Đống Đa").departure.time = 1_790_000_600
    said = decode(message.SerializeToString(), feed_id="tu", now_epoch_s=0.0).items.trip_updates
    assert said is not None
    assert (said.trip_ids, said.start_date.tolist(), said.start_time_s.tolist()) == (["T1"], [20261124], [90_010])
    assert (said.header_epoch_s, said.delay_s.tolist(), said.direction.tolist()) == (1_790_000_000, [-30], [NO_VALUE])
    assert said.ptr.tolist() == [0, 3]
    assert said.stop_sequence.tolist() == [3, NO_VALUE, NO_VALUE]
    assert [said.stop_ids[row] for row in said.stop_ref.tolist()] == ["Đống Đa", "B", "Đống Đa"]
    assert said.stop_relationship.tolist() == [0, 1, 0]
    assert said.arrival_delay_s.tolist() == [-90, NO_VALUE, NO_VALUE]
    assert said.departure_epoch_s.tolist() == [0, 0, 1_790_000_600]


def test_a_notice_is_read_as_it_is_meant() -> None:
    """Times in milliseconds, blank translations, and a way that only the trip names."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    told = message.entity.add(id="n").alert
    told.active_period.add(start=1_795_435_200_000, end=1_795_438_800_000)
    told.active_period.add(start=1_795_440_000)
    told.header_text.translation.add(text=" ", language="en")
    told.header_text.translation.add(text="Umleitung", language="de")
    of_trip = told.informed_entity.add().trip
    of_trip.route_id, of_trip.direction_id, of_trip.start_time = "10", 1, "08:00:00"
    told.informed_entity.add(route_id="20", direction_id=0)
    (found,) = decode(message.SerializeToString(), feed_id="f", now_epoch_s=0).items.situations
    assert [(it.start_epoch_s, it.end_epoch_s) for it in found.periods] == [
        (1_795_435_200, 1_795_438_800),
        (1_795_440_000, 0),
    ]
    assert [it.text for it in found.header] == ["Umleitung"]
    assert [(it.route_raw_id, it.direction, it.trip_start_time_s) for it in found.selectors] == [
        ("10", 1, 28_800),
        ("20", 0, None),
    ]


@pytest.mark.parametrize("quickly", [True, False])
def test_changes_to_a_dataset_are_refused_by_name(quickly: bool) -> None:
    """Read as a whole, it would bring cancelled trips back; and what a whole one marks as deleted is left out."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    for trip_id in ("here", "gone"):
        message.entity.add(id=trip_id, is_deleted=trip_id == "gone").trip_update.trip.trip_id = trip_id
    said = decode(message.SerializeToString(), feed_id="tu", now_epoch_s=0.0, quickly=quickly).items.trip_updates
    assert said is not None
    assert said.trip_ids == ["here"]
    message.header.incrementality = gtfs_realtime_pb2.FeedHeader.DIFFERENTIAL
    with pytest.raises(NotThisFormat, match="DIFFERENTIAL"):
        decode(message.SerializeToString(), feed_id="tu", now_epoch_s=0.0, quickly=quickly)


@pytest.mark.recorded
def test_both_ways_read_every_recording_alike(recordings: Path) -> None:
    """All of them, and most the quick way."""
    read = 0
    for path in sorted(recordings.rglob("*.pb")):
        data = path.read_bytes()
        plain = _read(data, quickly=False)
        _assert_same(_read(data, quickly=True), plain)
        read += plain is not None
    assert read > 0

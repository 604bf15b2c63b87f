"""What is written reads back as it was: on made-up messages with everything in them, and on real ones."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2 as pb

from feeds.formats import gtfs_realtime
from feeds.formats.gtfs_realtime_writer import encode_trip_updates, encode_vehicles

EVERYTHING = """
header { gtfs_realtime_version: "2.0" timestamp: 1795406400 }
entity { id: "a" trip_update {
  trip { trip_id: "t1" route_id: "10" direction_id: 1 start_date: "20261123" start_time: "25:10:05" }
  vehicle { id: "v1" label: "Bus 1" } timestamp: 1795406390 delay: -30
  stop_time_update { stop_sequence: 3 stop_id: "s1" arrival { delay: 60 uncertainty: 20 } departure { time: 1795406500 } }
  stop_time_update { stop_id: "s2" schedule_relationship: SKIPPED }
  stop_time_update { stop_id: "s1" stop_time_properties { assigned_stop_id: "s9" } arrival { delay: 0 } }
} }
entity { id: "b" trip_update {
  trip { trip_id: "t2" schedule_relationship: DUPLICATED }
  trip_properties { trip_id: "t2-copy" start_date: "20261123" start_time: "09:00:00" }
} }
entity { id: "c" vehicle {
  trip { trip_id: "t1" start_date: "20261123" } vehicle { id: "v1" label: "Bus 1" }
  position { latitude: 44.65 longitude: -63.57 bearing: 90 speed: 7.5 odometer: 1234 }
  current_stop_sequence: 4 stop_id: "s2" current_status: STOPPED_AT timestamp: 1795406395 congestion_level: RUNNING_SMOOTHLY
  occupancy_status: FEW_SEATS_AVAILABLE occupancy_percentage: 60
  multi_carriage_details { id: "c1" carriage_sequence: 1 occupancy_status: FULL }
} }
entity { id: "d" vehicle { vehicle { id: "v2" } position { latitude: 44.6 longitude: -63.5 } } }
"""


def decoded(data: bytes) -> Any:
    return gtfs_realtime.decode(data, feed_id="x", now_epoch_s=1795406400).items


def assert_same(one: Any, other: Any) -> None:
    for field in fields(one):
        was, now = getattr(one, field.name), getattr(other, field.name)
        if isinstance(was, np.ndarray):
            np.testing.assert_array_equal(was, now, err_msg=field.name)
        else:
            assert was == now, field.name


def round_trip(data: bytes) -> None:
    items = decoded(data)
    if items.trip_updates is not None:
        assert_same(items.trip_updates, decoded(encode_trip_updates(items.trip_updates)).trip_updates)
    if items.vehicles is not None:
        assert_same(items.vehicles, decoded(encode_vehicles(items.vehicles)).vehicles)


def test_everything_reads_back() -> None:
    data = text_format.Parse(EVERYTHING, pb.FeedMessage()).SerializeToString()
    items = decoded(data)
    assert items.trip_updates is not None
    assert items.vehicles is not None
    round_trip(data)


@pytest.mark.recorded
def test_real_messages_read_back(recordings: Path) -> None:
    paths = sorted((recordings / "gtfsrt").rglob("*.pb"), key=lambda path: path.stat().st_size)[::7]
    assert len(paths) > 5
    for path in paths:
        round_trip(path.read_bytes())

"""The generated town: the same seed is the same town, its schedule obeys GTFS, and every hour shows something."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from simulator.city import City, build_city
from simulator.operations import Operations
from simulator.realtime import trip_updates, vehicle_positions

DAY = date(2026, 6, 3)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(7, DAY)


def _rows(city: City, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(city.gtfs_zip)) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_the_same_seed_makes_the_same_bytes(city: City) -> None:
    assert build_city(7, DAY).gtfs_zip == city.gtfs_zip


def test_stop_times_name_known_stops_and_never_go_back(city: City) -> None:
    stops = {row["stop_id"] for row in _rows(city, "stops.txt")}
    rows = _rows(city, "stop_times.txt")
    assert {row["stop_id"] for row in rows} <= stops
    assert len(stops) > 800
    for before, after in pairwise(row for row in rows if row["arrival_time"]):
        if before["trip_id"] == after["trip_id"]:
            assert before["departure_time"] <= after["arrival_time"] <= after["departure_time"]


@pytest.mark.parametrize("hour", [6, 12, 17, 23])
def test_vehicles_are_on_the_road_at_any_hour(city: City, hour: int) -> None:
    """06:30 UTC is 03:30 in town."""
    at = datetime(2026, 6, 3, hour, 30, tzinfo=UTC).timestamp()
    operations = Operations(city)
    assert len(vehicle_positions(operations, at).entity) >= 3
    assert len(trip_updates(operations, at).entity) >= 3


def test_by_day_there_is_one_of_each_trouble(city: City) -> None:
    runs = Operations(city).runs_near(datetime(2026, 6, 3, 15, 0, tzinfo=UTC).timestamp())
    for trouble in ("cancelled", "added", "detoured", "skipped", "silent_from_s"):
        assert any(getattr(run, trouble) not in {None, False} for run in runs), trouble

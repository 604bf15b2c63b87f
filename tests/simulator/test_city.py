"""The generated town: the same seed is the same town, its schedule obeys GTFS, and every hour shows something."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from itertools import pairwise
from math import hypot
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2 as pb

from feeds.formats import gtfs
from simulator.city import City, build_city
from simulator.operations import Operations, Run
from simulator.realtime import trip_updates, vehicle_positions
from simulator.streets import METRES_PER_DEGREE_LAT, METRES_PER_DEGREE_LON, lat_lon

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


# --- the schedule: what a town has


def test_the_town_is_as_large_as_a_town(city: City) -> None:
    assert len(_rows(city, "routes.txt")) == 40
    assert 880 <= len(_rows(city, "stops.txt")) <= 960


def test_the_importer_finds_nothing_wrong_with_the_schedule(city: City, tmp_path: Path) -> None:
    path = tmp_path / "town.zip"
    path.write_bytes(city.gtfs_zip)
    assert gtfs.read(path, codes={"": "LT"}).problems == []


def test_shapes_bend(city: City) -> None:
    """Every line turns again and again: by more than 150 degrees in all, and no line is straight."""
    for pattern in city.patterns.values():
        points, length_m = pattern.path.points, pattern.path.length_m
        assert len(points) >= 8, pattern.pattern_id
        turned = sum(
            abs((pattern.path.place(at + 60)[1] - pattern.path.place(at)[1] + 180) % 360 - 180)
            for at in range(0, int(length_m) - 60, 60)
        )
        assert turned > 150, pattern.pattern_id


def test_a_block_chains_trips_with_a_rest_between(city: City) -> None:
    blocks: dict[tuple[str, str], list[Any]] = {}
    for trip in city.trips:
        if trip.block_id:
            blocks.setdefault((trip.service_id, trip.block_id), []).append(trip)
    rests = [after.start_s - before.end_s for trips in blocks.values() for before, after in pairwise(trips)]
    assert len(rests) > 1000
    assert min(rests) >= 4 * 60


def test_service_goes_on_after_midnight(city: City) -> None:
    times = [row["departure_time"] for row in _rows(city, "stop_times.txt") if row["departure_time"]]
    assert max(times) > "29:00:00"


def test_two_calendars_have_exceptions_of_both_kinds(city: City) -> None:
    assert len(_rows(city, "calendar.txt")) == 2
    assert {row["exception_type"] for row in _rows(city, "calendar_dates.txt")} == {"1", "2"}


def test_one_route_is_a_loop_and_one_runs_by_frequency(city: City) -> None:
    loops = {pattern.route_id for pattern in city.patterns.values() if pattern.stops[0] == pattern.stops[-1]}
    assert loops == {"L"}
    templates = {row["trip_id"] for row in _rows(city, "frequencies.txt")}
    assert {row["route_id"] for row in _rows(city, "trips.txt") if row["trip_id"] in templates} == {"U"}


# --- the operation: what a day does to it


@pytest.fixture(scope="module")
def operations(city: City) -> Operations:
    return Operations(city)


def _lateness_s(operations: Operations, run: Run) -> list[float]:
    """Seconds late at each stop that the run's vehicle called at."""
    return [
        passage.arrived - run.zero_epoch_s - run.trip.arrival_s(index)
        for index, passage in enumerate(operations.passages(run))
        if passage is not None and index
    ]


def _runs(operations: Operations, since_hour: float, until_hour: float, route_id: str = "") -> list[Run]:
    return [
        run for run in operations.runs_on(DAY)
        if since_hour * 3600 <= run.trip.start_s < until_hour * 3600
        and not (run.cancelled or run.added or run.detoured or run.trip.headway)
        and route_id in {"", run.trip.route_id}
    ]  # fmt: skip


def test_runs_and_dwells_are_noisy(operations: Operations) -> None:
    """No two runs of a pattern take the same time, and they differ by more than seconds."""
    took = [_lateness_s(operations, run)[-1] for run in _runs(operations, 10, 15, "1")]
    assert len(set(took)) == len(took)
    assert pstdev(took) > 20


def test_the_evening_rush_is_slower_than_the_schedule_knows(operations: Operations) -> None:
    noon, rush = (
        mean(mean(_lateness_s(operations, run)) for run in _runs(operations, *hours))
        for hours in ((12, 14), (16.5, 18))
    )
    assert rush > noon + 30


def test_vehicles_bunch(operations: Operations) -> None:
    """Near the end of route 7, in the rush, some follower is within a third of the planned gap behind its leader."""
    index = 36
    runs = [run for run in _runs(operations, 7, 9.5, "7") if run.pattern.direction == 0]
    arrived = [(run.zero_epoch_s + run.trip.arrival_s(index), operations.passages(run)[index]) for run in runs]
    gaps = [
        (after.arrived - before.arrived) / (planned_after - planned_before)
        for (planned_before, before), (planned_after, after) in pairwise(arrived)
        if before is not None and after is not None
    ]
    assert min(gaps) < 1 / 3 < 1 < max(gaps)


NOON = datetime(2026, 6, 3, 15, 0, tzinfo=UTC).timestamp()


def test_the_feed_tells_of_cancelled_added_and_skipped(operations: Operations) -> None:
    message = trip_updates(operations, NOON)
    trips = {entity.trip_update.trip.schedule_relationship for entity in message.entity}
    assert {pb.TripDescriptor.CANCELED, pb.TripDescriptor.ADDED, pb.TripDescriptor.SCHEDULED} <= trips
    calls = {call.schedule_relationship for entity in message.entity for call in entity.trip_update.stop_time_update}
    assert pb.TripUpdate.StopTimeUpdate.SKIPPED in calls


def test_a_skipped_stop_is_told_as_long_as_its_trip_is(operations: Operations) -> None:
    """Passed or not: else its trip's delay would be taken for a call that never was."""
    told = 0
    for entity in trip_updates(operations, NOON).entity:
        update = entity.trip_update
        for run in operations.runs_near(NOON):
            if (
                run.trip.trip_id == update.trip.trip_id
                and f"{run.day:%Y%m%d}" == update.trip.start_date
                and run.trip.block_id
            ):
                skipped = {
                    call.stop_sequence - 1 for call in update.stop_time_update if call.schedule_relationship == 1
                }
                assert run.cancelled or skipped == run.missed
                told += len(skipped)
    assert told > 5


def test_one_vehicle_is_silent_while_others_report(operations: Operations) -> None:
    ages = sorted(NOON - entity.vehicle.timestamp for entity in vehicle_positions(operations, NOON).entity)
    assert ages[len(ages) // 2] < 30
    assert ages[-1] > 120


def _off_m(run: Run, latitude: float, longitude: float) -> float:
    """Metres between a place and the run's shape, to within 10 m along it."""
    places = (lat_lon(run.pattern.path.place(float(at))[0]) for at in range(0, int(run.pattern.path.length_m), 10))
    return min(
        hypot((lat - latitude) * METRES_PER_DEGREE_LAT, (lon - longitude) * METRES_PER_DEGREE_LON)
        for lat, lon in places
    )


def test_positions_are_off_by_metres_and_a_detour_by_streets(operations: Operations) -> None:
    ordinary, detoured = [], []
    for run in operations.on_the_road(NOON):
        report = operations.whereabouts(run, NOON)
        assert report is not None
        if not run.detoured:
            ordinary.append(_off_m(run, report.latitude, report.longitude))
    for run in (run for run in operations.runs_on(DAY) if run.detoured and 10 * 3600 < run.trip.start_s < 11 * 3600):
        since, until = operations.working_hours(run)
        reports = [operations.whereabouts(run, at) for at in range(int(since) + 20, int(until) - 20, 20)]
        detoured.append(max(_off_m(run, report.latitude, report.longitude) for report in reports if report))
    assert 2 < mean(ordinary) < 15
    assert max(ordinary) < 40
    assert detoured
    assert min(detoured) > 120

"""Which trips run through a warning's ground, against a plain reading of the same timetable from its text files."""

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.ops import substring

from domain.alert import Area
from feeds import schedule
from predictor.running_trips import patterns_of
from simulator.city import build_city
from store import timetable


def rows(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8-sig", newline=""))


class PlainTimetable:
    """Stops and lines of all trips, straight from the zip."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            places = {
                row["stop_id"]: (float(row["stop_lon"]), float(row["stop_lat"])) for row in rows(archive, "stops.txt")
            }
            points = defaultdict(list)
            for row in rows(archive, "shapes.txt"):
                at = (float(row["shape_pt_lon"]), float(row["shape_pt_lat"]))
                points[row["shape_id"]].append((int(row["shape_pt_sequence"]), at))
            calls = defaultdict(list)
            for row in rows(archive, "stop_times.txt"):
                calls[row["trip_id"]].append((int(row["stop_sequence"]), row["stop_id"]))
            shape_of = {row["trip_id"]: row.get("shape_id", "") for row in rows(archive, "trips.txt")}
        lines = {name: shapely.LineString([at for _, at in sorted(found)]) for name, found in points.items()}
        self.stops = {trip: [places[stop] for _, stop in sorted(found)] for trip, found in calls.items()}
        self.lines = {trip: lines.get(shape_of[trip]) for trip in self.stops}

    def is_surely_touched(self, trip: str, ground: shapely.Polygon) -> bool | None:
        """Is a stop, or the line well between the first and the last stop, in the ground? None where it is hard to say."""
        stops, line = self.stops[trip], self.lines[trip]
        if any(ground.contains(shapely.Point(stop)) for stop in stops):
            return True
        if line is None:
            return bool(ground.intersects(shapely.LineString(stops)))
        if not ground.intersects(line):
            return None if ground.buffer(1e-5).intersects(line) else False
        middle = substring(line, 0.15, 0.85, normalized=True)
        return True if ground.buffer(-1e-5).intersects(middle) else None


def check(path: Path, home: Path) -> tuple[int, int]:
    """Compare trips of every pattern for random ground; how many were judged in and out."""
    built = schedule.build(path, feed_id="town", home=home)
    bundle = timetable.open_bundle(home, "town", built.generation)
    plain, patterns = PlainTimetable(path), patterns_of(bundle)
    trip_of = {bundle.trip_pattern(trip): trip for trip in range(len(bundle.trip_ids))}
    lons, lats = np.array([stop for stops in plain.stops.values() for stop in stops[:1]]).T
    lot = np.random.default_rng(3)
    inside = outside = 0
    for _ in range(25):
        lon, lat = lot.uniform(lons.min(), lons.max()), lot.uniform(lats.min(), lats.max())
        corners = np.sort(lot.uniform(0, 2 * np.pi, 9))
        reach = lot.uniform(0.001, 0.02)
        ring = [(lon + reach * np.cos(turn) * 1.4, lat + reach * np.sin(turn)) for turn in corners]
        ground = shapely.Polygon(ring)
        if not ground.is_valid:
            continue
        area = Area(description="", polygons=(tuple((float(x), float(y)) for x, y in ground.exterior.coords),))
        touched = patterns.touched([area])
        for pattern, trip in trip_of.items():
            name = bundle.trip_ids[trip]
            in_stops = [bool(ground.contains(shapely.Point(stop))) for stop in plain.stops[name]]
            if pattern in touched:
                near = [ground.exterior.distance(shapely.Point(stop)) < 1e-5 for stop in plain.stops[name]]
                pairs = zip(touched[pattern].calls.tolist(), in_stops, near, strict=True)
                assert all(ours == theirs or close for ours, theirs, close in pairs), name
            expected = plain.is_surely_touched(name, ground)
            if expected is not None:
                assert (pattern in touched) == expected, f"{name} {ground.wkt}"
                inside, outside = inside + expected, outside + (not expected)
    return inside, outside


def test_trips_of_the_generated_town(tmp_path: Path) -> None:
    path = tmp_path / "town.zip"
    path.write_bytes(build_city(3, date(2026, 11, 23)).gtfs_zip)
    inside, outside = check(path, tmp_path)
    assert inside > 30
    assert outside > 500


@pytest.mark.recorded
def test_trips_of_a_recorded_city(recordings: Path, tmp_path: Path) -> None:
    inside, outside = check(recordings / "gtfsrt/halifax/gtfs.zip", tmp_path)
    assert inside > 30
    assert outside > 500

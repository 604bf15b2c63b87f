"""A town of straight streets for the tests of matching: every place is metres east and north of a corner.

Everything drives at 5 m/s. Line O goes out 3 km and back along the same street. Line L is a lollipop: a stem of 2 km, a
square of 1 km, and the stem again. Line S runs east and west on one street of 6 km, every 10 minutes, in two blocks a
direction pair. Line N has no shape. Monday 2026-11-23 starts at epoch second 1,795,406,400 (Halifax).
"""

import io
import zipfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from domain.predictions import Predictions
from domain.realtime import NO_VALUE, TripUpdates, Vehicles
from feeds.schedule import build
from predictor.foresight import Foresight
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.tick import Counts, predict
from predictor.traces import Memory
from predictor.words import Heard
from store.timetable import Bundle

DAY = 1_795_406_400
DATE = 20261123
LAT, LON = 44.6, -63.5
METRE_NORTH = 1 / 111_194.93
METRE_EAST = METRE_NORTH / np.cos(np.radians(LAT))
Place = tuple[float, float]

OUT_AND_BACK: list[Place] = [(0, 0), (3000, 0), (0, 0)]
LOLLIPOP: list[Place] = [
    (0, -3000),
    (2000, -3000),
    (3000, -3000),
    (3000, -4000),
    (2000, -4000),
    (2000, -3000),
    (0, -3000),
]
EAST: list[Place] = [(0, 3000), (6000, 3000)]
WEST = EAST[::-1]
LINES = {"out": OUT_AND_BACK, "lolli": LOLLIPOP, "east": EAST, "west": WEST}


def at(hours: int, minutes: int = 0, seconds: float = 0) -> int:
    """Epoch seconds of a time on the service day."""
    return DAY + hours * 3600 + minutes * 60 + int(seconds)


def degrees(place: Place) -> tuple[float, float]:
    """Latitude and longitude."""
    return LAT + place[1] * METRE_NORTH, LON + place[0] * METRE_EAST


def along(line: list[Place], metres: float) -> Place:
    """The place *metres* along a line, its end beyond it."""
    for (x0, y0), (x1, y1) in pairwise(line):
        length = float(np.hypot(x1 - x0, y1 - y0))
        if metres <= length:
            return x0 + (x1 - x0) * metres / length, y0 + (y1 - y0) * metres / length
        metres -= length
    return line[-1]


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def schedule_files() -> dict[str, str]:
    """The town's GTFS."""
    stops: dict[Place, str] = {}
    trips, times = [], []

    def trip(trip_id: str, route: str, block: str, direction: int, shape: str, line: list[Place], start: int, metres: list[int]) -> None:  # fmt: skip
        trips.append(f"{route},day,{trip_id},{direction},{block},{shape}")
        for number, distance in enumerate(metres):
            place = along(line, distance)
            stop = stops.setdefault((round(place[0]), round(place[1])), f"stop{len(stops)}")
            when = _clock(start + distance // 5)
            times.append(f"{trip_id},{when},{when},{stop},{number * 10 + 1}")

    trip("out1", "O", "", 0, "out", OUT_AND_BACK, 8 * 3600, [0, 1000, 2000, 3000, 4000, 5000, 6000])
    trip("lolli1", "L", "", 0, "lolli", LOLLIPOP, 8 * 3600, [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000])
    for number in range(12):  # one bus a block: east at :00, 20 min, 5 min at the end, west, 5 min, and again
        for way, line in (("east", EAST), ("west", WEST)):
            start = 7 * 3600 + number * 600 + (1500 if way == "west" else 0)
            block = f"b{number % 5}"
            trip(f"{way}{number}", "S", block, int(way == "west"), way, line, start, list(range(0, 6001, 1000)))
    trip("plain1", "N", "", 0, "", [(0, 6000), (4000, 6000)], 8 * 3600, [0, 1000, 2000, 3000, 4000])
    # A ferry of twenty hours, every day: from 04:00 to 24:00.
    ferry_times = [(4, 0, 0), (24, 0, 6000)]
    trips.append("N,day,ferry1,0,,east")
    for number, (hours, minutes, metres) in enumerate(ferry_times):
        place = along(EAST, metres)
        stop = stops[round(place[0]), round(place[1])]
        times.append(f"ferry1,{hours:02}:{minutes:02}:00,{hours:02}:{minutes:02}:00,{stop},{number}")
    # A night trip: 24:10 to 24:30.
    trip("night1", "S", "", 0, "east", EAST, 24 * 3600 + 600, list(range(0, 6001, 1000)))
    points = [
        f"{name},{lat:.7f},{lon:.7f},{number}"
        for name, line in LINES.items()
        for number, (lat, lon) in enumerate(map(degrees, line))
    ]
    rows = [f"{stop},{stop},{degrees(place)[0]:.7f},{degrees(place)[1]:.7f}" for place, stop in stops.items()]
    return {
        "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,Streets,https://streets.example,America/Halifax\n",
        "stops.txt": "\n".join(["stop_id,stop_name,stop_lat,stop_lon", *rows]),
        "routes.txt": "route_id,route_short_name,route_type\n" + "".join(f"{it},{it},3\n" for it in "OLSN"),
        "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\nday,1,1,1,1,1,1,1,20261101,20261231\n",
        "trips.txt": "\n".join(["route_id,service_id,trip_id,direction_id,block_id,shape_id", *trips]),
        "stop_times.txt": "\n".join(["trip_id,arrival_time,departure_time,stop_id,stop_sequence", *times]),
        "shapes.txt": "\n".join(["shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence", *points]),
    }


@dataclass(kw_only=True)
class Report:
    """What one vehicle says."""

    place: Place
    when: int
    trip: str = ""
    vehicle: str = "bus"
    route: str = ""
    direction: int = NO_VALUE
    date: int = 0
    sequence: int = NO_VALUE
    bearing: float = float("nan")
    latlon: tuple[float, float] | None = None


def vehicles(reports: list[Report], header: int) -> Vehicles:
    """The reports as one dataset."""
    n = len(reports)
    places = [report.latlon or degrees(report.place) for report in reports]
    return Vehicles(
        header_epoch_s=header,
        vehicle_ids=[report.vehicle for report in reports],
        labels=[""] * n,
        trip_ids=[report.trip for report in reports],
        route_ids=[report.route for report in reports],
        stop_ids=[""] * n,
        direction=np.array([report.direction for report in reports], np.int32),
        start_date=np.array([report.date for report in reports], np.int32),
        start_time_s=np.full(n, NO_VALUE, np.int32),
        relationship=np.zeros(n, np.uint8),
        lat=np.array([lat for lat, _ in places], float),
        lon=np.array([lon for _, lon in places], float),
        bearing_deg=np.array([report.bearing for report in reports], np.float32),
        speed_mps=np.full(n, np.nan, np.float32),
        odometer_m=np.full(n, np.nan),
        current_stop_sequence=np.array([report.sequence for report in reports], np.int32),
        current_status=np.full(n, 2, np.uint8),
        timestamp_epoch_s=np.array([report.when for report in reports], np.int64),
        congestion=np.full(n, NO_VALUE, np.int32),
        occupancy=np.full(n, NO_VALUE, np.int32),
        occupancy_percentage=np.full(n, NO_VALUE, np.int32),
    )


@dataclass
class Streets:
    """The town, its timetable opened, and the memory of a predictor."""

    bundle: Bundle
    schedule: Schedule
    ground: Ground
    memory: Memory = field(default_factory=Memory)
    counts: Counts = field(default_factory=Counts)
    foresight: Foresight | None = None

    def tick(self, now: int, *reports: Report, updates: TripUpdates | None = None) -> Predictions:
        """One tick at *now* with these reports, and what the agency predicts."""
        heard = [Heard(feed_id="v", header_epoch_s=now, updates=updates, vehicles=vehicles(list(reports), now))]
        made, self.counts = predict(self.schedule, self.ground, heard, float(now), self.memory, self.foresight)
        return made

    def row(self, made: Predictions, trip: str) -> int:
        """The row of a trip among the predictions; -1 for none."""
        wanted = self.bundle.trip_rows(trip)[0]
        return next((row for row, it in enumerate(made.trip.tolist()) if it == wanted), -1)

    def aboard(self, made: Predictions, vehicle: str = "bus") -> str:
        """The trip id that the vehicle is on, blank for none."""
        row = int(made.vehicle_trip[made.vehicle_ids.index(vehicle)])
        return self.bundle.trip_ids[int(made.trip[row])] if row >= 0 else ""


def streets(folder: Path) -> Streets:
    """The town, imported into *folder*."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in schedule_files().items():
            archive.writestr(name, text)
    path = folder / "gtfs.zip"
    path.write_bytes(data.getvalue())
    bundle = Bundle(Path(build(path, feed_id="streets", home=folder).folder))
    schedule = Schedule(bundle)
    return Streets(bundle, schedule, Ground(schedule))

"""How long one tick of matching takes: ``python -m bench.matching [--vehicles 5000] [--ticks 20]``.

A generated city of 400 lines with shapes of 400 points, out and back, a vehicle every few hundred metres on each, reported
every 15 s with noise. Prints milliseconds for judging positions, naming runs and finding places; the first tick searches
whole lines. ``--hidden`` hides every trip, so that all of them have to be inferred.
"""

import argparse
import io
import statistics
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from domain.realtime import NO_VALUE, Vehicles
from feeds.schedule import build
from predictor.calls import calls_of
from predictor.inference import infer
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.sightings import follow, sight
from predictor.traces import Memory
from store.timetable import Bundle

DAY = 1_795_406_400
"""Monday 2026-11-23 in Halifax."""
LENGTH_M = 16_000
PACE_MPS = 6.0


def schedule_of(folder: Path, *, lines: int, trips: int) -> Schedule:
    """A city of *lines* winding streets, each with *trips* trips out and back that leave every ten minutes."""
    random = np.random.default_rng(3)
    stops, times, shapes, rows, routes = [], [], [], [], []
    for line in range(lines):
        heading = np.cumsum(random.normal(0, 0.15, 200)) + random.uniform(0, 6.28)
        east = np.concatenate([[0], np.cumsum(np.cos(heading) * LENGTH_M / 400)]) + random.uniform(-9e3, 9e3)
        north = np.concatenate([[0], np.cumsum(np.sin(heading) * LENGTH_M / 400)]) + random.uniform(-9e3, 9e3)
        east, north = np.concatenate([east, east[-2::-1]]), np.concatenate([north, north[-2::-1]])
        lat, lon = 44.6 + north / 111_195, -63.5 + east / 79_170
        shapes += [f"s{line},{a:.6f},{o:.6f},{k}" for k, (a, o) in enumerate(zip(lat, lon, strict=True))]
        calls = range(0, len(lat), 10)
        stops += [f"p{line}_{k},p,{lat[k]:.6f},{lon[k]:.6f}" for k in calls]
        routes.append(f"r{line},r{line},3")
        for number in range(trips):
            start = 6 * 3600 + number * 600
            rows.append(f"r{line},day,t{line}_{number},s{line},b{line}_{number}")
            for position, k in enumerate(calls):
                when = int(start + k * LENGTH_M / 400 / PACE_MPS)
                clock = f"{when // 3600:02}:{when // 60 % 60:02}:{when % 60:02}"
                times.append(f"t{line}_{number},{clock},{clock},p{line}_{k},{position}")
    files = {
        "agency.txt": ["agency_id,agency_name,agency_url,agency_timezone", "A,A,https://a.example,America/Halifax"],
        "stops.txt": ["stop_id,stop_name,stop_lat,stop_lon", *stops],
        "routes.txt": ["route_id,route_short_name,route_type", *routes],
        "trips.txt": ["route_id,service_id,trip_id,shape_id,block_id", *rows],
        "stop_times.txt": ["trip_id,arrival_time,departure_time,stop_id,stop_sequence", *times],
        "shapes.txt": ["shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence", *shapes],
        "calendar.txt": [
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
            "day,1,1,1,1,1,1,1,20260101,20271231",
        ],
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, "\n".join(text))
    path = folder / "gtfs.zip"
    path.write_bytes(data.getvalue())
    return Schedule(Bundle(Path(build(path, feed_id="bench", home=folder).folder)))


def reports(schedule: Schedule, trips: np.ndarray, late_s: np.ndarray, now: int, *, hidden: bool) -> Vehicles:
    """Where every vehicle is at *now*, with 10 m of noise."""
    random = np.random.default_rng(now)
    along = np.clip((now - DAY - schedule.trip_start_s[trips] - late_s) * PACE_MPS, 0, LENGTH_M)
    shape = schedule.pattern_shape[schedule.pattern_of(trips)]
    of = schedule.timetable.array
    ptr, key = (
        of("shape_ptr"),
        of("shape_dist_m").astype(float)
        + np.repeat(np.arange(len(of("shape_ptr")) - 1) * 1e6, np.diff(of("shape_ptr"))),
    )
    at = shape * 1e6 + along
    lat, lon = np.interp(at, key, of("shape_lat")), np.interp(at, key, of("shape_lon"))
    assert len(ptr)
    n = len(trips)
    names = [schedule.timetable.trip_ids[trip] for trip in trips.tolist()]
    return Vehicles(
        header_epoch_s=now,
        vehicle_ids=[f"v{row}" for row in range(n)],
        labels=[""] * n,
        trip_ids=[""] * n if hidden else names,
        route_ids=[schedule.timetable.route_ids[int(route)] for route in schedule.trip_route[trips]],
        stop_ids=[""] * n,
        direction=np.full(n, NO_VALUE, np.int32),
        start_date=np.zeros(n, np.int32),
        start_time_s=np.full(n, NO_VALUE, np.int32),
        relationship=np.zeros(n, np.uint8),
        lat=lat + random.normal(0, 9e-5, n),
        lon=lon + random.normal(0, 1.2e-4, n),
        bearing_deg=np.full(n, np.nan, np.float32),
        speed_mps=np.full(n, np.nan, np.float32),
        odometer_m=np.full(n, np.nan),
        current_stop_sequence=np.full(n, NO_VALUE, np.int32),
        current_status=np.full(n, 2, np.uint8),
        timestamp_epoch_s=np.full(n, now, np.int64),
        congestion=np.full(n, NO_VALUE, np.int32),
        occupancy=np.full(n, NO_VALUE, np.int32),
        occupancy_percentage=np.full(n, NO_VALUE, np.int32),
    )


def main() -> None:
    """Build, drive, measure."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.matching", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vehicles", type=int, default=5000)
    parser.add_argument("--ticks", type=int, default=20)
    parser.add_argument("--hidden", action="store_true", help="name no trips: infer them all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        per_line = 13
        schedule = schedule_of(Path(folder), lines=-(-options.vehicles // per_line), trips=per_line)
        ground, memory = Ground(schedule), Memory()
        trips = np.arange(len(schedule.trip_start_s), dtype=np.int32)[: options.vehicles]
        late_s = np.random.default_rng(5).integers(-30, 400, len(trips))
        begin = DAY + int(schedule.trip_start_s.max()) + 300
        whole, parts = [], []
        for tick in range(options.ticks + 1):
            now = begin + 15 * tick
            said = reports(schedule, trips, late_s, now, hidden=options.hidden)
            started = time.perf_counter()
            seen = sight(schedule, [("v", said, frozenset())], float(now), memory)
            seen = infer(schedule, ground, seen, memory, float(now))
            named = time.perf_counter()
            on = np.flatnonzero(seen.trip >= 0)
            calls = calls_of(schedule, seen.trip[on], seen.base_epoch_s[on])
            run = np.full(len(seen), -1, np.int64)
            run[on] = np.arange(len(on))
            found = follow(schedule, ground, calls, seen, run, (seen.trip[on], seen.date[on]), memory)
            ended = time.perf_counter()
            whole.append((ended - started) * 1000)
            parts.append(((named - started) * 1000, (ended - named) * 1000))
        true_m = np.clip((now - DAY - schedule.trip_start_s[trips] - late_s) * PACE_MPS, 0, LENGTH_M)
        on_time_m = np.clip((now - DAY - schedule.trip_start_s[trips]) * PACE_MPS, 0, LENGTH_M)
        inside = (true_m > 200) & (on_time_m < LENGTH_M - 200)
        right = (np.abs(found.distance_m - true_m)[inside] < 160) & (seen.trip == trips)[inside]
    print(f"{len(trips)} vehicles, {len(schedule.pattern_shape)} lines of 401 points")
    print(f"first tick (whole lines)   {whole[0]:8.1f} ms")
    print(f"later ticks, median        {statistics.median(whole[1:]):8.1f} ms")
    print(f"  judged and named         {statistics.median(part[0] for part in parts[1:]):8.1f} ms")
    print(f"  found on their lines     {statistics.median(part[1] for part in parts[1:]):8.1f} ms")
    print(f"right trip, within 160 m   {100 * right.mean():8.2f} %")


if __name__ == "__main__":
    main()

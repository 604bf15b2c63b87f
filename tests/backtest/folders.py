"""Tiny recordings, written as the real ones are: one straight road along a meridian, a stop every 500 m."""

import gzip
import zipfile
from pathlib import Path

METRE_DEG = 1.0 / 111_195.0
"""Of latitude."""
NOON_EPOCH_S = 1_767_978_000
"""Friday 9 January 2026, 12:00 in New York."""
MIDNIGHT_EPOCH_S = NOON_EPOCH_S - 43_200


def lat_at(metres: float) -> float:
    """Latitude that far along the road."""
    return 40.0 + metres * METRE_DEG


def clock(seconds: int) -> str:
    """A service time as GTFS writes it."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def write_gtfs(path: Path, *, trips: dict[str, int], stops: int = 5, step_s: int = 100, blocks: bool = True) -> None:
    """A schedule of *trips* (id to service time of departure), each calling at every stop, *step_s* apart."""
    calls = [
        f"{trip},{clock(start + number * step_s)},{clock(start + number * step_s)},s{number},{number + 1}"
        for trip, start in trips.items()
        for number in range(stops)
    ]
    files = {
        "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\n1,Road,https://road.example,America/New_York\n",
        "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n"
        + "".join(f"s{number},Stop {number},{lat_at(500 * number):.7f},-75.0\n" for number in range(stops)),
        "routes.txt": "route_id,agency_id,route_short_name,route_type\nr,1,R,3\n",
        "trips.txt": "route_id,service_id,trip_id,shape_id,block_id\n"
        + "".join(f"r,daily,{trip},road,{'b' if blocks else ''}\n" for trip in trips),
        "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n" + "\n".join(calls) + "\n",
        "shapes.txt": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        f"road,{lat_at(-100):.7f},-75.0,1\nroad,{lat_at(500 * stops):.7f},-75.0,2\n",
        "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "daily,1,1,1,1,1,1,1,20260101,20261231\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def write_gz(path: Path, header: str, rows: list[str]) -> None:
    """A gzipped CSV."""
    path.write_bytes(gzip.compress("\n".join([header, *rows, ""]).encode()))


def drive(start_epoch_s: float, speed_mps: float, *, until_m: float, every_s: int = 30) -> list[tuple[int, float]]:
    """(epoch seconds, metres along) of a vehicle that leaves the first stop then and drives evenly, as it reports."""
    found = []
    now = int(start_epoch_s) - 2 * every_s
    while True:
        metres = max(0.0, (now - start_epoch_s) * speed_mps)
        found.append((now, metres))
        if metres >= until_m:
            return found
        now += every_s

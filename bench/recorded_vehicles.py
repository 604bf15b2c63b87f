"""Recorded vehicles told again, tick by tick: what the benches of matching read, and what they are asked on the command line.

A set is a folder with ``gtfs.zip`` and ``vehicle_positions.csv.gz`` (flattened VehiclePositions; the columns of WMATA's and
Kingston's recordings are known).
"""

import argparse
import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.realtime import NO_VALUE, Vehicles
from feeds.schedule import build
from predictor.schedule import Schedule
from store.timetable import Bundle

FRESH_S = 300
"""Vehicles heard of within this are in a tick's dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One recorded report."""

    vehicle: str
    trip: str
    date: int
    route: str
    lat: float
    lon: float
    bearing: float
    when: int
    received: int


def asked(module: str, about: str | None) -> argparse.Namespace:
    """The command line of ``python -m {module}``: ``set``, a folder, and ``every``, seconds."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", type=Path, help="a folder with gtfs.zip and vehicle_positions.csv.gz")
    parser.add_argument("--every", type=int, default=15, help="seconds between ticks")
    return parser.parse_args()


def schedule_of(folder: Path, home: Path) -> Schedule:
    """The set's timetable; its bundle is put into *home*."""
    return Schedule(Bundle(Path(build(folder / "gtfs.zip", feed_id="set", home=home).folder)))


def rows(folder: Path) -> Iterator[dict[str, str]]:
    """Every row as it is written, without the prefix that some columns have."""
    with gzip.open(folder / "vehicle_positions.csv.gz", "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            yield {key.removeprefix("vehicle."): value for key, value in row.items()}


def read(folder: Path) -> list[Ping]:
    """The recording's reports in time order."""
    pings = []
    for said in rows(folder):
        when = said.get("timestamp") or said.get("vehicle_timestamp") or ""
        lat, lon = (
            said.get("position.latitude") or said.get("lat"),
            said.get("position.longitude") or said.get("lon"),
        )
        if not when or not lat or not lon:
            continue
        date = said.get("trip.start_date") or said.get("trip_start_date") or "0"
        pings.append(
            Ping(
                vehicle=said.get("vehicle.id") or said.get("vehicle_id") or said.get("id") or "",
                trip=said.get("trip.trip_id") or said.get("trip_id") or "",
                date=int(float(date)),
                route=said.get("trip.route_id") or said.get("route_id") or "",
                lat=float(lat),
                lon=float(lon),
                bearing=float(said.get("position.bearing") or said.get("bearing") or "nan"),
                when=int(float(when)),
                received=int(float(said.get("feed_timestamp") or when)),
            )
        )
    return sorted(pings, key=lambda ping: (ping.received, ping.when))


def dataset(pings: list[Ping], now: int, *, hide: bool, route: bool) -> Vehicles:
    """The pings as a feed would say them."""
    n = len(pings)
    return Vehicles(
        header_epoch_s=now,
        vehicle_ids=[ping.vehicle for ping in pings],
        labels=[""] * n,
        trip_ids=["" if hide else ping.trip for ping in pings],
        route_ids=[ping.route if route else "" for ping in pings],
        stop_ids=[""] * n,
        direction=np.full(n, NO_VALUE, np.int32),
        start_date=np.array([0 if hide else ping.date for ping in pings], np.int32),
        start_time_s=np.full(n, NO_VALUE, np.int32),
        relationship=np.zeros(n, np.uint8),
        lat=np.array([ping.lat for ping in pings], float),
        lon=np.array([ping.lon for ping in pings], float),
        bearing_deg=np.array([ping.bearing for ping in pings], np.float32),
        speed_mps=np.full(n, np.nan, np.float32),
        odometer_m=np.full(n, np.nan),
        current_stop_sequence=np.full(n, NO_VALUE, np.int32),
        current_status=np.full(n, 2, np.uint8),
        timestamp_epoch_s=np.array([ping.when for ping in pings], np.int64),
        congestion=np.full(n, NO_VALUE, np.int32),
        occupancy=np.full(n, NO_VALUE, np.int32),
        occupancy_percentage=np.full(n, NO_VALUE, np.int32),
    )


def ticks(pings: list[Ping], every_s: int) -> Iterator[tuple[int, list[Ping], list[Ping]]]:
    """(now, every vehicle's newest, those that are new in this tick)."""
    latest: dict[str, Ping] = {}
    fresh: list[Ping] = []
    now = pings[0].received + every_s
    for ping in [*pings, None]:
        while ping is None or ping.received >= now:
            current = [it for it in latest.values() if now - it.when <= FRESH_S]
            yield now, current, fresh
            fresh, now = [], now + every_s
            if ping is None:
                return
        if ping is not None and (ping.vehicle not in latest or ping.when > latest[ping.vehicle].when):
            latest[ping.vehicle] = ping
            fresh.append(ping)

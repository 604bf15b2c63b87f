"""Cities to hold the API to its contracts on: the generated town, and recordings of real ones at their own moment.

Each is an Application with a schedule imported by us, predictions computed by us from the feeds, and notices; only the
hall is one that stands still.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf import json_format
from google.transit import gtfs_realtime_pb2

from api.app import Application
from api.replica import Replica
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.feed_health import FeedHealth, FeedState
from domain.situation import Situation
from feeds.formats import gtfs_realtime
from feeds.schedule import build
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.tick import predict
from predictor.traces import Memory
from predictor.words import Heard
from runtime.clock import FakeClock
from runtime.settings import Settings
from simulator import realtime
from simulator.city import build_city_at
from simulator.operations import Operations
from store.timetable import Bundle
from tests.api.asgi import answer
from tests.api.town import StillHall

KEY = "test"
NAMES = ("town", "raba", "soundtransit", "halifax", "kingston", "caltrain", "bart")
OTHER_FILES = {
    "caltrain": ("ct-trip-updates.pb", "ct-vehicle-positions.pb", "ct-service-alerts.pb"),
    "bart": ("bart-trip-updates.pb", "bart-alerts.pb"),
}
TOWN_AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Raw:
    """A city as it comes: schedule, feeds, and the moment they speak of."""

    schedule: Path
    feeds: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class City:
    """A city that can be asked."""

    name: str
    application: Application
    bundle: Bundle
    schedule: bytes
    """The zip."""
    feeds: tuple[bytes, ...]
    now_epoch_s: int
    situations: tuple[Situation, ...]

    def ask(self, path: str, query: str = "") -> tuple[int, bytes]:
        """(status, body) of ``/api/where/{path}.json``."""
        name, _, given_id = path.partition("/")
        status, _, body = answer(self.application, name, given_id, f"key={KEY}&{query}".encode())
        return status, body


def open_city(name: str, home: Path, recordings: Callable[[], Path]) -> City:
    """The city of that name, ready to be asked; *recordings* is only called for a recorded one."""
    raw = _town(home) if name == "town" else _recorded(name, recordings())
    bundle = Bundle(Path(build(raw.schedule, feed_id="city", home=home).folder))
    headers = [_header(data) for data in raw.feeds]
    now = max(headers)
    items = [gtfs_realtime.decode(data, feed_id="live", now_epoch_s=now).items for data in raw.feeds]
    schedule = Schedule(bundle)
    heard = [
        Heard(feed_id="live", header_epoch_s=header, updates=one.trip_updates, vehicles=one.vehicles)
        for one, header in zip(items, headers, strict=True)
        if one.trip_updates or one.vehicles
    ]
    predictions, _ = predict(schedule, Ground(schedule), heard, float(now), Memory())
    situations = tuple(situation for one in items for situation in one.situations)
    specs = (
        FeedSpec(feed_id="city", kind=FeedKind.GTFS, url="http://x", interval_s=3600),
        FeedSpec(feed_id="live", kind=FeedKind.COMBINED, url="http://x", interval_s=15, schedule=("city",)),
    )
    hall = StillHall()
    hall.generations = {"city": bundle.generation}
    hall.live = {"city": (1, predictions)}
    hall.notices = {"live": (1, situations)}
    hall.all_records = {"live": FeedRecord(spec=specs[1], started_epoch_s=now)}
    clock = FakeClock(datetime.fromtimestamp(now, UTC))
    settings = Settings(
        home=home, redis_url="", redis_is_embedded=False, feeds=specs, accept_test_key=True, city=name.title()
    )
    replica = Replica(settings, clock, hall, _trust)
    application = Application(settings, clock, replica, None)
    asyncio.run(replica.refresh())
    return City(name, application, bundle, raw.schedule.read_bytes(), raw.feeds, now, situations)


def _trust(record: FeedRecord, now_epoch_s: float) -> FeedHealth:
    why = f"{record.spec.feed_id} at {now_epoch_s:.0f}"
    return FeedHealth(state=FeedState.OK, since_epoch_s=0, why=why, todo="", age_s=1.0, usable=True)


def _header(data: bytes) -> int:
    message = gtfs_realtime_pb2.FeedMessage()
    message.ParseFromString(data)
    return int(message.header.timestamp)


def _town(home: Path) -> Raw:
    city = build_city_at(7, TOWN_AT)
    operations, at = Operations(city), TOWN_AT.timestamp()
    path = home / "town.zip"
    path.write_bytes(city.gtfs_zip)
    messages = (
        realtime.trip_updates(operations, at),
        realtime.vehicle_positions(operations, at),
        realtime.alerts(operations, at, at - 3600),
    )
    return Raw(path, tuple(message.SerializeToString() for message in messages))


def _recorded(name: str, recordings: Path) -> Raw:
    files: tuple[str, ...]
    if name == "raba":
        folder = recordings / "onebusaway" / "raba"
        files = ("raba-trip-updates.pb", "raba-vehicle-positions.pb")
        return Raw(folder / "gtfs.zip", tuple((folder / file).read_bytes() for file in files))
    if name == "soundtransit":
        folder = recordings / "onebusaway" / "soundtransit-duplicated"
        files = ("trip_update_1683740798.json", "vehicle_position_1683740798.json")
        return Raw(folder / "st.zip", tuple(_from_json(folder / file) for file in files))
    folder = recordings / "gtfsrt" / name
    if name in OTHER_FILES:
        return Raw(folder / "gtfs.zip", tuple((folder / file).read_bytes() for file in OTHER_FILES[name]))
    if name == "kingston":
        return Raw(folder / "gtfs.zip", (max(folder.glob("tripupdates*.pb")).read_bytes(),))
    files = ("TripUpdates.pb", "VehiclePositions.pb", "Alerts.pb")
    return Raw(folder / "gtfs.zip", tuple((folder / file).read_bytes() for file in files))


def _from_json(path: Path) -> bytes:
    message = gtfs_realtime_pb2.FeedMessage()
    json_format.Parse(path.read_text(), message, ignore_unknown_fields=True)
    data: bytes = message.SerializeToString()
    return data

"""A town of eight stops for the API's tests: a schedule as text, predictions as rows, and a hall that stands still.

All numbers can be checked by hand. It lies on a meridian, so that 0.01 degrees of latitude are 1,111.95 m. Monday
2026-11-23 starts (noon minus 12 h, Halifax) at 04:00 UTC: 20,780 days after 1970-01-01, epoch second 1,795,406,400.
"""

import atexit
import functools
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from api.app import Application
from api.replica import Replica
from domain.alert import Alert
from domain.crowding import Crowding
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.feed_health import FeedHealth, FeedState
from domain.predictions import Predictions
from domain.quota import Quota
from domain.realtime import NO_VALUE
from domain.risk import TripRisk
from domain.situation import Situation
from feeds.formats import gtfs
from runtime.clock import FakeClock
from runtime.settings import Settings
from store.bundle_files import folder_of
from store.hall import Hall
from store.timetable import Bundle, open_bundle
from store.timetable_writer import write_bundle
from tests.api.asgi import answer

DAY = 1_795_406_400
"""Epoch seconds of the start of service day 2026-11-23."""
DATE = 20261123


def at(hours: int, minutes: int = 0, seconds: int = 0) -> int:
    """Epoch seconds of a time on the service day."""
    return DAY + hours * 3600 + minutes * 60 + seconds


def ms(hours: int, minutes: int = 0, seconds: int = 0) -> int:
    """The same in milliseconds, as answers write it."""
    return at(hours, minutes, seconds) * 1000


GTFS = {
    "agency.txt": """
agency_id,agency_name,agency_url,agency_timezone,agency_lang,agency_phone
H,Harbour Transit,https://harbour.example,America/Halifax,en,902-555-0100
B,Hill Lines,https://hill.example,America/Halifax,en,
""",
    # A raw id with an underscore, one with a space and a slash; a station with two platforms; both sides of a street.
    "stops.txt": """
stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station,wheelchair_boarding
pier_1,1001,Pier,44.60,-63.50,0,,1
mid,1002,Middle Street,44.61,-63.50,0,,0
mid b/2,1012,Middle Street (south),44.61,-63.4995,0,,2
top,1003,Top,44.62,-63.50,0,,0
top b,1013,Top (south),44.62,-63.4980,0,,0
CENTRAL,,Central Station,44.63,-63.50,1,,1
C1,2001,Central Station bay 1,44.63,-63.50,0,CENTRAL,
C2,2002,Central Station bay 2,44.63,-63.4990,0,CENTRAL,
""",
    "routes.txt": """
route_id,agency_id,route_short_name,route_long_name,route_type,route_color,route_text_color,route_desc,route_url
r_10,H,10,Pier - Central,3,0055AA,FFFFFF,,https://harbour.example/10
hill,B,,Hill Express,3,,,,
""",
    "calendar.txt": """
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
WK,1,1,1,1,1,0,0,20261101,20261231
""",
    "shapes.txt": """
shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence
north,44.60,-63.50,1
north,44.62,-63.50,2
north,44.63,-63.50,3
""",
    "trips.txt": """
route_id,service_id,trip_id,trip_headsign,direction_id,block_id,shape_id
r_10,WK,t1,Central,0,b1,north
r_10,WK,t2,,1,b1,
r_10,WK,t3,Central,0,,north
r_10,WK,late,Central,0,,north
hill,WK,express,Central,0,,
hill,WK,shuttle,Middle,0,,
""",
    # t1: nobody may board at the last stop, nor get off at the first. stop_sequence has gaps and starts at 5.
    "stop_times.txt": """
trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type,stop_headsign
t1,08:00:00,08:00:00,pier_1,5,0,1,
t1,08:10:00,08:10:00,mid,7,0,0,
t1,08:20:00,08:21:00,top,8,0,0,via Top
t1,08:30:00,08:30:00,C1,20,1,0,
t2,08:40:00,08:40:00,C2,1,0,0,
t2,08:50:00,08:50:00,top b,2,0,0,
t2,09:00:00,09:00:00,mid b/2,3,0,0,
t3,08:30:00,08:30:00,pier_1,1,0,0,
t3,08:40:00,08:40:00,mid,2,0,0,
t3,08:50:00,08:50:00,top,3,0,0,
t3,09:00:00,09:00:00,C1,4,0,0,
late,24:30:00,24:30:00,pier_1,1,0,0,
late,24:40:00,24:40:00,mid,2,0,0,
late,25:00:00,25:00:00,C1,3,0,0,
express,08:05:00,08:05:00,pier_1,1,0,0,
express,08:25:00,08:25:00,C2,2,0,0,
shuttle,12:00:00,12:00:00,pier_1,1,0,0,
shuttle,12:06:00,12:06:00,mid,2,0,0,
""",
    "frequencies.txt": """
trip_id,start_time,end_time,headway_secs,exact_times
shuttle,12:00:00,12:30:00,900,0
""",
}


def zip_of(files: Mapping[str, str]) -> bytes:
    """A schedule zip of those texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text.lstrip("\n"))
    return buffer.getvalue()


@functools.cache
def _shelf() -> Path:
    shelf = tempfile.TemporaryDirectory(prefix="wayside-towns-")
    atexit.register(shelf.cleanup)
    return Path(shelf.name)


@functools.cache
def _built(
    files: tuple[tuple[str, str], ...], feed_id: str, generation: str, codes: tuple[tuple[str, str], ...]
) -> Path:  # fmt: skip
    """The folder of their bundle, written once: its hundred files go to disk for certain, and hundreds of tests ask."""
    home = Path(tempfile.mkdtemp(dir=_shelf()))
    path = home / "gtfs.zip"
    path.write_bytes(zip_of(dict(files)))
    schedule = gtfs.read(path, codes=dict(codes))
    meta = {**schedule.meta, "feed_id": feed_id, "generation": generation, "source": "test", "imported_epoch_s": 0}
    return write_bundle(
        home, feed_id, generation, arrays=schedule.arrays, texts=schedule.texts,
        translations=schedule.translations, problems=schedule.problems, meta=meta,
    )  # fmt: skip


def import_bundle(
    home: Path, files: Mapping[str, str] = GTFS, *, feed_id: str = "town", generation: str = "g1",
    codes: Mapping[str, str] | None = None,
) -> Bundle:  # fmt: skip
    """The texts as a bundle under *home*."""
    folder = folder_of(home, feed_id, generation)
    if not folder.exists():
        given = tuple((codes or {"": "1", "H": "1", "B": "40"}).items())
        shutil.copytree(_built(tuple(files.items()), feed_id, generation, given), folder)
    return open_bundle(home, feed_id, generation)


@dataclass(kw_only=True)
class Row:
    """One trip's predictions; *calls* are (stop raw id, arrival, departure, flags)."""

    trip: str = ""
    calls: list[tuple[str, int, int, int]] = field(default_factory=list)
    date: int = DATE
    relationship: int = 0
    source: int = 1
    vehicle: int = -1
    updated: int = 0
    deviation: int = NO_VALUE
    own: bool = False
    scheduled: list[int] = field(default_factory=list)
    bands: list[tuple[int, int]] = field(default_factory=list)
    """(early, late) seconds of every call; none: no band is known."""
    names: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Bus:
    """One vehicle on the trip of row *row*."""

    name: str
    row: int
    lat: float
    lon: float = -63.5
    bearing: float = float("nan")
    distance_m: float = 0.0
    next_position: int = 0
    next_offset_s: int = 0
    closest_position: int = 0
    closest_offset_s: int = 0
    located: int = 0
    occupancy: int = -1


def predictions_of(bundle: Bundle, rows: list[Row], buses: list[Bus] | None = None, *, computed: int) -> Predictions:
    """Predictions as the predictor would leave them."""
    buses = buses or []
    calls = [call for row in rows for call in row.calls]
    scheduled = [s for row in rows for s in (row.scheduled or [0] * len(row.calls))]
    bands = [band for row in rows for band in (row.bands or [(0, 0)] * len(row.calls))]

    def stop(raw_id: str) -> int:
        found = bundle.stop_ids.index(raw_id)
        assert found is not None, raw_id
        return found

    def trip(raw_id: str) -> int:
        found = bundle.trip_ids.index(raw_id) if raw_id else -1
        assert found is not None, raw_id
        return found

    pointers = np.cumsum([0, *(len(row.calls) for row in rows)]).astype(np.int32)
    places = np.array([(bus.lat, bus.lon) for bus in buses], np.float64).reshape(len(buses), 2)
    return Predictions(
        generation=bundle.generation,
        computed_epoch_s=computed,
        feed_ids=["live"],
        feed_header_epoch_s=[computed],
        trip=np.array([trip(row.trip) for row in rows], np.int32),
        service_date=np.array([row.date for row in rows], np.int32),
        relationship=np.array([row.relationship for row in rows], np.uint8),
        source=np.array([row.source for row in rows], np.uint8),
        trip_feed=np.zeros(len(rows), np.uint8),
        vehicle=np.array([row.vehicle for row in rows], np.int32),
        updated_epoch_s=np.array([row.updated for row in rows], np.uint32),
        deviation_s=np.array([row.deviation for row in rows], np.int32),
        own_calls=np.array([row.own for row in rows], np.uint8),
        ptr=pointers,
        call_stop=np.array([stop(call[0]) for call in calls], np.int32),
        arrival_epoch_s=np.array([call[1] for call in calls], np.uint32),
        departure_epoch_s=np.array([call[2] for call in calls], np.uint32),
        early_s=np.array([band[0] for band in bands], np.int16),
        late_s=np.array([band[1] for band in bands], np.int16),
        scheduled_epoch_s=np.array(scheduled, np.uint32),
        flags=np.array([call[3] for call in calls], np.uint8),
        named={number: row.names for number, row in enumerate(rows) if row.names},
        vehicle_ids=[bus.name for bus in buses],
        vehicle_labels=[bus.name.upper() for bus in buses],
        vehicle_feed=np.zeros(len(buses), np.uint8),
        vehicle_trip=np.array([bus.row for bus in buses], np.int32),
        lat=places[:, 0],
        lon=places[:, 1],
        snapped_lat=places[:, 0],
        snapped_lon=places[:, 1],
        bearing_deg=np.array([bus.bearing for bus in buses], np.float32),
        speed_mps=np.zeros(len(buses), np.float32),
        distance_m=np.array([bus.distance_m for bus in buses], np.float32),
        scheduled_distance_m=np.array([bus.distance_m for bus in buses], np.float32),
        next_position=np.array([bus.next_position for bus in buses], np.int32),
        closest_position=np.array([bus.closest_position for bus in buses], np.int32),
        next_offset_s=np.array([bus.next_offset_s for bus in buses], np.int32),
        closest_offset_s=np.array([bus.closest_offset_s for bus in buses], np.int32),
        located_epoch_s=np.array([bus.located for bus in buses], np.uint32),
        occupancy=np.array([bus.occupancy for bus in buses], np.int8),
        occupancy_percentage=np.full(len(buses), -1, np.int16),
    )


FIJI_LIKE = {
    **GTFS,
    "stops.txt": re.sub(
        r"-63\.(50|49\d+)", lambda it: "180.0" if it[1] == "50" else f"-179.9{it[1][1:]}", GTFS["stops.txt"]
    ),
    "shapes.txt": GTFS["shapes.txt"].replace("-63.50", "180.0"),
}
"""The town where the date changes: half of its stops lie at 180 degrees east, half some metres further east."""
CALLS_OF_T1 = [
    ("pier_1", at(8, 2), at(8, 2), 4),
    ("mid", at(8, 12), at(8, 12), 0),
    ("top", at(8, 22), at(8, 23), 0),
    ("C1", at(8, 32), at(8, 32), 0),
]
"""Two minutes late, and gone from the pier."""
LIVE_SPEC = FeedSpec(feed_id="live", kind=FeedKind.TRIP_UPDATES, url="http://x", interval_s=15, schedule=("town",))
NOTICE_SPEC = FeedSpec(feed_id="notices", kind=FeedKind.SITUATIONS, url="http://x", interval_s=60, schedule=("town",))
TOWN_SPEC = FeedSpec(feed_id="town", kind=FeedKind.GTFS, url="http://x", interval_s=3600)


@dataclass
class Key:
    """A record of an API key."""

    role: str
    quota: Quota | None = None
    exempt: bool = False
    protected: bool = False


class StillHall:
    """A hall that only changes when a test says so."""

    def __init__(self) -> None:
        self.generations: dict[str, str] = {"town": "g1"}
        self.live: dict[str, tuple[int, Predictions]] = {}
        self.notices: dict[str, tuple[int, tuple[Situation, ...]]] = {}
        self.all_records = {"live": FeedRecord(spec=LIVE_SPEC, started_epoch_s=DAY)}
        self.all_alerts: dict[str, Alert] = {}
        self.alert_version = 0
        self.crowdings: dict[str, Crowding] = {}
        self.crowding_versions: dict[str, int] = {}
        self.all_risks: tuple[TripRisk, ...] = ()
        self.keys: dict[str, Key] = {}
        self.deliveries: dict[str, int] = {}

    async def generation(self, feed_id: str) -> str | None:
        return self.generations.get(feed_id)

    async def predictions_version(self, feed_id: str) -> int:
        return self.live[feed_id][0] if feed_id in self.live else 0

    async def predictions(self, feed_id: str) -> tuple[int, Predictions] | None:
        return self.live.get(feed_id)

    async def crowding_version(self, feed_id: str) -> int:
        return self.crowding_versions.get(feed_id, 0)

    async def crowding(self, feed_id: str) -> Crowding:
        return self.crowdings[feed_id]

    async def situations_version(self, feed_id: str) -> int:
        return self.notices.get(feed_id, (0, ()))[0]

    async def situations(self, feed_id: str) -> tuple[int, tuple[Situation, ...]]:
        return self.notices.get(feed_id, (0, ()))

    async def record(self, feed_id: str) -> FeedRecord | None:
        return self.all_records.get(feed_id)

    async def records(self) -> Mapping[str, FeedRecord]:
        return self.all_records

    async def alerts_version(self) -> int:
        return self.alert_version

    async def alerts(self) -> Mapping[str, Alert]:
        return self.all_alerts

    async def trip_risks_version(self) -> int:
        return self.alert_version

    async def trip_risks(self) -> tuple[TripRisk, ...]:
        return self.all_risks

    async def delivery_counts(self) -> Mapping[str, int]:
        return self.deliveries

    async def api_keys(self) -> Mapping[str, Key]:
        return self.keys


class Town:
    """The application on the town's timetable, asked without a socket."""

    def __init__(
        self, home: Path, *, files: Mapping[str, str] = GTFS, require_api_key: bool = True, hall: Hall | None = None
    ) -> None:
        self.home = home
        self.bundle = import_bundle(home, files)
        self.clock = FakeClock(datetime.fromtimestamp(at(8, 5), UTC))
        self.hall = StillHall()
        self.usable = True
        self.settings = Settings(
            home=home,
            redis_url="",
            redis_is_embedded=False,
            feeds=(TOWN_SPEC, LIVE_SPEC, NOTICE_SPEC),
            accept_test_key=True,
            require_api_key=require_api_key,
        )
        self.replica = Replica(self.settings, self.clock, self.hall, self._judge)
        self.application = Application(self.settings, self.clock, self.replica, hall)

    def _judge(self, record: FeedRecord, now_epoch_s: float) -> FeedHealth:
        state = FeedState.OK if self.usable else FeedState.STALE
        why = f"{record.spec.feed_id} at {now_epoch_s:.0f}"
        return FeedHealth(state=state, since_epoch_s=DAY, why=why, todo="", age_s=1.0, usable=self.usable)

    async def tell(self, rows: list[Row], buses: list[Bus] | None = None) -> None:
        """A new tick, computed now."""
        computed = int(self.clock.now_epoch_s())
        predictions = predictions_of(self.bundle, rows, buses, computed=computed)
        self.hall.live["town"] = (await self.hall.predictions_version("town") + 1, predictions)
        await self.replica.refresh()

    def ask(self, path: str, query: str = "key=test", method: str = "GET") -> tuple[int, Any]:
        """(status, body) of ``/api/where/{path}.json?{query}``."""
        name, _, given_id = path.partition("/")
        status, _, body = answer(self.application, name, given_id, query.encode(), method=method)
        return status, _decoded(body)

    def data(self, path: str, query: str = "key=test") -> Any:
        """``data`` of an answer that must be 200."""
        status, body = self.ask(path, query)
        assert status == 200, body
        assert body["code"] == 200
        return body["data"]


def _decoded(body: bytes) -> Any:
    import json

    def only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs), pairs
        return dict(pairs)

    return json.loads(body, object_pairs_hook=only_once) if body else None

"""Two schedules that overlap, as one city: the same raw ids in both, places that both know, several realtime feeds.

``town`` is the town of all tests (agency code 1). ``hills`` has trips, stops and a vehicle of the very same raw ids, its
codes are 2; its stop ``mid`` is the town's ``mid`` across the street.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.transit.gtfs_realtime_pb2 import FeedMessage

from api.app import Application
from api.endpoints.explain import DECISIONS
from api.feed_words import MATCHES, RULES
from api.replica import Replica
from api.tables import MORE_ROUTES
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.feed_health import FeedHealth, FeedState
from feeds.formats import gtfs_realtime
from runtime.clock import FakeClock
from runtime.settings import Settings
from store import realtime
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import DAY, GTFS, Bus, Row, StillHall, at, import_bundle, predictions_of

HILLS = {
    "agency.txt": """
agency_id,agency_name,agency_url,agency_timezone,agency_lang,agency_phone
H,Hill Transit,https://hills.example,America/Halifax,en,
""",
    "stops.txt": """
stop_id,stop_code,stop_name,stop_lat,stop_lon
pier_1,77,Quay,44.60,-63.52
mid,78,Middle St at Hill,44.61,-63.5002
""",
    "routes.txt": """
route_id,agency_id,route_short_name,route_long_name,route_type
r_10,H,H10,Hill loop,3
""",
    "calendar.txt": GTFS["calendar.txt"],
    "trips.txt": """
route_id,service_id,trip_id,trip_headsign
r_10,WK,t1,Hills
""",
    "stop_times.txt": """
trip_id,arrival_time,departure_time,stop_id,stop_sequence
t1,08:00:00,08:00:00,pier_1,1
t1,08:12:00,08:12:00,mid,2
""",
}


def spec(feed_id: str, kind: FeedKind, *schedule: str, **more: Any) -> FeedSpec:
    return FeedSpec(feed_id=feed_id, kind=kind, url="http://x", interval_s=15, schedule=schedule, **more)


FEEDS = (
    spec("town", FeedKind.GTFS),
    spec("hills", FeedKind.GTFS),
    spec("live", FeedKind.TRIP_UPDATES, "town", name="The town's"),
    spec("hill-live", FeedKind.TRIP_UPDATES, "hills"),
    spec("notices", FeedKind.SITUATIONS, "town", "hills"),
    spec("better-notices", FeedKind.SITUATIONS, "town", priority=(("situations", 2),)),
)
EXPLAIN = "/api/v1/explain/arrival?serviceDate=2026-11-23&stop={}&trip={}"


class City:
    """The application on both timetables."""

    def __init__(self, home: Path, redis_url: str) -> None:
        self.bundles = {
            "town": import_bundle(home),
            "hills": import_bundle(home, HILLS, feed_id="hills", generation="h1", codes={"": "2", "H": "2"}),
        }
        self.clock = FakeClock(datetime.fromtimestamp(at(8, 5), UTC))
        self.still = StillHall()
        self.still.generations = {"town": "g1", "hills": "h1"}
        self.unusable: set[str] = set()
        self.still.all_records = {
            one.feed_id: FeedRecord(spec=one, started_epoch_s=DAY, last_success_epoch_s=at(8, 4, 55), polls_total=9)
            for one in FEEDS
        }
        settings = Settings(
            home=home, redis_url="", redis_is_embedded=False, feeds=FEEDS, accept_test_key=True,
            same_stops=(("1_mid", "2_mid"), ("1_top", "9_nowhere")),
        )  # fmt: skip
        self.replica = Replica(settings, self.clock, self.still, self._judge)
        self.hall = Hall.connect(redis_url)
        self.application = Application(settings, self.clock, self.replica, self.hall, MORE_ROUTES)

    def _judge(self, record: FeedRecord, now_epoch_s: float) -> FeedHealth:
        good = record.spec.feed_id not in self.unusable
        state = FeedState.OK if good else FeedState.STALE
        return FeedHealth(
            state=state, since_epoch_s=DAY, why="secret.host is slow", todo="", age_s=now_epoch_s, usable=good
        )

    async def tell(self, schedule: str, feed_id: str, rows: list[Row], buses: list[Bus] | None = None) -> None:
        made = predictions_of(self.bundles[schedule], rows, buses, computed=int(self.clock.now_epoch_s()))
        version = await self.still.predictions_version(schedule) + 1
        self.still.live[schedule] = (version, replace(made, feed_ids=[feed_id]))
        await self.replica.refresh()

    async def say(self, feed_id: str, *updates: dict[str, Any], **trip: Any) -> None:
        """Leave a TripUpdate for t1 in the hall, as the feed *feed_id* says it."""
        message = FeedMessage()
        message.header.gtfs_realtime_version, message.header.timestamp = "2.0", at(8, 4, 50)
        entity = message.entity.add()
        entity.id = "1"
        described = {"trip_id": "t1", "start_date": "20261123", **trip}
        delay = described.pop("delay", None)
        for name, value in described.items():
            setattr(entity.trip_update.trip, name, value)
        if delay is not None:
            entity.trip_update.delay = delay
        for said in updates:
            update = entity.trip_update.stop_time_update.add()
            for name, value in said.items():
                if name in ("time", "arrival_delay"):
                    setattr(update.arrival, name.removeprefix("arrival_"), value)
                else:
                    setattr(update, name, value)
        items = gtfs_realtime.decode(message.SerializeToString(), feed_id=feed_id, now_epoch_s=at(8, 5)).items
        await realtime.put(self.hall, feed_id, at_epoch_s=at(8, 4, 55), trip_updates=items.trip_updates)

    async def data(self, path: str, query: str = "") -> Any:
        answer = await get(self.application, f"/api/where/{path}.json?key=test{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def explained(self, stop: str, trip: str, more: str = "") -> Any:
        answer = await get(self.application, EXPLAIN.format(stop, trip) + more)
        assert answer.status_code == 200, answer.text
        found = json.loads(answer.content)
        assert found["decision"]["text"] == DECISIONS[found["decision"]["because"]]
        if found["realtime"]:
            assert found["realtime"]["ruleText"] == RULES[found["realtime"]["rule"]]
            assert found["realtime"]["matchText"] == MATCHES[found["realtime"]["match"]]
        return found


def late(minutes: int) -> Row:
    """The town's t1, that late."""
    calls = [("pier_1", 0), ("mid", 10), ("top", 20), ("C1", 30)]
    return Row(trip="t1", calls=[(s, at(8, m) + 60 * minutes, at(8, m) + 60 * minutes, 0) for s, m in calls],
               updated=at(8, 4, 40), deviation=60 * minutes)  # fmt: skip


def hill_late(minutes: int) -> Row:
    """The hills' t1, that late."""
    calls = [("pier_1", 0), ("mid", 12)]
    return Row(trip="t1", calls=[(s, at(8, m) + 60 * minutes, at(8, m) + 60 * minutes, 0) for s, m in calls])

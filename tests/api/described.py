"""The town as the description shows it: something live, a notice, a warning, a report, on a real Redis."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from google.transit.gtfs_realtime_pb2 import FeedMessage

from api.app import Application
from api.auth import digest_of
from api.tables import MORE_ROUTES
from domain.situation import Selector, Situation, Translation
from feeds.formats import gtfs_realtime
from store import realtime
from store.hall import Hall
from tests.api.town import DAY, Bus, Key, Row, Town, at
from tests.notify.warnings import block, flood

NOTICE = Situation(
    raw_id="moved",
    feed_id="notices",
    created_epoch_s=DAY,
    periods=(),
    selectors=(Selector(stop_raw_id="mid"),),
    cause="CONSTRUCTION",
    effect="STOP_MOVED",
    severity="WARNING",
    header=(Translation(text="Stop moved", language="en"),),
    description=(Translation(text="Board fifty metres north.", language="en"),),
    url=(),
)
CALLS = (("pier_1", 0), ("mid", 10), ("top", 20), ("C1", 30))


def _said() -> bytes:
    """What the feed said: t1 is three minutes late at its second stop."""
    message = FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = at(8, 4, 55)
    entity = message.entity.add()
    entity.id = "1"
    entity.trip_update.trip.trip_id = "t1"
    entity.trip_update.trip.start_date = "20261123"
    entity.trip_update.timestamp = at(8, 4, 50)
    update = entity.trip_update.stop_time_update.add()
    update.stop_sequence, update.stop_id, update.arrival.delay = 7, "mid", 180
    data: bytes = message.SerializeToString()
    return data


@contextlib.asynccontextmanager
async def described_town(home: Path, redis_url: str) -> AsyncIterator[Application]:
    """The application at 08:05: t1 is three minutes late with bus7 on it."""
    town = Town(home)
    town.settings = replace(town.settings, city="Harbour", notify=replace(town.settings.notify, console=True))
    town.replica.settings = town.settings
    town.hall.keys[digest_of("reader")] = Key("rider", protected=True)
    town.hall.keys[digest_of("operator")] = Key("operator")
    town.hall.notices["notices"] = (1, (NOTICE,))
    alert = flood(block(effective_epoch_s=at(7, 55), expires_epoch_s=at(20)), expires_epoch_s=at(20),
                  first_seen_epoch_s=at(7, 56), updated_epoch_s=at(7, 56))  # fmt: skip
    town.hall.all_alerts, town.hall.alert_version = {alert.alert_id: alert}, 1
    calls = [(stop, at(8, minute) + 180, at(8, minute) + 180, 0) for stop, minute in CALLS]
    calls[0] = ("pier_1", at(8, 1), at(8, 3), 4)
    bus = Bus(name="bus7", row=0, lat=44.604, bearing=0.0, distance_m=445.0, next_position=1, next_offset_s=480,
              closest_position=0, closest_offset_s=-120, located=at(8, 4, 50), occupancy=1)  # fmt: skip
    await town.tell([Row(trip="t1", calls=calls, vehicle=0, updated=at(8, 4, 50), deviation=180)], [bus])
    town.hall.all_records["live"] = replace(
        town.hall.all_records["live"],
        last_success_epoch_s=at(8, 4, 58),
        last_change_epoch_s=at(8, 4, 58),
        polls_total=1,
    )
    town.replica.records = town.hall.all_records
    hall = Hall.connect(redis_url)
    said = gtfs_realtime.decode(_said(), feed_id="live", now_epoch_s=at(8, 5)).items.trip_updates
    await realtime.put(hall, "live", at_epoch_s=at(8, 4, 58), trip_updates=said)
    try:
        yield Application(town.settings, town.clock, town.replica, hall, MORE_ROUTES)
    finally:
        await hall.close()

"""A web process's copy of the hall: what cannot be read never ends it, and hides nothing else."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

from api.hall_source import HallSource
from api.replica import Replica
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.feed_health import assess
from runtime.clock import SystemClock
from runtime.settings import Settings
from store import api_keys, feed_health, keys
from store.hall import Hall
from tests.api.town import TOWN_SPEC, Town


async def test_what_cannot_be_read_hides_nothing_else(redis_url: str, tmp_path: Path) -> None:
    """Alerts, risks and a record of another release: keys and the other feed's record are there all the same."""
    hall = Hall.connect(redis_url)
    spec = FeedSpec(feed_id="well", kind=FeedKind.CAP, url="http://f.example", interval_s=60)
    await feed_health.put_feed_ids(hall, ["odd", "well"])
    await feed_health.put_record(hall, FeedRecord(spec=spec, started_epoch_s=1.0))
    await hall.redis.set(keys.feed_record("odd"), b"\xc1 not a record")
    await hall.redis.hset(keys.alerts(), mapping={"version": 3, "a": b"\xc1 not an alert"})
    await hall.put_state(keys.trip_risks(), {"at": 1.0, "blob": b"\xc1 not risks"}, topic="trip_risks")
    await api_keys.add(hall, name="app", role="rider", at_epoch_s=1.0)
    settings = Settings(home=tmp_path, redis_url=redis_url, redis_is_embedded=False)
    replica = Replica(settings, SystemClock(), HallSource(hall), assess)
    following = asyncio.create_task(replica.follow(hall.changes()))
    async with asyncio.timeout(20):
        while replica.heard_monotonic_s is None:
            await asyncio.sleep(0.01)
    assert not following.done()
    assert list(replica.records) == ["well"]
    assert len(replica.api_keys) == 1
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    await hall.close()


async def test_the_first_of_many_timetables_is_enough_to_serve(tmp_path: Path) -> None:
    """A city is ready with one of its timetables, and says which others are missing; without any it says why it is not."""
    town = Town(tmp_path)
    settings = replace(town.settings, feeds=(*town.settings.feeds, replace(TOWN_SPEC, feed_id="ferries")))
    replica = Replica(settings, town.clock, town.hall, assess)
    assert replica.reasons_not_ready() == [
        "Redis has not answered yet",
        "the timetable of town is not loaded",
        "the timetable of ferries is not loaded",
    ]
    await replica.refresh()
    assert (replica.reasons_not_ready(), replica.timetables_missing()) == ([], ["ferries"])

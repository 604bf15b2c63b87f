"""The alert worker on a real Redis-compatible server: messages become Alerts and work, trips in the flood are named."""

import asyncio
import contextlib
import zipfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import redis

from domain import service_day
from domain.alert import Alert, AlertState
from domain.feed import FeedKind, FeedSpec
from domain.risk import RiskLevel
from feeds import schedule
from predictor import alert_worker
from predictor.running_trips import patterns_of, runs_now
from runtime.clock import FakeClock
from runtime.settings import Settings
from store import alerts, keys, timetable
from store.hall import Hall
from store.timetable import Bundle
from tests.at_work import at_work
from tests.feeds.formats.cap_messages import alert, info, read

AT = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
NOW = AT.timestamp()

GTFS = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,Town,https://x.example,Etc/UTC\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n"
    + "".join(f"s{n},Stop {n},50.5,{9.5 + n / 2}\n" for n in range(5)),  # s0 9.5 … s4 11.5
    "routes.txt": "route_id,agency_id,route_short_name,route_type\nr1,A,1,3\n",
    "trips.txt": "route_id,service_id,trip_id\nr1,w,now\nr1,w,past\nr1,w,soon\nr1,w,tonight\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "w,1,1,1,1,1,1,1,20261101,20261231\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    + "".join(
        f"{trip},{hour:02}:{10 * n + shift:02}:00,{hour:02}:{10 * n + shift:02}:00,s{n},{n + 1}\n"
        for trip, hour, shift in (("now", 11, 15), ("past", 11, 0), ("soon", 12, 15), ("tonight", 20, 0))
        for n in range(5)
    ),
}


def make_bundle(home: Path) -> Bundle:
    """A line of five stops from west to east; at 12:01 UTC only *soon* is still to run through the ground of the
    sound CAP message (10 to 11 degrees east), *now* has passed its last minute."""
    home.mkdir(exist_ok=True)
    with zipfile.ZipFile(home / "gtfs.zip", "w") as archive:
        for name, text in GTFS.items():
            archive.writestr(name, text)
    built = schedule.build(home / "gtfs.zip", feed_id="town", home=home, agency_codes=(("", "1"),))
    return timetable.open_bundle(home, "town", built.generation)


def settings(home: Path, redis_url: str) -> Settings:
    return Settings(
        home=home,
        redis_url=redis_url,
        redis_is_embedded=False,
        feeds=(
            FeedSpec(feed_id="civil", kind=FeedKind.CAP, url="https://x.example/cap", interval_s=60),
            FeedSpec(feed_id="town", kind=FeedKind.GTFS, url="https://x.example/gtfs.zip", interval_s=3600),
        ),
    )


def working(home: Path, redis_url: str, clock: FakeClock) -> AbstractAsyncContextManager[Hall]:
    """A running worker, stopped at the end; a hall to look with."""
    made = settings(home, redis_url)
    return at_work(redis_url, lambda hall, stop: alert_worker.run(made, hall, clock, stop))


async def until(hall: Hall, wanted: Callable[[dict[str, Alert]], bool]) -> dict[str, Alert]:
    """The Alerts once they are as wanted; fails after ten seconds."""
    async with asyncio.timeout(10):
        while True:
            found = await alerts.get_alerts(hall)
            if wanted(found):
                return found
            await asyncio.sleep(0.02)


def events(redis_url: str) -> list[int]:
    with redis.Redis.from_url(redis_url) as client:
        return [int(entry[b"revision"]) for _, entry in client.xrange(keys.alert_events())]


async def test_messages_become_alerts_and_work(redis_url: str, tmp_path: Path) -> None:
    """Alert, then its cancel: one Alert, two pieces of work; an Exercise makes none."""
    clock = FakeClock(AT)
    first = read(alert())
    drill = read(alert(identifier="X", status="Exercise"))
    over = read(alert(info(), identifier="C", msgType="Cancel", references="w@example.org,A-1,2026-11-23T12:00:00Z"))
    async with working(tmp_path, redis_url, clock) as hall:
        await alerts.put_messages(hall, "civil", [first, drill], NOW)
        found = await until(hall, lambda known: len(known) == 2)
        assert {one.pushable for one in found.values()} == {True, False}
        await alerts.put_messages(hall, "civil", [first, drill, over], NOW)
        await until(hall, lambda known: AlertState.CANCELLED in {one.state for one in known.values()})
    assert events(redis_url) == [1, 2]


async def test_a_restart_neither_repeats_nor_loses(redis_url: str, tmp_path: Path) -> None:
    """What came while nobody worked is done at the start; what was done is not done again."""
    clock = FakeClock(AT)
    message = read(alert())
    async with working(tmp_path, redis_url, clock) as hall:
        await alerts.put_messages(hall, "civil", [message], NOW)
        await until(hall, lambda known: len(known) == 1)
    update = read(alert(info(headline="More"), identifier="U", msgType="Update", references="A-1"))
    hall = Hall.connect(redis_url)
    await alerts.put_messages(hall, "civil", [message, update], NOW)
    await hall.close()
    async with working(tmp_path, redis_url, clock) as hall:
        await until(hall, lambda known: [one.revision for one in known.values()] == [2])
    assert events(redis_url) == [1, 2]


async def test_an_alert_expires_without_any_message(redis_url: str, tmp_path: Path) -> None:
    """The clock alone ends it."""
    clock = FakeClock(AT)
    async with working(tmp_path, redis_url, clock) as hall:
        await alerts.put_messages(hall, "civil", [read(alert())], NOW)
        await until(hall, lambda known: len(known) == 1)
        await clock.advance_s(6 * 3600)
        await until(hall, lambda known: [one.state for one in known.values()] == [AlertState.EXPIRED])
    assert events(redis_url) == [1, 2]


async def test_what_a_feed_said_that_is_no_longer_configured_runs_out(redis_url: str, tmp_path: Path) -> None:
    """Whoever was warned is owed the end, also where an operator took the feed out meanwhile."""
    clock = FakeClock(AT)
    async with working(tmp_path, redis_url, clock) as hall:
        await alerts.put_messages(hall, "civil", [read(alert())], NOW)
        (known,) = (await until(hall, lambda known: len(known) == 1)).values()
        await alerts.put_alerts(hall, [replace(known, alert_id="old", feed_id="gone")], NOW)
    async with working(tmp_path, redis_url, clock) as hall:
        await clock.advance_s(6 * 3600)
        await until(hall, lambda known: {one.state for one in known.values()} == {AlertState.EXPIRED})


async def test_a_lost_connection_is_waited_out(redis_url: str, tmp_path: Path) -> None:
    """Every connection of the server is cut; the next message is worked on all the same, once."""
    clock = FakeClock(AT)
    async with working(tmp_path, redis_url, clock) as hall:
        await alerts.put_messages(hall, "civil", [read(alert())], NOW)
        await until(hall, lambda known: len(known) == 1)
        with redis.Redis.from_url(redis_url) as client:
            for kind in ("normal", "pubsub"):
                with contextlib.suppress(redis.ConnectionError):
                    client.client_kill_filter(_type=kind, skipme=True)
        await alerts.put_messages(hall, "civil", [read(alert()), read(alert(identifier="B", sender="b@x.org"))], NOW)
        await until(hall, lambda known: len(known) == 2)
    assert events(redis_url) == [1, 1]


async def test_trips_in_the_flood_are_named(redis_url: str, tmp_path: Path) -> None:
    """The trip that starts within the hour runs through; tonight's does not matter yet."""
    clock = FakeClock(AT)
    bundle = make_bundle(tmp_path)
    async with working(tmp_path, redis_url, clock) as hall:
        await timetable.announce(hall, "town", bundle.generation, NOW)
        await alerts.put_messages(hall, "civil", [read(alert())], NOW)
        async with asyncio.timeout(10):
            while not (risks := await alerts.get_trip_risks(hall)):
                await asyncio.sleep(0.02)
    (risk,) = risks
    assert (risk.trip_id, risk.route_id, risk.service_date, risk.level) == (
        "1_soon",
        "1_r1",
        20261123,
        RiskLevel.SEVERE,
    )
    assert (risk.first_position, risk.last_position) == (0, 4)
    assert risk.stop_ids == ("1_s1", "1_s2", "1_s3")


def test_runs_are_under_way_or_start_within_the_hour(tmp_path: Path) -> None:
    """At 11:40 *past* is at its last stop, *now* halfway, *soon* waits to start."""
    bundle = make_bundle(tmp_path)
    runs = runs_now(bundle, None, NOW - 21 * 60)
    assert {(bundle.trip_ids[run.trip], run.next_position) for run in runs} == {("now", 3), ("past", 4), ("soon", 0)}
    assert runs_now(bundle, None, NOW - 10 * 86_400 * 30) == []


@pytest.mark.recorded
def test_recorded_city_has_its_runs_and_patterns(recordings: Path, tmp_path: Path) -> None:
    """Halifax: every run ahead is found that a plain walk over all trips of the day finds; ground around the busiest
    stop touches the patterns that call inside it."""
    from domain.alert import Area, Circle

    built = schedule.build(recordings / "gtfsrt/halifax/gtfs.zip", feed_id="hfx", home=tmp_path)
    bundle = timetable.open_bundle(tmp_path, "hfx", built.generation)
    day = service_day.from_yyyymmdd(built.first_day + 1)
    noon = bundle.day_start_epoch_s(day) + 43_200
    runs = {(run.trip, run.next_position) for run in runs_now(bundle, None, noon)}
    active = bundle.active(day)
    expected = set()
    for trip in range(len(bundle.trip_ids)):
        departures = bundle.trip_departures_s(trip).tolist()
        if (
            active[bundle.trip_service[trip]]
            and departures[0] <= 43_200 + 3_600
            and bundle.trip_arrivals_s(trip)[-1] >= 43_200
        ):
            expected.add((trip, next((k for k, s in enumerate(departures) if s >= 43_200), len(departures) - 1)))
    assert len(expected) > 100
    assert runs == expected
    stops = bundle.array("pattern_stop")
    busiest = int(np.bincount(stops).argmax())
    here = Circle(lat=bundle.stop_lat[busiest], lon=bundle.stop_lon[busiest], radius_m=1.0)
    found = patterns_of(bundle).touched([Area(description="", circles=(here,))])
    calling = {
        int(np.searchsorted(bundle.array("pattern_ptr"), row, "right") - 1) for row in np.flatnonzero(stops == busiest)
    }
    assert calling <= set(found)
    assert all(found[pattern].calls.any() for pattern in calling)

"""The worker at a real hall: trips that ran are counted, survive a restart, and missing vehicles are told."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.feed import FeedKind, FeedRecord, FeedSpec
from predictor.worker import _Worker
from runtime.clock import FakeClock
from runtime.settings import ArchiveSettings, PredictorSettings, Settings
from store import delivered, feed_health, predictions, realtime, timetable
from store.hall import Hall
from tests.predictor.driven import reports
from tests.predictor.streets import DATE, Report, Streets, at, vehicles

SPECS = (
    FeedSpec(feed_id="streets", kind=FeedKind.GTFS, url="http://x", interval_s=3600),
    FeedSpec(feed_id="v", kind=FeedKind.VEHICLE_POSITIONS, url="http://x", interval_s=30, schedule=("streets",)),
)


async def worker_of(town: Streets, hall: Hall, clock: FakeClock) -> _Worker:
    """A worker that has the town's timetable open."""
    home = Path(town.bundle.folder).parents[2]
    settings = Settings(
        home=home, redis_url="", redis_is_embedded=False, feeds=SPECS, predictor=PredictorSettings(learn=False),
        archive=ArchiveSettings(keep_days=0),
    )  # fmt: skip
    await timetable.announce(hall, "streets", town.bundle.generation, clock.now_epoch_s())
    return _Worker(settings, hall, clock)


async def tick(worker: _Worker, hall: Hall, clock: FakeClock, said: list[Report]) -> None:
    """A healthy feed says this now, and the worker ticks."""
    now = int(clock.now_epoch_s())
    await realtime.put(hall, "v", at_epoch_s=now, vehicles=vehicles(said, now))
    record = FeedRecord(
        spec=SPECS[1], started_epoch_s=now - 3600, last_attempt_epoch_s=now, last_success_epoch_s=now,
        last_change_epoch_s=now, header_epoch_s=now, next_attempt_epoch_s=now + 30, polls_total=9, entities=9,
    )  # fmt: skip
    await feed_health.put_record(hall, record)
    await feed_health.put_feed_ids(hall, [spec.feed_id for spec in SPECS])
    await worker._news()
    await worker._tick()


async def test_the_worker_counts_trips_over_a_restart_and_tells_missing_vehicles(town: Streets, redis_url: str) -> None:
    """From 06:55 to 08:11 all buses run but the 08:00 east; another worker takes over at 07:40."""
    hall = Hall.connect(redis_url)
    clock = FakeClock(datetime.fromtimestamp(at(6, 55), UTC))
    try:
        worker = await worker_of(town, hall, clock)
        while clock.now_epoch_s() < at(8, 11):
            if clock.now_epoch_s() == at(7, 40):
                worker = await worker_of(town, hall, clock)
            await tick(worker, hall, clock, reports(int(clock.now_epoch_s()), {"east6"}))
            await clock.advance_s(30)
        made = await predictions.get(hall, "streets")
        assert made is not None
        assert [town.bundle.trip_ids[trip] for trip in made.missing_trip.tolist()] == ["east6"]
        assert made.missing_date.tolist() == [DATE]
        line_s = next(it for it in await delivered.counts_of(hall, "streets", DATE) if it.route_id == "S")
        # East 07:00 to 07:50 and west 07:25 to 08:05 are on their way or over; all of them were seen.
        assert (line_s.planned, line_s.delivered, line_s.missing) == (25, 11, 0)
    finally:
        await hall.close()


async def test_the_worker_says_once_that_positions_are_refused(
    town: Streets, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every vehicle at 0, 0 for three ticks, then well again: two lines."""
    hall = Hall.connect(redis_url)
    clock = FakeClock(datetime.fromtimestamp(at(7, 30), UTC))
    caplog.set_level(logging.INFO, "wayside.predictor")
    try:
        worker = await worker_of(town, hall, clock)
        for number in range(5):
            now = int(clock.now_epoch_s())
            said = [
                Report(place=(0, 3000), latlon=None if number > 2 else (0.0, 0.0), when=now, vehicle=f"b{n}")
                for n in range(5)
            ]
            await tick(worker, hall, clock, said)
            await clock.advance_s(30)
        lines = [it.getMessage() for it in caplog.records if "positions" in it.getMessage()]
        assert lines == [
            "event=positions_refused feed=streets refused=5 why=nowhere:5",
            "event=positions_believed feed=streets",
        ]
    finally:
        await hall.close()

"""A real city's hour, against a straightforward reading of the same files."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from google.transit import gtfs_realtime_pb2

from domain import service_day
from domain.arrival import SOURCE_CODES, Source
from domain.predictions import CallFlag, Predictions
from feeds.formats import gtfs_realtime
from feeds.schedule import build
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.tick import predict
from predictor.traces import Memory
from predictor.words import Heard
from store.timetable import Bundle
from tests.calls_at_stop import calls_at_stop
from tests.walks.plainly import Plainly, matched, message_of, seconds

ZONE = "America/Halifax"


@dataclass(frozen=True)
class City:
    """The recording, decoded by us and opened plainly."""

    bundle: Bundle
    predictions: Predictions
    updates: gtfs_realtime_pb2.FeedMessage
    rows: dict[str, list[dict[str, str]]]
    services: dict[str, str]
    active: frozenset[str]
    now: int
    day: date


@pytest.fixture(scope="module")
def city(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> City:
    """Everything once."""
    folder = recordings / "gtfsrt" / "halifax"
    home = tmp_path_factory.mktemp("home")
    bundle = Bundle(Path(build(folder / "gtfs.zip", feed_id="hfx", home=home).folder))
    updates_bytes, vehicles_bytes = (
        (folder / "TripUpdates.pb").read_bytes(),
        (folder / "VehiclePositions.pb").read_bytes(),
    )
    updates = message_of(folder / "TripUpdates.pb")
    now = int(updates.header.timestamp)
    items = [gtfs_realtime.decode(data, feed_id="f", now_epoch_s=now).items for data in (updates_bytes, vehicles_bytes)]
    schedule = Schedule(bundle)
    heard = [
        Heard(feed_id="trips", header_epoch_s=now, updates=items[0].trip_updates, vehicles=None),
        Heard(feed_id="vehicles", header_epoch_s=now, updates=None, vehicles=items[1].vehicles),
    ]
    made, _ = predict(schedule, Ground(schedule), heard, float(now), Memory())
    plainly = Plainly(folder)
    day = datetime.fromtimestamp(now, UTC).astimezone(service_day.zone(ZONE)).date()
    services = {trip: row["service_id"] for trip, row in plainly.trips.items()}
    return City(bundle, made, updates, plainly.calls, services, frozenset(plainly.services(day)), now, day)


@pytest.mark.recorded
def test_active_trips_have_the_updates_and_vehicles_of_the_recording(city: City) -> None:
    """216 trips are on the road at the header's time, 210 with updates, 188 with vehicles."""
    start = service_day.start_epoch_s(city.day, ZONE)
    running = {
        trip
        for trip, calls in city.rows.items()
        if city.services[trip] in city.active
        and seconds(calls[0]["departure_time"]) <= city.now - start <= seconds(calls[-1]["arrival_time"])
    }
    made = city.predictions
    told = {
        city.bundle.trip_ids[trip]
        for trip, source in zip(made.trip.tolist(), made.source.tolist(), strict=True)
        if trip >= 0 and source
    }
    aboard = {
        city.bundle.trip_ids[made.trip[row]] for row in made.vehicle_trip.tolist() if row >= 0 and made.trip[row] >= 0
    }
    by_agency = {
        city.bundle.trip_ids[trip]
        for trip, source in zip(made.trip.tolist(), made.source.tolist(), strict=True)
        if trip >= 0 and source == SOURCE_CODES[Source.AGENCY]
    }
    cancelled = {city.bundle.trip_ids[made.trip[row]] for row in np.flatnonzero(made.relationship == 3).tolist()}
    assert len(running) == 216
    # One more is called off by its vehicle alone; no promise is made of it, nor of the others that are cancelled.
    assert len(running & (by_agency | cancelled)) == 210 + 1
    assert len(running & aboard) == 188
    assert not told & cancelled
    assert told >= by_agency


@pytest.mark.recorded
def test_every_predicted_departure_equals_an_independent_propagation(city: City) -> None:
    """All trips and all stops at once: the specification's rules, written plainly, give the same times."""
    start = service_day.start_epoch_s(city.day, ZONE)
    made = city.predictions
    of_trip = {
        city.bundle.trip_ids[trip]: row
        for row, (trip, source) in enumerate(zip(made.trip.tolist(), made.source.tolist(), strict=True))
        if trip >= 0 and source == SOURCE_CODES[Source.AGENCY]
    }
    compared = differing = 0
    for entity in city.updates.entity:
        update = entity.trip_update
        if update.trip.trip_id not in of_trip or update.trip.schedule_relationship != 0:
            continue
        row = of_trip[update.trip.trip_id]
        day = service_day.from_yyyymmdd(int(made.service_date[row]))
        base = start if day == city.day else service_day.start_epoch_s(day, ZONE)
        calls = city.rows[update.trip.trip_id]
        said = matched(update.stop_time_update, calls)
        delay: int | None = None
        latest = 0
        for position, call in enumerate(calls):
            scheduled = base + seconds(call["departure_time"])
            stop = said.get(position)
            expected = 0
            skipped = stop is not None and stop.schedule_relationship in {1, 2}
            if stop is not None and stop.schedule_relationship == 2:
                delay = None
            elif stop is not None and stop.schedule_relationship == 0:
                event = stop.departure if stop.HasField("departure") else stop.arrival
                planned = scheduled if stop.HasField("departure") else base + seconds(call["arrival_time"])
                delay = event.time - planned if event.time else event.delay
            if delay is not None and not skipped:
                expected = max(scheduled + delay, latest)
                latest = expected
            found = int(made.departure_epoch_s[made.ptr[row] + position])
            compared += 1
            differing += found != expected
    assert compared > 10_000
    assert differing == 0


@pytest.mark.recorded
def test_the_schedule_stands_at_every_stop_where_nothing_is_told(city: City) -> None:
    """Calls at all stops for the next two hours, against the plain reading."""
    start = service_day.start_epoch_s(city.day, ZONE)
    low, high = city.now - start, city.now - start + 7200
    expected: dict[str, list[tuple[int, str]]] = {}
    for trip, calls in city.rows.items():
        if city.services[trip] in city.active:
            for call in calls:
                if low <= seconds(call["departure_time"]) < high:
                    expected.setdefault(call["stop_id"], []).append((seconds(call["departure_time"]), trip))
    found = {
        city.bundle.stop_ids[stop]: sorted(
            (call.departure_s, city.bundle.trip_ids[call.trip])
            for call in calls_at_stop(city.bundle, stop, city.day, low, high)
        )
        for stop in range(len(city.bundle.stop_ids))
    }
    assert {stop: calls for stop, calls in found.items() if calls} == {
        stop: sorted(calls) for stop, calls in expected.items()
    }


@pytest.mark.recorded
def test_no_time_runs_backwards(city: City) -> None:
    """Within a run, told times never fall, and a passed call lies before now."""
    made = city.predictions
    for row in range(len(made.trip)):
        departures = made.departure_epoch_s[made.ptr[row] : made.ptr[row + 1]].astype(np.int64)
        told = departures[departures > 0]
        assert (np.diff(told) >= 0).all()
    passed = (made.flags & CallFlag.PASSED) != 0
    assert (made.departure_epoch_s[passed].astype(np.int64) <= city.now).all()

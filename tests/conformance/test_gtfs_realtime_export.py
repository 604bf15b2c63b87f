"""What we export is a good feed: it names what the schedule has, says nothing impossible, and reads back as it was."""

import asyncio
from typing import Any

import numpy as np
from google.transit import gtfs_realtime_pb2

from domain.realtime import TripRelationship
from feeds.formats import gtfs_realtime
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.tick import predict
from predictor.traces import Memory
from predictor.words import Heard
from tests.api.asgi import get
from tests.conformance.cities import KEY, City

BESIDE = (TripRelationship.ADDED, TripRelationship.NEW, TripRelationship.UNSCHEDULED, TripRelationship.DUPLICATED)


def exported(city: City, kind: str) -> list[tuple[str, bytes]]:
    """(agency, message) of each agency."""

    async def ask() -> list[tuple[str, bytes]]:
        found = []
        for agency in city.bundle.agencies:
            target = f"/api/gtfs_realtime/{kind}-for-agency/{agency.code}.pb?key={KEY}"
            answer = await get(city.application, target, headers={"accept-encoding": "identity"})
            assert answer.status_code == 200
            found.append((agency.code, answer.content))
        return found

    return asyncio.run(ask())


def parsed(data: bytes) -> Any:
    message = gtfs_realtime_pb2.FeedMessage()
    message.ParseFromString(data)
    assert message.IsInitialized()
    assert len({entity.id for entity in message.entity}) == len(message.entity)
    return message


def test_trip_updates_are_of_the_schedule_and_in_order(city: City) -> None:
    """Known trips, routes and stops; times that never go back; a cancelled trip promises nothing."""
    bundle, count = city.bundle, 0
    for _, data in exported(city, "trip-updates"):
        message = parsed(data)
        assert message.header.timestamp == city.now_epoch_s
        for entity in message.entity:
            update, trip = entity.trip_update, entity.trip_update.trip
            count += 1
            assert bundle.route_ids.index(trip.route_id) is not None
            if trip.schedule_relationship not in BESIDE:
                assert bundle.trip_ids.index(trip.trip_id) is not None
            if trip.schedule_relationship in (TripRelationship.CANCELED, TripRelationship.DELETED):
                assert not update.stop_time_update
            last = 0
            for call in update.stop_time_update:
                assert bundle.stop_ids.index(call.stop_id) is not None
                for event in (call.arrival, call.departure):
                    if event.time:
                        assert event.time >= last
                        last = event.time
            sequences = [call.stop_sequence for call in update.stop_time_update if call.HasField("stop_sequence")]
            assert sequences == sorted(set(sequences))
    assert count > 0


def test_vehicles_are_exported_once_with_their_trips(city: City) -> None:
    """As many as are served; none is on two agencies."""
    (served,) = city.application.replica.served.values()
    live, _ = served.live_at(city.now_epoch_s)
    assert live is not None
    found = [entity.vehicle for _, data in exported(city, "vehicle-positions") for entity in parsed(data).entity]
    assert len(found) == int(np.count_nonzero(np.isfinite(np.asarray(live.lat))))
    for vehicle in found:
        assert -90 <= vehicle.position.latitude <= 90
        assert vehicle.timestamp <= city.now_epoch_s


def test_export_reads_back_as_the_same_predictions(city: City) -> None:
    """Another Wayside that hears our export tells riders the same times."""
    (served,) = city.application.replica.served.values()
    live, _ = served.live_at(city.now_epoch_s)
    assert live is not None
    schedule = Schedule(city.bundle)
    heard = []
    for code, data in exported(city, "trip-updates"):
        items = gtfs_realtime.decode(data, feed_id=code, now_epoch_s=city.now_epoch_s).items
        heard.append(Heard(feed_id=code, header_epoch_s=city.now_epoch_s, updates=items.trip_updates, vehicles=None))
    again, _ = predict(schedule, Ground(schedule), heard, float(city.now_epoch_s), Memory())
    rows = {
        (trip, date): row
        for row, (trip, date) in enumerate(zip(again.trip.tolist(), again.service_date.tolist(), strict=True))
    }
    compared = same = 0
    for row in range(len(live.trip)):
        if live.trip[row] < 0 or live.own_calls[row] or not live.source[row]:
            continue
        other = rows.get((live.trip[row], live.service_date[row]))
        if other is None:
            continue
        for call in range(live.ptr[row], live.ptr[row + 1]):
            at, there = live.arrival_epoch_s[call], again.ptr[other] + call - live.ptr[row]
            if at > city.now_epoch_s and live.told[call] and there < again.ptr[other + 1]:
                compared += 1
                same += bool(again.arrival_epoch_s[there] == at)
    assert compared > 0
    assert same >= 0.99 * compared, (same, compared)

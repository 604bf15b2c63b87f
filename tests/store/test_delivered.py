"""Counts of trips, in a real Redis."""

import numpy as np

from domain.delivered import RouteDay, TripsSeen
from store import delivered
from store.hall import Hall


async def test_what_was_put_is_there_again(hall: Hall) -> None:
    """Counts and trips of one day; nothing of another; and it expires."""
    counts = [RouteDay(route_id="7", planned=9, delivered=5, cancelled=1, missing=2, unknown=1)]
    trips = TripsSeen(
        trip_ids=["a", "b"],
        start_s=np.array([1, 2], np.int32),
        seen_epoch_s=np.array([0, 99], np.int64),
        nearly_over=np.array([0, 1], np.uint8),
        cancelled=np.array([1, 0], np.uint8),
        watched_s=np.array([3, 4], np.float32),
    )
    assert await delivered.put(hall, "bus", 20261123, counts, trips, 5.0) == 1
    assert await delivered.counts_of(hall, "bus", 20261123) == counts
    found = await delivered.trips_of(hall, "bus", 20261123)
    assert found is not None
    assert found.trip_ids == ["a", "b"]
    assert found.watched_s.tolist() == [3.0, 4.0]
    assert await delivered.counts_of(hall, "bus", 20261124) == []
    assert await delivered.trips_of(hall, "bus", 20261124) is None
    assert 0 < await hall.redis.ttl("wayside:delivered:{bus}:20261123") <= delivered.KEEP_S

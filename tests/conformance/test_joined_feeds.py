"""Two schedules as one city, with a place that both know: nothing an app must find is missing there either."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.asgi import get
from tests.api.two_feeds import City, hill_late, late
from tests.conformance import ios

IDS = {
    "stop": ("1_mid", "2_mid", "1_CENTRAL", "2_pier_1"),
    "arrivals-and-departures-for-stop": ("1_mid", "2_mid", "1_C1"),
    "schedule-for-stop": ("1_mid", "2_mid"),
    "route": ("1_r_10", "2_r_10", "40_hill"),
    "stops-for-route": ("1_r_10", "2_r_10"),
    "schedule-for-route": ("1_r_10", "2_r_10"),
    "trips-for-route": ("1_r_10", "2_r_10"),
    "trip-details": ("1_t1", "2_t1", "40_express"),
    "trip": ("1_t1", "2_t1"),
    "stops-for-agency": ("1", "2", "40"),
    "routes-for-agency": ("1", "2", "40"),
    "trips-for-agency": ("1", "2"),
    "vehicles-for-agency": ("1", "2"),
}
PLACES = {
    "stops-for-location": "lat=44.61&lon=-63.50&radius=3000",
    "routes-for-location": "lat=44.61&lon=-63.50&radius=3000",
    "trips-for-location": "lat=44.61&lon=-63.50&radius=5000&includeStatus=true&includeSchedule=true",
    "arrivals-and-departures-for-location": "lat=44.61&lon=-63.50&radius=3000",
    "agencies-with-coverage": "",
}


@pytest.fixture
async def joined(tmp_path: Path, redis_url: str) -> AsyncIterator[City]:
    """Both, with something live of each."""
    city = City(tmp_path, redis_url)
    await city.replica.refresh()
    speaking = {schedule: one.feed_id for one in city.replica.settings.feeds for schedule in one.schedule}
    await city.tell("town", speaking["town"], [late(4)])
    await city.tell("hills", speaking["hills"], [hill_late(2)])
    yield city
    await city.hall.close()


async def test_nothing_is_missing_where_feeds_are_joined(joined: City) -> None:
    """Every endpoint, things of both feeds."""
    targets = [(endpoint, f"{endpoint}/{one}", "") for endpoint, ids in IDS.items() for one in ids]
    targets += [(endpoint, endpoint, f"&{query}") for endpoint, query in PLACES.items()]
    found = {}
    for endpoint, path, query in targets:
        answer = await get(joined.application, f"/api/where/{path}.json?key=test{query}")
        assert answer.status_code == 200, (path, answer.text)
        document = json.loads(answer.content)
        faults = [*ios.faults(endpoint, document), *ios.unreferred(endpoint, document)]
        if faults:
            found[f"{path}?{query}"] = faults
    assert found == {}


async def test_places_hold_what_both_feeds_have(joined: City) -> None:
    """A question about a place is about all feeds."""
    stops = (await joined.data("stops-for-location", "&lat=44.61&lon=-63.50&radius=200"))["list"]
    assert "1_mid" in {stop["id"] for stop in stops}
    around = await joined.data("arrivals-and-departures-for-location", "&lat=44.61&lon=-63.50&radius=200")
    assert {"1_t1", "2_t1"} <= {row["tripId"] for row in around["entry"]["arrivalsAndDepartures"]}
    running = (await joined.data("trips-for-location", "&lat=44.60&lon=-63.51&latSpan=0.1&lonSpan=0.1"))["list"]
    assert {"1_t1", "2_t1"} <= {row["tripId"] for row in running}

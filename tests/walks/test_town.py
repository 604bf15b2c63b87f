"""The three walks, end to end on the generated town: every process, real sockets, one command."""

import html
import json
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from google.transit import gtfs_realtime_pb2

from runtime.embedded_address import socket_path
from tests.walks.house import House, eventually, running


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """``wayside demo`` in a home and on a port of its own."""
    with running(tmp_path_factory.mktemp("home"), "demo") as house:
        eventually(lambda: house.token, 120, "the demo says where it is")
        yield house


def test_walk_a_what_the_agency_predicts_reaches_the_rider(town: House) -> None:
    """A departure at a stop is shown live, at the time that the town's own feed gives for it."""

    def same() -> bool:
        with urllib.request.urlopen(f"{town.outside}/TripUpdates.pb", timeout=20) as answer:
            message = gtfs_realtime_pb2.FeedMessage()
            message.ParseFromString(answer.read())
        now = message.header.timestamp
        for entity in message.entity:
            update = entity.trip_update
            for stop in update.stop_time_update:
                if update.trip.schedule_relationship == 0 and now + 120 < stop.departure.time < now + 1200:
                    path = (
                        f"/api/where/arrivals-and-departures-for-stop/LT_{stop.stop_id}.json?key=test&minutesAfter=40"
                    )
                    for row in town.get(path)["data"]["entry"]["arrivalsAndDepartures"]:
                        told = row["predictedDepartureTime"] / 1000
                        if (
                            row["tripId"].endswith(f"_{update.trip.trip_id}")
                            and row["predicted"]
                            and abs(told - stop.departure.time) <= 60
                        ):
                            return True
        return False

    assert eventually(same, 60, "a live departure like the feed's")
    with urllib.request.urlopen(f"{town.base}/", timeout=10) as page:
        assert 'class="live"' in page.read().decode()


def test_walk_b_a_warning_reaches_the_phone_once_and_the_exercise_never(town: House) -> None:
    """A place in the flooded quarter is told; the Exercise, which covers the harbour, stays silent."""

    def warned() -> list[Any] | None:
        return [feature for feature in town.get("/api/v1/alerts.geojson")["features"] if feature["geometry"]] or None

    feature = eventually(warned, 60, "a warning in force")[0]
    ring = feature["geometry"]["coordinates"][0][0]
    lon, lat = (sum(point[axis] for point in ring) / len(ring) for axis in (0, 1))
    asked = {
        "device": {"platform": "fcm", "token": "demo-phone"},
        "language": "vi",
        "places": [{"label": "Nhà", "lat": lat, "lon": lon, "radius_m": 200}],
    }
    first = town.post("/api/v1/subscriptions", asked)
    again = town.post("/api/v1/subscriptions", asked)
    assert first["subscription_id"] == again["subscription_id"]

    messages = eventually(lambda: town.inbox("demo-phone"), 40, "a message on the phone")
    text = json.dumps(messages, ensure_ascii=False)
    assert "xercise" not in text
    assert "diễn tập" not in text


def test_examples_of_the_description_are_answered_here(town: House) -> None:
    """Every request that ``/docs`` offers to follow, with the demo's own ids; and what a program builds of ``/openapi.json``."""
    cookie = {"Cookie": f"wayside_operator={town.token}"}

    def followed() -> dict[str, int] | None:
        with urllib.request.urlopen(f"{town.base}/docs", timeout=20) as answer:
            requests = [
                html.unescape(it) for it in re.findall(r'href="(/[^"]*)" rel="nofollow"', answer.read().decode())
            ]
        if not any("/vehicle/" in it for it in requests):
            return None  # no bus has been heard of yet
        return {it: _status(urllib.request.Request(town.base + it, headers=cookie)) for it in requests}

    found = eventually(followed, 60, "requests with a vehicle")
    assert {it: status for it, status in found.items() if status != 200} == {}
    assert len(found) > 40
    assert not any(re.search(r"/1[._]|[=,]1_", it) for it in found)
    described = town.get("/openapi.json")["paths"]["/api/where/stop/{id}.json"]["get"]["parameters"]
    stop_id = next(it["example"] for it in described if it["name"] == "id")
    assert town.get(f"/api/where/stop/{stop_id}.json?key=test")["code"] == 200


def _status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_walk_c_a_sick_feed_turns_red_and_recovers(town: House) -> None:
    """503s: the operators' page says failing and why; well again: it recovers by itself."""

    def state(feed: str) -> str:
        return str(town.feeds()[feed]["health"]["state"])

    eventually(lambda: state("vehicle-positions") == "ok", 60, "the feed is well at first")
    town.post(f"{town.outside}/sick/vehicle_positions/503")
    eventually(lambda: state("vehicle-positions") == "failing", 90, "the feed is failing")
    health = town.feeds()["vehicle-positions"]["health"]
    assert "server has an error" in health["why"]
    assert health["todo"]
    assert state("gtfs") == "ok"
    town.post(f"{town.outside}/sick/vehicle_positions/well")
    eventually(lambda: state("vehicle-positions") == "ok", 90, "the feed is well again")


def test_redis_killed_at_any_time_loses_nothing(town: House) -> None:
    """Kill -9 of the embedded server: it is started again, the subscription is still there, arrivals were served on."""
    asked = {
        "device": {"platform": "fcm", "token": "other-phone"},
        "places": [{"lat": 44.7, "lon": -63.6, "radius_m": 100}],
    }
    kept = town.post("/api/v1/subscriptions", asked)
    url = f"unix://{socket_path(town.home)}"
    with redis.Redis.from_url(url) as client:
        server = int(client.info("server")["process_id"])
    os.kill(server, signal.SIGKILL)
    assert town.get("/api/where/current-time.json?key=test")["code"] == 200
    found = eventually(
        lambda: town.get(f"/api/v1/subscriptions/{kept['subscription_id']}"), 10, "Redis is back with everything"
    )
    assert found["subscription_id"] == kept["subscription_id"]
    assert town.get("/readyz")["ready"] is True

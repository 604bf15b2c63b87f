"""The three walks, end to end on the generated town: every process, real sockets, one command."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
from google.transit import gtfs_realtime_pb2

from runtime.configuration import socket_path

T = TypeVar("T")


@dataclass(frozen=True)
class Town:
    """A running demo."""

    base: str
    outside: str
    """The simulator."""
    token: str
    home: Path

    def get(self, path: str, **headers: str) -> Any:
        request = urllib.request.Request(self.base + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def feeds(self) -> dict[str, dict[str, Any]]:
        rows = self.get("/api/v1/feeds", Authorization=f"Bearer {self.token}")["feeds"]
        return {row["record"]["spec"]["feed_id"]: row["health"] for row in rows}

    def post(self, url: str, body: bytes = b"") -> Any:
        request = urllib.request.Request(url, data=body, method="POST", headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")


def eventually(what: Callable[[], T | None], within_s: float, saying: str) -> T:
    """What *what* gives once it gives something."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        try:
            found = what()
        except (OSError, ValueError, KeyError):
            found = None
        if found:
            return found
        time.sleep(0.25)
    pytest.fail(f"not within {within_s:g} s: {saying}")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """``wayside demo`` in a home and on a port of its own."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "demo.log"
    environment = {**os.environ, "WAYSIDE_HOME": str(home), "WAYSIDE_PORT": str(port)}
    environment.pop("REDIS_URL", None)
    with log.open("wb") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "wayside", "demo"], stdout=out, stderr=out, env=environment, start_new_session=True
        )
    base = f"http://127.0.0.1:{port}"

    def announced() -> Town | None:
        words = log.read_text(errors="replace").split()
        token = next((word for word in words if word.startswith("op-")), "")
        config = (home / "town.toml").read_text()
        outside = config.split('base_url = "')[1].split('"')[0]
        return Town(base, outside, token, home) if token else None

    try:
        yield eventually(
            announced, 120, f"the demo says where it is; its log: {log.read_text(errors='replace')[-2000:]}"
        )
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        try:
            demo.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.wait()


def test_walk_a_what_the_agency_predicts_reaches_the_rider(town: Town) -> None:
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


def test_walk_b_a_warning_reaches_the_phone_once_and_the_exercise_never(town: Town) -> None:
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
    first = town.post(f"{town.base}/api/v1/subscriptions", json.dumps(asked).encode())
    again = town.post(f"{town.base}/api/v1/subscriptions", json.dumps(asked).encode())
    assert first["subscription_id"] == again["subscription_id"]

    def inbox() -> list[Any] | None:
        with urllib.request.urlopen(f"{town.outside}/fcm/inbox.json", timeout=10) as answer:
            found = json.loads(answer.read())
        rows: list[Any] = found if isinstance(found, list) else found.get("messages", [])
        return rows or None

    messages = eventually(inbox, 40, "a message on the phone")
    text = json.dumps(messages, ensure_ascii=False)
    assert "xercise" not in text
    assert "diễn tập" not in text


def test_walk_c_a_sick_feed_turns_red_and_recovers(town: Town) -> None:
    """503s: the operators' page says failing and why; well again: it recovers by itself."""
    eventually(lambda: town.feeds()["trip-updates"]["state"] == "ok", 60, "the feed is well at first")
    town.post(f"{town.outside}/sick/trip_updates/503")
    health = eventually(
        lambda: found if (found := town.feeds()["trip-updates"])["state"] == "failing" else None,
        90,
        "the feed is failing",
    )
    assert "server has an error" in health["why"]
    assert health["todo"]
    assert {state for feed, state in ((feed, it["state"]) for feed, it in town.feeds().items()) if feed == "gtfs"} == {
        "ok"
    }
    town.post(f"{town.outside}/sick/trip_updates/well")
    eventually(lambda: town.feeds()["trip-updates"]["state"] == "ok", 90, "the feed is well again")


def test_redis_killed_at_any_time_loses_nothing(town: Town) -> None:
    """Kill -9 of the embedded server: it is started again, the subscription is still there, arrivals were served on."""
    asked = {
        "device": {"platform": "fcm", "token": "other-phone"},
        "places": [{"lat": 44.7, "lon": -63.6, "radius_m": 100}],
    }
    kept = town.post(f"{town.base}/api/v1/subscriptions", json.dumps(asked).encode())
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

"""Two schedules with the very same ids and two feeds that disagree, as one city: polled, predicted, shown, explained."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.transit.gtfs_realtime_pb2 import FeedMessage

from runtime.clock import SystemClock
from tests.walks.house import House, eventually, running
from tests.walks.outside import LATE_S, gtfs_zip, trip_updates

CLOCK = SystemClock()
OFFICIAL_LATE_S = 300
CONFIG = """
[web]
accept_test_key = true

[[same_stops]]
stops = ["L_s1", "M_s1"]

[[feeds]]
id = "line"
kind = "gtfs"
url = "{base}/gtfs.zip"
allow_private_hosts = true

[[feeds]]
id = "twin"
kind = "gtfs"
url = "{base}/gtfs.zip"
agencies = {{ L = "M" }}
allow_private_hosts = true

[[feeds]]
id = "hasty"
kind = "trip_updates"
url = "{base}/hasty.pb"
schedule = ["line"]
interval_s = 1
allow_private_hosts = true

[[feeds]]
id = "official"
kind = "trip_updates"
url = "{base}/official.pb"
schedule = ["line"]
priority = {{ trip_updates = 1 }}
interval_s = 1
allow_private_hosts = true
"""
COLLIDING = """
[[feeds]]
id = "zz-colliding"
kind = "gtfs"
url = "{base}/gtfs.zip"
allow_private_hosts = true
"""


def official(now_epoch_s: float) -> bytes:
    """What the official feed says: later than the other, and a few seconds older."""
    message = FeedMessage.FromString(trip_updates(now_epoch_s - 5))
    for entity in message.entity:
        entity.trip_update.stop_time_update[0].departure.delay = OFFICIAL_LATE_S
    said: bytes = message.SerializeToString()
    return said


@pytest.fixture(scope="module")
def world() -> Iterator[str]:
    """The producers' servers; their address."""
    timetable = gtfs_zip()
    answers: dict[str, Callable[[float], bytes]] = {
        "/gtfs.zip": lambda _now: timetable,
        "/hasty.pb": trip_updates,
        "/official.pb": official,
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers[self.path](CLOCK.now_epoch_s())
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def city(world: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home: Path = tmp_path_factory.mktemp("city")
    config = home / "city.toml"
    config.write_text(CONFIG.format(base=world))
    with running(home, "up", "--config", str(config)) as house:
        eventually(lambda: house.ready() or None, 60, "the city is up")
        yield house


def told(city: House, stop: str) -> list[dict[str, Any]]:
    """Arrivals at the stop that begin with the official feed's word."""
    found = city.arrivals(stop, 20)
    codes = {one["tripId"][0] for one in found if one["predicted"]} | {one["tripId"][0] for one in found}
    late = {one["predictedArrivalTime"] - one["scheduledArrivalTime"] for one in found if one["predicted"]}
    return found if codes == {"L", "M"} and late == {OFFICIAL_LATE_S * 1000} else []


def test_walk_the_ranked_feed_is_believed_and_the_place_is_one(city: House) -> None:
    """At either id both lines' buses; of the two words on the first line's, the ranked feed's, though it is older."""
    for stop in ("L_s1", "M_s1"):
        rows = eventually(lambda stop=stop: told(city, stop) or None, 60, f"both lines at {stop}")  # type: ignore[misc]
        assert {one["stopId"] for one in rows} == {"L_s1", "M_s1"}
        assert {one["predicted"] for one in rows if one["tripId"].startswith("M_")} == {False}
    assert {one["tripId"][0] for one in city.arrivals("M_s2", 20)} == {"M"}
    assert OFFICIAL_LATE_S != LATE_S


def test_walk_it_is_explained_which_feed_said_so(city: House) -> None:
    """The feed, its poll, its words, and that a delay at an earlier stop carried on."""
    row = next(one for one in eventually(lambda: told(city, "M_s1") or None, 60, "arrivals") if one["predicted"])
    query = f"stop=M_s1&trip={row['tripId']}&serviceDate={row['serviceDate']}&stopSequence={row['stopSequence']}"
    found = city.get(f"/api/v1/explain/arrival?{query}")
    assert found["decision"]["because"] == "told_live"
    feed = found["realtime"]
    assert (feed["feed"], feed["priority"], feed["match"], feed["rule"]) == (
        "official",
        1,
        "trip_id",
        "delay_carried_on",
    )
    assert feed["said"]["ofThisCall"]["departureDelaySeconds"] == OFFICIAL_LATE_S
    assert 0 <= CLOCK.now_epoch_s() * 1000 - feed["polledAt"] < 60_000
    assert found["timetable"]["feed"] == "line"


def test_walk_a_schedule_that_would_mix_ids_is_refused(world: str, tmp_path: Path) -> None:
    """A third schedule with the first one's agency code: said in the log with the remedy; the first goes on serving."""
    config = tmp_path / "city.toml"
    text = CONFIG + COLLIDING
    config.write_text(text.format(base=world))
    with running(tmp_path / "home", "up", "--config", str(config)) as house:
        eventually(lambda: "agency code L belongs to feed" in house.said() or None, 40, "the collision is said")
        assert "give the agencies of feed" in house.said()
        rows = eventually(lambda: house.arrivals("L_s2", 20) or None, 60, "the first still serves")
        assert {one["tripId"][0] for one in rows} == {"L"}

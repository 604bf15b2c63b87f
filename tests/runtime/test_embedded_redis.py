"""The embedded server: one owner a home, nothing lost, nobody left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from domain.errors import WaysideError
from runtime.embedded_address import embedded_url, socket_path
from runtime.embedded_redis import EmbeddedRedis, owner_of

OWN_AND_WAIT = """
import sys, time
from pathlib import Path
from runtime.embedded_redis import EmbeddedRedis
with EmbeddedRedis(Path(sys.argv[1])) as server:
    print(server.process.pid, flush=True)
    time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    """Every write is in the append-only file before it is answered."""
    with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(embedded_url(tmp_path)) as client:
        assert client.config_get("appendonly")["appendonly"] == "yes"
        assert client.config_get("appendfsync")["appendfsync"] == "always"
        for number in range(500):
            client.hset("kept", str(number), "x" * 100)
        assert server.process is not None
        server.process.kill()
        server.process.wait()
    with EmbeddedRedis(tmp_path), redis.Redis.from_url(embedded_url(tmp_path)) as client:
        assert client.hlen("kept") == 500


def test_a_home_has_one_owner_and_the_second_is_told_who(tmp_path: Path) -> None:
    assert owner_of(tmp_path) == ""
    with EmbeddedRedis(tmp_path):
        assert owner_of(tmp_path) == str(os.getpid())
        with pytest.raises(WaysideError, match=f"process {os.getpid()} already owns .* set WAYSIDE_HOME to another"):
            EmbeddedRedis(tmp_path).start()
    assert owner_of(tmp_path) == ""


def test_the_server_goes_with_its_owner_however_that_one_dies(tmp_path: Path) -> None:
    """Kill -9 of the owner leaves no orphan, and the next owner starts on the same data."""
    owner = subprocess.Popen([sys.executable, "-c", OWN_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    server = int(owner.stdout.readline())
    with redis.Redis.from_url(embedded_url(tmp_path)) as client:
        client.set("kept", "1")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    end_s = time.monotonic() + 20
    while is_running(server) and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not is_running(server)
    with EmbeddedRedis(tmp_path), redis.Redis.from_url(embedded_url(tmp_path)) as client:
        assert client.get("kept") == b"1"


def test_nobody_else_may_use_the_socket(tmp_path: Path) -> None:
    """Private: the folder and the socket are the owner's alone, and there is no TCP port."""
    with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(embedded_url(tmp_path)) as client:
        assert server.socket.stat().st_mode & 0o077 == 0
        assert server.folder.stat().st_mode & 0o077 == 0
        assert client.config_get("port")["port"] == "0"


def test_a_home_with_a_very_long_path_has_a_short_socket(tmp_path: Path) -> None:
    """A socket's path may have about a hundred bytes."""
    home = tmp_path / ("long" * 40)
    with EmbeddedRedis(home), redis.Redis.from_url(embedded_url(home)) as client:
        assert client.ping()
    assert len(str(socket_path(home))) < 100

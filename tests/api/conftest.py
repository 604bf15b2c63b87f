"""A town to ask, on its timetable at 08:05 of a Monday."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.town import Town
from tests.api.two_feeds import City


@pytest.fixture
async def town(tmp_path: Path) -> Town:
    """The town, with nothing live."""
    town = Town(tmp_path)
    await town.replica.refresh()
    return town


@pytest.fixture
async def city(tmp_path: Path, redis_url: str) -> AsyncIterator[City]:
    """Two timetables as one city, with nothing live."""
    city = City(tmp_path, redis_url)
    await city.replica.refresh()
    yield city
    await city.hall.close()

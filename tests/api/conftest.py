"""A town to ask, on its timetable at 08:05 of a Monday."""

from pathlib import Path

import pytest

from tests.api.town import Town


@pytest.fixture
async def town(tmp_path: Path) -> Town:
    """The town, with nothing live."""
    town = Town(tmp_path)
    await town.replica.refresh()
    return town

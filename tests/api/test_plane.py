"""Distances in a city."""

from pathlib import Path

import numpy as np
import pytest

from api.pages import board
from api.plane import METRES_PER_DEGREE, away_m, eastward_deg, stops_within
from tests.api.town import FIJI_LIKE, Town


def test_metres_shrink_with_latitude_and_cross_the_antimeridian() -> None:
    """A hundredth of a degree each way; the shorter way round."""
    away = away_m(60, 179.995, np.array([60.01, 60, 60]), np.array([179.995, -179.995, 179.985]))
    assert away.tolist() == pytest.approx(np.array([1, 0.5, 0.5]) * METRES_PER_DEGREE / 100)
    assert (eastward_deg(179.0, -179.0), eastward_deg(-179.0, 179.0)) == (2.0, -2.0)


@pytest.mark.parametrize("lon", [179.999, 180.0, -180.0, -179.999])
async def test_stops_are_as_near_from_either_side(tmp_path: Path, lon: float) -> None:
    """Stops where the date changes, nearest first, for the API and for a rider's page."""
    town = Town(tmp_path, files=FIJI_LIKE)
    await town.replica.refresh()
    rows, away = stops_within(town.bundle, 44.615, lon, 3000)
    assert len(rows) == len(town.bundle.stop_ids) == 8
    assert away == sorted(away)
    assert away[-1] < 3000
    served = [row for row in rows if town.bundle.stop_route_ptr[row + 1] > town.bundle.stop_route_ptr[row]]
    near = board.near(town.replica, 44.615, lon, radius_m=3000, most=50)
    assert sorted(row for _, row, _ in near) == sorted(served)
    assert [metres for _, _, metres in near] == sorted(
        int(metres) for row, metres in zip(rows, away, strict=True) if row in served
    )

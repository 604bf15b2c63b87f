"""Stops are placed along a line in their order, as near to it as can be."""

from itertools import pairwise

import numpy as np
import pytest

from feeds.formats.gtfs_shapes import EARTH_M, along_shape, steps_m


def _exhaustive(stop_lat: np.ndarray, stop_lon: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> float:
    """The smallest sum of squared distances over points of the line a metre apart, in order."""
    along = np.cumsum(steps_m(lat, lon))
    fine = np.arange(0, along[-1], 1.0)
    east, north = np.interp(fine, along, lon), np.interp(fine, along, lat)
    scale = np.cos(np.radians(stop_lat.mean()))
    best = np.zeros(len(fine))
    for here_lat, here_lon in zip(stop_lat, stop_lon, strict=True):
        away = (np.radians(east - here_lon) * scale) ** 2 + np.radians(north - here_lat) ** 2
        best = np.minimum.accumulate(best) + away * EARTH_M**2
    return float(best.min())


@pytest.mark.parametrize("seed", range(12))
def test_no_placing_in_order_is_nearer(seed: int) -> None:
    """On wandering lines that cross themselves, against trying every metre."""
    random = np.random.default_rng(seed)
    lat = 44.6 + np.cumsum(random.normal(0, 0.001, 12))
    lon = -63.6 + np.cumsum(random.normal(0, 0.001, 12))
    dist_m = np.cumsum(steps_m(lat, lon))
    at = (np.arange(6) + random.uniform(0.2, 0.8, 6)) * dist_m[-1] / 6
    stop_lat = np.interp(at, dist_m, lat) + random.normal(0, 0.0001, 6)
    stop_lon = np.interp(at, dist_m, lon) + random.normal(0, 0.0001, 6)
    placed = along_shape(stop_lat, stop_lon, lat, lon, dist_m)
    assert all(before <= after for before, after in pairwise(placed.tolist()))
    scale = np.cos(np.radians(stop_lat.mean()))
    north = np.radians(np.interp(placed, dist_m, lat) - stop_lat)
    east = np.radians(np.interp(placed, dist_m, lon) - stop_lon) * scale
    ours = float((north**2 + east**2).sum() * EARTH_M**2)
    assert ours <= _exhaustive(stop_lat, stop_lon, lat, lon) * 1.02 + 5.0


def test_stops_of_an_out_and_back_line_are_told_apart() -> None:
    """The line runs back over itself: stops on the way back lie beyond the turn."""
    lat = np.array([44.60, 44.62, 44.60])
    lon = np.full(3, -63.6)
    dist_m = np.cumsum(steps_m(lat, lon))
    stops = np.array([44.601, 44.61, 44.62, 44.61, 44.601])
    placed = along_shape(stops, np.full(5, -63.6), lat, lon, dist_m)
    assert placed.tolist() == pytest.approx([111, 1112, 2224, 3336, 4337], abs=2)

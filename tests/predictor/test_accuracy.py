"""The published definitions, on figures checked by hand."""

import math

import numpy as np

from predictor import accuracy


def test_eta_bounds_are_inclusive_and_their_horizon_is_the_actual_one() -> None:
    """0-3 min: -30..+90; 3-6: -60..+150; 6-10: -60..+210; 10-15: -90..+270; from 15 minutes on nothing counts."""
    horizon = np.array([0.0, 179.9, 179.9, 180.0, 180.0, 360.0, 599.0, 600.0, 899.0, 900.0, -1.0, np.nan])
    error = np.array([-30.0, 90.0, 90.1, 150.0, -60.1, -60.0, 210.5, -90.0, 270.0, 0.0, 0.0, 0.0])
    good = [True, True, False, True, False, True, False, True, True, False, False, False]
    assert accuracy.eta_accurate(horizon, error).tolist() == good


def test_mbta_bounds_are_exclusive() -> None:
    """0-3 min: ±60; 3-6: -90..+120; 6-12: -150..+210; 12-30: -240..+360, all strict."""
    horizon = np.array([10.0, 10.0, 200.0, 200.0, 400.0, 720.0, 1799.0, 1800.0])
    error = np.array([60.0, -59.9, 119.0, -90.0, 209.9, -239.0, 360.0, 0.0])
    assert accuracy.mbta_accurate(horizon, error).tolist() == [False, True, True, False, True, True, False, False]


def test_reliable_at_ten_minutes_is_between_minus_145_and_plus_146_s() -> None:
    """-60 ln(11.3) = -145.5 s; 60 ln(11.5) = +146.5 s."""
    horizon = np.full(4, 600.0)
    assert accuracy.reliable(horizon, np.array([-145.4, -145.6, 146.5, 146.6])).tolist() == [True, False, True, False]
    assert accuracy.reliable(np.array([-1.0]), np.zeros(1)).tolist() == [False]


def test_score_is_the_plain_mean_of_the_buckets_whatever_their_size() -> None:
    """One accurate of two in the first, three of three in the last, the others empty: (50 + 100) / 2."""
    which = np.array([0, 0, 3, 3, 3, -1])
    good = np.array([True, False, True, True, True, True])
    percent = accuracy.shares(which, good, 4)
    assert percent[[0, 3]].tolist() == [50.0, 100.0]
    assert np.isnan(percent[[1, 2]]).all()
    assert accuracy.score(percent) == 75.0
    assert math.isnan(accuracy.score(np.full(4, np.nan)))


def test_horizons_fall_into_buckets_that_hold_their_start_and_not_their_end() -> None:
    """And nothing outside 0 to 30 minutes has one."""
    horizon = np.array([-0.1, 0.0, 179.0, 180.0, 600.0, 1799.0, 1800.0, np.nan])
    assert accuracy.horizon_bucket(horizon).tolist() == [-1, 0, 0, 1, 3, 4, -1, -1]

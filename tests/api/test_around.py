"""Places that a question is about."""

import pytest

from api.around import place_asked


def test_box_that_is_bounded_reaches_no_farther_than_the_largest_radius() -> None:
    """Twenty kilometres each way, at whatever latitude; smaller ones stay as they are."""
    query = {"lat": "60", "lon": "10", "latSpan": "180", "lonSpan": "360"}
    whole, bounded = place_asked(query, 500), place_asked(query, 500, bounded=True)
    assert whole.box() == (-30.0, -170.0, 150.0, 190.0)
    south, west, north, east = bounded.box()
    assert bounded.away_m(north, 10) == pytest.approx(20_000, rel=1e-3)
    assert bounded.away_m(60, east) == pytest.approx(20_000, rel=1e-3)
    assert (60 - south, 10 - west) == pytest.approx((north - 60, east - 10))
    small = {**query, "latSpan": "0.01", "lonSpan": "0.02"}
    assert place_asked(small, 500, bounded=True) == place_asked(small, 500)


def test_radius_wins_over_spans_and_nought_is_none() -> None:
    """As apps send it; a larger radius is the largest."""
    spans = {"lat": "1", "lon": "2", "latSpan": "0.5", "lngSpan": "0.25"}
    assert place_asked({**spans, "radius": "100"}, 500).radius_m == 100
    assert place_asked({**spans, "radius": "0"}, 500).lon_span == 0.25
    assert place_asked({"lat": "1", "lon": "2"}, 500).radius_m == 500
    assert place_asked({"lat": "1", "lon": "2", "radius": "1e6"}, 500).radius_m == 20_000
    assert place_asked({}, 500).lat == 0.0

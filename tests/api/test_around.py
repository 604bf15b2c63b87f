"""Places that a question is about."""

from pathlib import Path

import pytest

from api.around import place_asked
from tests.api.town import FIJI_LIKE, Town, at


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


@pytest.mark.parametrize(
    "where",
    [
        "lon=180&radius=3000", "lon=-180&radius=3000", "lon=179.99&radius=3000", "lon=-179.99&radius=3000",
        "lon=180&latSpan=0.1&lonSpan=0.2", "lon=-179.99&latSpan=0.1&lonSpan=0.2", "lon=179.95&latSpan=0.1&lonSpan=0.2",
        "lon=0&latSpan=0.1&lonSpan=360", "lon=100&latSpan=0.1&lonSpan=360", "lon=-100&latSpan=0.1&lonSpan=360",
    ],
)  # fmt: skip
async def test_places_reach_across_the_antimeridian(tmp_path: Path, where: str) -> None:
    """A town there is one town: from either side all seven stops are found, their routes and what runs between them."""
    town = Town(tmp_path, files=FIJI_LIKE)
    await town.replica.refresh()
    query = f"key=test&lat=44.615&{where}"
    found = town.data("stops-for-location", query)
    assert len(found["list"]) == 7
    assert not found["outOfRange"]
    assert len(town.data("routes-for-location", query)["list"]) == 2
    if "360" not in where:
        now = f"{query}&time={at(8, 7) * 1000}"
        assert len(town.data("arrivals-and-departures-for-location", now)["entry"]["stopIds"]) == 7
        assert "1_t1" in {one["tripId"] for one in town.data("trips-for-location", now)["list"]}


async def test_ground_on_both_sides_of_the_antimeridian_is_small(tmp_path: Path) -> None:
    """Not all the way round the earth; what lies a few hundred metres off is within range, the other side of the earth not."""
    town = Town(tmp_path, files=FIJI_LIKE)
    await town.replica.refresh()
    (agency, _) = town.data("agencies-with-coverage")["list"]
    assert (agency["lon"], agency["lonSpan"]) == (pytest.approx(-179.999, abs=0.001), pytest.approx(0.002, abs=0.001))
    for lon, is_out in (("179.998", False), ("-179.995", False), ("0", True), ("170", True)):
        assert town.data("stops-for-location", f"key=test&lat=44.615&lon={lon}&radius=1")["outOfRange"] is is_out


@pytest.mark.parametrize("lat", ["90", "-90", "89.999"])
@pytest.mark.parametrize(
    "size", ["radius=20000", "latSpan=180&lonSpan=360", "latSpan=0&lonSpan=0", "latSpan=1&lonSpan=0.001"]
)
def test_poles_are_places(town: Town, lat: str, size: str) -> None:
    """With nothing there, unless the box holds half the earth."""
    for endpoint in ("stops-for-location", "routes-for-location", "trips-for-location"):
        found = town.data(endpoint, f"key=test&lat={lat}&lon=180&{size}")
        if "360" not in size:
            assert found["list"] == []
            assert found["outOfRange"]


@pytest.mark.parametrize("turns", [-720, -360, 360, 3240])
def test_maps_that_repeat_the_world_find_the_same(town: Town, turns: int) -> None:
    """A map scrolled once around asks for the same place, a turn off."""
    for endpoint in ("stops-for-location", "routes-for-location", "trips-for-location"):
        here, there = (
            town.data(endpoint, f"key=test&lat=44.61&lon={lon}&radius=3000") for lon in (-63.5, -63.5 + turns)
        )
        assert there == here
        assert here["list"] or endpoint == "trips-for-location"

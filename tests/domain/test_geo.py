"""Ground on a round Earth: discs, repaired rings, and what touches them."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alert import Area, Circle
from domain.geo import EARTH_RADIUS_M, WORLD, Ground, bounds, disc, distance_m, repair

BOX = ((10.0, 50.0), (11.0, 50.0), (11.0, 51.0), (10.0, 51.0), (10.0, 50.0))


def area_on_sphere_m2(rings: tuple[tuple[tuple[float, float], ...], ...]) -> float:
    """Independent of the code under test: Lambert's cylinder keeps area, edges cut small first."""
    total = 0.0
    for ring in rings:
        fine = shapely.segmentize(shapely.Polygon(ring), 0.05)
        flat = shapely.transform(fine, lambda xy: np.column_stack((np.radians(xy[:, 0]), np.sin(np.radians(xy[:, 1])))))
        total += flat.area * EARTH_RADIUS_M**2
    return total


def touches(area: Area, lat: float, lon: float, radius_m: float = 0.0) -> bool:
    return bool(Ground(area).touches_discs(np.array([lat]), np.array([lon]), np.array([radius_m]))[0])


def drawn(*rings: tuple[tuple[float, float], ...], circles: tuple[Circle, ...] = ()) -> Area:
    return Area(description="", polygons=rings, circles=circles)


def test_distance_of_known_cities() -> None:
    """Hanoi to Ho Chi Minh City is about 1,138 km; a quarter of a meridian is a quarter of the circumference."""
    assert distance_m(21.0285, 105.8542, 10.7769, 106.7009) == pytest.approx(1_143_000, rel=0.005)
    assert distance_m(0, 0, 90, 0) == pytest.approx(math.pi / 2 * EARTH_RADIUS_M, rel=1e-9)
    assert distance_m(-17, 179.9, -17, -179.9) == pytest.approx(distance_m(-17, 0, -17, 0.2), rel=1e-6)


@pytest.mark.parametrize("radius_km", [0.1, 5, 300, 2_000, 6_000, 9_999])
@pytest.mark.parametrize(("lat", "lon"), [(0, 0), (48, 11), (-17.7, 179.99), (71, -180), (89.9, 20), (-90, 0), (80, 5)])
def test_disc_has_the_area_of_a_cap(lat: float, lon: float, radius_km: float) -> None:
    """Anywhere, also over a pole and the antimeridian, a disc's area is right within half a percent and not smaller."""
    rings = disc(lat, lon, radius_km * 1000)
    expected = 2 * math.pi * EARTH_RADIUS_M**2 * (1 - math.cos(radius_km * 1000 / EARTH_RADIUS_M))
    assert area_on_sphere_m2(rings) == pytest.approx(expected, rel=0.005)
    assert all(-180 <= x <= 180 and -90 <= y <= 90 for ring in rings for x, y in ring)
    assert all(shapely.Polygon(ring).is_valid for ring in rings)


def test_disc_beyond_ten_thousand_kilometres_is_the_world() -> None:
    assert disc(10, 10, 10_000_001) == (WORLD,)
    assert disc(10, 10, 0) == ()


@pytest.mark.parametrize(
    ("points", "area_deg2"),
    [
        pytest.param(BOX, 1.0, id="closed"),
        pytest.param(BOX[:-1], 1.0, id="open"),
        pytest.param((BOX[0], BOX[0], *BOX[1:]), 1.0, id="doubled point"),
        pytest.param(((0, 0), (2, 2), (2, 0), (0, 2), (0, 0)), 2.0, id="bow tie keeps both halves"),
        pytest.param(((0, 0), (2, 0), (2, 2), (2, 5), (2, 2), (0, 2), (0, 0)), 4.0, id="spike"),
        pytest.param(((179, 0), (-179, 0), (-179, 1), (179, 1), (179, 0)), 2.0, id="jump is a crossing"),
        pytest.param(((179, 0), (181, 0), (181, 1), (179, 1), (179, 0)), 2.0, id="beyond 180"),
        pytest.param(((170, 0), (180, 0), (-180, 0), (-170, 0), (-170, 1), (170, 1)), 20.0, id="stops at 180 and -180"),
        pytest.param(((-180, -10), (180, -10), (180, 10), (-180, 10), (-180, -10)), 7200.0, id="band around the Earth"),
        pytest.param(((-180, 60), (-60, 60), (60, 60), (180, 60)), 10800.0, id="around the pole"),
    ],
)
def test_repair_keeps_the_ground(points: tuple[tuple[float, float], ...], area_deg2: float) -> None:
    """Faults that issuers make still give the ground that they meant."""
    rings = repair(points)
    assert sum(shapely.Polygon(ring).area for ring in rings) == pytest.approx(area_deg2)
    assert all(ring[0] == ring[-1] and shapely.Polygon(ring).is_valid for ring in rings)
    assert all(-180 <= x <= 180 for ring in rings for x, _ in ring)


@pytest.mark.parametrize("points", [(), ((1, 1),), ((1, 1), (2, 2)), ((1, 1), (2, 2), (3, 3)), ((5, 5),) * 4])
def test_repair_of_what_covers_nothing(points: tuple[tuple[float, float], ...]) -> None:
    assert repair(points) == ()


def test_points_closer_than_an_atom_are_one() -> None:
    """Such rings came out of a property test, and GEOS computes nonsense from them."""
    (ring,) = repair([(6e-102, -19.0), (1.75, 6e-102), (1.75, 0.0), (0.5, -3.0), (0.0, -19.0)])
    assert shapely.Polygon(ring).is_valid


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(-400, 400), st.floats(-95, 95)), max_size=12))
def test_repair_gives_valid_rings_of_anything(points: list[tuple[float, float]]) -> None:
    """Whatever the points, the rings are closed, valid and on the map."""
    for ring in repair(points):
        assert ring[0] == ring[-1]
        assert shapely.Polygon(ring).area > 0
        assert all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring)


def test_a_disc_touches_when_its_edge_reaches() -> None:
    """One degree of longitude at 50.5° N is 70.7 km: a place that far outside is touched by what its radius reaches."""
    away_m = distance_m(50.5, 11.0, 50.5, 11.05)
    assert touches(drawn(BOX), 50.5, 10.5)
    assert not touches(drawn(BOX), 50.5, 11.05)
    assert not touches(drawn(BOX), 50.5, 11.05, away_m * 0.995)
    assert touches(drawn(BOX), 50.5, 11.05, away_m * 1.005)


def test_a_disc_around_the_corner_is_measured_diagonally() -> None:
    """The box around a disc reaches the corner long before the disc does."""
    away_m = distance_m(51.0, 11.0, 51.05, 11.08)
    assert not touches(drawn(BOX), 51.05, 11.08, away_m * 0.99)
    assert touches(drawn(BOX), 51.05, 11.08, away_m * 1.01)


@settings(max_examples=60, deadline=None)
@given(
    lat=st.floats(-80, 80),
    lon=st.floats(-180, 180),
    bearing=st.floats(0, 6.283),
    gap_m=st.floats(50, 40_000),
    share=st.sampled_from([0.98, 1.02]),
)
def test_disc_against_small_box_agrees_with_distance(
    lat: float, lon: float, bearing: float, gap_m: float, share: float
) -> None:
    """Anywhere on Earth a disc touches a (nearly) point-like box exactly when its radius reaches there."""
    angle = gap_m / EARTH_RADIUS_M
    there_lat = lat + math.degrees(angle * math.cos(bearing))
    there_lon = lon + math.degrees(angle * math.sin(bearing)) / math.cos(math.radians(lat))
    tiny = 1e-6
    corners = [(-tiny, -tiny), (tiny, -tiny), (tiny, tiny), (-tiny, tiny)]
    box = drawn(*repair([(there_lon + x, there_lat + y) for x, y in corners]))
    true_m = distance_m(lat, lon, there_lat, there_lon)
    assert touches(box, lat, lon, true_m * share) is (share > 1)


def test_touching_across_the_antimeridian() -> None:
    """Fiji: ground west of the line, a place east of it."""
    taveuni = drawn(*repair([(179.0, -17.0), (179.95, -17.0), (179.95, -16.0), (179.0, -16.0)]))
    away_m = distance_m(-16.5, 179.95, -16.5, -179.95)
    assert touches(taveuni, -16.5, -179.95, away_m * 1.01)
    assert not touches(taveuni, -16.5, -179.95, away_m * 0.99)
    assert not touches(taveuni, -16.5, 0.05, 5_000)
    crossing = drawn(*repair([(179.0, -17.0), (-179.0, -17.0), (-179.0, -16.0), (179.0, -16.0)]))
    assert touches(crossing, -16.5, -179.5)
    assert touches(crossing, -16.5, 179.5)
    assert not touches(crossing, -16.5, 0.0)


def test_touching_at_the_pole() -> None:
    """A place near the pole is near ground on every longitude."""
    far_side = drawn(((178.0, 89.0), (179.0, 89.0), (179.0, 89.5), (178.0, 89.5), (178.0, 89.0)))
    assert touches(far_side, 89.9, 0.0, 70_000)
    assert not touches(far_side, 89.9, 0.0, 60_000)


def test_circles_are_discs_on_the_sphere() -> None:
    """The corner of a circle's bounding box is outside the circle."""
    circle = drawn(circles=(Circle(lat=60.0, lon=179.99, radius_m=10_000),))
    assert touches(circle, 60.0, -179.9)
    assert not touches(circle, 60.08, -179.85)
    assert touches(circle, 60.2, 179.99, 13_000)
    assert bounds(drawn(circles=(Circle(lat=0, lon=0, radius_m=111_195),))) == pytest.approx((-1, -1, 1, 1), abs=0.002)


def test_lines_cross_ground() -> None:
    """A line through, beside, and through a circle only."""
    lines = np.array(
        [
            shapely.LineString([(9, 50.5), (12, 50.5)]),
            shapely.LineString([(9, 52), (12, 52)]),
            shapely.LineString([(13, 50), (13, 50.2)]),
        ]
    )
    ground = Ground(drawn(BOX, circles=(Circle(lat=50.1, lon=13.0, radius_m=500),)))
    assert ground.crosses_lines(lines).tolist() == [True, False, True]
    assert ground.contains_points(np.array([50.5, 50.5]), np.array([10.5, 12.5])).tolist() == [True, False]


def test_a_scribble_of_many_points_is_its_hull_at_once() -> None:
    """Fifty thousand random corners cross each other hundreds of millions of times."""
    points = np.random.default_rng(1).uniform((10, 50), (11, 51), (50_000, 2)).tolist()
    (ring,) = repair([(lon, lat) for lon, lat in points])
    assert shapely.Polygon(ring).area == pytest.approx(1.0, abs=0.01)

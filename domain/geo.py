"""Ground on a round Earth: metres between points, discs, repair of rings, and what a disc or a line touches.

Rings are closed tuples of (lon, lat) degrees, WGS 84, longitudes within ±180; what crosses the antimeridian is split
there. Distances are on the sphere of mean radius (at most 0.56 % off the ellipsoid). An edge of a ring is straight in
longitude and latitude, as CAP's issuers draw it.
Whatever must be coarse here errs outward: ground may grow, never shrink.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from domain.alert import Area

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius. Source: IUGG, WGS 84."""

MAX_DISC_M = 10_000_000.0
"""A larger disc comes near to half the Earth; it is taken for the whole of it."""

DISC_CORNERS = 180

MAX_WINDING = 200.0
"""A ring this many times longer than its box is wide and high is a scribble; its hull stands for it. Finding all its
crossings could take hours. The ruggedest of the recorded warnings reaches 5."""

Ring = tuple[tuple[float, float], ...]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

WORLD: Ring = ((-180.0, -90.0), (180.0, -90.0), (180.0, 90.0), (-180.0, 90.0), (-180.0, -90.0))


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Metres along the great circle between two points."""
    return float(distances_m(lat_a, lon_a, np.array([lat_b]), np.array([lon_b]))[0])


def distances_m(lat: float, lon: float, lats: Floats, lons: Floats) -> Floats:
    """Metres along great circles from one point to many (haversine: exact also for points close together)."""
    phi, phis = math.radians(lat), np.radians(lats)
    half = np.sin((phis - phi) / 2) ** 2 + math.cos(phi) * np.cos(phis) * np.sin(np.radians(lons - lon) / 2) ** 2
    distances: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distances


def disc(lat: float, lon: float, radius_m: float) -> tuple[Ring, ...]:
    """The rings that hold every point within *radius_m* of a point; empty for no radius, the world beyond MAX_DISC_M.

    The corners lie just outside the disc so that the edges between them do not cut into it.
    """
    if radius_m <= 0:
        return ()
    angle = radius_m / EARTH_RADIUS_M
    if radius_m > MAX_DISC_M:
        return (WORLD,)
    angle = min(math.atan(math.tan(angle) / math.cos(math.pi / DISC_CORNERS)) if angle < 1.5 else angle, math.pi / 2)
    bearings = np.linspace(0.0, 2 * math.pi, DISC_CORNERS, endpoint=False)
    phi = math.radians(min(max(lat, -89.999_999), 89.999_999))  # exactly at a pole every bearing is the same
    phis = np.arcsin(
        np.clip(math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * np.cos(bearings), -1, 1)
    )
    shifts = np.arctan2(
        np.sin(bearings) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * np.sin(phis)
    )
    lons = (lon + np.degrees(shifts) + 540.0) % 360.0 - 180.0
    corners = list(zip(lons.tolist(), np.degrees(phis).tolist(), strict=True))
    return repair([*corners, corners[0]])


def repair(points: Sequence[tuple[float, float]]) -> tuple[Ring, ...]:
    """What a ring of (lon, lat) covers, as valid rings; empty when it covers nothing.

    Closes an open ring; reads a jump of more than 180° of longitude as a crossing of the antimeridian, and a ring that
    goes once around the Earth as one around its nearer pole; resolves self-crossings keeping all ground; fills holes.
    Longitudes may lie beyond ±180. Latitudes are cut at the poles.
    """
    # To a tenth of a millimetre: what differs by less makes GEOS stumble.
    unwrapped = _unwrap([(round(lon, 9), round(min(max(lat, -90.0), 90.0), 9)) for lon, lat in points])
    if len(set(unwrapped)) < 3:
        return ()
    shape: BaseGeometry = shapely.Polygon(unwrapped)
    west, south, east, north = shape.bounds
    if shape.length > MAX_WINDING * (east - west + north - south):
        shape = shape.convex_hull
    elif not shape.is_valid:
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    west, _, east, _ = shape.bounds if not shape.is_empty else (0.0, 0.0, 0.0, 0.0)
    if west >= -180.0 and east <= 180.0:
        return tuple(_exteriors(shape))
    rings: list[Ring] = []
    for turn in range(math.floor((west + 180) / 360), math.floor((east + 180) / 360) + 1):
        part = shape.intersection(shapely.box(360.0 * turn - 180, -90, 360.0 * turn + 180, 90))
        rings.extend(
            tuple((min(max(lon - 360.0 * turn, -180.0), 180.0), lat) for lon, lat in ring) for ring in _exteriors(part)
        )
    return tuple(rings)


def _unwrap(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) < 3:
        return []
    if points[0] != points[-1]:
        points = [*points, points[0]]
    if all(abs(lon) == 180.0 for lon, _ in points):
        return points  # a band around the whole Earth, not a line on the antimeridian
    lon = points[0][0]
    unwrapped = [points[0]]
    for (before, _), (after, lat) in itertools.pairwise(points):
        step = after - before
        if abs(step) > 180.0:
            step = (step + 180.0) % 360.0 - 180.0
        lon += step
        unwrapped.append((lon, lat))
    turn = unwrapped[-1][0] - unwrapped[0][0]
    if abs(turn) > 1.0:  # once around: it holds a pole
        pole = math.copysign(90.0, sum(lat for _, lat in points))
        unwrapped += [(unwrapped[-1][0], pole), (unwrapped[0][0], pole), unwrapped[0]]
    return unwrapped


def _exteriors(shape: BaseGeometry) -> Iterator[Ring]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon" and part.area > 0:
            yield tuple((float(lon), float(lat)) for lon, lat in part.exterior.coords)
        elif part.geom_type.startswith(("Multi", "GeometryCollection")):
            yield from _exteriors(part)


def bounds(area: Area) -> tuple[float, float, float, float] | None:
    """South, west, north, east of what is drawn of an area, degrees; None when nothing is."""
    rings = [
        *area.polygons,
        *(ring for circle in area.circles for ring in disc(circle.lat, circle.lon, circle.radius_m)),
    ]
    if not rings:
        return None
    points = np.array([point for ring in rings for point in ring])
    west, south = points.min(axis=0).tolist()
    east, north = points.max(axis=0).tolist()
    return south, west, north, east


def share_in_common(some: Sequence[Area], others: Sequence[Area]) -> float:
    """How much of the smaller of two drawn grounds lies in the other, 0 to 1, as a share of square degrees."""
    here, there = (
        shapely.union_all([part for area in areas for part in Ground(area).parts()]) for areas in (some, others)
    )
    smaller = min(here.area, there.area)
    return float(here.intersection(there).area / smaller) if smaller else 0.0


class Ground:
    """What is drawn of an Area (its polygons and circles), prepared to be asked often."""

    def __init__(self, area: Area) -> None:
        self._polygons = [shape for ring in area.polygons if len(ring) >= 4 and (shape := _polygon(ring)) is not None]
        self._circles = area.circles
        self._parts: list[shapely.Polygon] | None = None

    def __bool__(self) -> bool:
        return bool(self._polygons or self._circles)

    def touches_discs(self, lats: Floats, lons: Floats, radii_m: Floats) -> Bools:
        """For each disc: does any of it lie in the ground? Radius 0 asks for a point."""
        touched = np.zeros(len(lats), np.bool_)
        for circle in self._circles:
            touched |= distances_m(circle.lat, circle.lon, lats, lons) <= circle.radius_m + radii_m
        if self._polygons:
            reach_lat = np.degrees(radii_m / EARTH_RADIUS_M) + 1e-9
            nearest_pole = np.minimum(np.abs(lats) + reach_lat, 90.0)
            cosine = np.cos(np.radians(nearest_pole))
            reach_lon = np.where(cosine > 1e-3, np.minimum(reach_lat / np.maximum(cosine, 1e-3), 180.0), 180.0)
            for turn in (0.0, 360.0, -360.0):
                shifted = lons + turn
                near = (shifted + reach_lon >= -180.0) & (shifted - reach_lon <= 180.0)
                if near.any():
                    self._touch_polygons(touched, lats, shifted, radii_m, reach_lat, reach_lon, near)
        return touched

    def _touch_polygons(
        self,
        touched: Bools,
        lats: Floats,
        lons: Floats,
        radii_m: Floats,
        reach_lat: Floats,
        reach_lon: Floats,
        near: Bools,
    ) -> None:
        for polygon in self._polygons:
            west, south, east, north = polygon.bounds
            rows = np.flatnonzero(
                near
                & ~touched
                & (lats + reach_lat >= south)
                & (lats - reach_lat <= north)
                & (lons + reach_lon >= west)
                & (lons - reach_lon <= east)
            )
            if not len(rows):
                continue
            inside = shapely.intersects_xy(polygon, lons[rows], lats[rows])
            touched[rows[inside]] = True
            for row in rows[~inside & (radii_m[rows] > 0)].tolist():
                box = (
                    lons[row] - reach_lon[row],
                    lats[row] - reach_lat[row],
                    lons[row] + reach_lon[row],
                    lats[row] + reach_lat[row],
                )
                edge = shapely.clip_by_rect(polygon.exterior, *box)
                if not edge.is_empty and _gap_m(lats[row], lons[row], edge, reach_lat[row]) <= radii_m[row]:
                    touched[row] = True

    def contains_points(self, lats: Floats, lons: Floats) -> Bools:
        """For each point: does it lie in the ground?"""
        return self.touches_discs(lats, lons, np.zeros(len(lats)))

    def crosses_lines(self, lines: npt.NDArray[np.object_]) -> Bools:
        """For each shapely line of (lon, lat): does any of it lie in the ground? Longitudes may run on beyond ±180."""
        crossed = np.zeros(len(lines), np.bool_)
        if not len(lines):
            return crossed
        boxes = shapely.bounds(lines)
        for turn in (-360.0, 360.0):
            beyond = np.flatnonzero(boxes[:, 2] > 180.0 if turn < 0 else boxes[:, 0] < -180.0)
            if len(beyond):
                turned = shapely.transform(lines[beyond], partial(np.add, (turn, 0.0)))
                crossed[beyond] |= self._crosses(turned, shapely.bounds(turned))
        return crossed | self._crosses(lines, boxes)

    def _crosses(self, lines: npt.NDArray[np.object_], boxes: Floats) -> Bools:
        crossed = np.zeros(len(lines), np.bool_)
        for part in self.parts():
            west, south, east, north = part.bounds
            rows = np.flatnonzero(
                ~crossed
                & (boxes[:, 0] <= east)
                & (boxes[:, 2] >= west)
                & (boxes[:, 1] <= north)
                & (boxes[:, 3] >= south)
            )
            if len(rows):
                crossed[rows] = shapely.intersects(part, lines[rows])
        return crossed

    def parts(self) -> list[shapely.Polygon]:
        """Polygons of everything drawn, circles as discs."""
        if self._parts is None:
            discs = (ring for c in self._circles for ring in disc(c.lat, c.lon, c.radius_m))
            self._parts = [*self._polygons, *(shape for ring in discs if (shape := _polygon(ring)) is not None)]
        return self._parts


def _polygon(ring: Ring) -> shapely.Polygon | None:
    polygon = shapely.Polygon(ring)
    if polygon.is_empty:
        return None
    shapely.prepare(polygon)
    return polygon


def _gap_m(lat: float, lon: float, edge: BaseGeometry, reach_deg: float) -> float:
    """Metres from a point to a line of (lon, lat), exact at the point.

    The line is laid on the plane that keeps distance and direction from the point (azimuthal equidistant), in pieces
    short enough that straight in longitude and latitude stays straight there.
    """
    fine = shapely.segmentize(edge, max(reach_deg / 16, 1e-6))

    def lay(coordinates: Floats) -> Floats:
        phis, shifts, phi = np.radians(coordinates[:, 1]), np.radians(coordinates[:, 0] - lon), math.radians(lat)
        east = np.cos(phis) * np.sin(shifts)
        north = math.cos(phi) * np.sin(phis) - math.sin(phi) * np.cos(phis) * np.cos(shifts)
        length = np.hypot(east, north)
        far = distances_m(lat, lon, coordinates[:, 1], coordinates[:, 0])
        scale = np.divide(far, length, out=np.zeros_like(far), where=length > 0)
        return np.column_stack((east * scale, north * scale))

    return float(shapely.distance(shapely.Point(0.0, 0.0), shapely.transform(fine, lay)))

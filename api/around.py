"""A place that a question is about: a point with a radius, or a box around it. Pure but for reads of the timetable.

``radius`` wins over ``latSpan`` and ``lonSpan``; a radius of 0 is what some apps send for none, and ``lngSpan`` is what
some call ``lonSpan``.
"""

from dataclasses import dataclass
from math import hypot

import numpy as np

from api import params
from api.errors import invalid
from api.formats import oba
from api.plane import METRES_PER_DEGREE, eastward_deg, shrink_at, stops_within
from store.timetable import Bundle

MAX_RADIUS_M = 20_000.0
SLACK_M = 500.0
"""A point so near the ground that an agency serves is within it."""

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees; what crosses the antimeridian is west of -180 or east of 180."""
TURNS_DEG = (0.0, -360.0, 360.0)
"""A longitude plus any of these is the same meridian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """See the module. *radius_m* 0: the box of the spans (degrees)."""

    lat: float
    lon: float
    radius_m: float
    lat_span: float = 0.0
    lon_span: float = 0.0

    def box(self) -> Box:
        """The box itself, or the one around the circle."""
        north = self.radius_m / METRES_PER_DEGREE if self.radius_m else self.lat_span / 2
        east = north / shrink_at(self.lat) if self.radius_m else self.lon_span / 2
        return self.lat - north, self.lon - east, self.lat + north, self.lon + east

    def holds(self, lat: float, lon: float) -> bool:
        """Is that point inside?"""
        if self.radius_m:
            return self.away_m(lat, lon) <= self.radius_m
        south, west, north, east = self.box()
        return south <= lat <= north and any(west <= lon + turn <= east for turn in TURNS_DEG)

    def may_touch(self, bounds: Box) -> bool:
        """False only when nothing inside *bounds* can be inside."""
        south, west, north, east = self.box()
        touches = any(bounds[1] + turn <= east and bounds[3] + turn >= west for turn in TURNS_DEG)
        return touches and bounds[0] <= north and bounds[2] >= south

    def away_m(self, lat: float, lon: float) -> float:
        """Metres from the middle (on a plane: exact to a metre in a city)."""
        north = (lat - self.lat) * METRES_PER_DEGREE
        return hypot(north, eastward_deg(self.lon, lon) * METRES_PER_DEGREE * shrink_at(self.lat))

    def stops(self, bundle: Bundle) -> list[int]:
        """Rows of the stops of any kind inside, nearest first."""
        if self.radius_m:
            return stops_within(bundle, self.lat, self.lon, self.radius_m)[0]
        rows = bundle.stops_within(*self.box())
        away = np.hypot(
            bundle.array("stop_lat")[rows] - self.lat,
            eastward_deg(self.lon, bundle.array("stop_lon")[rows]) * shrink_at(self.lat),
        )
        nearest: list[int] = rows[np.argsort(away, kind="stable")].tolist()
        return nearest


def place_asked(
    query: dict[str, str],
    default_radius_m: float,
    *,
    max_radius_m: float = MAX_RADIUS_M,
    required: bool = False,
    bounded: bool = False,
) -> Place:
    """The place that ``lat``, ``lon``, ``radius``, ``latSpan`` and ``lonSpan`` describe; 400 when they do not.

    Absent ``lat`` and ``lon`` are 0.0 as OneBusAway has it, unless *required*. A larger radius counts as the largest, and
    where it is *bounded* a larger box as the one around it.
    """
    take = params.required_number if required else params.optional_number
    lat, lon = take(query, "lat", -90, 90) or 0.0, params.longitude(query, "lon", required=required) or 0.0
    radius_m = params.optional_number(query, "radius", 0, 1e9) or 0.0
    lat_span = params.optional_number(query, "latSpan", 0, 180)
    lon_span = params.optional_number(query, "lonSpan", 0, 360)
    if lon_span is None:
        lon_span = params.optional_number(query, "lngSpan", 0, 360)
    if not radius_m and lat_span and lon_span:
        if bounded:
            south, west, north, east = Place(lat=lat, lon=lon, radius_m=max_radius_m).box()
            lat_span, lon_span = min(lat_span, north - south), min(lon_span, east - west)
        return Place(lat=lat, lon=lon, radius_m=0.0, lat_span=lat_span, lon_span=lon_span)
    return Place(lat=lat, lon=lon, radius_m=min(radius_m or default_radius_m, max_radius_m))


def modes_asked(query: dict[str, str]) -> frozenset[int]:
    """``routeType=0,3`` as numbers; empty for all."""
    given = params.text(query, "routeType")
    if not given:
        return frozenset()
    parts = given.split(",")
    try:
        if len(parts) > 100 or any(len(part) > 10 for part in parts):
            raise ValueError
        return frozenset(int(part) for part in parts)
    except ValueError:
        raise invalid("routeType", f"expected at most 100 GTFS route types like 0,3, found {given[:40]!r}") from None


def modes_of(bundle: Bundle, route: int) -> frozenset[int]:
    """What a route may be asked for as: its GTFS type, and the basic one that apps are told."""
    mode = bundle.route_mode[route]
    return frozenset((mode, oba.basic_mode(mode)))


def middle_lon(west: float, east: float) -> float:
    """The meridian half way between."""
    middle = (west + east) / 2
    return middle - 360.0 if middle > 180.0 else middle


def is_covered(bundle: Bundle, lat: float, lon: float) -> bool:
    """Is the point in, or near, the ground that the timetable's agencies serve?"""
    for bounds in bundle.meta["agency_bounds"]:
        if bounds is not None:
            south, west, north, east = bounds
            slack = SLACK_M / METRES_PER_DEGREE
            is_between = any(west - 2 * slack <= lon + turn <= east + 2 * slack for turn in TURNS_DEG)
            if is_between and south - slack <= lat <= north + slack:
                return True
    return False

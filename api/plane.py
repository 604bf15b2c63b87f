"""Distances in a city, on a plane that touches the Earth there: exact to a metre, and over the antimeridian where it runs."""

from math import cos, radians
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from store.timetable import Bundle

METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of 6,371,009 m."""

Floats = npt.NDArray[np.float64]
Degrees = TypeVar("Degrees", float, Floats)


def shrink_at(lat: float) -> float:
    """How long a degree of longitude is there, a degree of latitude being 1; at the poles not quite nothing."""
    return max(0.01, cos(radians(lat)))


def eastward_deg(from_lon: float, to_lon: Degrees) -> Degrees:
    """How far *to_lon* lies east of *from_lon*, the shorter way: -180 to 180."""
    return (to_lon - from_lon + 540.0) % 360.0 - 180.0


def away_m(lat: float, lon: float, to_lat: Floats, to_lon: Floats) -> Floats:
    """Metres from a place to others."""
    away: Floats = np.hypot(to_lat - lat, eastward_deg(lon, to_lon) * shrink_at(lat)) * METRES_PER_DEGREE
    return away


def stops_within(bundle: Bundle, lat: float, lon: float, radius_m: float) -> tuple[list[int], list[float]]:
    """(rows, metres away) of the stops of any kind within *radius_m*, nearest first."""
    north_deg = radius_m / METRES_PER_DEGREE
    east_deg = north_deg / shrink_at(lat)
    rows = bundle.stops_within(lat - north_deg, lon - east_deg, lat + north_deg, lon + east_deg)
    away = away_m(lat, lon, bundle.array("stop_lat")[rows], bundle.array("stop_lon")[rows])
    order = np.argsort(away, kind="stable")
    order = order[away[order] <= radius_m]
    return rows[order].tolist(), away[order].tolist()

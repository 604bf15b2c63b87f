"""What a resident asked for, and where to send it. No name, no account, no history."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Platform(StrEnum):
    """How a device is reached."""

    FCM = "fcm"
    CONSOLE = "console"
    """Printed in the log: for development."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where to send. *token* is secret: redacted in logs, never a metric label."""

    platform: Platform
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Ground a resident cares about: a disc, rounded outward so that no warning is missed."""

    label: str
    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A device, a language and places; *subscription_id* is random and the only credential to change it."""

    subscription_id: str
    device: Device
    language: str
    places: tuple[Place, ...]
    minimum_level: str
    """A RiskLevel value: what is below it stays silent."""
    created_epoch_s: int
    seen_epoch_s: int
    """Last heartbeat; idle subscriptions expire."""


PLACE_GRID_DEG = 0.01
"""Centres of places are kept to so many degrees, about a kilometre: nobody's home can be read from them."""

RADIUS_STEP_M = 100.0


def rounded_outward(place: Place) -> Place:
    """The place on a coarse grid, its radius grown so that all of the original disc lies inside.

    The move of the centre is at most 790 m; so much more is warned about, and nothing less.
    """
    lat = round(round(place.lat / PLACE_GRID_DEG) * PLACE_GRID_DEG, 6)
    lon = round(round(place.lon / PLACE_GRID_DEG) * PLACE_GRID_DEG, 6)
    if (lat, lon) == (place.lat, place.lon) and place.radius_m % RADIUS_STEP_M == 0:
        return place  # rounded before: rounding again must not grow it
    moved_m = _distance_m(place.lat, place.lon, lat, lon)
    radius_m = math.ceil((place.radius_m + moved_m + 1.0) / RADIUS_STEP_M) * RADIUS_STEP_M
    return Place(label=place.label, lat=lat, lon=lon, radius_m=radius_m)


def _distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Metres on the sphere of mean radius (see ``domain.geo``; here without its array machinery)."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half = (
        math.sin((phi_b - phi_a) / 2) ** 2
        + math.cos(phi_a) * math.cos(phi_b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    )
    return 2 * 6_371_008.8 * math.asin(math.sqrt(min(half, 1.0)))

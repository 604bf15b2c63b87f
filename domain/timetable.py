"""The schedule in the house's words. These values describe one thing at the edges; bulk lives in arrays.

Ids here are raw (as the feed writes them) unless the name says ``qualified``.
Source: GTFS Schedule reference.
"""

from dataclasses import dataclass
from enum import IntEnum


class PickupType(IntEnum):
    """stop_times.txt pickup_type and drop_off_type."""

    REGULAR = 0
    NONE = 1
    PHONE_AGENCY = 2
    ASK_DRIVER = 3


class WheelchairBoarding(IntEnum):
    """stops.txt wheelchair_boarding (a platform inherits 0 from its station)."""

    UNKNOWN = 0
    ACCESSIBLE = 1
    NOT_ACCESSIBLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """An operator. *code* is its unique code in this deployment and the prefix of its ids."""

    code: str
    raw_id: str
    name: str
    url: str
    time_zone: str
    language: str = ""
    phone: str = ""
    fare_url: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A line as riders know it. *mode* is GTFS route_type (extended values allowed); colours are RRGGBB or blank."""

    raw_id: str
    agency_code: str
    short_name: str
    long_name: str
    description: str
    mode: int
    url: str
    color: str
    text_color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place where vehicles call (location_type 0) or a station (1), entrance (2), node (3), boarding area (4)."""

    raw_id: str
    code: str
    name: str
    lat: float
    lon: float
    location_type: int
    parent_raw_id: str
    wheelchair_boarding: WheelchairBoarding
    platform_code: str
    compass: str
    """Direction of travel of departing vehicles: N, NE, … or blank when it cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One run of a vehicle from first to last call, on any day its service is active."""

    raw_id: str
    route_raw_id: str
    service_raw_id: str
    headsign: str
    short_name: str
    direction: int | None
    block_raw_id: str
    shape_raw_id: str

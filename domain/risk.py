"""A Risk: one Alert seen from one Place or one trip."""

from dataclasses import dataclass
from enum import StrEnum


class RiskLevel(StrEnum):
    """How much one Alert concerns one Place or trip, worst first."""

    EXTREME = "extreme"
    SEVERE = "severe"
    MODERATE = "moderate"
    MINOR = "minor"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """*info_indexes* are the info blocks of the Alert that cover the subject; *reasons* say why in plain English."""

    alert_id: str
    revision: int
    level: RiskLevel
    info_indexes: tuple[int, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TripRisk:
    """A running trip that an Alert's Area touches, between two of its calls (0-based positions, inclusive)."""

    alert_id: str
    revision: int
    level: RiskLevel
    trip_id: str
    """Qualified."""
    route_id: str
    service_date: int
    first_position: int
    last_position: int
    stop_ids: tuple[str, ...]
    """Qualified ids of the stops inside the Area; may be empty when only the way between stops is touched."""

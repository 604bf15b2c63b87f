"""What WE tell a rider at a stop."""

from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """What an Arrival rests on."""

    PREDICTED = "predicted"
    SCHEDULED = "scheduled"


class Source(StrEnum):
    """Who made a prediction; shown by the explain endpoints."""

    NONE = "none"
    AGENCY = "agency"
    """The agency's own TripUpdates."""
    POSITION = "position"
    """Ours, from the vehicle's position with constant delay."""
    LEARNED = "learned"
    """Ours, from the vehicle's position and learned travel times, the agency's own predictions blended in."""


SOURCE_CODES = {Source.NONE: 0, Source.AGENCY: 1, Source.POSITION: 2, Source.LEARNED: 3}
"""As stored in columnar predictions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One call of one trip at one stop. Times are epoch seconds; predicted ones are 0 when the basis is scheduled."""

    trip_id: str
    stop_id: str
    service_date: int
    position: int
    scheduled_arrival_epoch_s: int
    scheduled_departure_epoch_s: int
    predicted_arrival_epoch_s: int
    predicted_departure_epoch_s: int
    basis: Basis
    source: Source
    skipped: bool
    cancelled: bool

"""Who made what riders are told of an arrival."""

from enum import StrEnum


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

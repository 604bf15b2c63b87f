"""A ProblemReport: what a rider says is wrong with a stop or a trip."""

from dataclasses import dataclass

STOP_CODES = ("stop_name_wrong", "stop_number_wrong", "stop_location_wrong", "route_or_trip_missing", "other")
TRIP_CODES = (
    "vehicle_never_came", "vehicle_came_early", "vehicle_came_late", "wrong_headsign", "vehicle_does_not_stop_here",
    "other",
)  # fmt: skip
"""What a report may be about. Source: OneBusAway, report-problem-with-stop and report-problem-with-trip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemReport:
    """See the module. *subject_id* is the qualified id of the stop or trip; blank and None are what was not said."""

    kind: str
    """``stop`` or ``trip``."""
    subject_id: str
    reported_epoch_s: int
    code: str = ""
    comment: str = ""
    service_date_epoch_s: int = 0
    """Start of the trip's service day, 0 when not said."""
    vehicle_id: str = ""
    stop_id: str = ""
    on_vehicle: bool | None = None
    vehicle_number: str = ""
    lat: float | None = None
    lon: float | None = None
    """Where the rider was, in degrees, rounded to some 100 m: enough to tell one side of a street from another town."""
    accuracy_m: float | None = None

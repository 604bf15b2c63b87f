"""Streams of events: a stop's arrivals and the alerts in force, as they change.

Every event's data is ``{"complete": …, "changed": […], "gone": […]}``: rows to be put in place of those with the same
``key``, and keys that are over; when *complete*, everything else the client has is over too.
"""

import msgspec
from starlette.requests import Request

from api import params
from api.endpoints.alerts import in_force, language_of
from api.endpoints.arrivals import entry_of_stop
from api.formats import geojson
from api.replica import Replica
from api.streams import Look, Rows
from api.where import Ask
from runtime.clock import Clock
from runtime.settings import Settings

STREAMS = {
    "/api/v1/stops/{stop_id}/events": "A stop's arrivals, as they change.",
    "/api/v1/alerts/events": "The alerts in force, as they change.",
}
"""What can be listened to."""
STOP_PREFIX, SUFFIX = "/api/v1/stops/", "/events"
ALERTS_PATH = "/api/v1/alerts/events"
DEFAULT_MINUTES, MAX_MINUTES = 35, 120


class _Visit(msgspec.Struct, gc=False):
    """What a screen needs of an arrival; what moves with every tick (positions, metres) is left out."""

    tripId: str  # noqa: N815  # OneBusAway's words
    serviceDate: int  # noqa: N815
    stopSequence: int  # noqa: N815
    stopId: str  # noqa: N815
    routeId: str  # noqa: N815
    routeShortName: str  # noqa: N815
    tripHeadsign: str  # noqa: N815
    predicted: bool
    status: str
    scheduledArrivalTime: int  # noqa: N815
    scheduledDepartureTime: int  # noqa: N815
    predictedArrivalTime: int  # noqa: N815
    predictedDepartureTime: int  # noqa: N815
    numberOfStopsAway: int  # noqa: N815
    occupancyStatus: str  # noqa: N815
    vehicleId: str  # noqa: N815
    situationIds: list[str]  # noqa: N815
    key: str = ""


class _Entry(msgspec.Struct, gc=False):
    arrivalsAndDepartures: list[_Visit]  # noqa: N815


_ENTRY = msgspec.json.Decoder(_Entry)


class Subject(msgspec.Struct, frozen=True):
    """What a request wants to listen to."""

    key: tuple[str, ...]
    event: str
    look: Look


def subject_of(path: str, request: Request) -> Subject | None:
    """What the request listens to; None when *path* is no stream. Raises RequestRefused."""
    state = request.app.state
    if path == ALERTS_PATH:
        language = language_of(request)
        return Subject(("alerts", language), "alerts", lambda: _alerts(state.replica, state.clock, language))
    if path.startswith(STOP_PREFIX) and path.endswith(SUFFIX):
        stop_id = path[len(STOP_PREFIX) : -len(SUFFIX)]
        query = params.parse_query(request.scope["query_string"])
        minutes = params.integer(query, "minutesAfter", DEFAULT_MINUTES, 1, MAX_MINUTES)
        return Subject(
            ("arrivals", stop_id, str(minutes)),
            "arrivals",
            lambda: _arrivals(state.replica, state.settings, state.clock, stop_id, minutes),
        )
    return None


def _arrivals(replica: Replica, settings: Settings, clock: Clock, stop_id: str, minutes: int) -> Rows:
    query = {"minutesBefore": "2", "minutesAfter": str(minutes)}
    ask = Ask(replica=replica, settings=settings, query=query, id=stop_id, now_epoch_s=clock.now_epoch_s())
    visits = _ENTRY.decode(entry_of_stop(ask, *ask.stop(), every_run=True)).arrivalsAndDepartures
    rows = {}
    for visit in visits:
        visit.key = f"{visit.tripId} {visit.serviceDate} {visit.stopSequence}"
        if visit.key in rows:  # another run of a frequency-based trip
            visit.key = f"{visit.key} {visit.scheduledDepartureTime}"
        rows[visit.key] = msgspec.json.encode(visit)
    return rows


def _alerts(replica: Replica, clock: Clock, language: str) -> Rows:
    found = in_force(replica, clock.now_epoch_s())
    said = [{"key": alert.alert_id, **geojson.alert_properties(alert, language)} for alert in found]
    return {str(one["key"]): msgspec.json.encode(one) for one in said}

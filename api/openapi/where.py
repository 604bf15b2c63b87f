"""OneBusAway's addresses: a table of its questions, and those that riders' reports are written to and read from.

Summaries are the first sentences of the handlers.
"""

import inspect
import re

from api.app import HALL_WHERE, WHERE
from api.openapi.operation import JSON, REFUSED, Operation
from api.openapi.parameters import named
from api.openapi.schemas import Schema, entry_of, envelope, list_of

PLACE = "lat lon radius latSpan lonSpan lngSpan"
WINDOW = "minutesBefore minutesAfter frequencyMinutesBefore frequencyMinutesAfter"
PARTS = "includeTrip includeSchedule includeStatus"
REPORT = "code data userComment userLat userLon userLocationAccuracy"
STOP_REPORT = f"{REPORT} serviceDate vehicleId userOnVehicle userVehicleNumber"
TRIP_REPORT = f"{STOP_REPORT} stopId"

# Endpoint to (list or entry, of what, parameters, example's id and query)
_WHERE: dict[str, tuple[str, str, str, str]] = {
    "agencies-with-coverage": ("list", "Coverage", "", ""),
    "agency": ("entry", "Agency", "", "1"),
    "arrival-and-departure-for-stop": (
        "entry", "ArrivalAndDeparture", "tripId! serviceDate vehicleId stopSequence time includeIntervals",
        "1_mid?tripId=1_t1&serviceDate=2026-11-23&stopSequence=1",
    ),
    "arrivals-and-departures-for-location": (
        "entry", "PlaceArrivals",
        f"lat! lon! radius latSpan lonSpan lngSpan {WINDOW} maxCount routeType emptyReturnsNotFound time includeIntervals",
        "?lat=44.61&lon=-63.5&radius=100&minutesAfter=10",
    ),
    "arrivals-and-departures-for-stop": ("entry", "StopArrivals", f"{WINDOW} time includeIntervals", "1_mid?minutesAfter=10"),
    "block": ("entry", "Block", "", "1_b1"),
    "config": ("entry", "Config", "", ""),
    "current-time": ("entry", "Time", "", ""),
    "route": ("entry", "Route", "", "1_r_10"),
    "route-ids-for-agency": ("list", "s", "", "1"),
    "routes-for-agency": ("list", "Route", "", "1"),
    "routes-for-location": ("list", "Route", f"{PLACE} query maxCount", "?lat=44.61&lon=-63.5&radius=500"),
    "schedule-for-route": ("entry", "RouteSchedule", "date", "40_hill?date=2026-11-23"),
    "schedule-for-stop": ("entry", "StopSchedule", "date", "1_mid?date=2026-11-23"),
    "search/stop": ("list", "Stop", "input! maxCount", "?input=midle"),
    "search/route": ("list", "Route", "input! maxCount", "?input=10"),
    "shape": ("entry", "Polyline", "", "1_north"),
    "shape-ids-for-agency": ("list", "s", "", "1"),
    "situation": ("entry", "Situation", "", "1_moved"),
    "stop": ("entry", "Stop", "", "1_mid"),
    "stop-ids-for-agency": ("list", "s", "", "1"),
    "stops-for-agency": ("list", "Stop", "", "40"),
    "stops-for-location": ("list", "Stop", f"{PLACE} query maxCount routeType time", "?lat=44.61&lon=-63.5&radius=100"),
    "stops-for-route": ("entry", "RouteStops", "includePolylines time date", "1_r_10"),
    "trip": ("entry", "Trip", "", "1_t1"),
    "trip-details": ("entry", "TripDetails", f"serviceDate time vehicleId {PARTS}", "1_t1?serviceDate=2026-11-23"),
    "trip-for-vehicle": ("entry", "TripDetails", f"time {PARTS}", "1_bus7"),
    "trips-for-agency": ("list", "TripDetails", "time", "1"),
    "trips-for-location": ("list", "TripDetails", f"{PLACE} maxCount time {PARTS}", "?lat=44.61&lon=-63.5&latSpan=0.1&lonSpan=0.1"),
    "trips-for-route": ("list", "TripDetails", f"time maxCount {PARTS}", "1_r_10?includeSchedule=false"),
    "vehicle": ("entry", "VehicleStatus", "", "1_bus7"),
    "vehicles-for-agency": ("list", "VehicleStatus", "time ageInSeconds", "1"),
}  # fmt: skip
_TAGS = {
    "arrival": "Arrivals", "trip": "Trips and vehicles", "vehicle": "Trips and vehicles", "block": "Trips and vehicles",
    "search": "Search", "situation": "Notices",
}  # fmt: skip
_HALL: dict[str, tuple[str, str]] = {
    "problem-reports-for-stop": ("includeReferences", "1_mid"),
    "problem-reports-for-trip": ("includeReferences", "1_t1"),
    "report-problem-with-stop": (STOP_REPORT, "1_mid?code=stop_name_wrong"),
    "report-problem-with-trip": (TRIP_REPORT, "1_t1?code=vehicle_came_late"),
}


def _first_sentence(told: object) -> str:
    text = re.sub(r"\s+", " ", inspect.getdoc(told) or "").replace("``", "")
    return re.split(r"(?<=[.;])\s", text.removeprefix("GET "), maxsplit=1)[0].rstrip(".;") + "."


def of_where() -> list[Operation]:
    """All under ``/api/where``."""
    found = []
    for name, (shape, kind, names, example) in _WHERE.items():
        handler, takes_id, is_live = WHERE[name.partition("/")[0]]
        given_id, _, query = example.partition("?")
        takes_id = takes_id and "/" not in name
        path = f"/api/where/{name}/{{id}}.json" if takes_id else f"/api/where/{name}.json"
        unchanged: dict[str, tuple[str, Schema | None]] = {} if is_live else {"304": ("", None)}
        summary = _first_sentence(handler)
        if name == "search/stop":
            summary = "Stops and stations that input may mean, best first."
        elif name == "search/route":
            summary = "Routes that input may mean, best first."
        tag = next((tag for begin, tag in _TAGS.items() if name.startswith(begin)), "Timetable")
        found.append(
            Operation(
                path=path,
                summary=summary,
                tag=tag,
                parameters=named(f"{names} includeReferences version"),
                answers={"200": (JSON, (entry_of if shape == "entry" else list_of)(kind)), **unchanged, **REFUSED},
                example=f"{path.replace('{id}', given_id)}?key=test{'&' if query else ''}{query}",
                needs_key=True,
            )
        )
    for name, (names, example) in _HALL.items():
        given_id, _, query = example.partition("?")
        reads = name.startswith("problem-reports")
        answers = {"200": (JSON, list_of("ProblemReport") if reads else envelope({"type": "object"})), **REFUSED}
        summary, kind = _first_sentence(HALL_WHERE[name]), name.rpartition("-")[2]
        key = "reader" if reads else "test"
        for path, more in ((f"/api/where/{name}/{{id}}.json", ""), (f"/api/where/{name}.json", f"{kind}Id!")):
            if reads and more:
                continue
            target = path.replace("{id}", given_id)
            query_id = f"&{kind}Id={given_id}" if more else ""
            found.append(
                Operation(
                    path=path,
                    summary=summary,
                    tag="Riders' reports",
                    parameters=named(f"{more} {names} version"),
                    answers=answers,
                    example=f"{target}?key={key}{query_id}{'&' if query else ''}{query}",
                    needs_key=True,
                )
            )
    return found

"""What OneBusAway for iOS must find in an answer, or it drops the whole page; and what it takes for granted.

A strict decoder: every member named here must be there, not null, of its kind, and whole where the app holds a whole
number. Then everything that the answer names by id must be among its references. Source: OBAKit's models, 2026-11.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

WHOLE, NUMBER, TEXT, TRUTH, LIST, OBJECT = (
    "a whole number",
    "a number",
    "a text",
    "true or false",
    "a list",
    "an object",
)
ROUTE_TYPES = range(8)
"""Those that the app knows; any other is an error to it."""

ENVELOPE = {"code": WHOLE, "version": WHOLE}
ARRIVAL = {
    "arrivalEnabled": TRUTH, "blockTripSequence": WHOLE, "departureEnabled": TRUTH, "distanceFromStop": NUMBER,
    "lastUpdateTime": WHOLE, "numberOfStopsAway": WHOLE, "predicted": TRUTH, "routeId": TEXT,
    "scheduledArrivalTime": WHOLE, "scheduledDepartureTime": WHOLE, "serviceDate": WHOLE, "situationIds": LIST,
    "status": TEXT, "stopId": TEXT, "stopSequence": WHOLE, "tripId": TEXT, "vehicleId": TEXT,
}  # fmt: skip
STOP_ENTRY = {"arrivalsAndDepartures": LIST, "nearbyStopIds": LIST, "situationIds": LIST, "stopId": TEXT}
TRIP_STATUS = {
    "activeTripId": TEXT, "blockTripSequence": WHOLE, "closestStop": TEXT, "closestStopTimeOffset": WHOLE,
    "distanceAlongTrip": NUMBER, "lastLocationUpdateTime": WHOLE, "lastUpdateTime": WHOLE, "nextStopTimeOffset": WHOLE,
    "orientation": NUMBER, "phase": TEXT, "predicted": TRUTH, "scheduleDeviation": WHOLE,
    "scheduledDistanceAlongTrip": NUMBER, "serviceDate": WHOLE, "situationIds": LIST, "status": TEXT,
    "totalDistanceAlongTrip": NUMBER, "lastKnownDistanceAlongTrip": WHOLE,
    "lastKnownOrientation": NUMBER,
}  # fmt: skip
AGENCY = {"id": TEXT, "lang": TEXT, "name": TEXT, "phone": TEXT, "privateService": TRUTH, "timezone": TEXT, "url": TEXT}
ROUTE = {"agencyId": TEXT, "id": TEXT, "shortName": TEXT, "type": WHOLE}
STOP = {
    "code": TEXT, "id": TEXT, "name": TEXT, "lat": NUMBER, "lon": NUMBER, "locationType": WHOLE, "routeIds": LIST,
}  # fmt: skip
TRIP = {
    "blockId": TEXT, "id": TEXT, "routeId": TEXT, "routeShortName": TEXT, "serviceId": TEXT, "tripShortName": TEXT,
    "timeZone": TEXT,
}  # fmt: skip
SITUATION = {
    "activeWindows": LIST, "allAffects": LIST, "consequences": LIST, "creationTime": WHOLE, "id": TEXT,
    "publicationWindows": LIST, "reason": TEXT, "severity": TEXT,
}  # fmt: skip
AFFECTS = dict.fromkeys(("agencyId", "applicationId", "directionId", "routeId", "stopId", "tripId"), TEXT)
DETAILS = {"tripId": TEXT, "serviceDate": WHOLE, "situationIds": LIST}
SCHEDULE = {"timeZone": TEXT, "stopTimes": LIST}
STOP_TIME = {"arrivalTime": WHOLE, "departureTime": WHOLE, "stopId": TEXT}
FREQUENCY = {"startTime": WHOLE, "endTime": WHOLE, "headway": NUMBER}
COVERAGE = {"agencyId": TEXT, "lat": NUMBER, "lon": NUMBER, "latSpan": NUMBER, "lonSpan": NUMBER}
CALL = {
    "tripId": TEXT, "arrivalTime": WHOLE, "departureTime": WHOLE, "arrivalEnabled": TRUTH, "departureEnabled": TRUTH,
}  # fmt: skip
STOP_DAY = {"stopId": TEXT, "date": NUMBER, "stopRouteSchedules": LIST}
STOP_DAY_ROUTE = {"routeId": TEXT, "stopRouteDirectionSchedules": LIST}
STOP_DAY_DIRECTION = {"tripHeadsign": TEXT, "scheduleStopTimes": LIST}
ROUTE_DAY = {"routeId": TEXT, "scheduleDate": NUMBER, "serviceIds": LIST, "stopTripGroupings": LIST}
ROUTE_DAY_GROUP = {
    "directionId": TEXT, "stopIds": LIST, "tripHeadsigns": LIST, "tripIds": LIST, "tripsWithStopTimes": LIST,
}  # fmt: skip
ROUTE_STOPS = {"routeId": TEXT, "polylines": LIST, "stopIds": LIST, "stopGroupings": LIST}
STOP_GROUPING = {"ordered": TRUTH, "type": TEXT, "stopGroups": LIST}
STOP_GROUP = {"id": TEXT, "name": OBJECT, "polylines": LIST, "stopIds": LIST}
VEHICLE = {
    "vehicleId": TEXT, "lastUpdateTime": WHOLE, "lastLocationUpdateTime": WHOLE, "tripId": TEXT, "phase": TEXT,
    "status": TEXT, "tripStatus": OBJECT,
}  # fmt: skip

_KINDS: Mapping[str, Callable[[Any], bool]] = {
    WHOLE: lambda it: isinstance(it, int) and not isinstance(it, bool),
    NUMBER: lambda it: isinstance(it, (int, float)) and not isinstance(it, bool),
    TEXT: lambda it: isinstance(it, str),
    TRUTH: lambda it: isinstance(it, bool),
    LIST: lambda it: isinstance(it, list),
    OBJECT: lambda it: isinstance(it, dict),
}
_REFERRED = {
    "agencyId": "agencies", "routeId": "routes", "stopId": "stops", "tripId": "trips", "activeTripId": "trips",
    "closestStop": "stops", "nextStop": "stops", "nextTripId": "trips", "previousTripId": "trips", "parent": "stops",
}  # fmt: skip
_REFERRED_LISTS = {
    "situationIds": "situations", "nearbyStopIds": "stops", "stopIds": "stops", "routeIds": "routes", "tripIds": "trips",
}  # fmt: skip
_BARE = ("route-ids-for-agency", "stop-ids-for-agency", "shape-ids-for-agency")


def faults(endpoint: str, answer: Any) -> Iterator[str]:
    """What the app could not decode or would miss in an answer of that endpoint."""
    yield from _missing("", answer, ENVELOPE)
    data = answer["data"]
    references = data.get("references", {})
    for kind, wanted in (
        ("agencies", AGENCY),
        ("routes", ROUTE),
        ("stops", STOP),
        ("trips", TRIP),
        ("situations", SITUATION),
    ):
        for number, item in enumerate(references.get(kind, ())):
            yield from _missing(f"references.{kind}[{number}]", item, wanted)
            yield from _of_kind(f"references.{kind}[{number}]", kind, item)
    items = [data["entry"]] if "entry" in data else data.get("list", [])
    for number, item in enumerate(items):
        yield from _item(endpoint, f"[{number}]", item)


def _item(endpoint: str, where: str, item: Any) -> Iterator[str]:
    match endpoint:
        case "arrivals-and-departures-for-stop" | "arrivals-and-departures-for-location":
            if endpoint == "arrivals-and-departures-for-stop":
                yield from _missing(where, item, STOP_ENTRY)
            for number, arrival in enumerate(item["arrivalsAndDepartures"]):
                yield from _arrival(f"{where}.arrivalsAndDepartures[{number}]", arrival)
        case "arrival-and-departure-for-stop":
            yield from _arrival(where, item)
        case "trip-details" | "trip-for-vehicle" | "trips-for-route" | "trips-for-location" | "trips-for-agency":
            yield from _missing(where, item, DETAILS)
            if endpoint in ("trip-details", "trip-for-vehicle"):
                yield from _missing(where, item, {"schedule": OBJECT})
            if "schedule" in item:
                yield from _missing(f"{where}.schedule", item["schedule"], SCHEDULE)
                for number, call in enumerate(item["schedule"]["stopTimes"]):
                    yield from _missing(f"{where}.schedule.stopTimes[{number}]", call, STOP_TIME)
            if "status" in item:
                yield from _missing(f"{where}.status", item["status"], TRIP_STATUS)
            yield from _frequency(where, item)
        case "schedule-for-stop":
            yield from _stop_day(where, item)
        case "schedule-for-route":
            yield from _route_day(where, item)
        case "stops-for-route":
            yield from _route_stops(where, item)
        case "agencies-with-coverage":
            yield from _missing(where, item, COVERAGE)
        case "vehicle":
            yield from _missing(where, item, VEHICLE)
            yield from _missing(f"{where}.tripStatus", item["tripStatus"], TRIP_STATUS)
        case "agency":
            yield from _missing(where, item, AGENCY)
            yield from _of_kind(where, "agencies", item)
        case "route" | "routes-for-agency" | "routes-for-location":
            yield from _missing(where, item, ROUTE)
            yield from _of_kind(where, "routes", item)
        case "stop" | "stops-for-location" | "stops-for-agency":
            yield from _missing(where, item, STOP)
        case "shape":
            yield from _missing(where, item, {"points": TEXT, "length": WHOLE})


def _arrival(where: str, arrival: Any) -> Iterator[str]:
    yield from _missing(where, arrival, ARRIVAL)
    if "tripStatus" in arrival:
        yield from _missing(f"{where}.tripStatus", arrival["tripStatus"], TRIP_STATUS)
    yield from _frequency(where, arrival)


def _frequency(where: str, item: Any) -> Iterator[str]:
    if item.get("frequency") is not None:
        yield from _missing(f"{where}.frequency", item["frequency"], FREQUENCY)


def _stop_day(where: str, item: Any) -> Iterator[str]:
    yield from _missing(where, item, STOP_DAY)
    for route in item["stopRouteSchedules"]:
        yield from _missing(f"{where}.stopRouteSchedules", route, STOP_DAY_ROUTE)
        for direction in route["stopRouteDirectionSchedules"]:
            yield from _missing(f"{where}.stopRouteDirectionSchedules", direction, STOP_DAY_DIRECTION)
            for call in direction["scheduleStopTimes"]:
                yield from _missing(f"{where}.scheduleStopTimes", call, CALL | {"serviceId": TEXT})
            for window in direction.get("scheduleFrequencies", ()):
                yield from _missing(f"{where}.scheduleFrequencies", window, FREQUENCY | {"headway": WHOLE})


def _route_day(where: str, item: Any) -> Iterator[str]:
    yield from _missing(where, item, ROUTE_DAY)
    for group in item["stopTripGroupings"]:
        yield from _missing(f"{where}.stopTripGroupings", group, ROUTE_DAY_GROUP)
        for trip in group["tripsWithStopTimes"]:
            yield from _missing(f"{where}.tripsWithStopTimes", trip, {"tripId": TEXT, "stopTimes": LIST})
            for call in trip["stopTimes"]:
                yield from _missing(f"{where}.stopTimes", call, CALL | {"stopId": TEXT})


def _route_stops(where: str, item: Any) -> Iterator[str]:
    yield from _missing(where, item, ROUTE_STOPS)
    for grouping in item["stopGroupings"]:
        yield from _missing(f"{where}.stopGroupings", grouping, STOP_GROUPING)
        for group in grouping["stopGroups"]:
            yield from _missing(f"{where}.stopGroups", group, STOP_GROUP)
            yield from _missing(f"{where}.stopGroups.name", group["name"], {"name": TEXT, "type": TEXT, "names": LIST})


def _missing(where: str, item: Any, wanted: Mapping[str, str]) -> Iterator[str]:
    for name, kind in wanted.items():
        if name not in item:
            yield f"{where}.{name} is missing"
        elif not _KINDS[kind](item[name]):
            yield f"{where}.{name}: expected {kind}, found {item[name]!r}"


def _of_kind(where: str, kind: str, item: Any) -> Iterator[str]:
    if kind == "routes" and item["type"] not in ROUTE_TYPES:
        yield f"{where}.type: the app knows no route type {item['type']}"
    if kind == "agencies" and (not item["url"] or " " in item["url"]):
        yield f"{where}.url: {item['url']!r} is no address"
    if kind == "situations":
        for affected in item["allAffects"]:
            yield from _missing(f"{where}.allAffects", affected, AFFECTS)
        for consequence in item["consequences"]:
            yield from _missing(f"{where}.consequences", consequence, {"condition": TEXT, "conditionDetails": OBJECT})
            details = consequence["conditionDetails"]
            yield from _missing(
                f"{where}.conditionDetails", details, {"diversionPath": OBJECT, "diversionStopIds": LIST}
            )
            yield from _missing(f"{where}.diversionPath", details["diversionPath"], {"points": TEXT})
        for name in ("summary", "description", "url"):
            yield from _missing(f"{where}.{name}", item[name], {"lang": TEXT, "value": TEXT})
        for window in item["activeWindows"]:
            yield from _missing(f"{where}.activeWindows", window, {"from": WHOLE})


def unreferred(endpoint: str, answer: Any) -> Iterator[str]:
    """Every id that the answer names and its references (or its own list or entry) do not hold."""
    data = answer["data"]
    references = data["references"]
    known = {kind: {item["id"] for item in references[kind]} for kind in references if kind != "stopTimes"}
    entries = [data["entry"]] if "entry" in data else data["list"]
    for entry in entries:
        if isinstance(entry, dict) and "id" in entry:
            for ids in known.values():
                ids.add(entry["id"])
    if endpoint not in _BARE:
        for entry in entries:
            yield from _walk(entry, known, "")
    for kind in ("routes", "stops", "trips"):
        for item in references[kind]:
            yield from _walk(item, known, f"references.{kind}.")


def _walk(node: Any, known: Mapping[str, set[str]], where: str) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, known, where)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "allAffects":
                continue  # a notice may be about what is not of this answer
            kind = _REFERRED.get(name) or _REFERRED_LISTS.get(name)
            ids = value if isinstance(value, list) else [value]
            if kind is not None:
                for one in ids:
                    if isinstance(one, str) and one and one not in known[kind]:
                        yield f"{where}{name}: {one} is not among the {kind}"
            yield from _walk(value, known, f"{where}{name}.")

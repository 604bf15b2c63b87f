"""Every address that is served: what it takes, what it answers, and a request to see it with.

Summaries of OneBusAway's endpoints are the first sentences of their handlers. A test holds this to the tables of routes.
"""

import inspect
import re
from dataclasses import dataclass, field
from typing import Any

from api.app import HALL_WHERE, WHERE
from api.endpoints.events import STREAMS
from api.openapi.parameters import EXPLAINED, Parameter, named
from api.openapi.schemas import Schema, entry_of, envelope, list_of, reference

JSON, GEOJSON, HTML, EVENTS = "application/json", "application/geo+json", "text/html", "text/event-stream"
HTML_OR_JSON = f"{HTML}|{JSON}"
"""A page for people, or the refusal that every address has."""
PROTOBUF, TEXT = "application/x-protobuf", "text/plain"
PLACE = "lat lon radius latSpan lonSpan lngSpan"
PARTS = "includeTrip includeSchedule includeStatus"
REPORT = "code data userComment userLat userLon userLocationAccuracy"
STOP_REPORT = f"{REPORT} serviceDate vehicleId userOnVehicle userVehicleNumber"
TRIP_REPORT = f"{STOP_REPORT} stopId"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address. *example* is a request's target, as the town of the tests answers it."""

    path: str
    summary: str
    tag: str
    method: str = "get"
    parameters: list[Parameter] = field(default_factory=list)
    answers: dict[str, tuple[str, Schema | None]] = field(default_factory=dict)
    """Status to media type (blank: none; with HTML_OR_JSON both) and schema."""
    example: str = ""
    needs_key: bool = False
    is_operators: bool = False
    body: Schema | None = None
    body_example: Any = None


def _first_sentence(told: object) -> str:
    text = re.sub(r"\s+", " ", inspect.getdoc(told) or "").replace("``", "")
    return re.split(r"(?<=[.;])\s", text.removeprefix("GET "), maxsplit=1)[0].rstrip(".;") + "."


# --- OneBusAway's: endpoint to (list or entry, of what, parameters, example's id and query)

_WHERE: dict[str, tuple[str, str, str, str]] = {
    "agencies-with-coverage": ("list", "Coverage", "", ""),
    "agency": ("entry", "Agency", "", "1"),
    "arrival-and-departure-for-stop": (
        "entry", "ArrivalAndDeparture", "tripId! serviceDate vehicleId stopSequence time includeIntervals",
        "1_mid?tripId=1_t1&serviceDate=2026-11-23&stopSequence=1",
    ),
    "arrivals-and-departures-for-location": (
        "entry", "PlaceArrivals",
        "lat! lon! radius latSpan lonSpan lngSpan minutesBefore minutesAfter maxCount routeType emptyReturnsNotFound time includeIntervals",
        "?lat=44.61&lon=-63.5&radius=100&minutesAfter=10",
    ),
    "arrivals-and-departures-for-stop": ("entry", "StopArrivals", "minutesBefore minutesAfter time includeIntervals", "1_mid?minutesAfter=10"),
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
_REFUSAL: tuple[str, Schema | None] = (JSON, reference("Refusal"))
_REFUSED = dict.fromkeys(("400", "401", "404", "405", "414", "429", "500", "503"), _REFUSAL)
_OPEN = dict.fromkeys(("400", "404", "405", "414", "429", "500", "503"), _REFUSAL)


def _of_where() -> list[Operation]:
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
                answers={"200": (JSON, (entry_of if shape == "entry" else list_of)(kind)), **unchanged, **_REFUSED},
                example=f"{path.replace('{id}', given_id)}?key=test{'&' if query else ''}{query}",
                needs_key=True,
            )
        )
    for name, (names, example) in _HALL.items():
        given_id, _, query = example.partition("?")
        reads = name.startswith("problem-reports")
        answers = {"200": (JSON, list_of("ProblemReport") if reads else envelope({"type": "object"})), **_REFUSED}
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


# --- everything else

_EVENT: Schema = {
    "type": "object",
    "description": "One event; id, event and data as an EventSource hands them over.",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}


def _ok(media: str, kind: str = "", *, kept: bool = False) -> dict[str, tuple[str, Schema | None]]:
    plain = {"type": "string"} if media in (HTML, TEXT) else _EVENT if media == EVENTS else None
    schema = reference(kind) if kind else plain
    unchanged: dict[str, tuple[str, Schema | None]] = {"304": ("", None)} if kept else {}
    return {"200": (media, schema), **unchanged, **_OPEN}


def _own() -> list[Operation]:
    live, alerts, maps, machines = "Arrivals", "Alerts", "Map", "For machines that watch"
    return [
        Operation(
            path="/api/v1/arrivals", tag=live, parameters=named("stops stop minutesBefore minutesAfter time includeReferences"),
            summary="The arrivals of up to 50 stops in one answer, with everything referred to once. Stops that are not "
            "known are named in notFound.",
            answers={"200": (JSON, envelope({
                "type": "object", "required": ["list", "notFound", "references"],
                "properties": {"list": reference("[StopArrivals]"), "notFound": reference("[s]"), "references": reference("References")},
            })), **_OPEN},
            example="/api/v1/arrivals?stops=1_mid,1_nowhere&minutesAfter=10",
        ),
        Operation(
            path="/api/v1/explain/arrival", tag=live, parameters=[
                *EXPLAINED, *named("serviceDate stopSequence")],
            summary="Why a rider sees what they see of one arrival: the timetable, which feed said what and when, the rule "
            "that made a time of it, and what came of it.", answers=_ok(JSON, "Explanation"),
            example="/api/v1/explain/arrival?stop=1_mid&trip=1_t1&serviceDate=2026-11-23&stopSequence=1",
        ),
        *(
            Operation(
                path=path, tag="Streams", parameters=named("language" if "alerts" in path else "minutesAfter"),
                summary=f"{summary} Each event's data holds complete, changed and gone: rows to put in place of those with "
                "the same key, and keys that are over; when complete, everything else is over too. Last-Event-ID resumes.",
                answers=_ok(EVENTS),
            )
            for path, summary in STREAMS.items()
        ),
        Operation(
            path="/api/v1/search", tag="Search", parameters=named("q! lat lon limit types"), answers=_ok(JSON, "SearchResults", kept=True),
            summary="Stops, stations and routes in one list, best first: codes, then names; what is near first, where lat "
            "and lon are given.", example="/api/v1/search?q=centrl",
        ),
        Operation(
            path="/api/v1/alerts.geojson", tag=alerts, parameters=named("language"), answers=_ok(GEOJSON, "FeatureCollection"),
            summary="Alerts in force, with the ground they cover.", example="/api/v1/alerts.geojson?language=en",
        ),
        Operation(
            path="/api/v1/alerts/{alert_id}", tag=alerts, parameters=named("language"), answers=_ok(JSON, "AlertDetails"),
            summary="One alert in every language, in force or not.", example="/api/v1/alerts/civil%7Cflood-1?language=en",
        ),
        Operation(
            path="/api/v1/trip-risks", tag=alerts, parameters=named("tripId routeId"), answers=_ok(JSON, "TripRisks"),
            summary="Running trips that pass through the area of an alert in force.", example="/api/v1/trip-risks",
        ),
        *(
            Operation(
                path=f"/api/v1/regions/{{region_id}}/alerts{suffix}", tag=alerts, parameters=named("test"),
                summary=f"The region's warnings in force as GTFS-realtime, the newest first{words}.",
                answers={"200": (media, reference("x") if media == JSON else None), **_OPEN, "404": (JSON, {
                    "anyOf": [reference("RegionError"), reference("Refusal")]})},
                example=f"/api/v1/regions/1/alerts{suffix}" if media == JSON else "",
            )
            for suffix, media, words in (("", PROTOBUF, ""), (".pb", PROTOBUF, ""), (".pbtext", JSON, ", as JSON"))
        ),
        *(
            Operation(
                path=f"/api/gtfs_realtime/{kind}-for-agency/{{agency_id}}{suffix}", tag="GTFS-realtime",
                parameters=named(f"removeAgencyIds {'routeFilterId ' if kind != 'alerts' else ''}time"),
                summary=f"{words} as GTFS-realtime{', as text' if suffix == '.pbtext' else ''}.",
                answers={"200": (TEXT if suffix == ".pbtext" else PROTOBUF, {"type": "string"} if suffix == ".pbtext" else None), **_REFUSED},
                example=f"/api/gtfs_realtime/{kind}-for-agency/1{suffix}?key=test" if suffix == ".pbtext" else "",
                needs_key=True,
            )
            for kind, words in (
                ("alerts", "Notices that concern the agency"), ("trip-updates", "The agency's trips with our predictions"),
                ("vehicle-positions", "The agency's vehicles"),
            )
            for suffix in (".pb", ".pbtext")
        ),
        Operation(path="/regions-v3.json", tag="GTFS-realtime", summary="This deployment as the apps' directory of regions lists one.",
                  answers=_ok(JSON, "Regions"), example="/regions-v3.json"),
        Operation(path="/api/v1/delivered-trips", tag="Accuracy", parameters=named("days route"), answers=_ok(JSON, "DeliveredTrips"),
                  summary="Scheduled trips against vehicles that really came: by day, over all and by route.",
                  example="/api/v1/delivered-trips?days=1"),
        Operation(path="/api/v1/accuracy", tag="Accuracy", parameters=named("days route"), answers=_ok(JSON, "Accuracy"),
                  summary="How good predictions turned out to be: over all, by day, and by route.", example="/api/v1/accuracy?days=1"),
        Operation(path="/api/v1/vehicles.geojson", tag=maps, parameters=named("bbox"), answers=_ok(GEOJSON, "FeatureCollection"),
                  summary="Live vehicles inside a box, on their routes' lines.", example="/api/v1/vehicles.geojson"),
        Operation(path="/api/v1/shapes/{route_id}", tag=maps, answers=_ok(JSON, "RouteLines", kept=True),
                  summary="The lines that a route's vehicles draw, for a map.", example="/api/v1/shapes/1_r_10"),
        Operation(path="/map/ground.json", tag=maps, parameters=named("bbox!"), answers=_ok(JSON, "x"),
                  summary="Lines of routes and stops inside a box.", example="/map/ground.json?bbox=-63.51,44.6,-63.49,44.62"),
        Operation(path="/map/live.json", tag=maps, parameters=named("bbox! language"), answers=_ok(JSON, "x"),
                  summary="Vehicles inside a box, and the ground of the warnings in force.",
                  example="/map/live.json?bbox=-63.51,44.6,-63.49,44.62"),
        *_subscriptions(),
        Operation(path="/api/v1/feeds", tag="Operators", is_operators=True, answers={**_ok(JSON, "Feeds"), "401": _REFUSAL},
                  summary="Every feed and how it is, worst first.", example="/api/v1/feeds"),
        Operation(path="/healthz", tag=machines, answers=_ok(JSON, "Status"), summary="200 while the process answers at all.", example="/healthz"),
        Operation(path="/readyz", tag=machines, answers={**_ok(JSON, "Readiness"), "503": (JSON, reference("Readiness"))},
                  summary="200 once arrivals can be served; 503 with the reasons before.", example="/readyz"),
        Operation(path="/metrics", tag=machines, answers=_ok(TEXT), summary="Prometheus's text."),
        Operation(path="/openapi.json", tag=machines, answers=_ok(JSON, "x", kept=True), summary="This description."),
        *_pages(),
    ]  # fmt: skip


def _subscriptions() -> list[Operation]:
    place: Schema = {
        "type": "object", "required": ["lat", "lon"], "additionalProperties": False,
        "properties": {
            "lat": {"type": "number", "minimum": -90, "maximum": 90}, "lon": {"type": "number", "minimum": -180, "maximum": 180},
            "radius_m": {"type": "number", "minimum": 0, "maximum": 100_000}, "label": {"type": "string", "maxLength": 80},
        },
    }  # fmt: skip
    wanted: Schema = {
        "type": "object", "additionalProperties": False,
        "properties": {
            "device": {"type": "object", "required": ["platform", "token"], "properties": {
                "platform": {"enum": ["fcm", "console"]}, "token": {"type": "string", "minLength": 1, "maxLength": 4096}}},
            "language": {"type": "string"}, "places": {"type": "array", "items": place, "minItems": 1, "maxItems": 20},
            "minimum_level": {"enum": ["minor", "moderate", "severe", "extreme"]},
        },
    }  # fmt: skip
    whole = wanted | {"required": ["device", "places"]}
    one, tag = "/api/v1/subscriptions/{subscription_id}", "Subscriptions"
    kept = {"200": (JSON, reference("Subscription"))}
    gone: dict[str, tuple[str, Schema | None]] = {"204": ("", None)}
    refused = {**_OPEN, "413": _REFUSAL}
    example = {
        "device": {"platform": "console", "token": "a-token"},
        "language": "en",
        "places": [{"lat": 44.61, "lon": -63.5, "radius_m": 300, "label": "home"}],
        "minimum_level": "severe",
    }
    return [
        Operation(method="post", path="/api/v1/subscriptions", tag=tag, body=whole, body_example=example,
                  answers={**kept, "201": (JSON, reference("Subscription")), **refused}, example="/api/v1/subscriptions",
                  summary="Warn a device about places: 201 when it is new, 200 when the same device and places were known."),
        Operation(path=one, tag=tag, answers={**kept, **refused}, summary="What is kept, but for the token."),
        Operation(method="patch", path=one, tag=tag, body=wanted, body_example={"minimum_level": "extreme"},
                  answers={**kept, **refused}, summary="Change what is given."),
        Operation(method="put", path=one, tag=tag, body=whole, body_example=example, answers={**kept, **refused},
                  summary="Replace all of it."),
        Operation(method="delete", path=one, tag=tag, answers={**gone, **refused}, summary="Forget everything about it."),
        Operation(method="post", path=one + "/heartbeat", tag=tag, answers={**gone, **refused},
                  summary="The app is still there: say so once a day."),
    ]  # fmt: skip


def _pages() -> list[Operation]:
    tag = "Pages"
    said: tuple[str, Schema | None] = (HTML_OR_JSON, reference("Refusal"))
    page = {"200": (HTML, {"type": "string"}), **dict.fromkeys((*_OPEN, "401", "403"), said)}
    moved: dict[str, tuple[str, Schema | None]] = {"303": ("", None)}
    found = [
        ("/", "Stops nearby, a search, and what is in force.", "q lat lon lang"),
        ("/stops/{stop_id}", "A stop's arrivals.", "lang"),
        ("/warnings/{alert_id}", "One warning.", "lang"),
        ("/accuracy", "Our own score, for everybody.", "days lang"),
        ("/operations", "How the feeds are; signed-in operators see more.", "lang"),
        ("/operations/feeds/{feed_id}", "One feed in detail.", "lang"),
        ("/docs", "This description, to read.", ""),
    ]
    pages = [
        Operation(path=path, tag=tag, summary=summary, parameters=named(names), answers=page)
        for path, summary, names in found
    ]  # fmt: skip
    form = {"type": "object", "properties": {"token": {"type": "string"}}}
    return [
        *pages,
        Operation(path="/why", tag=tag, summary="Why an arrival is told as it is.", answers=page,
                  parameters=[*EXPLAINED, *named("serviceDate stopSequence lang")]),
        Operation(method="post", path="/operations/sign-in", tag=tag, body=form, summary="Sign an operator in, by form.",
                  answers={**page, **moved}),
        Operation(method="post", path="/operations/sign-out", tag=tag, summary="Sign out.",
                  answers={**page, **moved}),
        Operation(path="/static/{stamp}/{name}", tag=tag, summary="Styles, scripts and icons.", answers=_ok(TEXT)),
        Operation(path="/service-worker.js", tag=tag, summary="Keeps the last page of a phone that is offline.", answers=_ok("text/javascript")),
    ]  # fmt: skip


def operations() -> list[Operation]:
    """All of them, OneBusAway's first."""
    return [*_of_where(), *_own()]

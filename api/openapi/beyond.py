"""What is served beside OneBusAway's API: our own questions, streams, maps, GTFS-realtime, subscriptions, pages."""

from api.endpoints.events import STREAMS
from api.openapi.operation import (
    EVENTS,
    GEOJSON,
    HTML,
    HTML_OR_JSON,
    JSON,
    OPEN,
    PROTOBUF,
    REFUSAL,
    REFUSED,
    TEXT,
    Operation,
    ok,
)
from api.openapi.parameters import EXPLAINED, named
from api.openapi.schemas import Schema, envelope, reference


def beyond() -> list[Operation]:
    """All of it."""
    live, alerts, maps, machines = "Arrivals", "Alerts", "Map", "For machines that watch"
    return [
        Operation(
            path="/api/v1/arrivals", tag=live, parameters=named("stops stop minutesBefore minutesAfter frequencyMinutesBefore frequencyMinutesAfter time includeReferences"),
            summary="The arrivals of up to 50 stops in one answer, with everything referred to once. Stops that are not "
            "known are named in notFound.",
            answers={"200": (JSON, envelope({
                "type": "object", "required": ["list", "notFound", "references"],
                "properties": {"list": reference("[StopArrivals]"), "notFound": reference("[s]"), "references": reference("References")},
            })), **OPEN},
            example="/api/v1/arrivals?stops=1_mid,1_nowhere&minutesAfter=10",
        ),
        Operation(
            path="/api/v1/explain/arrival", tag=live, parameters=[
                *EXPLAINED, *named("serviceDate stopSequence")],
            summary="Why a rider sees what they see of one arrival: the timetable, which feed said what and when, the rule "
            "that made a time of it, and what came of it.", answers=ok(JSON, "Explanation"),
            example="/api/v1/explain/arrival?stop=1_mid&trip=1_t1&serviceDate=2026-11-23&stopSequence=1",
        ),
        *(
            Operation(
                path=path, tag="Streams", parameters=named("language" if "alerts" in path else "minutesAfter"),
                summary=f"{summary} Each event's data holds complete, changed and gone: rows to put in place of those with "
                "the same key, and keys that are over; when complete, everything else is over too. Last-Event-ID resumes.",
                answers=ok(EVENTS),
            )
            for path, summary in STREAMS.items()
        ),
        Operation(
            path="/api/v1/search", tag="Search", parameters=named("q! lat lon limit types"), answers=ok(JSON, "SearchResults", kept=True),
            summary="Stops, stations and routes in one list, best first: codes, then names; what is near first, where lat "
            "and lon are given.", example="/api/v1/search?q=centrl",
        ),
        Operation(
            path="/api/v1/alerts.geojson", tag=alerts, parameters=named("language"), answers=ok(GEOJSON, "FeatureCollection"),
            summary="Alerts in force, with the ground they cover.", example="/api/v1/alerts.geojson?language=en",
        ),
        Operation(
            path="/api/v1/alerts/{alert_id}", tag=alerts, parameters=named("language"), answers=ok(JSON, "AlertDetails"),
            summary="One alert in every language, in force or not.", example="/api/v1/alerts/civil%7Cflood-1?language=en",
        ),
        Operation(
            path="/api/v1/trip-risks", tag=alerts, parameters=named("tripId routeId"), answers=ok(JSON, "TripRisks"),
            summary="Running trips that pass through the area of an alert in force.", example="/api/v1/trip-risks",
        ),
        *(
            Operation(
                path=f"/api/v1/regions/{{region_id}}/alerts{suffix}", tag=alerts, parameters=named("test"),
                summary=f"The region's warnings in force as GTFS-realtime, the newest first{words}.",
                answers={"200": (media, reference("x") if media == JSON else None), **OPEN, "404": (JSON, {
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
                answers={"200": (TEXT if suffix == ".pbtext" else PROTOBUF, {"type": "string"} if suffix == ".pbtext" else None), **REFUSED},
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
                  answers=ok(JSON, "Regions"), example="/regions-v3.json"),
        Operation(path="/api/v1/delivered-trips", tag="Accuracy", parameters=named("days route"), answers=ok(JSON, "DeliveredTrips"),
                  summary="Scheduled trips against vehicles that really came: by day, over all and by route.",
                  example="/api/v1/delivered-trips?days=1"),
        Operation(path="/api/v1/accuracy", tag="Accuracy", parameters=named("days route"), answers=ok(JSON, "Accuracy"),
                  summary="How good predictions turned out to be: over all, by day, and by route.", example="/api/v1/accuracy?days=1"),
        Operation(path="/api/v1/vehicles.geojson", tag=maps, parameters=named("bbox"), answers=ok(GEOJSON, "FeatureCollection"),
                  summary="Live vehicles inside a box, on their routes' lines.", example="/api/v1/vehicles.geojson"),
        Operation(path="/api/v1/shapes/{route_id}", tag=maps, answers=ok(JSON, "RouteLines", kept=True),
                  summary="The lines that a route's vehicles draw, for a map.", example="/api/v1/shapes/1_r_10"),
        Operation(path="/map/ground.json", tag=maps, parameters=named("bbox!"), answers=ok(JSON, "x"),
                  summary="Lines of routes and stops inside a box.", example="/map/ground.json?bbox=-63.51,44.6,-63.49,44.62"),
        Operation(path="/map/live.json", tag=maps, parameters=named("bbox! language"), answers=ok(JSON, "x"),
                  summary="Vehicles inside a box, and the ground of the warnings in force.",
                  example="/map/live.json?bbox=-63.51,44.6,-63.49,44.62"),
        *_subscriptions(),
        Operation(path="/api/v1/feeds", tag="Operators", is_operators=True, answers={**ok(JSON, "Feeds"), "401": REFUSAL},
                  summary="Every feed and how it is, worst first.", example="/api/v1/feeds"),
        Operation(path="/healthz", tag=machines, answers=ok(JSON, "Status"), summary="200 while the process answers at all.", example="/healthz"),
        Operation(path="/readyz", tag=machines, answers={**ok(JSON, "Readiness"), "503": (JSON, reference("Readiness"))},
                  summary="200 once arrivals can be served; 503 with the reasons before.", example="/readyz"),
        Operation(path="/metrics", tag=machines, answers=ok(TEXT), summary="Prometheus's text."),
        Operation(path="/openapi.json", tag=machines, answers=ok(JSON, "x", kept=True), summary="This description."),
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
    refused = {**OPEN, "413": REFUSAL}
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
    page = {"200": (HTML, {"type": "string"}), **dict.fromkeys((*OPEN, "401", "403"), said)}
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
        Operation(path="/static/{stamp}/{name}", tag=tag, summary="Styles, scripts and icons.", answers=ok(TEXT)),
        Operation(path="/service-worker.js", tag=tag, summary="Keeps the last page of a phone that is offline.", answers=ok("text/javascript")),
    ]  # fmt: skip

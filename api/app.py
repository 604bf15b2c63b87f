"""THE TABLE of routes, and the application that serves it.

Two doors: ``/api/where/…`` (OneBusAway's API) is answered right here, before Starlette sees it, because that is what
thousands of phones ask every second; everything else goes through Starlette. All state is on ``app.state``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from api import compression, params, validators
from api.auth import LEASES_AWAITED, OPEN_REQUESTS_PER_S, Doors, RateLimit, require_key
from api.endpoints import (
    accuracy,
    agencies,
    alerts,
    arrivals,
    batches,
    blocks,
    configuration,
    current_time,
    delivered,
    events,
    explain,
    feeds,
    gtfs_realtime,
    health,
    problem_reports,
    regions,
    routes,
    schedules,
    search,
    situations,
    stops,
    trips,
    vehicles,
)
from api.endpoints.answers import limit
from api.endpoints.shelf import Shelf
from api.errors import RequestRefused, method_not_allowed, not_ready, unknown
from api.formats import oba
from api.metrics import Metrics
from api.past import LOOKS_BACK_S, Past
from api.replica import Replica
from api.streams import Streams
from api.where import Ask
from runtime.clock import Clock
from runtime.settings import Settings
from store.hall import AWAY, Hall

log = logging.getLogger("wayside.api")

WHERE_PREFIX = "/api/where/"
OWN_PREFIX = "/api/v1/"

WHERE: dict[str, tuple[Callable[[Ask], bytes], bool, bool]] = {
    # endpoint: (handler, takes an id, is live)
    "agencies-with-coverage": (agencies.agencies_with_coverage, False, False),
    "agency": (agencies.agency, True, False),
    "arrival-and-departure-for-stop": (arrivals.arrival_for_stop, True, True),
    "arrivals-and-departures-for-location": (arrivals.arrivals_for_location, False, True),
    "arrivals-and-departures-for-stop": (arrivals.arrivals_for_stop, True, True),
    "block": (blocks.block, True, False),
    "config": (configuration.config, False, False),
    "current-time": (current_time.current_time, False, True),
    "route": (routes.route, True, False),
    "route-ids-for-agency": (agencies.route_ids_for_agency, True, False),
    "routes-for-agency": (routes.routes_for_agency, True, False),
    "routes-for-location": (routes.routes_for_location, False, False),
    "schedule-for-route": (schedules.schedule_for_route, True, False),
    "schedule-for-stop": (schedules.schedule_for_stop, True, False),
    "shape": (routes.shape, True, False),
    "shape-ids-for-agency": (agencies.shape_ids_for_agency, True, False),
    "situation": (situations.situation, True, True),
    "search": (search.search, True, False),
    "stop": (stops.stop, True, False),
    "stop-ids-for-agency": (agencies.stop_ids_for_agency, True, False),
    "stops-for-agency": (agencies.stops_for_agency, True, False),
    "stops-for-location": (stops.stops_for_location, False, False),
    "stops-for-route": (stops.stops_for_route, True, False),
    "trip": (trips.trip, True, False),
    "trip-details": (trips.trip_details, True, True),
    "trip-for-vehicle": (trips.trip_for_vehicle, True, True),
    "trips-for-agency": (agencies.trips_for_agency, True, True),
    "trips-for-location": (trips.trips_for_location, False, True),
    "trips-for-route": (trips.trips_for_route, True, True),
    "vehicle": (vehicles.vehicle, True, True),
    "vehicles-for-agency": (vehicles.vehicles_for_agency, True, True),
}
"""OneBusAway's endpoints: ``/api/where/{endpoint}.json`` or ``/api/where/{endpoint}/{id}.json``."""

HALL_WHERE: dict[str, Callable[[Ask, Hall], Awaitable[bytes]]] = {
    "problem-reports-for-stop": problem_reports.reports_for_stop,
    "problem-reports-for-trip": problem_reports.reports_for_trip,
    "report-problem-with-stop": problem_reports.report_stop,
    "report-problem-with-trip": problem_reports.report_trip,
}
"""Those of them that leave or fetch something in the hall. Each takes an id, live."""

ROUTES: tuple[Route, ...] = (
    Route("/healthz", health.healthz),
    Route("/readyz", health.readyz),
    Route("/metrics", health.metrics),
    Route("/api/v1/accuracy", accuracy.accuracy),
    Route("/api/v1/delivered-trips", delivered.delivered_trips),
    Route("/regions-v3.json", regions.regions_v3),
    Route("/api/gtfs_realtime/alerts-for-agency/{agency_id:path}", gtfs_realtime.alerts),
    Route("/api/gtfs_realtime/trip-updates-for-agency/{agency_id:path}", gtfs_realtime.trip_updates),
    Route("/api/gtfs_realtime/vehicle-positions-for-agency/{agency_id:path}", gtfs_realtime.vehicle_positions),
    Route("/api/v1/regions/{region_id}/alerts", regions.alerts),
    Route("/api/v1/regions/{region_id}/alerts.pb", regions.alerts),
    Route("/api/v1/regions/{region_id}/alerts.pbtext", regions.alerts),
    Route("/api/v1/feeds", feeds.feeds),
    Route("/api/v1/alerts.geojson", alerts.alerts_geojson),
    Route("/api/v1/alerts/{alert_id:path}", alerts.alert),
    Route("/api/v1/trip-risks", alerts.trip_risks),
    Route("/api/v1/vehicles.geojson", vehicles.vehicles_geojson),
    Route("/api/v1/arrivals", batches.arrivals_of_stops),
    Route("/api/v1/explain/arrival", explain.explain_arrival),
    Route("/api/v1/search", search.search_all),
    Route("/api/v1/shapes/{route_id:path}", routes.shapes),
)
"""Everything else of this room; pages and subscriptions bring tables of their own."""

JSON_TYPE = (b"content-type", b"application/json;charset=utf-8")
COMMON = (
    (b"access-control-allow-origin", b"*"),
    (b"vary", b"accept-encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""Any page may read what is public; no answer is ever a page, and an address that holds a key is not passed on."""
LIVE = (JSON_TYPE, (b"cache-control", b"no-store"), *COMMON)
STATIC = (JSON_TYPE, *COMMON)
"""What only changes with the timetable; how long it may be kept is ``api.validators``' to say."""
PREFLIGHT = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
)

BASED_PREFIXES = ("/api/gtfs_realtime/", "/api/v1/regions/")
"""Apps ask for these, as for ``/api/where``, under whatever path their region's base address has."""

Headers = tuple[tuple[bytes, bytes], ...]


class Application:
    """The ASGI application of one web process."""

    def __init__(
        self, settings: Settings, clock: Clock, replica: Replica, hall: Any, more_routes: Iterable[BaseRoute] = ()
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.replica = replica
        self.past = Past(settings.home)
        self.metrics = Metrics()
        self.doors = Doors(settings, clock)
        self.validators = validators.Validators()
        self.streams = Streams()
        replica.on_change = self.streams.notice
        self.starlette = Starlette(
            routes=[*ROUTES, *more_routes],
            exception_handlers={
                RequestRefused: self._refused,
                HTTPException: self._http_error,
                Exception: self._broken,
            },
        )
        state = self.starlette.state
        state.settings, state.clock, state.replica, state.hall, state.metrics = (
            settings,
            clock,
            replica,
            hall,
            self.metrics,
        )
        state.doors, state.validators, state.streams = self.doors, self.validators, self.streams
        state.scores = Shelf("scores", accuracy.record_of, rests_s=60.0)
        state.delivered = Shelf("counts", delivered.record_of, rests_s=30.0)
        state.rate_limit = RateLimit(clock, per_s=OPEN_REQUESTS_PER_S, burst=10 * OPEN_REQUESTS_PER_S)

    async def run_background(self) -> None:
        """What goes on beside the requests; never ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.doors.quotas.run(self.starlette.state.hall, lambda: self.replica.api_keys))
            group.create_task(self.streams.run())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(WHERE_PREFIX) or WHERE_PREFIX in path:
                await self._where(scope, path.partition(WHERE_PREFIX)[2], send)
                return
            if path.endswith(events.SUFFIX) and path.startswith(OWN_PREFIX):
                await self._stream(scope, receive, send)
                return
            for prefix in BASED_PREFIXES:
                if path.find(prefix) > 0:
                    scope = {**scope, "path": path[path.find(prefix) :], "raw_path": None}
            await self._other(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    # --- OneBusAway's door

    async def _where(self, scope: Scope, rest: str, send: Send) -> None:
        started_s = self.clock.monotonic_s()
        name, _, given_id = rest.removesuffix(".json").partition("/")
        then = await self._then(name, scope["query_string"]) if b"time=" in scope["query_string"] else None
        address = (scope.get("client") or ("",))[0]
        asked = scope["method"], name, given_id, scope["query_string"], then, address
        has = validators.given_by(scope["headers"]) if name in WHERE and not WHERE[name][2] else b""
        status, headers, parts = await self._hall_answer(*asked) if name in HALL_WHERE else self._parts(*asked, has)
        for _ in range(LEASES_AWAITED):
            if status != HTTPStatus.TOO_MANY_REQUESTS or not self.doors.quotas.leasing:
                break
            await self.doors.quotas.settled()
            status, headers, parts = await self._hall_answer(*asked) if name in HALL_WHERE else self._parts(*asked, has)
        length = sum(map(len, parts))
        if length >= compression.MIN_BYTES:
            for header, value in scope["headers"]:
                if header == b"accept-encoding":
                    encoding = compression.choose(value)
                    if encoding:
                        parts = (compression.compress(b"".join(parts), encoding),)
                        headers = (*headers, (b"content-encoding", encoding))
                    break
        if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            headers = (*headers, (b"content-length", b"%d" % sum(map(len, parts))))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD":
            parts = (b"",)
        for part in parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": parts[-1]})
        route = name if name in WHERE or name in HALL_WHERE else "unknown"
        self.metrics.count(f"/api/where/{route}", status, self.clock.monotonic_s() - started_s)

    async def _then(self, name: str, query_string: bytes) -> tuple[Replica, float] | None:
        """What was known at the time in the past that a live question is about, and that time; None: the present."""
        try:
            query = params.parse_query(query_string)
            require_key(query, self.settings, self.replica.api_keys)
            epoch_s = params.instant_epoch_s(query, "time", self.settings.time_zone)
        except RequestRefused:
            return None
        found = WHERE.get(name)
        if found is None or not found[2] or epoch_s is None or epoch_s >= self.clock.now_epoch_s() - LOOKS_BACK_S:
            return None
        replica = await self.past.replica_at(self.replica, epoch_s)
        return None if replica is None else (replica, epoch_s)

    def answer(
        self,
        method: str,
        name: str,
        given_id: str,
        query_string: bytes,
        then: tuple[Replica, float] | None = None,
        address: str = "",
        if_none_match: bytes = b"",
    ) -> tuple[int, Headers, bytes]:
        """(status, headers, body) of one question to ``/api/where``; never raises. For the arguments, see ``_parts``."""
        status, headers, parts = self._parts(method, name, given_id, query_string, then, address, if_none_match)
        return status, headers, b"".join(parts)

    def _parts(
        self,
        method: str,
        name: str,
        given_id: str,
        query_string: bytes,
        then: tuple[Replica, float] | None = None,
        address: str = "",
        if_none_match: bytes = b"",
    ) -> tuple[int, Headers, tuple[bytes, ...]]:
        """(status, headers, body in parts, one at least) of a question: many that read the same large list share it.

        *then* is a replica of the past and its time: what the question is about. *address* is who asks, where no key says.
        *if_none_match* names what the client has.
        """
        try:
            if method == "OPTIONS":
                return 204, PREFLIGHT, (b"",)
            ask = self._question(method, given_id, query_string, then, address)
            found = WHERE.get(name)
            if found is None or (given_id and not found[1]):
                raise unknown()
            handler, _, is_live = found
            now_epoch_s = self.clock.now_epoch_s()
            if is_live:
                return 200, LIVE, oba.envelope_in_parts(now_epoch_s, handler(ask))
            etag = self.validators.etag(ask.replica, f"{name}/{given_id}?".encode() + query_string, now_epoch_s)
            if validators.matches(if_none_match, etag):
                kept = self.validators.cache_control(ask.replica, None, now_epoch_s)
                return 304, (*COMMON, (b"etag", etag), (b"cache-control", kept)), (b"",)
            body = oba.envelope(now_epoch_s, handler(ask))
            kept = self.validators.cache_control(ask.replica, body, now_epoch_s)
            return 200, (*STATIC, (b"etag", etag), (b"cache-control", kept)), (body,)
        except Exception as error:
            status, headers, body = self._failed(error, name, given_id)
            return status, headers, (body,)

    async def _hall_answer(
        self,
        method: str,
        name: str,
        given_id: str,
        query_string: bytes,
        then: tuple[Replica, float] | None,
        address: str,
    ) -> tuple[int, Headers, tuple[bytes, ...]]:
        """The same, of those endpoints that ask the hall."""
        try:
            if method == "OPTIONS":
                return 204, PREFLIGHT, (b"",)
            ask = self._question(method, given_id, query_string, then, address)
            data = await HALL_WHERE[name](ask, self.starlette.state.hall)
            return 200, LIVE, oba.envelope_in_parts(self.clock.now_epoch_s(), data)
        except AWAY:
            status, headers, body = self._failed(not_ready("Redis is away"), name, given_id)
        except Exception as error:
            status, headers, body = self._failed(error, name, given_id)
        return status, headers, (body,)

    def _question(
        self, method: str, given_id: str, query_string: bytes, then: tuple[Replica, float] | None, address: str
    ) -> Ask:
        """What is asked, once it may be; raises RequestRefused."""
        if method not in ("GET", "HEAD"):
            raise method_not_allowed()
        query = params.parse_query(query_string)
        self.doors.admit(query, self.replica.api_keys, address)
        version = query.get("version", "")
        if version not in ("", "2"):
            text = f"unknown version: {version[:40]}"
            raise RequestRefused(400, text, field_errors={"version": [text]})
        replica, asked_epoch_s = then or (self.replica, self.clock.now_epoch_s())
        return Ask(replica=replica, settings=self.settings, query=query, id=given_id, now_epoch_s=asked_epoch_s)

    def _failed(self, error: Exception, name: str, given_id: str) -> tuple[int, Headers, bytes]:
        now_epoch_s = self.clock.now_epoch_s()
        if isinstance(error, RequestRefused):
            body = oba.refusal(now_epoch_s, error.code, error.text, error.field_errors)
            return error.code, (*LIVE, *error.headers), body
        endpoint = name if name in WHERE or name in HALL_WHERE else "unknown"
        log.error("event=request_failed endpoint=%s id=%r", endpoint, given_id[:200], exc_info=error)
        return 500, LIVE, oba.refusal(now_epoch_s, 500, "internal server error", None)

    # --- streams

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream of events: here and not in Starlette, whose layers would cost each of thousands of them memory."""
        started_s = self.clock.monotonic_s()
        refusal: tuple[int, Headers, bytes]
        scope["app"] = self.starlette
        request = Request(scope, receive)
        try:
            if scope["method"] == "OPTIONS":
                refusal = 204, PREFLIGHT, b""
            elif scope["method"] != "GET":
                raise method_not_allowed(b"GET, OPTIONS")
            else:
                limit(request)
                subject = events.subject_of(scope["path"], request)
                if subject is None:
                    raise unknown()
                await self.streams.serve(scope, receive, send, key=subject.key, event=subject.event, look=subject.look)
                return
        except Exception as error:
            status, headers, body = self._failed(error, "events", "")
            refusal = status, (*headers, (b"content-length", b"%d" % len(body))), body
        await send({"type": "http.response.start", "status": refusal[0], "headers": refusal[1]})
        await send({"type": "http.response.body", "body": refusal[2]})
        self.metrics.count("/api/v1/events", refusal[0], self.clock.monotonic_s() - started_s)

    # --- the other door

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS" and scope["path"].startswith(OWN_PREFIX):
            await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": PREFLIGHT})
            await send({"type": "http.response.body", "body": b""})
            return
        started_s = self.clock.monotonic_s()
        status = 500
        # Starlette takes the bytes of an address for UTF-8, which a client may not have sent.
        scope = {**scope, "query_string": params.escaped(scope["query_string"])}

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.starlette(scope, receive, watch)
        finally:
            route = scope.get("route")
            template: str = getattr(route, "path", "unknown") if status != HTTPStatus.NOT_FOUND else "unknown"
            self.metrics.count(template, status, self.clock.monotonic_s() - started_s)

    async def _refused(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestRefused)
        return self._said(error.code, error.text, error.field_errors, error.headers)

    async def _http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = HTTPStatus(error.status_code)
        if code is HTTPStatus.NOT_FOUND and _is_a_persons(request):
            from api.pages.rider import not_found

            return not_found(request)
        text = {404: "resource not found", 405: "method not allowed"}.get(code, error.detail or code.phrase.lower())
        headers = tuple((name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items())
        return self._said(code, text, None, headers)

    async def _broken(self, request: Request, error: Exception) -> Response:
        log.error("event=request_failed method=%s", request.method, exc_info=error)
        return self._said(500, "internal server error", None, ())

    def _said(
        self, code: int, text: str, field_errors: dict[str, list[str]] | None, headers: Sequence[tuple[bytes, bytes]]
    ) -> Response:
        body = oba.refusal(self.clock.now_epoch_s(), code, text, field_errors)
        response = Response(body, code, media_type="application/json")
        response.headers["cache-control"] = "no-store"
        for name, value in headers:
            response.headers[name.decode()] = value.decode()
        return response


def _is_a_persons(request: Request) -> bool:
    """Somebody who typed an address into a browser wants a page, not JSON; whoever asks the API wants JSON."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(("/api/", "/static/"))

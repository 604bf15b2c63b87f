"""THE TABLE of routes, and the application that serves it.

``/api/where/…`` (OneBusAway's API) is answered before Starlette sees it (``api.answering``), and so are streams of events;
everything else goes through Starlette. All state is on ``app.state``.
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

from api import params, validators
from api.answering import Answering, Endpoint
from api.auth import OPEN_REQUESTS_PER_S, Doors, RateLimit
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
from api.errors import RequestRefused, method_not_allowed, unknown
from api.formats import oba
from api.metrics import Metrics
from api.replica import Replica
from api.replies import PREFLIGHT, failure, send_off
from api.streams import Streams
from api.where import Ask
from runtime.clock import Clock
from runtime.settings import Settings
from store.hall import Hall

log = logging.getLogger("wayside.api")

WHERE_PREFIX = "/api/where/"
OWN_PREFIX = "/api/v1/"

WHERE: dict[str, Endpoint] = {
    # handler, takes an id, is live
    "agencies-with-coverage": Endpoint(agencies.agencies_with_coverage, False, False),
    "agency": Endpoint(agencies.agency, True, False),
    "arrival-and-departure-for-stop": Endpoint(arrivals.arrival_for_stop, True, True),
    "arrivals-and-departures-for-location": Endpoint(arrivals.arrivals_for_location, False, True),
    "arrivals-and-departures-for-stop": Endpoint(arrivals.arrivals_for_stop, True, True),
    "block": Endpoint(blocks.block, True, False),
    "config": Endpoint(configuration.config, False, False),
    "current-time": Endpoint(current_time.current_time, False, True),
    "route": Endpoint(routes.route, True, False),
    "route-ids-for-agency": Endpoint(agencies.route_ids_for_agency, True, False),
    "routes-for-agency": Endpoint(routes.routes_for_agency, True, False),
    "routes-for-location": Endpoint(routes.routes_for_location, False, False),
    "schedule-for-route": Endpoint(schedules.schedule_for_route, True, False),
    "schedule-for-stop": Endpoint(schedules.schedule_for_stop, True, False),
    "shape": Endpoint(routes.shape, True, False),
    "shape-ids-for-agency": Endpoint(agencies.shape_ids_for_agency, True, False),
    "situation": Endpoint(situations.situation, True, True),
    "search": Endpoint(search.search, True, False),
    "stop": Endpoint(stops.stop, True, False),
    "stop-ids-for-agency": Endpoint(agencies.stop_ids_for_agency, True, False),
    "stops-for-agency": Endpoint(agencies.stops_for_agency, True, False),
    "stops-for-location": Endpoint(stops.stops_for_location, False, False),
    "stops-for-route": Endpoint(stops.stops_for_route, True, False),
    "trip": Endpoint(trips.trip, True, False),
    "trip-details": Endpoint(trips.trip_details, True, True),
    "trip-for-vehicle": Endpoint(trips.trip_for_vehicle, True, True),
    "trips-for-agency": Endpoint(agencies.trips_for_agency, True, True),
    "trips-for-location": Endpoint(trips.trips_for_location, False, True),
    "trips-for-route": Endpoint(trips.trips_for_route, True, True),
    "vehicle": Endpoint(vehicles.vehicle, True, True),
    "vehicles-for-agency": Endpoint(vehicles.vehicles_for_agency, True, True),
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

BASED_PREFIXES = ("/api/gtfs_realtime/", "/api/v1/regions/")
"""Apps ask for these, as for ``/api/where``, under whatever path their region's base address has."""


class Application:
    """The ASGI application of one web process."""

    def __init__(
        self, settings: Settings, clock: Clock, replica: Replica, hall: Any, more_routes: Iterable[BaseRoute] = ()
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.replica = replica
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
        state.settings, state.clock, state.replica, state.hall = settings, clock, replica, hall
        state.metrics = self.metrics
        state.doors, state.validators, state.streams = self.doors, self.validators, self.streams
        state.scores = Shelf("scores", accuracy.record_of, rests_s=60.0)
        state.delivered = Shelf("counts", delivered.record_of, rests_s=30.0)
        state.rate_limit = RateLimit(clock, per_s=OPEN_REQUESTS_PER_S, burst=10 * OPEN_REQUESTS_PER_S)
        self.where = Answering(
            endpoints=WHERE, in_hall=HALL_WHERE, settings=settings, clock=clock, replica=replica,
            hall=lambda: state.hall, doors=self.doors, known=self.validators,
        )  # fmt: skip

    async def run_background(self) -> None:
        """What goes on beside the requests; never ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.doors.quotas.run(self.starlette.state.hall, lambda: self.replica.api_keys))
            group.create_task(self.streams.run())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if WHERE_PREFIX in path:
                started_s = self.clock.monotonic_s()
                endpoint, status = await self.where.serve(scope, path.partition(WHERE_PREFIX)[2], send)
                self.metrics.count(WHERE_PREFIX + endpoint, status, self.clock.monotonic_s() - started_s)
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

    # --- streams

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream of events: here and not in Starlette, whose layers would cost each of thousands of them memory."""
        started_s = self.clock.monotonic_s()
        scope = {**scope, "app": self.starlette, "query_string": params.escaped(scope["query_string"])}
        request = Request(scope, receive)
        try:
            if scope["method"] == "OPTIONS":
                reply = PREFLIGHT
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
            status, headers, parts = failure(error, self.clock.now_epoch_s(), endpoint="events")
            reply = status, (*headers, (b"content-length", b"%d" % len(parts[0]))), parts
        await send_off(send, reply)
        self.metrics.count("/api/v1/events", reply[0], self.clock.monotonic_s() - started_s)

    # --- the other door

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS" and scope["path"].startswith(OWN_PREFIX):
            await send_off(send, PREFLIGHT)
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

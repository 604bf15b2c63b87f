"""``/api/v1/delivered-trips``: scheduled trips against vehicles that really came, by route and day. Open to all."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.accuracy import days_asked, route_names
from api.endpoints.answers import answer, limit
from api.errors import unknown
from api.served import Served
from domain import service_day
from domain.delivered import RouteDay
from domain.errors import BlobUnusable
from store import delivered
from store.hall import Hall

COUNTS = ("planned", "delivered", "cancelled", "missing", "unknown")
DEFINITIONS = {
    "planned": "trips of the day's timetable",
    "delivered": "a vehicle was seen driving it",
    "cancelled": "the agency said that it does not run",
    "missing": "over, not cancelled, we were looking, and no vehicle was seen",
    "unknown": "over, and we could not look: a feed or we were out of order, or the route's vehicles never report",
    "share": "delivered of delivered and missing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One timetable's days, oldest first."""

    feed_id: str
    served: Served
    days: list[tuple[date, list[RouteDay]]]


async def record_of(hall: Hall, feed_id: str, served: Served, days: list[date]) -> Record:
    """Of those days; one that cannot be read or has no trips is left out."""
    found = []
    for day in days:
        try:
            counts = await delivered.counts_of(hall, feed_id, service_day.yyyymmdd(day))
        except BlobUnusable:
            continue
        if counts:
            found.append((day, counts))
    return Record(feed_id=feed_id, served=served, days=found)


def total(counts: list[RouteDay]) -> RouteDay:
    """All of them together."""
    return RouteDay(route_id="", **{name: sum(getattr(it, name) for it in counts) for name in COUNTS})


def _numbers(it: RouteDay) -> dict[str, Any]:
    share = it.share
    return {name: getattr(it, name) for name in COUNTS} | {"share": None if share is None else round(share, 4)}


async def delivered_trips(request: Request) -> Response:
    """GET /api/v1/delivered-trips?days=7&route=ID: by day, over all and by route."""
    limit(request)
    state = request.app.state
    days, wanted = days_asked(request), request.query_params.get("route", "")
    records = await state.delivered.records_of(state.hall, state.replica, days, state.clock.now_epoch_s())
    feeds: dict[str, Any] = {}
    for record in records:
        listed = []
        for day, counts in record.days:
            routes = []
            for it in counts:
                route_id, name = route_names(record.served, it.route_id)
                if wanted in ("", route_id):
                    routes.append({"routeId": route_id, "name": name, **_numbers(it)})
            if routes or not wanted:
                listed.append({"date": day.isoformat(), "overall": _numbers(total(counts)), "routes": routes})
        if listed or not wanted:
            feeds[record.feed_id] = {"days": listed}
    if wanted and not feeds:
        raise unknown()
    return answer(request, msgspec.json.encode({"days": days, "definitions": DEFINITIONS, "feeds": feeds}), public=True)

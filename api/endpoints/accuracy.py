"""``/api/v1/accuracy``: how good predictions turned out to be, ours beside the agency's and the timetable's. Open to all."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.answers import answer, limit
from api.errors import invalid, unknown
from api.served import Served
from domain import service_day
from domain.errors import BlobUnusable
from domain.ids import qualify
from domain.score import METHODS, SHAPE, STRATA, Score, Tally, score_of
from store import scores
from store.hall import Hall

DAYS, MOST_DAYS = 7, 35
ENOUGH = 100
"""Predictions that a route needs before one method is called better there."""
CLEARLY = 0.98
"""A mean error below this share of the other's is better; differences of two per cent are noise."""
DEFINITIONS = {
    "error": "actual minus predicted, seconds",
    "horizons_minutes": ["0-3", "3-6", "6-10", "10-15", "15-30"],
    "eta": "ETA Accuracy Benchmark: mean of the four buckets' percentages, by time to the actual arrival",
    "mbta": "MBTA: per cent accurate 0-3, 3-6, 6-12, 12-30 minutes, by predicted time to arrival",
    "reliable": "Cal-ITP: per cent with -60 ln(m + 1.3) < error < 60 ln(m + 1.5), m minutes to arrival",
    "missed": "per cent that came more than a minute before the promise",
    "coverage": "per cent inside the band from the 10th to the 90th percentile",
    "with_agency": "calls that the agency predicted too: only there is it compared with us",
}
"""What the figures mean; the same words as docs/predictions.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One timetable's tallies: over all, by day and by route."""

    feed_id: str
    served: Served
    overall: Tally
    by_day: list[tuple[date, Tally]]
    by_route: dict[str, Tally]


async def record_of(hall: Hall, feed_id: str, served: Served, days: list[date]) -> Record:
    """Of those days; one that cannot be read is left out."""
    overall, by_day, by_route = np.zeros(SHAPE), [], dict[str, Tally]()
    for day in days:
        try:
            tallies = (await scores.get(hall, feed_id, service_day.yyyymmdd(day))).tallies()
        except BlobUnusable:
            continue
        total = sum(tallies.values(), np.zeros(SHAPE))
        by_day.append((day, total))
        overall = overall + total
        for route, tally in tallies.items():
            by_route[route] = by_route[route] + tally if route in by_route else tally
    return Record(feed_id=feed_id, served=served, overall=overall, by_day=by_day, by_route=by_route)


def strata_of(tally: Tally) -> dict[str, dict[str, Score]]:
    """Stratum to method to score; what has no sample is left out."""
    found: dict[str, dict[str, Score]] = {}
    for at, stratum in enumerate(STRATA):
        methods = {method: score_of(tally[at, number]) for number, method in enumerate(METHODS)}
        some = {method: score for method, score in methods.items() if score.n}
        if some:
            found[stratum] = some
    return found


def better_of(tally: Tally) -> str | None:
    """``ours`` or ``agency``, where one is clearly better on the calls that both predicted; None otherwise."""
    strata = strata_of(tally).get("with_agency", {})
    ours, agency = strata.get("ours"), strata.get("agency")
    if ours is None or agency is None or min(ours.n, agency.n) < ENOUGH:
        return None
    a = [mae for mae, other in zip(ours.mae_s, agency.mae_s, strict=True) if mae is not None and other is not None]
    b = [other for mae, other in zip(ours.mae_s, agency.mae_s, strict=True) if mae is not None and other is not None]
    if sum(a) < CLEARLY * sum(b):
        return "ours"
    return "agency" if sum(b) < CLEARLY * sum(a) else None


def route_names(served: Served, raw_id: str) -> tuple[str, str]:
    """(qualified id, name for people) of a route; of one that the timetable has no more, the raw id."""
    row = served.bundle.route_ids.index(raw_id)
    if row is None:
        return qualify(served.fragments.code, raw_id), raw_id
    route = served.bundle.route(row)
    return served.fragments.route(row).route_id, route.short_name or route.long_name or raw_id


def days_asked(request: Request) -> int:
    """``days`` of the query; raises RequestRefused (400)."""
    given = request.query_params.get("days", str(DAYS))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= MOST_DAYS:
        raise invalid("days", f"expected a whole number from 1 to {MOST_DAYS}, found {given[:20]!r}")
    return int(given)


async def accuracy(request: Request) -> Response:
    """GET /api/v1/accuracy?days=7&route=ID: over all, by day, and by route."""
    limit(request)
    state = request.app.state
    days, wanted = days_asked(request), request.query_params.get("route", "")
    records = await state.scores.records_of(state.hall, state.replica, days, state.clock.now_epoch_s())
    feeds: dict[str, Any] = {}
    for record in records:
        routes = []
        for raw_id, tally in sorted(record.by_route.items()):
            route_id, name = route_names(record.served, raw_id)
            if wanted in ("", route_id):
                routes.append({"routeId": route_id, "name": name, "better": better_of(tally), **strata_of(tally)})
        if wanted and not routes:
            continue
        feeds[record.feed_id] = {
            "overall": strata_of(record.overall),
            "days": [{"date": day.isoformat(), **strata_of(tally)} for day, tally in record.by_day],
            "routes": routes,
        }
    if wanted and not feeds:
        raise unknown()
    return answer(request, msgspec.json.encode({"days": days, "definitions": DEFINITIONS, "feeds": feeds}), public=True)

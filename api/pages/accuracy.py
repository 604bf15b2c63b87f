"""``/accuracy``: our own score, for everybody: in a sentence, a table, two pictures, and route by route."""

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.accuracy import Record, better_of, days_asked, route_names, strata_of
from api.endpoints.answers import limit
from api.pages import words
from api.pages.plot import Line, plot
from api.pages.render import date_text, language_of, page
from domain.score import METHODS, Score

ScoredDays = list[tuple[date, dict[str, dict[str, Score]]]]
"""Day to stratum to method to score, the oldest first."""

MINUTES = ((0, 3), (3, 6), (6, 10), (10, 15), (15, 30))
MOST_ROUTES = 400


async def accuracy(request: Request) -> Response:
    """GET /accuracy?days=7."""
    limit(request)
    state, days = request.app.state, days_asked(request)
    records = await state.scores.records_of(state.hall, state.replica, days, state.clock.now_epoch_s())
    language = language_of(request)
    return page(request, "accuracy.html", feeds=[_view(record, language) for record in records], days=days,
                minutes=MINUTES)  # fmt: skip


def _view(record: Record, language: str) -> dict[str, Any]:
    def say(key: str, **fields: object) -> str:
        return words.say(language, key, **fields)

    strata = strata_of(record.overall)
    told = [methods["published"] for methods in strata.values() if "published" in methods]
    count = sum(score.n for score in told)
    scored = [(score.n, score.eta) for score in told if score.eta is not None]
    scored_days = [(day, found) for day, tally in record.by_day if (found := strata_of(tally))]
    percent = sum(n * eta for n, eta in scored) / sum(n for n, _ in scored) if scored else None
    return {
        "name": record.served.bundle.agencies[0].name if record.served.bundle.agencies else record.feed_id,
        "percent": None if percent is None else f"{percent:.0f}",
        "what": _what(record, scored_days, words.count(language, count), language),
        "strata": [
            {
                "title": say(f"accuracy.{stratum}"),
                "methods": [
                    {"name": say(f"accuracy.method.{method}"), "key": method, "score": methods[method]}
                    for method in METHODS
                    if method in methods
                ],
                "by_horizon": _by_horizon(methods, say("accuracy.by_horizon"), say),
            }
            for stratum, methods in strata.items()
        ],
        "by_day": _by_day(scored_days, language),
        "routes": _routes(record),
    }


def _by_horizon(methods: dict[str, Score], label: str, say: Any) -> Any:
    lines = [
        Line(name=say(f"accuracy.method.{method}"), key=method, values=tuple(methods[method].mae_s))
        for method in METHODS
        if method in methods
    ]
    return plot(lines, [f"{low}–{high}" for low, high in MINUTES], label, floor=0.0)


def _what(record: Record, scored: ScoredDays, count: str, language: str) -> str:
    """What was counted, and since when: a deployment may be younger than the days that are asked about."""
    if not scored or scored[0][0] == record.by_day[-1][0]:
        return words.say(language, "accuracy.today", count=count)
    return words.say(language, "accuracy.since", day=date_text(language, scored[0][0]), count=count)


def _by_day(days: ScoredDays, language: str) -> Any:
    """From the first day that has a score; of a single day the table says all."""
    if len(days) < 2:
        return ""
    lines, low = [], 100.0
    for method in ("published", "agency", "schedule"):
        values = []
        for _, strata in days:
            scores = [methods[method] for methods in strata.values() if method in methods]
            etas = [(score.n, score.eta) for score in scores if score.eta is not None]
            values.append(sum(n * eta for n, eta in etas) / sum(n for n, _ in etas) if etas else None)
        known = [value for value in values if value is not None]
        if known:
            low = min(low, *known)
            lines.append(Line(name=words.say(language, f"accuracy.method.{method}"), key=method, values=tuple(values)))
    steps = [date_text(language, day) for day, _ in days]
    return plot(lines, steps, words.say(language, "accuracy.by_day"), floor=0.0 if low < 50 else 50.0, ceiling=100.0)


def _routes(record: Record) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for raw_id, tally in record.by_route.items():
        strata = strata_of(tally)
        told = [methods["published"] for methods in strata.values() if "published" in methods]
        etas = [(score.n, score.eta) for score in told if score.eta is not None]
        if etas:
            count = sum(n for n, _ in etas)
            eta = sum(n * value for n, value in etas) / count
            agency = strata.get("with_agency", {}).get("agency")
            rows.append({
                "name": route_names(record.served, raw_id)[1], "count": count, "eta": eta, "better": better_of(tally),
                "agency": None if agency is None else agency.eta,
            })  # fmt: skip
    return sorted(rows, key=lambda row: row["eta"])[:MOST_ROUTES]

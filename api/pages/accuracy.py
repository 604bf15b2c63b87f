"""``/accuracy``: our own score, for everybody: in a sentence, a table, two pictures, and route by route."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.accuracy import Record, better_of, days_asked, route_names, strata_of
from api.endpoints.answers import limit
from api.pages import words
from api.pages.plot import Line, plot
from api.pages.render import language_of, page
from domain.score import METHODS, Score

MINUTES = ((0, 3), (3, 6), (6, 10), (10, 15), (15, 30))
MOST_ROUTES = 400


async def accuracy(request: Request) -> Response:
    """GET /accuracy?days=7."""
    limit(request)
    state, days = request.app.state, days_asked(request)
    records = await state.scores.records_of(state.hall, state.replica, days, state.clock.now_epoch_s())
    language = language_of(request)
    return page(request, "accuracy.html", feeds=[_view(record, days, language) for record in records], days=days,
                minutes=MINUTES)  # fmt: skip


def _view(record: Record, days: int, language: str) -> dict[str, Any]:
    def say(key: str, **fields: object) -> str:
        return words.say(language, key, **fields)

    strata = strata_of(record.overall)
    told = [methods["published"] for methods in strata.values() if "published" in methods]
    count = sum(score.n for score in told)
    scored = [(score.n, score.eta) for score in told if score.eta is not None]
    percent = sum(n * eta for n, eta in scored) / sum(n for n, _ in scored) if scored else None
    return {
        "name": record.served.bundle.agencies[0].name if record.served.bundle.agencies else record.feed_id,
        "percent": None if percent is None else f"{percent:.0f}",
        "what": say("accuracy.what", days=days, count=f"{count:,}"),
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
        "by_day": _by_day(record, say("accuracy.by_day"), say),
        "routes": _routes(record),
    }


def _by_horizon(methods: dict[str, Score], label: str, say: Any) -> Any:
    lines = [
        Line(name=say(f"accuracy.method.{method}"), key=method, values=tuple(methods[method].mae_s))
        for method in METHODS
        if method in methods
    ]
    return plot(lines, [f"{low}–{high}" for low, high in MINUTES], label, floor=0.0)


def _by_day(record: Record, label: str, say: Any) -> Any:
    days = [(day, strata_of(tally)) for day, tally in record.by_day]
    lines = []
    for method in ("published", "agency", "schedule"):
        values = []
        for _, strata in days:
            scores = [methods[method] for methods in strata.values() if method in methods]
            etas = [(score.n, score.eta) for score in scores if score.eta is not None]
            values.append(sum(n * eta for n, eta in etas) / sum(n for n, _ in etas) if etas else None)
        if any(value is not None for value in values):
            lines.append(Line(name=say(f"accuracy.method.{method}"), key=method, values=tuple(values)))
    return plot(lines, [f"{day:%d.%m.}" for day, _ in days], label, floor=0.0, ceiling=100.0)


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

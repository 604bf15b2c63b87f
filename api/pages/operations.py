"""The operators' pages: how every feed is, worst first, since when, and what to do."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth import OPERATOR, OPERATOR_COOKIE, digest_of, operator_of
from api.endpoints.accuracy import route_names
from api.endpoints.answers import limit
from api.endpoints.delivered import total
from api.endpoints.feeds import worst_first
from api.errors import RequestRefused
from api.pages import words
from api.pages.render import date_text, language_of, page
from api.pages.sparkline import BARS, sparkline
from domain.feed import GOOD_OUTCOMES, SPEAKS_OF_TRIPS, FeedKind, FeedRecord
from domain.feed_health import FeedHealth, FeedState
from runtime.settings import Settings
from store import keys
from store.api_keys import get_all
from store.hall import AWAY

WORST_ROUTES = 5
PROCESSES = ("feeds", "predictor", "notify")
SICKNESSES = ("silence", "503", "garbage", "stale_clock", "well")
"""What a demo's simulator can do to a feed; only what speaks of trips has a clock that can be stale."""
SCHEDULE_COUNTS = ("routes", "stops", "trips")


def _contents(record: FeedRecord, language: str) -> str:
    """What is in the feed, by number; of a schedule's many tables the ones that people know."""
    counts = dict(record.entity_counts)
    if record.spec.kind is FeedKind.GTFS:
        counts = {kind: counts[kind] for kind in SCHEDULE_COUNTS if kind in counts}
    parts = [
        f"{words.say_if(language, f'count.{kind}') or kind}: {words.count(language, count)}"
        for kind, count in counts.items()
    ]
    return ", ".join(parts) or "–"


def _told(health: FeedHealth, language: str) -> dict[str, str]:
    """Why and what to do, in the reader's language where it has words for it; the judge's own are English."""
    values = {
        name.removesuffix("_s"): words.age(language, float(value)) if name.endswith("_s") else value
        for name, value in health.values
    }
    why, todo = (words.say_if(language, f"{part}.{health.code}", **values) for part in ("why", "todo"))
    own = language if why else words.DEFAULT
    return {"why": why or health.why, "todo": todo if why else health.todo, "words_language": own}


def _view(record: FeedRecord, health: FeedHealth, language: str) -> dict[str, Any]:
    name = record.spec.name or record.spec.feed_id
    shown = record.history[-BARS:]
    good = sum(poll.outcome in GOOD_OUTCOMES for poll in shown)
    label = words.say(language, "operations.history", count=len(shown), name=name, good=good, bad=len(shown) - good)
    return {
        "feed_id": record.spec.feed_id,
        "name": name,
        "kind": record.spec.kind.value,
        "url": record.spec.url,
        "state": health.state.value,
        "since_epoch_s": health.since_epoch_s,
        **_told(health, language),
        "age_s": health.age_s,
        "last_success_epoch_s": record.last_success_epoch_s,
        "consecutive_failures": record.consecutive_failures,
        "contents": _contents(record, language),
        "problem_kinds": len(record.problems),
        "spark": sparkline(record.history, label),
        "sick_name": record.spec.kind.value,
        "sicknesses": [kind for kind in SICKNESSES if kind != "stale_clock" or record.spec.kind in SPEAKS_OF_TRIPS],
    }


def _facts(record: FeedRecord, now_epoch_s: float, language: str) -> list[str]:
    """What no judgement speaks of: the server's clock, since when the contents are the same, polls left out."""
    facts = []
    if record.clock_ahead_s is not None:
        way = "even" if abs(record.clock_ahead_s) < 1.5 else "ahead" if record.clock_ahead_s > 0 else "behind"
        facts.append(words.say(language, f"feed.clock_{way}", age=words.age(language, abs(record.clock_ahead_s))))
    if record.content_change_epoch_s:
        age = words.age(language, now_epoch_s - record.content_change_epoch_s)
        facts.append(words.say(language, "feed.content_changed", age=age))
    if record.ticks_skipped:
        facts.append(words.plural(language, "feed.ticks_skipped", record.ticks_skipped))
    return facts


async def operations(request: Request) -> Response:
    """GET /operations: for operators; ``?part=feeds`` is the list alone."""
    if operator_of(request) is None:
        return page(request, "sign_in.html", 401, wrong=False)
    state = request.app.state
    settings: Settings = state.settings
    now, language = state.clock.now_epoch_s(), language_of(request)
    feeds = [_view(record, health, language) for record, health in worst_first(state.replica, now)]
    values = {
        "feeds": feeds,
        "sick": sum(feed["state"] != FeedState.OK.value for feed in feeds),
        "now": round(now, 1),
        "states": [state.value for state in FeedState],
        "demo_url": settings.demo.base_url if settings.demo else "",
        "processes": await _processes(request),
        "delivered": await _delivered(request, now, language),
    }
    return page(request, "_feeds.html" if request.query_params.get("part") == "feeds" else "operations.html", **values)


async def _delivered(request: Request, now_epoch_s: float, language: str) -> list[dict[str, Any]]:
    """Yesterday's and today's trips of every timetable, with the routes that miss most."""
    state = request.app.state
    try:
        records = await state.delivered.records_of(state.hall, state.replica, 2, now_epoch_s)
    except RequestRefused:
        return []
    tables = []
    for record in records:
        days = []
        for day, counts in record.days:
            worst = sorted((it for it in counts if it.missing), key=lambda it: -it.missing)[:WORST_ROUTES]
            days.append({
                "day": date_text(language, day),
                "total": total(counts),
                "worst": [(route_names(record.served, it.route_id)[1], it.missing) for it in worst],
            })  # fmt: skip
        if days:
            tables.append({"feed_id": record.feed_id, "days": days})
    return tables


async def _processes(request: Request) -> list[dict[str, Any]]:
    settings: Settings = request.app.state.settings
    expected = [name for name in PROCESSES if name != "notify" or settings.notify.fcm or settings.notify.console]
    try:
        found = [await request.app.state.hall.redis.get(keys.heartbeat(name)) for name in expected]
    except AWAY:
        return [{"name": "redis", "alive": False}]
    rows = [{"name": name, "alive": beat is not None} for name, beat in zip(expected, found, strict=True)]
    return [{"name": "redis", "alive": True}, *rows, {"name": "web", "alive": True}]


async def feed(request: Request) -> Response:
    """GET /operations/feeds/{id}: one feed's problems and polls."""
    if operator_of(request) is None:
        return page(request, "sign_in.html", 401, wrong=False)
    state = request.app.state
    language = language_of(request)
    record = state.replica.records.get(request.path_params["feed_id"])
    if record is None:
        heading, text = words.say(language, "not_found.title"), words.say(language, "not_found.text")
        return page(request, "message.html", 404, heading=heading, text=text, again_s=0)
    health = state.replica.health(record, state.clock.now_epoch_s())
    view = _view(record, health, language)
    facts = _facts(record, state.clock.now_epoch_s(), language)
    return page(
        request,
        "feed.html",
        feed=view,
        facts=facts,
        problems=record.problems,
        polls=list(reversed(record.history[-60:])),
    )


async def sign_in(request: Request) -> Response:
    """POST /operations/sign-in: a cookie that scripts cannot read and other sites cannot send."""
    limit(request)
    token = str((await request.form()).get("token", "")).strip()
    known = request.app.state.replica.api_keys
    if digest_of(token) not in known:  # made a moment ago: ask the hall, once
        try:
            known = await get_all(request.app.state.hall)
        except AWAY:
            known = {}
    record = known.get(digest_of(token))
    if record is None or record.role != OPERATOR:
        return page(request, "sign_in.html", 401, wrong=True)
    request.app.state.replica.api_keys = known
    response = RedirectResponse("/operations", 303)
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    response.set_cookie(OPERATOR_COOKIE, token, max_age=30 * 86_400, httponly=True, samesite="strict", secure=secure)
    return response


async def sign_out(_request: Request) -> Response:
    """POST /operations/sign-out."""
    response = RedirectResponse("/operations", 303)
    response.delete_cookie(OPERATOR_COOKIE)
    return response

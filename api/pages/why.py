"""``/why``: why a rider sees what they see of one arrival, in sentences, with a picture of the way that is left."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.answers import limit
from api.endpoints.explain import facts
from api.errors import RequestRefused
from api.pages import words
from api.pages.board import PASSED_S
from api.pages.names import name_in
from api.pages.render import clock_text, language_of, page, time_zone_of
from api.served import Served
from api.visits import Visit

WIDTH, HEIGHT, LEFT, RIGHT = 480, 80, 96, 96
"""At either end there is room for a time of day."""


async def why(request: Request) -> Response:
    """GET /why?stop=&trip=&serviceDate=&stopSequence=: the facts of ``/api/v1/explain/arrival``, to read; renewed as long as somebody looks."""
    limit(request)
    language = language_of(request)
    try:
        body, served, visit = await facts(request)
    except RequestRefused as refused:
        heading, text = words.say(language, "not_found.title"), words.say(language, "not_found.text")
        return page(request, "message.html", refused.code, heading=heading, text=text, again_s=0)
    found = msgspec.json.decode(msgspec.json.encode(body))
    prediction = found["prediction"] or {}
    arrives_ms, leaves_ms = prediction.get("arrivalTime") or 0, prediction.get("departureTime") or 0
    planned_s, now_s = _planned_s(served, visit), found["currentTime"] / 1000
    because = found["decision"]["because"]
    told_s = (leaves_ms or arrives_ms) / 1000 if because == "told_live" and (leaves_ms or arrives_ms) else planned_s
    left = because == "told_live" and told_s < now_s - PASSED_S
    live = because == "told_live" and not left
    learned = prediction.get("learned") if live else None  # how a time is made up that riders are not told helps nobody
    comes_s = (arrives_ms or leaves_ms) / 1000
    names = _Names(served, language)
    return page(
        request,
        "_why.html" if request.query_params.get("part") == "why" else "why.html",
        now=now_s,
        told_epoch_s=told_s,
        planned_epoch_s=planned_s,
        because="because.left" if left else f"because.decision.{because}",
        live=live,
        source=prediction.get("source", "none") if live else "none",
        route=names.route(visit),
        headsign=names.headsign(visit),
        stop=names.stop(visit.stop),
        stop_id=request.query_params.get("stop", ""),
        feed=found["realtime"],
        vehicle=found["vehicle"],
        early_epoch_s=comes_s + prediction.get("earlySeconds", 0),
        late_epoch_s=comes_s + prediction.get("lateSeconds", 0),
        learned=learned,
        segments=_segments(names, visit, learned) if learned else [],
        picture=_picture(request, names, visit, learned) if learned else "",
        query=urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "part"]),
    )


class _Names:
    """What people call things, in their language."""

    def __init__(self, served: Served, language: str) -> None:
        self.served, self.language = served, language

    def stop(self, row: int) -> str:
        it = self.served.bundle.stop(row)
        return name_in(self.language, self.served.bundle, "stops.stop_name", it.name, it.raw_id)

    def route(self, visit: Visit) -> str:
        if visit.trip < 0:
            return ""
        it = self.served.bundle.route(self.served.bundle.trip_route[visit.trip])
        return it.short_name or it.long_name

    def headsign(self, visit: Visit) -> str:
        if visit.trip < 0:
            return ""
        bundle = self.served.bundle
        own = bundle.pattern_headsign[bundle.call_row(visit.trip, visit.position)]
        text = bundle.texts[own or bundle.trip_headsign[visit.trip]]
        return name_in(self.language, bundle, "trips.trip_headsign", text, bundle.trip_ids[visit.trip])

    def at(self, visit: Visit, position: int) -> str:
        bundle = self.served.bundle
        return self.stop(bundle.pattern_stop[bundle.call_row(visit.trip, position)])


def _planned_s(served: Served, visit: Visit) -> float:
    if visit.trip < 0:
        return float(visit.at_epoch_s)
    bundle = served.bundle
    return float(bundle.day_start_epoch_s(visit.day) + bundle.departure_s(visit.trip, visit.position))


def _segments(names: _Names, visit: Visit, learned: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**it, "stop": names.at(visit, it["to_position"])} for it in learned["segments"]]


def _picture(request: Request, names: _Names, visit: Visit, learned: dict[str, Any]) -> Markup:
    """The way as a line: a dot a stop, as far apart as it takes, and the band of arrival below."""
    segments: list[dict[str, Any]] = learned["segments"]
    times: dict[str, float] = learned["times_epoch_s"]
    now: float = learned["now_epoch_s"]
    marks, clock_s = [], 0.0
    for it in segments:
        clock_s += it["part"] * it["expected_s"]
        marks.append((clock_s, names.at(visit, it["to_position"])))
        clock_s += it["dwell_s"]
    start_s = times["p50"] - now - marks[-1][0]  # before its first segment it may have to wait, or finish another trip
    last_s = max(float(times["p90"] - now), 1.0)

    def x(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(seconds, 0.0), last_s) / last_s

    zone = time_zone_of(request)
    parts = [f'<path class="way" d="M{x(0):.1f} 28H{x(start_s + marks[-1][0]):.1f}"/>']
    parts.append(f'<path class="bus" d="M{x(0):.1f} 18v20"/>')
    for at, name in marks:
        parts.append(
            f'<circle class="stop" cx="{x(start_s + at):.1f}" cy="28" r="4"><title>{escape(name)}</title></circle>'
        )
    low, high, told = (times[name] - now for name in ("p10", "p90", "published"))
    parts.append(
        f'<rect class="band" x="{x(low):.1f}" y="54" width="{max(x(high) - x(low), 2):.1f}" height="12" rx="6"/>'
    )
    parts.append(f'<path class="told" d="M{x(told):.1f} 48v24"/>')
    for name, anchor, place in (("p10", "end", x(low) - 6), ("p90", "start", x(high) + 6)):
        text = clock_text(times[name], zone, seconds=True)
        parts.append(f'<text class="{anchor}" x="{place:.1f}" y="66">{text}</text>')
    label = escape(words.say(language_of(request), "because.way"))
    return Markup(  # noqa: S704  # numbers of our own, and escaped names
        f'<svg class="whyway" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )

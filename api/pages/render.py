"""Templates to pages: language, clock, and headers that keep other sites out."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import compression
from api.pages import assets, words
from api.replica import Replica
from domain.service_day import zone
from domain.spoken_time import spoken_time
from runtime.settings import Settings

LANGUAGE_COOKIE = "wayside_language"


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("api.pages"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )


def language_of(request: Request) -> str:
    """What the address asks for, what was chosen before, what the browser prefers, the deployment's."""
    settings: Settings = request.app.state.settings
    wanted = request.query_params.get("lang", "") or request.cookies.get(LANGUAGE_COOKIE, "")
    return words.choose(wanted, request.headers.get("accept-language", ""), settings.language)


def time_zone_of(request: Request) -> str:
    """The city's: as configured, or the timetable's where the configuration says nothing."""
    settings: Settings = request.app.state.settings
    replica: Replica = request.app.state.replica
    if settings.time_zone != "UTC" or not replica.served:
        return settings.time_zone
    return next(iter(replica.served.values())).bundle.time_zone


def clock_text(epoch_s: float, time_zone: str, *, seconds: bool = False) -> str:
    """The local time of day."""
    moment = datetime.fromtimestamp(epoch_s, UTC).astimezone(zone(time_zone))
    return moment.strftime("%H:%M:%S" if seconds else "%H:%M")


def moment_text(language: str, epoch_s: float, now_epoch_s: float, time_zone: str) -> str:
    """A time today, or with its weekday or date: as on the phones of residents."""
    told = spoken_time(epoch_s, now_epoch_s, zone(time_zone))
    weekday, month = (words.say(language, key) for key in (f"weekday.{told.weekday}", f"month.{told.month}"))
    return words.say(language, told.way, hour=told.hour, minute=told.minute, day=told.day, weekday=weekday, month=month)


def date_text(language: str, day: date) -> str:
    """A day of this year."""
    return words.say(language, "date", day=day.day, month=words.say(language, f"month.{day.month}"))


def _recording(settings: Settings, language: str, now_epoch_s: float, time_zone: str) -> dict[str, Any] | None:
    """Where a recording is replayed: when it ends, and whether it has."""
    until = settings.demo.recorded_until_epoch_s if settings.demo else 0
    if not until:
        return None
    return {"until": moment_text(language, until, now_epoch_s, time_zone), "over": now_epoch_s > until}


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """The rendered page (or part of one, when the template's name begins with an underscore)."""
    settings: Settings = request.app.state.settings
    language = language_of(request)
    time_zone = time_zone_of(request)
    now_epoch_s = request.app.state.clock.now_epoch_s()

    def here_in(code: str) -> str:
        query = {**dict(request.query_params), "lang": code}
        return f"{request.url.path}?{urlencode(query)}"

    text = (
        _templates()
        .get_template(template)
        .render(
            language=language,
            languages=words.languages(),
            here_in=here_in,
            city=settings.city,
            demo=settings.demo is not None,
            recording=_recording(settings, language, now_epoch_s, time_zone),
            asset=assets.address,
            tiles=settings.tiles,
            attributions=[spec.attribution for spec in settings.feeds if spec.attribution],
            words=words.for_scripts(language),
            t=lambda key, **fields: words.say(language, key, **fields),
            plural=lambda key, count: words.plural(language, key, count),
            counted=lambda number: words.count(language, number),
            age=lambda seconds: words.age(language, seconds),
            clock=lambda epoch_s, seconds=False: clock_text(epoch_s, time_zone, seconds=seconds),
            **values,
        )
    )
    response = respond(request, text.encode(), status)
    if request.query_params.get("lang") == language:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=31_536_000, samesite="lax", httponly=True)
    return response


def respond(request: Request, body: bytes, status: int = 200) -> Response:
    """HTML with the headers of every page: nothing from other sites but what is configured."""
    settings: Settings = request.app.state.settings
    connect, images = ["'self'"], ["'self'", "data:"]
    forms = ["'self'"]
    if settings.demo:
        connect.append(settings.demo.base_url)
        forms.append(settings.demo.base_url)
    if settings.tiles:
        parts = urlsplit(settings.tiles.url)
        images.append(f"{parts.scheme}://{parts.netloc}")
    headers = {
        "content-security-policy": f"default-src 'self'; connect-src {' '.join(connect)}; img-src {' '.join(images)}; "
        f"form-action {' '.join(forms)}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
        "vary": "accept-encoding, accept-language, cookie",
    }
    if len(body) >= compression.MIN_BYTES:
        encoding = compression.choose(request.headers.get("accept-encoding", "").encode("latin-1"))
        if encoding:
            body = compression.compress(body, encoding)
            headers["content-encoding"] = encoding.decode()
    return HTMLResponse(body, status, headers=headers)

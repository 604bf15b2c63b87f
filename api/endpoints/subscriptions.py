"""``/api/v1/subscriptions``: a device asks to be warned about places, says that it is still there, and leaves again.

The identifier in the answer is random and the only credential; a token is never shown again. Places are rounded outward
before they are kept, and the answer shows what is kept.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from api.endpoints.answers import answer, limit
from api.errors import RequestRefused, unknown
from api.subscription_request import Wanted, read
from domain.subscription import Device, Platform, Subscription, rounded_outward
from runtime.settings import Settings
from store import subscriptions
from store.hall import AWAY, Hall
from store.streams import REFUSED

MAX_BODY_BYTES = 32_768
Handler = Callable[[Request], Awaitable[Response]]


def _shown(one: Subscription) -> bytes:
    return msgspec.json.encode(
        {
            "subscription_id": one.subscription_id,
            "device": {"platform": one.device.platform.value},
            "language": one.language,
            "places": [
                {"label": place.label, "lat": place.lat, "lon": place.lon, "radius_m": place.radius_m}
                for place in one.places
            ],
            "minimum_level": one.minimum_level,
            "created_at": _instant(one.created_epoch_s),
            "seen_at": _instant(one.seen_epoch_s),
        }
    )


def _instant(epoch_s: int) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _guarded(act: Handler) -> Handler:
    """Count the request against its address; 503 while Redis is away: nothing is acknowledged that is not kept."""

    async def handler(request: Request) -> Response:
        limit(request)
        try:
            return await act(request)
        except (*AWAY, *REFUSED) as error:
            retry = ((b"retry-after", b"2"),)
            raise RequestRefused(503, "subscriptions cannot be kept right now", headers=retry) from error

    handler.__doc__ = act.__doc__
    return handler


async def _body(request: Request) -> Any:
    """The request's JSON. Raises RequestRefused: 413 too large, 400 not JSON."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise RequestRefused(413, f"expected at most {MAX_BODY_BYTES} bytes of JSON")
    except ClientDisconnect as error:
        raise RequestRefused(400, "the request ended early") from error
    try:
        return msgspec.json.decode(bytes(body))
    except msgspec.DecodeError as error:
        raise RequestRefused(400, f"expected JSON: {error}") from error
    except RecursionError as error:
        raise RequestRefused(400, "expected JSON that is nested less deeply") from error


def _platforms(settings: Settings) -> list[Platform]:
    there = {Platform.FCM: settings.notify.fcm is not None, Platform.CONSOLE: settings.notify.console}
    return [platform for platform in Platform if there[platform]]


async def _wanted(request: Request, *, partial: bool) -> Wanted:
    settings: Settings = request.app.state.settings
    return read(await _body(request), platforms=_platforms(settings), partial=partial)


def _changed(old: Subscription, wanted: Wanted, now_epoch_s: float) -> Subscription:
    token = wanted.token if wanted.token is not None else old.device.token
    return replace(
        old,
        device=Device(platform=wanted.platform or old.device.platform, token=token),
        language=wanted.language or old.language,
        places=tuple(map(rounded_outward, wanted.places)) if wanted.places is not None else old.places,
        minimum_level=wanted.minimum_level or old.minimum_level,
        seen_epoch_s=int(now_epoch_s),
    )


async def create(request: Request) -> Response:
    """POST /api/v1/subscriptions: 201 with the new subscription, 200 with the one this device and ground have."""
    state = request.app.state
    settings: Settings = state.settings
    hall: Hall = state.hall
    wanted = await _wanted(request, partial=False)
    now = state.clock.now_epoch_s()
    blank = Subscription(
        subscription_id="",
        device=Device(platform=Platform.FCM, token=""),
        language=settings.language,
        places=(),
        minimum_level="minor",
        created_epoch_s=int(now),
        seen_epoch_s=int(now),
    )
    kept = await subscriptions.put(hall, _changed(blank, wanted, now))
    response = answer(request, _shown(kept.subscription), status=201 if kept.is_new else 200)
    response.headers["location"] = f"/api/v1/subscriptions/{kept.subscription.subscription_id}"
    return response


async def show(request: Request) -> Response:
    """GET /api/v1/subscriptions/{id}: what is kept, but for the token."""
    found = await subscriptions.get(request.app.state.hall, request.path_params["subscription_id"])
    if found is None:
        raise unknown()
    return answer(request, _shown(found))


async def edit(request: Request) -> Response:
    """PATCH (what is given replaces) or PUT (all of it) /api/v1/subscriptions/{id}."""
    wanted = await _wanted(request, partial=request.method == "PATCH")
    now = request.app.state.clock.now_epoch_s()
    changed = await subscriptions.edit(
        request.app.state.hall, request.path_params["subscription_id"], lambda old: _changed(old, wanted, now)
    )
    if changed is None:
        raise unknown()
    return answer(request, _shown(changed))


async def remove(request: Request) -> Response:
    """DELETE /api/v1/subscriptions/{id}: everything about it is forgotten."""
    if not await subscriptions.delete(request.app.state.hall, request.path_params["subscription_id"]):
        raise unknown()
    return Response(status_code=204)


async def heartbeat(request: Request) -> Response:
    """POST /api/v1/subscriptions/{id}/heartbeat: the app is still there; say so once a day."""
    state = request.app.state
    if not await subscriptions.heartbeat(state.hall, request.path_params["subscription_id"], state.clock.now_epoch_s()):
        raise unknown()
    return Response(status_code=204)


ROUTES: tuple[Route, ...] = (
    Route("/api/v1/subscriptions", _guarded(create), methods=["POST"]),
    Route("/api/v1/subscriptions/{subscription_id}", _guarded(show), methods=["GET"]),
    Route("/api/v1/subscriptions/{subscription_id}", _guarded(edit), methods=["PATCH", "PUT"]),
    Route("/api/v1/subscriptions/{subscription_id}", _guarded(remove), methods=["DELETE"]),
    Route("/api/v1/subscriptions/{subscription_id}/heartbeat", _guarded(heartbeat), methods=["POST"]),
)
"""What the application serves of this noun."""

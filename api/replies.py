"""What every reply of the API says beside its body, and how what went wrong is worded."""

import logging

from starlette.types import Send

from api.errors import RequestRefused
from api.formats import oba

log = logging.getLogger("wayside.api")

Headers = tuple[tuple[bytes, bytes], ...]
Reply = tuple[int, Headers, tuple[bytes, ...]]
"""Status, headers, and the body in parts, one at least: many answers that hold the same large list share it."""

JSON_TYPE = (b"content-type", b"application/json;charset=utf-8")
COMMON: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"vary", b"accept-encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""Any page may read what is public; no answer is ever a page, and an address that holds a key is not passed on."""
LIVE: Headers = (JSON_TYPE, (b"cache-control", b"no-store"), *COMMON)
STATIC: Headers = (JSON_TYPE, *COMMON)
"""What only changes with the timetable; how long it may be kept is ``api.validators``' to say."""
PREFLIGHT: Reply = (
    204,
    (
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
        (b"access-control-allow-headers", b"*"),
        (b"access-control-max-age", b"86400"),
        (b"content-length", b"0"),
    ),
    (b"",),
)
"""To a browser that asks whether a page of another site may ask."""


async def send_off(send: Send, reply: Reply) -> None:
    """The whole reply, over ASGI."""
    status, headers, parts = reply
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for part in parts[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": parts[-1]})


def failure(error: Exception, now_epoch_s: float, *, endpoint: str, given_id: str = "") -> Reply:
    """A refusal in its own words, or 500 for what nobody expected, which is logged."""
    if isinstance(error, RequestRefused):
        body = oba.refusal(now_epoch_s, error.code, error.text, error.field_errors)
        return error.code, (*LIVE, *error.headers), (body,)
    log.error("event=request_failed endpoint=%s id=%r", endpoint, given_id[:200], exc_info=error)
    return 500, LIVE, (oba.refusal(now_epoch_s, 500, "internal server error", None),)

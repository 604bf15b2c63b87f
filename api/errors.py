"""Requests that are refused, and how every refusal is worded.

The HTTP status always equals the body's ``code``; the body is always JSON.
"""

import math
from collections.abc import Mapping

from domain.errors import WaysideError


class RequestRefused(WaysideError):
    """A request that is not answered with what it asked for.

    *code* is the HTTP status; *field_errors* names the parameter or ``id`` and what was expected of it.
    """

    def __init__(
        self,
        code: int,
        text: str,
        *,
        field_errors: Mapping[str, list[str]] | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.field_errors = dict(field_errors) if field_errors else None
        self.headers = headers


def invalid(field: str, expected: str) -> RequestRefused:
    """400: one parameter, or the id, is not what it must be."""
    return RequestRefused(400, f"{field}: {expected}", field_errors={field: [expected]})


def unknown() -> RequestRefused:
    """404: nothing has that id, or there is no such address."""
    return RequestRefused(404, "resource not found")


def permission_denied() -> RequestRefused:
    """401: no key, or not one of ours."""
    return RequestRefused(401, "permission denied")


def not_ready(why: str) -> RequestRefused:
    """503: no timetable yet; worth trying again soon."""
    return RequestRefused(503, f"not ready: {why}", headers=((b"retry-after", b"5"),))


def method_not_allowed(allowed: bytes = b"GET, HEAD, OPTIONS") -> RequestRefused:
    """405: this address does not take that verb."""
    return RequestRefused(405, "method not allowed", headers=((b"allow", allowed),))


def too_many(retry_after_s: float) -> RequestRefused:
    """429: the key, or the address, asked faster than it may."""
    wait = str(max(1, math.ceil(retry_after_s))).encode()
    return RequestRefused(429, "rate limit exceeded", headers=((b"retry-after", wait),))

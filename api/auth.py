"""Who asks: API keys of apps, the operators' key, and how often each may ask.

A key is looked up by its SHA-256, so that how long the look-up takes says nothing about any key there is.
"""

import hashlib
import hmac
from collections.abc import Mapping

from starlette.requests import Request

from api.errors import permission_denied, too_many
from api.quotas import Quotas
from api.replica import KeyRecord, Replica
from runtime.clock import Clock
from runtime.settings import Settings

OPERATOR = "operator"
OPERATOR_COOKIE = "wayside_operator"
"""Holds the operator's key; the sign-in page sets it (HttpOnly, SameSite=Strict)."""
OPEN_REQUESTS_PER_S = 20.0
"""What one address may ask of the endpoints that take no key, on average; bursts of ten times that are let through."""
MAX_ADDRESSES = 10_000
LEASES_AWAITED = 3
"""A burst waits for the next portions of its key's quota, this often, before it is refused."""
TEST_KEY = b"test"


def digest_of(key: str) -> str:
    """What is kept of a key: its SHA-256 in hexadecimal."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _is_test_key(key: str, settings: Settings) -> bool:
    return settings.accept_test_key and hmac.compare_digest(key.encode("utf-8", "surrogatepass"), TEST_KEY)


class Doors:
    """Who may ask ``/api/where`` now."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self.quotas = Quotas(clock, default=settings.key_quota, processes=settings.web_processes)
        anonymous = settings.anonymous_quota
        self._anonymous = RateLimit(clock, per_s=anonymous.rate_per_s, burst=anonymous.requests)

    def admit(self, query: Mapping[str, str], api_keys: Mapping[str, KeyRecord], address: str) -> None:
        """Count the request against the query's ``key``; raises RequestRefused: 401 for no good key, 429 for too many.

        Where no key is required, who brings none (or none of ours) is counted by *address*.
        """
        key = query.get("key", "")
        if key:
            if _is_test_key(key, self._settings):
                return
            digest = digest_of(key)
            record = api_keys.get(digest)
            if record is not None:
                self.quotas.take(digest, record)
                return
        if self._settings.require_api_key:
            raise permission_denied()
        if address:
            self._anonymous.take(address)


def require_key(query: Mapping[str, str], settings: Settings, api_keys: Mapping[str, KeyRecord]) -> None:
    """Raise RequestRefused (401) unless the query's ``key`` may ask ``/api/where``; counts nothing."""
    key = query.get("key", "")
    if settings.require_api_key and not (key and (_is_test_key(key, settings) or digest_of(key) in api_keys)):
        raise permission_denied()


def require_protected(query: Mapping[str, str], api_keys: Mapping[str, KeyRecord]) -> None:
    """Raise RequestRefused (401) unless the query's ``key`` may read what riders reported."""
    record = api_keys.get(digest_of(query.get("key", "")))
    if record is None or not (record.protected or record.role == OPERATOR):
        raise permission_denied()


def operator_of(request: Request) -> KeyRecord | None:
    """The operator who sends the request (``Authorization: Bearer`` or the sign-in cookie), or None."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        key = request.cookies.get(OPERATOR_COOKIE, "")
    replica: Replica = request.app.state.replica
    record = replica.api_keys.get(digest_of(key.strip())) if key else None
    return record if record is not None and record.role == OPERATOR else None


def require_operator(request: Request) -> KeyRecord:
    """The operator who sends the request; raises RequestRefused (401) when it is none."""
    record = operator_of(request)
    if record is None:
        raise permission_denied()
    return record


class RateLimit:
    """Token buckets: one an address (or key), each refilled *per_s*, holding at most *burst*."""

    def __init__(self, clock: Clock, *, per_s: float, burst: float) -> None:
        self._clock = clock
        self._per_s = per_s
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, who: str) -> None:
        """Count one request; raises RequestRefused (429) when *who* asked too often."""
        now_s = self._clock.monotonic_s()
        tokens, since_s = self._buckets.get(who, (self._burst, now_s))
        tokens = min(self._burst, tokens + (now_s - since_s) * self._per_s)
        if tokens < 1:
            raise too_many((1 - tokens) / self._per_s)
        if len(self._buckets) >= MAX_ADDRESSES:
            self._buckets.clear()
        self._buckets[who] = (tokens - 1, now_s)

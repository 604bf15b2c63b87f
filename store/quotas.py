"""Quotas of API keys: one bucket a key in Redis, from which every web process takes small portions ahead of need.

A bucket holds at most one quota and refills evenly. It may go below zero: a process that served a few requests before
it was answered settles them afterwards, so that over any long time the quota is kept exactly.
"""

from collections.abc import Mapping
from typing import NamedTuple

from domain.quota import Quota
from store import keys
from store.hall import Hall

# KEYS: bucket. ARGV: refill a second, size, requests already served, requests wanted. Time is the server's own: the
# clocks of the web processes do not matter.
_LEASE = """
local rate, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1]) or size
local since = math.max(0, now - (tonumber(held[2]) or now))
tokens = math.max(-size, math.min(size, tokens + since * rate) - tonumber(ARGV[3]))
local granted = math.max(0, math.min(tonumber(ARGV[4]), math.floor(tokens)))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(2000 * size / rate) + 1000)
return {granted, math.floor(tokens), math.max(0, math.ceil(1000 * (1 - tokens) / rate))}
"""


class Want(NamedTuple):
    """What one process asks of one bucket."""

    quota: Quota
    served: int
    """Requests it let through since it last asked, beyond what it had been granted."""
    wanted: int


class Lease(NamedTuple):
    """What it gets."""

    granted: int
    left: int
    """Whole requests still in the bucket; negative when it owes."""
    wait_s: float
    """Until the bucket has the next request to give."""


async def lease(hall: Hall, wants: Mapping[str, Want]) -> dict[str, Lease]:
    """Digest of a key to what its bucket grants; one round trip for all."""
    async with hall.redis.pipeline(transaction=False) as pipe:
        for digest, want in wants.items():
            rate, size = want.quota.rate_per_s, want.quota.requests
            pipe.eval(_LEASE, 1, keys.quota(digest), f"{rate:.9f}", size, want.served, want.wanted)
        answers = await pipe.execute()
    return {
        digest: Lease(int(granted), int(left), int(wait_ms) / 1000)
        for digest, (granted, left, wait_ms) in zip(wants, answers, strict=True)
    }


async def forget(hall: Hall, digest: str) -> None:
    """A key that was revoked has no bucket."""
    await hall.redis.delete(keys.quota(digest))

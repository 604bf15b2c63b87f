"""Work that must not be lost: a stream read by a group, with claims that expire.

An entry is taken by one consumer, and taken over by another when its claim was not renewed for a while; it leaves the
stream when it is done, never before. So everything is handed on at least once, also when a process is killed.
"""

import contextlib
import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisClusterException, RedisError, ResponseError

from store.hall import Hall

REFUSED = (RedisError, RedisClusterException)
"""Redis is there, but would not do it: out of memory, read-only, a cluster that moves."""

FORGOTTEN_AFTER_S = 3600
"""A consumer with nothing in hand that was silent for so long is struck off the group's list."""


def consumer_name() -> str:
    """A name that no other consumer has, nor had: two that share one would finish each other's work."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; *deliveries* counts how often it was given out, this time included."""

    entry_id: bytes
    fields: dict[bytes, bytes]
    deliveries: int = 1


class WorkStream:
    """One consumer's view of a stream's group. *forget_done* also deletes what is done from the stream."""

    def __init__(self, hall: Hall, key: str, group: str, consumer: str, *, forget_done: bool) -> None:
        self._hall, self._key, self._group, self._consumer = hall, key, group, consumer
        self._forget_done = forget_done
        self._cursor: bytes = b"0-0"

    async def open(self) -> None:
        """Make sure that the group exists; it starts at the stream's first entry, so nothing older is missed."""
        try:
            await self._hall.redis.xgroup_create(self._key, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def take(self, count: int, wait_s: float) -> list[Entry]:
        """Up to *count* entries that nobody has yet; empty when none came within *wait_s*."""
        try:
            found = await self._hall.redis.xreadgroup(
                self._group, self._consumer, {self._key: ">"}, count=count, block=max(int(wait_s * 1000), 1)
            )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.open()  # an empty server came back in place of ours
            return []
        return [Entry(entry_id, fields) for _, entries in _pairs(found) for entry_id, fields in entries]

    async def take_over(self, count: int, claim_s: float) -> list[Entry]:
        """Up to *count* entries whose claim was not renewed for *claim_s*: their consumer is gone."""
        try:
            answer = await self._hall.redis.xautoclaim(
                self._key, self._group, self._consumer, int(claim_s * 1000), start_id=self._cursor, count=count
            )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.open()
            return []
        self._cursor = answer[0]
        entries = [(entry_id, fields) for entry_id, fields in answer[1] if fields]
        if not entries:
            return []
        pending = await self._hall.redis.xpending_range(
            self._key, self._group, min=entries[0][0], max=entries[-1][0], count=10 * count, consumername=self._consumer
        )
        times = {row["message_id"]: int(row["times_delivered"]) for row in pending}
        return [Entry(entry_id, fields, times.get(entry_id, 1)) for entry_id, fields in entries]

    async def renew(self, entries: Sequence[Entry]) -> None:
        """Say that these are still being worked on."""
        if entries:
            ids = [entry.entry_id for entry in entries]
            await self._hall.redis.xclaim(self._key, self._group, self._consumer, 0, ids, justid=True)

    async def done(self, entries: Sequence[Entry]) -> None:
        """These are settled and never come again."""
        if not entries:
            return
        ids = [entry.entry_id for entry in entries]
        async with self._hall.redis.pipeline(transaction=True) as pipe:
            pipe.xack(self._key, self._group, *ids)
            if self._forget_done:
                pipe.xdel(self._key, *ids)
            await pipe.execute()

    async def strike_off_silent(self) -> None:
        """Remove consumers of processes long gone, but never one that still has entries in hand."""
        with contextlib.suppress(ResponseError):
            for row in await self._hall.redis.xinfo_consumers(self._key, self._group):
                if not row["pending"] and row["idle"] > FORGOTTEN_AFTER_S * 1000:
                    await self._hall.redis.xgroup_delconsumer(self._key, self._group, row["name"])


def _pairs(found: object) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """What XREADGROUP answers, the same for RESP2 (lists) and RESP3 (a map of lists of lists)."""
    if not found:
        return []
    if isinstance(found, dict):
        return [(key, [tuple(entry) for part in parts for entry in part]) for key, parts in found.items()]
    assert isinstance(found, list)
    return [(key, entries) for key, entries in found]

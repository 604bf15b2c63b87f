"""The connection to Redis, and the two things every room does with it: leave a state, and follow states.

State is one hash a noun: ``version`` counts up, the other fields are replaced whole in the same transaction, and the
change is announced on one channel. A follower that missed an announcement reads the versions again every two
seconds and is right again.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from store import keys

log = logging.getLogger("wayside.store")

LOST = (RedisConnectionError, RedisTimeoutError, RedisClusterException, ClusterError)
"""What "Redis is away" looks like, a cluster without some of its slots too; rooms wait it out."""

AWAY = (*LOST, OSError)
"""The same where nothing else opens files or sockets."""

T = TypeVar("T")

RETRY_S = 0.2

START_S = 3.0
"""How long a server that starts together with everything else may take."""

RESYNC_S = 2.0
"""How long a follower may believe that nothing changed without asking."""


@dataclass(frozen=True, slots=True)
class Change:
    """A state was replaced: *topic* such as ``predictions``, the feed (or blank) and the new version."""

    topic: str
    feed_id: str
    version: int


RESYNC = Change("resync", "", 0)
"""Not a change: it is time to compare versions."""


class Hall:
    """One process's connection to Redis (single server or cluster)."""

    def __init__(self, redis: "Redis | RedisCluster") -> None:
        self.redis: Any = redis
        self._said_away = self._was_there = False

    @classmethod
    def connect(cls, url: str) -> "Hall":
        """A hall at *url* (``redis://``, ``rediss://``, ``unix://``; ``redis+cluster://`` for a cluster). Lazy."""
        if url.startswith(("redis+cluster://", "rediss+cluster://")):
            return cls(RedisCluster.from_url(url.replace("+cluster", "", 1)))
        return cls(Redis.from_url(url, socket_connect_timeout=3.0, socket_timeout=10.0, retry=Retry(NoBackoff(), 1)))

    async def close(self) -> None:
        with contextlib.suppress(*AWAY, RedisError):
            await self.redis.aclose()

    async def is_there(self) -> bool:
        """Does Redis answer right now?"""
        try:
            return bool(await self.redis.ping())
        except (*AWAY, RedisError, RedisClusterException):
            return False

    async def wait_until_there(self, poll_s: float = RETRY_S) -> None:
        """Return once Redis answers; however many wait, one says that it is away and one that it is back.

        A house that has just started gives its own server :data:`START_S` before it speaks of it as away.
        """
        waited_s = 0.0
        while not await self.is_there():
            if not self._said_away and (self._was_there or waited_s >= START_S):
                self._said_away = True
                log.warning("event=redis_away action=waiting")
            await asyncio.sleep(poll_s)
            waited_s += poll_s
        self._was_there = True
        if self._said_away:
            self._said_away = False
            log.info("event=redis_back")

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """What *act* gives. While Redis is away it waits, and acts again: *act* must bear being done twice."""
        while True:
            await self.wait_until_there()
            try:
                return await act()
            except LOST:
                await asyncio.sleep(RETRY_S)

    async def put_state(
        self, key: str, fields: Mapping[str, bytes | str | int | float], *, topic: str, feed_id: str = ""
    ) -> int:
        """Replace *fields* of the hash at *key*, count its version up, announce it; the new version."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(key, "version", 1)
            pipe.hset(key, mapping=dict(fields))
            version = int((await pipe.execute())[0])
        await self.redis.publish(keys.channel(), f"{topic} {feed_id or '-'} {version}")
        return version

    async def get_state(self, key: str) -> dict[str, bytes] | None:
        """All fields of the hash at *key*, or None when nobody has left it yet."""
        fields = await self.redis.hgetall(key)
        return {name.decode(): value for name, value in fields.items()} or None

    async def version(self, key: str) -> int:
        """The version of the hash at *key*; 0 when nobody has left it yet."""
        return int(await self.redis.hget(key, "version") or 0)

    async def changes(self) -> AsyncIterator[Change]:
        """Every announced change, and RESYNC at the start, every two seconds, and whenever Redis came back.

        Never ends and never raises because Redis is away.
        """
        while True:
            await self.wait_until_there()
            pubsub = self.redis.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(keys.channel())
                yield RESYNC
                while True:
                    message = await pubsub.get_message(timeout=RESYNC_S)
                    if message is None or message.get("type") != "message":
                        yield RESYNC
                        continue
                    topic, feed_id, version = message["data"].decode().rsplit(" ", 2)
                    yield Change(topic, "" if feed_id == "-" else feed_id, int(version))
            except (*AWAY, RedisError):
                await asyncio.sleep(0.1)
            finally:
                with contextlib.suppress(*AWAY, RedisError):
                    await pubsub.aclose()

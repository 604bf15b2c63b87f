"""Server-sent events: what is, and then what changes of it, to as many listeners as there are.

A :class:`Topic` is something to listen to: a mapping of keys to rows of JSON. It is computed once a tick however many
listen, and keeps its last few changes. A listener holds nothing but the id of what it last got: when the topic moves on,
it gets the changes since then, or all of it where it fell too far behind. So nothing queues up for a slow reader: it
waits in its own socket, misses states in between, and is cut off when it takes nothing for a while.

An event's id is a hash of the topic's whole content, so that a client that comes back with ``Last-Event-ID`` to another
process, or after a restart, is told only what changed. Source: HTML, section 9.2, server-sent events.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from api.errors import RequestRefused, too_many
from api.formats import oba

log = logging.getLogger("wayside.api")

HEARTBEAT_S = 20.0
"""A comment is sent when nothing else was, so that proxies and phones see that the line is alive."""
SEND_PATIENCE_S = 20.0
"""A reader that takes nothing for so long is cut off."""
CHANGES_KEPT = 16
"""Changes a listener may have missed and still be told as changes: some minutes of ticks."""
AT_MOST_S = 15.0
"""Topics are looked at again after so long without news: time passes, and calls with it."""
SETTLE_S = 0.05
BATCH = 10
"""Topics computed in one go; between batches requests are answered."""
MAX_STREAMS = 10_000
MAX_OF_ADDRESS = 500
"""Streams that one address may hold: many phones may share a carrier's."""
RETRY_MS = (2000, 6000)
"""When a client should come back after a broken line: anywhere in between, so that not all come at once."""

Rows = Mapping[str, bytes]
Look = Callable[[], Rows]
"""Computes the topic's rows now; raises RequestRefused when its subject is gone."""

HEADERS = (
    (b"content-type", b"text/event-stream;charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"access-control-allow-origin", b"*"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
)


class _Listener:
    """Someone on the line: woken when there is something to tell, or nothing more to wait for."""

    __slots__ = ("_loop", "_timer", "_waiting", "gone")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.gone = False

    def wake(self, *_: object, news: bool = True) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(news)

    def leave(self, *_: object) -> None:
        self.gone = True
        self.wake()

    async def wait(self, heartbeat_s: float) -> bool:
        """True when woken, False when it is time for a heartbeat."""
        self._waiting = self._loop.create_future()
        self._timer = self._loop.call_later(heartbeat_s, lambda: self.wake(news=False))
        try:
            return await self._waiting
        finally:
            self._timer.cancel()
            self._waiting = self._timer = None


class Topic:
    """See the module. *event* is the name of its events."""

    def __init__(self, event: str, look: Look) -> None:
        self.event = event
        self.look = look
        self.listeners: set[_Listener] = set()
        self.rows: Rows = {}
        self.id = ""
        self.ended = False
        self._changes: deque[tuple[str, frozenset[str]]] = deque(maxlen=CHANGES_KEPT)
        """(id before, keys that came, changed or went) of each change, oldest first."""
        self._told: dict[str, bytes] = {}
        """What listeners at that id are told: encoded once for all of them."""
        self.update()

    def update(self) -> bool:
        """Look again; True when something changed (and listeners were woken). Raises RequestRefused."""
        rows = self.look()
        digest = blake2b(digest_size=9)
        for key in sorted(rows):
            digest.update(key.encode("utf-8", "surrogatepass") + b"\0" + rows[key] + b"\0")
        found = digest.hexdigest()
        if found == self.id:
            return False
        before = self.rows
        changed = {key for key in rows if before.get(key) != rows[key]} | (before.keys() - rows.keys())
        if self.id:
            self._changes.append((self.id, frozenset(changed)))
        self.rows, self.id = dict(rows), found
        self._told.clear()
        for listener in self.listeners:
            listener.wake()
        return True

    def since(self, last_id: str) -> bytes | None:
        """The event for who has *last_id*; None when nothing is new."""
        if last_id == self.id:
            return None
        told = self._told.get(last_id)
        if told is None:
            told = self._told[self._known(last_id)] = self._encode(self._keys_since(last_id))
        return told

    def _known(self, last_id: str) -> str:
        """Strangers' ids are all one: they get everything."""
        return last_id if any(before == last_id for before, _ in self._changes) else ""

    def _keys_since(self, last_id: str) -> frozenset[str] | None:
        keys: frozenset[str] = frozenset()
        for before, changed in reversed(self._changes):
            keys |= changed
            if before == last_id:
                return keys
        return None

    def _encode(self, keys: frozenset[str] | None) -> bytes:
        wanted = self.rows if keys is None else {key: self.rows[key] for key in self.rows if key in keys}
        gone = [] if keys is None else sorted(keys - self.rows.keys())
        return b'id: %b\nevent: %b\ndata: {"complete":%b,"changed":[%b],"gone":%b}\n\n' % (
            self.id.encode(),
            self.event.encode(),
            oba.boolean(keys is None),
            b",".join(wanted.values()),
            oba.encode(gone),
        )


class Streams:
    """All streams of one web process."""

    def __init__(
        self,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        send_patience_s: float = SEND_PATIENCE_S,
        max_of_address: int = MAX_OF_ADDRESS,
    ) -> None:
        self._max_of_address = max_of_address
        self._heartbeat_s = heartbeat_s
        self._send_patience_s = send_patience_s
        self._topics: dict[tuple[str, ...], Topic] = {}
        self._news = asyncio.Event()
        self._closing = False
        self._of_address: dict[str, int] = {}
        self.open: dict[str, int] = {}
        """Name of an event to streams open now."""
        self.events_total = 0
        self.looks_total = 0
        self.cut_off_total = 0

    def notice(self) -> None:
        """Something that topics are made of changed."""
        self._news.set()

    async def run(self) -> None:
        """Look at every topic that has listeners after each notice; never ends."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), AT_MOST_S)
            await asyncio.sleep(SETTLE_S)
            self._news.clear()
            await self.look()

    async def look(self) -> None:
        """Look at every topic that has listeners, once."""
        for number, topic in enumerate(list(self._topics.values()), 1):
            if number % BATCH == 0:
                await asyncio.sleep(0)
            try:
                self.looks_total += 1
                topic.update()
            except RequestRefused:
                topic.ended = True  # the stop is not in the new timetable: its listeners come back and are told so
            except Exception:
                log.exception("event=stream_failed topic=%s", topic.event)
                topic.ended = True
            if topic.ended:
                for listener in topic.listeners:
                    listener.wake()

    def close(self) -> None:
        """End every stream: the process stops, and clients come back to another."""
        self._closing = True
        for topic in self._topics.values():
            for listener in topic.listeners:
                listener.wake()

    @contextlib.contextmanager
    def _counted(self, address: str) -> Iterator[None]:
        self._of_address[address] = self._of_address.get(address, 0) + 1
        try:
            yield
        finally:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    @contextlib.contextmanager
    def _listening(self, key: tuple[str, ...], event: str, look: Look) -> Iterator[tuple[Topic, _Listener]]:
        topic = self._topics.get(key)
        if topic is None:
            self.looks_total += 1
            topic = self._topics[key] = Topic(event, look)
        listener = _Listener()
        topic.listeners.add(listener)
        self.open[event] = self.open.get(event, 0) + 1
        try:
            yield topic, listener
        finally:
            self.open[event] -= 1
            topic.listeners.discard(listener)
            if not topic.listeners and self._topics.get(key) is topic:
                del self._topics[key]

    async def serve(
        self, scope: Scope, receive: Receive, send: Send, *, key: tuple[str, ...], event: str, look: Look
    ) -> None:
        """Answer a request with the stream of a topic. Raises RequestRefused before anything is sent: 503 when there are
        too many, or whatever *look* says."""
        if self._closing or sum(self.open.values()) >= MAX_STREAMS:
            raise RequestRefused(503, "too many streams are open", headers=((b"retry-after", b"10"),))
        address = (scope.get("client") or ("",))[0]
        if self._of_address.get(address, 0) >= self._max_of_address:
            raise too_many(10)
        last_id = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"last-event-id"), "")
        with self._counted(address), self._listening(key, event, look) as (topic, listener):
            hanging_up = asyncio.ensure_future(_hung_up(receive))
            hanging_up.add_done_callback(listener.leave)
            try:
                await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                await self._tell(send, b"retry: %d\n\n" % random.randint(*RETRY_MS))
                await self._follow(topic, listener, last_id, send)
                if not listener.gone:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            except TimeoutError:
                self.cut_off_total += 1
                _abort(send)
            except Exception:
                log.exception("event=stream_failed topic=%s", event)
                _abort(send)
            finally:
                hanging_up.remove_done_callback(listener.leave)
                hanging_up.cancel()

    async def _follow(self, topic: Topic, listener: _Listener, last_id: str, send: Send) -> None:
        while not (listener.gone or topic.ended or self._closing):
            told = topic.since(last_id)
            if told is not None:
                last_id = topic.id
                self.events_total += 1
                await self._tell(send, told)
            elif not await listener.wait(self._heartbeat_s):
                await self._tell(send, b":\n\n")

    async def _tell(self, send: Send, text: bytes) -> None:
        """Hand over, or raise TimeoutError when the reader takes nothing."""
        message: Message = {"type": "http.response.body", "body": text, "more_body": True}
        async with asyncio.timeout(self._send_patience_s):
            await send(message)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _abort(send: Send) -> None:
    """Close the connection of a reader that does not read, without waiting for it to take what is buffered."""
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()

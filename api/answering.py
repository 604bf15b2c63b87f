"""Questions to ``/api/where`` (OneBusAway's API) answered, from the request's bytes to the reply's.

No framework stands in between: that is what thousands of phones ask every second.
"""

import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import Scope, Send

from api import compression, params, validators
from api.auth import LEASES_AWAITED, Doors, require_key
from api.errors import RequestRefused, method_not_allowed, not_ready, unknown
from api.formats import oba
from api.past import LOOKS_BACK_S, Past
from api.references import References
from api.replica import Replica
from api.replies import COMMON, LIVE, PREFLIGHT, STATIC, Headers, Reply, failure, send_off
from api.where import Ask
from runtime.clock import Clock
from runtime.settings import Settings
from store.hall import AWAY, Hall


class Endpoint(NamedTuple):
    """One of OneBusAway's: ``{name}.json`` or, where it takes an id, ``{name}/{id}.json``."""

    handler: Callable[[Ask], bytes]
    takes_id: bool
    is_live: bool
    """False for what only changes with the timetable: clients may keep it."""


class Question(NamedTuple):
    """A request as it came, not yet known to be one that may be asked. (Made for every request: a tuple is made quickest.)"""

    method: str
    endpoint: str
    id: str
    """What stands after the endpoint's name, blank for none."""
    query: bytes
    then: tuple[Replica, float] | None = None
    """What was known at a time in the past, and that time; None: the present."""
    address: str = ""
    """Who asks, where no key says."""
    if_none_match: bytes = b""
    """Names what the client has."""


class Answering:
    """Answers by the endpoints it is given: those that need no more than the replica, and those that ask the hall."""

    def __init__(
        self,
        *,
        endpoints: Mapping[str, Endpoint],
        in_hall: Mapping[str, Callable[[Ask, Hall], Awaitable[bytes]]],
        settings: Settings,
        clock: Clock,
        replica: Replica,
        hall: Callable[[], Hall],
        doors: Doors,
        known: validators.Validators,
    ) -> None:
        self._endpoints, self._in_hall = endpoints, in_hall
        self._settings, self._clock, self._replica, self._hall = settings, clock, replica, hall
        self._doors, self._validators = doors, known
        self._past = Past(settings.home)
        self._large = compression.LargeBodies()

    async def serve(self, scope: Scope, path: str, send: Send) -> tuple[str, int]:
        """Answer a request for *path*: what stands after ``/api/where/``.

        Returns the endpoint's name (``unknown`` for none of ours) and the status.
        """
        name, _, given_id = path.removesuffix(".json").partition("/")
        query: bytes = scope["query_string"]
        found = self._endpoints.get(name)
        question = Question(
            method=scope["method"],
            endpoint=name,
            id=given_id,
            query=query,
            then=await self._then(found, query) if b"time=" in query else None,
            address=(scope.get("client") or ("",))[0],
            if_none_match=validators.given_by(scope["headers"]) if found and not found.is_live else b"",
        )
        status, headers, parts = await self._reply(question)
        for _ in range(LEASES_AWAITED):
            if status != HTTPStatus.TOO_MANY_REQUESTS or not self._doors.quotas.leasing:
                break
            await self._doors.quotas.settled()
            status, headers, parts = await self._reply(question)
        headers, parts = await self._compressed(headers, parts, scope["headers"])
        if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            headers = (*headers, (b"content-length", b"%d" % sum(map(len, parts))))
        await send_off(send, (status, headers, (b"",) if question.method == "HEAD" else parts))
        return self._label(name), status

    def answer(self, question: Question) -> Reply:
        """The reply to a question that needs no more than the replica; never raises."""
        try:
            if question.method == "OPTIONS":
                return PREFLIGHT
            ask = self._admit(question)
            found = self._endpoints.get(question.endpoint)
            if found is None or (question.id and not found.takes_id):
                raise unknown()
            now_epoch_s = self._clock.now_epoch_s()
            if found.is_live:
                return 200, LIVE, oba.envelope_in_parts(now_epoch_s, _answered(found.handler, ask, question.query))
            address = f"{question.endpoint}/{question.id}?".encode() + question.query
            etag = self._validators.etag(ask.replica, address, now_epoch_s)
            if validators.matches(question.if_none_match, etag):
                kept = self._validators.cache_control(ask.replica, None, now_epoch_s)
                return 304, (*COMMON, (b"etag", etag), (b"cache-control", kept)), (b"",)
            body = oba.envelope(now_epoch_s, _answered(found.handler, ask, question.query))
            kept = self._validators.cache_control(ask.replica, body, now_epoch_s)
            return 200, (*STATIC, (b"etag", etag), (b"cache-control", kept)), (body,)
        except Exception as error:
            return self._failure(error, question)

    async def _reply(self, question: Question) -> Reply:
        handler = self._in_hall.get(question.endpoint)
        if handler is None:
            return self.answer(question)
        try:
            if question.method == "OPTIONS":
                return PREFLIGHT
            data = await handler(self._admit(question), self._hall())
            return 200, LIVE, oba.envelope_in_parts(self._clock.now_epoch_s(), data)
        except AWAY:
            return self._failure(not_ready("Redis is away"), question)
        except Exception as error:
            return self._failure(error, question)

    def _admit(self, question: Question) -> Ask:
        """What is asked, once it may be; raises RequestRefused."""
        if question.method not in ("GET", "HEAD"):
            raise method_not_allowed()
        query = params.parse_query(question.query)
        self._doors.admit(query, self._replica.api_keys, question.address)
        version = query.get("version", "")
        if version not in ("", "2"):
            text = f"unknown version: {version[:40]}"
            raise RequestRefused(400, text, field_errors={"version": [text]})
        replica, asked_epoch_s = question.then or (self._replica, self._clock.now_epoch_s())
        return Ask(replica=replica, settings=self._settings, query=query, id=question.id, now_epoch_s=asked_epoch_s)

    async def _then(self, found: Endpoint | None, query_string: bytes) -> tuple[Replica, float] | None:
        """What was known at the time in the past that a live question is about, and that time; None: the present."""
        try:
            query = params.parse_query(query_string)
            require_key(query, self._settings, self._replica.api_keys)
            epoch_s = params.instant_epoch_s(query, "time", self._settings.time_zone)
        except RequestRefused:
            return None
        if found is None or not found.is_live or epoch_s is None or epoch_s >= self._clock.now_epoch_s() - LOOKS_BACK_S:
            return None
        replica = await self._past.replica_at(self._replica, epoch_s)
        return None if replica is None else (replica, epoch_s)

    async def _compressed(
        self, headers: Headers, parts: tuple[bytes, ...], asked: Iterable[tuple[bytes, bytes]]
    ) -> tuple[Headers, tuple[bytes, ...]]:
        """The same in an encoding that the request's headers accept, where that is worth it."""
        size = sum(map(len, parts))
        if size < compression.MIN_BYTES:
            return headers, parts
        accepted = next((value for name, value in asked if name == b"accept-encoding"), b"")
        encoding = compression.choose(accepted)
        if not encoding:
            return headers, parts
        if size < oba.LARGE_BYTES:
            packed = compression.compress(b"".join(parts), encoding)
        else:
            packed = await self._large.compressed(parts, encoding)
        return (*headers, (b"content-encoding", encoding)), (packed,)

    def _failure(self, error: Exception, question: Question) -> Reply:
        now_epoch_s = self._clock.now_epoch_s()
        return failure(error, now_epoch_s, endpoint=self._label(question.endpoint), given_id=question.id)

    def _label(self, name: str) -> str:
        return name if name in self._endpoints or name in self._in_hall else "unknown"


def _answered(handler: Callable[[Ask], bytes], ask: Ask, query_string: bytes) -> bytes:
    """The answer; where there is none, the one with a plus sign read the other way.

    In a query ``+`` stands for a space and in a path for itself. Some clients put ids in a query as they are, others write
    the spaces of a path as in a query.
    """
    try:
        return handler(ask)
    except RequestRefused as refused:
        if refused.code != HTTPStatus.NOT_FOUND or not (b"+" in query_string or "+" in ask.id):
            raise
        ids = dict.fromkeys((ask.id, ask.id.replace("+", " ")))
        queries = dict.fromkeys((query_string, query_string.replace(b"+", b"%2B")))
        for given_id, query in list(itertools.product(ids, queries))[1:]:
            with contextlib.suppress(RequestRefused):
                return handler(replace(ask, id=given_id, query=params.parse_query(query), references=References()))
        raise

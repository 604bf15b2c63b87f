"""The feeds process: every configured feed polled side by side; a sick one never disturbs another.

Each feed is one task that reads as a paragraph: wait until it is due, fetch, decode, leave the result and a record.
"""

import asyncio
import contextlib
import logging
import random
from dataclasses import replace
from typing import Any

from domain.errors import BlobUnusable, FetchFailed, NotThisFormat
from domain.feed import GOOD_OUTCOMES, FeedKind, FeedRecord, FeedSpec, PollOutcome, PollRecord, Problem, ProblemLevel
from feeds.fetch import Fetched, Fetcher, Validators
from feeds.poll import UNCONDITIONAL_AFTER_S, UNCONDITIONAL_EVERY, first_delay_s, next_delay_s, recorded, shown
from feeds.take import TAKERS, Desk, Taken, remember
from runtime.clock import Clock
from runtime.settings import Settings
from store import alerts, feed_health, keys, timetable
from store.archive import Keeper
from store.hall import LOST, RETRY_S, Hall
from store.streams import REFUSED

log = logging.getLogger("wayside.feeds")

HEARTBEAT_S = 5.0
ALWAYS_TAKEN = frozenset({FeedKind.CAP, FeedKind.CASE_RATES})
"""Kinds whose every good poll says that what they list still stands, also when nothing changed."""


async def run(settings: Settings, hall: Hall, clock: Clock, stop: asyncio.Event) -> None:
    """Poll every feed until *stop*. Waits, without losing anything, while Redis is away."""
    fetcher = Fetcher(clock, settings.secrets, settings.contact_email)
    await hall.insist(lambda: feed_health.put_feed_ids(hall, [spec.feed_id for spec in settings.feeds]))
    keeper = Keeper(settings.home, settings.archive.keep_days, settings.archive.max_bytes)
    tasks = [
        asyncio.create_task(_Poller(spec, settings, hall, clock, fetcher, keeper).run()) for spec in settings.feeds
    ]
    tasks.append(asyncio.create_task(_beat(hall, clock, keeper)))
    stopped = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _end({*tasks, stopped})
        await fetcher.close()
        keeper.close()


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel until all have ended: a cancellation is lost where a library ends something of its own at that very moment,
    as anyio does while it connects."""
    waiting = tasks
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=0.5)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _beat(hall: Hall, clock: Clock, keeper: Keeper) -> None:
    while True:
        await keeper.tidy(clock.now_epoch_s())
        with contextlib.suppress(*REFUSED, OSError):
            await hall.redis.set(keys.heartbeat("feeds"), clock.now_epoch_s(), ex=int(HEARTBEAT_S * 3))
        await asyncio.sleep(HEARTBEAT_S)


class _Poller:
    """One feed's task and what it remembers from poll to poll."""

    def __init__(
        self, spec: FeedSpec, settings: Settings, hall: Hall, clock: Clock, fetcher: Fetcher, keeper: Keeper
    ) -> None:
        self.spec, self.hall, self.clock, self.fetcher = spec, hall, clock, fetcher
        self.lot = random.Random(spec.feed_id)
        self.desk = Desk(settings, hall, clock, fetcher, {}, {}, {}, keeper)
        self.validators = Validators()
        self.digest = ""
        self.left = ""
        self.refused: tuple[str, str] = ("", "")
        """Digest of the bytes that were refused last, and why: the same bytes are not tried again."""
        self.not_modified = 0
        """Times in a row."""
        self.sent_monotonic_s = clock.monotonic_s()
        """When the server last sent a body."""
        self.trusts_not_modified = True
        self.retry_after_s: float | None = None
        self.fresh_for_s = 0.0
        self.content = ""
        """Digest of what a realtime feed said last, without its header."""
        self.header_epoch_s = 0
        self.entities = 0
        self.record = FeedRecord(spec=shown(spec, fetcher.redact(spec.url)), started_epoch_s=clock.now_epoch_s())

    async def run(self) -> None:
        await self.hall.insist(self._resume)
        await self._keep()
        await self.clock.sleep_s(first_delay_s(self.spec, self.lot))
        while True:
            try:
                await self._look_after_what_was_left()
                started_s = self.clock.monotonic_s()
                await self._poll()
            except LOST:
                # What was fetched could not be left: it is fetched again as soon as Redis is back.
                self._forget()
                await asyncio.sleep(RETRY_S)
                await self.hall.wait_until_there()
                continue
            took_s, now = self.clock.monotonic_s() - started_s, self.clock.now_epoch_s()
            delay_s = next_delay_s(
                self.spec,
                self.record,
                self.lot,
                now_epoch_s=now,
                retry_after_s=self.retry_after_s,
                fresh_for_s=self.fresh_for_s,
                took_s=took_s,
            )
            skipped = self.record.ticks_skipped + int(took_s / self.spec.interval_s)
            self.record = replace(self.record, next_attempt_epoch_s=now + delay_s, ticks_skipped=skipped)
            await self._keep()
            await self.clock.sleep_s(delay_s)

    async def _resume(self) -> None:
        """Go on with the record that an earlier process left; a schedule in force need not be imported again."""
        try:
            before = await feed_health.get_record(self.hall, self.spec.feed_id)
        except BlobUnusable:
            before = None
        if before is not None:
            self.record = replace(before, spec=self.record.spec, started_epoch_s=self.record.started_epoch_s)
        if self.spec.kind in ALWAYS_TAKEN:
            with contextlib.suppress(BlobUnusable):
                if kept := await alerts.get_messages(self.hall, self.spec.feed_id):
                    remember(self.desk, self.spec, kept)
        if self.spec.kind is FeedKind.GTFS and not await timetable.in_force(self.hall, self.spec.feed_id):
            self.record = replace(self.record, valid_until=0)

    def _conditions(self) -> Validators:
        """What to send along; nothing now and then, so that a server that says "not modified" for ever is found out."""
        quiet_s = self.clock.monotonic_s() - self.sent_monotonic_s
        # A schedule is large and changes in weeks: only the count speaks.
        too_quiet = self.spec.kind is not FeedKind.GTFS and quiet_s > UNCONDITIONAL_AFTER_S
        if not self.trusts_not_modified or too_quiet or self.not_modified >= UNCONDITIONAL_EVERY - 1:
            return Validators()
        return self.validators

    async def _poll(self) -> None:
        """One poll, recorded."""
        started_s = self.clock.monotonic_s()
        outcome, status, wire, message = PollOutcome.FAILED, None, 0, ""
        self.retry_after_s, self.fresh_for_s = None, 0.0
        taken: Taken | None = None
        try:
            fetched = await self.fetcher.fetch(self.spec, self._conditions())
            status, wire, self.fresh_for_s = fetched.status, fetched.wire_bytes, fetched.fresh_for_s
            if fetched.clock_ahead_s is not None:
                self.record = replace(self.record, clock_ahead_s=fetched.clock_ahead_s)
            outcome, taken = await self._take(fetched)
        except FetchFailed as error:
            outcome, status, message = PollOutcome(error.outcome), error.status, str(error)
            self.retry_after_s = error.retry_after_s
        except NotThisFormat as error:
            outcome, message = PollOutcome.NOT_THE_FORMAT, self.fetcher.redact(str(error))[:500]
        except LOST:
            raise
        except Exception as error:
            log.exception("event=poll_crashed feed=%s", self.spec.feed_id)
            message = f"{type(error).__name__} while polling; see the log"
        poll = PollRecord(
            at_epoch_s=self.clock.now_epoch_s(), outcome=outcome, status=status, wire_bytes=wire,
            duration_s=self.clock.monotonic_s() - started_s, header_epoch_s=self.header_epoch_s,
            entities=self.entities, problems=len(taken.problems if taken else self.record.problems), message=message,
        )  # fmt: skip
        was_bad = self.record.consecutive_failures > 0
        refused = Problem(code="refused", level=ProblemLevel.ERROR, message=message, where="the last poll")
        kept = tuple(one for one in self.record.problems if one.code != "refused")
        problems = taken.problems if taken else (*kept, refused) if outcome is PollOutcome.NOT_THE_FORMAT else kept
        self.record = recorded(
            self.record,
            poll,
            problems=problems,
            entity_counts=taken.entity_counts if taken else None,
            valid_until=taken.valid_until if taken else None,
        )
        if taken and (not taken.content or taken.content != self.content):
            self.content = taken.content
            self.record = replace(self.record, content_change_epoch_s=poll.at_epoch_s)
        self._say(was_bad, poll)

    async def _take(self, fetched: Fetched) -> tuple[PollOutcome, Taken | None]:
        """Decode what is new and leave it in the hall; the same bytes as before are not decoded again."""
        if fetched.body is None:
            self.not_modified += 1
            return PollOutcome.NOT_MODIFIED, None
        claimed, self.not_modified, self.sent_monotonic_s = self.not_modified, 0, self.clock.monotonic_s()
        self.validators = Validators() if self.spec.kind in ALWAYS_TAKEN else fetched.validators
        if fetched.digest == self.digest and self.spec.kind not in ALWAYS_TAKEN:
            self.desk.older_in_a_row = 0
            return PollOutcome.OK_UNCHANGED, None
        if fetched.digest == self.refused[0]:
            raise NotThisFormat(self.refused[1])
        if claimed >= UNCONDITIONAL_EVERY - 1 and self.trusts_not_modified:
            self.trusts_not_modified = False
            log.warning("event=not_modified_not_believed feed=%s times=%d", self.spec.feed_id, claimed)
        try:
            taken = await TAKERS[self.spec.kind](self.desk, self.spec, fetched.body)
        except NotThisFormat as error:
            self.refused, self.validators = (fetched.digest, str(error)), Validators()
            raise
        except BaseException:
            self.validators = Validators()
            raise
        self.header_epoch_s = taken.header_epoch_s or self.header_epoch_s
        self.entities = sum(taken.entity_counts.values())
        self.digest, self.refused = fetched.digest, ("", "")
        self.left = "" if self.spec.kind in ALWAYS_TAKEN else await self._left()
        return PollOutcome.OK_NEW, taken

    def _say(self, was_bad: bool, poll: PollRecord) -> None:
        bad = poll.outcome not in GOOD_OUTCOMES
        if bad and not was_bad:
            log.warning(
                "event=feed_failing feed=%s outcome=%s status=%s reason=%r",
                self.spec.feed_id,
                poll.outcome.value,
                poll.status,
                poll.message,
            )
        elif was_bad and not bad:
            log.info("event=feed_recovered feed=%s", self.spec.feed_id)

    def _forget(self) -> None:
        self.digest, self.validators, self.left = "", Validators(), ""

    async def _left(self) -> str:
        """The state of this feed's own place in the hall."""
        if self.spec.kind is FeedKind.GTFS:
            return await timetable.in_force(self.hall, self.spec.feed_id) or ""
        return str(await self.hall.version(keys.realtime(self.spec.feed_id)))

    async def _look_after_what_was_left(self) -> None:
        """A Redis that came back without what was left in it must not wait until the feed changes."""
        if self.left:
            there = await self._left()
            lost = not there if self.spec.kind is FeedKind.GTFS else int(there) < int(self.left)
            if lost:
                log.warning("event=dataset_lost feed=%s action=fetching_again", self.spec.feed_id)
                self._forget()

    async def _keep(self) -> None:
        try:
            await self.hall.insist(lambda: feed_health.put_record(self.hall, self.record))
        except REFUSED as error:
            log.error("event=redis_refused feed=%s why=%r", self.spec.feed_id, str(error)[:200])

"""What to do with the bytes of each kind of feed: decode them and leave the result in the hall."""

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from domain.alert import AlertMessage
from domain.errors import FetchFailed, NotThisFormat
from domain.feed import FeedKind, FeedSpec, PollOutcome, Problem, ProblemLevel
from domain.situation import Situation
from feeds import schedule
from feeds.fetch import Fetcher, Validators
from feeds.formats import cap, cap_index, gtfs_realtime, health_indicators
from feeds.poll import REPEATS_OF_OLDER
from runtime.clock import Clock
from runtime.settings import Settings
from store import alerts, realtime
from store.alerts import ListedMessages
from store.archive import Keeper, Kind
from store.hall import Hall

MESSAGES_AT_ONCE = 4
"""Messages of an index that are fetched side by side."""
MAX_MESSAGES = 2000
READING_S = 30.0
"""So long one poll reads messages; what is left is read by the next. One that hangs must not hold up the others."""
REREAD_S = 120.0
"""Messages whose entry bears no time of its own may change unseen: they are asked for again so often."""
REREAD_DATED_S = 3600.0
"""Nor is a time proof: some issuers write a message anew in its place. Asked conditionally, this is cheap."""
KEEP_UNREAD_S = 6 * 3600.0
"""While an entry cannot be read, what the index no longer lists stays listed, so long at most: the entry may be its
update, and half of the news must give no all-clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a dataset held, for the feed's record."""

    problems: tuple[Problem, ...]
    entity_counts: dict[str, int]
    header_epoch_s: int = 0
    valid_until: int = 0
    content: str = ""
    """For realtime: a digest of all but the header."""


@dataclass(slots=True)
class Read:
    """What was read of one entry of an index."""

    updated: str
    """The time that the entry bore."""
    messages: tuple[AlertMessage, ...]
    validators: Validators
    read_s: float
    """On the monotonic clock; before all time when it was read by an earlier process."""
    listed_s: float
    """When the index last listed it."""


@dataclass(slots=True)
class Desk:
    """What the takers need, and what one feed's taker remembers between polls."""

    settings: Settings
    hall: Hall
    clock: Clock
    fetcher: Fetcher
    situations: dict[str, Situation]
    messages: dict[str, Read]
    level: dict[str, AlertMessage]
    keeper: Keeper
    newest_header_epoch_s: int = 0
    older_in_a_row: int = 0


Taker = Callable[[Desk, FeedSpec, bytes], Awaitable[Taken]]


async def take_schedule(desk: Desk, spec: FeedSpec, data: bytes) -> Taken:
    """Import a schedule and put its bundle into force; the one before it serves until then."""
    with tempfile.TemporaryDirectory(prefix="wayside-") as folder:
        path = Path(folder) / f"{spec.feed_id}.zip"  # problems name the file
        await asyncio.to_thread(path.write_bytes, data)
        imported = await schedule.import_file(
            path,
            spec,
            desk.settings.home,
            source=spec.name or spec.feed_id,
            now_epoch_s=desk.clock.now_epoch_s(),
        )
    schedules = [it.feed_id for it in desk.settings.feeds if it.kind is FeedKind.GTFS]
    await schedule.put_in_force(desk.hall, desk.settings.home, imported, schedules, desk.clock.now_epoch_s())
    await asyncio.to_thread(schedule.forget_old, desk.settings.home, spec.feed_id, imported.generation)
    await desk.keeper.keep_schedule(spec.feed_id, data, desk.clock.now_epoch_s())
    return Taken(problems=imported.problems, entity_counts=imported.counts, valid_until=imported.last_day)


async def take_realtime(desk: Desk, spec: FeedSpec, data: bytes) -> Taken:
    """Replace what a GTFS-realtime feed said. Raises FetchFailed for a dataset that is older than the one before."""
    now = desk.clock.now_epoch_s()
    decoded = await asyncio.to_thread(gtfs_realtime.decode, data, feed_id=spec.feed_id, now_epoch_s=now)
    items, header = decoded.items, decoded.header_epoch_s
    if header and header < desk.newest_header_epoch_s:
        desk.older_in_a_row += 1
        if desk.older_in_a_row < REPEATS_OF_OLDER:
            text = f"its header is {desk.newest_header_epoch_s - header} s older than that of an earlier poll"
            raise FetchFailed(text, outcome=PollOutcome.OLDER_THAN_BEFORE)
    desk.newest_header_epoch_s, desk.older_in_a_row = header or desk.newest_header_epoch_s, 0
    situations = tuple(
        replace(one, created_epoch_s=desk.situations[one.raw_id].created_epoch_s)
        if one.raw_id in desk.situations
        else one
        for one in items.situations
    )
    desk.situations = {one.raw_id: one for one in situations}
    await realtime.put(
        desk.hall,
        spec.feed_id,
        at_epoch_s=now,
        trip_updates=items.trip_updates,
        vehicles=items.vehicles,
        situations=situations,
    )
    for kind, said in ((Kind.TRIP_UPDATES, items.trip_updates), (Kind.VEHICLES, items.vehicles)):
        if said is not None:
            await desk.keeper.keep(spec.feed_id, kind, now, said)
    return Taken(
        problems=decoded.problems,
        entity_counts=decoded.entity_counts,
        header_epoch_s=decoded.header_epoch_s,
        content=await asyncio.to_thread(gtfs_realtime.content_digest, data),
    )


def remember(desk: Desk, spec: FeedSpec, kept: ListedMessages) -> None:
    """Go on from what an earlier process left in the hall: it is what stands until something newer can be read."""
    if spec.kind is FeedKind.CASE_RATES:
        desk.level = {message.identifier.rsplit("-", 1)[0]: message for message in kept.messages}
    now_s = desk.clock.monotonic_s()
    for message, found_at in zip(kept.messages, kept.found_at, strict=False):
        address, _, updated = found_at.partition(" ")
        if address:
            read = desk.messages.setdefault(address, Read(updated, (), Validators(), float("-inf"), now_s))
            read.messages += (message,)


async def take_cap(desk: Desk, spec: FeedSpec, data: bytes) -> Taken:
    """Read a CAP message, or an index and those of its messages that were not read before."""
    problems: list[Problem] = []
    found_at: list[str] = []
    if cap_index.looks_like_index(data):
        index = cap_index.decode_index(data, spec.url, feed_id=spec.feed_id)
        problems.extend(index.problems)
        messages, found_at = list(index.messages), [""] * len(index.messages)
        await _read_index(desk, spec, index, problems)
        for address, read in desk.messages.items():
            messages.extend(read.messages)
            found_at.extend([f"{address} {read.updated}"] * len(read.messages))
    else:
        decoded = await asyncio.to_thread(cap.decode, data, feed_id=spec.feed_id)
        problems.extend(decoded.problems)
        messages = list(decoded.items)
    await alerts.put_messages(desk.hall, spec.feed_id, messages, desk.clock.now_epoch_s(), found_at)
    return Taken(problems=tuple(problems), entity_counts={"messages": len(messages)} if messages else {})


async def _read_index(desk: Desk, spec: FeedSpec, index: cap_index.CapIndex, problems: list[Problem]) -> None:
    """Bring ``desk.messages`` up to what the index lists. What cannot be read now stays as it was read last."""
    started_s = desk.clock.monotonic_s()
    links = index.links[:MAX_MESSAGES]
    unread = len(index.links) - len(links)
    if unread:
        text = f"expected at most {MAX_MESSAGES} messages, found {len(index.links)}; the last {unread} are not read"
        problems.append(Problem(code="cap_index_too_long", level=ProblemLevel.ERROR, message=text, where="the index"))
    gate = asyncio.Semaphore(MESSAGES_AT_ONCE)
    late = 0

    async def read(url: str, updated: str) -> bool:
        """Is the entry's message known, as it is now or as it was?"""
        nonlocal late
        address = hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:16]
        known = desk.messages.get(address)
        if known is not None:
            known.listed_s = started_s
            age_s = started_s - known.read_s
            if known.updated == updated and age_s < (REREAD_DATED_S if updated else REREAD_S):
                return True
        async with gate:
            if desk.clock.monotonic_s() - started_s > READING_S:
                late += 1
                return known is not None
            validators = known.validators if known is not None and known.updated == updated else Validators()
            try:
                fetched = await desk.fetcher.fetch(spec, validators, url)
                if fetched.body is None and known is not None:
                    known.read_s = started_s
                    return True
                decoded = await asyncio.to_thread(cap.decode, fetched.body or b"", feed_id=spec.feed_id)
            except (FetchFailed, NotThisFormat) as error:
                text, where = desk.fetcher.redact(str(error)), desk.fetcher.redact(url)
                problems.append(Problem(code="cap_message_unread", level=ProblemLevel.ERROR, message=text, where=where))
                is_gone = isinstance(error, FetchFailed) and error.status in {404, 410}
                return known is not None or is_gone
        desk.messages[address] = Read(updated, decoded.items, fetched.validators, started_s, started_s)
        problems.extend(decoded.problems)
        return True

    is_known = await asyncio.gather(*(read(url, updated) for url, updated in links))
    if late:
        text = f"{late} messages could not be read within {READING_S:g} s; the next poll goes on with them"
        problems.append(Problem(code="cap_messages_late", level=ProblemLevel.WARNING, message=text, where="the index"))
    keep_s = 0.0 if all(is_known) and not unread else KEEP_UNREAD_S
    desk.messages = {address: one for address, one in desk.messages.items() if started_s - one.listed_s <= keep_s}


async def take_case_rates(desk: Desk, spec: FeedSpec, data: bytes) -> Taken:
    """Turn districts above the threshold into alert messages; a district that falls below it is cancelled."""
    now_epoch_s = desk.clock.now_epoch_s()
    decoded = health_indicators.decode(data, spec=spec, before=desk.level, now_epoch_s=now_epoch_s)
    desk.level = decoded.items.level
    await alerts.put_messages(desk.hall, spec.feed_id, decoded.items.messages, now_epoch_s)
    return Taken(problems=decoded.problems, entity_counts=decoded.entity_counts)


TAKERS: dict[FeedKind, Taker] = {
    FeedKind.GTFS: take_schedule,
    FeedKind.TRIP_UPDATES: take_realtime,
    FeedKind.VEHICLE_POSITIONS: take_realtime,
    FeedKind.SITUATIONS: take_realtime,
    FeedKind.COMBINED: take_realtime,
    FeedKind.CAP: take_cap,
    FeedKind.CASE_RATES: take_case_rates,
}
"""Every kind of feed and what is done with it: a new kind is one decoder and one line."""

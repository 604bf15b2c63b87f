"""What to do with the bytes of each kind of feed: decode them and leave the result in the hall."""

import asyncio
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
from store.archive import Keeper, Kind
from store.hall import Hall

MESSAGES_AT_ONCE = 4
"""Messages of an index that are fetched side by side."""
MAX_MESSAGES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a dataset held, for the feed's record."""

    problems: tuple[Problem, ...]
    entity_counts: dict[str, int]
    header_epoch_s: int = 0
    valid_until: int = 0


@dataclass(slots=True)
class Desk:
    """What the takers need, and what one feed's taker remembers between polls."""

    settings: Settings
    hall: Hall
    clock: Clock
    fetcher: Fetcher
    situations: dict[str, Situation]
    messages: dict[str, tuple[AlertMessage, ...]]
    level: dict[str, AlertMessage]
    keeper: Keeper
    newest_header_epoch_s: int = 0
    older_in_a_row: int = 0


Taker = Callable[[Desk, FeedSpec, bytes], Awaitable[Taken]]


async def take_schedule(desk: Desk, spec: FeedSpec, data: bytes) -> Taken:
    """Import a schedule and put its bundle into force; the one before it serves until then."""
    with tempfile.NamedTemporaryFile(suffix=".zip", dir=None) as file:
        await asyncio.to_thread(Path(file.name).write_bytes, data)
        imported = await schedule.import_file(
            Path(file.name),
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
    return Taken(problems=decoded.problems, entity_counts=decoded.entity_counts, header_epoch_s=decoded.header_epoch_s)


async def take_cap(desk: Desk, spec: FeedSpec, data: bytes) -> Taken:
    """Read a CAP message, or an index and those of its messages that were not read before."""
    problems: list[Problem] = []
    if cap_index.looks_like_index(data):
        index = cap_index.decode_index(data, spec.url, feed_id=spec.feed_id)
        problems.extend(index.problems)
        links = list(index.links)[:MAX_MESSAGES]
        gate = asyncio.Semaphore(MESSAGES_AT_ONCE)

        async def read(url: str, updated: str) -> None:
            key = f"{url} {updated}"
            if key in desk.messages:
                return
            async with gate:
                try:
                    fetched = await desk.fetcher.fetch(spec, Validators(), url)
                    decoded = await asyncio.to_thread(cap.decode, fetched.body or b"", feed_id=spec.feed_id)
                except (FetchFailed, NotThisFormat) as error:
                    text = desk.fetcher.redact(str(error))
                    where = desk.fetcher.redact(url)
                    problems.append(
                        Problem(code="cap_message_unread", level=ProblemLevel.ERROR, message=text, where=where)
                    )
                    return
            desk.messages[key] = decoded.items
            problems.extend(decoded.problems)

        await asyncio.gather(*(read(url, updated) for url, updated in links))
        known = {f"{url} {updated}" for url, updated in links}
        desk.messages = {key: messages for key, messages in desk.messages.items() if key in known}
        messages = (*index.messages, *(message for group in desk.messages.values() for message in group))
    else:
        decoded = await asyncio.to_thread(cap.decode, data, feed_id=spec.feed_id)
        problems.extend(decoded.problems)
        messages = decoded.items
    await alerts.put_messages(desk.hall, spec.feed_id, messages, desk.clock.now_epoch_s())
    return Taken(problems=tuple(problems), entity_counts={"messages": len(messages)} if messages else {})


async def take_case_rates(desk: Desk, spec: FeedSpec, data: bytes) -> Taken:
    """Turn districts above the threshold into alert messages; a district that falls below it is cancelled."""
    decoded = health_indicators.decode(data, spec=spec, before=desk.level)
    desk.level = decoded.items.level
    await alerts.put_messages(desk.hall, spec.feed_id, decoded.items.messages, desk.clock.now_epoch_s())
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

"""Facts about every feed, written by the poller after every poll."""

import contextlib
from collections.abc import Sequence

from domain.errors import BlobUnusable
from domain.feed import FeedRecord
from store import codec, keys
from store.hall import Hall

TOPIC = "feed_health"


async def put_record(hall: Hall, record: FeedRecord) -> None:
    """Replace what is known of the feed, and announce it."""
    feed_id = record.spec.feed_id
    await hall.redis.set(keys.feed_record(feed_id), codec.encode(record))
    await hall.redis.publish(keys.channel(), f"{TOPIC} {feed_id} {record.polls_total}")


async def get_record(hall: Hall, feed_id: str) -> FeedRecord | None:
    """What is known of the feed, or None when it was never polled; raises BlobUnusable."""
    data = await hall.redis.get(keys.feed_record(feed_id))
    return codec.decode(data, FeedRecord) if data else None


async def put_feed_ids(hall: Hall, feed_ids: Sequence[str]) -> None:
    """Say which feeds are configured, in order."""
    await hall.redis.set(keys.feed_ids(), codec.encode(list(feed_ids)))


async def get_records(hall: Hall) -> dict[str, FeedRecord]:
    """Every configured feed's record that is there, in the configured order."""
    data = await hall.redis.get(keys.feed_ids())
    records: dict[str, FeedRecord] = {}
    for feed_id in codec.decode(data, list[str]) if data else []:
        with contextlib.suppress(BlobUnusable):  # of another release: its poller writes a new one soon
            record = await get_record(hall, feed_id)
            if record is not None:
                records[feed_id] = record
    return records

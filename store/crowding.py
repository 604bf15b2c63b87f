"""How full vehicles usually are, a state for each timetable."""

from domain.crowding import Crowding
from store import codec, keys
from store.hall import Hall

TOPIC = "crowding"


async def put(hall: Hall, feed_id: str, crowding: Crowding, at_epoch_s: float) -> int:
    """Replace the counts; the new version."""
    fields: dict[str, bytes | str | int | float] = {"at": at_epoch_s, "blob": codec.pack(crowding)}
    return await hall.put_state(keys.crowding(feed_id), fields, topic=TOPIC, feed_id=feed_id)


async def get(hall: Hall, feed_id: str) -> Crowding:
    """The counts; none where nothing was reported yet. Raises BlobUnusable."""
    blob = await hall.redis.hget(keys.crowding(feed_id), "blob")
    return codec.unpack(blob, Crowding) if blob else Crowding()


async def version(hall: Hall, feed_id: str) -> int:
    """The version in force; 0 before the first."""
    return await hall.version(keys.crowding(feed_id))

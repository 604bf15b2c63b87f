"""What became of each service day's trips, a hash for each timetable and day, kept for five weeks."""

from domain.delivered import RouteDay, TripsSeen
from store import codec, keys
from store.hall import Hall

TOPIC = "delivered"
KEEP_S = 35 * 86_400


async def put(
    hall: Hall, feed_id: str, date_yyyymmdd: int, counts: list[RouteDay], trips: TripsSeen, at_epoch_s: float
) -> int:
    """Replace the day's counts and what is remembered of its trips; the new version."""
    key = keys.delivered(feed_id, date_yyyymmdd)
    fields: dict[str, bytes | str | int | float] = {
        "at": at_epoch_s,
        "counts": codec.encode(counts),
        "trips": codec.pack(trips),
    }
    version = await hall.put_state(key, fields, topic=TOPIC, feed_id=feed_id)
    await hall.redis.expire(key, KEEP_S)
    return version


async def counts_of(hall: Hall, feed_id: str, date_yyyymmdd: int) -> list[RouteDay]:
    """The day's counts by route, none where nobody kept them; raises BlobUnusable."""
    data = await hall.redis.hget(keys.delivered(feed_id, date_yyyymmdd), "counts")
    return codec.decode(data, list[RouteDay]) if data else []


async def trips_of(hall: Hall, feed_id: str, date_yyyymmdd: int) -> TripsSeen | None:
    """What is remembered of the day's trips, or None; raises BlobUnusable."""
    blob = await hall.redis.hget(keys.delivered(feed_id, date_yyyymmdd), "trips")
    return codec.unpack(blob, TripsSeen) if blob else None

"""How good predictions were, a state for each timetable and local day, kept for five weeks."""

from domain.score import ScoreDay
from store import codec, keys
from store.hall import Hall

TOPIC = "scores"
KEEP_S = 35 * 86_400


async def put(hall: Hall, feed_id: str, date_yyyymmdd: int, day: ScoreDay, at_epoch_s: float) -> int:
    """Replace the score of a day; the new version."""
    key = keys.scores(feed_id, date_yyyymmdd)
    version = await hall.put_state(key, {"at": at_epoch_s, "blob": codec.pack(day)}, topic=TOPIC, feed_id=feed_id)
    await hall.redis.expire(key, KEEP_S)
    return version


async def get(hall: Hall, feed_id: str, date_yyyymmdd: int) -> ScoreDay:
    """The score of a day, an empty one where nobody kept it; raises BlobUnusable."""
    blob = await hall.redis.hget(keys.scores(feed_id, date_yyyymmdd), "blob")
    return codec.unpack(blob, ScoreDay) if blob else ScoreDay()

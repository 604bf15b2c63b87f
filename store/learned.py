"""What the predictor has learned of each timetable: plain columns, written every minute and read at its start.

The version tells the predictor when somebody put other columns there (``wayside learn import``): it then goes on from
those instead of writing over them.
"""

from typing import Any

import numpy.typing as npt

from store import codec, keys
from store.hall import Hall

TOPIC = "learned"
Columns = dict[str, npt.NDArray[Any]]


async def put(hall: Hall, feed_id: str, columns: Columns, at_epoch_s: float) -> int:
    """Replace what was learned of the GTFS feed *feed_id*; the new version."""
    fields: dict[str, bytes | str | int | float] = {"at": at_epoch_s, "blob": codec.pack_columns(columns)}
    return await hall.put_state(keys.learned(feed_id), fields, topic=TOPIC, feed_id=feed_id)


async def get(hall: Hall, feed_id: str) -> tuple[int, float, Columns] | None:
    """(version, when it was written, columns), or None when nothing was ever learned; raises BlobUnusable."""
    state = await hall.get_state(keys.learned(feed_id))
    if state is None:
        return None
    return int(state["version"]), float(state["at"]), codec.unpack_columns(state["blob"])


async def version(hall: Hall, feed_id: str) -> int:
    """The version in force; 0 when nothing was ever learned."""
    return await hall.version(keys.learned(feed_id))


async def forget(hall: Hall, feed_id: str) -> None:
    """Begin anew."""
    await hall.redis.delete(keys.learned(feed_id))

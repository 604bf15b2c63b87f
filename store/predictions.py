"""What the predictor says, one blob a timetable: written whole by the predictor, held as a replica by web processes."""

from domain.errors import BlobUnusable
from domain.predictions import Predictions
from store import codec, keys
from store.hall import Hall

TOPIC = "predictions"


async def put(hall: Hall, feed_id: str, predictions: Predictions, at_epoch_s: float) -> int:
    """Replace the predictions for the GTFS feed *feed_id* and announce it; the new version."""
    fields: dict[str, bytes | str | int | float] = {"at": at_epoch_s, "blob": codec.pack(predictions)}
    return await hall.put_state(keys.predictions(feed_id), fields, topic=TOPIC, feed_id=feed_id)


async def get(hall: Hall, feed_id: str) -> Predictions | None:
    """The predictions in force, or None when there never were any; raises BlobUnusable."""
    found = await get_versioned(hall, feed_id)
    return None if found is None else found[1]


async def get_versioned(hall: Hall, feed_id: str) -> tuple[int, Predictions] | None:
    """Version and predictions, read at one instant so that they belong together; raises BlobUnusable."""
    state = await hall.get_state(keys.predictions(feed_id))
    if state is None:
        return None
    try:
        return int(state["version"]), codec.unpack(state["blob"], Predictions)
    except (KeyError, ValueError) as error:
        raise BlobUnusable(
            f"predictions of {feed_id}: expected fields version and blob, found {list(state)}"
        ) from error


async def version(hall: Hall, feed_id: str) -> int:
    """The version in force; 0 when there never were any."""
    return await hall.version(keys.predictions(feed_id))

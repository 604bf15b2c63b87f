"""The latest dataset of each realtime feed: a full dataset replaces exactly what that feed said before."""

from dataclasses import dataclass

from domain.realtime import TripUpdates, Vehicles
from domain.situation import Situation
from store import codec, keys
from store.hall import Hall

TOPIC = "realtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeDataset:
    """What one feed says now; a part is None when the feed has never had it or its latest message has none."""

    version: int
    at_epoch_s: float
    """When it was fetched."""
    trip_updates: TripUpdates | None
    vehicles: Vehicles | None
    situations: tuple[Situation, ...] | None


async def put(
    hall: Hall, feed_id: str, *, at_epoch_s: float, trip_updates: TripUpdates | None = None,
    vehicles: Vehicles | None = None, situations: tuple[Situation, ...] | None = None,
) -> int:  # fmt: skip
    """Replace the feed's dataset; the new version."""
    fields: dict[str, bytes | str | int | float] = {
        "at": at_epoch_s,
        "trip_updates": codec.pack(trip_updates) if trip_updates is not None else b"",
        "vehicles": codec.pack(vehicles) if vehicles is not None else b"",
        "situations": codec.encode(situations) if situations is not None else b"",
    }
    return await hall.put_state(keys.realtime(feed_id), fields, topic=TOPIC, feed_id=feed_id)


async def get(hall: Hall, feed_id: str) -> RealtimeDataset | None:
    """The feed's dataset, or None before its first; raises BlobUnusable."""
    state = await hall.get_state(keys.realtime(feed_id))
    if state is None:
        return None
    return RealtimeDataset(
        version=int(state["version"]),
        at_epoch_s=float(state["at"]),
        trip_updates=codec.unpack(state["trip_updates"], TripUpdates) if state.get("trip_updates") else None,
        vehicles=codec.unpack(state["vehicles"], Vehicles) if state.get("vehicles") else None,
        situations=codec.decode(state["situations"], tuple[Situation, ...]) if state.get("situations") else None,
    )


async def get_situations(hall: Hall, feed_id: str) -> tuple[int, tuple[Situation, ...]]:
    """(version, situations) of the feed, without reading the rest; (0, ()) before its first dataset."""
    version, blob = await hall.redis.hmget(keys.realtime(feed_id), ["version", "situations"])
    return int(version or 0), codec.decode(blob, tuple[Situation, ...]) if blob else ()

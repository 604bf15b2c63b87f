"""The hall as the replica's source: each noun's module in the store, asked in one place."""

import asyncio
from collections.abc import Mapping

from domain.alert import Alert
from domain.crowding import Crowding
from domain.feed import FeedRecord
from domain.predictions import Predictions
from domain.risk import TripRisk
from domain.situation import Situation
from store import alerts, api_keys, codec, crowding, feed_health, keys, predictions, realtime, timetable
from store.api_keys import ApiKey
from store.hall import Hall


class HallSource:
    """See ``api.replica.Source``."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    async def generation(self, feed_id: str) -> str | None:
        return await timetable.in_force(self._hall, feed_id)

    async def predictions_version(self, feed_id: str) -> int:
        return await predictions.version(self._hall, feed_id)

    async def predictions(self, feed_id: str) -> tuple[int, Predictions] | None:
        state = await self._hall.get_state(keys.predictions(feed_id))
        if state is None:
            return None
        # Off the event loop: inflating and cutting a large city's tick takes longer than a request may wait.
        return int(state["version"]), await asyncio.to_thread(codec.unpack, state["blob"], Predictions)

    async def crowding_version(self, feed_id: str) -> int:
        return await crowding.version(self._hall, feed_id)

    async def crowding(self, feed_id: str) -> Crowding:
        return await crowding.get(self._hall, feed_id)

    async def situations_version(self, feed_id: str) -> int:
        return await self._hall.version(keys.realtime(feed_id))

    async def situations(self, feed_id: str) -> tuple[int, tuple[Situation, ...]]:
        return await realtime.get_situations(self._hall, feed_id)

    async def record(self, feed_id: str) -> FeedRecord | None:
        return await feed_health.get_record(self._hall, feed_id)

    async def records(self) -> Mapping[str, FeedRecord]:
        return await feed_health.get_records(self._hall)

    async def alerts_version(self) -> str:
        return await alerts.alerts_stamp(self._hall)

    async def alerts(self) -> Mapping[str, Alert]:
        return await alerts.get_alerts(self._hall)

    async def trip_risks_version(self) -> int:
        return await self._hall.version(keys.trip_risks())

    async def trip_risks(self) -> tuple[TripRisk, ...]:
        return await alerts.get_trip_risks(self._hall)

    async def delivery_counts(self) -> Mapping[str, int]:
        found = await self._hall.redis.hgetall(keys.delivery_counts())
        return {outcome.decode(): int(count) for outcome, count in found.items()}

    async def api_keys(self) -> Mapping[str, ApiKey]:
        return await api_keys.get_all(self._hall)

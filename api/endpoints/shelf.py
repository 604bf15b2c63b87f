"""What was read of the last days, kept for a moment: pages and machines ask for the same again and again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Generic, TypeVar

from api.errors import RequestRefused
from api.replica import Replica
from api.served import Served
from domain import service_day
from store.hall import AWAY, Hall

Record = TypeVar("Record")


@dataclass(slots=True)
class Shelf(Generic[Record]):
    """Records by how many days they cover, one for each timetable; none is older than *rests_s*."""

    what: str
    read: Callable[[Hall, str, Served, list[date]], Awaitable[Record]]
    """The record of one feed's timetable over those days, the oldest first."""
    rests_s: float
    _shelved: dict[int, tuple[float, tuple[Record, ...]]] = field(default_factory=dict)

    async def records_of(self, hall: Hall, replica: Replica, days: int, now_epoch_s: float) -> tuple[Record, ...]:
        """The last *days* local days of every timetable; raises RequestRefused (503) while Redis is away."""
        read_epoch_s, records = self._shelved.get(days, (float("-inf"), ()))
        if not 0 <= now_epoch_s - read_epoch_s < self.rests_s:
            try:
                records = tuple(
                    [
                        await self.read(hall, feed_id, served, _last(days, served, now_epoch_s))
                        for feed_id, served in replica.served.items()
                    ]
                )
            except AWAY as error:
                raise RequestRefused(
                    503, f"{self.what} cannot be read right now", headers=((b"retry-after", b"5"),)
                ) from error
            self._shelved[days] = now_epoch_s, records
        return records


def _last(days: int, served: Served, now_epoch_s: float) -> list[date]:
    today = service_day.local_date(now_epoch_s, served.bundle.time_zone)
    return [today - timedelta(days=back) for back in range(days - 1, -1, -1)]

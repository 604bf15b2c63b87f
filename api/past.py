"""Looking back: ``time=`` in the past is answered as it would have been answered then, from the archive.

Only what riders were told is looked up there; the timetable must still be the one that those predictions refer to, or the
answer is what the timetable in force says of that time.
"""

import asyncio
import copy
from pathlib import Path

from api.live import Live
from api.replica import Replica
from api.served import Served
from domain.errors import BlobUnusable
from domain.predictions import Predictions
from store import archive

LOOKS_BACK_S = 60.0
"""What is asked about a time less long ago is about the present."""
MAX_AGE_S = 120.0
"""Predictions are kept once a minute; older ones say that nobody was predicting at that time."""
STEP_S = 10
"""Instants of one step are answered from the same record, the last one before the step."""
KEPT = 8
"""Ticks of the past that stay loaded: a rider who looks back asks about the same minute several times."""


class Past:
    """The archive of one home, as replicas of moments that are gone."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loaded: dict[tuple[str, str, int], Live | None] = {}
        self._loading = asyncio.Lock()

    async def replica_at(self, replica: Replica, epoch_s: float) -> Replica | None:
        """The replica as it was at an instant; None when the archive holds nothing of it."""
        async with self._loading:
            served = {feed_id: await self._served_at(feed_id, one, epoch_s) for feed_id, one in replica.served.items()}
        if not any(served.values()):
            return None
        then = copy.copy(replica)
        then.served = {feed_id: served[feed_id] or one for feed_id, one in replica.served.items()}
        then.by_code = {code: (served[one.bundle.feed_id] or one, row) for code, (one, row) in replica.by_code.items()}
        return then

    async def _served_at(self, feed_id: str, served: Served, epoch_s: float) -> Served | None:
        step = int(epoch_s // STEP_S)
        key = (feed_id, served.bundle.generation, step)
        if key not in self._loaded:
            live = await asyncio.to_thread(self._load, feed_id, step * STEP_S)
            while len(self._loaded) >= KEPT:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[key] = live
        live = self._loaded[key]
        if live is None or live.generation != served.bundle.generation:
            return None
        return served.at_another_time(live)

    def _load(self, feed_id: str, epoch_s: float) -> Live | None:
        try:
            found = archive.at(self._home, feed_id, Predictions, epoch_s, MAX_AGE_S)
        except BlobUnusable:
            return None
        return None if found is None else Live(found[1], int(found[0]))

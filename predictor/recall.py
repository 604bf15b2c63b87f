"""Between the hall and what has been learned: read at the start, written every minute, kept when the timetable changes.

Whoever puts other columns into the hall meanwhile (``wayside learn import``) is noticed by the version, and the engine
goes on from those.
"""

import asyncio
import contextlib
import logging
from datetime import timedelta

from domain import service_day
from domain.crowding import Crowding
from domain.errors import BlobUnusable
from domain.score import SHAPE, ScoreDay, Tally
from predictor.foresight import Foresight
from predictor.learned.engine import Engine
from predictor.learned.learned import State
from predictor.learned.settings import Settings as EngineSettings
from predictor.preference import tallies_by_name, tallies_by_row
from predictor.schedule import Schedule
from predictor.scorebook import Scorebook
from store import crowding, learned, scores
from store.hall import Hall

log = logging.getLogger("wayside.predictor")

KEEP_EVERY_S = 60.0
DAYS_BACK = 7
"""So many days of scores decide whose time riders are told."""


class Recall:
    """The memory of one timetable's feed."""

    def __init__(self, hall: Hall, feed_id: str, settings: EngineSettings) -> None:
        self._hall, self._feed_id, self._settings = hall, feed_id, settings
        self._version = 0
        self._kept_epoch_s = float("-inf")
        self._day = 0

    async def begin(self, schedule: Schedule, before: Foresight | None, now_epoch_s: float) -> Foresight:
        """A foresight for a timetable just opened: it goes on from the one *before*, or from what the hall remembers."""
        if before is None:
            made = await asyncio.to_thread(Foresight, schedule, self._feed_id, await self._engine())
            self._day = self._today(schedule, now_epoch_s)
            made.preference.book.tallies = await self._tallies(schedule, self._day)
            with contextlib.suppress(BlobUnusable):
                made.crowding.by_place = (await crowding.get(self._hall, self._feed_id)).by_place()
        else:
            by_name = tallies_by_name(before.schedule, before.preference.book.tallies)
            book = Scorebook(tallies=tallies_by_row(schedule, by_name))
            made = await asyncio.to_thread(Foresight, schedule, self._feed_id, before.engine, book)
            made.crowding = before.crowding
        made.preference.history = await self._history(schedule)
        return made

    async def _engine(self) -> Engine:
        state = None
        try:
            found = await learned.get(self._hall, self._feed_id)
            if found is not None:
                self._version = found[0]
                state = State(found[2])
            return await asyncio.to_thread(Engine, self._settings, state)
        except (BlobUnusable, KeyError, ValueError, IndexError) as error:
            log.error("event=learned_unusable feed=%s why=%r action=beginning_anew", self._feed_id, str(error)[:200])
            return Engine(self._settings)

    async def keep(self, foresight: Foresight, now_epoch_s: float, *, at_once: bool = False) -> None:
        """Once a minute: leave in the hall what has been learned and scored. Raises what Redis raises."""
        if not at_once and 0 <= now_epoch_s - self._kept_epoch_s < KEEP_EVERY_S:
            return
        self._kept_epoch_s = now_epoch_s
        if await learned.version(self._hall, self._feed_id) != self._version:
            foresight.go_on_from(await self._engine())
            log.info("event=learned_replaced feed=%s", self._feed_id)
        else:
            state = await asyncio.to_thread(foresight.engine.state)
            self._version = await learned.put(self._hall, self._feed_id, dict(state.columns), now_epoch_s)
        schedule = foresight.schedule
        if foresight.crowding.by_place:
            await crowding.put(self._hall, self._feed_id, Crowding.of(foresight.crowding.by_place), now_epoch_s)
        if foresight.preference.book.tallies:
            day = ScoreDay.of(tallies_by_name(schedule, foresight.preference.book.tallies))
            await scores.put(self._hall, self._feed_id, self._day, day, now_epoch_s)
        today = self._today(schedule, now_epoch_s)
        if today != self._day:
            self._day = today
            foresight.preference.book.tallies = await self._tallies(schedule, today)
            foresight.preference.history = await self._history(schedule)

    @staticmethod
    def _today(schedule: Schedule, now_epoch_s: float) -> int:
        return service_day.yyyymmdd(service_day.local_date(now_epoch_s, schedule.time_zone))

    async def _tallies(self, schedule: Schedule, day: int) -> dict[int, Tally]:
        with contextlib.suppress(BlobUnusable):
            return tallies_by_row(schedule, (await scores.get(self._hall, self._feed_id, day)).tallies())
        return {}

    async def _history(self, schedule: Schedule) -> dict[int, Tally]:
        total: dict[int, Tally] = {}
        today = service_day.from_yyyymmdd(self._day)
        for back in range(1, DAYS_BACK + 1):
            day = service_day.yyyymmdd(today - timedelta(days=back))
            for route, tally in (await self._tallies(schedule, day)).items():
                if tally.shape == SHAPE:
                    total[route] = total[route] + tally if route in total else tally
        return total

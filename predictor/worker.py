"""The predictor's thin edge for arrivals: reads what feeds said, ticks, leaves predictions for each timetable."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field, replace

import msgspec

from domain.errors import BlobUnusable, BundleUnusable
from domain.feed import SPEAKS_OF_TRIPS, FeedKind, FeedSpec
from domain.feed_health import assess
from domain.predictions import Predictions
from predictor.delivered import Ledger, dates_before
from predictor.foresight import Foresight
from predictor.learned.explanation import Explanation
from predictor.learned.settings import Settings as EngineSettings
from predictor.placing import Ground
from predictor.recall import Recall
from predictor.schedule import Schedule
from predictor.tick import Counts, predict
from predictor.traces import Memory
from predictor.words import Heard
from runtime.clock import Clock
from runtime.settings import Settings
from store import delivered, explanations, feed_health, keys, predictions, realtime, timetable
from store.archive import Keeper, Kind
from store.hall import AWAY, RESYNC, Hall

log = logging.getLogger("wayside.predictor")

EVERY_S = 10.0
"""Ticks without news: calls pass, and what is too old stops being believed."""
SETTLE_S = 0.01
"""Feeds of one agency change together: wait this long for the others."""
HEARTBEAT_S = 5.0
STUMBLE_REST_S = 2.0
LAST_WORD_S = 3.0
"""So long an ending process tries to leave what it has learned."""
ARCHIVE_EVERY_S = 60.0
"""So often what riders are told is kept, for looking back."""
KEEP_EVERY_S = 60.0
"""So often what is known of the day's trips is kept: a restart forgets no more than that."""
MANY_REFUSED = 0.2
"""This share of a timetable's positions refused is worth a line in the log."""
KNOWN_DAYS = 7
"""A route whose vehicles were seen within these days is one whose vehicles report."""
_VEHICLES = frozenset({FeedKind.VEHICLE_POSITIONS, FeedKind.COMBINED})


@dataclass(slots=True)
class _Timetable:
    """One timetable and what is remembered of it from tick to tick."""

    feed_id: str
    schedule: Schedule
    ground: Ground
    recall: Recall | None
    foresight: Foresight | None
    memory: Memory = field(default_factory=Memory)
    archived_epoch_s: float = float("-inf")
    kept_epoch_s: float = float("-inf")
    refusing: bool = False
    """Many positions were not believed at the last tick."""
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.schedule)


class _Worker:
    def __init__(self, settings: Settings, hall: Hall, clock: Clock) -> None:
        self.settings, self.hall, self.clock = settings, hall, clock
        self.timetables: dict[str, _Timetable] = {}
        self.datasets: dict[str, realtime.RealtimeDataset] = {}
        self.speaking = {spec.feed_id: spec for spec in settings.feeds if spec.kind in SPEAKS_OF_TRIPS}
        self.due = asyncio.Event()
        self.complained: set[str] = set()
        self.thinking = asyncio.Lock()
        """Held while an engine works in its thread: nobody asks it anything then."""
        self.keeper = Keeper(settings.home, settings.archive.keep_days, settings.archive.max_bytes)

    async def follow(self) -> None:
        """Note what changed; never ends."""
        async for change in self.hall.changes():
            if change == RESYNC or change.topic in {"timetable", realtime.TOPIC}:
                self.due.set()

    async def run(self) -> None:
        """Tick on news, and every few seconds without; never ends."""
        ticked_s, seen = -1e9, ""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.due.wait(), EVERY_S)
            await asyncio.sleep(SETTLE_S)
            self.due.clear()
            try:
                await self.hall.wait_until_there()
                state = await self._news()
                if state != seen or self.clock.monotonic_s() - ticked_s >= EVERY_S:
                    ticked_s, seen = self.clock.monotonic_s(), state
                    await self._tick()
                await self.keep()
                await self.hall.redis.set(
                    keys.heartbeat("predictor"), self.clock.now_epoch_s(), ex=int(HEARTBEAT_S * 6)
                )
            except AWAY:
                continue
            except Exception:
                # Redis refuses (full, read-only), or something nobody thought of: riders see what was told, then the schedule.
                log.exception("event=predictor_stumbled action=retry")
                await asyncio.sleep(STUMBLE_REST_S)

    async def _news(self) -> str:
        """The versions of everything a tick reads; new datasets are fetched on the way."""
        versions = [await self._open(spec) for spec in self.settings.feeds if spec.kind is FeedKind.GTFS]
        for feed_id in self.speaking:
            version = await self.hall.version(keys.realtime(feed_id))
            known = self.datasets.get(feed_id)
            if version and (known is None or known.version != version):
                with contextlib.suppress(BlobUnusable):
                    dataset = await realtime.get(self.hall, feed_id)
                    if dataset is not None:
                        self.datasets[feed_id] = dataset
            versions.append(str(version))
        return " ".join(versions)

    async def _open(self, spec: FeedSpec) -> str:
        generation = await timetable.in_force(self.hall, spec.feed_id)
        known = self.timetables.get(spec.feed_id)
        if generation is None or (known is not None and known.schedule.generation == generation):
            return generation or ""
        try:
            bundle = await asyncio.to_thread(timetable.open_bundle, self.settings.home, spec.feed_id, generation)
            schedule = await asyncio.to_thread(Schedule, bundle)
            ground = await asyncio.to_thread(Ground, schedule)
            recall, foresight = await self._learning(spec.feed_id, schedule)
        except BundleUnusable as error:
            if generation not in self.complained:
                self.complained.add(generation)
                log.error("event=bundle_unusable feed=%s why=%r", spec.feed_id, str(error))
            return ""
        self.timetables[spec.feed_id] = opened = _Timetable(spec.feed_id, schedule, ground, recall, foresight)
        if known is not None:
            opened.memory = known.memory
            opened.memory.go_on_with(schedule, known.schedule)
        await self._recall_trips(opened)
        log.info("event=timetable_opened feed=%s generation=%s", spec.feed_id, generation)
        return generation

    async def _learning(self, feed_id: str, schedule: Schedule) -> tuple[Recall | None, Foresight | None]:
        """What was learned of the feed goes on with its new timetable."""
        predictor = self.settings.predictor
        if not predictor.learn:
            return None, None
        known = self.timetables.get(feed_id)
        recall = known.recall if known else None
        recall = recall or Recall(self.hall, feed_id, EngineSettings(publish=predictor.publish_quantile))
        before = known.foresight if known else None
        return recall, await recall.begin(schedule, before, self.clock.now_epoch_s())

    async def answer(self) -> None:
        """Explain what is asked about; never ends."""
        while True:
            try:
                await self.hall.wait_until_there()
                question = await explanations.next_question(self.hall, 1.0)
                if question is not None:
                    async with self.thinking:
                        why = self._explained(question)
                    await explanations.answer(self.hall, question, msgspec.json.encode(why))
            except AWAY:
                continue
            except Exception:
                log.exception("event=explanation_failed")
                await asyncio.sleep(0.1)

    def _explained(self, question: explanations.Question) -> Explanation | None:
        it = self.timetables.get(question.feed_id)
        if it is None or it.foresight is None:
            return None
        first, last = it.schedule.trips_named(question.trip)
        for trip in range(first, last) if first >= 0 else ():
            why = it.foresight.explain(trip, question.service_date, question.position)
            if why is not None:
                return why
        return None

    async def keep(self, *, at_once: bool = False) -> None:
        """Leave in the hall what has been learned."""
        for it in self.timetables.values():
            if it.recall is not None and it.foresight is not None:
                await it.recall.keep(it.foresight, self.clock.now_epoch_s(), at_once=at_once)

    async def _recall_trips(self, it: _Timetable) -> None:
        """Take up what was known of the trips of these days, and of the routes of those before."""
        dates = it.schedule.days_near(self.clock.now_epoch_s())
        for number in dates:
            with contextlib.suppress(BlobUnusable):
                kept = await delivered.trips_of(self.hall, it.feed_id, number)
                if kept is not None:
                    it.ledger.recall(number, kept)
        for number in dates_before(dates[0], KNOWN_DAYS):
            with contextlib.suppress(BlobUnusable):
                it.ledger.recall_routes(await delivered.counts_of(self.hall, it.feed_id, number))

    async def _keep_trips(self, it: _Timetable, now: float) -> None:
        it.kept_epoch_s = now
        for number in list(it.ledger.days):
            counts, trips = it.ledger.counts(number, now), it.ledger.kept(number)
            if trips.trip_ids:
                await delivered.put(self.hall, it.feed_id, number, counts, trips, now)

    async def _tick(self) -> None:
        now = self.clock.now_epoch_s()
        records = await feed_health.get_records(self.hall)
        usable = {feed_id for feed_id, record in records.items() if assess(record, now).usable}
        for it in self.timetables.values():
            heard = [
                self._heard(it, spec)
                for spec in self.speaking.values()
                if it.feed_id in spec.schedule and spec.feed_id in usable
            ]
            try:
                async with self.thinking:
                    made, counts = await asyncio.to_thread(
                        predict, it.schedule, it.ground, [one for one in heard if one], now, it.memory, it.foresight
                    )
            except Exception:
                # One timetable that cannot be predicted must not take the others along: its riders see the schedule.
                log.exception("event=tick_failed feed=%s", it.feed_id)
                continue
            _say_refusals(it, counts)
            made = self._note_trips(it, made, now, usable)
            await predictions.put(self.hall, it.feed_id, made, now)
            if it.foresight is not None:
                it.foresight.crowding.note(now, it.schedule, made)
            if not 0 <= now - it.kept_epoch_s < KEEP_EVERY_S:
                await self._keep_trips(it, now)
            if now - it.archived_epoch_s >= ARCHIVE_EVERY_S or now < it.archived_epoch_s:
                it.archived_epoch_s = now
                await self.keeper.keep(it.feed_id, Kind.PREDICTIONS, now, made)

    def _note_trips(self, it: _Timetable, made: Predictions, now: float, usable: set[str]) -> Predictions:
        """Note which trips run, and say which vehicles are missing."""
        sources = [
            spec.feed_id for spec in self.speaking.values() if spec.kind in _VEHICLES and it.feed_id in spec.schedule
        ]
        watching = bool(sources) and usable.issuperset(sources)
        it.ledger.note(made, now, watching=watching)
        trip, date = it.ledger.missing(now, watching=watching)
        return replace(made, missing_trip=trip, missing_date=date)

    def _heard(self, it: _Timetable, spec: FeedSpec) -> Heard | None:
        dataset = self.datasets.get(spec.feed_id)
        if dataset is None:
            return None
        updates, vehicles = dataset.trip_updates, dataset.vehicles
        header = max(updates.header_epoch_s if updates else 0, vehicles.header_epoch_s if vehicles else 0)
        ids = (
            {*(updates.trip_ids if updates else ()), *(vehicles.trip_ids if vehicles else ())}
            if len(spec.schedule) > 1
            else set()
        )
        earlier = [
            self.timetables[name]
            for name in spec.schedule[: spec.schedule.index(it.feed_id)]
            if name in self.timetables
        ]
        others = frozenset(
            raw for raw in ids if raw and any(other.schedule.trips_named(raw)[0] >= 0 for other in earlier)
        )
        return Heard(
            feed_id=spec.feed_id,
            header_epoch_s=header or int(dataset.at_epoch_s),
            updates=updates,
            vehicles=vehicles,
            not_ours=others,
            priority=spec.priority_of("trip_updates"),
            vehicle_priority=spec.priority_of("vehicles"),
        )


def _say_refusals(it: _Timetable, counts: Counts) -> None:
    """One line when many positions begin to be refused, and one when it is over."""
    many = counts.refused > max(3, MANY_REFUSED * (counts.vehicles + counts.refused))
    if many and not it.refusing:
        why = ",".join(f"{reason.name.lower()}:{count}" for reason, count in sorted(counts.distrusted.items()))
        log.warning("event=positions_refused feed=%s refused=%d why=%s", it.feed_id, counts.refused, why)
    elif it.refusing and not many:
        log.info("event=positions_believed feed=%s", it.feed_id)
    it.refusing = many


async def run(settings: Settings, hall: Hall, clock: Clock, stop: asyncio.Event) -> None:
    """Predict until *stop* is set; waits while Redis is away."""
    worker = _Worker(settings, hall, clock)
    jobs = (worker.follow(), worker.run(), worker.answer(), stop.wait())
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        worker.keeper.close()
        with contextlib.suppress(*AWAY):
            await hall.redis.delete(keys.heartbeat("predictor"))
            await asyncio.wait_for(worker.keep(at_once=True), LAST_WORD_S)

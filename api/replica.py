"""A process's own copy of all that is live: no request of a rider asks Redis anything.

One task follows the hall's changes and replaces what changed. While Redis is away the last state stays and its age
grows, so that by and by :func:`domain.feed_health.assess` says "stale" and riders are told the schedule.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Protocol

from api.live import Live
from api.notices import Notices, each_once
from api.served import Served
from api.shelves import Budget
from domain.alert import Alert
from domain.crowding import Crowding
from domain.errors import BlobUnusable, BundleUnusable
from domain.feed import SPEAKS_OF_TRIPS, FeedKind, FeedRecord
from domain.feed_health import FeedHealth
from domain.predictions import Predictions
from domain.quota import Quota
from domain.risk import TripRisk
from domain.situation import Situation
from runtime.clock import Clock
from runtime.settings import Settings
from store.hall import AWAY, RESYNC, RESYNC_S, Change
from store.streams import REFUSED
from store.timetable import Bundle, open_bundle

log = logging.getLogger("wayside.api")

RECORDS_EVERY_S = 15.0
"""How often all health records are read again, in case an announcement was missed."""
KEYS_EVERY_S = 10.0


Judge = Callable[[FeedRecord, float], FeedHealth]
"""``domain.feed_health.assess``."""


def _nobody() -> None:
    """Nobody wants to know."""


class KeyRecord(Protocol):
    """What is kept about an API key."""

    @property
    def role(self) -> str:
        """``operator``, or whatever else the key was made for."""

    @property
    def quota(self) -> Quota | None:
        """How often it may ask; None: as the deployment grants every key."""

    @property
    def exempt(self) -> bool:
        """It has no quota."""

    @property
    def protected(self) -> bool:
        """It may also read what riders reported."""


class Source(Protocol):
    """Where the copy comes from: the hall (``api.hall_source``). A version of 0 means that there is nothing yet."""

    async def generation(self, feed_id: str) -> str | None:
        """The timetable bundle in force."""

    async def predictions_version(self, feed_id: str) -> int: ...

    async def predictions(self, feed_id: str) -> tuple[int, Predictions] | None: ...

    async def crowding_version(self, feed_id: str) -> int: ...

    async def crowding(self, feed_id: str) -> Crowding: ...

    async def situations_version(self, feed_id: str) -> int: ...

    async def situations(self, feed_id: str) -> tuple[int, tuple[Situation, ...]]: ...

    async def record(self, feed_id: str) -> FeedRecord | None: ...

    async def records(self) -> Mapping[str, FeedRecord]: ...

    async def alerts_version(self) -> int | str: ...

    async def alerts(self) -> Mapping[str, Alert]: ...

    async def trip_risks_version(self) -> int: ...

    async def trip_risks(self) -> tuple[TripRisk, ...]: ...

    async def delivery_counts(self) -> Mapping[str, int]: ...

    async def api_keys(self) -> Mapping[str, KeyRecord]: ...


class Replica:
    """See the module. All attributes are replaced whole, on the event loop."""

    def __init__(self, settings: Settings, clock: Clock, source: Source, judge: Judge) -> None:
        self.settings = settings
        self.clock = clock
        self._source = source
        self.health = judge
        """How a feed is at an instant, by the one judge."""
        self.budget = Budget()
        """For everything that is kept encoded."""
        self.served: dict[str, Served] = {}
        """GTFS feed id to its timetable in force."""
        self.by_code: dict[str, tuple[Served, int]] = {}
        """Agency code to the timetable and the agency's row in it."""
        self.records: Mapping[str, FeedRecord] = {}
        self.alerts: Mapping[str, Alert] = {}
        self.trip_risks: tuple[TripRisk, ...] = ()
        self.api_keys: Mapping[str, KeyRecord] = {}
        """SHA-256 of a key to its record."""
        self.heard_monotonic_s: float | None = None
        """When the hall last answered; None before it ever did."""
        self.ticks_total = 0
        self.delivery_counts: Mapping[str, int] = {}
        """Outcome of a hand-over to how many there were."""
        self.on_change: Callable[[], None] = _nobody
        """Called when anything that riders are told was replaced."""
        self._situations: dict[str, tuple[int, tuple[Situation, ...]]] = {}
        self._predictions_versions: dict[str, int] = {}
        self._versions: dict[str, int | str] = {"alerts": -1, "trip_risks": -1}
        self._records_at_s = self._keys_at_s = -1e9
        self._unusable: dict[str, str] = {}
        self._complained: set[str] = set()
        self.schedules = tuple(spec.feed_id for spec in settings.feeds if spec.kind is FeedKind.GTFS)
        self.speaking = {
            schedule: tuple(
                it.feed_id for it in settings.feeds if it.kind in SPEAKS_OF_TRIPS and schedule in it.schedule
            )
            for schedule in self.schedules
        }
        """Per timetable, the feeds that say where its trips are."""
        self.notice_feeds = {
            spec.feed_id: spec.schedule
            for spec in settings.feeds
            if spec.kind in (FeedKind.SITUATIONS, FeedKind.COMBINED)
        }

    # --- following

    async def follow(self, changes: AsyncIterator[Change]) -> None:
        """Keep the copy right for as long as *changes* goes on."""
        resynced_s = -1e9
        async for change in changes:
            try:
                now_s = self.clock.monotonic_s()
                if change == RESYNC or now_s - resynced_s >= RESYNC_S:
                    resynced_s = now_s
                    await self.refresh()
                else:
                    await self._take(change)
                self.heard_monotonic_s = self.clock.monotonic_s()
            except AWAY:
                continue  # the hall says so, once
            except (BlobUnusable, *REFUSED) as error:
                self._complain(error)

    def _complain(self, error: Exception) -> None:
        """Once of each: what was known before goes on being served."""
        if str(error) not in self._complained:
            self._complained.add(str(error))
            log.error("event=hall_unreadable why=%r action=serving_what_is_known", str(error)[:300])

    async def refresh(self) -> None:
        """Compare every version with the hall's and read what differs."""
        for feed_id in self.schedules:
            await self._take_timetable(feed_id)
            await self._take_predictions(feed_id)
            await self._take_crowding(feed_id)
        for feed_id in self.notice_feeds:
            await self._take_situations(feed_id)
        for take in (self._take_alerts, self._take_trip_risks, self._take_records, self._take_keys):
            try:
                await take()
            except BlobUnusable as error:  # one thing that cannot be read must not hide the others
                self._complain(error)
        self.heard_monotonic_s = self.clock.monotonic_s()

    async def _take_records(self) -> None:
        now_s = self.clock.monotonic_s()
        if now_s - self._records_at_s >= RECORDS_EVERY_S:
            self._records_at_s = now_s
            self.records = await self._source.records()
            self.delivery_counts = await self._source.delivery_counts()

    async def _take_keys(self) -> None:
        now_s = self.clock.monotonic_s()
        if now_s - self._keys_at_s >= KEYS_EVERY_S:
            self._keys_at_s = now_s
            self.api_keys = await self._source.api_keys()

    async def _take(self, change: Change) -> None:
        match change.topic:
            case "timetable":
                await self._take_timetable(change.feed_id)
                await self._take_predictions(change.feed_id)
            case "crowding":
                await self._take_crowding(change.feed_id)
            case "predictions":
                await self._take_predictions(change.feed_id)
            case "alerts":
                await self._take_alerts()
            case "trip_risks":
                await self._take_trip_risks()
            case "feed_health":
                record = await self._source.record(change.feed_id)
                if record is not None:
                    self.records = {**self.records, change.feed_id: record}
            case "api_keys":
                self.api_keys = await self._source.api_keys()
            case _ if change.feed_id in self.notice_feeds:
                await self._take_situations(change.feed_id)

    async def _take_timetable(self, feed_id: str) -> None:
        if feed_id not in self.schedules:
            return
        generation = await self._source.generation(feed_id)
        current = self.served.get(feed_id)
        if generation is None or (current is not None and current.bundle.generation == generation):
            return
        try:
            served = await asyncio.to_thread(self._open, feed_id, generation, self.settings.home)
        except BundleUnusable as error:
            if self._unusable.get(feed_id) != generation:
                self._unusable[feed_id] = generation
                log.error("event=bundle_unusable feed=%s generation=%s why=%r", feed_id, generation, str(error))
            return
        self.served = {**self.served, feed_id: served}
        self._index_codes()
        self._predictions_versions.pop(feed_id, None)
        self._index_notices(feed_id)
        log.info("event=timetable_in_force feed=%s generation=%s", feed_id, generation)

    def _index_codes(self) -> None:
        """Agency codes and places that several feeds know; of feeds that share a code, the first configured has it."""
        by_code: dict[str, tuple[Served, int]] = {}
        for feed_id in self.schedules:
            it = self.served.get(feed_id)
            for row, agency in enumerate(it.bundle.agencies) if it is not None else ():
                if agency.code in by_code and it is not None:
                    log.error("event=agency_code_shared code=%s feeds=%s,%s", agency.code,
                              by_code[agency.code][0].bundle.feed_id, feed_id)  # fmt: skip
                elif it is not None:
                    by_code[agency.code] = (it, row)
        self.by_code = by_code
        for it in self.served.values():
            it.together = {}
        for group in self.settings.same_stops:
            members = [found for stop_id in group if (found := self._stop_named(stop_id)) is not None]
            for served, row in members:
                others = tuple((it.bundle.feed_id, other) for it, other in members if (it, other) != (served, row))
                served.together[row] = others
        if self.settings.same_stops:
            for it in self.served.values():
                it.join(self.served)

    def _stop_named(self, stop_id: str) -> tuple[Served, int] | None:
        code, _, raw_id = stop_id.partition("_")
        found = self.by_code.get(code)
        row = found[0].bundle.stop_ids.index(raw_id) if found is not None else None
        return (found[0], row) if found is not None and row is not None else None

    def _open(self, feed_id: str, generation: str, home: Path) -> Served:
        bundle: Bundle = open_bundle(home, feed_id, generation)
        served = Served(bundle, self.feed_usable, self.settings.language, self.budget)
        _ = served.fragments.max_dwell_s  # reads a whole column: now, not within a request
        return served

    async def _take_predictions(self, feed_id: str) -> None:
        served = self.served.get(feed_id)
        if served is None:
            return
        version = await self._source.predictions_version(feed_id)
        if version == self._predictions_versions.get(feed_id, 0):
            return
        with contextlib.suppress(BlobUnusable):
            found = await self._source.predictions(feed_id)
            live = None if found is None else await asyncio.to_thread(Live, found[1], found[0], self.budget)
            if self.served.get(feed_id) is served:
                served.set_live(live)
                self.ticks_total += 1
                self.on_change()
            version = found[0] if found is not None else version
        self._predictions_versions[feed_id] = version

    async def _take_crowding(self, feed_id: str) -> None:
        served = self.served.get(feed_id)
        version = await self._source.crowding_version(feed_id) if served is not None else 0
        if served is not None and version != served.crowding_version:
            with contextlib.suppress(BlobUnusable):
                served.set_crowding(await self._source.crowding(feed_id))
            served.crowding_version = version

    async def _take_situations(self, feed_id: str) -> None:
        version = await self._source.situations_version(feed_id)
        if version == self._situations.get(feed_id, (0, ()))[0]:
            return
        with contextlib.suppress(BlobUnusable):
            self._situations[feed_id] = await self._source.situations(feed_id)
            for schedule in self.notice_feeds[feed_id]:
                self._index_notices(schedule)

    def _index_notices(self, schedule: str) -> None:
        served = self.served.get(schedule)
        if served is not None:
            speaking = sorted(
                (feed_id for feed_id in self.notice_feeds if schedule in self.notice_feeds[feed_id]),
                key=lambda feed_id: -self.settings.feed(feed_id).priority_of("situations"),
            )
            situations = each_once(self._situations[feed_id][1] for feed_id in speaking if feed_id in self._situations)
            served.set_notices(Notices(served.fragments, situations, self.settings.language))
            self.on_change()

    async def _take_alerts(self) -> None:
        version = await self._source.alerts_version()
        if version != self._versions["alerts"]:
            self.alerts = await self._source.alerts()
            self._versions["alerts"] = version
            self.on_change()

    async def _take_trip_risks(self) -> None:
        version = await self._source.trip_risks_version()
        if version != self._versions["trip_risks"]:
            self.trip_risks = await self._source.trip_risks()
            self._versions["trip_risks"] = version

    # --- judging

    def feed_usable(self, feed_id: str, now_epoch_s: float) -> bool:
        """May what that feed said be shown as live now? Not when nothing is known of the feed."""
        record = self.records.get(feed_id)
        return record is not None and self.health(record, now_epoch_s).usable

    def nobody_speaks(self, schedule: str, now_epoch_s: float) -> bool:
        """Are there feeds that would say where that timetable's trips are, and none that can be believed now?

        What they said is in no prediction then: the predictor has stopped listening to them.
        """
        speaking = self.speaking[schedule]
        return bool(speaking) and not any(self.feed_usable(feed_id, now_epoch_s) for feed_id in speaking)

    def reasons_not_ready(self) -> list[str]:
        """Why no arrivals can be served yet; empty when some can: of one city's many timetables, the first is enough."""
        reasons = []
        if self.heard_monotonic_s is None:
            reasons.append("Redis has not answered yet")
        if not self.schedules:
            reasons.append("no GTFS feed is configured")
        if not self.served:
            reasons += [f"the timetable of {feed_id} is not loaded" for feed_id in self.timetables_missing()]
        return reasons

    def timetables_missing(self) -> list[str]:
        """GTFS feeds whose timetable is not loaded."""
        return [feed_id for feed_id in self.schedules if feed_id not in self.served]

    def age_s(self) -> float | None:
        """Seconds since the hall last answered; None before it ever did."""
        return None if self.heard_monotonic_s is None else self.clock.monotonic_s() - self.heard_monotonic_s

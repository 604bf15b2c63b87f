"""Follows what alert feeds list and what runs; keeps the Alerts, and the trips that they touch, as they should be.

Everything is in the hall: a worker that starts anew reads it and goes on. While Redis is away it waits.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from domain.alert import Alert
from domain.errors import BlobUnusable, BundleUnusable
from domain.feed import FeedKind, FeedSpec
from domain.predictions import Predictions
from domain.risk import TripRisk
from predictor.alert_chains import Changes, advance
from predictor.risk import TripJudge
from predictor.running_trips import own_ways, patterns_of, runs_now, trip_risk
from runtime.clock import Clock
from runtime.settings import Settings
from store import alerts, feed_health, predictions, timetable
from store.alerts import ListedMessages
from store.hall import AWAY, Change, Hall

log = logging.getLogger("wayside.predictor")

ALERT_KINDS = frozenset({FeedKind.CAP, FeedKind.CASE_RATES})
SETTLE_EVERY_S = 15.0
"""How often events are let expire and withdrawn."""

TRIPS_EVERY_S = 10.0
"""Trips are judged at most this often, unless an Alert or a timetable changed."""


async def run(settings: Settings, hall: Hall, clock: Clock, stop: asyncio.Event) -> None:
    """Work until *stop*."""
    events = Events(settings, hall, clock)
    trips = Trips(settings, hall, clock)
    settled_s = judged_s = -1e9
    following = hall.changes()
    ending: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            change = await _next_or_stop(following, ending)
            if change is None:
                return
            try:
                now_s = clock.monotonic_s()
                moved = False
                if change.topic == "alert_messages" or now_s - settled_s >= SETTLE_EVERY_S:
                    moved = await events.settle(change.feed_id if change.topic == "alert_messages" else "")
                    settled_s = now_s if change.topic != "alert_messages" else settled_s
                elif change.topic == "resync":
                    moved = await events.settle_changed()
                runs_may_differ = change.topic in {"predictions", "timetable", "resync"}
                is_due = change.topic == "timetable" or now_s - judged_s >= TRIPS_EVERY_S
                if moved or (runs_may_differ and is_due):
                    await trips.judge(events.known)
                    judged_s = now_s
            except AWAY:
                events.forget()
            except Exception:
                # A warning that cannot be worked on must not take the arrivals, which this process makes too, along.
                log.exception("event=alerts_stumbled topic=%s action=retry", change.topic)
                events.forget()
                settled_s = judged_s = clock.monotonic_s()
    finally:
        ending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ending
        if isinstance(following, AsyncGenerator):
            await following.aclose()


async def _next_or_stop(following: AsyncIterator[Change], ending: "asyncio.Future[Any]") -> Change | None:
    """The next change, or None when the end came first."""
    coming = asyncio.ensure_future(anext(following))
    both: set[asyncio.Future[Any]] = {coming, ending}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if coming.done():
        return coming.result()
    coming.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await coming
    return None


class Events:
    """The Alerts of all alert feeds."""

    def __init__(self, settings: Settings, hall: Hall, clock: Clock) -> None:
        self._feeds = [spec for spec in settings.feeds if spec.kind in ALERT_KINDS]
        self._hall = hall
        self._clock = clock
        self._listed: dict[str, ListedMessages] = {}
        self._known: dict[str, Alert] | None = None

    @property
    def known(self) -> dict[str, Alert]:
        return self._known or {}

    def forget(self) -> None:
        """Trust the hall, not memory: an answer was lost, and what was written is not known."""
        self._known = None

    async def settle(self, feed_id: str = "") -> bool:
        """Bring the Alerts of one feed, or of all, up to date; did any change?"""
        moved = False
        for spec in self._feeds:
            if not feed_id or spec.feed_id == feed_id:
                moved |= await self._settle(spec)
        if not feed_id:
            moved |= await self._settle_orphans()
        return moved

    async def _settle_orphans(self) -> bool:
        """Let what feeds that are configured no longer once said run out: whoever was warned is owed the end."""
        configured = {spec.feed_id for spec in self._feeds}
        moved = False
        try:
            if self._known is None:
                self._known = await alerts.get_alerts(self._hall)
        except BlobUnusable as error:
            log.error("event=alerts_unusable why=%s", error)
            return False
        for feed_id in sorted({alert.feed_id for alert in self.known.values()} - configured):
            now_epoch_s = self._clock.now_epoch_s()
            changes = advance(self.known, (), feed_id=feed_id, seen_epoch_s=0, now_epoch_s=now_epoch_s)
            if changes:
                await self._write(changes, now_epoch_s)
                moved = True
        return moved

    async def settle_changed(self) -> bool:
        """The same for feeds whose messages changed without our hearing of it."""
        moved = False
        for spec in self._feeds:
            known = self._listed.get(spec.feed_id)
            if (await alerts.messages_version(self._hall, spec.feed_id)) != (known.version if known else 0):
                moved |= await self._settle(spec)
        return moved

    async def _settle(self, spec: FeedSpec) -> bool:
        try:
            if self._known is None:
                self._known = await alerts.get_alerts(self._hall)
            listed = await self._read(spec)
        except BlobUnusable as error:
            log.error("event=alerts_unusable feed=%s why=%s", spec.feed_id, error)
            return False
        if listed is None:
            return False
        now_epoch_s = self._clock.now_epoch_s()
        try:
            changes = await asyncio.to_thread(
                advance,
                self._known,
                listed.messages,
                feed_id=spec.feed_id,
                seen_epoch_s=listed.at_epoch_s,
                now_epoch_s=now_epoch_s,
            )
        except Exception:
            log.exception("event=alerts_stumbled feed=%s action=next_feed", spec.feed_id)
            return False
        if changes:
            await self._write(changes, now_epoch_s)
        return bool(changes)

    async def _read(self, spec: FeedSpec) -> ListedMessages | None:
        """What the feed lists, as of its last good poll."""
        version = await alerts.messages_version(self._hall, spec.feed_id)
        known = self._listed.get(spec.feed_id)
        if version and (known is None or known.version != version):
            known = await alerts.get_messages(self._hall, spec.feed_id)
            if known is not None:
                self._listed[spec.feed_id] = known
        record = await feed_health.get_record(self._hall, spec.feed_id) if known else None
        if known is None or record is None:
            return known
        return replace(known, at_epoch_s=max(known.at_epoch_s, record.last_success_epoch_s))

    async def _write(self, changes: Changes, now_epoch_s: float) -> None:
        await alerts.put_alerts(self._hall, changes.told, now_epoch_s, quiet=changes.quiet, forgotten=changes.forgotten)
        assert self._known is not None
        self._known |= {alert.alert_id: alert for alert in (*changes.told, *changes.quiet)}
        for alert_id in changes.forgotten:
            self._known.pop(alert_id, None)
        for alert in changes.told:
            log.info(
                "event=alert_changed alert=%s feed=%s revision=%d state=%s",
                alert.alert_id,
                alert.feed_id,
                alert.revision,
                alert.state.value,
            )


class Trips:
    """The running trips of all timetables, judged."""

    def __init__(self, settings: Settings, hall: Hall, clock: Clock) -> None:
        self._settings = settings
        self._feed_ids = [spec.feed_id for spec in settings.feeds if spec.kind is FeedKind.GTFS]
        self._hall = hall
        self._clock = clock
        self._open: dict[str, tuple[timetable.Bundle, TripJudge]] = {}
        self._said: list[TripRisk] | None = None

    async def judge(self, known: dict[str, Alert]) -> None:
        """Say which running trips the Alerts touch, if that is not what was said last."""
        now_epoch_s = self._clock.now_epoch_s()
        risks: list[TripRisk] = []
        for feed_id in self._feed_ids:
            try:
                risks += await self._judge(feed_id, known, now_epoch_s)
            except (BundleUnusable, BlobUnusable) as error:
                log.error("event=trips_not_judged feed=%s why=%s", feed_id, error)
        if risks != self._said:
            await alerts.put_trip_risks(self._hall, risks, now_epoch_s)
            self._said = risks

    async def _judge(self, feed_id: str, known: dict[str, Alert], now_epoch_s: float) -> list[TripRisk]:
        generation = await timetable.in_force(self._hall, feed_id)
        if generation is None:
            return []
        if feed_id not in self._open or self._open[feed_id][0].generation != generation:
            bundle = timetable.open_bundle(self._settings.home, feed_id, generation)
            self._open[feed_id] = (bundle, TripJudge(await asyncio.to_thread(patterns_of, bundle)))
        bundle, judge = self._open[feed_id]
        if not known:
            return []
        said = await predictions.get(self._hall, feed_id)
        return await asyncio.to_thread(touched_trips, judge, bundle, said, tuple(known.values()), now_epoch_s)


def touched_trips(
    judge: TripJudge, bundle: timetable.Bundle, said: Predictions | None, known: Sequence[Alert], now_epoch_s: float
) -> list[TripRisk]:
    """The running trips of a timetable that known Alerts touch, *said* being its predictions. Done in a thread: arrivals,
    which are made in the same process, must not wait for a city's trips in twenty warnings."""
    found = judge.judge(known, runs_now(bundle, said, now_epoch_s), now_epoch_s)
    ways, runs = own_ways(bundle, said, now_epoch_s)
    found += TripJudge(ways).judge(known, runs, now_epoch_s)
    return [one for risk in found if (one := trip_risk(bundle, said, risk)) is not None]

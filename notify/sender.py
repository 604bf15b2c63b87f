"""From the work stream to phones: claim, look again, hand over, note what became of it, and only then settle.

The order is what makes it safe. A claim ("I am about to tell this person") is written *before* the Alert is read for
the last time. So either the sender sees that the Alert changed and lets go, or the planner, which reads claims after the
Alert was changed, sees that this person may have been told and gives the all-clear.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from domain.alert import Alert
from domain.errors import BlobUnusable, DeliveryFailed
from domain.notification import Delivery, DeliveryOutcome, Notification, NotificationKind, Told, ToldState
from domain.subscription import Platform, Subscription
from notify.channels.channel import Channel
from notify.current_alerts import CurrentAlerts
from notify.policy import (
    has_nothing_to_clear,
    is_no_news,
    is_superseded,
    quiet_until_epoch_s,
    retry_at_epoch_s,
)
from notify.unheard import is_still_due, owes_a_word, word_of
from runtime.clock import Clock
from runtime.settings import Settings
from store import deliveries, subscriptions
from store.hall import Hall
from store.streams import Entry

log = logging.getLogger("wayside.notify")

DELIVERIES_MOST = 8
"""Work that so many processes took and did not finish is put aside: it may be what ends them."""

BREAKER_WINDOW = 50
BREAKER_SHARE = 0.5
"""When more than half of the latest hand-overs call tokens dead, it is more likely that our credentials changed."""

BREAKER_BELIEVES = 5
"""So many are believed all the same: a small town loses five subscriptions to a wrong key at worst, not all it has."""


@dataclass(slots=True)
class _Job:
    entries: list[Entry]
    """The work this settles: the newest of what one person is to hear of one event, and what it replaces."""
    notification: Notification
    subscription: Subscription | None = None
    before: Told | None = None
    claim: Told | None = None


@dataclass(frozen=True, slots=True)
class _End:
    outcome: DeliveryOutcome
    detail: str = ""
    due_epoch_s: float = 0.0
    maybe_taken: bool = False
    give_up: bool = False
    unanswered: bool = False


class Sender:
    """Hands over batches of work."""

    def __init__(self, settings: Settings, hall: Hall, clock: Clock, channels: Mapping[Platform, Channel]) -> None:
        self._hall, self._clock, self._channels = hall, clock, channels
        self._quiet = (settings.notify.quiet_from, settings.notify.quiet_to)
        self._zone = ZoneInfo(settings.time_zone)
        self._fallback = settings.language
        self._lot = random.Random()
        self._current = CurrentAlerts(hall)
        self._dead_lately: list[bool] = []

    async def send(self, entries: Sequence[Entry]) -> list[Entry]:
        """Work on *entries*; returns those that are settled. Raises what Redis raises: then nothing is settled."""
        settled: list[Entry] = []
        jobs = await self._jobs(entries, settled)
        ends = await asyncio.gather(*(self._early(job) for job in jobs))
        rest = [job for job, end in zip(jobs, ends, strict=True) if end is None]
        pairs = [(job, end) for job, end in zip(jobs, ends, strict=True) if end is not None]
        pairs += await self._hand_over(rest)
        await self._note(pairs)
        settled += [entry for job, _ in pairs for entry in job.entries]
        return settled

    async def _jobs(self, entries: Sequence[Entry], settled: list[Entry]) -> list[_Job]:
        """One job for each person and event; what cannot be read, or killed too many, is put aside."""
        jobs: dict[tuple[str, str], _Job] = {}
        for entry in entries:
            reason = f"taken {entry.deliveries} times and never finished" if entry.deliveries > DELIVERIES_MOST else ""
            try:
                notification = deliveries.notification_of(entry)
            except BlobUnusable as error:
                reason = str(error)
            if reason:
                log.error("event=push_given_up why=%r", reason)
                await deliveries.give_up(self._hall, entry.fields, reason, self._clock.now_epoch_s())
                settled.append(entry)
                continue
            key = (notification.alert_id, notification.subscription_id)
            job = jobs.get(key)
            if job is None:
                jobs[key] = _Job([entry], notification)
            else:
                job.entries.append(entry)
                if notification.revision >= job.notification.revision:
                    job.notification = notification
        found = await subscriptions.get_many(self._hall, [job.notification.subscription_id for job in jobs.values()])
        by_alert: dict[str, list[_Job]] = {}
        for job in jobs.values():
            job.subscription = found.get(job.notification.subscription_id)
            by_alert.setdefault(job.notification.alert_id, []).append(job)
        for alert_id, group in by_alert.items():
            told = await deliveries.told(self._hall, alert_id, [job.notification.subscription_id for job in group])
            for job in group:
                job.before = told.get(job.notification.subscription_id)
        return list(jobs.values())

    async def _early(self, job: _Job) -> _End | None:
        """How it ends without anything being handed over; None when it must be."""
        notification, now_epoch_s = job.notification, self._clock.now_epoch_s()
        if job.subscription is None:
            return _End(DeliveryOutcome.REFUSED, "no such subscription any more")
        if is_no_news(notification, job.before) or has_nothing_to_clear(notification, job.before):
            return _End(DeliveryOutcome.SUPERSEDED, "told before, or never warned")
        if notification.expires_epoch_s <= now_epoch_s and not owes_a_word(notification, job.before):
            return _End(DeliveryOutcome.EXPIRED)
        if job.subscription.device.platform not in self._channels:
            return _End(
                DeliveryOutcome.REFUSED, f"no channel {job.subscription.device.platform.value} here", give_up=True
            )
        quiet_until = quiet_until_epoch_s(
            quiet_from=self._quiet[0],
            quiet_to=self._quiet[1],
            zone=self._zone,
            level=notification.level,
            now_epoch_s=now_epoch_s,
        )
        if quiet_until:
            return _End(DeliveryOutcome.DEFERRED, "quiet hours", due_epoch_s=quiet_until)
        return None

    async def _hand_over(self, jobs: Sequence[_Job]) -> list[tuple[_Job, _End]]:
        if not jobs:
            return []
        for job in jobs:
            job.claim = _told(job.notification, ToldState.CLAIMED)
        claims = [(job.notification.alert_id, job.notification.subscription_id, job.claim) for job in jobs if job.claim]
        won = await deliveries.tell(self._hall, claims)
        current = await self._current.read()  # after the claims: see the module
        return list(
            zip(
                jobs,
                await asyncio.gather(
                    *(self._one(job, is_ours, current) for job, is_ours in zip(jobs, won, strict=True))
                ),
                strict=True,
            )
        )

    async def _one(self, job: _Job, is_ours: bool, current: Mapping[str, Alert]) -> _End:
        notification, now_epoch_s = job.notification, self._clock.now_epoch_s()
        if not is_ours:
            return _End(DeliveryOutcome.SUPERSEDED, "a later revision was told")
        assert job.subscription is not None
        if self._is_past(job, current, now_epoch_s):
            word = self._word(job, current, now_epoch_s)
            if word is None:
                return _End(DeliveryOutcome.SUPERSEDED)
            # Kept as it was but for its life: should the provider put it off, it is judged again then.
            job.notification = replace(notification, expires_epoch_s=word.expires_epoch_s)
            notification = word
        device = job.subscription.device
        try:
            name = await self._channels[device.platform].deliver(device, notification, now_epoch_s)
        except DeliveryFailed as failed:
            return await self._failed(job, failed, now_epoch_s)
        except Exception:
            log.exception("event=channel_broken platform=%s alert=%s", device.platform.value, notification.alert_id)
            broken = DeliveryFailed("the channel broke", retry=True, maybe_taken=True)
            return await self._failed(job, broken, now_epoch_s)
        self._note_dead(False)
        job.notification = notification
        return _End(DeliveryOutcome.SENT, name.rpartition("/")[2])

    def _is_past(self, job: _Job, current: Mapping[str, Alert], now_epoch_s: float) -> bool:
        """Is what it says no longer so, or of no concern to the person any more?"""
        notification, alert = job.notification, current.get(job.notification.alert_id)
        if is_superseded(notification, alert, now_epoch_s) or notification.expires_epoch_s <= now_epoch_s:
            return True
        has_waited = notification.waited_quietly or notification.attempts > 0
        if alert is None or not has_waited or notification.kind is NotificationKind.ALL_CLEAR:
            return False
        assert job.subscription is not None
        return not is_still_due(alert, job.subscription, job.before, now_epoch_s)

    def _word(self, job: _Job, current: Mapping[str, Alert], now_epoch_s: float) -> Notification | None:
        """That there was a warning, where it must be told that; else None."""
        assert job.subscription is not None
        if not owes_a_word(job.notification, job.before):
            return None
        return word_of(
            job.notification,
            current,
            job.subscription,
            zone=self._zone,
            fallback=self._fallback,
            now_epoch_s=now_epoch_s,
        )

    async def _failed(self, job: _Job, failed: DeliveryFailed, now_epoch_s: float) -> _End:
        assert job.subscription is not None
        notification = job.notification
        is_storm = failed.forget and self._note_dead(True)
        if failed.forget and not is_storm:
            await subscriptions.delete_if_token(self._hall, notification.subscription_id, job.subscription.device.token)
            return _End(DeliveryOutcome.REFUSED, f"{failed}: the device is forgotten")
        if not failed.retry and not is_storm:
            log.error("event=push_refused alert=%s why=%r", notification.alert_id, str(failed))
            return _End(DeliveryOutcome.REFUSED, str(failed), give_up=True)
        due_epoch_s = retry_at_epoch_s(
            notification,
            asked_s=60.0 if is_storm else failed.retry_after_s,
            is_unanswered=failed.unanswered,
            lot=self._lot.random(),
            now_epoch_s=now_epoch_s,
        )
        if due_epoch_s is None:
            times = notification.attempts + 1
            log.error("event=push_given_up alert=%s times=%d why=%r", notification.alert_id, times, str(failed))
            return _End(DeliveryOutcome.EXPIRED, str(failed), maybe_taken=failed.maybe_taken, give_up=True)
        return _End(
            DeliveryOutcome.DEFERRED,
            str(failed),
            due_epoch_s=due_epoch_s,
            maybe_taken=failed.maybe_taken,
            unanswered=failed.unanswered,
        )

    def _note_dead(self, is_dead: bool) -> bool:
        """Count a hand-over; are so many tokens called dead lately that none should be believed?"""
        self._dead_lately = [*self._dead_lately[-(BREAKER_WINDOW - 1) :], is_dead]
        dead, of = sum(self._dead_lately), len(self._dead_lately)
        if dead <= max(BREAKER_SHARE * of, BREAKER_BELIEVES):
            return False
        log.error("event=tokens_called_dead share=%.2f action=keeping", dead / of)
        return True

    async def _note(self, pairs: Sequence[tuple[_Job, _End]]) -> None:
        """Write down what became of each. After this, the work may be settled."""
        now_epoch_s = self._clock.now_epoch_s()
        said, receipts = [], []
        for job, end in pairs:
            notification = job.notification
            ids = (notification.alert_id, notification.subscription_id)
            if end.outcome is DeliveryOutcome.SENT:
                said.append((*ids, _told(notification, ToldState.SENT)))
            elif job.claim is not None and not end.maybe_taken:
                await deliveries.take_back(self._hall, *ids, job.claim, job.before)
            if end.due_epoch_s:
                is_failure = job.claim is not None
                later = replace(
                    notification,
                    attempts=notification.attempts + int(is_failure),
                    waited_quietly=notification.waited_quietly or not is_failure,
                    unanswered=notification.unanswered + int(end.unanswered),
                )
                await deliveries.put_off(self._hall, later, end.due_epoch_s)
            if end.give_up:
                await deliveries.give_up(self._hall, job.entries[-1].fields, end.detail, now_epoch_s)
            receipts.append(
                Delivery(
                    subscription_id=notification.subscription_id,
                    alert_id=notification.alert_id,
                    revision=notification.revision,
                    kind=notification.kind,
                    outcome=end.outcome,
                    at_epoch_s=now_epoch_s,
                    detail=end.detail,
                )
            )
        await deliveries.tell(self._hall, said)
        await deliveries.record(self._hall, receipts)


def _told(notification: Notification, state: ToldState) -> Told:
    return Told(
        revision=notification.revision,
        kind=notification.kind,
        state=state,
        level=notification.level,
        content=notification.content if notification.kind is not NotificationKind.ALL_CLEAR else "",
    )

"""From a changed Alert, or a new subscription, to the notifications that are due.

Planning again what was planned before is harmless: senders know who was told what.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from zoneinfo import ZoneInfo

from domain.alert import Alert, AlertState
from domain.concern import assess_places
from domain.notification import Notification, NotificationKind, Told
from domain.risk import Risk, RiskLevel
from domain.subscription import Subscription
from notify.compose import compose
from notify.current_alerts import CurrentAlerts
from notify.policy import decide, is_no_news
from runtime.clock import Clock
from runtime.settings import Settings
from store import deliveries, keys, subscriptions
from store.hall import Hall

log = logging.getLogger("wayside.notify")

PAGE = 2000
"""So many subscriptions are judged at a time; senders get their turn between pages."""


class Planner:
    """See the module."""

    def __init__(self, settings: Settings, hall: Hall, clock: Clock) -> None:
        self._hall = hall
        self._clock = clock
        self._current = CurrentAlerts(hall)
        self._zone = ZoneInfo(settings.time_zone)
        self._fallback = settings.language

    async def plan_alert(self, alert_id: str) -> int:
        """Put on the work stream what everybody must hear of an Alert as it is now; how many that is."""
        known = await self._current.read()
        alert = known.get(alert_id)
        if alert is None:
            return 0
        planned = await self._plan(alert, known)
        for other in known.values():
            if other.superseded_by == alert_id:
                planned += await self._plan(other, known)
        return planned

    async def plan_subscriptions(self, subscription_ids: Iterable[str]) -> int:
        """Put on the work stream what is in force and concerns these, as far as they were not told; how many."""
        wanted = list((await subscriptions.get_many(self._hall, subscription_ids)).values())
        planned = 0
        for alert in (await self._current.read()).values() if wanted else ():
            if alert.state is AlertState.IN_FORCE:
                told = await deliveries.told(self._hall, alert.alert_id, [one.subscription_id for one in wanted])
                planned += await self._put(
                    await asyncio.to_thread(self.due, alert, wanted, told, {}, only_in_force=True)
                )
        return planned

    async def _plan(self, alert: Alert, known: Mapping[str, Alert]) -> int:
        told = await deliveries.all_told(self._hall, alert.alert_id)
        planned = 0
        if alert.state is not AlertState.IN_FORCE:
            successor = known.get(alert.superseded_by) if alert.superseded_by else None
            for ids in _pages(told, PAGE):
                page = list((await subscriptions.get_many(self._hall, ids)).values())
                going_on = await asyncio.to_thread(self._concerned, successor, page) if successor else {}
                planned += await self._put(await asyncio.to_thread(self.due, alert, page, told, going_on))
        elif alert.pushable or told:
            for shard in range(keys.SUBSCRIPTION_SHARDS):
                async for shard_page in subscriptions.in_shard(self._hall, shard):
                    for start in range(0, len(shard_page), PAGE):
                        page = shard_page[start : start + PAGE]
                        planned += await self._put(await asyncio.to_thread(self.due, alert, page, told, {}))
        log.info(
            "event=alert_planned alert=%s revision=%d state=%s notifications=%d",
            alert.alert_id,
            alert.revision,
            alert.state.value,
            planned,
        )
        return planned

    def _concerned(self, alert: Alert, page: Sequence[Subscription]) -> dict[str, bool]:
        """Which of these subscriptions an Alert concerns now, at any level."""
        risks = self._risks(alert, page)
        return {
            one.subscription_id: any(risk.level is not RiskLevel.NONE for risk in theirs)
            for one, theirs in zip(page, risks, strict=True)
        }

    def _risks(self, alert: Alert, page: Sequence[Subscription]) -> list[list[Risk]]:
        places = [place for one in page for place in one.places]
        risks = iter(assess_places(alert, places, self._clock.now_epoch_s()) if places else ())
        return [list(islice(risks, len(one.places))) for one in page]

    def due(
        self,
        alert: Alert,
        page: Sequence[Subscription],
        told: dict[str, Told],
        going_on: dict[str, bool],
        *,
        only_in_force: bool = False,
    ) -> list[Notification]:
        """What these subscriptions must hear of the Alert. Pure but for the clock.

        *told* is what they heard before, *going_on* for whom another Alert goes on; *only_in_force* leaves all-clears
        out: who moved a place away is not to be told that the danger there is over.
        """
        now_epoch_s = self._clock.now_epoch_s()
        found = []
        for one, risks in zip(page, self._risks(alert, page), strict=True):
            before = told.get(one.subscription_id)
            decision = decide(alert, one, risks, before, goes_on=going_on.get(one.subscription_id, False))
            if decision is None or (only_in_force and decision.kind is NotificationKind.ALL_CLEAR):
                continue
            notification = compose(
                alert, decision, one, zone=self._zone, fallback=self._fallback, now_epoch_s=now_epoch_s
            )
            if not is_no_news(notification, before):
                found.append(notification)
        return found

    async def _put(self, notifications: list[Notification]) -> int:
        await deliveries.put_work(self._hall, notifications)
        return len(notifications)


def _pages(ids: Iterable[str], size: int) -> Iterable[list[str]]:
    waiting = iter(ids)
    while page := list(islice(waiting, size)):
        yield page

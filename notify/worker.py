"""The notify process: plans what is due, hands it over, looks after what waits, and says that it is alive.

Several may run side by side; each piece of work is taken by one of them, and taken over when that one is gone.
While Redis is away everything waits.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from notify.channels import open_channels
from notify.planner import Planner
from notify.sender import Sender
from runtime.clock import Clock
from runtime.settings import Settings
from store import deliveries, keys, subscriptions
from store.hall import AWAY, Hall
from store.streams import REFUSED, Entry, WorkStream, consumer_name

log = logging.getLogger("wayside.notify")

PLANNERS = "planners"
BATCH = 64
"""Hand-overs under way at a time in one process."""

CHANGES_BATCH = 500
WAIT_S = 1.0
CLAIM_S = 6.0
"""Work whose process was not heard of for so long is taken over by another."""

RENEW_S = 1.5
BEAT_S = 5.0
TIDY_S = 3600.0
TROUBLE_REST_S = 1.0


async def run(settings: Settings, hall: Hall, clock: Clock, stop: asyncio.Event) -> None:
    """Work until *stop*; then finish what is in hand. Raises SettingsInvalid when a channel cannot work."""
    channels = open_channels(settings.notify)
    planner = Planner(settings, hall, clock)
    sender = Sender(settings, hall, clock, channels)
    name = consumer_name()

    def stream(key: str, group: str, *, forget_done: bool = False) -> WorkStream:
        return WorkStream(hall, key, group, name, forget_done=forget_done)

    async def plan_alerts(entries: Sequence[Entry]) -> Sequence[Entry]:
        for alert_id in dict.fromkeys(entry.fields.get(b"alert_id", b"") for entry in entries):
            await planner.plan_alert(alert_id.decode("utf-8", "replace"))
        return entries

    async def plan_newcomers(entries: Sequence[Entry]) -> Sequence[Entry]:
        ids = (entry.fields.get(b"subscription_id", b"").decode("utf-8", "replace") for entry in entries)
        await planner.plan_subscriptions(dict.fromkeys(ids))
        return entries

    patience = _Patience(hall, stop)
    jobs = [
        _work(patience, stream(keys.alert_events(), PLANNERS), plan_alerts, CHANGES_BATCH),
        _work(patience, stream(keys.subscription_changes(), PLANNERS), plan_newcomers, CHANGES_BATCH),
        _work(patience, stream(keys.pushes(), deliveries.SENDERS, forget_done=True), sender.send, BATCH),
        patience.keep(WAIT_S, lambda: _release(hall, clock)),
        patience.keep(BEAT_S, lambda: _beat(hall, clock)),
        patience.keep(TIDY_S, lambda: _tidy(hall, clock)),
    ]
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    finally:
        for channel in channels.values():
            await channel.close()


class _Patience:
    """Keeps work going through trouble: waits while Redis is away (and says so once, for all), rests when it refuses."""

    def __init__(self, hall: Hall, stop: asyncio.Event) -> None:
        self.stop = stop
        self._hall = hall
        self._waiting = asyncio.Lock()

    async def keep(self, interval_s: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do it again and again until the end. What is not settled comes again."""
        while not self.stop.is_set():
            rest_s = interval_s
            try:
                await act()
            except AWAY:
                await self._until_there()
                continue
            except REFUSED as error:
                log.error("event=redis_refused why=%r action=retry", str(error)[:200])
                rest_s = TROUBLE_REST_S
            except Exception:
                log.exception("event=notify_stumbled action=retry")
                rest_s = TROUBLE_REST_S
            if rest_s:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), rest_s)

    async def _until_there(self) -> None:
        async def wait() -> None:
            async with self._waiting:
                await self._hall.wait_until_there()

        back, ending = asyncio.ensure_future(wait()), asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait((back, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.cancel()
            ending.cancel()
            await asyncio.gather(back, ending, return_exceptions=True)


async def _work(
    patience: _Patience,
    stream: WorkStream,
    settle: Callable[[Sequence[Entry]], Awaitable[Sequence[Entry]]],
    batch: int,
) -> None:
    """Take, renew the claim while it is worked on, settle; what others left lying first."""

    async def once() -> None:
        entries = await stream.take_over(batch, CLAIM_S) or await stream.take(batch, WAIT_S)
        # What was taken before and not finished is tried alone, so that one bad piece does not drag others along.
        tried = [[entry] for entry in entries if entry.deliveries > 2]
        fresh = [entry for entry in entries if entry.deliveries <= 2]
        renewing = asyncio.create_task(_renew(stream, entries))
        try:
            for part in [fresh, *tried] if fresh else tried:
                await stream.done(await settle(part))
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    await patience.keep(0.0, once)


async def _renew(stream: WorkStream, entries: Sequence[Entry]) -> None:
    while True:
        await asyncio.sleep(RENEW_S)
        with contextlib.suppress(*AWAY, *REFUSED):
            await stream.renew(entries)


async def _release(hall: Hall, clock: Clock) -> None:
    while await deliveries.release_due(hall, clock.now_epoch_s()) >= 500:
        await asyncio.sleep(0)


async def _beat(hall: Hall, clock: Clock) -> None:
    await hall.redis.set(keys.heartbeat("notify"), clock.now_epoch_s(), ex=int(BEAT_S * 3))


async def _tidy(hall: Hall, clock: Clock) -> None:
    for key, group in (
        (keys.alert_events(), PLANNERS),
        (keys.subscription_changes(), PLANNERS),
        (keys.pushes(), deliveries.SENDERS),
    ):
        await WorkStream(hall, key, group, "tidy", forget_done=False).strike_off_silent()
    gone = await subscriptions.expire_idle(hall, clock.now_epoch_s())
    if gone:
        log.info("event=idle_subscriptions_forgotten count=%d", gone)

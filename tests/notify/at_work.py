"""The notify process at work, on a real Redis-compatible server and a real socket to the FCM double."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from notify import worker
from runtime.clock import FakeClock
from store import keys
from store.hall import Hall
from tests.at_work import at_work
from tests.notify.phones import Phones
from tests.notify.warnings import AT, settings


def working(
    home: Path, redis_url: str, phones: Phones, clock: FakeClock | None = None, quiet: tuple[str, str] = ("", "")
) -> AbstractAsyncContextManager[Hall]:
    """A running worker, stopped at the end; a hall to act and look with."""
    made = settings(home, redis_url, fcm=phones.settings, quiet_from=quiet[0], quiet_to=quiet[1])
    return at_work(redis_url, lambda hall, stop: worker.run(made, hall, clock or FakeClock(AT), stop))


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not wanted():
            await asyncio.sleep(0.02)


async def settled(hall: Hall) -> None:
    """Until nothing is left to plan or to hand over."""
    async with asyncio.timeout(20):
        while True:
            await asyncio.sleep(0.02)
            if await hall.redis.xlen(keys.pushes()):
                continue
            waits = False
            for key in (keys.alert_events(), keys.subscription_changes()):
                if not await hall.redis.exists(key):
                    continue
                groups = await hall.redis.xinfo_groups(key)
                waits |= not groups or any(group["pending"] or group["lag"] for group in groups)
            if not waits and not await hall.redis.xlen(keys.pushes()):
                return


async def rested(hall: Hall, clock: FakeClock) -> None:
    """Until nothing is due any more."""
    await settled(hall)
    async with asyncio.timeout(20):
        while await hall.redis.zcount(keys.pushes_later(), "-inf", clock.now_epoch_s()):
            await asyncio.sleep(0.02)
    await settled(hall)


async def waiting(hall: Hall, count: int) -> None:
    """Until so many pushes at least are put off."""
    async with asyncio.timeout(20):
        while await hall.redis.zcard(keys.pushes_later()) < count:
            await asyncio.sleep(0.02)
    await settled(hall)


async def all_released(hall: Hall) -> None:
    """Until no push is put off any more."""
    async with asyncio.timeout(20):
        while await hall.redis.zcard(keys.pushes_later()):
            await asyncio.sleep(0.02)
    await settled(hall)


async def refused(hall: Hall, phones: Phones, left: int) -> None:
    """Until the provider has *left* refusals to give, and what it refused is put off."""
    async with asyncio.timeout(20):
        while phones.double.fault_left != left or not await hall.redis.zcard(keys.pushes_later()):
            await asyncio.sleep(0.02)

"""Two notify processes share the work; one is killed in the middle of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import redis

from store import alerts, keys, subscriptions
from store.deliveries import SENDERS
from store.hall import Hall
from tests.notify.phones import Phones
from tests.notify.warnings import NOW, flood, over, resident

RESIDENTS = 150
"""More than one process takes at a time."""


def start(home: Path, redis_url: str, phones: Phones) -> "subprocess.Popen[bytes]":
    config = home / "city.toml"
    config.write_text(
        f'[notify]\nfcm_project_id = "{phones.settings.project_id}"\nfcm_base_url = "{phones.settings.base_url}"\n'
        f'fcm_credentials = "{phones.settings.credentials}"\n'
    )
    offset_s = NOW - time.time()  # noqa: TID251  # the city lives the day of the warning
    environment = {"REDIS_URL": redis_url, "WAYSIDE_HOME": str(home), "WAYSIDE_CLOCK_OFFSET_S": str(offset_s)}
    command = [sys.executable, "-m", "wayside", "notify", "--config", str(config)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not wanted():
            await asyncio.sleep(0.02)


async def test_a_killed_process_leaves_nobody_without_a_warning_and_nobody_with_two(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """What it had handed over, without knowing, is handed over again in the same place on the screen."""
    tokens = {f"token-r{number}" for number in range(RESIDENTS)}
    hall = Hall.connect(redis_url)
    look = redis.Redis.from_url(redis_url)

    def in_hand() -> dict[int, int]:
        """Process id to entries of the work that it has taken and not finished."""
        try:
            consumers = look.xinfo_consumers(keys.pushes(), SENDERS)
        except redis.ResponseError:
            return {}
        return {int(one["name"].split(b"-")[-2]): int(one["pending"]) for one in consumers}

    def handed() -> Counter[str]:
        return Counter(entry["message"]["token"] for entry in list(phones.double.inbox))

    both = [start(tmp_path, redis_url, phones) for _ in range(2)]
    try:
        await until(lambda: len(in_hand()) == 2)
        for number in range(RESIDENTS):
            await subscriptions.put(hall, resident(f"r{number}"))
        await until(lambda: not look.xlen(keys.pushes()))
        phones.double.answer_after_s = 1.0
        await alerts.put_alerts(hall, [flood()], NOW)
        await until(lambda: len(handed()) >= 40 and all(in_hand().get(one.pid) for one in both))
        victim = both[0]
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        phones.double.answer_after_s = 0.0
        await until(lambda: set(handed()) == tokens and not look.xlen(keys.pushes()))
        once_or_more = handed()
        tags = {entry["message"]["android"]["notification"]["tag"] for entry in phones.double.inbox}
        screens = {token: phones.on_screen(token) for token in tokens}
        await alerts.put_alerts(hall, [over(flood())], NOW)
        await until(lambda: sum(handed().values()) >= sum(once_or_more.values()) + RESIDENTS)
        await until(lambda: not look.xlen(keys.pushes()))
        ends = handed() - once_or_more
    finally:
        for one in both:
            one.kill()
            one.wait()
        look.close()
        await hall.close()
    assert len(tags) == 1
    assert {len(screen) for screen in screens.values()} == {1}
    assert max(once_or_more.values()) == 2, "nothing was in flight: the kill came too late to show anything"
    assert 1 <= sum(count == 2 for count in once_or_more.values()) <= 64
    assert ends == Counter(dict.fromkeys(tokens, 1))

"""One warning and a city of subscriptions: ``python -m bench.warning [--people 100000]``.

A real embedded server (every write on disk), a tenth of the people in the warned ground. Prints how long it takes to judge
everybody and plan who must be told, then to hand everything over to a channel that takes at once, then the same plan again
with everybody told; and the peak memory of the process. Fails when somebody in the ground is told nothing, or twice, or
somebody outside anything.
"""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from domain.alert import Alert, AlertInfo, AlertState, Area, MessageStatus, Severity
from domain.notification import Notification
from domain.subscription import Device, Place, Platform, Subscription, rounded_outward
from notify.planner import Planner
from notify.sender import Sender
from notify.worker import BATCH
from runtime.clock import SystemClock
from runtime.embedded_redis import EmbeddedRedis
from runtime.settings import Settings
from store import alerts, codec, deliveries, keys, subscriptions
from store.hall import Hall
from store.streams import WorkStream

SHARE = 0.1
"""Of the people live in the warned ground."""


class Taken:
    """A channel that takes at once, and counts."""

    def __init__(self) -> None:
        self.by_token: Counter[str] = Counter()

    async def deliver(self, device: Device, notification: Notification, now_epoch_s: float) -> str:
        self.by_token[device.token] += 1
        return "taken"

    async def close(self) -> None:
        return None


def person(number: int, lat: float, lon: float) -> Subscription:
    return Subscription(
        subscription_id=f"person-{number}",
        device=Device(platform=Platform.FCM, token=f"token-{number}"),
        language="en",
        places=(rounded_outward(Place(label="", lat=lat, lon=lon, radius_m=500.0)),),
        minimum_level="minor",
        created_epoch_s=0,
        seen_epoch_s=0,
    )


def warning(now: int) -> Alert:
    """A flood between 10 and 11 degrees east, with a border of 2,000 points, for six hours."""
    turns = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    lons, lats = 10.5 + 0.5 * np.cos(turns), 50.5 + 0.5 * np.sin(turns)
    ring = tuple((float(lon), float(lat)) for lon, lat in zip(lons, lats, strict=True))
    info = AlertInfo(
        language="en", categories=("Met",), event="Flood", response_types=(), urgency="Immediate",
        severity=Severity.SEVERE, certainty="Observed", effective_epoch_s=now, onset_epoch_s=0,
        expires_epoch_s=now + 6 * 3600, sender_name="", headline="The river rises", description="", instruction="",
        web="", contact="", event_codes=(), parameters=(),
        areas=(Area(description="The valley", polygons=((*ring, ring[0]),)),),
    )  # fmt: skip
    return Alert(
        alert_id="flood", feed_id="civil", revision=1, state=AlertState.IN_FORCE, status=MessageStatus.ACTUAL,
        pushable=True, why_not_pushable="", first_seen_epoch_s=now, updated_epoch_s=now,
        expires_epoch_s=now + 6 * 3600, messages=("m1",), infos=(info,),
    )  # fmt: skip


async def fill(hall: Hall, people: int) -> int:
    """Write them; how many live in the ground."""
    lot = np.random.default_rng(1)
    inside = int(people * SHARE)
    for start in range(0, people, 5000):
        async with hall.redis.pipeline(transaction=False) as pipe:
            for number in range(start, min(start + 5000, people)):
                is_inside = number < inside
                lat, lon = (50.5, 10.5) if is_inside else (50.5, 13.0)
                one = person(number, lat + float(lot.uniform(-0.3, 0.3)), lon + float(lot.uniform(-0.3, 0.3)))
                shard = subscriptions.shard_of(one.subscription_id)
                pipe.hset(keys.subscriptions(shard), one.subscription_id, codec.encode(one))
            await pipe.execute()
    return inside


async def measure(url: str, home: Path, people: int) -> int:
    hall, clock, channel = Hall.connect(url), SystemClock(), Taken()
    settings = Settings(home=home, redis_url=url, redis_is_embedded=False)
    inside = await fill(hall, people)
    await alerts.put_alerts(hall, [warning(int(clock.now_epoch_s()))], clock.now_epoch_s())
    planner, sender = Planner(settings, hall, clock), Sender(settings, hall, clock, {Platform.FCM: channel})
    began_s, cpu_s = time.perf_counter(), time.process_time()
    planned = await planner.plan_alert("flood")
    took_s = time.perf_counter() - began_s
    print(f"{people:,} people judged, {planned:,} to be told: {took_s:.1f} s, {time.process_time() - cpu_s:.1f} s CPU")
    stream = WorkStream(hall, keys.pushes(), deliveries.SENDERS, "bench", forget_done=True)
    await stream.open()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    while entries := await stream.take(BATCH, 0.01):
        await stream.done(await sender.send(entries))
    took_s = time.perf_counter() - began_s
    cpu_ms = (time.process_time() - cpu_s) / max(planned, 1) * 1e3
    print(f"handed over: {took_s:.1f} s, {planned / took_s:,.0f} a second, {cpu_ms:.2f} ms CPU each")
    began_s = time.perf_counter()
    again = await planner.plan_alert("flood")
    print(f"planned again with everybody told: {again} to be told, {time.perf_counter() - began_s:.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    print(f"peak {peak:.0f} MiB, load {os.getloadavg()[0]:.1f}")
    await hall.close()
    right = channel.by_token == Counter({f"token-{number}": 1 for number in range(inside)})
    print("everybody in the ground told once, nobody else" if right and not again else "WRONG PEOPLE TOLD")
    return 0 if right and not again else 1


def main(arguments: list[str]) -> int:
    """Measure; 1 when the wrong people were told."""
    parser = argparse.ArgumentParser(prog="python -m bench.warning", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000, help="default 100,000")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home, EmbeddedRedis(Path(home)) as server:
        return asyncio.run(measure(f"unix://{server.socket}", Path(home), given.people))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

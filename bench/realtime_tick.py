"""One tick of realtime, from the bytes of a poll to every web process: ``python -m bench.realtime_tick ZIP [--ticks 200]``.

The feeds' side decodes and leaves the datasets in Redis, the predictor's process predicts, two web processes' replicas take
what it says. Beside the milliseconds stands the bare parse of the same bytes by the generated classes, in the same run.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from google.transit import gtfs_realtime_pb2

from bench.city import City, city, private_bytes, run_loop, start
from bench.dataset import Dataset, make_dataset
from runtime.clock import SystemClock
from runtime.settings import Settings

SPACING_S = 1.1
"""Between ticks: every dataset has a header of its own, in whole seconds."""
Poll = Callable[[int], Awaitable[Dataset]]
"""The dataset of the moment; with another number, delays some seconds different."""


class Seen(NamedTuple):
    """A replica took predictions that rest on the dataset of *header_epoch_s*."""

    header_epoch_s: int
    at_monotonic_s: float
    gap_ms: float
    """The longest that its event loop did not run, since the dataset before."""
    blocked_ms: float
    """The longest that this process itself ran meanwhile, without the time that it stood ready but another had its core."""


class Tick(NamedTuple):
    """What one tick took."""

    feeds_ms: float
    predictor_ms: float
    web_ms: float
    redis_ms: float
    bare_ms: float
    visible_ms: float
    gap_ms: float
    blocked_ms: float

    @property
    def all_ms(self) -> float:
        return self.feeds_ms + self.predictor_ms + self.web_ms + self.redis_ms


async def main(arguments: list[str]) -> int:
    """Measure; print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.realtime_tick", description=__doc__)
    parser.add_argument("zip", type=Path, help="a GTFS schedule")
    parser.add_argument("--ticks", type=int, default=200, help="default 200")
    parser.add_argument("--trips", type=int, default=4400, help="trips told at most (default 4400)")
    parser.add_argument("--calls", type=int, default=28, help="calls told of each trip at most (default 28)")
    parser.add_argument("--without-learning", action="store_true", help="the predictor does not learn")
    parser.add_argument("--updates-only", action="store_true",
                        help="only the trip updates are measured; the positions came a second or two before")  # fmt: skip
    given = parser.parse_args(arguments)
    async with city(
        given.zip, web_processes=0, most_trips=given.trips, feed_every_s=None, learn=not given.without_learning
    ) as it:

        async def poll(number: int) -> Dataset:
            # Made for the very moment: positions of another time would be refused, and cost less than good ones.
            now = int(it.clock.now_epoch_s())
            return await asyncio.to_thread(
                make_dataset, it.bundle, now, most_trips=given.trips, most_calls=given.calls, seed=number
            )

        first = await poll(0)
        print(
            f"{first.trips:,} trips, {first.stop_time_updates:,} stop time updates, {first.on_the_road:,} vehicles, "
            f"{(len(first.trip_updates) + len(first.vehicles)) / 1e6:.1f} MB; {given.ticks} ticks, "
            f"{'the trip updates, ' if given.updates_only else ''}"
            f"{'without' if given.without_learning else 'with'} the learned engine, load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        async with contextlib.AsyncExitStack() as stack:
            replicas = [_replica(stack, it, watched=watched) for watched in (False, True)]
            await asyncio.sleep(1.5)
            pids = [pid for _, pid in replicas]
            await _ticks(it, poll, replicas, min(3, given.ticks), given.updates_only)  # warm up
            before = [private_bytes(pid) for pid in (it.predictor_pid, *pids)]
            ticks = await _ticks(it, poll, replicas, given.ticks, given.updates_only)
            after = [private_bytes(pid) for pid in (it.predictor_pid, *pids)]
    _print(ticks, before, after)
    return 0


def _print(ticks: list[Tick], before: list[int], after: list[int]) -> None:
    print(f"{'':44}{'median':>8}{'worst':>8}{'to bare':>9}")
    bare = statistics.median(tick.bare_ms for tick in ticks)
    for label, values in (
        ("CPU ms: feeds (decode both, leave in Redis)", [tick.feeds_ms for tick in ticks]),
        ("CPU ms: predictor (read, predict, leave)", [tick.predictor_ms for tick in ticks]),
        ("CPU ms: one web process (read, index)", [tick.web_ms for tick in ticks]),
        ("CPU ms: Redis", [tick.redis_ms for tick in ticks]),
        ("CPU ms: all of it", [tick.all_ms for tick in ticks]),
        ("CPU ms: bare FeedMessage.FromString", [tick.bare_ms for tick in ticks]),
        ("ms from bytes to visible in both", [tick.visible_ms for tick in ticks]),
        ("ms a web process did not serve, by itself", [tick.blocked_ms for tick in ticks]),
        ("ms it did not serve, machine included", [tick.gap_ms for tick in ticks]),
    ):
        middle = statistics.median(values)
        ratio = f"{middle / bare:8.1f}x" if label.startswith("CPU") else ""
        print(f"{label:44.44}{middle:8.1f}{max(values):8.1f}{ratio:>9}")
    growth = ", ".join(f"{(b - a) / 1024**2:+.1f} MiB" for a, b in zip(before, after, strict=True))
    held = ", ".join(f"{b / 1024**2:.0f} MiB" for b in after)
    print(
        f"private memory after it (predictor, two web processes): {held}; grown over the {len(ticks)} ticks: {growth}"
    )


async def _ticks(
    it: City, poll: Poll, replicas: list[tuple[Connection, int]], count: int, updates_only: bool
) -> list[Tick]:
    ticks: list[Tick] = []
    pipes, pids = [pipe for pipe, _ in replicas], [pid for _, pid in replicas]
    for number in range(count):
        dataset = await poll(number)
        started = time.process_time()
        gtfs_realtime_pb2.FeedMessage.FromString(dataset.trip_updates)
        if not updates_only:
            gtfs_realtime_pb2.FeedMessage.FromString(dataset.vehicles)
        bare_ms = (time.process_time() - started) * 1e3
        await it.say_healthy()
        if updates_only:
            await it.hear(dataset, updates=False)
            await asyncio.sleep(SPACING_S)
        await asyncio.sleep(0.2)
        for pipe in pipes:
            while pipe.poll():
                pipe.recv()
        watched = (it.predictor_pid, pids[0], it.redis_pid)
        before = [_running_ms(pid) for pid in watched]
        began_s, started = time.monotonic(), time.process_time()
        header = await it.hear(dataset, vehicles=not updates_only)
        feeds_ms = (time.process_time() - started) * 1e3
        seen = await asyncio.gather(*(asyncio.to_thread(_wait_for, pipe, header) for pipe in pipes))
        await asyncio.sleep(max(0.0, SPACING_S - 0.3 - (time.monotonic() - began_s)))
        spent = [_running_ms(pid) - ran for pid, ran in zip(watched, before, strict=True)]
        gaps = [one for pipe in pipes for one in _rest(pipe)] + seen
        ticks.append(
            Tick(
                feeds_ms, spent[0], spent[1], spent[2], bare_ms, max(one.at_monotonic_s - began_s for one in seen) * 1e3,
                max(one.gap_ms for one in gaps), max(one.blocked_ms for one in gaps),
            )
        )  # fmt: skip
    return ticks


def _wait_for(pipe: Connection, header_epoch_s: int) -> Seen:
    worst_gap = worst_blocked = 0.0
    while pipe.poll(10):
        seen: Seen = pipe.recv()
        worst_gap, worst_blocked = max(worst_gap, seen.gap_ms), max(worst_blocked, seen.blocked_ms)
        if seen.header_epoch_s >= header_epoch_s:
            return Seen(seen.header_epoch_s, seen.at_monotonic_s, worst_gap, worst_blocked)
    raise TimeoutError("a web process did not see a dataset within 10 s")


def _rest(pipe: Connection) -> list[Seen]:
    found = []
    while pipe.poll():
        found.append(pipe.recv())
    return found


def _running_ms(pid: int) -> float:
    """Milliseconds that the threads of a process have run. Source: Linux, /proc/pid/task/tid/schedstat."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((task / "schedstat").read_text("ascii").split()[0])
    return total / 1e6


def _replica(stack: contextlib.AsyncExitStack, it: City, *, watched: bool) -> tuple[Connection, int]:
    ours, theirs = get_context("spawn").Pipe(duplex=False)
    child = start(stack, _follow, it.settings, it.clock, theirs, watched)
    return ours, child.pid or 0


def _follow(settings: Settings, clock: SystemClock, pipe: Connection, watched: bool) -> None:
    """A web process without its sockets, that says when it saw a dataset; *watched*: and how long its loop stood still.

    Watching costs more than what is watched, so the CPU of the one that is not counts.
    """
    from api.hall_source import HallSource
    from api.replica import Replica
    from api.serve import hand_over_quickly
    from domain.feed_health import assess
    from runtime.memory import give_back_what_is_freed, pass_over_what_is_loaded
    from store.hall import Hall

    hand_over_quickly()
    give_back_what_is_freed()
    hall = Hall.connect(settings.redis_url)
    replica = Replica(settings, clock, HallSource(hall), assess)
    header, gap_ms, blocked_ms = 0, 0.0, 0.0
    pass_over_what_is_loaded()

    def say() -> None:
        nonlocal header, gap_ms, blocked_ms
        served = replica.served.get("city")
        live = served.newest if served is not None else None
        newest = max(live.feed_header_epoch_s, default=0) if live is not None else 0
        if newest != header:
            header = newest
            pipe.send(Seen(header, time.monotonic(), gap_ms, blocked_ms))
            gap_ms = blocked_ms = 0.0

    async def watch() -> None:
        nonlocal gap_ms, blocked_ms
        mine = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY) if watched else -1
        last, queued_ms, ran_s = time.monotonic(), 0.0, time.process_time()
        while watched:
            await asyncio.sleep(0.0005)
            now, queues_ms = time.monotonic(), int(os.pread(mine, 60, 0).split()[1]) / 1e6
            runs_s = time.process_time()
            gap = (now - last - 0.0005) * 1e3
            gap_ms = max(gap_ms, gap)
            blocked_ms = max(blocked_ms, min(gap - (queues_ms - queued_ms), (runs_s - ran_s) * 1e3))
            last, queued_ms, ran_s = now, queues_ms, runs_s

    async def both() -> None:
        await asyncio.gather(replica.follow(hall.changes()), watch())

    replica.on_change = say
    run_loop(both())


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

"""What streams of events cost a web process: ``python -m bench.streams GTFS_ZIP [--streams 2000] [--stops 200]``.

A server of its own holds the timetable and a made-up tick of every trip under way; as many clients as asked listen to the
arrivals of its busiest stops. Memory and CPU of the server are read from /proc: idle, and with a new tick every ten
seconds in which every prediction changes (the worst there is).
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import uvicorn

from api.app import Application
from api.replica import Replica
from api.streams import MAX_STREAMS, Streams
from bench.tick import make_tick
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.feed_health import FeedHealth, FeedState
from domain.predictions import Predictions
from domain.risk import TripRisk
from domain.situation import Situation
from feeds.schedule import build
from runtime.clock import SystemClock
from runtime.settings import Settings
from store.timetable import Bundle, open_bundle

TICK_S = 10.0
PAGE_KIB = resource.getpagesize() // 1024


def main() -> None:
    """Run the server or, by default, the whole measurement."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.streams", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("zip", type=Path)
    parser.add_argument("--streams", type=int, default=2000, help="(default: 2000)")
    parser.add_argument("--stops", type=int, default=200, help="different stops they listen to (default: 200)")
    parser.add_argument("--ticks", type=int, default=4, help="ticks of the active phase (default: 4)")
    parser.add_argument(
        "--at", default="", help="the instant of the city's clock (default: a busy hour of its first week)"
    )
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.streams > MAX_STREAMS:
        parser.error(f"a process serves at most {MAX_STREAMS} streams")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    asyncio.run(_serve(options) if options.serve else _measure(options))


# --- the server


class _Hall:
    """What the replica reads."""

    def __init__(self, generation: str) -> None:
        self.bundle_generation = generation
        self.version = 0
        self.tick: Predictions | None = None

    async def generation(self, feed_id: str) -> str | None:
        return self.bundle_generation

    async def predictions_version(self, feed_id: str) -> int:
        return self.version

    async def predictions(self, feed_id: str) -> tuple[int, Predictions] | None:
        return None if self.tick is None else (self.version, self.tick)

    async def situations_version(self, feed_id: str) -> int:
        return 0

    async def situations(self, feed_id: str) -> tuple[int, tuple[Situation, ...]]:
        return 0, ()

    async def record(self, feed_id: str) -> FeedRecord | None:
        return None

    async def records(self) -> Mapping[str, FeedRecord]:
        return {"tu": FeedRecord(spec=_spec("tu", FeedKind.TRIP_UPDATES), started_epoch_s=0)}

    async def alerts_version(self) -> int:
        return 0

    async def alerts(self) -> Mapping[str, object]:
        return {}

    async def trip_risks_version(self) -> int:
        return 0

    async def trip_risks(self) -> tuple[TripRisk, ...]:
        return ()

    async def delivery_counts(self) -> Mapping[str, int]:
        return {}

    async def api_keys(self) -> Mapping[str, object]:
        return {}


def _spec(feed_id: str, kind: FeedKind) -> FeedSpec:
    schedule = () if kind is FeedKind.GTFS else ("bench",)
    return FeedSpec(feed_id=feed_id, kind=kind, url="http://x", interval_s=10, schedule=schedule)


def _judge(_record: FeedRecord, _now_epoch_s: float) -> FeedHealth:
    return FeedHealth(state=FeedState.OK, since_epoch_s=0, why="", todo="", age_s=1, usable=True)


def _busy_instant(bundle: Bundle) -> datetime:
    day = datetime.strptime(str(bundle.meta["first_day"]), "%Y%m%d").replace(tzinfo=UTC).date()
    days = [date for offset in range(7) if any(bundle.active(date := day.fromordinal(day.toordinal() + offset)))]
    start = bundle.day_start_epoch_s(days[len(days) // 2])
    return datetime.fromtimestamp(start + 17 * 3600, UTC)


async def _serve(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as home:
        imported = build(options.zip, feed_id="bench", home=Path(home))
        bundle = open_bundle(Path(home), "bench", imported.generation)
        clock = SystemClock.starting_at(datetime.fromisoformat(options.at) if options.at else _busy_instant(bundle))
        hall = _Hall(imported.generation)
        settings = Settings(
            home=Path(home), redis_url="", redis_is_embedded=False, require_api_key=False,
            feeds=(_spec("bench", FeedKind.GTFS), _spec("tu", FeedKind.TRIP_UPDATES)),
        )  # fmt: skip
        replica = Replica(settings, clock, hall, _judge)  # type: ignore[arg-type]  # alerts and keys are empty here
        application = Application(settings, clock, replica, None)
        application.starlette.state.rate_limit.take = lambda _who: None
        application.streams = Streams(max_of_address=MAX_STREAMS)
        application.starlette.state.streams = application.streams
        replica.on_change = application.streams.notice

        async def tick() -> None:
            hall.version += 1
            hall.tick = make_tick(bundle, clock.now_epoch_s(), seed=hall.version)
            await replica.refresh()

        await tick()
        calls = np.diff(bundle.array("stop_call_ptr"))
        for stop in np.argsort(-calls)[: options.stops].tolist():
            print(f"{bundle.code}_{bundle.stop_ids[stop]}")
        config = uvicorn.Config(
            application, host="127.0.0.1", port=options.serve, http="httptools", ws="none", lifespan="off",
            log_config=None, access_log=False, backlog=4096,
        )  # fmt: skip
        server = uvicorn.Server(config)
        tasks = [asyncio.create_task(server.serve()), asyncio.create_task(application.streams.run())]
        while not server.started:
            await asyncio.sleep(0.05)
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            await tick()
        server.should_exit = True
        application.streams.close()
        await tasks[0]
        tasks[1].cancel()


# --- the clients


class _Client:
    def __init__(self) -> None:
        self.events = 0
        self.bytes = 0
        self.last_s = 0.0

    async def listen(self, port: int, stop_id: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.write(f"GET /api/v1/stops/{quote(stop_id, safe='')}/events HTTP/1.1\r\nhost: bench\r\n\r\n".encode())
        while line := await reader.readline():
            self.bytes += len(line)
            if line.startswith(b"data:"):
                self.events += 1
                self.last_s = time.perf_counter()


def _rss_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _measure(options: argparse.Namespace) -> None:
    port = 8220
    command = [sys.executable, "-m", "bench.streams", *sys.argv[1:], "--serve", str(port)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    stops = []
    for line in server.stdout:
        if line.strip() == "ready":
            break
        stops.append(line.strip())
    pid, clients, tasks = server.pid, [_Client() for _ in range(options.streams)], []
    try:
        for stop in stops:  # so that what is encoded once a tick is there before memory is read
            warm = asyncio.create_task(_Client().listen(port, stop))
            await asyncio.sleep(0.01)
            warm.cancel()
        await asyncio.sleep(2)
        before_kib, cpu = _rss_kib(pid), _cpu_s(pid)
        for number, client in enumerate(clients):
            tasks.append(asyncio.create_task(client.listen(port, stops[number % len(stops)])))
            if number % 50 == 49:
                await asyncio.sleep(0.02)
        while sum(client.events > 0 for client in clients) < len(clients):
            await asyncio.sleep(0.05)
        connecting_ms = (_cpu_s(pid) - cpu) / len(clients) * 1000
        await asyncio.sleep(1)
        held_kib = _rss_kib(pid)
        print(f"{len(clients):,} streams at {len(stops)} stops: {(held_kib - before_kib) / len(clients):.1f} KiB each "
              f"({before_kib / 1024:.0f} MiB before, {held_kib / 1024:.0f} MiB with them); "
              f"{connecting_ms:.2f} ms of CPU to open one")  # fmt: skip
        cpu, at_s = _cpu_s(pid), time.perf_counter()
        await asyncio.sleep(3 * TICK_S)
        idle = (_cpu_s(pid) - cpu) / (time.perf_counter() - at_s)
        print(f"idle: {idle:.1%} of a core, {idle / len(clients) * 1e6:.1f} µs of CPU a second each")
        await _active(options, server, clients)
        print(f"afterwards {_rss_kib(pid) / 1024:.0f} MiB")
    finally:
        server.stdin.close()
        for task in tasks:
            task.cancel()
        server.wait(20)


async def _active(options: argparse.Namespace, server: "subprocess.Popen[str]", clients: list[_Client]) -> None:
    assert server.stdin is not None
    pid, lags_s = server.pid, []
    events, size, cpu, at_s = (
        sum(client.events for client in clients), sum(client.bytes for client in clients), _cpu_s(pid), time.perf_counter(),
    )  # fmt: skip
    for _ in range(options.ticks):
        told_s = time.perf_counter()
        server.stdin.write("tick\n")
        server.stdin.flush()
        await asyncio.sleep(TICK_S)
        lags_s.append(max(client.last_s for client in clients) - told_s)
    passed_s = time.perf_counter() - at_s
    events = sum(client.events for client in clients) - events
    size = sum(client.bytes for client in clients) - size
    active = (_cpu_s(pid) - cpu) / passed_s
    print(f"a tick every {TICK_S:.0f} s: {events:,} events, {size / events / 1024:.1f} KiB each; {active:.1%} of a core "
          f"(making the tick included), {(_cpu_s(pid) - cpu) / events * 1e6:.0f} µs of CPU an event; "
          f"the last listener heard {max(lags_s):.2f} s after the tick was ordered")  # fmt: skip


if __name__ == "__main__":
    main()

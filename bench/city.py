"""A whole city for the benches: its own Redis, a timetable at its busiest moment, realtime, predictor, web processes.

All of it are the processes that serve riders, started as children and ended with the bench.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import quote

import numpy as np
import uvicorn

from bench.dataset import Dataset, busiest_epoch_s, make_dataset
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.ids import qualify
from feeds.formats import gtfs_realtime
from feeds.schedule import build
from runtime.clock import SystemClock
from runtime.embedded_redis import EmbeddedRedis
from runtime.settings import ArchiveSettings, PredictorSettings, Settings
from store import feed_health, keys, realtime, timetable
from store.hall import Hall
from store.timetable import Bundle

SPEAKS = (
    FeedSpec(feed_id="tu", kind=FeedKind.TRIP_UPDATES, url="http://feed.example/tu", interval_s=15, schedule=("city",)),
    FeedSpec(
        feed_id="vp", kind=FeedKind.VEHICLE_POSITIONS, url="http://feed.example/vp", interval_s=15, schedule=("city",)
    ),
)
START_PATIENCE_S = 30.0
FEED_EVERY_S = 10.0


@dataclass(slots=True)
class City:
    """A city that is up. *web* are the web processes, all on *port*; *empty_port* answers nothing, on the same server."""

    settings: Settings
    clock: SystemClock
    hall: Hall
    bundle: Bundle
    dataset: Dataset
    web: list[BaseProcess] = field(default_factory=list)
    predictor: BaseProcess | None = None
    empty: BaseProcess | None = None
    empty_port: int = 0
    redis_pid: int = 0

    @property
    def predictor_pid(self) -> int:
        return (self.predictor.pid or 0) if self.predictor else 0

    async def hear(self, dataset: Dataset, *, updates: bool = True, vehicles: bool = True) -> int:
        """Leave what the feeds say in the hall, as their poller does; the header's time that it was given."""
        now = self.clock.now_epoch_s()
        if updates:
            told = gtfs_realtime.decode(dataset.trip_updates, feed_id="tu", now_epoch_s=now).items.trip_updates
            if told is None:
                raise ValueError("nothing runs at the timetable's busiest moment")
            await realtime.put(self.hall, "tu", at_epoch_s=now, trip_updates=replace(told, header_epoch_s=int(now)))
        if vehicles:
            seen = gtfs_realtime.decode(dataset.vehicles, feed_id="vp", now_epoch_s=now).items.vehicles
            if seen is None:
                raise ValueError("nothing runs at the timetable's busiest moment")
            await realtime.put(self.hall, "vp", at_epoch_s=now, vehicles=replace(seen, header_epoch_s=int(now)))
        return int(now)

    async def say_healthy(self) -> None:
        """A record of a good poll for every feed."""
        now = self.clock.now_epoch_s()
        await feed_health.put_feed_ids(self.hall, [spec.feed_id for spec in SPEAKS])
        for spec in SPEAKS:
            record = FeedRecord(
                spec=spec, started_epoch_s=now - 60, last_attempt_epoch_s=now, last_success_epoch_s=now,
                last_change_epoch_s=now, header_epoch_s=int(now), next_attempt_epoch_s=now + spec.interval_s,
                polls_total=9, entities=1, entity_counts=(("trip_updates", 1),),
            )  # fmt: skip
            await feed_health.put_record(self.hall, record)

    # --- what to ask

    def busiest_stops(self, most: int = 500) -> list[str]:
        """Qualified ids of the stops with most calls."""
        calls = np.diff(self.bundle.array("stop_call_ptr"))
        rows = np.argsort(-calls, kind="stable")[:most].tolist()
        return [qualify(self.bundle.code, self.bundle.stop_ids[row]) for row in rows if calls[row]]

    def paths(self, endpoint: str, most: int = 500) -> list[str]:
        """Addresses of *most* different questions to an endpoint."""
        lot = random.Random(5)
        base = f"/api/where/{endpoint}"
        match endpoint:
            case "arrivals-and-departures-for-stop" | "schedule-for-stop":
                return [f"{base}/{quote(stop_id, safe='')}.json?key=test" for stop_id in self.busiest_stops(most)]
            case "stops-for-location":
                lat, lon = self.bundle.array("stop_lat"), self.bundle.array("stop_lon")
                rows = lot.sample(range(len(lat)), min(most, len(lat)))
                return [
                    f"{base}.json?key=test&lat={lat[row]:.6f}&lon={lon[row]:.6f}&latSpan=0.008&lonSpan=0.008"
                    for row in rows
                ]
            case "trip-details":
                runs = gtfs_realtime.decode(self.dataset.vehicles, feed_id="vp", now_epoch_s=0).items.vehicles
                assert runs is not None
                chosen = lot.sample(runs.trip_ids, min(most, len(runs.trip_ids)))
                return [f"{base}/{quote(self._trip_id(raw), safe='')}.json?key=test" for raw in chosen]
            case "vehicles-for-agency":
                return [f"{base}/{quote(self.bundle.code, safe='')}.json?key=test"]
            case _:
                return [f"{base}.json?key=test"]

    def _trip_id(self, raw_id: str) -> str:
        row = self.bundle.trip_rows(raw_id).start
        return qualify(self.bundle.agency_of_route(self.bundle.trip_route[row]).code, raw_id)


@contextlib.asynccontextmanager
async def city(
    zip_path: Path,
    *,
    web_processes: int = 1,
    most_trips: int = 100_000,
    feed_every_s: float | None = FEED_EVERY_S,
    learn: bool = True,
    waiting: bool = False,
) -> AsyncIterator[City]:
    """The city of the schedule at *zip_path*, serving with realtime on; None: nothing is fed but the first dataset.

    *waiting*: the vehicles of trips that are about to start are heard of, too.
    """
    home = Path(tempfile.mkdtemp(prefix="wayside-bench-"))
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        server = stack.enter_context(EmbeddedRedis(home))
        imported = await asyncio.to_thread(build, zip_path, feed_id="city", home=home)
        bundle = Bundle(Path(imported.folder))
        now = busiest_epoch_s(bundle)
        dataset = await asyncio.to_thread(make_dataset, bundle, now, most_trips=most_trips, waiting=waiting)
        gtfs = FeedSpec(feed_id="city", kind=FeedKind.GTFS, url=f"file://{zip_path}", interval_s=86_400)
        settings = Settings(
            home=home, redis_url=f"unix://{server.socket}", redis_is_embedded=True, port=free_port(),
            web_processes=web_processes, feeds=(gtfs, *SPEAKS), accept_test_key=True,
            archive=ArchiveSettings(keep_days=0), predictor=PredictorSettings(learn=learn),
        )  # fmt: skip
        clock = SystemClock(now - time.time())
        hall = Hall.connect(settings.redis_url)
        stack.push_async_callback(hall.close)
        await hall.wait_until_there()
        assert server.process is not None
        it = City(settings, clock, hall, bundle, dataset, empty_port=free_port(), redis_pid=server.process.pid)
        await timetable.announce(hall, "city", imported.generation, now)
        await it.say_healthy()
        it.predictor = start(stack, _predict, settings, clock)
        it.web = [start(stack, _serve, settings, clock) for _ in range(web_processes)]
        it.empty = start(stack, _serve_nothing, it.empty_port)
        await it.hear(dataset)
        await _until_live(it)
        if feed_every_s is not None:
            feeding = asyncio.create_task(_feed(it, feed_every_s))
            stack.callback(feeding.cancel)
        yield it


async def _feed(it: City, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        await it.say_healthy()
        await it.hear(it.dataset)


async def _until_live(it: City) -> None:
    """Wait until predictions are there and every web process has had time to take them."""
    end_s = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < end_s:
        if (
            await it.hall.version(keys.predictions("city"))
            and (not it.web or await _answers(it.settings.port))
            and await _answers(it.empty_port)
        ):
            await asyncio.sleep(2.5)  # a follower that missed the word reads again within two seconds
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"the city was not up within {START_PATIENCE_S:g} s")


async def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
        status = await reader.readline()
        writer.close()
        return b" 200 " in status
    return False


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_s(*pids: int) -> float:
    """Seconds of processor time, user and system, that the processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def private_bytes(pid: int) -> int:
    """Memory that only this process holds, pages of files that no other process maps included.

    Source: Linux, /proc/pid/smaps_rollup.
    """
    return _rolled_up(pid, "Private_Clean", "Private_Dirty")


def own_bytes(pid: int) -> int:
    """The same without the pages of files: those of a timetable cost the next process that maps them nothing."""
    return _rolled_up(pid, "Private_Dirty")


def _rolled_up(pid: int, *names: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(names))


# --- the children


def start(stack: contextlib.AsyncExitStack, work: Callable[..., None], *arguments: object) -> BaseProcess:
    child = multiprocessing.get_context("spawn").Process(target=work, args=arguments, daemon=True)
    child.start()

    def end() -> None:
        child.kill()
        child.join()

    stack.callback(end)
    return child


def run_loop(work: Awaitable[None]) -> None:
    import uvloop

    async def whole() -> None:
        await work

    uvloop.run(whole())


def _serve(settings: Settings, clock: SystemClock) -> None:
    from api.serve import serve_here

    run_loop(serve_here(settings, clock, asyncio.Event(), shared=True))


def _predict(settings: Settings, clock: SystemClock) -> None:
    from predictor import worker

    run_loop(worker.run(settings, Hall.connect(settings.redis_url), clock, asyncio.Event()))


def _serve_nothing(port: int) -> None:
    async def nothing(_scope: object, _receive: object, send: Callable[[dict[str, object]], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    options = {"http": "httptools", "ws": "none", "lifespan": "off", "access_log": False, "log_config": None}
    run_loop(uvicorn.Server(uvicorn.Config(nothing, port=port, server_header=False, **options)).serve())  # type: ignore[arg-type]

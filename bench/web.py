"""Requests per second, latency and CPU of web processes: ``python -m bench.web ZIP [--processes 2] [--seconds 5]``.

Every row stands beside an empty reply of the same server, measured just before: on a busy machine the ratio is what counts.
"""

import argparse
import asyncio
import os
import statistics
import sys
import timeit
from pathlib import Path
from urllib.request import urlopen

from api.compression import compress
from bench.city import City, city, cpu_s, private_bytes
from bench.load import Load, load

BODY_BYTES = 24_000
AIMS_PER_S = {
    "arrivals-and-departures-for-stop": 4000,
    "stops-for-location": 3000,
    "trip-details": 3000,
    "vehicles-for-agency": 300,
    "schedule-for-stop": 800,
}


async def main(arguments: list[str]) -> int:
    """Measure every endpoint; print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__)
    parser.add_argument("zip", type=Path, help="a GTFS schedule")
    parser.add_argument("--processes", type=int, default=1, help="web processes on one port (default 1)")
    parser.add_argument("--seconds", type=int, default=5, help="of load for each row (default 5)")
    parser.add_argument("--connections", type=int, default=16, help="default 16")
    parser.add_argument("--only", choices=AIMS_PER_S, help="one endpoint")
    parser.add_argument(
        "--waiting", action="store_true", help="vehicles wait at the start of trips that begin soon, too"
    )
    given = parser.parse_args(arguments)
    async with city(given.zip, web_processes=given.processes, waiting=given.waiting) as it:
        print(
            f"{it.bundle.meta['counts']['stop_times']:,} stop times, {it.dataset.trips:,} trips told live, "
            f"{it.dataset.on_the_road:,} vehicles; {given.processes} web process(es), {given.connections} connections, "
            f"load {os.getloadavg()[0]:.1f}"
        )
        print(
            f"{'':39}{'rps':>8} {'p50 ms':>7} {'p99 ms':>7} {'CPU µs':>7} {'empty µs':>9} {'ratio':>6} {'KB':>6} {'failed':>7} {'aim/s':>6}"
        )
        for endpoint in [given.only] if given.only else AIMS_PER_S:
            await _row(it, endpoint, given.connections, given.seconds)
        await _row(it, "arrivals-and-departures-for-stop", given.connections, given.seconds, "gzip")
        await asyncio.to_thread(_say_compression, it)
        held = [private_bytes(child.pid or 0) / 1024**2 for child in it.web]
        print(f"private memory of each web process: {', '.join(f'{size:.0f} MiB' for size in held)}")
    return 0


async def _row(it: City, endpoint: str, connections: int, seconds: int, encoding: str = "") -> None:
    empty, empty_us = await _measured(
        [it.empty.pid or 0] if it.empty else [], it.empty_port, ["/"], connections, max(seconds // 2, 1)
    )
    pids, paths = [child.pid or 0 for child in it.web], it.paths(endpoint)
    await load(it.settings.port, paths, connections=connections, duration_s=1)
    seen, used_us = await _measured(pids, it.settings.port, paths, connections, seconds, encoding)
    name = f"{endpoint}{' ' + encoding if encoding else ''}"
    aim = AIMS_PER_S[endpoint] if not encoding and len(pids) == 1 else 0
    print(
        f"{name:39.39}{seen.per_s:8,.0f} {seen.p50_ms:7.2f} {seen.p99_ms:7.2f} {used_us:7.0f} {empty_us:9.0f} "
        f"{used_us / empty_us:6.1f} {seen.bytes / max(seen.requests, 1) / 1000:6.1f} {seen.failed + empty.failed:7} {aim or '':>6}",
        flush=True,
    )


def _say_compression(it: City) -> None:
    """What making an answer of about 24 KB smaller takes, by itself."""
    bodies = []
    for path in it.paths("arrivals-and-departures-for-stop", 60):
        with urlopen(f"http://127.0.0.1:{it.settings.port}{path}") as answer:
            bodies.append(answer.read())
    body = min(bodies, key=lambda one: abs(len(one) - BODY_BYTES))
    for encoding in (b"gzip", b"zstd"):
        took_us = [timeit.timeit(lambda: compress(body, encoding), number=5) / 5 * 1e6 for _ in range(41)]  # noqa: B023
        print(
            f"{encoding.decode()} of {len(body) / 1000:.1f} KB takes {statistics.median(took_us):.0f} µs (least "
            f"{min(took_us):.0f}) and leaves {len(compress(body, encoding)) / 1000:.1f} KB"
        )


async def _measured(
    pids: list[int], port: int, paths: list[str], connections: int, seconds: int, encoding: str = ""
) -> tuple[Load, float]:
    """What the load saw, and the microseconds of CPU that each request took of the processes."""
    before_s = cpu_s(*pids)
    seen = await load(port, paths, connections=connections, duration_s=seconds, accept_encoding=encoding)
    return seen, (cpu_s(*pids) - before_s) / max(seen.requests, 1) * 1e6


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

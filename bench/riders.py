"""Riders on their phones: ``python -m bench.riders ZIP [--users 500] [--seconds 20] [--processes 2]``.

Every user asks, reads for half a second to one and a half, and asks again: 40 % arrivals, 25 % stops around a place,
15 % all vehicles, 10 % a trip, 10 % a stop's day. No answer may fail.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from pathlib import Path

from bench.city import City, city, cpu_s

MIX = {
    "arrivals-and-departures-for-stop": 40,
    "stops-for-location": 25,
    "vehicles-for-agency": 15,
    "trip-details": 10,
    "schedule-for-stop": 10,
}
THINKS_S = (0.5, 1.5)
WARM_UP_S = 3
"""Not counted: 500 connections are opened, and nothing was ever asked before."""


async def main(arguments: list[str]) -> int:
    """Let them ask; print a table; 1 when an answer failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.riders", description=__doc__)
    parser.add_argument("zip", type=Path, help="a GTFS schedule")
    parser.add_argument("--users", type=int, default=500, help="default 500")
    parser.add_argument("--seconds", type=int, default=20, help="default 20")
    parser.add_argument("--processes", type=int, default=2, help="web processes (default 2)")
    given = parser.parse_args(arguments)
    async with city(given.zip, web_processes=given.processes) as it:
        pids = [child.pid or 0 for child in it.web]
        before_s = cpu_s(*pids)
        took_ms, failed = await _ask(it, given.users, given.seconds)
        used_s = cpu_s(*pids) - before_s
    everything = sorted(one for each in took_ms.values() for one in each)
    print(
        f"{given.users} users, {given.processes} web process(es), {len(everything) / given.seconds:,.0f} answers/s, {failed} failed, "
        f"{used_s / (given.seconds + WARM_UP_S) * 100:.0f} % of one core, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':34}{'answers':>8} {'p50 ms':>8} {'p99 ms':>8}")
    for name, values in (*took_ms.items(), ("all", everything)):
        if values:
            print(f"{name:34}{len(values):8,} {statistics.median(values):8.1f} {_hundredth(values):8.1f}")
    return 1 if failed else 0


def _hundredth(values: list[float]) -> float:
    return sorted(values)[min(int(len(values) * 0.99), len(values) - 1)]


async def _ask(it: City, users: int, seconds: int) -> tuple[dict[str, list[float]], int]:
    paths = {endpoint: it.paths(endpoint) for endpoint in MIX}
    took_ms: dict[str, list[float]] = {endpoint: [] for endpoint in MIX}
    failed = 0
    counts_s = time.monotonic() + WARM_UP_S
    end_s = counts_s + seconds

    async def user(number: int) -> None:
        nonlocal failed
        lot = random.Random(number)
        await asyncio.sleep(lot.uniform(0, THINKS_S[1]))
        reader, writer = await asyncio.open_connection("127.0.0.1", it.settings.port)
        while time.monotonic() < end_s:
            endpoint = lot.choices(list(MIX), list(MIX.values()))[0]
            started_s = time.monotonic()
            writer.write(
                f"GET {lot.choice(paths[endpoint])} HTTP/1.1\r\nhost: bench\r\naccept-encoding: gzip\r\n\r\n".encode()
            )
            status = await _answer(reader)
            if started_s >= counts_s:
                took_ms[endpoint].append((time.monotonic() - started_s) * 1e3)
            failed += status != 200
            await asyncio.sleep(lot.uniform(*THINKS_S))
        writer.close()

    results = await asyncio.gather(*(user(number) for number in range(users)), return_exceptions=True)
    return took_ms, failed + sum(isinstance(result, BaseException) for result in results)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next((int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")), 0)
    await reader.readexactly(length)
    return int(lines[0].split()[1])


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

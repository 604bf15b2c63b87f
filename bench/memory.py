"""What a web process holds by itself while it answers everything: ``python -m bench.memory ZIP [--processes 1]``.

Every endpoint is asked in turn at full speed, twice over, with a new dataset every ten seconds: the answers that a process
keeps for a tick are all there. What it holds is read every second, and the most of it counts: memory of its own and, behind
the stroke, with those pages of the timetable's files that no other process maps (with two web processes there are hardly any).
"""

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

from bench.city import City, city, cpu_s, own_bytes, private_bytes
from bench.load import load
from bench.web import AIMS_PER_S

AIM_MIB = 150


class Held(NamedTuple):
    """MiB that a process holds: of its own, and with the files' pages that nobody else maps."""

    own: float
    whole: float


async def main(arguments: list[str]) -> int:
    """Load and watch; 1 when a process holds more than the aim."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("zip", type=Path, help="a GTFS schedule")
    parser.add_argument("--processes", type=int, default=1, help="web processes (default 1)")
    parser.add_argument("--seconds", type=int, default=12, help="of load on each endpoint (default 12)")
    parser.add_argument("--only", choices=AIMS_PER_S, help="one endpoint")
    given = parser.parse_args(arguments)
    async with city(given.zip, web_processes=given.processes) as it:
        print(f"{it.bundle.meta['counts']['stop_times']:,} stop times, {it.dataset.trips:,} trips told live; private MiB of "
              f"{given.processes} web process(es), load {os.getloadavg()[0]:.1f}")  # fmt: skip
        print(f"{'':34}{'most':>20}{'after':>20} {'CPU µs':>7} {'failed':>7}")
        print(f"{'before any request':34}{'':>20}{_told(_held(it)):>20}", flush=True)
        most = [
            await _row(it, endpoint, given.seconds)
            for _ in range(2)
            for endpoint in ([given.only] if given.only else AIMS_PER_S)
        ]
        await asyncio.sleep(15)
        print(f"{'15 s later':34}{'':>20}{_told(_held(it)):>20}")
    own, whole = (max(sizes) for sizes in zip(*most, strict=True))
    print(
        f"the most that a process held: {own:.0f} MiB of its own (aim {AIM_MIB}), {whole:.0f} MiB with the timetable's pages"
    )
    return 1 if own > AIM_MIB else 0


async def _row(it: City, endpoint: str, seconds: int) -> Held:
    """Ask one endpoint; the most that any process held meanwhile."""
    pids, seen = [child.pid or 0 for child in it.web], [_held(it)]

    async def watch() -> None:
        while True:
            await asyncio.sleep(1)
            seen.append(_held(it))

    watching, before_s = asyncio.create_task(watch()), cpu_s(*pids)
    answers = await load(it.settings.port, it.paths(endpoint), duration_s=seconds)
    used_us = (cpu_s(*pids) - before_s) / max(answers.requests, 1) * 1e6
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    seen.append(_held(it))
    most = [Held(max(it.own for it in sizes), max(it.whole for it in sizes)) for sizes in zip(*seen, strict=True)]
    print(f"{endpoint:34.34}{_told(most):>20}{_told(seen[-1]):>20} {used_us:7.0f} {answers.failed:7}", flush=True)
    return Held(max(it.own for it in most), max(it.whole for it in most))


def _held(it: City) -> list[Held]:
    pids = [child.pid or 0 for child in it.web]
    return [Held(own_bytes(pid) / 1024**2, private_bytes(pid) / 1024**2) for pid in pids]


def _told(sizes: list[Held]) -> str:
    return ", ".join(f"{size.own:.0f} / {size.whole:.0f}" for size in sizes)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

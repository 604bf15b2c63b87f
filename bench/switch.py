"""A timetable replaced under load: ``python -m bench.switch ZIP``. No request may fail; what each process holds is told.

The new bundle has the same contents under another name, so every address stays good: only the switch is seen.
"""

import argparse
import asyncio
import os
import shutil
import sys
import time
import zipfile
from pathlib import Path

from bench.city import city, private_bytes
from bench.load import Load, load
from feeds.schedule import import_file
from store import timetable

PORTION_S = 3


async def main(arguments: list[str]) -> int:
    """Import and switch in the middle of the load; 1 when a request failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.switch", description=__doc__)
    parser.add_argument("zip", type=Path, help="a GTFS schedule")
    parser.add_argument("--processes", type=int, default=2, help="web processes (default 2)")
    given = parser.parse_args(arguments)
    async with city(given.zip, web_processes=given.processes) as it:
        other = Path(shutil.copy(given.zip, it.settings.home / "other.zip"))
        with zipfile.ZipFile(other, "a") as archive:
            archive.comment = b"the same, packed again"
        paths = it.paths("arrivals-and-departures-for-stop")
        await load(it.settings.port, paths, duration_s=1)
        before = [private_bytes(child.pid or 0) for child in it.web]
        switched = asyncio.Event()
        loading = asyncio.create_task(_until(switched, it.settings.port, paths))
        began_s = time.monotonic()
        imported = await import_file(
            other, it.settings.feed("city"), it.settings.home, source="bench", now_epoch_s=it.clock.now_epoch_s()
        )
        took_s = time.monotonic() - began_s
        await timetable.announce(it.hall, "city", imported.generation, it.clock.now_epoch_s())
        switched.set()
        seen = await loading
        after = [private_bytes(child.pid or 0) for child in it.web]
    requests, failed = sum(one.requests for one in seen), sum(one.failed for one in seen)
    print(f"{requests:,} requests, {failed} failed, through an import of {took_s:.1f} s and the switch; slowest hundredth "
          f"{max(one.p99_ms for one in seen):.0f} ms in the worst {PORTION_S} s; load {os.getloadavg()[0]:.1f}")  # fmt: skip
    for name, sizes in (("before", before), ("after", after)):
        print(f"private memory of each web process {name}: {', '.join(f'{size / 1024**2:.0f} MiB' for size in sizes)}")
    return 1 if failed else 0


async def _until(switched: asyncio.Event, port: int, paths: list[str]) -> list[Load]:
    """Load until the switch, and twice as long as any web process needs to see it after."""
    seen: list[Load] = []
    after = 0
    while after < 2:
        after += switched.is_set()
        seen.append(await load(port, paths, duration_s=PORTION_S))
    return seen


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

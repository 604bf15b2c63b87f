"""The short version of the benches, one after another, in about two minutes: ``python -m bench [ZIP]``, or ``make bench``.

Without a schedule the simulator's town is taken. For New York's figures run each bench by itself, with ``nyc.zip``.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from bench import embedded, import_schedule, realtime_tick, riders, switch, warning, web
from simulator.city import build_city

TWO_PROCESSES = ("--processes", "2", "--connections", "32", "--only", "arrivals-and-departures-for-stop")
TOWN_DAY = date(2026, 11, 24)


def main(arguments: list[str]) -> int:
    """Run them; 1 when one of them says that something failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("zip", type=Path, nargs="?", help="a GTFS schedule (default: the simulator's town)")
    parser.add_argument("--seconds", type=int, default=3, help="of load for each row (default 3)")
    parser.add_argument("--ticks", type=int, default=10, help="of realtime (default 10)")
    parser.add_argument("--users", type=int, default=500, help="default 500")
    given = parser.parse_args(arguments)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = given.zip or Path(folder) / "town.zip"
        if given.zip is None:
            path.write_bytes(build_city(1, TOWN_DAY).gtfs_zip)
        print(f"{path.name} on {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}")
        seconds = str(given.seconds)
        benches: dict[str, Callable[[], int]] = {
            "import": lambda: import_schedule.main([str(path)]),
            "embedded server": lambda: embedded.main([]),
            "warning": lambda: warning.main(["--people", "20000"]),
            "realtime": lambda: asyncio.run(realtime_tick.main([str(path), "--ticks", str(given.ticks)])),
            "web, one process": lambda: asyncio.run(web.main([str(path), "--seconds", seconds])),
            "web, two processes": lambda: asyncio.run(web.main([str(path), "--seconds", seconds, *TWO_PROCESSES])),
            "switch": lambda: asyncio.run(switch.main([str(path)])),
            "riders": lambda: asyncio.run(
                riders.main([str(path), "--users", str(given.users), "--seconds", str(2 * given.seconds)])
            ),
        }
        failed = []
        for name, work in benches.items():
            print(f"\n--- {name}", flush=True)
            if work():
                failed.append(name)
    print(f"\nall of it in {time.monotonic() - began_s:.0f} s" + (f"; FAILED: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

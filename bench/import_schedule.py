"""Import a GTFS zip into a bundle and print time and peak memory: ``python -m bench.import_schedule ZIP``."""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from feeds.schedule import build


def main(arguments: list[str]) -> int:
    """Build the bundle once, in this process."""
    parser = argparse.ArgumentParser(prog="python -m bench.import_schedule", description=__doc__)
    parser.add_argument("zip", type=Path, help="a GTFS schedule")
    given = parser.parse_args(arguments)
    before = resource.getrusage(resource.RUSAGE_SELF)
    used_before_s, started_s = before.ru_utime + before.ru_stime, time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        imported = build(given.zip, feed_id="bench", home=Path(home))
        wall_s = time.perf_counter() - started_s
        size = sum(path.stat().st_size for path in Path(imported.folder).iterdir())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used_s = usage.ru_utime + usage.ru_stime - used_before_s
    print(f"{imported.counts['stop_times']:,} stop times: {wall_s:.1f} s wall, {used_s:.1f} s CPU, "
          f"{usage.ru_maxrss / 1024**2:.2f} GiB peak, {size / 1024**2:.0f} MiB on disk")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

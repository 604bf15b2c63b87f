"""What keeping a feed costs: recorded GTFS-realtime messages as they came, as single blobs, and in the archive.

python -m bench.archive FOLDER_OF_PB
"""

import argparse
import tempfile
import time
from pathlib import Path

from domain.errors import NotThisFormat
from domain.realtime import TripUpdates, Vehicles
from feeds.formats import gtfs_realtime
from store import archive, codec
from store.archive import Kind, Recorder


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.archive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="holds *.pb, several polls of one feed")
    files = sorted(parser.parse_args().folder.rglob("*.pb"))
    if not files:
        parser.error("expected *.pb in that folder, found none")
    told: dict[Kind, list[TripUpdates | Vehicles]] = {Kind.TRIP_UPDATES: [], Kind.VEHICLES: []}
    raw_bytes = 0
    for path in files:
        data = path.read_bytes()
        try:
            items = gtfs_realtime.decode(data, feed_id="bench", now_epoch_s=0).items
        except NotThisFormat:
            continue
        raw_bytes += len(data)
        for kind, said in ((Kind.TRIP_UPDATES, items.trip_updates), (Kind.VEHICLES, items.vehicles)):
            if said is not None:
                told[kind].append(said)
    with tempfile.TemporaryDirectory() as home:
        started_s, blob_bytes, count = time.process_time(), 0, 0
        for kind, said_in_order in told.items():
            recorder = Recorder(Path(home), "bench", kind)
            for said in sorted(said_in_order, key=lambda one: one.header_epoch_s):
                recorder.append(said.header_epoch_s, said)
                count += 1
            recorder.close()
        cpu_ms = (time.process_time() - started_s) / max(count, 1) * 1000
        blob_bytes = sum(len(codec.pack(said)) for said_in_order in told.values() for said in said_in_order)
        kept_bytes = sum(hour.size for hour in archive.hours(Path(home)))
    print(f"{count} datasets: {raw_bytes:,} bytes as they came, {blob_bytes:,} as single blobs, {kept_bytes:,} kept")
    print(f"{raw_bytes / kept_bytes:.1f} times smaller than as they came; {cpu_ms:.2f} ms of CPU each")


if __name__ == "__main__":
    main()

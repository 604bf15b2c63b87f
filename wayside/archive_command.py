"""``wayside archive``: what is kept of the feeds, and the same as files that other programs read."""

import argparse
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from domain.feed import FeedKind
from domain.realtime import TripUpdates, Vehicles
from feeds.formats.gtfs_realtime_writer import encode_trip_updates, encode_vehicles, stamp_of
from runtime.settings import Settings
from store import archive
from wayside.processes import settings_from


def archive_command(options: argparse.Namespace) -> int:
    """Show or export."""
    settings = settings_from(options.config)
    if options.action == "show":
        return _show(settings)
    return _export(settings, options)


def _show(settings: Settings) -> int:
    known = archive.hours(settings.home)
    if not known:
        print(f"{archive.folder(settings.home)}: nothing has been kept yet")
        return 0
    print(f"{archive.folder(settings.home)}: {sum(hour.size for hour in known) / 1024**2:,.1f} MiB; kept for "
          f"{settings.archive.keep_days:g} days, at most {settings.archive.max_bytes / 1024**3:g} GiB")  # fmt: skip
    for feed_id, kind in sorted({(hour.feed_id, hour.kind) for hour in known}):
        mine = [hour for hour in known if (hour.feed_id, hour.kind) == (feed_id, kind)]
        size = sum(hour.size for hour in mine) / 1024**2
        first, last = (f"{datetime.fromtimestamp(mine[at].from_epoch_s, UTC):%Y-%m-%d %H:00}" for at in (0, -1))
        print(f"  {feed_id:24} {kind.value:14} {first} to {last} UTC, {size:,.1f} MiB")
    return 0


def _export(settings: Settings, options: argparse.Namespace) -> int:
    schedules = [spec.feed_id for spec in settings.feeds if spec.kind is FeedKind.GTFS]
    schedule = options.schedule or (schedules[0] if len(schedules) == 1 else "")
    if schedule not in schedules:
        print(f"--schedule: expected one of {', '.join(schedules) or 'none: no gtfs feed is configured'}, found "
              f"{schedule!r}", file=sys.stderr)  # fmt: skip
        return 2
    speaking = [spec.feed_id for spec in settings.feeds if schedule in spec.schedule]
    begins, ends = options.begins.timestamp(), options.ends.timestamp()
    if ends <= begins:
        print(f"--to: expected an instant after --from, found {options.ends.isoformat()}", file=sys.stderr)
        return 2
    zip_path = archive.schedule_at(settings.home, schedule, begins)
    if zip_path is None:
        print(f"{schedule}: no schedule has been kept yet; it is with the next one that is imported", file=sys.stderr)
        return 1
    into = Path(options.folder)
    if into.exists() and any(into.iterdir()):
        print(f"{into}: expected an empty or a new folder", file=sys.stderr)
        return 2
    messages = _messages(settings, speaking, begins, ends)
    first = next(messages, None)
    if first is None:
        print(f"{', '.join(speaking) or schedule}: nothing has been kept from {options.begins.isoformat()} to "
              f"{options.ends.isoformat()}; `wayside archive show` says what has", file=sys.stderr)  # fmt: skip
        return 1
    into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(zip_path, into / "gtfs.zip")
    count = 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("writing", total=max(ends - begins, 1.0))
        for at_epoch_s, name, data in chain([first], messages):
            (into / name).write_bytes(data)
            count += 1
            progress.update(task, completed=at_epoch_s - begins)
    print(f"{count:,} messages and gtfs.zip written to {into}")
    return 0


def _messages(settings: Settings, feeds: list[str], begins: float, ends: float) -> Iterator[tuple[float, str, bytes]]:
    for feed_id in feeds:
        home = settings.home
        for at, vehicles in archive.read(home, feed_id, Vehicles, from_epoch_s=begins, to_epoch_s=ends):
            yield at, f"VehiclePositions-{stamp_of(at)}-{feed_id}.pb", encode_vehicles(vehicles)
        for at, updates in archive.read(home, feed_id, TripUpdates, from_epoch_s=begins, to_epoch_s=ends):
            yield at, f"TripUpdates-{stamp_of(at)}-{feed_id}.pb", encode_trip_updates(updates)

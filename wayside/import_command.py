"""``wayside import``."""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from domain.errors import FetchFailed, ScheduleRefused
from domain.feed import FeedKind, FeedSpec
from feeds import schedule
from feeds.fetch import Fetcher, Validators
from runtime.clock import SystemClock
from runtime.configuration.feeds import is_feed_id
from runtime.settings import Settings
from store.hall import Hall
from wayside.processes import settings_from


def import_schedule(source: str, feed_id: str, config: str | None) -> int:
    """Import the zip at *source* (a file or an address) and put its bundle into force where Redis answers."""
    settings = settings_from(config)
    if not is_feed_id(feed_id):
        print(f"--feed: expected small letters, digits and hyphens, found {feed_id!r}", file=sys.stderr)
        return 2
    if "://" not in source and not Path(source).is_file():
        print(f"{source}: expected a GTFS zip; there is no such file", file=sys.stderr)
        return 2
    spec = next((spec for spec in settings.feeds if spec.feed_id == feed_id), None) or FeedSpec(
        feed_id=feed_id, kind=FeedKind.GTFS, url=source, interval_s=3600.0, timeout_s=600.0, max_bytes=1024**3
    )
    console = Console()
    clock = SystemClock()
    started_s = clock.monotonic_s()
    try:
        with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as bar:
            task = bar.add_task("starting", total=1.0)
            imported = asyncio.run(
                _import(
                    source,
                    spec,
                    settings,
                    clock,
                    lambda step, share: bar.update(task, description=step, completed=share),
                )
            )
    except (ScheduleRefused, FetchFailed, OSError) as error:
        console.print(f"[red]not imported:[/] {error}")
        return 1
    console.print(
        f"bundle [bold]{imported.generation}[/] in {clock.monotonic_s() - started_s:.1f} s: {imported.folder}"
    )
    console.print("  " + ", ".join(f"{count:,} {name}" for name, count in imported.counts.items()))
    console.print(f"  service from {imported.first_day} to {imported.last_day}")
    for problem in imported.problems:
        console.print(
            f"  [yellow]{problem.code}[/] ({problem.count}) {problem.where}: {problem.message}", highlight=False
        )
    return 0


async def _import(
    source: str,
    spec: FeedSpec,
    settings: Settings,
    clock: SystemClock,
    progress: Callable[[str, float], None],
) -> schedule.Imported:
    hall = Hall.connect(settings.redis_url)
    try:
        with tempfile.TemporaryDirectory(prefix="wayside-") as folder:
            path = Path(source)
            if "://" in source:
                fetcher = Fetcher(clock, settings.secrets, settings.contact_email)
                fetched = await fetcher.fetch(replace(spec, url=source, allow_private_hosts=True), Validators())
                await fetcher.close()
                path = Path(folder) / f"{spec.feed_id}.zip"
                await asyncio.to_thread(path.write_bytes, fetched.body or b"")
            imported = await schedule.import_file(
                path,
                spec,
                settings.home,
                source=spec.name or Path(source).name,
                now_epoch_s=clock.now_epoch_s(),
                progress=progress,
            )
        if await hall.is_there():
            schedules = [it.feed_id for it in settings.feeds if it.kind is FeedKind.GTFS]
            await schedule.put_in_force(hall, settings.home, imported, schedules, clock.now_epoch_s())
        return imported
    finally:
        await hall.close()

"""From a schedule zip to the bundle in force: in a process of its own, so that the memory it takes is given back.

A bundle's generation is a hash of the zip, the layout and the agency codes: the same input gives the same name on every
host. A schedule that is refused leaves the one before it in force.
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from domain.errors import BundleUnusable, ScheduleRefused
from domain.feed import FeedSpec, Problem
from store import timetable
from store.bundle_files import LAYOUT, folder_of, read_meta
from store.hall import Hall
from store.timetable_writer import keep_newest, write_bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A bundle on disk, ready to be announced."""

    feed_id: str
    generation: str
    folder: str
    counts: dict[str, int]
    problems: tuple[Problem, ...]
    first_day: int
    last_day: int
    built: bool
    """False when the very same bundle was there already."""


def generation_of(zip_path: Path, agency_codes: tuple[tuple[str, str], ...]) -> str:
    """The name of the bundle that this zip becomes."""
    digest = hashlib.sha256()
    with zip_path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    digest.update(json.dumps([LAYOUT, sorted(agency_codes)]).encode())
    return digest.hexdigest()[:16]


def build(
    zip_path: Path, *, feed_id: str, home: Path, agency_codes: tuple[tuple[str, str], ...] = (), source: str = "",
    imported_epoch_s: float = 0.0, progress: Callable[[str, float], None] = lambda _step, _share: None,
) -> Imported:  # fmt: skip
    """Read the zip and write its bundle, in this process. Raises ScheduleRefused when it cannot be served."""
    from feeds.formats import gtfs

    generation = generation_of(zip_path, agency_codes)
    folder = folder_of(home, feed_id, generation)
    if (folder / "meta.json").exists():
        progress("already there", 1.0)
        return _imported(timetable.Bundle(folder), built=False)
    schedule = gtfs.read(zip_path, codes=dict(agency_codes), progress=progress)
    progress("writing the bundle", 0.93)
    write_bundle(
        home,
        feed_id,
        generation,
        arrays=schedule.arrays,
        texts=schedule.texts,
        translations=schedule.translations,
        problems=schedule.problems,
        meta={**schedule.meta, "source": source or zip_path.name, "imported_epoch_s": imported_epoch_s},
    )
    progress("done", 1.0)
    return _imported(timetable.Bundle(folder), built=True)


def _imported(bundle: timetable.Bundle, *, built: bool) -> Imported:
    return Imported(
        feed_id=bundle.feed_id,
        generation=bundle.generation,
        folder=str(bundle.folder),
        counts=bundle.meta["counts"],
        problems=tuple(bundle.problems()),
        first_day=bundle.meta["first_day"],
        last_day=bundle.meta["last_day"],
        built=built,
    )


async def import_file(
    zip_path: Path, spec: FeedSpec, home: Path, *, source: str, now_epoch_s: float,
    progress: Callable[[str, float], None] = lambda _step, _share: None,
) -> Imported:  # fmt: skip
    """:func:`build` in a child process; raises ScheduleRefused with the child's reason."""
    order = {
        "zip": str(zip_path),
        "feed_id": spec.feed_id,
        "home": str(home),
        "agency_codes": spec.agency_codes,
        "source": source,
        "imported_epoch_s": now_epoch_s,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "feeds.schedule_child",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    assert child.stderr
    child.stdin.write(json.dumps(order).encode() + b"\n")
    child.stdin.write_eof()
    complaint = asyncio.ensure_future(child.stderr.read())
    result: Imported | None = None
    refused = ""
    try:
        async for line in child.stdout:
            said = json.loads(line)
            if "step" in said:
                progress(said["step"], said["share"])
            elif "refused" in said:
                refused = said["refused"]
            else:
                result = msgspec.convert(said["imported"], Imported)
        code = await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if result is None:
        tail = (await complaint).decode(errors="replace").strip().splitlines()[-1:]
        raise ScheduleRefused(refused or f"the import ended with code {code}: {' '.join(tail) or 'no message'}")
    complaint.cancel()
    return result


_ANNOUNCING = asyncio.Lock()


async def put_in_force(
    hall: Hall, home: Path, imported: Imported, schedules: Sequence[str], now_epoch_s: float
) -> None:
    """Announce the bundle. Raises ScheduleRefused when an agency of it has the code of another feed's: ids would collide.

    *schedules* are the ids of all configured GTFS feeds.
    """
    async with _ANNOUNCING:
        mine = {
            agency["code"] for agency in read_meta(folder_of(home, imported.feed_id, imported.generation))["agencies"]
        }
        for other in schedules:
            generation = await timetable.in_force(hall, other) if other != imported.feed_id else None
            if generation is None:
                continue
            try:
                theirs = {agency["code"] for agency in read_meta(folder_of(home, other, generation))["agencies"]}
            except BundleUnusable:
                continue
            if shared := sorted(mine & theirs):
                raise ScheduleRefused(
                    f"agency code {', '.join(shared)} belongs to feed {other} already: give the agencies of feed "
                    f'{imported.feed_id} codes of their own, agencies = {{ {json.dumps(shared[0])} = "…" }}'
                )
        await timetable.announce(hall, imported.feed_id, imported.generation, now_epoch_s)


def forget_old(home: Path, feed_id: str, generation: str) -> None:
    """Keep the bundle in force and the one before it; remove older ones."""
    keep_newest(home, feed_id, generation)

"""``wayside learn``: what the predictor has learned, shown, taken out, and put in."""

import argparse
import asyncio
import json
import sys
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import BlobUnusable, BundleUnusable
from domain.feed import FeedKind
from predictor.learned.engine import Engine
from predictor.learned.hours import HOURS, DayType
from predictor.learned.learned import State
from predictor.learned.runs import key_of
from predictor.learned.settings import Settings as EngineSettings
from runtime.clock import SystemClock
from runtime.settings import Settings
from store import learned, timetable
from store.hall import Hall
from wayside.processes import redis_is_silent, settings_from

PAIRS_SHOWN = 20


def learn(options: argparse.Namespace) -> int:
    """Show, export, import or forget."""
    return asyncio.run(_learn(options))


async def _learn(options: argparse.Namespace) -> int:
    settings = settings_from(options.config)
    feeds = [spec.feed_id for spec in settings.feeds if spec.kind is FeedKind.GTFS]
    wanted = options.feed or (feeds[0] if len(feeds) == 1 else "")
    if not feeds:
        print("no gtfs feed is configured: give the deployment's file with --config", file=sys.stderr)
        return 2
    if (options.action != "show" or options.feed) and wanted not in feeds:
        print(f"--feed: expected one of {', '.join(feeds) or 'none: no gtfs feed is configured'}, found {wanted!r}",
              file=sys.stderr)  # fmt: skip
        return 2
    hall = Hall.connect(settings.redis_url)
    try:
        if not await hall.is_there():
            print(redis_is_silent(settings), file=sys.stderr)
            return 1
        if options.action == "export":
            return await _export(hall, wanted, Path(options.file))
        if options.action == "import":
            return await _import(hall, settings, wanted, Path(options.file))
        if options.action == "forget":
            await learned.put(hall, wanted, dict(Engine().state().columns), SystemClock().now_epoch_s())
            print(f"{wanted}: begins anew")
            return 0
        shown = [await _shown(hall, settings, feed, options.stop) for feed in ([wanted] if options.feed else feeds)]
        print(
            json.dumps(shown, ensure_ascii=False)
            if options.json
            else "\n\n".join(_text(it, options.stop) for it in shown)
        )
        return 0
    except BlobUnusable as error:
        print(f"What is in Redis cannot be read: {error}", file=sys.stderr)
        return 1
    finally:
        await hall.close()


async def _export(hall: Hall, feed_id: str, path: Path) -> int:
    found = await learned.get(hall, feed_id)
    if found is None:
        print(f"{feed_id}: nothing has been learned yet", file=sys.stderr)
        return 1
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{name: np.asarray(it) for name, it in found[2].items()})
        part.replace(path)
    except OSError as error:
        print(f"{path}: expected a file that can be written: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{feed_id}: {len(found[2]['pair.n']):,} stop pairs written to {path}")
    return 0


async def _import(hall: Hall, settings: Settings, feed_id: str, path: Path) -> int:
    """Take a file in, after a look at it: what is wrong in it would be told to riders, and replaces all that is known."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is of another format, or cut short")
            file.seek(0)
            kept = np.load(file, allow_pickle=False)
            state = State({name: kept[name] for name in kept.files})
        if "pair.n" not in state.columns:
            raise KeyError("pair.n")
        columns = dict((await asyncio.to_thread(Engine, None, state)).state().columns)
        if fault := _fault(state.columns):
            raise ValueError(fault)
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        print(f"{path}: expected a file made by `wayside learn export`: {why}", file=sys.stderr)
        return 1
    pairs = len(columns["pair.n"])
    stops, _ = await _names(hall, settings, feed_id)
    known = np.isin(np.stack([columns["pair.from"], columns["pair.to"]]), list(stops)).all(axis=0).sum()
    if stops and pairs and not known:
        print(
            f"{path}: none of its {pairs:,} stop pairs is in the timetable of {feed_id}: expected what a feed named "
            f"{feed_id!r} of the same city has learned; nothing was changed",
            file=sys.stderr,
        )
        return 1
    await learned.put(hall, feed_id, columns, SystemClock().now_epoch_s())
    strangers = f" ({pairs - known:,} of them not in today's timetable)" if stops and known < pairs else ""
    print(f"{feed_id}: {pairs:,} stop pairs{strangers}; a running predictor goes on from them within a minute")
    return 0


SIGNED = "pair.odd_n"
"""A count that is below 0 where what it counts was too short."""


def _fault(columns: Mapping[str, npt.NDArray[Any]]) -> str:
    """What no engine can have learned: "" when nothing."""
    for name, column in columns.items():
        if column.dtype.kind not in "iuf":
            return f"{name}: expected numbers, found {column.dtype}"
        if not np.isfinite(column).all():
            return f"{name}: expected finite numbers"
        sum_or_count = name != SIGNED and name.endswith((".n", "_n", "observed_s", "scheduled_s", "dwell_s", "errors"))
        if sum_or_count and (column < 0).any():
            return f"{name}: expected nothing below 0"
    return ""


async def _shown(hall: Hall, settings: Settings, feed_id: str, stop_id: str) -> dict[str, Any]:
    found = await learned.get(hall, feed_id)
    if found is None:
        return {"feed": feed_id, "stop_pairs": 0}
    _, at_epoch_s, columns = found
    stops, agencies = await _names(hall, settings, feed_id)
    n, observed, scheduled = (columns[f"pair.{name}"] for name in ("n", "observed_s", "scheduled_s"))
    rows = np.argsort(-n, kind="stable")
    if stop_id:
        key = key_of(feed_id, stop_id)
        rows = rows[(columns["pair.from"][rows] == key) | (columns["pair.to"][rows] == key)]
    pairs = [
        {
            "from": stops.get(int(columns["pair.from"][row]), "?"),
            "to": stops.get(int(columns["pair.to"][row]), "?"),
            "observations": round(float(n[row]), 1),
            "mean_s": round(float(observed[row] / max(n[row], 1e-9)), 1),
            "of_timetable": round(float(observed[row] / scheduled[row]), 2) if scheduled[row] else None,
            "hours": _hours(columns, row),
        }
        for row in rows[:PAIRS_SHOWN].tolist()
    ]
    groups = [
        {
            "agency": agencies.get(int(columns["group.key"][row]), "?"),
            "running_time_of_timetable": _ratio(columns, "group.observed_s", "group.scheduled_s", row),
            "mean_dwell_s": _ratio(columns, "group.dwell_s", "group.dwell_n", row),
            "typical_layover_s": round(float(columns["group.layover_s"][row]), 0),
            "days": int(columns["group.days_n"][row]) if "group.days_n" in columns else 0,
        }
        for row in range(len(columns["group.key"]))
    ]
    return {
        "feed": feed_id,
        "written_at": datetime.fromtimestamp(at_epoch_s, UTC).isoformat(timespec="seconds"),
        "stop_pairs": len(n),
        "observations": round(float(n.sum())),
        "bytes": sum(column.nbytes for column in columns.values()),
        "agencies": groups,
        "pairs": pairs,
    }


def _hours(columns: learned.Columns, pair: int) -> list[dict[str, Any]]:
    """What is known of a stop pair by the hour and type of day; nothing in what an earlier version kept."""
    if "hour.pair" not in columns:
        return []
    rows = np.flatnonzero(columns["hour.pair"] == pair)
    slot, n, observed = (columns[f"hour.{name}"][rows] for name in ("slot", "n", "observed_s"))
    return [
        {
            "day": DayType(slot // HOURS).name.lower(),
            "hour": slot % HOURS,
            "observations": round(n, 1),
            "mean_s": round(seconds / max(n, 1e-9), 1),
        }
        for slot, n, seconds in sorted(zip(slot.tolist(), n.tolist(), observed.tolist(), strict=True))
    ]


def _ratio(columns: learned.Columns, above: str, below: str, row: int) -> float | None:
    a, b = float(columns[above][row]), float(columns[below][row])
    return round(a / b, 3) if b else None


async def _names(hall: Hall, settings: Settings, feed_id: str) -> tuple[dict[int, str], dict[int, str]]:
    """Keys of stops and agencies to what people call them, by the timetable in force."""
    generation = await timetable.in_force(hall, feed_id)
    if generation is None:
        return {}, {}
    try:
        bundle = timetable.open_bundle(settings.home, feed_id, generation)
    except BundleUnusable:
        return {}, {}
    stops = {}
    for row in range(len(bundle.stop_ids)):
        raw_id = bundle.stop_ids[row]
        stops[key_of(feed_id, raw_id)] = f"{bundle.stop(row).name} ({raw_id})"
    return stops, {key_of(feed_id, agency.raw_id): agency.name for agency in bundle.agencies}


def _text(it: dict[str, Any], stop_id: str = "") -> str:
    if not it["stop_pairs"]:
        return f"{it['feed']}: nothing has been learned yet"
    counts = f"{it['stop_pairs']:,} stop pairs, {it['observations']:,} running times, {it['bytes']:,} bytes"
    days_wanted = EngineSettings().hour_days
    lines = [f"{it['feed']}: {counts}, written {it['written_at']}"]
    for group in it["agencies"]:
        share, dwell = group["running_time_of_timetable"], group["mean_dwell_s"]
        lines.append(
            f"  {group['agency']}: running times {'as' if share is None else f'{share:.2f} of'} the timetable's, "
            f"dwell {'unknown' if dwell is None else f'{dwell:.0f} s'}, layover {group['typical_layover_s']:.0f} s, "
            f"{group['days']} day{'' if group['days'] == 1 else 's'} seen, hours told apart {'now' if group['days'] >= days_wanted else f'from {days_wanted:.0f} on'}"
        )
    if stop_id and not it["pairs"]:
        lines.append(f"  no stop pair with stop {stop_id!r} has been seen")
    if it["pairs"]:
        lines.append("  most observed:" if len(it["pairs"]) > 1 else "")
    lines += [
        f"    {pair['from']} → {pair['to']}: {pair['mean_s']:.0f} s, n {pair['observations']:.0f}"
        + (f", {pair['of_timetable']:.2f} of the timetable" if pair["of_timetable"] is not None else "")
        + _slowest(pair["hours"])
        for pair in it["pairs"]
    ]
    return "\n".join(line for line in lines if line)


def _slowest(hours: list[dict[str, Any]]) -> str:
    """The hour that takes longest, of those seen often enough to be more than one bad morning."""
    often = [it for it in hours if it["observations"] >= EngineSettings().hour_prior_n]
    if not often:
        return ""
    worst = max(often, key=lambda it: float(it["mean_s"]))
    return f", slowest {worst['day']} {worst['hour']} to {worst['hour'] + 1} h: {worst['mean_s']:.0f} s"

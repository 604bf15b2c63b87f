"""What feeds said and what riders were told, kept for days: for scoring, for learning anew, for looking back.

Under ``WAYSIDE_HOME/archive/<feed id>/`` a file holds one kind of record over one hour (UTC), as one zstd stream: each
record is flushed as it comes, so that a crash costs at most the record being written, and later records are compressed
against earlier ones (feeds repeat themselves). Schedules are kept as they came, as zips. A record is its instant, its length and the columns of
:func:`store.codec.pack_body`.

One process writes a kind of a feed; readers may read while it writes. Everything but :class:`Keeper` blocks: call it off
the event loop.
"""

import asyncio
import contextlib
import hashlib
import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import zstandard

from domain.errors import BlobUnusable
from domain.predictions import Predictions
from domain.realtime import TripUpdates, Vehicles
from store import codec

log = logging.getLogger("wayside.archive")

_RECORD = struct.Struct("<dI")
"""Epoch seconds, bytes of the body."""
LEVEL = 3
"""Of zstd: on a large city's ticks level 6 saves 4 % more and takes twice the time."""
WINDOW_LOG = 23
"""8 MiB: several ticks of a large city, so that one is compressed against the one before."""
TIDY_S = 3600.0
READ_BYTES = 64 * 1024
T = TypeVar("T")


class Kind(StrEnum):
    """What is kept."""

    TRIP_UPDATES = "trip_updates"
    VEHICLES = "vehicles"
    PREDICTIONS = "predictions"


INTO: dict[Kind, type[Any]] = {
    Kind.TRIP_UPDATES: TripUpdates,
    Kind.VEHICLES: Vehicles,
    Kind.PREDICTIONS: Predictions,
}


@dataclass(frozen=True, slots=True)
class Hour:
    """One file."""

    path: Path
    feed_id: str
    kind: Kind
    from_epoch_s: int
    """Start of its hour."""
    size: int
    """Bytes on disk."""


def folder(home: Path) -> Path:
    return home / "archive"


def hours(home: Path, feed_id: str = "", kind: Kind | None = None) -> list[Hour]:
    """All files (of a feed, of a kind) from the oldest to the newest; foreign files are passed over."""
    found = []
    for path in folder(home).glob(f"{feed_id or '*'}/*.zst"):
        with contextlib.suppress(ValueError, OSError):
            stamp, name, _ = path.stem.split("-", 2)
            hour = datetime.strptime(stamp, "%Y%m%d%H").replace(tzinfo=UTC)
            if kind in (None, Kind(name)):
                size = path.stat().st_size
                found.append(Hour(path, path.parent.name, Kind(name), int(hour.timestamp()), size))
    return sorted(found, key=lambda hour: (hour.from_epoch_s, hour.path.name))


class Recorder:
    """Writes one kind of one feed."""

    def __init__(self, home: Path, feed_id: str, kind: Kind) -> None:
        self._folder = folder(home) / feed_id
        self._kind = kind
        self._hour = ""
        self._file: BinaryIO | None = None
        self._stream: Any = None

    def append(self, at_epoch_s: float, value: object) -> None:
        """Add a record. Raises OSError when the disk is full or away; the next record then starts a new file."""
        hour = datetime.fromtimestamp(at_epoch_s, UTC).strftime("%Y%m%d%H")
        if hour != self._hour or self._stream is None:
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{hour}-{self._kind.value}-{int(at_epoch_s * 1000)}.zst"
            self._file = path.open("xb")
            parameters = zstandard.ZstdCompressionParameters.from_level(
                LEVEL, window_log=WINDOW_LOG, enable_ldm=True, write_checksum=True
            )
            self._stream = zstandard.ZstdCompressor(compression_params=parameters).stream_writer(
                self._file, closefd=False
            )
            self._hour = hour
        body = codec.pack_body(value)
        try:
            self._stream.write(_RECORD.pack(at_epoch_s, len(body)))
            self._stream.write(body)
            self._stream.flush(zstandard.FLUSH_BLOCK)
            assert self._file is not None
            self._file.flush()
        except OSError:
            self._abandon()
            raise

    def close(self) -> None:
        """End the file; more may be appended afterwards."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.flush(zstandard.FLUSH_FRAME)
        self._abandon()

    def _abandon(self) -> None:
        file, self._file, self._stream = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()


class Keeper:
    """The recorders of one process, for its event loop: keeps what it can, and says once when it cannot."""

    def __init__(self, home: Path, keep_days: float, max_bytes: int) -> None:
        self._home, self._keep_days, self._max_bytes = home, keep_days, max_bytes
        self._recorders: dict[tuple[str, Kind], Recorder] = {}
        self._sick: set[tuple[str, Kind]] = set()
        self._tidied_epoch_s = float("-inf")

    async def keep(self, feed_id: str, kind: Kind, at_epoch_s: float, value: object) -> None:
        """Add a record; never raises: an archive that cannot be written must not stop a feed."""
        if self._keep_days <= 0:
            return
        name = (feed_id, kind)
        recorder = self._recorders.setdefault(name, Recorder(self._home, feed_id, kind))
        try:
            await asyncio.to_thread(recorder.append, at_epoch_s, value)
        except OSError as error:
            if name not in self._sick:
                log.error("event=archive_not_written feed=%s kind=%s why=%r", feed_id, kind.value, str(error))
            self._sick.add(name)
        else:
            self._sick.discard(name)

    async def keep_schedule(self, feed_id: str, data: bytes, at_epoch_s: float) -> None:
        """Keep a GTFS zip; never raises."""
        if self._keep_days > 0:
            try:
                await asyncio.to_thread(keep_schedule, self._home, feed_id, data, at_epoch_s)
            except OSError as error:
                log.error("event=archive_not_written feed=%s kind=schedule why=%r", feed_id, str(error))

    async def tidy(self, now_epoch_s: float) -> None:
        """Once an hour: forget what is too old or too much."""
        if now_epoch_s - self._tidied_epoch_s < TIDY_S:
            return
        self._tidied_epoch_s = now_epoch_s
        removed = await asyncio.to_thread(
            forget, self._home, now_epoch_s=now_epoch_s, keep_days=self._keep_days, max_bytes=self._max_bytes
        )
        if removed:
            log.info("event=archive_tidied removed_bytes=%d", removed)

    def close(self) -> None:
        """End every file."""
        for recorder in self._recorders.values():
            recorder.close()


def read(
    home: Path, feed_id: str, into: type[T], *, from_epoch_s: float = float("-inf"), to_epoch_s: float = float("inf")
) -> Iterator[tuple[float, T]]:
    """(instant, value) of the records in [from, to], oldest first; what a crash cut short is passed over."""
    kind = next(kind for kind, made in INTO.items() if made is into)
    for hour in hours(home, feed_id, kind):
        if hour.from_epoch_s + 3600 <= from_epoch_s or hour.from_epoch_s > to_epoch_s:
            continue
        for at_epoch_s, body in _records(hour.path):
            if at_epoch_s > to_epoch_s:
                break
            if at_epoch_s >= from_epoch_s:
                try:
                    yield at_epoch_s, codec.unpack_body(body, into)
                except BlobUnusable as error:
                    log.warning("event=archive_record_unreadable file=%s why=%r", hour.path.name, str(error))


def at(home: Path, feed_id: str, into: type[T], instant_epoch_s: float, max_age_s: float) -> tuple[float, T] | None:
    """The last record at or before an instant, if it is no older than *max_age_s*."""
    kind = next(kind for kind, made in INTO.items() if made is into)
    last: tuple[float, bytes] | None = None
    for hour in hours(home, feed_id, kind):
        if hour.from_epoch_s <= instant_epoch_s and hour.from_epoch_s + 3600 > instant_epoch_s - max_age_s:
            for when, body in _records(hour.path):
                if when > instant_epoch_s:
                    break
                last = when, body
    if last is None or instant_epoch_s - last[0] > max_age_s:
        return None
    return last[0], codec.unpack_body(last[1], into)


def _records(path: Path) -> Iterator[tuple[float, bytes]]:
    try:
        with path.open("rb") as file:
            stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            waiting = bytearray()
            while part := file.read(READ_BYTES):
                waiting += stream.decompress(part)
                start = 0
                while len(waiting) - start >= _RECORD.size:
                    at_epoch_s, length = _RECORD.unpack_from(waiting, start)
                    end = start + _RECORD.size + length
                    if end > len(waiting):
                        break
                    yield at_epoch_s, bytes(waiting[start + _RECORD.size : end])
                    start = end
                del waiting[:start]
    except (OSError, zstandard.ZstdError) as error:
        log.warning("event=archive_file_unreadable file=%s why=%r", path.name, str(error))


def keep_schedule(home: Path, feed_id: str, data: bytes, at_epoch_s: float) -> Path:
    """Keep a GTFS zip as it came; the same bytes once. Raises OSError."""
    name = f"gtfs-{hashlib.sha256(data).hexdigest()[:16]}.zip"
    into = folder(home) / feed_id
    into.mkdir(parents=True, exist_ok=True)
    known = [path for path in into.glob("*.zip") if path.name.endswith(name)]
    if known:
        return known[0]
    path = into / f"{datetime.fromtimestamp(at_epoch_s, UTC):%Y%m%d%H}-{name}"
    partial = path.with_suffix(".part")
    partial.write_bytes(data)
    partial.rename(path)
    return path


def schedule_at(home: Path, feed_id: str, instant_epoch_s: float) -> Path | None:
    """The GTFS zip that was in force at an instant: the newest that had come by then, else the first that came."""
    paths = sorted((folder(home) / feed_id).glob("*-gtfs-*.zip"))
    stamp = f"{datetime.fromtimestamp(instant_epoch_s, UTC):%Y%m%d%H}"
    by_then = [path for path in paths if path.name[:10] <= stamp]
    return by_then[-1] if by_then else paths[0] if paths else None


def _old_schedules(home: Path, before_epoch_s: float) -> list[Path]:
    """Zips that were replaced before an instant."""
    stamp = f"{datetime.fromtimestamp(before_epoch_s, UTC):%Y%m%d%H}"
    found: list[Path] = []
    for feed in folder(home).glob("*"):
        paths = sorted(feed.glob("*-gtfs-*.zip"))
        found += [path for path, following in pairwise(paths) if following.name[:10] < stamp]
    return found


def forget(home: Path, *, now_epoch_s: float, keep_days: float, max_bytes: int) -> int:
    """Remove what is older than *keep_days*, then the oldest until at most *max_bytes* are left; bytes removed.

    The hour that is being written stays, and the schedules that the kept hours belong to.
    """
    removed = 0
    for path in _old_schedules(home, now_epoch_s - keep_days * 86_400):
        with contextlib.suppress(OSError):
            size = path.stat().st_size
            path.unlink()
            removed += size
    known = hours(home)
    return removed + _forget_hours(known, now_epoch_s, keep_days, max_bytes)


def _forget_hours(known: list[Hour], now_epoch_s: float, keep_days: float, max_bytes: int) -> int:
    total, removed = sum(hour.size for hour in known), 0
    for hour in known:
        ends = hour.from_epoch_s + 3600
        if ends > now_epoch_s or (ends >= now_epoch_s - keep_days * 86_400 and total - removed <= max_bytes):
            continue
        with contextlib.suppress(OSError):
            hour.path.unlink()
            removed += hour.size
    return removed

"""A folder of recorded feeds, served over HTTP as on the day: the clock starts at the earliest header and runs on.

The folder holds ``gtfs.zip`` and any of ``TripUpdates*.pb``, ``VehiclePositions*.pb``, ``Alerts*.pb``, ``combined*.pb``
(several of a kind are successive polls, by their header timestamps; ``combined*.pb`` is read only where neither trip
updates nor vehicle positions are there), and CAP messages as ``*.xml`` or ``*.cap``.
"""

import argparse
import csv
import io
import sys
import zipfile
import zlib
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import WaysideError
from runtime.clock import SystemClock, instant
from simulator.fcm import PROJECT_ID, FcmDouble
from simulator.serving import Sickbay, announce, listen, serve

PATTERNS = {"trip_updates": "TripUpdates*.pb", "vehicle_positions": "VehiclePositions*.pb", "situations": "Alerts*.pb",
            "combined": "combined*.pb"}  # fmt: skip
PROTOBUF = "application/x-protobuf"
LONGEST_NAME = 60
"""Characters: what a page's head has room for."""


class RecordingUnusable(WaysideError):
    """A folder that cannot be replayed; says what is missing or which file is damaged."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A folder's polls: kind to (header epoch seconds, 0 for none; file), in order."""

    schedule: Path
    polls: dict[str, list[tuple[int, Path]]]
    warnings: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Files that cannot be replayed, and why."""

    @property
    def starts_epoch_s(self) -> int:
        """The earliest header."""
        return min(stamp for polls in self.polls.values() for stamp, _ in polls if stamp)

    @property
    def ends_epoch_s(self) -> int:
        """The latest header: nothing new comes after it."""
        return max(stamp for polls in self.polls.values() for stamp, _ in polls)

    def at(self, kind: str, epoch_s: float) -> Path:
        """The poll of that kind that was the latest at an instant (the first, before it)."""
        polls = self.polls[kind]
        return polls[max(0, bisect_right(polls, epoch_s, key=lambda poll: poll[0]) - 1)][1]


def open_recording(folder: Path, cap: Path | None = None) -> Recording:
    """Look through *folder* (and *cap*, a file or folder of CAP messages). Raises RecordingUnusable.

    A poll that is damaged is left out, and said (``left_out``); one without a header timestamp stands before the others.
    """
    if not folder.is_dir():
        raise RecordingUnusable(f"{folder}: expected a folder of recorded feeds")
    if not (folder / "gtfs.zip").is_file():
        raise RecordingUnusable(
            f"{folder}: expected gtfs.zip in it, and at least one of {', '.join(PATTERNS.values())}"
        )
    if not zipfile.is_zipfile(folder / "gtfs.zip"):
        raise RecordingUnusable(f"{folder / 'gtfs.zip'}: expected a zip archive with a GTFS schedule")
    if cap is not None and not cap.exists():
        raise RecordingUnusable(f"{cap}: expected a CAP message or a folder of them")
    left_out: list[str] = []
    polls: dict[str, list[tuple[int, Path]]] = {}
    for kind, pattern in PATTERNS.items():
        found = []
        for path in sorted(folder.glob(pattern)):
            try:
                found.append((_header(path), path))
            except RecordingUnusable as error:
                left_out.append(str(error))
        if found:
            polls[kind] = sorted(found)
    if "trip_updates" in polls or "vehicle_positions" in polls:
        polls.pop("combined", None)
    if not any(stamp for found in polls.values() for stamp, _ in found):
        wanted = f"{folder}: expected at least one of {', '.join(PATTERNS.values())} with a header timestamp"
        raise RecordingUnusable("; ".join([wanted, *left_out]))
    places = [folder] if cap is None else [folder, cap]
    warnings = [path for place in places for path in (sorted(place.iterdir()) if place.is_dir() else [place])]
    warnings = [path for path in warnings if path.suffix.lower() in {".xml", ".cap"}]
    return Recording(folder / "gtfs.zip", polls, warnings, left_out)


def _bytes_at(recording: Recording, kind: str, epoch_s: float) -> bytes:
    return recording.at(kind, epoch_s).read_bytes()


def _header(path: Path) -> int:
    message = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise RecordingUnusable(f"{path}: expected a GTFS-realtime FeedMessage: {error}") from error
    return int(message.header.timestamp)


def _time_zone(schedule: Path) -> str:
    """The zone of the schedule's first agency; UTC where that cannot be read: the import will say what is wrong."""
    try:
        return ZoneInfo(_rows(schedule, "agency.txt")[0]["agency_timezone"].strip()).key
    except (ValueError, KeyError, AttributeError, IndexError, ZoneInfoNotFoundError):
        return "UTC"


def town_of(schedule: Path) -> str:
    """What the place may be called: its only agency, else who published the schedule, else its first agency; or blank."""
    agencies = [str(row.get("agency_name") or "").strip() for row in _rows(schedule, "agency.txt")]
    publishers = [str(row.get("feed_publisher_name") or "").strip() for row in _rows(schedule, "feed_info.txt")]
    names = agencies if len(agencies) == 1 else publishers + agencies
    return next((" ".join(name.split())[:LONGEST_NAME] for name in names if name), "")


def _rows(schedule: Path, wanted: str) -> list[dict[str, str]]:
    """A small file of the schedule; nothing where it is not there or cannot be read."""
    try:
        with zipfile.ZipFile(schedule) as archive:
            name = next(name for name in archive.namelist() if name.lower().rsplit("/", 1)[-1] == wanted)
            text = archive.read(name).decode("utf-8-sig", "replace")
        return list(csv.DictReader(io.StringIO(text), skipinitialspace=True))
    except (OSError, ValueError, StopIteration, RuntimeError, zlib.error, csv.Error, zipfile.BadZipFile):
        return []


def _index(recording: Recording, base: str, epoch_s: float) -> bytes:
    entries = []
    for number, path in enumerate(recording.warnings):
        sent = _sent(path)
        if sent <= epoch_s:
            when = datetime.fromtimestamp(sent or epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            entries.append(
                f"<entry><id>{number}</id><title>{escape(path.name)}</title><updated>{when}</updated>"
                f'<link type="application/cap+xml" href="{base}/cap/{number}"/></entry>'
            )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>recorded</title>{"".join(entries)}</feed>'.encode()


def _sent(path: Path) -> float:
    """When the message was sent; 0 (always published) where that cannot be read: damaged messages are served too."""
    try:
        for element in ElementTree.parse(path).iter():
            if element.tag.rsplit("}", 1)[-1] == "sent":
                moment = datetime.fromisoformat(str(element.text).strip())
                return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()
    except (ElementTree.ParseError, ValueError, OverflowError, DefusedXmlException):
        pass
    return 0.0


def main(argv: list[str]) -> int:
    """``wayside replay``: serve the recording until stopped."""
    parser = argparse.ArgumentParser("wayside replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of recorded feeds")
    parser.add_argument("--cap", type=Path, metavar="PATH", help="more CAP messages: a file or a folder")
    parser.add_argument("--at", metavar="INSTANT", help="start the clock there (default: the earliest header)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any that is free)")
    parser.add_argument("--announce", type=Path, metavar="FILE", help="write the addresses there, as JSON")
    options = parser.parse_args(argv)
    try:
        recording = open_recording(options.folder, options.cap)
        starts_at = instant(options.at) if options.at else datetime.fromtimestamp(recording.starts_epoch_s, UTC)
    except (RecordingUnusable, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for reason in recording.left_out:
        print(f"left out: {reason}", file=sys.stderr)
    clock = SystemClock.from_environment()
    if not clock.offset_s:
        clock = SystemClock.starting_at(starts_at)
    bay = Sickbay(clock.now_epoch_s)
    phones = FcmDouble(clock.now_epoch_s)
    listener = listen(options.port)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def message(request: Request) -> Response:
        number = request.path_params["number"]
        if number >= len(recording.warnings):
            return Response("no such message\n", 404)
        return Response(recording.warnings[number].read_bytes(), media_type="application/cap+xml")

    addresses = {"gtfs": f"{base}/gtfs.zip"} | {kind: f"{base}/{kind}.pb" for kind in recording.polls}
    routes = [bay.route("/gtfs.zip", "gtfs", "application/zip", lambda _at: recording.schedule.read_bytes())]
    routes += [
        bay.route(f"/{kind}.pb", kind, PROTOBUF, partial(_bytes_at, recording, kind)) for kind in recording.polls
    ]
    if recording.warnings:
        addresses["cap"] = f"{base}/cap/index.atom"
        routes += [
            bay.route("/cap/index.atom", "cap", "application/atom+xml", lambda at: _index(recording, base, at)),
            Route("/cap/{number:int}", message),
        ]
    routes += [*bay.routes(tuple(addresses)), *phones.routes()]
    if options.announce:
        account = options.announce.absolute().with_name("service-account.json")
        phones.write_service_account(account, base)
        fcm = {"base_url": base, "project_id": PROJECT_ID, "service_account": str(account)}
        announce(options.announce, {"base_url": base, "feeds": addresses, "clock_offset_s": clock.offset_s,
                                    "fcm": fcm, "phone_token": "demo-phone",
                                    "town": town_of(recording.schedule) or options.folder.resolve().name,
                                    "recorded_until_epoch_s": recording.ends_epoch_s,
                                    "time_zone": _time_zone(recording.schedule)})  # fmt: skip
    print(f"replaying {options.folder} from {clock.now():%Y-%m-%d %H:%M:%S} UTC", flush=True)
    for kind, address in addresses.items():
        print(f"  {kind:18} {address}", flush=True)
    serve(listener, routes)
    return 0

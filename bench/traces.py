"""Buses whose phases people have labelled: ``python -m bench.traces SET``.

SET is a folder with ``traces.tar.xz`` (CSV: vid, lat, lon, timestamp in local time, actual_phase, actual_trip_id …) and GTFS
files in ``gtfs/``, such as OneBusAway NYC's integration tests. Every trace that lies in the calendar and the area of one of
the schedules is told report by report with its trip and route hidden, and the answer is compared with the label: on its way,
in a layover (waiting for a departure, or come to an end), or on no trip (deadhead, at the base). A label that leaves two
phases open counts as right with either; the sign that the driver set is not looked at.
"""

import argparse
import csv
import io
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from bench.recorded_vehicles import Ping, dataset
from domain import service_day
from feeds.schedule import build
from predictor.calls import calls_of
from predictor.inference import infer
from predictor.nearby import grid_of, near
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.sightings import follow, sight
from predictor.traces import Memory
from store.timetable import Bundle

ON_ITS_WAY, LAYOVER, NO_TRIP = "IN_PROGRESS", "LAYOVER", "NO_TRIP"
PHASES = {"IN_PROGRESS": ON_ITS_WAY, "LAYOVER_": LAYOVER, "DEADHEAD_": NO_TRIP, "AT_BASE": NO_TRIP}
"""Beginnings of the labels' words."""


@dataclass(slots=True)
class Agreement:
    """How many reports of each label got each answer."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: int = 0
    labelled: int = 0
    trips: int = 0
    trips_right: int = 0
    patterns_right: int = 0

    def add(self, other: "Agreement") -> None:
        """Count the other's reports too."""
        self.answers += other.answers
        for name in ("right", "labelled", "trips", "trips_right", "patterns_right"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def phases_of(label: str) -> set[str]:
    """The answers that agree with a label such as ``IN_PROGRESS+LAYOVER_DURING``."""
    return {answer for word in label.split("+") for start, answer in PHASES.items() if word.strip().startswith(start)}


def traces(folder: Path) -> dict[str, list[dict[str, str]]]:
    """File name to rows."""
    found: dict[str, list[dict[str, str]]] = {}
    with tarfile.open(folder / "traces.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".csv") else None
            if file is not None:
                text = io.TextIOWrapper(file, "utf-8-sig", newline=None).read()
                found[Path(member.name).name] = list(csv.DictReader(io.StringIO(text)))
    return found


def pings_of(rows: list[dict[str, str]], time_zone: str) -> list[Ping]:
    """The reports of a trace; empty when its times cannot be read."""
    pings = []
    for row in rows:
        try:
            moment = datetime.strptime(row["timestamp"], "%Y-%m-%d %H:%M:%S").replace(
                tzinfo=service_day.zone(time_zone)
            )
            lat, lon = float(row["lat"]), float(row["lon"])
        except (ValueError, KeyError, TypeError):
            return []
        when = int(moment.timestamp())
        pings.append(
            Ping(
                vehicle=row["vid"],
                trip="",
                date=0,
                route="",
                lat=lat,
                lon=lon,
                bearing=float("nan"),
                when=when,
                received=when,
            )
        )
    return pings


def belongs(schedule: Schedule, ground: Ground, pings: list[Ping]) -> bool:
    """Does a tenth of the reports lie on lines of the schedule, and does anything run that day?"""
    day = service_day.local_date(pings[0].when, schedule.time_zone)
    if not schedule.runs_on(service_day.yyyymmdd(day)).any():
        return False
    lat, lon = np.array([it.lat for it in pings]), np.array([it.lon for it in pings])
    found, _ = near(grid_of(ground.shapes), ground.shapes, lat=lat, lon=lon, within_m=100.0)
    return len(np.unique(found.who)) >= len(pings) / 10


def compare(schedule: Schedule, ground: Ground, rows: list[dict[str, str]], pings: list[Ping]) -> Agreement:
    """Tell the trace to a fresh memory and compare."""
    memory, agreement = Memory(), Agreement()
    for row, ping in zip(rows, pings, strict=True):
        now = float(ping.when)
        seen = sight(schedule, [("v", dataset([ping], ping.when, hide=True, route=False), frozenset())], now, memory)
        seen = infer(schedule, ground, seen, memory, now)
        on = np.flatnonzero(seen.trip >= 0)
        calls = calls_of(schedule, seen.trip[on], seen.base_epoch_s[on])
        run = np.full(len(seen), -1, np.int64)
        run[on] = np.arange(len(on))
        where = follow(schedule, ground, calls, seen, run, (seen.trip[on], seen.date[on]), memory)
        if not len(on) or where.detour[0]:
            answer = NO_TRIP
        else:
            answer = LAYOVER if where.waiting[0] or where.ended[0] else ON_ITS_WAY
        wanted = phases_of(row.get("actual_phase") or "")
        if wanted:
            agreement.labelled += 1
            agreement.right += answer in wanted
            if len(wanted) == 1:
                agreement.answers[next(iter(wanted)), answer] += 1
        named = (row.get("actual_trip_id") or "").removeprefix("MTA NYCT_")
        truth = schedule.trips_named(named)[0] if named else -1
        if truth >= 0:
            agreement.trips += 1
            found = int(seen.trip[0]) if len(on) else -1
            agreement.trips_right += found == truth
            shapes = schedule.pattern_shape[schedule.pattern_of(np.array([truth, max(found, 0)], np.int32))]
            agreement.patterns_right += bool(found >= 0 and shapes[0] == shapes[1])
    return agreement


def measure(folder: Path, home: Path) -> dict[str, Agreement]:
    """Every trace that has a schedule, compared."""
    found: dict[str, Agreement] = {}
    told = traces(folder)
    for number, path in enumerate(sorted((folder / "gtfs").glob("*.zip"))):
        schedule = Schedule(Bundle(Path(build(path, feed_id=f"set{number}", home=home).folder)))
        ground = Ground(schedule)
        for name, rows in sorted(told.items()):
            pings = pings_of(rows, schedule.time_zone)
            if name not in found and len(pings) > 5 and belongs(schedule, ground, pings):
                agreement = compare(schedule, ground, rows, pings)
                if agreement.labelled:
                    found[name] = agreement
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.traces", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", type=Path, help="a folder with traces.tar.xz and gtfs/")
    options = parser.parse_args()
    whole = Agreement()
    with tempfile.TemporaryDirectory() as home:
        for name, it in measure(options.set, Path(home)).items():
            trips = (
                f"trip {it.trips_right / it.trips:6.1%}, pattern {it.patterns_right / it.trips:6.1%} of {it.trips}"
                if it.trips
                else ""
            )
            print(f"{name:45} phase {it.right / it.labelled:6.1%} of {it.labelled:5}  {trips}")
            whole.add(it)
    print(
        f"{'all':45} phase {whole.right / max(whole.labelled, 1):6.1%} of {whole.labelled:5}  trip {whole.trips_right / max(whole.trips, 1):6.1%} of {whole.trips}"
    )
    for wanted in (ON_ITS_WAY, LAYOVER, NO_TRIP):
        row = {answer: whole.answers[wanted, answer] for answer in (ON_ITS_WAY, LAYOVER, NO_TRIP)}
        print(f"labelled {wanted:12} answered {row}")


if __name__ == "__main__":
    main()

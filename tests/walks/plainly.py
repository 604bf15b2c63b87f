"""A recorded folder read plainly, sharing no code with the house: what a rider should be told, trip by trip.

Written for being obviously right, with csv and dictionaries; slow. It knows neither frequencies nor blank times: what has
them is left out of comparisons.
"""

import csv
import io
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from google.transit import gtfs_realtime_pb2

SCHEDULED, SKIPPED, NO_DATA, CANCELED = 0, 1, 2, 3


@dataclass(frozen=True)
class Call:
    """What is said of one trip's call at one stop."""

    trip: str
    route: str
    stop: str
    scheduled: int
    """Departure, epoch seconds."""
    predicted: int
    """Departure by the agency's word, 0 where it says nothing of it."""
    agency: bool
    """The agency speaks about this trip."""
    cancelled: bool
    skipped: bool


@dataclass
class Plainly:
    """See the module."""

    folder: Path
    updates: list[Any] = field(default_factory=list)

    @cached_property
    def tables(self) -> dict[str, list[dict[str, str]]]:
        with zipfile.ZipFile(self.folder / "gtfs.zip") as archive:
            return {
                name.rsplit("/", 1)[-1].removesuffix(".txt"): list(
                    csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8-sig"), skipinitialspace=True)
                )
                for name in archive.namelist()
                if name.endswith(".txt") and "shapes" not in name
            }

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tables["agency"][0]["agency_timezone"].strip())

    @cached_property
    def calls(self) -> dict[str, list[dict[str, str]]]:
        calls: dict[str, list[dict[str, str]]] = {}
        for row in self.tables["stop_times"]:
            calls.setdefault(row["trip_id"], []).append(row)
        for rows in calls.values():
            rows.sort(key=lambda row: int(row["stop_sequence"]))
        return calls

    @cached_property
    def trips(self) -> dict[str, dict[str, str]]:
        return {row["trip_id"]: row for row in self.tables["trips"] if row["trip_id"] in self.calls}

    def lines(self) -> dict[str, list[tuple[float, float]]]:
        """Shape to its (lon, lat) points in order."""
        found: dict[str, list[tuple[int, float, float]]] = {}
        with zipfile.ZipFile(self.folder / "gtfs.zip") as archive:
            name = next(one for one in archive.namelist() if one.endswith("shapes.txt"))
            for row in csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8-sig"), skipinitialspace=True):
                point = int(row["shape_pt_sequence"]), float(row["shape_pt_lon"]), float(row["shape_pt_lat"])
                found.setdefault(row["shape_id"], []).append(point)
        return {shape: [(lon, lat) for _, lon, lat in sorted(points)] for shape, points in found.items()}

    def services(self, day: date) -> set[str]:
        number = f"{day:%Y%m%d}"
        active = {
            row["service_id"]
            for row in self.tables.get("calendar", [])
            if row["start_date"] <= number <= row["end_date"] and row[day.strftime("%A").lower()] == "1"
        }
        for row in self.tables.get("calendar_dates", []):
            if row["date"] == number:
                (active.add if row["exception_type"] == "1" else active.discard)(row["service_id"])
        return active

    def start(self, day: date) -> int:
        """Noon minus twelve hours."""
        return int(datetime(day.year, day.month, day.day, 12, tzinfo=self.zone).astimezone(UTC).timestamp()) - 43_200

    def days(self, now: float) -> list[date]:
        today = datetime.fromtimestamp(now, self.zone).date()
        return [today - timedelta(days=1), today, today + timedelta(days=1)]

    def active_trips(self, now: float) -> set[str]:
        """Trips between their first departure and their last arrival."""
        found = set()
        for day in self.days(now):
            services, since = self.services(day), now - self.start(day)
            for trip, row in self.trips.items():
                calls = self.calls[trip]
                first, last = seconds(calls[0]["departure_time"]), seconds(calls[-1]["arrival_time"])
                if row["service_id"] in services and first <= since <= last:
                    found.add(trip)
        return found

    def expected(self, now: float) -> dict[tuple[str, str, int], Call]:
        """(stop, trip, scheduled departure) to what is said of it, for all trips from yesterday to tomorrow."""
        told = {(update.trip.trip_id, update.trip.start_date): update for update in self.updates}
        found: dict[tuple[str, str, int], Call] = {}
        for day in self.days(now):
            services, start = self.services(day), self.start(day)
            for trip, row in self.trips.items():
                if row["service_id"] not in services:
                    continue
                rows = self.calls[trip]
                update = told.get((trip, f"{day:%Y%m%d}"))
                predictions = propagated(update, rows, start) if update is not None else {}
                for position, call in enumerate(rows):
                    scheduled = start + seconds(call["departure_time"])
                    predicted, skipped = predictions.get(position, (0, False))
                    found[call["stop_id"], trip, scheduled] = Call(
                        trip, row["route_id"], call["stop_id"], scheduled, predicted, update is not None,
                        update is not None and update.trip.schedule_relationship == CANCELED, skipped,
                    )  # fmt: skip
        return found


def message_of(path: Path) -> Any:
    message = gtfs_realtime_pb2.FeedMessage()
    message.ParseFromString(path.read_bytes())
    return message


def seconds(text: str) -> int:
    hours, minutes, rest = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + rest


def matched(updates: Any, calls: list[dict[str, str]]) -> dict[int, Any]:
    """Position to update: by stop_sequence where the stop agrees, else the nearest call at the stop that is named."""
    sequences = [int(call["stop_sequence"]) for call in calls]
    said: dict[int, Any] = {}
    for update in updates:
        at = sequences.index(update.stop_sequence) if update.stop_sequence in sequences else None
        if at is None or calls[at]["stop_id"] != update.stop_id:
            places = [place for place, call in enumerate(calls) if call["stop_id"] == update.stop_id]
            wanted = update.stop_sequence - sequences[0]
            at = min(places, key=lambda place: abs(place - wanted)) if places else None
        if at is not None:
            said[at] = update
    return said


def propagated(update: Any, calls: list[dict[str, str]], start: int) -> dict[int, tuple[int, bool]]:
    """Position to (departure, skipped): what is said of a call holds for those after it, until something else is said."""
    said = matched(update.stop_time_update, calls)
    delay: int | None = None
    latest = 0
    found = {}
    for position, call in enumerate(calls):
        stop = said.get(position)
        skipped = stop is not None and stop.schedule_relationship == SKIPPED
        if stop is not None and stop.schedule_relationship == NO_DATA:
            delay = None
        elif stop is not None and stop.schedule_relationship == SCHEDULED:
            name = "departure" if stop.HasField("departure") else "arrival"
            event = getattr(stop, name)
            delay = event.time - start - seconds(call[f"{name}_time"]) if event.time else event.delay
        predicted = 0
        if delay is not None and not skipped:
            predicted = latest = max(start + seconds(call["departure_time"]) + delay, latest)
        found[position] = (predicted, skipped)
    return found

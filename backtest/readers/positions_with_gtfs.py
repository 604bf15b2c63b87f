"""VehiclePositions with the GTFS they belong to, with or without the agency's TripUpdates."""

from datetime import date
from typing import Protocol

import numpy as np

from backtest.readers.book import Book, Pattern
from backtest.readers.folder import Folder
from backtest.readers.gtfs import Schedule
from backtest.readers.predicted_calls import call_finder, told
from backtest.readers.realtime_rows import Reports, Updates, is_positions, reports, updates
from backtest.recording import Fixes, Floats, Int64s, Recording, Said, SetUnreadable, no_events, pieces_of, warm_up
from domain import service_day

NAME = "vehicle positions with a GTFS schedule"
NEEDS = (
    "a GTFS zip, and positions as a table (CSV, CSV.gz, Parquet: trip_id, vehicle id, latitude, longitude, timestamp; "
    "feed_timestamp, start_date, current_stop_sequence, current_status where known) or as GTFS-realtime "
    "messages (*.pb, also in a tar); "
    "TripUpdates likewise, as a table (feed_timestamp, trip_id, stop_sequence or stop_id, time or delay), *.pb or tar"
)
WARM_UP = "two hours, at most 40 % of what is recorded"
LONGEST_WARM_UP_S, WARM_UP_SHARE = 7200.0, 0.4


def recognise(folder: Folder) -> bool:
    """A schedule, and positions as a table or as messages."""
    return bool(folder.schedules) and (any(is_positions(it) for it in folder.tables) or folder.has_messages("vehicles"))


def read(folder: Folder) -> Recording:
    """The recording in *folder*."""
    return joined(folder.name, NAME, reports(folder), updates(folder), Schedule(folder.schedules))


class Timetable(Protocol):
    """Where a recording's schedule comes from."""

    time_zone: str

    def places(self) -> dict[str, tuple[float, float]]:
        """stop_id to degrees (lat, lon)."""

    def shapes(self, wanted: set[str]) -> dict[str, tuple[Floats, Floats]]:
        """shape_id to latitudes and longitudes of its points."""

    def by_frequency(self, wanted: set[str]) -> set[str]:
        """Those of the trips that run by frequency."""

    def patterns(self, wanted: set[str]) -> dict[str, Pattern]:
        """trip_id to its calls, of the wanted trips that are there."""


def joined(name: str, form: str, said: Reports, claimed: Updates | None, schedule: Timetable) -> Recording:
    """Positions and predictions put on the runs of their schedule; raises SetUnreadable when no trip is in it."""
    if not len(said):
        raise SetUnreadable(f"{name}: expected positions of vehicles on trips, with a trip_id and a time, found none")
    wanted = set(said.trip) | (set(claimed.trip) if claimed else set())
    repeated = schedule.by_frequency(wanted)
    patterns = schedule.patterns(wanted - repeated)
    book = Book(places=schedule.places(), shapes=schedule.shapes({it.shape for it in patterns.values() if it.shape}))
    run = runs_of(book, patterns, said, schedule.time_zone)
    if not (run >= 0).any():
        raise SetUnreadable(
            f"{name}: none of {len(set(said.trip))} trip ids of the positions "
            f"(such as {next(iter(said.trip), '')!r}) is in the schedule: expected the GTFS that was in force"
        )
    stops, runs, lines = book.bound()
    if not lines:
        raise SetUnreadable(f"{name}: expected stops.txt with the place of every stop (stop_lat, stop_lon)")
    finder = call_finder(runs.ptr, runs.sequence, [stops.ids[it] for it in runs.stop.tolist()])
    fixes = fixes_of(said, run, runs.ptr, finder(run, said.sequence, said.stop))
    agency: tuple[Said, ...] = ()
    if claimed is not None:
        update_run = _known_runs(book, patterns, claimed, schedule.time_zone)
        agency = told(claimed, update_run, runs.ptr, finder, runs.arrival_s, runs.departure_s)
    interval_s = typical_interval(fixes)
    heard = np.sort(fixes.received_s)
    pieces = pieces_of(heard, max(150.0, 1.5 * interval_s))
    frequent = sum(trip in repeated for trip in said.trip)
    unknown = int(np.count_nonzero(run < 0)) - frequent
    counts = (
        (unknown, "on a trip that is not in the schedule"),
        (frequent, "on trips that run by frequency: which of their runs it is, no report says, so they are left out"),
    )
    return Recording(
        name=name,
        form=form,
        time_zone=schedule.time_zone,
        stops=stops,
        runs=runs,
        lines=lines,
        fixes=fixes,
        events=no_events(),
        said=agency,
        pieces=pieces,
        warm_until_s=warm_up(pieces, share=WARM_UP_SHARE, longest_s=LONGEST_WARM_UP_S),
        interval_s=interval_s,
        notes=[f"{count:,} of {len(run):,} reports are {what}" for count, what in counts if count],
    )


def runs_of(book: Book, patterns: dict[str, Pattern], said: Reports, time_zone: str) -> Int64s:
    """The run of each report, -1 for trips that are not in the schedule."""
    run = np.full(len(said), -1, np.int64)
    known: dict[tuple[str, str], int] = {}
    for row, (trip, day) in enumerate(zip(said.trip, said.day, strict=True)):
        pattern = patterns.get(trip)
        if pattern is None:
            continue
        if day:
            found = known.get((trip, day))
            if found is None:
                found = known[trip, day] = _run_on(book, pattern, day, time_zone)
            run[row] = found
        else:
            run[row] = _run_near(book, pattern, float(said.at_s[row]), time_zone)
    return run


def _run_on(book: Book, pattern: Pattern, day: str, time_zone: str) -> int:
    try:
        when = service_day.from_yyyymmdd(int(day))
    except ValueError:
        return -1
    return book.run(pattern, int(day), service_day.start_epoch_s(when, time_zone))


def _run_near(book: Book, pattern: Pattern, at_s: float, time_zone: str) -> int:
    """The run of the service day on which the trip is nearest to being under way."""
    today = service_day.local_date(at_s, time_zone)
    days = [date.fromordinal(today.toordinal() + off) for off in (0, -1, 1)]

    def away_s(day: date) -> float:
        now_s = at_s - service_day.start_epoch_s(day, time_zone)
        return max(float(pattern.departure_s[0]) - now_s, now_s - float(pattern.arrival_s[-1]), 0.0)

    best = min(days, key=away_s)
    return book.run(pattern, service_day.yyyymmdd(best), service_day.start_epoch_s(best, time_zone))


def _known_runs(book: Book, patterns: dict[str, Pattern], claimed: Updates, time_zone: str) -> Int64s:
    """The run of each update among those that a vehicle was on."""
    run = np.full(len(claimed.trip), -1, np.int64)
    known: dict[tuple[str, str], int] = {}
    for row, (trip, day) in enumerate(zip(claimed.trip, claimed.day, strict=True)):
        key = (trip, day)
        found = known.get(key)
        if found is None:
            found = -1
            if trip in patterns:
                number = int(day) if day.isdigit() else _nearest_day(patterns[trip], claimed.message_s[row], time_zone)
                found = book.row(trip, number)
            known[key] = found
        run[row] = found
    return run


def _nearest_day(pattern: Pattern, at_s: float, time_zone: str) -> int:
    today = service_day.local_date(at_s, time_zone)
    middle_s = (float(pattern.departure_s[0]) + float(pattern.arrival_s[-1])) / 2
    days = [date.fromordinal(today.toordinal() + off) for off in (0, -1, 1)]
    best = min(days, key=lambda day: abs(at_s - service_day.start_epoch_s(day, time_zone) - middle_s))
    return service_day.yyyymmdd(best)


def fixes_of(said: Reports, run: Int64s, ptr: Int64s, call: Int64s) -> Fixes:
    """The reports of known runs as fixes. One that is older than what its vehicle had said before is no news."""
    good = (run >= 0) & np.isfinite(said.lat) & np.isfinite(said.lon) & np.isfinite(said.at_s)
    newest: dict[tuple[str, int], float] = {}
    kept = []
    for row in np.flatnonzero(good).tolist():
        key, at = (said.vehicle[row], int(run[row])), float(said.at_s[row])
        if at > newest.get(key, -np.inf):
            newest[key] = at
            kept.append(row)
    rows = np.asarray(kept, np.int64)
    names: dict[str, int] = {}
    vehicle = np.asarray([names.setdefault(said.vehicle[row], len(names)) for row in kept], np.int64)
    first = ptr[run[rows]]
    return Fixes(
        received_s=said.received_s[rows],
        at_s=said.at_s[rows],
        run=run[rows],
        vehicle=vehicle,
        lat=said.lat[rows],
        lon=said.lon[rows],
        said=np.where(call[rows] >= 0, call[rows] - first, -1),
        stopped=said.stopped[rows] & (call[rows] >= 0),
    )


def typical_interval(fixes: Fixes) -> float:
    """Median seconds between two reports of a vehicle on one run."""
    order = np.lexsort((fixes.at_s, fixes.vehicle, fixes.run))
    same = (np.diff(fixes.run[order]) == 0) & (np.diff(fixes.vehicle[order]) == 0)
    gaps: Floats = np.diff(fixes.at_s[order])[same]
    return float(np.median(gaps)) if len(gaps) else 30.0

"""Observed stop times of buses with the GTFS they belong to: when each vehicle called where, a row a call."""

import numpy as np
import pyarrow as pa

from backtest.readers.book import Book
from backtest.readers.days import until_afternoon_or_later_days
from backtest.readers.folder import Folder, Table, texts
from backtest.readers.gtfs import Schedule
from backtest.readers.realtime_rows import instants
from backtest.readers.stop_crossings import NIGHT_S, events_of
from backtest.recording import Recording, SetUnreadable, no_fixes, pieces_of
from domain import service_day

NAME = "observed stop times with a GTFS schedule"
NEEDS = (
    "a GTFS zip (stops.txt may be missing), and a table with trip_id, stop_id, call_time (ISO 8601 or epoch seconds), "
    "vehicle_id; date, run_index, source (E, extrapolated, is left out) where known"
)
WARM_UP = "of several days the first half; of one day as for stop crossings"
CALL_TIME = ("call_time", "observed_time", "actual_arrival_time")
EXTRAPOLATED = "E"


def recognise(folder: Folder) -> bool:
    """A schedule and observed times."""
    return bool(folder.schedules) and any(_is_calls(it) for it in folder.tables)


def _is_calls(table: Table) -> bool:
    return table.has(("trip_id",), ("stop_id",), CALL_TIME)


def read(folder: Folder) -> Recording:
    """The recording in *folder*. A call is known when it happens: the table does not say when it was received."""
    tables = [it for it in folder.tables if _is_calls(it)]
    rows = pa.concat_tables(
        [
            it.read(
                trip=("trip_id",), stop=("stop_id",), at=CALL_TIME, vehicle=("vehicle_id",), date=("date", "service_date"),
                run=("run_index",), source=("source",),
            )
            for it in tables
        ],
        promote_options="permissive",
    )  # fmt: skip
    schedule = Schedule(folder.schedules)
    zone = schedule.time_zone
    trip, stop, source = texts(rows, "trip"), texts(rows, "stop"), texts(rows, "source")
    vehicle, index, said_day = texts(rows, "vehicle"), texts(rows, "run"), texts(rows, "date")
    at = instants(rows, "at")
    patterns = schedule.patterns(set(trip))
    if not patterns:
        raise SetUnreadable(
            f"{tables[0].path}: none of its trip ids (such as {next(iter(trip), '')!r}) is in the schedule: "
            "expected the GTFS that was in force"
        )
    journeys: dict[tuple[str, str, str, str], list[int]] = {}
    for row in range(len(trip)):
        if trip[row] in patterns and source[row] != EXTRAPOLATED and at[row] == at[row]:
            journeys.setdefault((trip[row], said_day[row], index[row], vehicle[row]), []).append(row)
    book = Book(places=schedule.places())
    names: dict[str, int] = {}
    called: list[tuple[int, dict[int, float], int]] = []
    for (name, _, number, who), found in journeys.items():
        pattern = patterns[name]
        position = {it: place for place, it in enumerate(pattern.stop_ids)}
        times = {position[stop[row]]: float(at[row]) for row in found if stop[row] in position}
        if not times:
            continue
        # Of the days around, the one on which the calls are least off the timetable.
        someone = min(times)
        today = service_day.local_date(times[someone], zone)
        starts = {
            it: service_day.start_epoch_s(it, zone)
            for it in (
                today,
                type(today).fromordinal(today.toordinal() - 1),
                type(today).fromordinal(today.toordinal() + 1),
            )
        }
        day = min(starts, key=lambda it: abs(starts[it] + pattern.arrival_s[someone] - times[someone]))
        run = book.run(pattern, service_day.yyyymmdd(day), float(starts[day]), journey=f"{number}/{who}")
        called.append((run, times, names.setdefault(who, len(names))))
    stops, runs, lines = book.bound()
    when = np.full(len(runs.stop), np.nan)
    by = np.zeros(len(runs.stop), np.int64)
    for run, times, who_row in called:
        low = int(runs.ptr[run])
        by[low : int(runs.ptr[run + 1])] = who_row
        for place, moment in times.items():
            when[low + place] = moment
    events = events_of(when, when, by)
    pieces = pieces_of(events.received_s, NIGHT_S)
    return Recording(
        name=folder.name,
        form=NAME,
        time_zone=zone,
        stops=stops,
        runs=runs,
        lines=lines,
        fixes=no_fixes(),
        events=events,
        said=None,
        pieces=pieces,
        warm_until_s=until_afternoon_or_later_days(runs, zone, pieces),
        interval_s=30.0,
        notes=["vehicles are known at their calls only, so predictions are made there"],
    )

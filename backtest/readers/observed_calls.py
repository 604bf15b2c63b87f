"""Observed stop times of buses with the GTFS they belong to: when each vehicle called where, a row a call."""

from datetime import date

import numpy as np
import pyarrow as pa

from backtest.readers.book import Book
from backtest.readers.folder import Folder, Table, texts
from backtest.readers.gtfs import Schedule
from backtest.readers.realtime_rows import instants
from backtest.readers.stop_crossings import events_of, known_at_calls
from backtest.recording import Recording, SetUnreadable
from domain import service_day

NAME = "observed stop times with a GTFS schedule"
NEEDS = (
    "a GTFS zip (stops.txt may be missing), and a table with trip_id, stop_id, call_time (ISO 8601 or epoch seconds), "
    "vehicle_id; run_index, source (E, extrapolated, is left out) where known"
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
                trip=("trip_id",), stop=("stop_id",), at=CALL_TIME, vehicle=("vehicle_id",),
                run=("run_index",), source=("source",),
            )
            for it in tables
        ],
        promote_options="permissive",
    )  # fmt: skip
    schedule = Schedule(folder.schedules)
    zone = schedule.time_zone
    trip, stop, source = texts(rows, "trip"), texts(rows, "stop"), texts(rows, "source")
    vehicle, index = texts(rows, "vehicle"), texts(rows, "run")
    at = instants(rows, "at")
    patterns = schedule.patterns(set(trip) - schedule.by_frequency(set(trip)))
    if not patterns:
        raise SetUnreadable(
            f"{tables[0].path}: none of its trip ids (such as {next(iter(trip), '')!r}) is in the schedule: "
            "expected the GTFS that was in force"
        )
    journeys: dict[tuple[str, int, str, str], dict[int, float]] = {}
    positions = {name: {it: place for place, it in enumerate(one.stop_ids)} for name, one in patterns.items()}
    for row in range(len(trip)):
        place = positions.get(trip[row], {}).get(stop[row])
        if place is None or source[row] == EXTRAPOLATED or at[row] != at[row]:
            continue
        day = _nearest_day(float(at[row]), float(patterns[trip[row]].arrival_s[place]), zone)
        journeys.setdefault((trip[row], day, index[row], vehicle[row]), {})[place] = float(at[row])
    book = Book(places=schedule.places())
    names: dict[str, int] = {}
    called: list[tuple[int, dict[int, float], int]] = []
    for (name, day, number, who), times in journeys.items():
        start_s = service_day.start_epoch_s(service_day.from_yyyymmdd(day), zone)
        run = book.run(patterns[name], day, float(start_s), journey=f"{number}/{who}")
        called.append((run, times, names.setdefault(who, len(names))))
    bound = book.bound()
    _, runs, _ = bound
    when = np.full(len(runs.stop), np.nan)
    by = np.zeros(len(runs.stop), np.int64)
    for run, times, who_row in called:
        low = int(runs.ptr[run])
        by[low : int(runs.ptr[run + 1])] = who_row
        for place, moment in times.items():
            when[low + place] = moment
    events = events_of(when, when, by)
    return known_at_calls(
        folder, NAME, zone, bound, events, "vehicles are known at their calls only, so predictions are made there"
    )


def _nearest_day(at_s: float, scheduled_s: float, time_zone: str) -> int:
    """The service day (yyyymmdd) on which a call scheduled for that service time is least off it."""
    today = service_day.local_date(at_s, time_zone)
    around = [date.fromordinal(today.toordinal() + off) for off in (0, -1, 1)]
    best = min(around, key=lambda it: abs(service_day.start_epoch_s(it, time_zone) + scheduled_s - at_s))
    return service_day.yyyymmdd(best)

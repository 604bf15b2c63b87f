"""VehiclePositions that say when they stand at a stop, with official TripUpdates, without a timetable."""

from dataclasses import replace

import numpy as np

from backtest.readers.book import Book, pattern_without_times
from backtest.readers.folder import Folder, Table, places_of
from backtest.readers.positions_with_gtfs import fixes_of, typical_interval
from backtest.readers.predicted_calls import call_finder, told
from backtest.readers.realtime_rows import Reports, Updates, is_positions, is_updates, reports, updates
from backtest.recording import Events, Fixes, Int64s, Recording, SetUnreadable, pieces_of, warm_up

NAME = "vehicle positions with stop status and official predictions, without a timetable"
NEEDS = (
    "tables of positions (feed_timestamp, vehicle.timestamp, trip_id, start_date, vehicle id, latitude, longitude, "
    "current_status, current_stop_sequence, stop_id) and of trip updates (feed_timestamp, trip_id, start_date, "
    "stop_sequence, stop_id, arrival time), and a table of stops (stop_id, stop_lat, stop_lon)"
)
WARM_UP = "the first half of what is recorded, at most one hour"
TIME_ZONE = "America/New_York"
"""The tables hold epoch seconds and no zone; it is the MBTA's."""
TRACK_TOLERANCE_M = 800.0
"""Rails between two stations bend further from the straight line than roads between two stops."""


def recognise(folder: Folder) -> bool:
    """Positions that say at which stop, and trip updates, as tables; and no schedule."""
    return (
        not folder.schedules
        and any(is_positions(it) and it.has(("current_status", "vehicle.current_status")) for it in folder.tables)
        and any(is_updates(it) for it in folder.tables)
        and any(_is_stops(it) for it in folder.tables)
    )


def _is_stops(table: Table) -> bool:
    return table.has(("stop_id",), ("stop_lat",), ("stop_lon",))


def read(folder: Folder) -> Recording:
    """The recording in *folder*. A run calls where its trip updates and its vehicle ever said that it does."""
    said, claimed = reports(folder), updates(folder)
    if claimed is None:
        raise SetUnreadable(f"{folder.paths[-1]}: expected trip updates")
    book = Book(places=places_of(it for it in folder.tables if _is_stops(it)), stops_tolerance_m=TRACK_TOLERANCE_M)
    rows_of = _collect(book, said, claimed)
    run = np.asarray([rows_of.get(it, -1) for it in zip(said.trip, said.day, strict=True)], np.int64)
    stops, runs, lines = book.bound()
    # Which platform a train takes changes; the sequence tells the call.
    finder = call_finder(runs.ptr, runs.sequence, [""] * len(runs.stop))
    call = finder(run, said.sequence, [""] * len(said))
    fixes = fixes_of(said, run, runs.ptr, call)
    events = stop_events(fixes, runs.ptr)
    update_run = np.asarray([rows_of.get(it, -1) for it in zip(claimed.trip, claimed.day, strict=True)], np.int64)
    agency = told(
        replace(claimed, stop=[""] * len(claimed.trip)),
        update_run, runs.ptr, finder, runs.arrival_s, runs.departure_s,
    )  # fmt: skip
    pieces = pieces_of(np.sort(fixes.received_s))
    return Recording(
        name=folder.name,
        form=NAME,
        time_zone=TIME_ZONE,
        stops=stops,
        runs=runs,
        lines=lines,
        fixes=fixes,
        events=events,
        said=agency,
        pieces=pieces,
        warm_until_s=warm_up(pieces, share=0.5, longest_s=3600.0),
        interval_s=typical_interval(fixes),
        native=True,
    )


def _collect(book: Book, said: Reports, claimed: Updates) -> dict[tuple[str, str], int]:
    """Runs that a vehicle was on, in *book*: (trip id, day) to row."""
    calls: dict[tuple[str, str], dict[int, str]] = {}
    route: dict[tuple[str, str], str] = {}
    for row, key in enumerate(zip(said.trip, said.day, strict=True)):
        listed = calls.setdefault(key, {})
        route[key] = said.route[row]
        if said.sequence[row] >= 0 and said.stop[row] in book.places:
            listed[int(said.sequence[row])] = said.stop[row]
    withdrawn = withdrawn_calls(claimed)
    sequences = claimed.sequence.tolist()
    for key, sequence, stop in zip(zip(claimed.trip, claimed.day, strict=True), sequences, claimed.stop, strict=True):
        found = calls.get(key)
        if found is not None and sequence >= 0 and stop in book.places and sequence not in withdrawn.get(key, ()):
            found.setdefault(sequence, stop)
    rows = {}
    for key, found in calls.items():
        if len(found) < 2 or not key[0]:
            continue
        pattern = pattern_without_times(key[0], found, route=route[key])
        rows[key] = book.run(pattern, int(key[1]) if key[1].isdigit() else 0, 0.0)
    return rows


def withdrawn_calls(claimed: Updates) -> dict[tuple[str, str], set[int]]:
    """Sequences that a run was once said to call at and then, while they were still ahead, not any more.

    A train that is sent another way keeps its trip: the list of its calls changes. Of each call the last list counts that
    begins before it; the first call of a list is where the train goes next, so what lies before is passed.
    """
    known: dict[tuple[str, str], set[int]] = {}
    withdrawn: dict[tuple[str, str], set[int]] = {}
    newest: dict[tuple[str, str], bytes] = {}
    trips = list(zip(claimed.trip, claimed.day, strict=True))
    begins = [
        row
        for row in range(len(trips))
        if not row or trips[row] != trips[row - 1] or claimed.message_s[row] != claimed.message_s[row - 1]
    ]
    for start, end in zip(begins, [*begins[1:], len(trips)], strict=True):
        key, listed = trips[start], claimed.sequence[start:end]
        seen = listed.tobytes()
        if newest.get(key, b"").endswith(seen):
            continue
        newest[key] = seen
        now = set(listed[listed >= 0].tolist())
        if not now:
            continue
        ever = known.setdefault(key, set())
        ever |= now
        next_call = min(now)
        ahead = {it for it in ever if it > next_call}
        gone = withdrawn.setdefault(key, set())
        gone -= now
        gone |= ahead - now
    return withdrawn


def stop_events(fixes: Fixes, ptr: Int64s) -> Events:
    """Arrivals: the first report of standing at a call. Departures: the first later one of not standing there."""
    order = np.lexsort((fixes.at_s, fixes.vehicle, fixes.run))
    rows: list[tuple[float, int, int, float, float]] = []
    standing: tuple[int, int, int, float] | None = None
    done: set[tuple[int, int]] = set()
    for row in order.tolist():
        run, vehicle, position = int(fixes.run[row]), int(fixes.vehicle[row]), int(fixes.said[row])
        at, received = float(fixes.at_s[row]), float(fixes.received_s[row])
        if standing is not None:
            same = standing[:2] == (run, vehicle)
            if not same:
                standing = None
            elif position != standing[2] or not fixes.stopped[row]:
                if position >= standing[2]:
                    rows.append((received, int(ptr[run]) + standing[2], vehicle, standing[3], at))
                standing = None
        if fixes.stopped[row] and position >= 0 and standing is None and (run, position) not in done:
            done.add((run, position))
            standing = (run, vehicle, position, at)
            rows.append((received, int(ptr[run]) + position, vehicle, at, float("nan")))
    rows.sort(key=lambda it: (it[0], it[1], it[4] == it[4]))
    received_s, call, vehicle_row, arrival, departure = (
        (list(it) for it in zip(*rows, strict=True)) if rows else ([],) * 5
    )
    return Events(
        received_s=np.asarray(received_s, np.float64),
        call=np.asarray(call, np.int64),
        vehicle=np.asarray(vehicle_row, np.int64),
        arrival_s=np.asarray(arrival, np.float64),
        departure_s=np.asarray(departure, np.float64),
    )

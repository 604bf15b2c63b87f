"""Positions with the stops ahead of each and when they were reached, a row a position and stop; no timetable."""

import numpy as np
import pyarrow as pa

from backtest.readers.book import Book, pattern_without_times
from backtest.readers.folder import Folder, Table, numbers, texts
from backtest.readers.positions_with_gtfs import typical_interval
from backtest.readers.rapid_transit import TRACK_TOLERANCE_M
from backtest.readers.realtime_rows import instants
from backtest.recording import Events, Fixes, Recording, Runs, SetUnreadable, Stops, pieces_of, warm_up
from domain import geo, service_day

NAME = "positions with the stops ahead and their actual arrivals, without a timetable"
NEEDS = "a table with trip_id, vehicle_id, vp_ts, vp_lat, vp_lon, stop_id, stop_sequence, stop_lat, stop_lon, actual_arrival"
WARM_UP = "two hours, at most 40 % of what is recorded"
ZONE = "UTC"
LEFT_M = 60.0
"""So far from its stop a vehicle is on its way."""
STARTING_MPS = 8.0
"""How fast it got there."""


def recognise(folder: Folder) -> bool:
    """A table with positions and the arrivals that followed."""
    return any(_is_samples(it) for it in folder.tables)


def _is_samples(table: Table) -> bool:
    return {"trip_id", "vp_ts", "vp_lat", "vp_lon", "stop_id", "stop_sequence", "actual_arrival"} <= table.columns


def read(folder: Folder) -> Recording:
    """The recording in *folder*. What is ahead of a position is taken from its rows; the arrivals only when they happen."""
    names = ("trip_id", "vehicle_id", "vp_ts", "vp_lat", "vp_lon", "stop_id", "stop_sequence", "stop_lat",
             "stop_lon", "actual_arrival")  # fmt: skip
    tables = [it for it in folder.tables if _is_samples(it)]
    rows = pa.concat_tables(
        [it.read(**{name: (name,) for name in names}) for it in tables], promote_options="permissive"
    )
    trip, stop, who = (texts(rows, name) for name in ("trip_id", "stop_id", "vehicle_id"))
    at, arrived, sequence = instants(rows, "vp_ts"), instants(rows, "actual_arrival"), numbers(rows, "stop_sequence")
    lat, lon = numbers(rows, "vp_lat"), numbers(rows, "vp_lon")
    points = zip(numbers(rows, "stop_lat").tolist(), numbers(rows, "stop_lon").tolist(), strict=True)
    book = Book(places=dict(zip(stop, points, strict=True)), stops_tolerance_m=TRACK_TOLERANCE_M)
    order = np.lexsort((sequence, at))
    calls: dict[tuple[str, int], dict[int, str]] = {}
    keys = []
    for row in range(len(trip)):
        day = service_day.yyyymmdd(service_day.local_date(float(at[row]) - 8 * 3600.0, ZONE))
        keys.append((trip[row], day))
        if np.isfinite(sequence[row]):
            calls.setdefault((trip[row], day), {})[int(sequence[row])] = stop[row]
    run_of: dict[tuple[str, int], int] = {}
    for key, listed in calls.items():
        if len(listed) < 2:
            continue
        run_of[key] = book.run(pattern_without_times(key[0], listed), key[1], 0.0)
    if not run_of:
        raise SetUnreadable(f"{tables[0].path}: expected trips with at least two stops ahead")
    stops, runs, lines = book.bound()
    call_of = {
        (int(run), int(number)): call for call, (run, number) in enumerate(zip(runs.run, runs.sequence, strict=True))
    }  # fmt: skip
    vehicles: dict[str, int] = {}
    fixes: dict[tuple[int, int, float], tuple[int, int]] = {}
    events: dict[int, tuple[float, int]] = {}
    for row in order.tolist():
        run = run_of.get(keys[row], -1)
        call = call_of.get((run, int(sequence[row])), -1) if np.isfinite(sequence[row]) else -1
        if call < 0:
            continue
        vehicle = vehicles.setdefault(who[row], len(vehicles))
        # The nearest stop ahead is the one it goes to.
        fixes.setdefault((run, vehicle, float(at[row])), (row, call - int(runs.ptr[run])))
        if np.isfinite(arrived[row]) and arrived[row] >= at[row]:
            events.setdefault(call, (float(arrived[row]), vehicle))
    listed_fixes = sorted(fixes.items(), key=lambda it: (it[0][2], it[0][0], it[0][1]))
    source = np.asarray([row for _, (row, _) in listed_fixes], np.int64)
    found = Fixes(
        received_s=at[source],
        at_s=at[source],
        run=np.asarray([key[0] for key, _ in listed_fixes], np.int64),
        vehicle=np.asarray([key[1] for key, _ in listed_fixes], np.int64),
        lat=lat[source],
        lon=lon[source],
        said=np.asarray([position for _, (_, position) in listed_fixes], np.int64),
        stopped=np.zeros(len(source), np.bool_),
    )
    pieces = pieces_of(np.sort(found.received_s))
    return Recording(
        name=folder.name,
        form=NAME,
        time_zone=ZONE,
        stops=stops,
        runs=runs,
        lines=lines,
        fixes=found,
        events=_stop_events(events, found, stops, runs),
        said=(),
        pieces=pieces,
        warm_until_s=warm_up(pieces, share=0.4, longest_s=7200.0),
        interval_s=typical_interval(found),
        native=True,
        notes=["departures are told by where the vehicles are seen next"],
    )


def _stop_events(arrivals: dict[int, tuple[float, int]], fixes: Fixes, stops: Stops, runs: Runs) -> Events:
    """Arrivals as recorded; departures by the next position away from the stop, known when that is received."""
    order = np.lexsort((fixes.at_s, fixes.run))
    bounds = np.searchsorted(fixes.run[order], np.arange(len(runs.ptr)))
    rows = [(when, call, vehicle, when, float("nan")) for call, (when, vehicle) in arrivals.items()]
    for call, (when, vehicle) in arrivals.items():
        run = int(runs.run[call])
        mine = order[bounds[run] : bounds[run + 1]]
        later = mine[fixes.at_s[mine] > when]
        stop = runs.stop[call]
        away = geo.distances_m(float(stops.lat[stop]), float(stops.lon[stop]), fixes.lat[later], fixes.lon[later])
        gone = np.flatnonzero(away > LEFT_M)
        if not len(gone):
            continue
        at = float(fixes.at_s[later[gone[0]]])
        near = float(fixes.at_s[later[gone[0] - 1]]) if gone[0] else when
        rows.append((at, call, vehicle, float("nan"), max(near, at - float(away[gone[0]]) / STARTING_MPS)))
    rows.sort(key=lambda it: it[:2])
    received, call_of, vehicles, arrived, departed = (list(it) for it in zip(*rows, strict=True)) if rows else ([],) * 5
    return Events(
        received_s=np.asarray(received, np.float64),
        call=np.asarray(call_of, np.int64),
        vehicle=np.asarray(vehicles, np.int64),
        arrival_s=np.asarray(arrived, np.float64),
        departure_s=np.asarray(departed, np.float64),
    )

"""Stop crossings of a bus network (TransitMaster's STOP_CROSSING): measured arrivals and departures at timepoints."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backtest.readers.book import Book, Pattern
from backtest.readers.days import until_afternoon_or_later_days
from backtest.readers.folder import Folder, Table, numbers, texts
from backtest.recording import Events, Floats, Int64s, Line, Recording, Runs, SetUnreadable, Stops, no_fixes, pieces_of
from domain import service_day

NAME = "stop crossings with their schedule"
NEEDS = (
    "a table with TRIP_ID, CALENDAR_ID (1yyyymmdd), GEO_NODE_ID, TIME_POINT_ID, BLOCK_STOP_ORDER, PULLOUT_ID, IsRevenue, "
    "VEHICLE_ID, SCHEDULED_TIME, ACT_ARRIVAL_TIME, ACT_DEPARTURE_TIME (seconds after midnight)"
)
WARM_UP = "to 14:00, where one day is recorded; of several days the first half"
TIME_ZONE = "America/New_York"
"""The format holds seconds after midnight and no zone; it is the MBTA's."""
NIGHT_S = 3600.0
"""A whole network that does not stop anywhere for so long is at rest."""

NEEDED = ("TRIP_ID", "CALENDAR_ID", "GEO_NODE_ID", "TIME_POINT_ID", "BLOCK_STOP_ORDER", "PULLOUT_ID", "IsRevenue",
          "VEHICLE_ID", "SCHEDULED_TIME", "ACT_ARRIVAL_TIME", "ACT_DEPARTURE_TIME", "ROUTE_ID")  # fmt: skip


def recognise(folder: Folder) -> bool:
    """A table with scheduled and actual times at stops."""
    return any(_is_crossings(it) for it in folder.tables)


def _is_crossings(table: Table) -> bool:
    return table.has(("SCHEDULED_TIME",), ("ACT_ARRIVAL_TIME",), ("ACT_DEPARTURE_TIME",), ("TRIP_ID",))


def read(folder: Folder) -> Recording:
    """The recording in *folder*: revenue calls at timepoints."""
    tables = [it for it in folder.tables if _is_crossings(it)]
    lacking = sorted(set(NEEDED) - {"ROUTE_ID"} - tables[0].columns)
    if lacking:
        raise SetUnreadable(f"{tables[0].path}: expected columns {', '.join(lacking)}")
    whole = pa.concat_tables(
        [it.read(**{name: (name,) for name in NEEDED}) for it in tables], promote_options="permissive"
    )
    revenue = pc.and_(pc.equal(whole["IsRevenue"], "R"), pc.is_valid(whole["TIME_POINT_ID"]))
    rows = whole.filter(pc.and_(revenue, pc.and_(pc.is_valid(whole["TRIP_ID"]), pc.is_valid(whole["SCHEDULED_TIME"]))))
    rows = rows.sort_by([("CALENDAR_ID", "ascending"), ("TRIP_ID", "ascending"), ("BLOCK_STOP_ORDER", "ascending")])
    if not rows.num_rows:
        raise SetUnreadable(f"{tables[0].path}: expected revenue rows at timepoints, found none")
    trip, calendar = numbers(rows, "TRIP_ID"), numbers(rows, "CALENDAR_ID")
    cuts = np.flatnonzero((np.diff(trip) != 0) | (np.diff(calendar) != 0)) + 1
    scheduled, order = numbers(rows, "SCHEDULED_TIME"), numbers(rows, "BLOCK_STOP_ORDER").astype(np.int64)
    arrived, left = numbers(rows, "ACT_ARRIVAL_TIME"), numbers(rows, "ACT_DEPARTURE_TIME")
    vehicle = np.nan_to_num(numbers(rows, "VEHICLE_ID"), nan=-1).astype(np.int64)
    stops, routes, blocks = texts(rows, "GEO_NODE_ID"), texts(rows, "ROUTE_ID"), texts(rows, "PULLOUT_ID")
    names = texts(rows, "TRIP_ID")
    book = Book(places={})
    starts = np.zeros(rows.num_rows)
    kept: list[Int64s] = []
    for part in np.split(np.arange(rows.num_rows), cuts):
        if len(part) < 2:
            continue
        number = int(calendar[part[0]]) % 100_000_000
        start = service_day.start_epoch_s(service_day.from_yyyymmdd(number), TIME_ZONE)
        part = part[in_order(scheduled[part])]  # noqa: PLW2901
        book.run(
            Pattern(
                trip_id=names[part[0]],
                route=routes[part[0]],
                block=blocks[part[0]],
                stop_ids=tuple(stops[row] for row in part.tolist()),
                sequence=order[part],
                arrival_s=scheduled[part],
                departure_s=scheduled[part],
                waits=np.ones(len(part), np.bool_),
            ),
            number,
            float(start),
        )
        starts[part] = start
        kept.append(part)
    row = np.concatenate(kept)
    events = events_of(arrived[row] + starts[row], left[row] + starts[row], vehicle[row])
    note = "vehicles are known at timepoints only, so predictions are made as they leave one"
    return known_at_calls(folder, NAME, TIME_ZONE, book.bound(), events, note)


def known_at_calls(
    folder: Folder, form: str, time_zone: str, bound: tuple[Stops, Runs, tuple[Line, ...]], events: Events, note: str
) -> Recording:
    """The recording of a network whose vehicles nobody sees between their calls."""
    stops, runs, lines = bound
    pieces = pieces_of(events.received_s, NIGHT_S)
    return Recording(
        name=folder.name,
        form=form,
        time_zone=time_zone,
        stops=stops,
        runs=runs,
        lines=lines,
        fixes=no_fixes(),
        events=events,
        said=(),
        pieces=pieces,
        warm_until_s=until_afternoon_or_later_days(runs, time_zone, pieces),
        interval_s=30.0,
        notes=[note],
    )


def in_order(scheduled_s: Floats) -> Int64s:
    """Rows of the longest part whose times never decrease: a few rows of a trip stand where they were not driven."""
    times = scheduled_s.tolist()
    best, came = [1] * len(times), [-1] * len(times)
    for row in range(len(times)):
        for other in range(row):
            if times[other] <= times[row] and best[other] + 1 > best[row]:
                best[row], came[row] = best[other] + 1, other
    row = max(range(len(times)), key=best.__getitem__)
    kept = []
    while row >= 0:
        kept.append(row)
        row = came[row]
    return np.asarray(kept[::-1], np.int64)


def events_of(
    arrived_s: Floats,
    left_s: Floats,
    vehicle: Int64s,
) -> Events:
    """Events of every call, a row each: the arrival when it happens, the departure when it does."""
    call = np.arange(len(arrived_s))
    left_s = np.where(left_s < arrived_s, arrived_s, left_s)
    came, went = np.flatnonzero(np.isfinite(arrived_s)), np.flatnonzero(np.isfinite(left_s))
    received = np.concatenate([arrived_s[came], left_s[went]])
    which = np.concatenate([call[came], call[went]])
    arrival = np.concatenate([arrived_s[came], arrived_s[went]])
    departure = np.concatenate([np.full(len(came), np.nan), left_s[went]])
    order = np.lexsort((np.isfinite(departure), which, received))
    return Events(
        received_s=received[order],
        call=which[order],
        vehicle=vehicle[which[order]],
        arrival_s=arrival[order],
        departure_s=departure[order],
    )

"""Which trips are under way at a moment, as well as we know: the timetable's by the clock, live ones as they are.

A trip is under way from its first departure to its last arrival, as told live or else as scheduled, and as long as a
vehicle is on it. Cancelled trips are not.
"""

from datetime import date
from typing import NamedTuple

import numpy as np

from api.live import GONE, NO_ROW, Live
from api.served import Served
from api.status import trip_ids_of_row
from api.visits import Moment
from domain import service_day

TICK_S = 10
"""The list is made anew so often, and with every tick of predictions."""


class Run(NamedTuple):
    """One run of a trip: *trip* is its row or -1, *row* its live row or -1."""

    trip: int
    row: int
    day: date
    route: int


def under_way(served: Served, when: Moment) -> tuple[Run, ...]:
    """Every run, live ones first, then by the timetable's order. Kept for ten seconds, or until the next tick."""
    now_epoch_s, live, usable = when
    key = (live.version if live is not None else -1, usable, int(now_epoch_s) // TICK_S)
    kept = served.runs_under_way
    if kept is None or kept[0] != key:
        runs = _live_runs(served, live, usable, now_epoch_s) if live is not None else []
        runs += _scheduled_runs(served, live, usable, now_epoch_s)
        kept = served.runs_under_way = key, tuple(dict.fromkeys(runs))
    found: tuple[Run, ...] = kept[1]
    return found


def timetabled(live: Live, row: int) -> int:
    """The timetable's row of a live row's trip; -1 where the live row lists calls of its own."""
    return -1 if live.own_calls[row] else live.trip[row]


def _live_runs(served: Served, live: Live, usable: tuple[bool, ...], now_epoch_s: float) -> list[Run]:
    bundle, found = served.bundle, []
    aboard = {row for vehicle, row in enumerate(live.vehicle_trip) if row >= 0 and usable[live.vehicle_feed[vehicle]]}
    for row, trip in enumerate(live.trip):
        if live.relationship[row] in GONE or not usable[live.trip_feed[row]]:
            continue
        if row not in aboard and not (live.source[row] and _is_now(served, live, row, now_epoch_s)):
            continue
        route = bundle.trip_route[trip] if trip >= 0 else trip_ids_of_row(served, live, row)[2]
        if route >= 0:
            found.append(Run(timetabled(live, row), row, live.day(row), route))
    return found


def _is_now(served: Served, live: Live, row: int, now_epoch_s: float) -> bool:
    bundle, trip = served.bundle, live.trip[row]
    first, last = live.ptr[row], live.ptr[row + 1] - 1
    if last < first:
        return False
    begins = live.departure_epoch_s[first] or live.arrival_epoch_s[first]
    ends = live.arrival_epoch_s[last] or live.departure_epoch_s[last]
    if trip >= 0 and not live.own_calls[row] and not (begins and ends):
        start = bundle.day_start_epoch_s(live.day(row))
        begins = begins or start + bundle.departure_s(trip, 0)
        ends = ends or start + bundle.arrival_s(trip, bundle.trip_length(trip) - 1)
    return begins <= now_epoch_s <= (ends or live.scheduled_epoch_s[last])


def _scheduled_runs(served: Served, live: Live | None, usable: tuple[bool, ...], now_epoch_s: float) -> list[Run]:
    bundle, found = served.bundle, []
    starts, ends, services = bundle.array("trip_start_s"), served.fragments.trip_end_s, bundle.array("trip_service")
    for day in bundle.service_days_around(now_epoch_s, now_epoch_s):
        active = np.frombuffer(bundle.active(day), np.uint8)
        second = int(now_epoch_s) - bundle.day_start_epoch_s(day)
        rows = np.flatnonzero((starts <= second) & (ends >= second))
        rows = rows[active[services[rows]] != 0]
        number = service_day.yyyymmdd(day)
        for trip in rows.tolist():
            row = live.row_of(trip, number) if live is not None else NO_ROW
            if row == NO_ROW or (row >= 0 and live is not None and not usable[live.trip_feed[row]]):
                found.append(Run(trip, -1, day, bundle.trip_route[trip]))
            elif row >= 0 and live is not None and not live.source[row] and live.relationship[row] not in GONE:
                found.append(Run(trip, row, day, bundle.trip_route[trip]))  # known, but without times: by the clock
    return found

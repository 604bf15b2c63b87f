"""What we say about stops: visits of trips, told live or scheduled, in the order they come.

A visit that is told live stands where the prediction puts it, however late; one that is not stands on the timetable.
A skipped call is never listed, a deleted trip neither; a cancelled trip is listed where it was scheduled, marked so.
"""

import bisect
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from api.live import NO_ROW, REPLACED, Live
from api.served import Served
from api.where import Ask
from domain import service_day
from domain.realtime import TripRelationship

CANCELLED_TRIP, DELETED_TRIP = int(TripRelationship.CANCELED), int(TripRelationship.DELETED)


class Visit(NamedTuple):
    """One call of one trip on one day. *row* and *call* are -1 unless told live; *row* alone when cancelled."""

    at_epoch_s: int
    """For order: when it comes, as well as we know."""
    trip: int
    position: int
    stop: int
    day: date
    row: int
    call: int
    cancelled: bool


class Moment(NamedTuple):
    """The time a question is about, and what is live then."""

    epoch_s: float
    live: Live | None
    usable: tuple[bool, ...]


def moment(ask: Ask, served: Served, time_epoch_s: float | None) -> Moment:
    """The present, or another time: what is told live only concerns the present and the future."""
    if time_epoch_s is not None and time_epoch_s < ask.now_epoch_s - 60:
        return Moment(time_epoch_s, None, ())
    return Moment(ask.now_epoch_s if time_epoch_s is None else time_epoch_s, *served.live_at(ask.now_epoch_s))


def visits_between(served: Served, stop: int, when: Moment, from_epoch_s: int, to_epoch_s: int) -> Iterator[Visit]:
    """Visits at one stop (not its station's others) that leave at *from* or later and come by *to*, in no order."""
    live, usable = when.live, when.usable
    if live is not None:
        for row, call in live.calls_between(stop, from_epoch_s, to_epoch_s):
            if usable[live.trip_feed[row]]:
                at = live.arrival_epoch_s[call] or live.departure_epoch_s[call] or live.scheduled_epoch_s[call]
                yield Visit(at, live.trip[row], call - live.ptr[row], stop, live.day(row), row, call, False)
    yield from _scheduled_between(served, stop, when, from_epoch_s, to_epoch_s)


def _scheduled_between(served: Served, stop: int, when: Moment, from_epoch_s: int, to_epoch_s: int) -> Iterator[Visit]:
    bundle, live, usable = served.bundle, when.live, when.usable
    dwell_s = served.fragments.max_dwell_s
    first, last = bundle.stop_call_ptr[stop], bundle.stop_call_ptr[stop + 1]
    departures, trips, positions = bundle.call_departure_s, bundle.call_trip, bundle.call_position
    services = bundle.trip_service
    rows: dict[int, int] = live.rows if live is not None else {}
    for day in bundle.service_days_around(from_epoch_s, to_epoch_s + dwell_s):
        active, start = bundle.active(day), bundle.day_start_epoch_s(day)
        date_key = service_day.yyyymmdd(day) << 32
        low = bisect.bisect_left(departures, from_epoch_s - start, first, last)
        high = bisect.bisect_right(departures, to_epoch_s - start + dwell_s, low, last)
        for at in range(low, high):
            trip = trips[at]
            if not active[services[trip]]:
                continue
            row = rows.get(date_key | trip, NO_ROW)
            if live is not None and row != NO_ROW:
                if row == REPLACED:
                    continue
                if usable[live.trip_feed[row]]:
                    call = live.ptr[row] + positions[at]
                    if call < live.ptr[row + 1] and live.told[call]:
                        continue  # stands where the prediction puts it
            position = positions[at]
            arrives = start + (bundle.arrival_s(trip, position) if dwell_s else departures[at])
            if arrives <= to_epoch_s:
                visit = scheduled_visit(when, trip, position, stop, day, arrives)
                if visit is not None:
                    yield visit


def scheduled_visit(when: Moment, trip: int, position: int, stop: int, day: date, at_epoch_s: int) -> Visit | None:
    """What becomes of a scheduled call: told live (with *call*), cancelled, as scheduled, or None: not to be shown."""
    live = when.live
    if live is None:
        return Visit(at_epoch_s, trip, position, stop, day, -1, -1, False)
    row = live.row_of(trip, service_day.yyyymmdd(day))
    if row == NO_ROW:
        return Visit(at_epoch_s, trip, position, stop, day, -1, -1, False)
    if row == REPLACED:
        return None
    if not when.usable[live.trip_feed[row]]:
        return Visit(at_epoch_s, trip, position, stop, day, -1, -1, False)
    relationship = live.relationship[row]
    if relationship == CANCELLED_TRIP:
        return Visit(at_epoch_s, trip, position, stop, day, row, -1, True)
    if relationship == DELETED_TRIP or live.is_skipped(row, position):
        return None
    call = live.ptr[row] + position
    if call < live.ptr[row + 1] and live.told[call]:
        at = live.arrival_epoch_s[call] or live.departure_epoch_s[call]
        return Visit(at, trip, position, live.call_stop[call], day, row, call, False)
    return Visit(at_epoch_s, trip, position, stop, day, row, -1, False)

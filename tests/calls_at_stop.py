"""What a bundle's index of calls by stop says, to be held against a schedule's own rows."""

import bisect
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from store.timetable import Bundle


class Call(NamedTuple):
    """One scheduled call: trip row, 0-based position, ServiceTime of departure."""

    trip: int
    position: int
    departure_s: int


def calls_at_stop(bundle: Bundle, stop: int, day: date, from_s: int, to_s: int) -> Iterator[Call]:
    """Calls at the stop itself on *day* that depart from *from_s* up to and without *to_s*, by departure."""
    first, last = bundle.stop_call_ptr[stop], bundle.stop_call_ptr[stop + 1]
    low = bisect.bisect_left(bundle.call_departure_s, from_s, first, last)
    high = bisect.bisect_left(bundle.call_departure_s, to_s, low, last)
    active = bundle.active(day)
    for row in range(low, high):
        trip = bundle.call_trip[row]
        if active[bundle.trip_service[trip]]:
            yield Call(trip, bundle.call_position[row], bundle.call_departure_s[row])

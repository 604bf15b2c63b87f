"""The directions of a route: the stops of each in an order that suits every pattern, and the shapes it draws."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from store.timetable import Bundle

SHARED_LEGS = 0.3
"""Of the legs of the shorter of two patterns, from which they go the same way. Source: OneBusAway's own server.

Tried on six schedules that name directions: 17 of 65,517 trips came to others than their own."""


class Direction(NamedTuple):
    """One direction. *names* are its headsigns, the most usual first; *stops* and *shapes* are rows."""

    direction: str
    """``0`` or ``1`` as the timetable says; where it does not say of all trips, a number of ours."""
    names: tuple[str, ...]
    stops: tuple[int, ...]
    shapes: tuple[int, ...]


def directions_of(bundle: Bundle, route: int) -> tuple[Direction, ...]:
    """Directions of the route in order of their number."""
    found = []
    for direction, trips in trips_by_direction(bundle, route).items():
        usual = [pattern for pattern, _ in Counter(map(bundle.trip_pattern, trips)).most_common()]
        names = Counter(headsign_of(bundle, trip) for trip in trips)
        shapes = dict.fromkeys(bundle.pattern_shape[p] for p in usual if bundle.pattern_shape[p] >= 0)
        found.append(
            Direction(
                direction=direction,
                names=tuple(name for name, _ in names.most_common()),
                stops=tuple(merge([_stops(bundle, pattern) for pattern in usual])),
                shapes=tuple(shapes),
            )
        )
    return tuple(found)


def trips_by_direction(bundle: Bundle, route: int) -> dict[str, list[int]]:
    """Trip rows of the route by direction, in order of its number. Every trip is in one of them.

    Where the timetable does not say the direction of all, trips that share legs go the same way: riders are
    not to look for their stop in a list of both ways, one mixed with the other.
    """
    trips = bundle.route_trip_rows(route)
    if all(bundle.trip_direction[trip] >= 0 for trip in trips):
        directions = {trip: bundle.trip_direction[trip] for trip in trips}
    else:
        usual = [pattern for pattern, _ in Counter(map(bundle.trip_pattern, trips)).most_common()]
        way_of = dict(zip(usual, ways([_legs(bundle, pattern) for pattern in usual]), strict=True))
        directions = {trip: way_of[bundle.trip_pattern(trip)] for trip in trips}
    found: dict[str, list[int]] = {str(direction): [] for direction in sorted(set(directions.values()))}
    for trip in sorted(trips, key=bundle.trip_start_s.__getitem__):
        found[str(directions[trip])].append(trip)
    return found


def ways(lines: Sequence[frozenset[tuple[int, int]]]) -> list[int]:
    """Of each line, a set of legs, the number of the way it goes; the first line's is nought.

    Lines go one way that share enough with each other, or with others in between. One without a leg goes nowhere
    of its own: it is put to the first.
    """
    found = [-1] * len(lines)
    way = 0
    for first, own_legs in enumerate(lines):
        if found[first] >= 0:
            continue
        if first and not own_legs:
            found[first] = 0
            continue
        found[first] = way
        reached = [first]
        while reached:
            legs = lines[reached.pop()]
            beside = [it for it, number in enumerate(found) if number < 0 and _go_together(legs, lines[it])]
            for it in beside:
                found[it] = way
            reached += beside
        way += 1
    return found


def _go_together(one: frozenset[tuple[int, int]], other: frozenset[tuple[int, int]]) -> bool:
    return len(one & other) >= SHARED_LEGS * min(len(one), len(other)) > 0


def _legs(bundle: Bundle, pattern: int) -> frozenset[tuple[int, int]]:
    stops = bundle.pattern_stop[bundle.pattern_ptr[pattern] : bundle.pattern_ptr[pattern + 1]]
    return frozenset(pairwise(stops))


def headsign_of(bundle: Bundle, trip: int) -> str:
    """The trip's headsign, or the name of its last stop where it has none."""
    text = bundle.texts[bundle.trip_headsign[trip]]
    length = bundle.trip_length(trip)
    if text or not length:
        return text
    return bundle.texts[bundle.stop_name[bundle.pattern_stop[bundle.call_row(trip, length - 1)]]]


def _stops(bundle: Bundle, pattern: int) -> list[int]:
    return list(dict.fromkeys(bundle.pattern_stop[bundle.pattern_ptr[pattern] : bundle.pattern_ptr[pattern + 1]]))


def merge(orders: list[list[int]]) -> list[int]:
    """One order of all that occurs: the first is kept, what others add comes after what precedes it there."""
    merged = list(orders[0]) if orders else []
    known = set(merged)
    for order in orders[1:]:
        before = -1
        for item in order:
            if item in known:
                before = merged.index(item)
            else:
                before += 1
                merged.insert(before, item)
                known.add(item)
    return merged

"""The directions of a route: the stops of each in an order that suits every pattern, and the shapes it draws."""

from collections import Counter
from typing import NamedTuple

from store.timetable import Bundle


class Direction(NamedTuple):
    """One direction. *names* are its headsigns, the most usual first; *stops* and *shapes* are rows."""

    direction: str
    """``0``, ``1``, or blank where the timetable does not say."""
    names: tuple[str, ...]
    stops: tuple[int, ...]
    shapes: tuple[int, ...]


def directions_of(bundle: Bundle, route: int) -> tuple[Direction, ...]:
    """Directions of the route in order of their number."""
    patterns: dict[int, Counter[int]] = {}
    names: dict[int, Counter[str]] = {}
    for trip in bundle.route_trip_rows(route):
        direction, pattern = bundle.trip_direction[trip], bundle.trip_pattern(trip)
        patterns.setdefault(direction, Counter())[pattern] += 1
        names.setdefault(direction, Counter())[headsign_of(bundle, trip)] += 1
    found = []
    for direction in sorted(patterns):
        usual = [pattern for pattern, _ in patterns[direction].most_common()]
        stops = merge([_stops(bundle, pattern) for pattern in usual])
        shapes = dict.fromkeys(bundle.pattern_shape[p] for p in usual if bundle.pattern_shape[p] >= 0)
        found.append(
            Direction(
                direction=str(direction) if direction >= 0 else "",
                names=tuple(name for name, _ in names[direction].most_common()),
                stops=tuple(stops),
                shapes=tuple(shapes),
            )
        )
    return tuple(found)


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

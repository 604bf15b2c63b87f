"""What goes wrong in the model town, chosen by rule from the trips that run, so that every hour shows all of it.

For each kind of trouble the service day is *covered*: the first trip is chosen, then one that runs when its trouble
ends, and so on. The choice depends on seed and service day alone, never on when one asks.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.timetable import Trip
from simulator.town_plan import BUNCHING_BY_DAY, Mode

SKIPPED_AT = 0.75
"""The stop that is skipped lies at this part of the trip's stops."""
SILENT_AFTER = 0.25
"""A vehicle that goes silent does so after this part of its scheduled time."""
OVERLAP_S = 240
"""The next trip's trouble begins this long before the last one's ends: vehicles do not run to the second."""
ADDED_EVERY_S = 20 * 60
"""An extra trip starts this often, so that one or two are always under way."""


@dataclass(frozen=True, slots=True)
class Specials:
    """The troubles of one service day, by trip id."""

    cancelled: frozenset[str] = frozenset()
    skipped: dict[str, int] = field(default_factory=dict)
    """Trip id to the index of the stop it passes without stopping."""
    silent: dict[str, int] = field(default_factory=dict)
    """Trip id to the ServiceTime after which its vehicle reports no more."""
    added: tuple[Trip, ...] = ()
    """Trips that no timetable has; each copies the pattern of one that runs."""


def lot(*parts: object) -> float:
    """A number in [0, 1) that looks drawn but depends on *parts* alone."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def choose_specials(trips: tuple[Trip, ...], seed: int, day_key: int) -> Specials:
    """The troubles of the service day *day_key* (yyyymmdd), on which exactly *trips* run."""
    ordinary = [
        trip
        for trip in trips
        if not trip.headway
        and trip.pattern.route.mode is Mode.BUS
        and trip.pattern.detour is None
        and trip.route_id != BUNCHING_BY_DAY
        and len(trip.pattern.stops) >= 8
    ]
    taken: set[str] = set()

    def cover(kind: str, since: Callable[[Trip], float], until: Callable[[Trip], float]) -> list[Trip]:
        chosen = _cover([trip for trip in ordinary if trip.trip_id not in taken], (seed, day_key, kind), since, until)
        taken.update(trip.trip_id for trip in chosen)
        return chosen

    cancelled = cover("cancelled", lambda trip: trip.start_s, lambda trip: trip.end_s)
    skipped = cover("skipped", lambda trip: trip.start_s, lambda trip: trip.arrival_s(_skipped_index(trip)))
    silent = cover("silent", _silent_from_s, lambda trip: trip.end_s)
    return Specials(
        cancelled=frozenset(trip.trip_id for trip in cancelled),
        skipped={trip.trip_id: _skipped_index(trip) for trip in skipped},
        silent={trip.trip_id: int(_silent_from_s(trip)) for trip in silent},
        added=tuple(_added(ordinary, seed, day_key)),
    )


def _skipped_index(trip: Trip) -> int:
    return int((len(trip.pattern.stops) - 1) * SKIPPED_AT)


def _silent_from_s(trip: Trip) -> float:
    return trip.start_s + (trip.end_s - trip.start_s) * SILENT_AFTER


def _cover(
    trips: list[Trip], key: tuple[object, ...], since: Callable[[Trip], float], until: Callable[[Trip], float]
) -> list[Trip]:
    """Trips whose [since, until] follow each other, overlapping a little, with no gap the timetable does not have."""
    chosen: list[Trip] = []
    covered_s = float("-inf")
    waiting = list(trips)
    while waiting := [trip for trip in waiting if until(trip) > covered_s + OVERLAP_S]:
        under_way = [trip for trip in waiting if since(trip) <= covered_s]
        if not under_way:
            covered_s = min(since(trip) for trip in waiting)
            continue
        # Any of the farther-reaching half, by lot, so that it is not always the longest route.
        reaching = sorted(under_way, key=lambda trip: (until(trip), trip.trip_id))[len(under_way) // 2 :]
        best = min(reaching, key=lambda trip: lot(*key, trip.trip_id))
        chosen.append(best)
        covered_s = until(best) - OVERLAP_S
    return chosen


def _added(trips: list[Trip], seed: int, day_key: int) -> list[Trip]:
    added: list[Trip] = []
    first_s = min((trip.start_s for trip in trips), default=0)
    last_s = max((trip.start_s for trip in trips), default=-1)
    number = 0
    for start_s in range(first_s, last_s + 1, ADDED_EVERY_S):
        near = [trip for trip in trips if start_s - 1800 <= trip.start_s <= start_s + 300]
        near = [trip for trip in near if trip.run.arrivals[-1] > ADDED_EVERY_S + OVERLAP_S] or near
        if not near:
            continue
        number += 1
        model = min(near, key=lambda trip: lot(seed, day_key, "added", start_s, trip.trip_id))
        added.append(
            Trip(f"EXTRA-{day_key}-{number:02d}", model.service_id, model.pattern, start_s // 60 * 60 + 240, model.run)
        )
    return added

"""Which Situations concern a call, a trip, a route or a stop of one timetable: as their selectors say.

A selector fits when everything it names fits. A selector that names a station covers its platforms.
Source: GTFS-realtime reference, EntitySelector.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import count
from typing import NamedTuple

import msgspec

from api.formats import oba
from api.fragments import MAX_PIECES, Fragments
from domain.ids import qualify
from domain.situation import Selector, Situation

_REVISIONS = count()
CHECK_EVERY_S = 10
"""How often periods are compared with the clock."""


class Noticed(NamedTuple):
    """Situations that concern something: their ids as a JSON array, and the objects to refer to."""

    ids: bytes
    references: dict[bytes, bytes]


NONE = b""
NOTHING = Noticed(oba.NONE, {})


class Subject(NamedTuple):
    """What a Situation may concern; -1, 0 and blank for what is not part of the question."""

    agency_raw_id: str = ""
    route: int = -1
    mode: int = -1
    direction: int = -1
    stop: int = -1
    trip_raw_id: str = ""
    date_yyyymmdd: int = 0
    start_s: int = -1


def each_once(feeds: Iterable[Sequence[Situation]]) -> list[Situation]:
    """The Situations of several feeds, whose word counts most first: what another said already is left out, and what
    only happens to have the same id becomes ``id@feed``."""
    kept: dict[str, Situation] = {}
    for found in feeds:
        for situation in found:
            first = kept.get(situation.raw_id)
            if first is None:
                kept[situation.raw_id] = situation
            elif (first.header, first.selectors) != (situation.header, situation.selectors):
                apart = f"{situation.raw_id}@{situation.feed_id}"
                kept[apart] = replace(situation, raw_id=apart)
    return list(kept.values())


class Notices:
    """The Situations about one timetable, indexed by the narrowest thing that each selector names."""

    def __init__(self, fragments: Fragments, situations: Sequence[Situation], language: str) -> None:
        self._fragments = fragments
        self._language = language
        self.situations = tuple(situations)
        self._by_trip: dict[str, list[tuple[int, Selector]]] = {}
        self._by_stop: dict[int, list[tuple[int, Selector]]] = {}
        self._by_route: dict[int, list[tuple[int, Selector]]] = {}
        self._wide: list[tuple[int, Selector]] = []
        for number, situation in enumerate(self.situations):
            for selector in situation.selectors:
                self._file(number, selector)
        self._pieces: dict[int, tuple[bytes, bytes]] = {}
        self._in_force: frozenset[int] = frozenset()
        self._checked = -1
        self._found: dict[object, Noticed] = {}
        self._revision = next(_REVISIONS)
        self._fingerprint = (-1, b"")

    def _file(self, number: int, selector: Selector) -> None:
        bundle = self._fragments.bundle
        if selector.trip_raw_id:
            self._by_trip.setdefault(selector.trip_raw_id, []).append((number, selector))
        elif selector.stop_raw_id:
            row = bundle.stop_ids.index(selector.stop_raw_id)
            if row is not None:
                for stop in {row, *bundle.stop_child_rows(row)}:
                    self._by_stop.setdefault(stop, []).append((number, selector))
        elif selector.route_raw_id:
            row = bundle.route_ids.index(selector.route_raw_id)
            if row is not None:
                self._by_route.setdefault(row, []).append((number, selector))
        elif selector.agency_raw_id or selector.route_mode is not None:
            self._wide.append((number, selector))

    def _check(self, now_epoch_s: float) -> frozenset[int]:
        tick = int(now_epoch_s) // CHECK_EVERY_S
        if tick != self._checked:
            self._checked = tick
            in_force = frozenset(n for n, situation in enumerate(self.situations) if situation.in_force(now_epoch_s))
            if in_force != self._in_force:
                self._in_force = in_force
                self._found.clear()
                self._revision = next(_REVISIONS)
        return self._in_force

    def revision(self, now_epoch_s: float) -> int:
        """A number that changes whenever other Situations are in force; unique in this process."""
        if self.situations:
            self._check(now_epoch_s)
        return self._revision

    def fingerprint(self, now_epoch_s: float) -> bytes:
        """Says which Situations are in force, and how they read; the same in every process. NONE when none are."""
        if not self.situations or not self._check(now_epoch_s):
            return NONE
        revision = self.revision(now_epoch_s)
        if self._fingerprint[0] != revision:
            digest = blake2b(digest_size=16)
            for number in sorted(self._in_force):
                digest.update(msgspec.msgpack.encode(self.situations[number]))
            self._fingerprint = (revision, digest.digest())
        return self._fingerprint[1]

    def of_call(self, trip: int, stop: int, date_yyyymmdd: int, now_epoch_s: float) -> Noticed:
        """Everything that concerns a scheduled trip's call at *stop* on that day."""
        if not self.situations or not self._check(now_epoch_s):
            return NOTHING
        key = (trip, stop, date_yyyymmdd)
        return self._found.get(key) or self._keep(key, self._scheduled(trip, stop, date_yyyymmdd))

    def of_trip(self, trip: int, date_yyyymmdd: int, now_epoch_s: float) -> Noticed:
        """What concerns the whole trip: its own, its route's, its agency's; not those about one stop."""
        return self.of_call(trip, -1, date_yyyymmdd, now_epoch_s)

    def of_added_call(self, trip_raw_id: str, route: int, stop: int, date_yyyymmdd: int, now_epoch_s: float) -> Noticed:
        """The same for a trip that the timetable does not have."""
        if not self.situations or not self._check(now_epoch_s):
            return NOTHING
        key = (trip_raw_id, route, stop, date_yyyymmdd)
        if found := self._found.get(key):
            return found
        bundle = self._fragments.bundle
        subject = Subject(
            agency_raw_id=bundle.agency_of_route(route).raw_id,
            route=route,
            mode=bundle.route_mode[route],
            stop=stop,
            trip_raw_id=trip_raw_id,
            date_yyyymmdd=date_yyyymmdd,
        )
        return self._keep(key, subject)

    def of_route(self, route: int, now_epoch_s: float) -> Noticed:
        """What concerns every trip of the route."""
        return self.of_added_call("", route, -1, 0, now_epoch_s)

    def of_stop(self, stop: int, now_epoch_s: float) -> Noticed:
        """What concerns the stop itself, whatever calls there."""
        if not self.situations or not self._check(now_epoch_s):
            return NOTHING
        key = ("stop", stop)
        return self._found.get(key) or self._keep(key, Subject(stop=stop))

    def _scheduled(self, trip: int, stop: int, date_yyyymmdd: int) -> Subject:
        bundle = self._fragments.bundle
        route = bundle.trip_route[trip]
        return Subject(
            agency_raw_id=bundle.agency_of_route(route).raw_id,
            route=route,
            mode=bundle.route_mode[route],
            direction=bundle.trip_direction[trip],
            stop=stop,
            trip_raw_id=bundle.trip_ids[trip],
            date_yyyymmdd=date_yyyymmdd,
            start_s=bundle.trip_start_s[trip],
        )

    def _keep(self, key: object, subject: Subject) -> Noticed:
        numbers = sorted(
            {
                number
                for number, selector in (
                    *self._by_trip.get(subject.trip_raw_id, ()),
                    *self._by_stop.get(subject.stop, ()),
                    *self._by_route.get(subject.route, ()),
                    *self._wide,
                )
                if number in self._in_force and self._fits(selector, subject)
            }
        )
        pieces = dict(self.piece(number) for number in numbers)
        found = Noticed(oba.array(pieces), pieces) if pieces else NOTHING
        if len(self._found) >= 4 * MAX_PIECES:
            self._found.clear()
        self._found[key] = found
        return found

    def _fits(self, selector: Selector, subject: Subject) -> bool:
        bundle = self._fragments.bundle
        if subject.route < 0:  # a stop as such: only what names nothing narrower
            return bool(selector.stop_raw_id) and not (selector.trip_raw_id or selector.route_raw_id)
        return (
            (not selector.agency_raw_id or selector.agency_raw_id == subject.agency_raw_id)
            and (not selector.route_raw_id or bundle.route_ids.index(selector.route_raw_id) == subject.route)
            and selector.route_mode in (None, subject.mode)
            # A trip's id says which way it runs; feeds name the direction beside it where the timetable has none.
            and (bool(selector.trip_raw_id) or selector.direction in (None, subject.direction))
            and (not selector.stop_raw_id or self._is_at(selector.stop_raw_id, subject.stop))
            and selector.trip_raw_id in ("", subject.trip_raw_id)
            and selector.trip_start_date in (0, subject.date_yyyymmdd)
            and (selector.trip_start_time_s is None or subject.start_s in (-1, selector.trip_start_time_s))
        )

    def _is_at(self, stop_raw_id: str, stop: int) -> bool:
        bundle = self._fragments.bundle
        row = bundle.stop_ids.index(stop_raw_id)
        return row is not None and stop >= 0 and row in (stop, bundle.stop_parent[stop])

    def piece(self, number: int) -> tuple[bytes, bytes]:
        """(id, object) of the Situation, as JSON."""
        found = self._pieces.get(number)
        if found is None:
            situation = self.situations[number]
            situation_id = qualify(self._fragments.code, situation.raw_id)
            affects = [self._affected(selector) for selector in situation.selectors]
            found = self._pieces[number] = (
                oba.encode(situation_id),
                oba.situation(situation, situation_id=situation_id, affects=affects, language=self._language),
            )
        return found

    def _affected(self, selector: Selector) -> dict[str, str]:
        fragments, bundle = self._fragments, self._fragments.bundle
        codes = {agency.raw_id: agency.code for agency in bundle.agencies}
        agency_code = codes.get(selector.agency_raw_id, "") if selector.agency_raw_id else ""
        own_code = agency_code or fragments.code
        route_row = bundle.route_ids.index(selector.route_raw_id) if selector.route_raw_id else None
        trip_row = bundle.trip_ids.index(selector.trip_raw_id) if selector.trip_raw_id else None
        return oba.affected(
            selector,
            agency_code=agency_code,
            route_id=qualify(own_code, selector.route_raw_id) if route_row is None else fragments.route(route_row)[0],
            stop_id=qualify(fragments.code, selector.stop_raw_id),
            trip_id=qualify(own_code, selector.trip_raw_id) if trip_row is None else fragments.trip_id(trip_row),
        )

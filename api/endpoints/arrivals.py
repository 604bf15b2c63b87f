"""``arrivals-and-departures-for-stop``, ``…-for-location``, and ``arrival-and-departure-for-stop``."""

from collections.abc import Sequence
from typing import NamedTuple

from api import params
from api.around import modes_asked, modes_of, place_asked
from api.errors import unknown
from api.formats import oba
from api.listed_once import leaves_epoch_s, listed_once
from api.notices import Noticed
from api.served import Served
from api.status import trip_ids_of_row
from api.visit_asked import visits_asked
from api.visit_rows import encode_visit
from api.visits import Moment, Visit, moment, visits_between
from api.where import Ask

MAX_MINUTES = 1440
"""Whoever asks for more is answered as far as this: clients of a server without a limit ask for a week."""
DEFAULT_RADIUS_M = 500.0
DEFAULT_COUNT = 250
MAX_COUNT = 1000
"""Of stops, and of visits, around a place."""


class _Window(NamedTuple):
    """From when to when visits are listed, epoch seconds: they leave at the first or later and come by the last."""

    regular: tuple[int, int]
    frequent: tuple[int, int] | None
    """Of trips without published times, where they have a window of their own."""


def arrivals_for_stop(ask: Ask) -> bytes:
    """Every visit at the stop (a station: at its platforms) from minutesBefore to minutesAfter around the time."""
    served, stop = ask.stop()
    return ask.entry(entry_of_stop(ask, served, stop, every_run=False))


def entry_of_stop(ask: Ask, served: Served, stop: int, *, every_run: bool) -> bytes:
    """The stop's visits, nearby stops and notices; what they refer to is added to the references.

    Unless *every_run* is wanted, what apps would take for one visit is listed once.
    """
    query = ask.query
    ask.with_intervals = params.boolean(query, "includeIntervals", False)
    when = moment(ask, served, params.instant_epoch_s(query, "time", served.bundle.time_zone))
    window = _window_asked(query, int(when.epoch_s))
    fragments, references = served.fragments, ask.references
    platforms = fragments.platforms(stop)
    for platform in platforms:
        references.add_stop(fragments.stop(platform))
    visits = _visits(served, platforms, when, window, every_run=every_run)
    others = served.together.get(stop)
    if others is None:
        rows = [row for visit in visits if (row := encode_visit(ask, served, visit, when)) is not None]
    else:
        found = [(visit, served, when) for visit in visits]
        rows = _together(ask, found, others, window, every_run=every_run)
    nearby, nearby_stops = fragments.nearby(stop)
    for nearby_stop in nearby_stops:
        references.add_stop(fragments.stop(nearby_stop))
    noticed = served.notices.of_stop(stop, when.epoch_s)
    if noticed.references:
        references.situations.update(noticed.references)
    situation_ids = noticed.ids if others is None else _noticed_together(ask, noticed, others, when)
    return b'{"arrivalsAndDepartures":[%b],"nearbyStopIds":%b,"situationIds":%b,"stopId":%b}' % (
        b",".join(rows),
        nearby,
        situation_ids,
        fragments.stop(stop).id,
    )


def _window_asked(query: dict[str, str], at_epoch_s: int) -> _Window:
    """Around that moment, as the parameters say; raises RequestRefused (400)."""

    def between(before: str, after: str, usual: tuple[int, int]) -> tuple[int, int]:
        minutes_before = params.integer(query, before, usual[0], 0, params.MAX_WHOLE)
        minutes_after = params.integer(query, after, usual[1], 0, params.MAX_WHOLE)
        return at_epoch_s - 60 * min(minutes_before, MAX_MINUTES), at_epoch_s + 60 * min(minutes_after, MAX_MINUTES)

    names = ("frequencyMinutesBefore", "frequencyMinutesAfter")
    asked = any(params.text(query, name) for name in names)
    return _Window(between("minutesBefore", "minutesAfter", (5, 35)), between(*names, (2, 30)) if asked else None)


def _visits(
    served: Served, platforms: Sequence[int], when: Moment, window: _Window, *, every_run: bool
) -> Sequence[Visit]:
    """In the order they come."""
    (first, last), frequent = window
    if frequent is not None:
        first, last = min(first, frequent[0]), max(last, frequent[1])
    visits = sorted(visit for row in platforms for visit in visits_between(served, row, when, first, last))
    if frequent is not None:
        visits = [visit for visit in visits if _is_within(served, visit, when, window)]
    return visits if every_run else listed_once(served, when, visits)


def _is_within(served: Served, visit: Visit, when: Moment, window: _Window) -> bool:
    frequent = visit.trip >= 0 and served.fragments.trip(visit.trip).frequency >= 0
    first, last = window.frequent if frequent and window.frequent is not None else window.regular
    return leaves_epoch_s(visit, when) >= first and visit.at_epoch_s <= last


def _together(
    ask: Ask,
    visits: list[tuple[Visit, Served, Moment]],
    others: tuple[tuple[str, int], ...],
    window: _Window,
    *,
    every_run: bool,
) -> list[bytes]:
    """Encoded visits of a place that several feeds know, in the order they come: each with its own feed's ids."""
    for feed_id, stop in others:
        served = ask.replica.served[feed_id]
        when = moment(ask, served, params.instant_epoch_s(ask.query, "time", served.bundle.time_zone))
        platforms = served.fragments.platforms(stop)
        for platform in platforms:
            ask.references.add_stop(served.fragments.stop(platform))
        found = _visits(served, platforms, when, window, every_run=every_run)
        visits += [(visit, served, when) for visit in found]
    visits.sort(key=lambda item: item[0].at_epoch_s)
    return [row for visit, served, when in visits if (row := encode_visit(ask, served, visit, when)) is not None]


def _noticed_together(ask: Ask, noticed: Noticed, others: tuple[tuple[str, int], ...], when: Moment) -> bytes:
    """Ids of what is said about the place under any of its ids."""
    found = dict(noticed.references)
    for feed_id, stop in others:
        found.update(ask.replica.served[feed_id].notices.of_stop(stop, when.epoch_s).references)
    ask.references.situations.update(found)
    return oba.array(found)


def arrivals_for_location(ask: Ask) -> bytes:
    """Every visit at the stops around a place, in the order they come; stops nearest first."""
    query = ask.query
    place = place_asked(query, DEFAULT_RADIUS_M, required=True, bounded=True)
    ask.with_intervals = params.boolean(query, "includeIntervals", False)
    limit = min(params.integer(query, "maxCount", DEFAULT_COUNT, 1, 1_000_000), MAX_COUNT)
    modes = modes_asked(query)
    stops: list[tuple[float, Served, int]] = []
    for served in ask.served():
        bundle = served.bundle
        stops += [
            (place.away_m(bundle.stop_lat[row], bundle.stop_lon[row]), served, row)
            for row in place.stops(bundle)
            if bundle.stop_location_type[row] == 0
            and (not modes or any(modes_of(bundle, route) & modes for route in bundle.stop_route_rows(row)))
        ]
    stops.sort(key=lambda item: item[0])
    shown = stops[:limit]
    visits: list[tuple[Visit, Served, Moment]] = []
    situations: dict[bytes, bytes] = {}
    for _, served, row in shown:
        when = moment(ask, served, params.instant_epoch_s(query, "time", served.bundle.time_zone))
        ask.references.add_stop(served.fragments.stop(row))
        situations.update(served.notices.of_stop(row, when.epoch_s).references)
        window = _window_asked(query, int(when.epoch_s))
        visits += [
            (visit, served, when)
            for visit in _visits(served, (row,), when, window, every_run=False)
            if not modes or _modes_of(served, visit, when) & modes
        ]
    if not visits and params.boolean(query, "emptyReturnsNotFound", False):
        raise unknown()
    visits.sort(key=lambda item: item[0])
    encoded = [encode_visit(ask, served, visit, when) for visit, served, when in visits[:limit]]
    ask.references.situations.update(situations)
    return ask.entry(
        b'{"arrivalsAndDepartures":%b,"limitExceeded":%b,"nearbyStopIds":%b,"situationIds":%b,"stopIds":%b}'
        % (
            oba.array(row for row in encoded if row is not None),
            oba.boolean(len(stops) > limit or len(visits) > limit),
            oba.array(
                b'{"distanceFromQuery":%b,"stopId":%b}' % (oba.decimal(away_m), served.fragments.stop_id(row))
                for away_m, served, row in shown
            ),
            oba.array(situations),
            oba.array(served.fragments.stop_id(row) for _, served, row in shown),
        )
    )


def _modes_of(served: Served, visit: Visit, when: Moment) -> frozenset[int]:
    """The GTFS route types that the visit's route goes by; none when it is on none."""
    if visit.trip >= 0:
        route = served.bundle.trip_route[visit.trip]
    else:
        route = trip_ids_of_row(served, when.live, visit.row)[2] if when.live is not None else -1
    return modes_of(served.bundle, route) if route >= 0 else frozenset()


def arrival_for_stop(ask: Ask) -> bytes:
    """One visit: of tripId on serviceDate at the stop; stopSequence tells the calls of a loop apart."""
    asked = visits_asked(ask)
    for visit in asked.visits:
        row = encode_visit(ask, asked.served, visit, asked.when)
        if row is not None:
            ask.references.add_stop(asked.served.fragments.stop(asked.stop))
            return ask.entry(row)
    raise unknown()

"""What the rider's pages show at a stop, as plain values: the same visits as the API's answers, in people's words."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np

from api.formats import oba
from api.live import GONE, NO_ROW, key_of
from api.pages import words
from api.pages.names import name_in, rows_by_name
from api.plane import stops_within
from api.replica import Replica
from api.search_index import Match
from api.served import Served
from api.status import trip_ids_of_row
from api.visits import Moment, Visit, visits_between
from domain.errors import IdMalformed
from domain.ids import qualify, split
from domain.realtime import TripRelationship
from domain.service_day import yyyymmdd

ADDED = frozenset({int(TripRelationship.ADDED), int(TripRelationship.NEW), int(TripRelationship.DUPLICATED)})
PASSED_S = 30
"""A vehicle that left so long ago is no longer listed."""


MOVED_ON_S = 120
"""A vehicle located longer ago than this is elsewhere by now: riders are not told that it is so and so many stops away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """One line of a stop's board. Times are epoch seconds."""

    trip_id: str
    route_name: str
    headsign: str
    platform: str
    at_epoch_s: int
    scheduled_epoch_s: int
    predicted: bool
    how: str
    """What is known, in words: on time, late, early."""
    minutes: str
    cancelled: bool
    skipped: bool
    added: bool
    stops_away: int | None
    missing: bool
    """Its vehicle should be visible by now and is not."""
    risks: tuple[str, ...]
    why: str
    """The query of the page that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopView:
    """A stop as a page names it."""

    stop_id: str
    name: str
    code: str
    direction: str
    platform: str
    access: str
    lat: float
    lon: float
    station_id: str
    station_name: str
    distance_m: int | None = None
    departures: tuple[Departure, ...] = ()


def find_stop(replica: Replica, stop_id: str) -> tuple[Served, int] | None:
    """The timetable and row of a qualified stop id, or None."""
    try:
        code, raw = split(stop_id)
    except IdMalformed:
        return None
    found = replica.by_code.get(code)
    row = found[0].bundle.stop_ids.index(raw) if found else None
    return (found[0], row) if found and row is not None else None


def stop_view(served: Served, row: int, language: str, *, distance_m: int | None = None,
              departures: tuple[Departure, ...] = ()) -> StopView:  # fmt: skip
    """The stop in a reader's language."""
    stop, bundle = served.bundle.stop(row), served.bundle
    parent = bundle.stop_parent[row]
    access = {1: "stop.accessible", 2: "stop.not_accessible"}.get(int(stop.wheelchair_boarding), "")
    direction = ""
    if stop.compass:
        direction = words.say(language, "stop.direction", compass=words.say(language, f"compass.{stop.compass}"))
    return StopView(
        stop_id=qualify(bundle.code, stop.raw_id),
        name=name_in(language, bundle, "stops.stop_name", stop.name, stop.raw_id),
        code=stop.code,
        direction=direction,
        platform=stop.platform_code,
        access=words.say(language, access) if access else "",
        lat=stop.lat,
        lon=stop.lon,
        station_id=qualify(bundle.code, stop.parent_raw_id),
        station_name=name_in(
            language, bundle, "stops.stop_name", bundle.texts[bundle.stop_name[parent]], stop.parent_raw_id
        )
        if parent >= 0
        else "",
        distance_m=distance_m,
        departures=departures,
    )


def departures_at(
    replica: Replica,
    served: Served,
    stop: int,
    now_epoch_s: float,
    *,
    minutes: int,
    language: str,
    most: int = 60,
    with_cancelled: bool = True,
) -> tuple[Departure, ...]:
    """The next departures from the stop (a station: from all its platforms; a place that several feeds know: from all
    its stops), soonest first."""
    places = [(served, stop), *((replica.served[feed_id], row) for feed_id, row in served.together.get(stop, ()))]
    found = [
        departure
        for it, row in places
        for departure in _departures_of(
            replica, it, row, now_epoch_s, minutes=minutes, language=language, most=most, with_cancelled=with_cancelled
        )
    ]
    if len(places) > 1:
        found.sort(key=lambda departure: departure.at_epoch_s)
    return tuple(found[:most])


def _departures_of(
    replica: Replica,
    served: Served,
    stop: int,
    now_epoch_s: float,
    *,
    minutes: int,
    language: str,
    most: int,
    with_cancelled: bool,
) -> tuple[Departure, ...]:
    when = Moment(now_epoch_s, *served.live_at(now_epoch_s))
    now = int(now_epoch_s)
    platforms = served.fragments.platforms(stop)
    begin, end = now - PASSED_S, now + minutes * 60
    found = [(visit, False) for row in platforms for visit in visits_between(served, row, when, begin, end)]
    if with_cancelled:
        found += [(visit, True) for row in platforms for visit in _skipped_between(served, row, when, begin, end)]
    events = events_by_run(replica, now_epoch_s, language)
    shown: list[Departure] = []
    for visit, skipped in sorted(found):
        if len(shown) >= most:
            break
        departure = _departure(served, visit, when, language, events, skipped=skipped, tell_platform=len(platforms) > 1)
        if departure is not None and (with_cancelled or not departure.cancelled):
            shown.append(departure)
    return tuple(shown)


def notices_at(served: Served, stop: int, now_epoch_s: float, *, minutes: int) -> frozenset[bytes]:
    """Ids, as JSON, of the notices in force about the stop, and about the lines and trips that call there."""
    notices = served.notices
    if not notices.situations:
        return frozenset()
    when = Moment(now_epoch_s, *served.live_at(now_epoch_s))
    found = set(notices.of_stop(stop, now_epoch_s).references)
    now = int(now_epoch_s)
    for row in served.fragments.platforms(stop):
        found.update(notices.of_stop(row, now_epoch_s).references)
        for visit in visits_between(served, row, when, now - PASSED_S, now + minutes * 60):
            if visit.trip >= 0:
                date = yyyymmdd(visit.day)
                found.update(notices.of_call(visit.trip, visit.stop, date, now_epoch_s).references)
    return frozenset(found)


def _skipped_between(served: Served, stop: int, when: Moment, from_epoch_s: int, to_epoch_s: int) -> Iterator[Visit]:
    """Calls of the timetable that a trip on its way leaves out. The API never lists them; who stands there must know."""
    bundle, live = served.bundle, when.live
    if live is None:
        return
    first, last = bundle.stop_call_ptr[stop], bundle.stop_call_ptr[stop + 1]
    for day in bundle.service_days_around(from_epoch_s, to_epoch_s):
        active, start, date_key = bundle.active(day), bundle.day_start_epoch_s(day), yyyymmdd(day)
        low = bisect_left(bundle.call_departure_s, from_epoch_s - start, first, last)
        high = bisect_right(bundle.call_departure_s, to_epoch_s - start, low, last)
        for at in range(low, high):
            trip, position = bundle.call_trip[at], bundle.call_position[at]
            row = live.row_of(trip, date_key) if active[bundle.trip_service[trip]] else NO_ROW
            if row < 0 or not when.usable[live.trip_feed[row]] or live.relationship[row] in GONE:
                continue
            if live.is_skipped(row, position):
                yield Visit(start + bundle.call_departure_s[at], trip, position, stop, day, row, -1, False)


def events_by_run(replica: Replica, now_epoch_s: float, language: str) -> dict[tuple[str, int], tuple[str, ...]]:
    """Qualified trip id and service date to what the warnings are about whose ground it runs through, such as "Flood"."""
    from api.endpoints.alerts import in_force
    from api.formats.geojson import alert_properties

    said = {alert.alert_id: alert_properties(alert, language) for alert in in_force(replica, now_epoch_s)}
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for risk in replica.trip_risks:
        if risk.alert_id in said:
            event = said[risk.alert_id]["event"] or said[risk.alert_id]["headline"]
            told = found.get((risk.trip_id, risk.service_date), ())
            if event not in told:
                found[risk.trip_id, risk.service_date] = (*told, event)
    return found


def _departure(
    served: Served, visit: Visit, when: Moment, language: str, events: dict[tuple[str, int], tuple[str, ...]], *,
    skipped: bool, tell_platform: bool,
) -> Departure | None:  # fmt: skip
    live, bundle, fragments = when.live, served.bundle, served.fragments
    row, call, trip, position = visit.row, visit.call, visit.trip, visit.position
    names = live.named.get(row, {}) if live is not None and row >= 0 else {}
    own = live is not None and row >= 0 and (trip < 0 or bool(live.own_calls[row]))
    if own and live is not None:
        route = trip_ids_of_row(served, live, row)[2]
        if route < 0:
            return None
        scheduled = live.scheduled_epoch_s[call] if call >= 0 else 0
        headsign = names.get("headsign", "") or (bundle.texts[bundle.trip_headsign[trip]] if trip >= 0 else "")
        last = call >= 0 and call == live.ptr[row + 1] - 1
        trip_id = oba.decode_text(trip_ids_of_row(served, live, row)[0])
    else:
        route = bundle.trip_route[trip]
        scheduled = bundle.day_start_epoch_s(visit.day) + bundle.departure_s(trip, position)
        own_sign = bundle.pattern_headsign[bundle.call_row(trip, position)]
        headsign = bundle.texts[own_sign or bundle.trip_headsign[trip]]
        last = position == bundle.trip_length(trip) - 1
        trip_id = fragments.trip_id(trip)
    if last:
        return None  # nobody boards where a trip ends
    at, predicted = scheduled, False
    if live is not None and call >= 0:
        told = live.departure_epoch_s[call] or live.arrival_epoch_s[call]
        predicted = told > 0
        at = told or scheduled
    it = bundle.route(route)
    return Departure(
        trip_id=trip_id,
        route_name=it.short_name or it.long_name[:16],
        headsign=name_in(language, bundle, "trips.trip_headsign", headsign, split(trip_id)[1])
        or name_in(language, bundle, "routes.route_long_name", it.long_name, it.raw_id),
        platform=bundle.texts[bundle.stop_platform[visit.stop]] if tell_platform else "",
        at_epoch_s=at,
        scheduled_epoch_s=scheduled or at,
        predicted=predicted,
        how=how_told(language, at - scheduled if scheduled else None),
        minutes=in_minutes(language, at - when.epoch_s),
        cancelled=visit.cancelled,
        skipped=skipped,
        added=live is not None and row >= 0 and live.relationship[row] in ADDED,
        stops_away=_stops_away(live, row, position, when.epoch_s) if predicted and live is not None else None,
        missing=live is not None and not own and key_of(trip, yyyymmdd(visit.day)) in live.missing,
        risks=events.get((trip_id, yyyymmdd(visit.day)), ()),
        why=urlencode({
            "stop": fragments.stop(visit.stop).stop_id,
            "trip": trip_id,
            "serviceDate": bundle.day_start_epoch_s(visit.day) * 1000,
            "stopSequence": position,
        }),
    )  # fmt: skip


def _stops_away(live: object, row: int, position: int, now_epoch_s: float) -> int | None:
    from api.live import Live

    assert isinstance(live, Live)
    vehicle = live.vehicle[row]
    if vehicle < 0 or live.next_position[vehicle] < 0 or now_epoch_s - live.located_epoch_s[vehicle] > MOVED_ON_S:
        return None
    return max(0, position - live.next_position[vehicle])


def how_told(language: str, late_s: int | None) -> str:
    """A live time against the timetable: up to a minute either way is on time."""
    if late_s is None:
        return words.say(language, "arrivals.predicted_only")
    minutes = round(abs(late_s) / 60)
    if minutes < 1 or abs(late_s) < 60:
        return words.say(language, "arrivals.predicted")
    return words.say(language, f"arrivals.predicted_{'late' if late_s > 0 else 'early'}", minutes=minutes)


def in_minutes(language: str, seconds: float) -> str:
    """How long until then, whole minutes rounded down: better to be at the stop early."""
    minutes = int(seconds // 60)
    return (
        words.say(language, "arrivals.now")
        if minutes <= 0
        else words.say(language, "arrivals.minutes", minutes=minutes)
    )


def near(replica: Replica, lat: float, lon: float, *, radius_m: float, most: int) -> list[tuple[Served, int, int]]:
    """(timetable, row, metres) of the nearest stops at which anything calls."""
    found: list[tuple[int, Served, int]] = []
    for served in replica.served.values():
        calls = served.bundle.stop_route_ptr
        for row, away_m in zip(*stops_within(served.bundle, lat, lon, radius_m), strict=True):
            if calls[row + 1] > calls[row]:
                found.append((int(away_m), served, row))
    found.sort(key=lambda entry: (entry[0], entry[2]))
    return [(served, row, away) for away, served, row in found[:most]]


def search(replica: Replica, query: str, language: str, *, most: int) -> list[tuple[Served, int]]:
    """Stops that the query may mean, by number or name, in the timetable's words or the reader's, best first."""
    found: list[tuple[Match, Served]] = []
    for served in replica.served.values():
        by_index = served.stop_index.find(query, most)
        translated = rows_by_name(language, served.bundle, query)
        found += [(match, served) for match in by_index]
        found += [(Match(0, 0.0, row), served) for row in translated - {match.row for match in by_index}]
    found.sort(key=lambda entry: entry[0])
    return [(served, match.row) for match, served in found[:most]]


def centre_of(replica: Replica) -> tuple[float, float]:
    """Where the map starts: amid the stops, by the median, so that a far outpost does not pull it into the sea."""
    bundles = [served.bundle for served in replica.served.values()]
    if not any(len(bundle.stop_ids) for bundle in bundles):
        return 0.0, 0.0
    lat, lon = (
        np.median(np.concatenate([bundle.array(name) for bundle in bundles])) for name in ("stop_lat", "stop_lon")
    )
    return float(lat), float(lon)

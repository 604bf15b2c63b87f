"""``schedule-for-stop`` and ``schedule-for-route``: one day of the timetable, live or not."""

from collections.abc import Mapping
from datetime import date

from api import params
from api.directions import trips_by_direction
from api.formats import oba
from api.fragments import NO_PICKUP
from api.references import References
from api.served import Served
from api.stop_days import encode_day
from api.where import Ask
from domain import service_day


def schedule_for_stop(ask: Ask) -> bytes:
    """Every call at the stop (a station: at its platforms) on one service day, by route, then by headsign."""
    served, stop = ask.stop()
    zone = served.bundle.time_zone
    day = params.service_date(ask.query, "date", zone)
    at_epoch_s = params.instant_epoch_s(ask.query, "date", zone)
    if day is None or at_epoch_s is None:
        day, at_epoch_s = service_day.local_date(ask.now_epoch_s, zone), ask.now_epoch_s
    piece = served.kept.of(("schedule-for-stop", stop, day), lambda: _stop_day(ask.replica.served, served, stop, day))
    return oba.entry(
        b'{"date":%d,"stopId":%b,"stopRouteSchedules":%b}'
        % (int(at_epoch_s * 1000), served.fragments.stop(stop).id, piece.body),
        ask.references_of(piece),
    )


def _stop_day(all_served: Mapping[str, Served], served: Served, stop: int, day: date) -> tuple[bytes, References]:
    """Of a place that several feeds know, the schedules of all, its own first."""
    places = [(served, stop), *((all_served[feed_id], row) for feed_id, row in served.together.get(stop, ()))]
    references = References()
    schedules = [it for one, row in places for it in encode_day(one.fragments, row, day, references)]
    return oba.array(schedules), references


def schedule_for_route(ask: Ask) -> bytes:
    """Every trip of the route on one service day, by direction; times are seconds since the day's start."""
    served, route = ask.route()
    zone = served.bundle.time_zone
    day = params.service_date(ask.query, "date", zone) or service_day.local_date(ask.now_epoch_s, zone)
    piece = served.kept.of(("schedule-for-route", route, day), lambda: _route_day(served, route, day))
    noticed = served.notices.of_route(route, ask.now_epoch_s)
    return oba.entry(piece.body, ask.references_of(piece, noticed.references))


def _route_day(served: Served, route: int, day: date) -> tuple[bytes, References]:
    bundle, fragments = served.bundle, served.fragments
    references = References()
    active = bundle.active(day)
    services: dict[int, None] = {}
    encoded = []
    for direction, all_trips in trips_by_direction(bundle, route).items():
        trips = [it for it in all_trips if active[bundle.trip_service[it]] and not _is_later_run(served, it)]
        if trips:
            services.update((bundle.trip_service[trip], None) for trip in trips)
            encoded.append(_grouping(references, served, direction, trips))
    fragments.refer_to_route(references, route)
    body = b'{"routeId":%b,"scheduleDate":%d,"serviceIds":%b,"stopTripGroupings":%b}' % (
        fragments.route(route).id,
        bundle.day_start_epoch_s(day) * 1000,
        oba.array(fragments.service_id(service) for service in services),
        oba.array(encoded),
    )
    return body, references


def _is_later_run(served: Served, trip: int) -> bool:
    """A trip without published times has a row for every run of its window: its first stands for all."""
    bundle, window = served.bundle, served.bundle.trip_frequency[trip]
    return (
        window >= 0
        and not bundle.frequency_exact[window]
        and bundle.trip_start_s[trip] != bundle.frequency_start_s[window]
    )


def _grouping(references: References, served: Served, direction: str, trips: list[int]) -> bytes:
    bundle, fragments = served.bundle, served.fragments
    headsigns: dict[bytes, None] = {}
    with_times = []
    for trip in trips:
        piece = fragments.trip(trip)
        headsigns[piece.headsign] = None
        references.trips[piece.id] = piece.reference
        rows = range(piece.call_row, piece.call_row + piece.calls)
        arrivals, departures = bundle.trip_arrivals_s(trip).tolist(), bundle.trip_departures_s(trip).tolist()
        calls = [
            b'{"arrivalEnabled":%b,"arrivalTime":%d,"departureEnabled":%b,"departureTime":%d,"serviceId":%b,'
            b'"stopHeadsign":%b,"stopId":%b,"tripId":%b}'
            % (
                oba.boolean(bundle.pattern_drop_off[row] != NO_PICKUP),
                arrival_s,
                oba.boolean(bundle.pattern_pickup[row] != NO_PICKUP),
                departure_s,
                fragments.service_id(bundle.trip_service[trip]),
                fragments.headsign_text(bundle.pattern_headsign[row]),
                fragments.stop_id(bundle.pattern_stop[row]),
                piece.id,
            )
            for row, arrival_s, departure_s in zip(rows, arrivals, departures, strict=True)
        ]
        with_times.append(b'{"stopTimes":%b,"tripId":%b}' % (oba.array(calls), piece.id))
    route = bundle.trip_route[trips[0]]
    stops = next((group.stops for group in fragments.directions(route) if group.direction == direction), ())
    called = {bundle.pattern_stop[row] for trip in trips for row in _call_rows(served, trip)}
    stops = tuple(stop for stop in stops if stop in called)
    for stop in stops:
        references.add_stop(fragments.stop(stop))
    return b'{"directionId":%b,"stopIds":%b,"tripHeadsigns":%b,"tripIds":%b,"tripsWithStopTimes":%b}' % (
        oba.encode(direction),
        oba.array(fragments.stop_id(stop) for stop in stops),
        oba.array(headsigns),
        oba.array(dict.fromkeys(fragments.trip(trip).id for trip in trips)),
        oba.array(with_times),
    )


def _call_rows(served: Served, trip: int) -> range:
    piece = served.fragments.trip(trip)
    return range(piece.call_row, piece.call_row + piece.calls)

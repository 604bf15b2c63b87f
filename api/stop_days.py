"""One stop's day in the timetable."""

from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from api.formats import oba
from api.fragments import NO_PICKUP, Fragments
from api.references import References


class _Calls(NamedTuple):
    """Every call at some stops on one day, by departure: columns of the same length."""

    trip: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    arrival_s: npt.NDArray[np.int64]
    departure_s: npt.NDArray[np.int64]


def encode_day(fragments: Fragments, stop: int, day: date, references: References) -> list[bytes]:
    """``stopRouteSchedules`` of a stop's day; what they refer to is added to the references."""
    bundle = fragments.bundle
    start = bundle.day_start_epoch_s(day)
    calls = _calls_of(fragments, stop, day)
    for platform in fragments.platforms(stop):
        references.add_stop(fragments.stop(platform))
    routes: dict[int, dict[bytes, tuple[list[bytes], list[bytes]]]] = {}
    windows: set[tuple[int, bytes]] = set()
    for trip, position, arrival_s, departure_s in zip(*(column.tolist() for column in calls), strict=True):
        piece = fragments.trip(trip)
        call_row = piece.call_row + position
        own_headsign = bundle.pattern_headsign[call_row]
        headsign = fragments.headsign_text(own_headsign) if own_headsign else piece.headsign
        times, frequencies = routes.setdefault(piece.route, {}).setdefault(headsign, ([], []))
        references.trips[piece.id] = piece.reference
        ends = (
            oba.boolean(bundle.pattern_drop_off[call_row] != NO_PICKUP),
            oba.boolean(bundle.pattern_pickup[call_row] != NO_PICKUP),
            fragments.service_id(bundle.trip_service[trip]),
            fragments.headsign_text(own_headsign),
            piece.id,
        )
        if piece.frequency >= 0:
            if (piece.frequency, headsign) not in windows:
                windows.add((piece.frequency, headsign))
                frequencies.append(_frequency(fragments, piece.frequency, start, ends))
            continue
        times.append(
            b'{"arrivalEnabled":%b,"arrivalTime":%d,"departureEnabled":%b,"departureTime":%d,"serviceId":%b,'
            b'"stopHeadsign":%b,"tripId":%b}'
            % (ends[0], (start + arrival_s) * 1000, ends[1], (start + departure_s) * 1000, *ends[2:])
        )
    schedules = []
    for route in sorted(routes, key=lambda row: (bundle.route_sort[row], row)):
        route_piece = fragments.route(route)
        references.routes[route_piece.id] = route_piece.reference
        agency_id, agency = fragments.agencies[route_piece.agency]
        references.agencies[agency_id] = agency
        groups = [
            b'{"scheduleFrequencies":%b,"scheduleStopTimes":%b,"tripHeadsign":%b}'
            % (oba.array(frequencies), oba.array(times), headsign)
            for headsign, (times, frequencies) in routes[route].items()
        ]
        schedules.append(b'{"routeId":%b,"stopRouteDirectionSchedules":%b}' % (route_piece.id, oba.array(groups)))
    return schedules


def _frequency(fragments: Fragments, window: int, start_epoch_s: int, ends: tuple[bytes, ...]) -> bytes:
    bundle = fragments.bundle
    arrives, departs, service_id, headsign, trip_id = ends
    return (
        b'{"arrivalEnabled":%b,"departureEnabled":%b,"endTime":%d,"headway":%d,"serviceDate":%d,"serviceId":%b,'
        b'"startTime":%d,"stopHeadsign":%b,"tripId":%b}'
        % (
            arrives,
            departs,
            (start_epoch_s + bundle.frequency_end_s[window]) * 1000,
            bundle.frequency_headway_s[window],
            start_epoch_s * 1000,
            service_id,
            (start_epoch_s + bundle.frequency_start_s[window]) * 1000,
            headsign,
            trip_id,
        )
    )


def _calls_of(fragments: Fragments, stop: int, day: date) -> _Calls:
    bundle = fragments.bundle
    active = np.frombuffer(bundle.active(day), np.uint8)
    rows = np.concatenate(
        [
            np.arange(bundle.stop_call_ptr[platform], bundle.stop_call_ptr[platform + 1], dtype=np.int64)
            for platform in fragments.platforms(stop)
        ]
    )
    trip = bundle.array("call_trip")[rows].astype(np.int64)
    runs = active[bundle.array("trip_service")[trip]] != 0
    rows, trip = rows[runs], trip[runs]
    position = bundle.array("call_position")[rows].astype(np.int64)
    departure_s = bundle.array("call_departure_s")[rows].astype(np.int64)
    time_row = bundle.array("profile_ptr")[bundle.array("trip_profile")[trip]] + position
    arrival_s = bundle.array("trip_start_s")[trip].astype(np.int64) + bundle.array("profile_arrival_s")[time_row]
    order = np.lexsort((trip, departure_s))
    return _Calls(trip[order], position[order], arrival_s[order], departure_s[order])

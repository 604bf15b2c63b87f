"""One visit as an ``arrivalAndDeparture`` of OneBusAway's API, with all it refers to: encoded once a tick where it is told live."""

from typing import NamedTuple

from api.formats import oba
from api.fragments import NO_PICKUP
from api.live import Live, key_of
from api.references import StopPiece, TripPiece
from api.served import Served
from api.status import OCCUPANCY, STATUS_WORDS, Status, live_status, scheduled_status, trip_ids_of_row, vehicle_id
from api.visits import Moment, Visit
from api.where import Ask
from domain import service_day
from domain.predictions import CallFlag
from domain.realtime import TripRelationship

ROW_BYTES = 420
"""Of memory for an encoded visit beside its row: what it refers to is shared."""
ADDED_TRIPS = frozenset(
    int(one)
    for one in (TripRelationship.ADDED, TripRelationship.NEW, TripRelationship.UNSCHEDULED, TripRelationship.DUPLICATED)
)
CANCELED, DEFAULT = b'"CANCELED"', b'"default"'


class Encoded(NamedTuple):
    """One ``arrivalAndDeparture`` and all it refers to."""

    row: bytes
    stops: tuple[StopPiece, ...]
    trips: dict[bytes, bytes]
    routes: dict[bytes, bytes]
    agencies: dict[bytes, bytes]
    situations: dict[bytes, bytes]


def encode_visit(ask: Ask, served: Served, visit: Visit, when: Moment) -> bytes | None:
    """One ``arrivalAndDeparture``, with all it refers to added to the references; None when it names no known route.

    What is told live says the same until the next tick, so its piece is kept as long.
    """
    live = when.live
    if visit.call >= 0 and live is not None:
        if live.rows_revision != served.notices.revision(when.epoch_s):
            live.encoded_rows.clear()
            live.rows_revision = served.notices.revision(when.epoch_s)
        found: Encoded | None = live.encoded_rows.get(visit.call, None)
        if found is None:
            found = _encode_told(ask, served, visit, when, live)
            live.encoded_rows.put(visit.call, found, ROW_BYTES + (len(found.row) if found is not None else 0))
    else:
        found = _encode_scheduled(ask, served, visit, when)
    if found is None:
        return None
    references = ask.references
    for stop in found.stops:
        references.add_stop(stop)
    references.trips.update(found.trips)
    references.routes.update(found.routes)
    references.agencies.update(found.agencies)
    if found.situations:
        references.situations.update(found.situations)
    if ask.with_intervals and visit.call >= 0 and live is not None:
        return _with_intervals(found.row, live, visit.call)
    return found.row


def _with_intervals(row: bytes, live: Live, call: int) -> bytes:
    """The row with the bands that 80 of 100 such arrivals keep to, where they are known."""
    early_s, late_s = live.early_s[call], live.late_s[call]
    if not (early_s or late_s):
        return row
    arrival = live.arrival_epoch_s[call] or live.departure_epoch_s[call]
    departure = live.departure_epoch_s[call] or arrival
    for name, at in ((b'"predictedArrivalInterval":', arrival), (b'"predictedDepartureInterval":', departure)):
        band = oba.interval(at + early_s, at + late_s)
        row = row.replace(name + oba.NULL, name + band, 1)
    return row


def _encode_told(ask: Ask, served: Served, visit: Visit, when: Moment, live: Live) -> Encoded | None:
    if visit.trip < 0 or live.own_calls[visit.row]:
        return _encode_own(ask, served, visit, when, live)
    return _encode_scheduled(ask, served, visit, when)


def _encoded(
    served: Served,
    row: bytes,
    *,
    stop: StopPiece,
    trip: tuple[bytes, bytes],
    route: int,
    status: Status | None,
    situations: dict[bytes, bytes],
) -> Encoded:
    fragments = served.fragments
    if status is None:
        routes, agencies = fragments.routes_together((route,))
        return Encoded(
            row=row, stops=(stop,), trips=dict((trip,)), routes=routes, agencies=agencies, situations=situations
        )
    routes, agencies = fragments.routes_together((route,) if route == status.route else (route, status.route))
    if status.situations:
        situations = situations | status.situations
    return Encoded(
        row=row,
        stops=(stop, *(fragments.stop(passed) for passed in status.stops)),
        trips=status.trips if trip[0] in status.trips else dict((trip,)) | status.trips,
        routes=routes,
        agencies=agencies,
        situations=situations,
    )


def _encode_scheduled(ask: Ask, served: Served, visit: Visit, when: Moment) -> Encoded:
    """A visit of a trip of the timetable, told live or not."""
    live = when.live
    bundle, fragments = served.bundle, served.fragments
    trip, position = visit.trip, visit.position
    piece = fragments.trip(trip)
    route = fragments.route(piece.route)
    call_row, time_row = piece.call_row + position, piece.time_row + position
    day_start = bundle.day_start_epoch_s(visit.day)
    start = day_start + piece.start_s
    scheduled_arrival = start + bundle.profile_arrival_s[time_row]
    scheduled_departure = start + bundle.profile_departure_s[time_row]
    number = service_day.yyyymmdd(visit.day)
    noticed = served.notices.of_call(trip, visit.stop, number, when.epoch_s)
    arrival = departure = updated = 0
    occupancy, vehicle = oba.BLANK, oba.BLANK
    status: Status | None
    if visit.row >= 0 and live is not None:
        status = live_status(served, live, visit.row, ask.now_epoch_s)
        aboard = live.vehicle[visit.row]
        if aboard >= 0:
            vehicle = vehicle_id(served, live, aboard)
            if live.occupancy[aboard] >= 0:
                occupancy = OCCUPANCY[live.occupancy[aboard]]
        if visit.call >= 0:
            arrival = live.arrival_epoch_s[visit.call] or live.departure_epoch_s[visit.call]
            departure = live.departure_epoch_s[visit.call] or arrival
            updated = live.updated_epoch_s[visit.row]
    else:
        status = scheduled_status(served, trip, number, day_start, when.epoch_s)
    along_m = bundle.pattern_distance_m[call_row]
    if status is not None:
        stops_away, metres_away = position + status.stops_offset, along_m + status.metres_offset
    else:
        over = when.epoch_s > start + bundle.profile_departure_s[piece.time_row + piece.calls - 1]
        stops_away = position - piece.calls if over else position
        metres_away = along_m - served.trip_length_m(piece) if over else along_m
    headsign = bundle.pattern_headsign[call_row]
    stop = fragments.stop(visit.stop)
    row = oba.ARRIVAL % (
        oba.FALSE if bundle.pattern_drop_off[call_row] == NO_PICKUP else oba.TRUE,
        fragments.block_sequence(trip, piece.block, visit.day),
        oba.FALSE if bundle.pattern_pickup[call_row] == NO_PICKUP else oba.TRUE,
        oba.decimal(metres_away),
        oba.NULL if piece.frequency < 0 else frequency(served, piece, day_start),
        served.usual_occupancy(trip, visit.day, scheduled_arrival - day_start).encode(),
        updated * 1000,
        stops_away,
        occupancy,
        oba.TRUE if visit.call >= 0 else oba.FALSE,
        arrival * 1000,
        departure * 1000,
        route.row_part,
        scheduled_arrival * 1000,
        scheduled_departure * 1000,
        day_start * 1000,
        noticed.ids,
        CANCELED if visit.cancelled else DEFAULT,
        stop.id,
        position,
        piece.calls,
        fragments.headsign_text(headsign) if headsign else piece.headsign,
        piece.id,
        _notes(live, visit, number) + _member(status),
        vehicle,
    )
    return _encoded(
        served,
        row,
        stop=stop,
        trip=(piece.id, piece.reference),
        route=piece.route,
        status=status,
        situations=noticed.references,
    )


NOTES = (
    (CallFlag.INFERRED, "tripInferred"),
    (CallFlag.DETOUR, "vehicleOffRoute"),
    (CallFlag.UNCERTAIN, "uncertain"),
)
"""CallFlag to the word that says it in ``waysideNotes``."""


def _notes(live: Live | None, visit: Visit, date_yyyymmdd: int) -> bytes:
    """What clients should know of the arrival that OneBusAway has no field for; nothing where there is nothing."""
    if live is None:
        return b""
    flags = live.flags[visit.call] if visit.call >= 0 else 0
    words = [word for flag, word in NOTES if flags & flag]
    if live.missing and key_of(visit.trip, date_yyyymmdd) in live.missing:
        words.append("vehicleMissing")
    return b'"waysideNotes":%b,' % oba.encode(words) if words else b""


def _member(status: Status | None) -> bytes:
    return b"" if status is None else b'"tripStatus":%b,' % status.member


def frequency(served: Served, piece: TripPiece, day_start_epoch_s: int) -> bytes:
    """The window of a trip without published times."""
    bundle, row = served.bundle, piece.frequency
    return oba.frequency(
        day_start_epoch_s + bundle.frequency_start_s[row],
        day_start_epoch_s + bundle.frequency_end_s[row],
        bundle.frequency_headway_s[row],
    )


def _encode_own(ask: Ask, served: Served, visit: Visit, when: Moment, live: Live) -> Encoded | None:
    """A visit of a trip that lists its own calls: added, duplicated, replacement."""
    row, call, position = visit.row, visit.call, visit.position
    trip_id, trip_reference, route_row = trip_ids_of_row(served, live, row)
    if route_row < 0:
        return None
    bundle, fragments = served.bundle, served.fragments
    names, number = live.named.get(row, {}), live.service_date[row]
    route = fragments.route(route_row)
    arrival = live.arrival_epoch_s[call] or live.departure_epoch_s[call]
    departure = live.departure_epoch_s[call] or arrival
    scheduled = live.scheduled_epoch_s[call] or departure
    predicted = arrival > 0
    status = live_status(served, live, row, ask.now_epoch_s)
    aboard = live.vehicle[row]
    vehicle = vehicle_id(served, live, aboard)
    occupancy = OCCUPANCY[live.occupancy[aboard]] if aboard >= 0 and live.occupancy[aboard] >= 0 else oba.BLANK
    if visit.trip >= 0 and not names.get("trip_id"):
        noticed = served.notices.of_call(visit.trip, visit.stop, number, when.epoch_s)
    else:
        noticed = served.notices.of_added_call(names.get("trip_id", ""), route_row, visit.stop, number, when.epoch_s)
    stops_away = position + (status.stops_offset if status else 0)
    metres_away, call_row = 0.0, -1
    if visit.trip >= 0 and bundle.trip_length(visit.trip) == live.calls(row):
        call_row = bundle.call_row(visit.trip, position)
        metres_away = bundle.pattern_distance_m[call_row] + (status.metres_offset if status else 0.0)
    stop = fragments.stop(visit.stop)
    day_start = bundle.day_start_epoch_s(visit.day)
    last = live.stop_at(bundle, row, live.calls(row) - 1)
    headsign = names.get("headsign", "") or (bundle.texts[bundle.trip_headsign[visit.trip]] if visit.trip >= 0 else "")
    piece = fragments.trip(visit.trip) if visit.trip >= 0 else None
    encoded_row = oba.ARRIVAL % (
        oba.boolean(call_row < 0 or bundle.pattern_drop_off[call_row] != NO_PICKUP),
        fragments.block_sequence(visit.trip, bundle.trip_block[visit.trip], visit.day) if visit.trip >= 0 else 0,
        oba.boolean(call_row < 0 or bundle.pattern_pickup[call_row] != NO_PICKUP),
        oba.decimal(metres_away),
        oba.NULL if piece is None or piece.frequency < 0 else frequency(served, piece, day_start),
        served.usual_occupancy(visit.trip, visit.day, scheduled - day_start).encode() if visit.trip >= 0 else b"",
        live.updated_epoch_s[row] * 1000,
        stops_away,
        occupancy,
        oba.boolean(predicted),
        arrival * 1000,
        departure * 1000,
        route.row_part,
        (scheduled if scheduled != departure else arrival) * 1000,
        scheduled * 1000,
        day_start * 1000,
        noticed.ids,
        STATUS_WORDS[live.relationship[row]] if live.relationship[row] in ADDED_TRIPS else DEFAULT,
        stop.id,
        position,
        live.calls(row),
        oba.encode(headsign or bundle.texts[bundle.stop_name[last]]),
        trip_id,
        _member(status),
        vehicle,
    )
    return _encoded(
        served,
        encoded_row,
        stop=stop,
        trip=(trip_id, trip_reference),
        route=route_row,
        status=status,
        situations=noticed.references,
    )

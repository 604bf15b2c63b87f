"""``tripStatus``: how one trip is doing, encoded once a tick and trip, and how far a stop of it still is."""

from collections.abc import Callable
from math import isfinite, nan
from typing import NamedTuple

from api.formats import oba
from api.live import GONE, Live
from api.notices import NOTHING
from api.progress import Progress, Spot, progress_at, spot_at
from api.references import TripPiece
from api.served import Served
from domain import service_day
from domain.ids import qualify
from domain.realtime import NO_VALUE, OCCUPANCY_NAMES

SCHEDULED_STATUS_S = 10
"""How long a status that only rests on the clock is kept."""
STATUS_BYTES = 700
"""Of memory for a status, beside its object."""

OCCUPANCY = tuple(oba.encode(name) for name in OCCUPANCY_NAMES)
STATUS_WORDS = {int(value): oba.encode(word) for value, word in oba.TRIP_STATUS.items()}
DEFAULT = b'"default"'
IN_PROGRESS, BEFORE, SCHEDULED = b'"in_progress"', b'"layover_before"', b'"scheduled"'


class Status(NamedTuple):
    """A trip's status.

    *member* is the bare object; *stops*, *trips*, *route* and *situations* are what it refers to. A call at 0-based
    position ``p``, ``d`` metres along the asked trip, is ``p + stops_offset`` stops and ``d + metres_offset`` ahead.
    *lat* and *lon* are where the trip's vehicle is, or should be.
    """

    member: bytes
    stops: tuple[int, ...]
    trips: dict[bytes, bytes]
    route: int
    situations: dict[bytes, bytes]
    stops_offset: int
    metres_offset: float
    phase: bytes
    status: bytes
    lat: float
    lon: float


def live_status(served: Served, live: Live, row: int, now_epoch_s: float) -> Status | None:
    """The status of a live row, as its vehicle is; None when no stop can be named as the closest."""
    found = live.encoded_statuses.get(row, live)
    if found is not live:
        return found  # type: ignore[no-any-return]  # the cache holds nothing else
    vehicle = live.vehicle[row]
    active = live.vehicle_trip[vehicle] if vehicle >= 0 else -1
    if active < 0:
        active = row
    if active != row:
        base = live_status(served, live, active, now_epoch_s)
        made = base and _on_later_trip(served, live, row, active, base)
    else:
        made = _make(served, live, row, vehicle, now_epoch_s)
    live.encoded_statuses.put(row, made, _bytes(made))
    return made


def _bytes(status: Status | None) -> int:
    return 100 if status is None else STATUS_BYTES + len(status.member)


def _on_later_trip(served: Served, live: Live, row: int, active: int, base: Status) -> Status:
    """The vehicle is still on another trip of the block: count what is left of that, and what lies between."""
    first, second = live.trip[active], live.trip[row]
    if first < 0 or second < 0:
        return base
    fragments = served.fragments
    piece = fragments.trip(first)
    stops, metres = piece.calls + base.stops_offset, served.trip_length_m(piece) + base.metres_offset
    order = fragments.block_day(piece.block, live.day(row)) if piece.block >= 0 else {}
    low, high = order.get(first, 0), order.get(second, 0)
    for trip, place in order.items():
        if low < place < high:
            between = fragments.trip(trip)
            stops += between.calls
            metres += served.trip_length_m(between)
    return base._replace(stops_offset=stops, metres_offset=metres)


def trip_ids_of_row(served: Served, live: Live, row: int) -> tuple[bytes, bytes, int]:
    """(trip id as JSON, object to refer to, route row) of a live row; route -1 when the timetable has no such route."""
    fragments, bundle = served.fragments, served.bundle
    trip, names = live.trip[row], live.named.get(row, {})
    if trip >= 0 and not names.get("trip_id"):
        piece = fragments.trip(trip)
        return piece.id, piece.reference, piece.route
    route = bundle.trip_route[trip] if trip >= 0 else -1
    if names.get("route_id"):
        named_route = bundle.route_ids.index(names["route_id"])
        route = route if named_route is None else named_route
    if route < 0:
        return oba.BLANK, b"", -1
    code = bundle.agency_of_route(route).code
    trip_id = qualify(code, names.get("trip_id", ""))
    if trip >= 0:
        it, headsign = bundle.trip(trip), names.get("headsign", "") or text_of(fragments.trip(trip))
    else:
        it, headsign = oba.added_trip(names), names.get("headsign", "") or _last_stop_name(served, live, row)
    route_id = fragments.route(route).route_id
    reference = oba.trip(it, trip_id=trip_id, route_id=route_id, code=fragments.code, headsign=headsign)
    return oba.encode(trip_id), reference, route


def text_of(piece: TripPiece) -> str:
    """The trip's headsign as text."""
    return oba.decode_text(piece.headsign)


def _last_stop_name(served: Served, live: Live, row: int) -> str:
    stop = live.stop_at(served.bundle, row, live.calls(row) - 1)
    return served.bundle.texts[served.bundle.stop_name[stop]] if stop >= 0 else ""


def row_times(served: Served, live: Live, row: int) -> tuple[list[int], list[int], list[float]]:
    """(arrivals, departures, metres along) of every call of a live row: told times where there are, else scheduled."""
    bundle, trip = served.bundle, live.trip[row]
    calls, first = live.calls(row), live.ptr[row]
    told_a, told_d = live.arrival_epoch_s, live.departure_epoch_s
    scheduled: list[int]
    if live.own_calls[row] or trip < 0:
        scheduled_a = scheduled = [live.scheduled_epoch_s[first + k] for k in range(calls)]
        metres = bundle.trip_distances_m(trip).tolist() if trip >= 0 and bundle.trip_length(trip) == calls else []
        metres = metres or [0.0] * calls
    else:
        start = bundle.day_start_epoch_s(live.day(row))
        deviation = live.deviation_s[row]
        start += 0 if deviation == NO_VALUE else deviation
        scheduled = (bundle.trip_departures_s(trip).astype("i8") + start).tolist()
        scheduled_a = (bundle.trip_arrivals_s(trip).astype("i8") + start).tolist()
        metres = bundle.trip_distances_m(trip).tolist()
        calls = min(calls, len(scheduled))
    arrivals, departures = list(scheduled_a), list(scheduled)
    latest = 0
    for k in range(calls):
        arrival = told_a[first + k] or told_d[first + k] or arrivals[k]
        departure = told_d[first + k] or told_a[first + k] or departures[k]
        arrivals[k] = max(arrival, latest)
        departures[k] = latest = max(departure, arrivals[k])
    return arrivals, departures, metres


def _make(served: Served, live: Live, row: int, vehicle: int, now_epoch_s: float) -> Status | None:
    trip = live.trip[row]
    arrivals, departures, metres = row_times(served, live, row)
    if not departures:
        return None
    by_clock = progress_at(now_epoch_s, arrivals, departures, metres)
    progress, spot, raw = by_clock, Spot(nan, nan, nan), Spot(nan, nan, nan)
    if vehicle >= 0:
        raw = Spot(live.lat[vehicle], live.lon[vehicle], live.bearing_deg[vehicle])
        spot = Spot(live.snapped_lat[vehicle], live.snapped_lon[vehicle], raw.bearing_deg)
        if not isfinite(spot.lat):
            spot = raw
        if live.next_position[vehicle] >= 0:
            nearest = live.closest_position[vehicle]
            progress = Progress(
                live.next_position[vehicle],
                live.distance_m[vehicle],
                live.next_offset_s[vehicle],
                nearest if nearest >= 0 else live.next_position[vehicle],
                live.closest_offset_s[vehicle],
            )
    distance_m = progress.distance_m if isfinite(progress.distance_m) else by_clock.distance_m
    if not isfinite(spot.lat):
        if trip >= 0:
            spot = spot_at(served.bundle, trip, distance_m)
        elif (stop := live.stop_at(served.bundle, row, progress.closest_position)) >= 0:
            spot = Spot(served.bundle.stop_lat[stop], served.bundle.stop_lon[stop], nan)  # no line is known of it
    relationship = live.relationship[row]
    gone = relationship in GONE
    predicted = not gone and live.source[row] != 0
    if gone:
        phase = oba.BLANK
    else:
        phase = BEFORE if progress.next_position == 0 and now_epoch_s < departures[0] else IN_PROGRESS
    deviation = live.deviation_s[row]
    return _encode(
        served,
        trip=trip,
        ids=trip_ids_of_row(served, live, row),
        date_yyyymmdd=live.service_date[row],
        stop_at=lambda position: live.stop_at(served.bundle, row, position),
        progress=progress._replace(distance_m=distance_m),
        spot=spot,
        raw=raw,
        scheduled_m=_scheduled_m(live, vehicle, distance_m),
        total_m=metres[-1],
        deviation_s=0 if deviation == NO_VALUE or gone else deviation,
        located_epoch_s=live.located_epoch_s[vehicle] if vehicle >= 0 else 0,
        updated_epoch_s=live.updated_epoch_s[row],
        occupancy=OCCUPANCY[live.occupancy[vehicle]] if vehicle >= 0 and live.occupancy[vehicle] >= 0 else oba.BLANK,
        phase=phase,
        status=STATUS_WORDS.get(relationship, DEFAULT) if predicted or gone else DEFAULT,
        predicted=predicted,
        vehicle_id=vehicle_id(served, live, vehicle),
        now_epoch_s=now_epoch_s,
    )


def _encode(
    served: Served,
    *,
    trip: int,
    ids: tuple[bytes, bytes, int],
    date_yyyymmdd: int,
    stop_at: Callable[[int], int],
    progress: Progress,
    spot: Spot,
    raw: Spot,
    scheduled_m: float,
    total_m: float,
    deviation_s: int,
    located_epoch_s: int,
    updated_epoch_s: int,
    occupancy: bytes,
    phase: bytes,
    status: bytes,
    predicted: bool,
    vehicle_id: bytes,
    now_epoch_s: float,
) -> Status | None:
    trip_id, trip_reference, route = ids
    closest, following = stop_at(progress.closest_position), stop_at(progress.next_position)
    if closest < 0 or route < 0 or not isfinite(spot.lat):
        return None
    fragments, bundle = served.fragments, served.bundle
    day = service_day.from_yyyymmdd(date_yyyymmdd)
    noticed = served.notices.of_trip(trip, date_yyyymmdd, now_epoch_s) if trip >= 0 else NOTHING
    bearing = spot.bearing_deg
    if not isfinite(bearing) and trip >= 0:
        bearing = spot_at(bundle, trip, progress.distance_m).bearing_deg
    member = oba.STATUS % (
        trip_id,
        fragments.block_sequence(trip, bundle.trip_block[trip], day) if trip >= 0 else 0,
        fragments.stop(closest).id,
        progress.closest_offset_s,
        oba.decimal(progress.distance_m),
        int(progress.distance_m) if located_epoch_s else 0,
        oba.location(b"lastKnownLocation", raw.lat, raw.lon),
        oba.decimal(oba.orientation_deg(raw.bearing_deg)),
        located_epoch_s * 1000,
        updated_epoch_s * 1000,
        fragments.stop(following).id if following >= 0 else oba.BLANK,
        progress.next_offset_s,
        occupancy,
        oba.decimal(oba.orientation_deg(bearing)),
        phase,
        b"%.6f" % spot.lat,
        b"%.6f" % spot.lon,
        oba.boolean(predicted),
        deviation_s,
        oba.decimal(scheduled_m),
        bundle.day_start_epoch_s(day) * 1000,
        noticed.ids,
        status,
        oba.decimal(total_m),
        _features(served, trip),
        vehicle_id,
    )
    return Status(
        member=member,
        stops=(closest, following) if following >= 0 else (closest,),
        trips={trip_id: trip_reference},
        route=route,
        situations=noticed.references,
        stops_offset=-progress.next_position,
        metres_offset=-progress.distance_m,
        phase=phase,
        status=status,
        lat=spot.lat,
        lon=spot.lon,
    )


def _features(served: Served, trip: int) -> bytes:
    """What the timetable says of the vehicles of that trip."""
    if trip < 0:
        return oba.VEHICLE_FEATURES[0]
    bundle = served.bundle
    return oba.VEHICLE_FEATURES[2 * (bundle.trip_wheelchair[trip] == 1) + (bundle.trip_bikes[trip] == 1)]


def _scheduled_m(live: Live, vehicle: int, otherwise_m: float) -> float:
    scheduled_m = live.scheduled_distance_m[vehicle] if vehicle >= 0 else nan
    return scheduled_m if isfinite(scheduled_m) else otherwise_m


def vehicle_id(served: Served, live: Live, vehicle: int) -> bytes:
    """The vehicle's qualified id as JSON, blank for none."""
    return oba.encode(qualify(served.fragments.code, live.vehicle_ids[vehicle])) if vehicle >= 0 else oba.BLANK


def scheduled_status(
    served: Served, trip: int, date_yyyymmdd: int, day_start_epoch_s: int, now: float, *, any_time: bool = False
) -> Status | None:
    """The status of a trip that nothing live is known of, by the clock alone.

    None when it is not under way, unless *any_time*: then it stands at its first or last stop.
    """
    bundle = served.bundle
    calls = bundle.trip_length(trip)
    if not calls:
        return None
    start, end = bundle.trip_start_s[trip], bundle.arrival_s(trip, calls - 1)
    under_way = start <= now - day_start_epoch_s <= end
    if not under_way and not any_time:
        return None
    tick = int(now) // SCHEDULED_STATUS_S
    key = (trip, date_yyyymmdd)
    kept = served.scheduled_statuses.get(key)
    if kept is not None and kept[0] == tick:
        status: Status | None = kept[1]
        return status
    arrivals = (bundle.trip_arrivals_s(trip).astype("i8") + day_start_epoch_s).tolist()
    departures = (bundle.trip_departures_s(trip).astype("i8") + day_start_epoch_s).tolist()
    metres = bundle.trip_distances_m(trip).tolist()
    progress = progress_at(now, arrivals, departures, metres)
    piece = served.fragments.trip(trip)
    stops = bundle.trip_stops(trip).tolist()
    made = _encode(
        served,
        trip=trip,
        ids=(piece.id, piece.reference, piece.route),
        date_yyyymmdd=date_yyyymmdd,
        stop_at=lambda position: stops[position] if 0 <= position < len(stops) else -1,
        progress=progress,
        spot=spot_at(bundle, trip, progress.distance_m),
        raw=Spot(nan, nan, nan),
        scheduled_m=progress.distance_m,
        total_m=metres[-1],
        deviation_s=0,
        located_epoch_s=0,
        updated_epoch_s=0,
        occupancy=oba.BLANK,
        phase=IN_PROGRESS if under_way else SCHEDULED,
        status=DEFAULT,
        predicted=False,
        vehicle_id=oba.BLANK,
        now_epoch_s=now,
    )
    served.scheduled_statuses.put(key, (tick, made), _bytes(made))
    return made

"""GTFS-realtime datasets made up for any timetable, at its busiest moment: bytes as an agency would send them. Seeded."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from google.transit import gtfs_realtime_pb2

from api.progress import spot_at
from domain import service_day
from store.timetable import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One poll of an agency's two feeds."""

    trip_updates: bytes
    vehicles: bytes
    trips: int
    stop_time_updates: int
    on_the_road: int


def busiest_epoch_s(bundle: Bundle) -> int:
    """When most trips are under way, to a quarter of an hour, on the day of the calendar with most trips."""
    first = service_day.from_yyyymmdd(bundle.meta["first_day"])
    last = service_day.from_yyyymmdd(bundle.meta["last_day"])
    trips = np.bincount(bundle.array("trip_service"), minlength=len(bundle.service_ids))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    day = max(days, key=lambda day: int(trips[np.frombuffer(bundle.active(day), np.uint8) == 1].sum()))
    active = np.frombuffer(bundle.active(day), np.uint8)[bundle.array("trip_service")] == 1
    begins, ends = _span(bundle)
    quarters = np.arange(0, 86_400, 900)
    under_way = np.searchsorted(np.sort(begins[active]), quarters, "right") - np.searchsorted(
        np.sort(ends[active]), quarters
    )
    return bundle.day_start_epoch_s(day) + int(quarters[under_way.argmax()])


def _span(
    bundle: Bundle,
) -> "tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]]":
    begins = bundle.array("trip_start_s").astype(np.int64)
    return begins, begins + bundle.array("profile_arrival_s")[
        bundle.array("profile_ptr")[bundle.array("trip_profile") + 1] - 1
    ]


def make_dataset(
    bundle: Bundle,
    now_epoch_s: int,
    *,
    most_trips: int = 100_000,
    most_calls: int = 1000,
    seed: int = 1,
    waiting: bool = False,
) -> Dataset:
    """Updates for the trips under way (and those about to start, up to *most_trips*, *most_calls* of each), -60 s to +15 min late, and a
    vehicle for each trip under way; *waiting*: for those about to start, too. Another *seed* gives every trip a delay some seconds
    different.
    """
    lot, places = np.random.default_rng(seed), np.random.default_rng(7)
    found: list[tuple[int, int, int]] = []
    begins, ends = _span(bundle)
    for day in bundle.service_days_around(now_epoch_s, now_epoch_s + 1800):
        start = bundle.day_start_epoch_s(day)
        active = np.frombuffer(bundle.active(day), np.uint8)[bundle.array("trip_service")] == 1
        rows = np.flatnonzero(active & (begins + start <= now_epoch_s + 1800) & (ends + start >= now_epoch_s))
        found += [(int(trip), service_day.yyyymmdd(day), start) for trip in rows]
    late_s, turn = places.integers(-60, 900, len(bundle.trip_ids)), places.random(len(bundle.trip_ids))
    found = sorted(sorted(found, key=lambda it: float(turn[it[0]]))[:most_trips])
    updates, vehicles = gtfs_realtime_pb2.FeedMessage(), gtfs_realtime_pb2.FeedMessage()
    for message in (updates, vehicles):
        message.header.gtfs_realtime_version = "2.0"
        message.header.timestamp = now_epoch_s
    told = 0
    for trip, date, start in found:
        delay = int(late_s[trip]) + int(lot.integers(-20, 21))
        arrivals = bundle.trip_arrivals_s(trip).astype(np.int64) + start + delay
        departures = bundle.trip_departures_s(trip).astype(np.int64) + start + delay
        stops, sequences = bundle.trip_stops(trip).tolist(), bundle.trip_sequences(trip).tolist()
        entity = updates.entity.add(id=f"u{trip}")
        update = entity.trip_update
        update.trip.trip_id, update.trip.start_date = bundle.trip_ids[trip], str(date)
        update.trip.route_id = bundle.route_ids[bundle.trip_route[trip]]
        update.timestamp = now_epoch_s - int(30 * turn[trip])
        update.vehicle.id = f"v{trip}"
        first = min(int(np.searchsorted(departures, now_epoch_s)), len(stops) - 1)
        last = min(first + most_calls, len(stops))
        for at in range(first, last):
            stop = update.stop_time_update.add(stop_sequence=sequences[at], stop_id=bundle.stop_ids[stops[at]])
            stop.arrival.time, stop.arrival.delay = int(arrivals[at]), delay
            stop.departure.time, stop.departure.delay = int(departures[at]), delay
        told += last - first
        if departures[0] > now_epoch_s and not waiting:
            continue
        vehicle = vehicles.entity.add(id=f"v{trip}").vehicle
        vehicle.trip.trip_id, vehicle.trip.start_date = bundle.trip_ids[trip], str(date)
        vehicle.vehicle.id = vehicle.vehicle.label = f"v{trip}"
        vehicle.timestamp = update.timestamp
        vehicle.current_stop_sequence, vehicle.stop_id = sequences[first], bundle.stop_ids[stops[first]]
        metres = bundle.trip_distances_m(trip)
        before = max(first - 1, 0)
        share = min(max((now_epoch_s - departures[before]) / max(arrivals[first] - departures[before], 1), 0.0), 1.0)
        spot = spot_at(bundle, trip, float(metres[before] + share * (metres[first] - metres[before])))
        vehicle.position.latitude, vehicle.position.longitude = spot.lat, spot.lon
        vehicle.position.bearing = spot.bearing_deg
    return Dataset(
        trip_updates=updates.SerializeToString(),
        vehicles=vehicles.SerializeToString(),
        trips=len(found),
        stop_time_updates=told,
        on_the_road=len(vehicles.entity),
    )

"""A tick of predictions made up for any timetable: every trip under way, with delays and a vehicle. Seeded."""

import numpy as np

from api.progress import spot_at
from domain import service_day
from domain.predictions import CallFlag, Predictions
from store.timetable import Bundle


def make_tick(bundle: Bundle, now_epoch_s: float, *, seed: int = 1, ahead_s: int = 1800) -> Predictions:
    """Predictions for all trips that run at *now* or start within *ahead_s*, from -60 s to +15 min late."""
    random = np.random.default_rng(seed)
    found: list[tuple[int, int, int]] = []
    for day in bundle.service_days_around(now_epoch_s, now_epoch_s + ahead_s):
        start = bundle.day_start_epoch_s(day)
        active = np.frombuffer(bundle.active(day), np.uint8)
        begins = start + bundle.array("trip_start_s").astype(np.int64)
        lengths = np.diff(bundle.array("profile_ptr"))[bundle.array("trip_profile")]
        last = bundle.array("profile_ptr")[bundle.array("trip_profile")] + lengths - 1
        ends = begins + bundle.array("profile_arrival_s")[last]
        running = (
            (active[bundle.array("trip_service")] == 1) & (begins <= now_epoch_s + ahead_s) & (ends >= now_epoch_s)
        )
        found += [(int(trip), service_day.yyyymmdd(day), start) for trip in np.flatnonzero(running)]
    ptr, stops, arrivals, departures, flags, deviations = [0], [], [], [], [], []
    columns: dict[str, list[float]] = {name: [] for name in ("lat", "lon", "bearing", "along", "next", "offset")}
    vehicle_trip: list[int] = []
    vehicle_of: list[int] = []
    for row, (trip, _, start) in enumerate(found):
        delay = int(random.integers(-60, 900))
        a = bundle.trip_arrivals_s(trip).astype(np.int64) + start + delay
        d = bundle.trip_departures_s(trip).astype(np.int64) + start + delay
        stops.append(bundle.trip_stops(trip))
        arrivals.append(a)
        departures.append(d)
        flags.append(np.where(d < now_epoch_s, CallFlag.PASSED, 0))
        deviations.append(delay)
        ptr.append(ptr[-1] + len(a))
        if d[0] > now_epoch_s:
            vehicle_of.append(-1)
            continue
        upcoming = min(int(np.searchsorted(d, now_epoch_s, "right")), len(d) - 1)
        metres = bundle.trip_distances_m(trip)
        before, after = max(upcoming - 1, 0), upcoming
        share = min(max((now_epoch_s - d[before]) / max(a[after] - d[before], 1), 0.0), 1.0)
        along = float(metres[before] + share * (metres[after] - metres[before]))
        spot = spot_at(bundle, trip, along)
        vehicle_of.append(len(vehicle_trip))
        vehicle_trip.append(row)
        for name, value in zip(columns, (*spot, along, upcoming, a[upcoming] - now_epoch_s), strict=True):
            columns[name].append(float(value))
    n, v, calls = len(found), len(vehicle_trip), ptr[-1]
    now = int(now_epoch_s)
    places = {name: np.array(values) for name, values in columns.items()}
    return Predictions(
        generation=bundle.generation,
        computed_epoch_s=now,
        feed_ids=["tu"],
        feed_header_epoch_s=[now],
        trip=np.array([trip for trip, _, _ in found], np.int32),
        service_date=np.array([date for _, date, _ in found], np.int32),
        relationship=np.zeros(n, np.uint8),
        source=np.ones(n, np.uint8),
        trip_feed=np.zeros(n, np.uint8),
        vehicle=np.array(vehicle_of, np.int32),
        updated_epoch_s=np.full(n, now, np.uint32),
        deviation_s=np.array(deviations, np.int32),
        own_calls=np.zeros(n, np.uint8),
        ptr=np.array(ptr, np.int32),
        call_stop=np.concatenate([*stops, np.zeros(0)]).astype(np.int32),
        arrival_epoch_s=np.concatenate([*arrivals, np.zeros(0)]).astype(np.uint32),
        departure_epoch_s=np.concatenate([*departures, np.zeros(0)]).astype(np.uint32),
        early_s=np.zeros(calls, np.int16),
        late_s=np.zeros(calls, np.int16),
        scheduled_epoch_s=np.zeros(calls, np.uint32),
        flags=np.concatenate([*flags, np.zeros(0)]).astype(np.uint8),
        vehicle_ids=[f"v{number}" for number in range(v)],
        vehicle_labels=[str(number) for number in range(v)],
        vehicle_feed=np.zeros(v, np.uint8),
        vehicle_trip=np.array(vehicle_trip, np.int32),
        lat=places["lat"],
        lon=places["lon"],
        snapped_lat=places["lat"],
        snapped_lon=places["lon"],
        bearing_deg=places["bearing"].astype(np.float32),
        speed_mps=np.full(v, 5, np.float32),
        distance_m=places["along"].astype(np.float32),
        scheduled_distance_m=places["along"].astype(np.float32),
        next_position=places["next"].astype(np.int32),
        closest_position=places["next"].astype(np.int32),
        next_offset_s=places["offset"].astype(np.int32),
        closest_offset_s=places["offset"].astype(np.int32),
        located_epoch_s=np.full(v, now, np.uint32),
        occupancy=np.full(v, 1, np.int8),
        occupancy_percentage=np.full(v, -1, np.int16),
    )

"""The vehicles of all feeds of one timetable: on which run each is, and where it was the tick before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from domain.realtime import (
    NO_VALUE,
    Float32s,
    Floats,
    Int32s,
    Int64s,
    TripRelationship,
    UInt8s,
    Vehicles,
)  # fmt: skip
from predictor.calls import Calls
from predictor.progress import Ground, Progress, Sighting, progress
from predictor.sanity import MAX_FUTURE_S, believable_position
from predictor.schedule import Schedule
from predictor.trip_match import match

FORGET_S = 1800
"""A vehicle not heard of for longer is looked for anew on its whole line."""


@dataclass(slots=True)
class Memory:
    """Where vehicles were: (feed id, vehicle id) to (trip, service date, metres along, when). One a timetable."""

    last: dict[tuple[str, str], tuple[int, int, float, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Vehicles with a believable position, a row each."""

    feed: UInt8s
    feed_ids: list[str]
    ids: list[str]
    labels: list[str]
    trip_ids: list[str]
    trip: Int32s
    """Row of the run, or -1."""
    date: Int32s
    base_epoch_s: Int64s
    lat: Floats
    lon: Floats
    bearing_deg: Float32s
    speed_mps: Float32s
    seen_epoch_s: Int64s
    stop_sequence: Int32s
    stop: Int32s
    occupancy: Int32s
    occupancy_percentage: Int32s
    refused: int
    """Vehicles left out: no place on Earth."""

    def __len__(self) -> int:
        return len(self.ids)


def sight(schedule: Schedule, feeds: Sequence[tuple[str, Vehicles | None, frozenset[str]]], now_epoch_s: float) -> Seen:
    """The vehicles of *feeds* (feed id, what it says, trip ids of other timetables), matched to runs."""
    kept: list[tuple[int, Vehicles, Int64s]] = []
    refused = 0
    for number, (_, vehicles, not_ours) in enumerate(feeds):
        if vehicles is None:
            continue
        good = believable_position(vehicles.lat, vehicles.lon)
        refused += int(np.count_nonzero(~good))
        if not_ours:
            good &= np.fromiter((it not in not_ours for it in vehicles.trip_ids), bool, len(good))
        kept.append((number, vehicles, np.flatnonzero(good)))

    def column(name: str, kind: str) -> "np.ndarray[tuple[int], np.dtype[np.generic]]":
        parts = [getattr(vehicles, name)[rows] for _, vehicles, rows in kept]
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)

    def texts(name: str) -> list[str]:
        return list(chain.from_iterable([getattr(it, name)[row] for row in rows.tolist()] for _, it, rows in kept))

    matches = []
    when = []
    for _, vehicles, rows in kept:
        found = match(schedule, vehicles, now_epoch_s)
        trip = found.trip.copy()
        trip[np.isin(vehicles.relationship, (TripRelationship.CANCELED, TripRelationship.DELETED))] = -1
        matches.append((trip[rows], found.service_date[rows], found.base_epoch_s[rows]))
        said = vehicles.timestamp_epoch_s[rows]
        doubtful = (said <= 0) | (said > now_epoch_s + MAX_FUTURE_S)
        when.append(np.where(doubtful, min(vehicles.header_epoch_s or now_epoch_s, now_epoch_s), said))
    feed = [np.full(len(rows), number, np.uint8) for number, _, rows in kept]
    return Seen(
        feed=np.concatenate(feed) if feed else np.zeros(0, np.uint8),
        feed_ids=[feed_id for feed_id, _, _ in feeds],
        ids=texts("vehicle_ids"),
        labels=texts("labels"),
        trip_ids=texts("trip_ids"),
        trip=np.concatenate([it[0] for it in matches]) if matches else np.zeros(0, np.int32),
        date=np.concatenate([it[1] for it in matches]) if matches else np.zeros(0, np.int32),
        base_epoch_s=np.concatenate([it[2] for it in matches]) if matches else np.zeros(0, np.int64),
        lat=column("lat", "f8"),  # type: ignore[arg-type]
        lon=column("lon", "f8"),  # type: ignore[arg-type]
        bearing_deg=column("bearing_deg", "f4"),  # type: ignore[arg-type]
        speed_mps=column("speed_mps", "f4"),  # type: ignore[arg-type]
        seen_epoch_s=np.concatenate(when).astype(np.int64) if when else np.zeros(0, np.int64),
        stop_sequence=column("current_stop_sequence", "i4"),  # type: ignore[arg-type]
        stop=schedule.stops_named(texts("stop_ids")),
        occupancy=column("occupancy", "i4"),  # type: ignore[arg-type]
        occupancy_percentage=column("occupancy_percentage", "i4"),  # type: ignore[arg-type]
        refused=refused,
    )


def follow(
    schedule: Schedule,
    ground: Ground,
    calls: Calls,
    seen: Seen,
    run: Int64s,
    runs: tuple[Int32s, Int32s],
    memory: Memory,
) -> Progress:
    """The progress of every vehicle on *run* (-1 for none; those rows say nothing), and *memory* brought up to date.

    *runs* are trip row and service date of each run of *calls*.
    """
    n = len(seen)
    before_m = np.full(n, np.nan)
    before_s = np.zeros(n, np.int64)
    trips, dates = runs[0].tolist(), runs[1].tolist()
    run_rows, times = run.tolist(), seen.seen_epoch_s.tolist()
    keys = list(zip([seen.feed_ids[feed] for feed in seen.feed.tolist()], seen.ids, strict=True))
    last = memory.last
    for row, key in enumerate(keys):
        was, of = last.get(key), run_rows[row]
        if (
            was is not None and of >= 0 and was[0] == trips[of] and was[1] == dates[of]
            and 0 <= times[row] - was[3] <= FORGET_S
        ):  # fmt: skip
            before_m[row], before_s[row] = was[2], was[3]
    on = np.flatnonzero(run >= 0)
    found = progress(
        schedule,
        ground,
        calls,
        Sighting(
            run=run[on],
            lat=seen.lat[on],
            lon=seen.lon[on],
            seen_epoch_s=seen.seen_epoch_s[on],
            stop_sequence=seen.stop_sequence[on],
            stop=seen.stop[on],
            before_m=before_m[on],
            before_epoch_s=before_s[on],
        ),
    )
    newest: dict[tuple[str, str], tuple[int, int, float, int]] = {}
    metres = found.distance_m.tolist()
    for it, row in enumerate(on.tolist()):
        of = run_rows[row]
        if metres[it] == metres[it]:
            newest[keys[row]] = (trips[of], dates[of], metres[it], times[row])
        elif (was := last.get(keys[row])) is not None and was[0] == trips[of]:
            newest[keys[row]] = was
    memory.last = newest
    return _spread(found, on, n)


def _spread(found: Progress, on: Int64s, n: int) -> Progress:
    """The same with a row for every vehicle; those on no run say nothing."""
    nothing = {"next_position": -1, "closest_position": -1, "deviation_s": NO_VALUE, "on_route": False}
    columns = {}
    for name in Progress.__slots__:
        part = getattr(found, name)
        whole = np.full(n, nothing.get(name, np.nan), part.dtype)
        whole[on] = part
        columns[name] = whole
    return Progress(**columns)


def best_of_run(run: Int64s, n_runs: int, seen: Seen, found: Progress) -> Int64s:
    """The vehicle that counts for each run, or -1: the one heard of last; of several, the one further along."""
    best = np.full(n_runs, -1, np.int64)
    rows = np.flatnonzero(run >= 0)
    order = rows[np.lexsort((np.nan_to_num(found.distance_m[rows], nan=-1.0), seen.seen_epoch_s[rows]))]
    best[run[order]] = order
    return best

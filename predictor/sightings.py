"""The vehicles of all feeds of one timetable: which positions are believed, on which run each vehicle is, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from typing import Any

import numpy as np

from domain.realtime import (
    NO_VALUE,
    Bools,
    Float32s,
    Floats,
    Int32s,
    Int64s,
    TripRelationship,
    UInt8s,
    Vehicles,
)  # fmt: skip
from predictor.calls import Calls
from predictor.learned.plan import RAIL_MPS, ROAD_MPS
from predictor.pings import HEADER_AHEAD_S, Distrust, judge
from predictor.placing import Ground, Sighting
from predictor.progress import Progress, progress
from predictor.schedule import Schedule
from predictor.traces import Memory, Traces
from predictor.trip_match import match

RIVAL_S = 120
"""Of several vehicles on one run, those heard of within this of the newest are compared by where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Vehicles with a believable position, a row each: the reported one, or the last believed where that is refused."""

    feed: UInt8s
    feed_ids: list[str]
    ids: list[str]
    labels: list[str]
    trip_ids: list[str]
    trip: Int32s
    """Row of the run, or -1."""
    date: Int32s
    base_epoch_s: Int64s
    dated: Bools
    """The vehicle writes the date of its trip."""
    route: Int32s
    """Row of the route that the vehicle names, or -1."""
    direction: Int32s
    """0, 1 or NO_VALUE."""
    unmatched: UInt8s
    """Unmatched: why there is no run."""
    lat: Floats
    lon: Floats
    bearing_deg: Float32s
    speed_mps: Float32s
    seen_epoch_s: Int64s
    stop_sequence: Int32s
    stop: Int32s
    occupancy: Int32s
    occupancy_percentage: Int32s
    slot: Int64s
    """Row in the memory."""
    news: Bools
    """The position is a new one; false for a repeat and for a remembered one."""
    lies: Floats
    """How much of a lie the report is, 0 to 1."""
    gone_trip: Int32s
    """Row of the run that the vehicle names and calls cancelled, or -1; it is on no run then."""
    gone_date: Int32s
    inferred: Bools
    """The vehicle does not name its run: it was told from where and when the vehicle drives."""
    refused: int
    """Positions that were not believed."""
    reasons: dict[Distrust, int] = field(default_factory=dict)
    """How many for each reason."""

    def __len__(self) -> int:
        return len(self.ids)


def sight(
    schedule: Schedule,
    feeds: Sequence[tuple[str, Vehicles | None, frozenset[str]]],
    now_epoch_s: float,
    memory: Memory,
) -> Seen:
    """The vehicles of *feeds* (feed id, what it says, trip ids of other timetables), matched to the runs they name."""
    kept: list[tuple[int, Vehicles, Int64s]] = []
    for number, (_, vehicles, not_ours) in enumerate(feeds):
        if vehicles is not None:
            ours = np.fromiter((it not in not_ours for it in vehicles.trip_ids), bool, len(vehicles.trip_ids))
            kept.append((number, vehicles, np.flatnonzero(ours)))

    def column(name: str, kind: str) -> Any:
        parts = [getattr(vehicles, name)[rows] for _, vehicles, rows in kept]
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)

    def texts(name: str) -> list[str]:
        return list(chain.from_iterable([getattr(it, name)[row] for row in rows.tolist()] for _, it, rows in kept))

    matches, said, clocks = [], [], []
    for _, vehicles, rows in kept:
        found = match(schedule, vehicles, now_epoch_s, here_and_now=True)
        trip = found.trip.copy()
        cancelled = np.isin(vehicles.relationship, (TripRelationship.CANCELED, TripRelationship.DELETED))
        gone = np.where(cancelled, trip, -1)
        trip[cancelled] = -1
        matches.append((trip[rows], found.service_date[rows], found.base_epoch_s[rows], found.why[rows], gone[rows]))
        header = vehicles.header_epoch_s
        when = vehicles.timestamp_epoch_s[rows]
        said.append(np.where(when <= 0, min(header or now_epoch_s, now_epoch_s), when))
        clock = header if now_epoch_s < header <= now_epoch_s + HEADER_AHEAD_S else now_epoch_s
        clocks.append(np.full(len(rows), float(clock)))
    feed = [np.full(len(rows), number, np.uint8) for number, _, rows in kept]

    def joined(parts: list[Any], kind: str) -> Any:
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)

    seen = Seen(
        feed=joined(feed, "u1"),
        feed_ids=[feed_id for feed_id, _, _ in feeds],
        ids=texts("vehicle_ids"),
        labels=texts("labels"),
        trip_ids=texts("trip_ids"),
        trip=joined([it[0] for it in matches], "i4"),
        date=joined([it[1] for it in matches], "i4"),
        base_epoch_s=joined([it[2] for it in matches], "i8"),
        dated=column("start_date", "i4") != 0,
        route=schedule.routes_named(texts("route_ids")),
        direction=column("direction", "i4"),
        unmatched=joined([it[3] for it in matches], "u1"),
        lat=column("lat", "f8"),
        lon=column("lon", "f8"),
        bearing_deg=column("bearing_deg", "f4"),
        speed_mps=column("speed_mps", "f4"),
        seen_epoch_s=joined(said, "i8"),
        stop_sequence=column("current_stop_sequence", "i4"),
        stop=schedule.stops_named(texts("stop_ids")),
        occupancy=column("occupancy", "i4"),
        occupancy_percentage=column("occupancy_percentage", "i4"),
        slot=np.zeros(0, np.int64),
        news=np.zeros(0, bool),
        lies=np.zeros(0),
        gone_trip=joined([it[4] for it in matches], "i4"),
        gone_date=joined([it[1] for it in matches], "i4"),
        inferred=np.zeros(len(column("lat", "f8")), bool),
        refused=0,
    )
    return _believed(schedule, seen, joined(clocks, "f8"), now_epoch_s, memory)


def _believed(schedule: Schedule, seen: Seen, clock_epoch_s: Floats, now_epoch_s: float, memory: Memory) -> Seen:
    """The same with the last believed position where the reported one is refused; vehicles that have neither left out."""
    memory.forget(now_epoch_s)
    slot = memory.slots_of(
        zip([seen.feed_ids[feed] for feed in seen.feed.tolist()], seen.ids, strict=True), now_epoch_s
    )
    before = memory.table[slot]
    judged = judge(
        schedule,
        before,
        lat=seen.lat,
        lon=seen.lon,
        said_epoch_s=seen.seen_epoch_s,
        now_epoch_s=clock_epoch_s,
        top_speed_mps=_top_speeds(schedule, seen),
    )
    memory.table[slot] = before
    refused = judged.why != Distrust.BELIEVED
    remembered = before["seen_epoch_s"] > 0
    stand_in = (refused | ~judged.news) & remembered
    kept = np.flatnonzero(~refused | remembered)
    reasons = {
        Distrust(why): int(np.count_nonzero(judged.why == why)) for why in np.unique(judged.why[refused]).tolist()
    }
    changed = replace(
        seen,
        lat=np.where(stand_in, before["lat"], seen.lat),
        lon=np.where(stand_in, before["lon"], seen.lon),
        seen_epoch_s=np.where(stand_in, before["seen_epoch_s"], seen.seen_epoch_s),
        # What it says of its stops belongs to the position that is not believed.
        stop_sequence=np.where(refused, NO_VALUE, seen.stop_sequence),
        stop=np.where(refused, -1, seen.stop),
        slot=slot,
        news=judged.news,
        lies=judged.lies,
        refused=int(np.count_nonzero(refused)),
        reasons=reasons,
    )
    return changed if len(kept) == len(seen) else only(changed, kept)


def only(seen: Seen, rows: Int64s) -> Seen:
    """The chosen rows."""
    columns: dict[str, Any] = {}
    for it in fields(Seen):
        value = getattr(seen, it.name)
        if isinstance(value, np.ndarray):
            columns[it.name] = value[rows]
        elif it.name in {"ids", "labels", "trip_ids"}:
            columns[it.name] = [value[row] for row in rows.tolist()]
        else:
            columns[it.name] = value
    return Seen(**columns)


def _top_speeds(schedule: Schedule, seen: Seen) -> Floats:
    """Metres a second that each vehicle may have driven: of rail where its route is rail or is not known."""
    if not len(schedule.route_mode):
        return np.full(len(seen), RAIL_MPS)
    mode = schedule.route_mode
    # Metros, railways and their extended types. Source: GTFS reference, routes.txt route_type; extended route types.
    rail = (mode == 1) | (mode == 2) | ((mode >= 100) & (mode < 200)) | ((mode >= 400) & (mode < 500))
    speeds = np.where(rail, RAIL_MPS, ROAD_MPS)
    route = np.where(seen.trip >= 0, schedule.trip_route[np.maximum(seen.trip, 0)], seen.route)
    known: Floats = np.where(route >= 0, speeds[np.maximum(route, 0)], float(speeds.max()))
    return known


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
    on = np.flatnonzero(run >= 0)
    traces = memory.table[seen.slot]
    _note_positions(traces, seen)
    found = progress(
        schedule,
        ground,
        calls,
        Sighting(
            run=run[on],
            trip=runs[0][run[on]],
            date=runs[1][run[on]],
            lat=seen.lat[on],
            lon=seen.lon[on],
            bearing_deg=seen.bearing_deg[on].astype(np.float64),
            seen_epoch_s=seen.seen_epoch_s[on],
            news=seen.news[on],
            stop_sequence=seen.stop_sequence[on],
            stop=seen.stop[on],
            named=~seen.inferred[on],
            before=traces[on],
        ),
    )
    traces[on] = found.after
    memory.table[seen.slot] = traces
    return _spread(found, on, len(seen))


def _note_positions(traces: Traces, seen: Seen) -> None:
    for name, column in (("seen_epoch_s", seen.seen_epoch_s), ("lat", seen.lat), ("lon", seen.lon)):
        traces[name] = np.where(seen.news, column, traces[name])


def _spread(found: Progress, on: Int64s, n: int) -> Progress:
    """The same with a row for every vehicle; those on no run say nothing."""
    nothing: dict[str, Any] = {"next_position": -1, "closest_position": -1, "deviation_s": NO_VALUE}
    columns: dict[str, Any] = {}
    for it in fields(Progress):
        part = getattr(found, it.name)
        if part.dtype.names is not None:
            columns[it.name] = part
            continue
        whole = np.full(n, nothing.get(it.name, np.nan if part.dtype.kind == "f" else 0), part.dtype)
        whole[on] = part
        columns[it.name] = whole
    return Progress(**columns)


def best_of_run(run: Int64s, n_runs: int, seen: Seen, found: Progress) -> Int64s:
    """The vehicle that counts for each run, or -1; the others on it predict nothing.

    Of those heard of within RIVAL_S of the newest: one that is on its way before one that waits or has come to its end,
    one on the line before one off it, one that names the run before one that is only inferred to be on it, then the one
    further along, then the newest.
    """
    best = np.full(n_runs, -1, np.int64)
    rows = np.flatnonzero(run >= 0)
    if not len(rows):
        return best
    newest = np.full(n_runs, np.iinfo(np.int64).min)
    np.maximum.at(newest, run[rows], seen.seen_epoch_s[rows])
    recent = seen.seen_epoch_s[rows] >= newest[run[rows]] - RIVAL_S
    under_way = found.on_route[rows] & ~found.waiting[rows] & ~found.ended[rows]
    along = np.nan_to_num(found.distance_m[rows], nan=-1.0)
    order = rows[
        np.lexsort((seen.seen_epoch_s[rows], along, ~seen.inferred[rows], found.on_route[rows], under_way, recent))
    ]
    best[run[order]] = order
    return best

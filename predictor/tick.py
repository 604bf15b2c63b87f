"""One tick of one timetable: what its realtime feeds say, matched, predicted and checked, as Predictions.

Rows come in this order: runs that TripUpdates speak of, feed by feed; runs that only a vehicle speaks of; trips that list
calls of their own; trips that are cancelled or deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.arrival import SOURCE_CODES, Source
from domain.predictions import CallFlag, Predictions
from domain.realtime import NO_VALUE, Bools, Int32s, Int64s, TripRelationship, UInt8s
from predictor import sanity
from predictor.additions import OwnCalls, own_calls
from predictor.arrivals import Told, tell
from predictor.calls import Calls, calls_of
from predictor.days import settle_days
from predictor.foresight import Foresight, Outlook, Sights
from predictor.inference import infer
from predictor.methods import METHODS, Standing
from predictor.progress import Ground, Progress
from predictor.rivals import settle
from predictor.schedule import Schedule
from predictor.sightings import Seen, best_of_run, follow, sight
from predictor.traces import Memory
from predictor.words import GONE, Counts, Heard, Words, words_of

POSITION_FRESH_S = 300
"""A vehicle not heard of for longer predicts nothing by itself: riders are told the schedule."""
POSITION_LOST_S = 600
"""With learned travel times a vehicle is carried on for so long, ever less certainly."""
MAX_BAND_S = 32_000
"""What the columns hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    """Runs of the timetable that something is said of, a row each."""

    trip: Int32s
    date: Int32s
    base_epoch_s: Int64s
    feed: Int64s
    relationship: UInt8s
    updated_epoch_s: Int64s
    copied: UInt8s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """What is said of every call of the runs."""

    arrival_epoch_s: Int64s
    departure_epoch_s: Int64s
    flags: UInt8s
    stop: Int32s
    band_s: Int32s
    first: Int64s


def predict(
    schedule: Schedule, ground: Ground, heard: Sequence[Heard], now_epoch_s: float, memory: Memory,
    foresight: Foresight | None = None,
) -> tuple[Predictions, Counts]:  # fmt: skip
    """The predictions of one timetable at *now*; *memory* keeps where vehicles were, from tick to tick.

    Without *foresight*, what has been learned, a vehicle is taken to stay as late as it is.
    """
    counts, now = Counts(), int(now_epoch_s)
    words = words_of(schedule, heard, now_epoch_s, counts)
    gone = np.isin(words.relationship, GONE)
    speaking = words.only(~gone & ~words.listed & (words.trip >= 0))
    seen = sight(schedule, [(it.feed_id, it.vehicles, it.not_ours) for it in heard], now_epoch_s, memory)
    seen = settle_days(schedule, ground, seen, now_epoch_s)
    seen = settle(seen, [it.vehicle_priority for it in heard])
    seen = _aboard_all_the_same(seen, speaking)
    seen = infer(schedule, ground, seen, memory, now_epoch_s)
    counts.inferred = int(np.count_nonzero(seen.inferred))
    counts.vehicles, counts.refused_vehicles, counts.distrusted = len(seen), seen.refused, seen.reasons
    runs = _runs(speaking, words, seen)
    if foresight is not None:
        runs = _with_next_runs(schedule, foresight, runs, words, seen, now)
    calls = calls_of(schedule, runs.trip, runs.base_epoch_s)
    times = _times(schedule, heard, speaking, calls, counts)
    run_of_vehicle = _run_of_vehicle(runs, seen)
    progress = follow(schedule, ground, calls, seen, run_of_vehicle, (runs.trip, runs.date), memory)
    best = best_of_run(run_of_vehicle, len(runs.trip), seen, progress)
    counts.vehicles_on_runs = int(np.count_nonzero(run_of_vehicle >= 0))
    return _assemble(
        schedule, heard, now, words, gone, runs, calls, times, seen, progress, run_of_vehicle, best, counts, foresight
    ), counts


def _key(date: Int32s, trip: Int32s) -> Int64s:
    keys: Int64s = (date.astype(np.int64) << 32) | trip
    return keys


def _runs(speaking: Words, words: Words, seen: Seen) -> _Runs:
    """The runs that are spoken of, then those that only a vehicle is on."""
    spoken = _key(words.date, words.trip)[words.trip >= 0]
    alone = np.flatnonzero((seen.trip >= 0) & ~np.isin(_key(seen.date, seen.trip), spoken))
    _, first = np.unique(_key(seen.date, seen.trip)[alone], return_index=True)
    alone = alone[first]
    n = len(alone)
    return _Runs(
        trip=np.concatenate([speaking.trip, seen.trip[alone]]).astype(np.int32),
        date=np.concatenate([speaking.date, seen.date[alone]]).astype(np.int32),
        base_epoch_s=np.concatenate([speaking.base_epoch_s, seen.base_epoch_s[alone]]).astype(np.int64),
        feed=np.concatenate([speaking.feed, seen.feed[alone]]).astype(np.int64),
        relationship=np.concatenate([speaking.relationship, np.zeros(n, np.uint8)]).astype(np.uint8),
        updated_epoch_s=np.concatenate([speaking.updated_epoch_s, seen.seen_epoch_s[alone]]).astype(np.int64),
        copied=np.concatenate([speaking.copied, np.zeros(n, bool)]).astype(np.uint8),
    )


def _with_next_runs(schedule: Schedule, foresight: Foresight, runs: _Runs, words: Words, seen: Seen, now: int) -> _Runs:
    """The same and, behind them, the runs that the vehicles' blocks do next and nobody speaks of."""
    on = seen.trip >= 0
    trip, date = foresight.next_runs(seen.trip[on], seen.date[on], now)
    known = np.concatenate([_key(runs.date, runs.trip), _key(words.date, words.trip)])
    fresh = ~np.isin(_key(date, trip), known) & ~schedule.is_inexact(trip)
    trip, date = trip[fresh], date[fresh]
    if not len(trip):
        return runs
    n, feed = len(trip), runs.feed[:1] if len(runs.feed) else np.zeros(1, np.int64)
    base = schedule.starts_epoch_s(date) + schedule.trip_start_s[trip]
    return _Runs(
        trip=np.concatenate([runs.trip, trip]).astype(np.int32),
        date=np.concatenate([runs.date, date]).astype(np.int32),
        base_epoch_s=np.concatenate([runs.base_epoch_s, base]).astype(np.int64),
        feed=np.concatenate([runs.feed, np.repeat(feed, n)]).astype(np.int64),
        relationship=np.concatenate([runs.relationship, np.zeros(n, np.uint8)]).astype(np.uint8),
        updated_epoch_s=np.concatenate([runs.updated_epoch_s, np.full(n, now)]).astype(np.int64),
        copied=np.concatenate([runs.copied, np.zeros(n, np.uint8)]).astype(np.uint8),
    )


def _times(schedule: Schedule, heard: Sequence[Heard], speaking: Words, calls: Calls, counts: Counts) -> _Times:
    """What the agencies say of every call; nothing of the runs that only a vehicle is on."""
    parts: list[Told] = []
    for number, it in enumerate(heard):
        first, last = np.searchsorted(speaking.feed, (number, number + 1)).tolist()  # words come feed by feed
        if it.updates is not None and last > first:
            told = tell(schedule, calls.of(first, last), it.updates, speaking.row[first:last])
            counts.refused_updates += told.refused
            parts.append(told)
    said = sum(len(part.flags) for part in parts)
    runs_said = sum(len(part.first) for part in parts)
    none = np.zeros(len(calls) - said, np.int64)
    alone = np.diff(calls.ptr)[runs_said:]
    return _Times(
        arrival_epoch_s=np.concatenate([*(part.arrival_epoch_s for part in parts), none]),
        departure_epoch_s=np.concatenate([*(part.departure_epoch_s for part in parts), none]),
        flags=np.concatenate([*(part.flags for part in parts), none.astype(np.uint8)]),
        stop=np.concatenate([*(part.stop for part in parts), calls.stop[said:]]),
        band_s=np.concatenate([*(part.band_s for part in parts), none.astype(np.int32)]),
        first=np.concatenate([*(part.first for part in parts), alone]),
    )


def _run_of_vehicle(runs: _Runs, seen: Seen) -> Int64s:
    keys = np.where(runs.copied != 0, -1 - np.arange(len(runs.trip)), _key(runs.date, runs.trip))
    order = np.argsort(keys, kind="stable")
    wanted = np.where(seen.trip >= 0, _key(seen.date, seen.trip), -(2**62))
    at = np.searchsorted(keys[order], wanted)
    at = np.minimum(at, max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(seen), -1, np.int64)
    row: Int64s = np.where(keys[order][at] == wanted, order[at], -1)
    return row


def _assemble(
    schedule: Schedule, heard: Sequence[Heard], now: int, words: Words, gone: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    runs: _Runs, calls: Calls, times: _Times, seen: Seen, progress: Progress, run_of_vehicle: Int64s, best: Int64s,
    counts: Counts, foresight: Foresight | None,
) -> Predictions:  # fmt: skip
    n = len(runs.trip)
    arrival, departure, flags = times.arrival_epoch_s, times.departure_epoch_s, times.flags.copy()
    has_words = np.zeros(n, bool)
    has_words[calls.run[(arrival > 0) | (departure > 0) | (flags != 0)]] = True
    source = np.where(has_words, SOURCE_CODES[Source.AGENCY], 0).astype(np.uint8)
    arrival, departure = sanity.in_order(calls.ptr, arrival, departure)
    position = np.arange(len(calls)) - calls.ptr[:-1][calls.run]
    place = np.full(n, -1, np.int64)
    on = best >= 0
    place[on] = progress.next_position[best[on]]
    over = np.zeros(n, bool)
    over[on] = progress.ended[best[on]]
    left = (departure > 0) & (departure < now)
    left |= (
        (departure == 0)
        & has_words[calls.run]
        & (position < np.maximum(times.first, place)[calls.run])
        & (np.minimum(times.first, np.where(place >= 0, place, times.first))[calls.run] > position)
    )
    flags[left] |= np.uint8(CallFlag.PASSED)
    deviation = _deviation(calls, arrival, departure, now, n)

    fresh = np.zeros(n, bool)
    candidates = np.flatnonzero(on & ~has_words)
    if len(candidates):
        late = progress.deviation_s[best[candidates]]
        fresh[candidates] = (
            (now - seen.seen_epoch_s[best[candidates]] <= POSITION_FRESH_S) & (late != NO_VALUE)
            & (late <= sanity.BELIEVED_LATE_S) & (late >= -sanity.BELIEVED_EARLY_S)
        )  # fmt: skip
    if fresh.any():
        late = np.zeros(n, np.int64)
        late[fresh] = progress.deviation_s[best[fresh]]
        place = np.where(over, np.diff(calls.ptr), np.maximum(place, 0))
        standing = Standing(deviation_s=late, next_position=np.where(fresh, place, 0))
        made_by, method = next(iter(METHODS.items()))
        forecast = method(schedule, calls, standing, now)
        ours = fresh[calls.run]
        arrival = np.where(ours, forecast.arrival_epoch_s, arrival)
        departure = np.where(ours, forecast.departure_epoch_s, departure)
        silent = ours & _untold(calls, progress, best) & ((forecast.flags & CallFlag.PASSED) == 0)
        arrival, departure = np.where(silent, 0, arrival), np.where(silent, 0, departure)
        flags = np.where(ours, forecast.flags | np.where(silent, CallFlag.NO_DATA, 0), flags).astype(np.uint8)
        source[fresh] = SOURCE_CODES[made_by]
        deviation[fresh] = late[fresh]
        counts.by_position = int(np.count_nonzero(fresh))
    band_early, band_late = -times.band_s, times.band_s
    if foresight is not None:
        sights = _sights(now, runs, times, seen, progress, best)
        outlook = foresight.look(now, calls, sights)
        merged = _with_outlook(
            calls,
            outlook,
            arrival=arrival,
            departure=departure,
            flags=flags,
            source=source,
            has_words=has_words,
            now=now,
        )
        arrival, departure, flags, source = (
            merged.arrival_epoch_s,
            merged.departure_epoch_s,
            merged.flags,
            merged.source,
        )
        fresh |= merged.ours & on
        late = np.nan_to_num(outlook.deviation_s, nan=NO_VALUE)
        deviation = np.where(merged.ours & ~np.isnan(outlook.deviation_s), np.round(late), deviation).astype(np.int64)
        told_s = np.where(arrival > 0, arrival, departure)
        known = ~np.isnan(outlook.early_epoch_s) & (told_s > 0) & (merged.ours[calls.run] | (times.band_s == 0))
        band_early = np.where(known, np.minimum(outlook.early_epoch_s - told_s, 0), band_early)
        band_late = np.where(known, np.maximum(outlook.late_epoch_s - told_s, 0), band_late)
        counts.by_learning = int(np.count_nonzero(merged.ours))
        foresight.note(now, calls, sights, outlook, np.where((flags & CallFlag.SKIPPED) != 0, 0, told_s))
    deviation[schedule.is_inexact(runs.trip)] = NO_VALUE
    made_here = on & np.isin(source, (SOURCE_CODES[Source.POSITION], SOURCE_CODES[Source.LEARNED]))
    flags = np.where(made_here[calls.run], flags | _doubts(progress, seen, best)[calls.run], flags).astype(np.uint8)

    own = _own(schedule, heard, words.only(words.listed & ~gone))
    ended = _ended(words, gone, seen)
    sizes = np.concatenate([np.diff(calls.ptr), [len(it.stop) for it in own.calls], np.zeros(len(ended), np.int64)])
    ptr = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=ptr[1:])
    early = np.clip(np.nan_to_num(band_early), -MAX_BAND_S, 0).astype(np.int16)
    late_by = np.clip(np.nan_to_num(band_late), 0, MAX_BAND_S).astype(np.int16)
    m = sum(len(it.stop) for it in own.calls)
    nothing = np.zeros(m, np.int16)
    updated = np.concatenate([runs.updated_epoch_s, own.words.updated_epoch_s, ended.updated_epoch_s])
    updated = np.where(
        np.concatenate([fresh, np.zeros(len(sizes) - n, bool)]),
        np.concatenate(
            [seen.seen_epoch_s[best] if len(seen) else np.zeros(n, np.int64), np.zeros(len(sizes) - n, np.int64)]
        ),
        updated,
    )
    vehicle_row = np.concatenate([best, own.vehicle_rows(seen), ended.vehicle]).astype(np.int32)
    trip_of_vehicle = run_of_vehicle.copy()
    for row, vehicle in enumerate(vehicle_row.tolist()):
        if row >= n and vehicle >= 0:
            trip_of_vehicle[vehicle] = row
    offsets = _Offsets(schedule, calls, arrival, departure, now, progress, run_of_vehicle)
    relationship = np.concatenate([runs.relationship, own.words.relationship, ended.relationship]).astype(np.uint8)
    return Predictions(
        generation=schedule.generation,
        computed_epoch_s=now,
        feed_ids=[it.feed_id for it in heard],
        feed_header_epoch_s=[it.header_epoch_s for it in heard],
        trip=np.concatenate([runs.trip, own.words.trip, ended.trip]).astype(np.int32),
        service_date=np.concatenate([runs.date, own.words.date, ended.date]).astype(np.int32),
        relationship=relationship,
        source=np.concatenate(
            [source, np.full(len(own.calls), SOURCE_CODES[Source.AGENCY]), np.zeros(len(ended))]
        ).astype(np.uint8),
        trip_feed=np.concatenate([runs.feed, own.words.feed, ended.feed]).astype(np.uint8),
        vehicle=vehicle_row,
        updated_epoch_s=np.clip(updated, 0, 2**32 - 1).astype(np.uint32),
        deviation_s=np.concatenate(
            [deviation, [it.deviation_s() for it in own.calls], np.full(len(ended), NO_VALUE)]
        ).astype(np.int32),
        own_calls=np.concatenate([runs.copied, np.ones(len(own.calls)), np.zeros(len(ended))]).astype(np.uint8),
        ptr=ptr,
        call_stop=np.concatenate([times.stop, own.column("stop")]).astype(np.int32),
        arrival_epoch_s=np.concatenate([arrival, own.column("arrival_epoch_s")]).astype(np.uint32),
        departure_epoch_s=np.concatenate([departure, own.column("departure_epoch_s")]).astype(np.uint32),
        early_s=np.concatenate([early, nothing]),
        late_s=np.concatenate([late_by, nothing]),
        scheduled_epoch_s=np.concatenate(
            [np.where(runs.copied[calls.run] != 0, calls.departure_epoch_s, 0), own.column("scheduled_epoch_s")]
        ).astype(np.uint32),
        flags=np.concatenate([flags, own.column("flags")]).astype(np.uint8),
        named=_names(heard, words, runs, own, n),
        vehicle_ids=seen.ids,
        vehicle_labels=seen.labels,
        vehicle_feed=seen.feed,
        vehicle_trip=trip_of_vehicle.astype(np.int32),
        lat=seen.lat,
        lon=seen.lon,
        snapped_lat=progress.snapped_lat,
        snapped_lon=progress.snapped_lon,
        bearing_deg=np.where(np.isnan(seen.bearing_deg), progress.bearing_deg, seen.bearing_deg).astype(np.float32),
        speed_mps=seen.speed_mps,
        distance_m=progress.distance_m.astype(np.float32),
        scheduled_distance_m=progress.scheduled_distance_m.astype(np.float32),
        next_position=progress.next_position.astype(np.int32),
        closest_position=progress.closest_position.astype(np.int32),
        next_offset_s=offsets.at(progress.next_position),
        closest_offset_s=offsets.at(progress.closest_position),
        located_epoch_s=np.clip(seen.seen_epoch_s, 0, 2**32 - 1).astype(np.uint32),
        occupancy=np.where((seen.occupancy >= 0) & (seen.occupancy < 9), seen.occupancy, -1).astype(np.int8),
        occupancy_percentage=np.where(
            (seen.occupancy_percentage >= 0) & (seen.occupancy_percentage < 1000), seen.occupancy_percentage, -1
        ).astype(np.int16),
    )


def _sights(now: int, runs: _Runs, times: _Times, seen: Seen, progress: Progress, best: Int64s) -> Sights:
    """What the engine is told of the tick's runs."""
    n = len(runs.trip)
    followed = best >= 0
    row = np.maximum(best, 0)
    if len(seen):
        followed &= (
            (runs.copied == 0)
            & ~progress.detour[row]
            & ~np.isnan(progress.distance_m[row])
            & (now - progress.located_epoch_s[row] <= POSITION_LOST_S)
        )
    vehicle = np.zeros(n, np.int64)
    distance, located = np.full(n, np.nan), np.full(n, np.nan)
    vehicle[followed] = seen.slot[row[followed]]
    distance[followed] = progress.distance_m[row[followed]]
    located[followed] = progress.located_epoch_s[row[followed]]
    return Sights(
        trip=runs.trip,
        date=runs.date,
        usual=runs.copied == 0,
        followed=followed,
        vehicle=vehicle,
        distance_m=distance,
        located_epoch_s=located,
        skipped=(times.flags & CallFlag.SKIPPED) != 0,
        agency_arrival_epoch_s=times.arrival_epoch_s,
        agency_departure_epoch_s=times.departure_epoch_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merged:
    """Columns of the calls with what the engine foretells where that is told; *ours* and *source*: a row a run."""

    arrival_epoch_s: Int64s
    departure_epoch_s: Int64s
    flags: UInt8s
    source: UInt8s
    ours: Bools


def _with_outlook(
    calls: Calls, outlook: Outlook, *, arrival: Int64s, departure: Int64s, flags: UInt8s, source: UInt8s,
    has_words: Bools, now: int,
) -> _Merged:  # fmt: skip
    """The engine's times where no agency predicts, or where ours is known to be better; the rest as it was."""
    n = len(source)
    claims = ~np.isnan(outlook.departure_epoch_s)
    claims |= ~np.isnan(outlook.arrival_epoch_s)
    runs = np.arange(n)
    times_told = np.isin(runs, calls.run[has_words[calls.run] & ((arrival > 0) | (departure > 0))])
    ours = np.isin(runs, calls.run[claims]) & (~times_told | outlook.preferred)
    mine = ours[calls.run]
    take = mine & claims & ((flags & CallFlag.SKIPPED) == 0)
    arrives = np.where(np.isnan(outlook.arrival_epoch_s), outlook.departure_epoch_s, outlook.arrival_epoch_s)
    leaves = np.where(np.isnan(outlook.departure_epoch_s), outlook.arrival_epoch_s, outlook.departure_epoch_s)
    arrival = np.where(take, np.nan_to_num(arrives), arrival).astype(np.int64)
    departure = np.where(take, np.nan_to_num(leaves), departure).astype(np.int64)
    # A call that was passed keeps the time at which it is thought to have been, and nothing of it is still to come.
    gone = mine & outlook.passed
    arrival = np.where(gone, np.minimum(arrival, now - 1), arrival)
    departure = np.where(gone, np.minimum(departure, now - 1), departure)
    arrival, departure = in_order_where(calls.ptr, arrival, departure, mine)
    cleared = np.uint8(CallFlag.PASSED | CallFlag.NO_DATA | CallFlag.UNCERTAIN)
    flags = np.where(take | gone, flags & ~cleared, flags).astype(np.uint8)
    flags[gone] |= np.uint8(CallFlag.PASSED)
    flags[take & outlook.uncertain] |= np.uint8(CallFlag.UNCERTAIN)
    source = np.where(ours, SOURCE_CODES[Source.LEARNED], source).astype(np.uint8)
    return _Merged(arrival_epoch_s=arrival, departure_epoch_s=departure, flags=flags, source=source, ours=ours)


def in_order_where(ptr: Int64s, arrival: Int64s, departure: Int64s, where: Bools) -> tuple[Int64s, Int64s]:
    """The times in order on the runs of *where*, the others as they are."""
    ordered_arrival, ordered_departure = sanity.in_order(ptr, arrival, departure)
    return np.where(where, ordered_arrival, arrival), np.where(where, ordered_departure, departure)


def _doubts(progress: Progress, seen: Seen, best: Int64s) -> UInt8s:
    """CallFlag of every run for what is doubtful about its vehicle."""
    doubts = np.zeros(len(best), np.uint8)
    on = np.flatnonzero(best >= 0)
    inferred, detour = seen.inferred[best[on]], progress.detour[best[on]]
    doubts[on] = np.where(inferred, CallFlag.INFERRED | CallFlag.UNCERTAIN, 0)
    doubts[on] |= np.where(detour, CallFlag.DETOUR | CallFlag.UNCERTAIN, 0).astype(np.uint8)
    return doubts


def _untold(calls: Calls, progress: Progress, best: Int64s) -> Bools:
    """Calls of which nothing can be said: all but the last of a vehicle that has been off its line for long."""
    lost = np.zeros(len(best), bool)
    on = np.flatnonzero(best >= 0)
    lost[on] = progress.lost[best[on]] & ~progress.waiting[best[on]]
    untold = lost[calls.run]
    untold[calls.ptr[1:] - 1] = False
    return untold


def _aboard_all_the_same(seen: Seen, speaking: Words) -> Seen:
    """The same with vehicles on the runs that they call cancelled while a trip update says that they run."""
    runs = (seen.gone_trip >= 0) & np.isin(_key(seen.gone_date, seen.gone_trip), _key(speaking.date, speaking.trip))
    if not runs.any():
        return seen
    return replace(
        seen,
        trip=np.where(runs, seen.gone_trip, seen.trip).astype(np.int32),
        date=np.where(runs, seen.gone_date, seen.date).astype(np.int32),
        gone_trip=np.where(runs, -1, seen.gone_trip).astype(np.int32),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """Runs that are cancelled or deleted, a row each."""

    trip: Int32s
    date: Int32s
    feed: Int64s
    relationship: UInt8s
    updated_epoch_s: Int64s
    vehicle: Int64s
    """Row of the vehicle that names it all the same, or -1."""

    def __len__(self) -> int:
        return len(self.trip)


def _ended(words: Words, gone: Bools, seen: Seen) -> _Ended:
    """The runs that a trip update calls off and, where none speaks of it, a vehicle."""
    said = words.only(gone & (words.trip >= 0))
    names = np.flatnonzero(seen.gone_trip >= 0)
    key = _key(seen.gone_date, seen.gone_trip)
    spoken = _key(words.date, words.trip)[words.trip >= 0]
    alone = names[~np.isin(key[names], spoken)]
    _, first = np.unique(key[alone], return_index=True)
    alone = alone[np.sort(first)]
    trip = np.concatenate([said.trip, seen.gone_trip[alone]]).astype(np.int32)
    date = np.concatenate([said.date, seen.gone_date[alone]]).astype(np.int32)
    vehicle_of = dict(zip(key[names][::-1].tolist(), names[::-1].tolist(), strict=True))
    return _Ended(
        trip=trip,
        date=date,
        feed=np.concatenate([said.feed, seen.feed[alone]]).astype(np.int64),
        relationship=np.concatenate(
            [said.relationship, np.full(len(alone), TripRelationship.CANCELED, np.uint8)]
        ).astype(np.uint8),
        updated_epoch_s=np.concatenate([said.updated_epoch_s, seen.seen_epoch_s[alone]]).astype(np.int64),
        vehicle=np.array([vehicle_of.get(it, -1) for it in _key(date, trip).tolist()], np.int64),
    )


def _deviation(calls: Calls, arrival: Int64s, departure: Int64s, now: int, n: int) -> Int64s:
    """Seconds late at the next call that is told, else at the last; NO_VALUE where none is."""
    result = np.full(n, NO_VALUE, np.int64)
    told = np.flatnonzero(departure > 0)
    late = np.where(
        arrival[told] >= now,
        arrival[told] - calls.arrival_epoch_s[told],
        departure[told] - calls.departure_epoch_s[told],
    )
    result[calls.run[told]] = late  # the last told call of each run stays
    ahead = departure[told] >= now
    result[calls.run[told[ahead]][::-1]] = late[ahead][::-1]  # the first that is ahead stays
    return result


@dataclass(frozen=True, slots=True)
class _Offsets:
    """Seconds from now to calls of the vehicles' runs."""

    schedule: Schedule
    calls: Calls
    arrival: Int64s
    departure: Int64s
    now: int
    progress: Progress
    run: Int64s

    def at(self, position: Int64s) -> Int32s:
        """At the call in each vehicle's *position*; 0 where there is none."""
        result = np.zeros(len(position), np.int32)
        rows = np.flatnonzero((self.run >= 0) & (position >= 0))
        call = self.calls.ptr[:-1][self.run[rows]] + position[rows]
        late = np.where(self.progress.deviation_s[rows] == NO_VALUE, 0, self.progress.deviation_s[rows])
        told = np.where(self.arrival[call] > 0, self.arrival[call], self.departure[call])
        when = np.where(told > 0, told, self.calls.arrival_epoch_s[call] + late)
        result[rows] = np.clip(when - self.now, -(2**31), 2**31 - 1)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """Trips that list calls of their own."""

    words: Words
    calls: list[OwnCalls]
    trip_ids: list[str]

    def column(self, name: str) -> Int64s:
        return np.array([value for it in self.calls for value in getattr(it, name)], np.int64)

    def vehicle_rows(self, seen: Seen) -> Int64s:
        by_trip = {trip_id: row for row, trip_id in enumerate(seen.trip_ids) if trip_id and seen.trip[row] < 0}
        return np.array([by_trip.get(trip_id, -1) for trip_id in self.trip_ids], np.int64)


def _own(schedule: Schedule, heard: Sequence[Heard], words: Words) -> _Own:
    calls: list[OwnCalls] = []
    kept: list[int] = []
    trip_ids: list[str] = []
    for at in range(len(words)):
        updates = heard[int(words.feed[at])].updates
        row, date = int(words.row[at]), int(words.date[at])
        assert updates is not None
        try:
            start = schedule.start_epoch_s(date)
        except ValueError:
            continue
        found = own_calls(schedule, updates, row, int(words.trip[at]), start)
        if found.stop:
            kept.append(at)
            calls.append(found)
            trip_ids.append(updates.trip_ids[row])
    return _Own(words=words.only(np.array(kept, np.int64)), calls=calls, trip_ids=trip_ids)


def _names(heard: Sequence[Heard], words: Words, runs: _Runs, own: _Own, n: int) -> dict[int, dict[str, str]]:
    """Raw names of rows that the timetable does not give."""
    named: dict[int, dict[str, str]] = {}
    speaking = words.only(~np.isin(words.relationship, GONE) & ~words.listed & (words.trip >= 0))
    rows = [(row, speaking, row) for row in np.flatnonzero(runs.copied).tolist()]
    rows += [(n + at, own.words, at) for at in range(len(own.calls))]
    for row, of, at in rows:
        updates = heard[int(of.feed[at])].updates
        assert updates is not None
        update = int(of.row[at])
        properties = updates.properties.get(update, {})
        direction = int(updates.direction[update])
        named[row] = {
            "trip_id": properties.get("trip_id", "") or updates.trip_ids[update],
            "route_id": updates.route_ids[update],
            "headsign": properties.get("trip_headsign", ""),
            "short_name": properties.get("trip_short_name", ""),
            "direction": "" if direction == NO_VALUE else str(direction),
        }
    return named

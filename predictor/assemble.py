"""What a tick found, as the Predictions that the other processes read.

Rows come in this order: runs that TripUpdates speak of, feed by feed; runs that only a vehicle speaks of; those that blocks
do next; trips that list calls of their own; trips that are cancelled or deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.arrival import SOURCE_CODES, Source
from domain.predictions import CallFlag, Predictions
from domain.realtime import NO_VALUE, Floats, Int32s, Int64s, UInt8s
from predictor.additions import Additions, names_of
from predictor.calls import Calls
from predictor.cancellations import Cancellations
from predictor.progress import Progress
from predictor.runs import Runs
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.times import Times
from predictor.words import Heard, Words

MAX_BAND_S = 32_000
"""What the columns hold."""


def assemble(
    schedule: Schedule, heard: Sequence[Heard], now: int, *, speaking: Words, runs: Runs, calls: Calls, stop: Int32s,
    times: Times, seen: Seen, progress: Progress, run: Int64s, best: Int64s, added: Additions, ended: Cancellations,
) -> Predictions:  # fmt: skip
    """Everything in columns. *run* is the run of each vehicle, *best* the vehicle that counts for each run; -1: none."""
    n = len(runs.trip)
    arrival, departure = times.arrival_epoch_s, times.departure_epoch_s
    deviation = np.where(schedule.is_inexact(runs.trip), NO_VALUE, times.deviation_s)
    made_here = np.isin(times.source, (SOURCE_CODES[Source.POSITION], SOURCE_CODES[Source.LEARNED]))
    doubts = np.where(made_here, _doubts(progress, seen, best), 0).astype(np.uint8)
    flags = times.flags | doubts[calls.run]
    sizes = np.concatenate([np.diff(calls.ptr), [len(it.stop) for it in added.calls], np.zeros(len(ended), np.int64)])
    ptr = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=ptr[1:])
    nothing = np.zeros(sum(len(it.stop) for it in added.calls), np.int16)
    scheduled = np.zeros(len(calls), np.uint32)
    copied = calls.only(np.flatnonzero(runs.copied))[1] if runs.copied.any() else np.zeros(0, np.int64)
    scheduled[copied] = calls.departure_epoch_s[copied]
    updated = np.concatenate([runs.updated_epoch_s, added.words.updated_epoch_s, ended.updated_epoch_s])
    updated = np.where(
        np.concatenate([times.by_vehicle, np.zeros(len(sizes) - n, bool)]),
        np.concatenate(
            [seen.seen_epoch_s[best] if len(seen) else np.zeros(n, np.int64), np.zeros(len(sizes) - n, np.int64)]
        ),
        updated,
    )
    vehicle_row = np.concatenate([best, added.vehicle_rows(seen), ended.vehicle]).astype(np.int32)
    trip_of_vehicle = run.copy()
    for row, vehicle in enumerate(vehicle_row.tolist()):
        if row >= n and vehicle >= 0:
            trip_of_vehicle[vehicle] = row
    offsets = _Offsets(schedule, calls, arrival, departure, now, progress, run)
    relationship = np.concatenate([runs.relationship, added.words.relationship, ended.relationship]).astype(np.uint8)
    return Predictions(
        generation=schedule.generation,
        computed_epoch_s=now,
        feed_ids=[it.feed_id for it in heard],
        feed_header_epoch_s=[it.header_epoch_s for it in heard],
        trip=np.concatenate([runs.trip, added.words.trip, ended.trip]).astype(np.int32),
        service_date=np.concatenate([runs.date, added.words.date, ended.date]).astype(np.int32),
        relationship=relationship,
        source=np.concatenate(
            [times.source, np.full(len(added.calls), SOURCE_CODES[Source.AGENCY]), np.zeros(len(ended))]
        ).astype(np.uint8),
        trip_feed=np.concatenate([runs.feed, added.words.feed, ended.feed]).astype(np.uint8),
        vehicle=vehicle_row,
        updated_epoch_s=np.clip(updated, 0, 2**32 - 1).astype(np.uint32),
        deviation_s=np.concatenate(
            [deviation, [it.deviation_s() for it in added.calls], np.full(len(ended), NO_VALUE)]
        ).astype(np.int32),
        own_calls=np.concatenate([runs.copied, np.ones(len(added.calls)), np.zeros(len(ended))]).astype(np.uint8),
        ptr=ptr,
        call_stop=_column(np.int32, stop, added.column("stop")),
        arrival_epoch_s=_column(np.uint32, arrival, added.column("arrival_epoch_s")),
        departure_epoch_s=_column(np.uint32, departure, added.column("departure_epoch_s")),
        early_s=_column(np.int16, _within(times.early_s, -MAX_BAND_S, 0), nothing),
        late_s=_column(np.int16, _within(times.late_s, 0, MAX_BAND_S), nothing),
        scheduled_epoch_s=_column(np.uint32, scheduled, added.column("scheduled_epoch_s")),
        flags=_column(np.uint8, flags, added.column("flags")),
        named=names_of(heard, speaking, runs.copied, added),
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


def _column(kind: type[np.generic], of_runs: npt.NDArray[Any], of_added: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([of_runs.astype(kind), of_added.astype(kind)])


def _within(band_s: Floats | Int32s, least: int, most: int) -> npt.NDArray[Any]:
    """The band as the columns hold it; none for nan."""
    known = np.where(np.isnan(band_s), 0, band_s) if band_s.dtype.kind == "f" else band_s
    return np.clip(known, least, most)


def _doubts(progress: Progress, seen: Seen, best: Int64s) -> UInt8s:
    """CallFlag of every run for what is doubtful about its vehicle."""
    doubts = np.zeros(len(best), np.uint8)
    on = np.flatnonzero(best >= 0)
    inferred, detour = seen.inferred[best[on]], progress.detour[best[on]]
    doubts[on] = np.where(inferred, CallFlag.INFERRED | CallFlag.UNCERTAIN, 0)
    doubts[on] |= np.where(detour, CallFlag.DETOUR | CallFlag.UNCERTAIN, 0).astype(np.uint8)
    return doubts


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

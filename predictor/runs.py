"""The runs of a tick: those that TripUpdates speak of, those that only a vehicle is on, those that its block does next."""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Int32s, Int64s, UInt8s
from predictor.blocks import Blocks
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs of the timetable that something is said of, a row each."""

    trip: Int32s
    date: Int32s
    base_epoch_s: Int64s
    feed: Int64s
    relationship: UInt8s
    updated_epoch_s: Int64s
    copied: UInt8s


def key_of_run(date: Int32s, trip: Int32s) -> Int64s:
    """One number for trip and service date."""
    keys: Int64s = (date.astype(np.int64) << 32) | trip
    return keys


def rows_of(keys: Int64s, wanted: Int64s) -> Int64s:
    """The row of each wanted key, or -1."""
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(keys, kind="stable")
    at = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    return np.where(keys[at] == wanted, at, -1)


def runs_of(speaking: Words, words: Words, seen: Seen) -> Runs:
    """The runs that are spoken of, then those that only a vehicle is on."""
    spoken = key_of_run(words.date, words.trip)[words.trip >= 0]
    alone = np.flatnonzero((seen.trip >= 0) & ~np.isin(key_of_run(seen.date, seen.trip), spoken))
    _, first = np.unique(key_of_run(seen.date, seen.trip)[alone], return_index=True)
    alone = alone[first]
    n = len(alone)
    return Runs(
        trip=np.concatenate([speaking.trip, seen.trip[alone]]).astype(np.int32),
        date=np.concatenate([speaking.date, seen.date[alone]]).astype(np.int32),
        base_epoch_s=np.concatenate([speaking.base_epoch_s, seen.base_epoch_s[alone]]).astype(np.int64),
        feed=np.concatenate([speaking.feed, seen.feed[alone]]).astype(np.int64),
        relationship=np.concatenate([speaking.relationship, np.zeros(n, np.uint8)]).astype(np.uint8),
        updated_epoch_s=np.concatenate([speaking.updated_epoch_s, seen.seen_epoch_s[alone]]).astype(np.int64),
        copied=np.concatenate([speaking.copied, np.zeros(n, bool)]).astype(np.uint8),
    )


def with_next_runs(schedule: Schedule, blocks: Blocks, runs: Runs, words: Words, seen: Seen, now: int) -> Runs:
    """The same and, behind them, the runs that the vehicles' blocks do next and nobody speaks of."""
    on = seen.trip >= 0
    trip, date = blocks.next_runs(seen.trip[on], seen.date[on], now)
    known = np.concatenate([key_of_run(runs.date, runs.trip), key_of_run(words.date, words.trip)])
    fresh = ~np.isin(key_of_run(date, trip), known) & ~schedule.is_inexact(trip)
    trip, date = trip[fresh], date[fresh]
    if not len(trip):
        return runs
    n, feed = len(trip), runs.feed[:1] if len(runs.feed) else np.zeros(1, np.int64)
    base = schedule.starts_epoch_s(date) + schedule.trip_start_s[trip]
    return Runs(
        trip=np.concatenate([runs.trip, trip]).astype(np.int32),
        date=np.concatenate([runs.date, date]).astype(np.int32),
        base_epoch_s=np.concatenate([runs.base_epoch_s, base]).astype(np.int64),
        feed=np.concatenate([runs.feed, np.repeat(feed, n)]).astype(np.int64),
        relationship=np.concatenate([runs.relationship, np.zeros(n, np.uint8)]).astype(np.uint8),
        updated_epoch_s=np.concatenate([runs.updated_epoch_s, np.full(n, now)]).astype(np.int64),
        copied=np.concatenate([runs.copied, np.zeros(n, np.uint8)]).astype(np.uint8),
    )


def run_of_vehicle(runs: Runs, seen: Seen) -> Int64s:
    """Row of the run that each vehicle is on, or -1."""
    keys = np.where(runs.copied != 0, -1 - np.arange(len(runs.trip)), key_of_run(runs.date, runs.trip))
    return rows_of(keys, np.where(seen.trip >= 0, key_of_run(seen.date, seen.trip), -(2**62)))

"""The TripUpdates of all feeds of one timetable, each put to the run it speaks of, the newest word a run."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np

from domain.realtime import NO_VALUE, Bools, Int32s, Int64s, TripRelationship, TripUpdates, UInt8s, Vehicles
from predictor.rivals import preferred
from predictor.schedule import Schedule
from predictor.trip_match import ADDS, match

GONE = (TripRelationship.CANCELED, TripRelationship.DELETED)
LISTS = (*ADDS, TripRelationship.REPLACEMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one realtime feed says, if it may be believed now."""

    feed_id: str
    header_epoch_s: int
    updates: TripUpdates | None
    vehicles: Vehicles | None
    not_ours: frozenset[str] = frozenset()
    """Trip ids that belong to another timetable, which the feed names before this one."""
    priority: int = 0
    """Of its trip updates: where several feeds speak of one run, the highest counts."""
    vehicle_priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A row a trip update that speaks of something."""

    feed: Int64s
    """Index among the feeds heard."""
    row: Int64s
    """Row in that feed's TripUpdates."""
    trip: Int32s
    date: Int32s
    base_epoch_s: Int64s
    relationship: UInt8s
    updated_epoch_s: Int64s
    listed: Bools
    """It lists calls of its own that the timetable knows no pattern of."""
    copied: Bools
    """It runs the pattern of *trip* at a time of its own (DUPLICATED)."""

    @property
    def gone(self) -> Bools:
        """It calls its run off."""
        return np.isin(self.relationship, GONE)

    def only(self, chosen: Bools | Int64s) -> "Words":
        """The chosen rows."""
        return Words(**{it.name: getattr(self, it.name)[chosen] for it in fields(Words)})

    def __len__(self) -> int:
        return len(self.row)


def words_of(schedule: Schedule, heard: Sequence[Heard], now_epoch_s: float) -> Words:
    """Every trip update that speaks of a run of the timetable, or brings its own calls; by feed, then row."""
    parts = [
        _words_of_feed(schedule, number, it, it.updates, now_epoch_s)
        for number, it in enumerate(heard)
        if it.updates is not None
    ]
    if not parts:
        none = np.zeros(0, np.int64)
        return Words(
            feed=none, row=none, trip=none.astype(np.int32), date=none.astype(np.int32), base_epoch_s=none,
            relationship=none.astype(np.uint8), updated_epoch_s=none, listed=none.astype(bool), copied=none.astype(bool),
        )  # fmt: skip
    words = Words(**{it.name: np.concatenate([getattr(part, it.name) for part in parts]) for it in fields(Words)})
    return words.only(_one_a_run(words, heard))


def _words_of_feed(schedule: Schedule, number: int, heard: Heard, updates: TripUpdates, now_epoch_s: float) -> Words:
    n = len(updates.trip_ids)
    found = match(schedule, updates, now_epoch_s, partial(_first_stops, schedule, updates))
    trip, date, base = found.trip.copy(), found.service_date.copy(), found.base_epoch_s.copy()
    copied = np.zeros(n, bool)
    for row in np.flatnonzero(updates.relationship == TripRelationship.DUPLICATED).tolist():
        copy = _copied(schedule, updates, row)
        copied[row] = copy is not None
        trip[row], date[row], base[row] = copy or (-1, 0, 0)
    listed = np.isin(updates.relationship, LISTS) | ((updates.relationship == TripRelationship.DUPLICATED) & ~copied)
    listed |= (updates.relationship == TripRelationship.UNSCHEDULED) & (trip < 0)
    today = schedule.days_near(now_epoch_s)[-1]
    date = np.where(listed & (date == 0), np.where(updates.start_date > 0, updates.start_date, today), date)
    said = updates.timestamp_epoch_s
    updated = np.where((said > 0) & (said <= now_epoch_s + 120), said, heard.header_epoch_s)
    speaks = (trip >= 0) | (listed & (np.diff(updates.ptr) > 0))
    if heard.not_ours:
        speaks &= np.fromiter((it not in heard.not_ours for it in updates.trip_ids), bool, n)
    rows = np.flatnonzero(speaks)
    return Words(
        feed=np.full(len(rows), number, np.int64),
        row=rows,
        trip=trip[rows],
        date=date[rows].astype(np.int32),
        base_epoch_s=base[rows],
        relationship=updates.relationship[rows],
        updated_epoch_s=updated[rows].astype(np.int64),
        listed=listed[rows],
        copied=copied[rows],
    )


def _first_stops(schedule: Schedule, updates: TripUpdates) -> Int32s:
    """Stop of each trip update's first stop time update, -1 where it has none."""
    n = len(updates.trip_ids)
    if not len(updates.stop_ref):
        return np.full(n, -1, np.int32)
    stops = schedule.stops_named(updates.stop_ids) if updates.stop_ids else np.full(1, -1, np.int32)
    some = np.diff(updates.ptr) > 0
    ref = updates.stop_ref[np.where(some, updates.ptr[:-1], 0)]
    first: Int32s = np.where(some & (ref >= 0), stops[np.maximum(ref, 0)], -1).astype(np.int32)
    return first


def _copied(schedule: Schedule, updates: TripUpdates, row: int) -> tuple[int, int, int] | None:
    """(trip, service date, epoch seconds of its first departure) of a DUPLICATED trip; None if it cannot be told."""
    first, last = schedule.trips_named(updates.trip_ids[row])
    properties = updates.properties.get(row, {})
    text = properties.get("start_date", "")
    date = int(text) if text.isdecimal() else int(updates.start_date[row])
    start = service_time(properties.get("start_time", ""))
    if start is None and updates.start_time_s[row] != NO_VALUE:
        start = int(updates.start_time_s[row])
    if first < 0 or last < 0 or start is None:
        return None
    try:
        return first, date, schedule.start_epoch_s(date) + start
    except ValueError:
        return None


def service_time(text: str) -> int | None:
    """Seconds of "HH:MM:SS" (or plain seconds), None for anything else."""
    parts = text.strip().split(":")
    if not all(part.isdecimal() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    match numbers:
        case [hours, minutes, seconds]:
            return hours * 3600 + minutes * 60 + seconds
        case [seconds]:
            return seconds
    return None


def _one_a_run(words: Words, heard: Sequence[Heard]) -> Int64s:
    """Rows to keep: of several for one run, or for one trip that lists its own calls, the one that counts."""
    n = len(words)
    alone = (words.trip < 0) | words.copied
    key = (words.date.astype(np.int64) << 32) | words.trip
    key = np.where(alone, -1 - np.arange(n), key)
    if len(heard) > 1:
        extra: dict[tuple[str, int], int] = {}
        for row in np.flatnonzero(alone & ~words.copied).tolist():
            updates = heard[int(words.feed[row])].updates
            name = updates.trip_ids[int(words.row[row])] if updates is not None else ""
            if name:
                key[row] = extra.setdefault((name, int(words.date[row])), int(key[row]))
    return preferred(key, words.feed, words.updated_epoch_s, [it.priority for it in heard])

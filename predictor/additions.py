"""Trips that list calls of their own: added, new and replacement trips, whose TripUpdate is their only timetable.

There are few of them, so they are read one by one. A call needs a stop that the timetable knows and a time: predicted,
or scheduled by StopTimeProperties.
Source: GTFS-realtime reference, TripDescriptor.ScheduleRelationship NEW, REPLACEMENT; StopTimeEvent.scheduled_time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, Int64s, StopRelationship, TripUpdates, UInt8s
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.words import Heard, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCalls:
    """The calls of one such trip, in the order of the feed. Epoch seconds, 0 where there is no time."""

    stop: list[int] = field(default_factory=list)
    arrival_epoch_s: list[int] = field(default_factory=list)
    departure_epoch_s: list[int] = field(default_factory=list)
    scheduled_epoch_s: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)

    def deviation_s(self) -> int:
        """Delay at the first call that has both times, or NO_VALUE."""
        for told, scheduled in zip(self.departure_epoch_s, self.scheduled_epoch_s, strict=True):
            if told and scheduled:
                return told - scheduled
        return NO_VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """Trips that list calls of their own."""

    words: Words
    calls: list[OwnCalls]
    trip_ids: list[str]

    def column(self, name: str) -> Int64s:
        return np.array([value for it in self.calls for value in getattr(it, name)], np.int64)

    def vehicle_rows(self, seen: Seen) -> Int64s:
        by_trip = {trip_id: row for row, trip_id in enumerate(seen.trip_ids) if trip_id and seen.trip[row] < 0}
        return np.array([by_trip.get(trip_id, -1) for trip_id in self.trip_ids], np.int64)


def additions(schedule: Schedule, heard: Sequence[Heard], words: Words) -> Additions:
    """Those of the trip updates in *words* that list a call at all."""
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
    return Additions(words=words.only(np.array(kept, np.int64)), calls=calls, trip_ids=trip_ids)


def names_of(heard: Sequence[Heard], speaking: Words, copied: UInt8s, added: Additions) -> dict[int, dict[str, str]]:
    """Raw names that the timetable does not give, by row: of copied runs, and behind all runs of *added* trips."""
    named: dict[int, dict[str, str]] = {}
    rows = [(row, speaking, row) for row in np.flatnonzero(copied).tolist()]
    rows += [(len(copied) + at, added.words, at) for at in range(len(added.calls))]
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


def own_calls(schedule: Schedule, updates: TripUpdates, row: int, trip: int, day_start_epoch_s: int) -> OwnCalls:
    """The calls that the trip update in *row* lists.

    *trip* is the run it replaces (or -1): where it gives a delay only, that run's time at the same stop counts, on the
    service day that starts at *day_start_epoch_s*.
    """
    first, last = int(updates.ptr[row]), int(updates.ptr[row + 1])
    names = [updates.stop_ids[ref] if ref >= 0 else "" for ref in updates.stop_ref[first:last].tolist()]
    for update, properties in updates.stop_properties.items():
        if first <= update < last and properties.get("assigned_stop_id"):
            names[update - first] = properties["assigned_stop_id"]
    stops = schedule.stops_named(names).tolist()
    planned = _planned(schedule, trip, day_start_epoch_s)
    calls = OwnCalls()
    for update, stop in zip(range(first, last), stops, strict=True):
        if stop < 0:
            continue
        properties = updates.stop_properties.get(update, {})
        scheduled_a = _number(properties.get("arrival_scheduled_time"))
        scheduled_d = _number(properties.get("departure_scheduled_time")) or scheduled_a or planned.get(stop, 0)
        scheduled_a = scheduled_a or scheduled_d
        arrival = _time(int(updates.arrival_epoch_s[update]), int(updates.arrival_delay_s[update]), scheduled_a)
        departure = _time(int(updates.departure_epoch_s[update]), int(updates.departure_delay_s[update]), scheduled_d)
        arrival, departure = arrival or departure, max(departure, arrival)
        flags = 0
        match int(updates.stop_relationship[update]):
            case StopRelationship.SKIPPED:
                arrival = departure = 0
                flags = int(CallFlag.SKIPPED)
            case StopRelationship.NO_DATA:
                arrival = departure = 0
                flags = int(CallFlag.NO_DATA)
        if arrival or scheduled_d or flags:
            calls.stop.append(stop)
            calls.arrival_epoch_s.append(arrival)
            calls.departure_epoch_s.append(departure)
            calls.scheduled_epoch_s.append(scheduled_d)
            calls.flags.append(flags)
    return calls


def _planned(schedule: Schedule, trip: int, day_start_epoch_s: int) -> dict[int, int]:
    """Stop to scheduled departure of the run, at stops it calls at once."""
    if trip < 0:
        return {}
    profile = int(schedule.trip_profile[trip])
    low, high = int(schedule.profile_ptr[profile]), int(schedule.profile_ptr[profile + 1])
    start = int(schedule.pattern_ptr[schedule.profile_pattern[profile]])
    stops = schedule.pattern_stop[start : start + high - low].tolist()
    base = day_start_epoch_s + int(schedule.trip_start_s[trip])
    times = (schedule.profile_departure_s[low:high] + base).tolist()
    return {stop: time for stop, time in zip(stops, times, strict=True) if stops.count(stop) == 1}


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _time(time_epoch_s: int, delay_s: int, scheduled_epoch_s: int) -> int:
    if time_epoch_s > 0:
        return time_epoch_s
    return scheduled_epoch_s + delay_s if scheduled_epoch_s and delay_s != NO_VALUE else 0

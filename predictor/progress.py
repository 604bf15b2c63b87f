"""Where on its trip each vehicle is: on the line of its shape, between its calls, against its timetable.

The cheapest of the places where it may be (``predictor.placing``) is where it is.

Off its line, a vehicle keeps its last place: one report is noise, two are a detour, and after LOST_S nobody knows where it
will come back. One that drives against its line is off it too. A run counts as begun only when the vehicle was at its start
or drives along it: one whose trip was switched before it came to the end of the trip before waits for its departure. Come to
its end, it stays there.
Source of the bounds: docs/decisions/0070-places-with-a-cost.md.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import NO_VALUE, Bools, Floats, Int64s
from predictor.call_places import AT_STOP_M, closest_position, distance_at, position_at, spoken_position, time_at
from predictor.calls import Calls
from predictor.pings import metres_between
from predictor.placing import AGREES_M, Ground, Sighting, look_for, strange
from predictor.schedule import Schedule
from predictor.traces import FORGET_S, Traces

LOST_S = 300
"""Off the line for longer, a vehicle's way back to it is anybody's guess."""
LAYOVER_M = 60.0
"""A vehicle no further than this along its trip has not departed, and one as close to its last stop has arrived."""
AT_START_M = 100.0
BEGUN_M = 150.0
"""Driven so far along its line, a vehicle is on its trip wherever it joined it."""
EARLY_S = 60
"""A vehicle that is on its line so long before the departure may still be on its way to the start."""
SWITCHED_S = 300
"""A vehicle that names another trip after a longer silence may have come to the end of the one before unseen."""
LEAVES_EARLY_S, BAY_M = 300, 2000.0
"""Nobody leaves earlier; within BAY_M of its first stop a vehicle waits until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One row a sighting; nan, -1 and NO_VALUE where it cannot be told."""

    distance_m: Floats
    """Along the line; off it, where the vehicle last was on it."""
    snapped_lat: Floats
    snapped_lon: Floats
    bearing_deg: Floats
    scheduled_distance_m: Floats
    """Where the timetable would have it when it was seen."""
    next_position: Int64s
    closest_position: Int64s
    deviation_s: Int64s
    """Seconds behind the timetable when it was last on its line; 0 for a vehicle that waits for its departure."""
    located_epoch_s: Int64s
    """When it was at *distance_m*: its last report that lies on the line; 0 for never."""
    on_route: Bools
    """Its last report lies on the line."""
    detour: Bools
    """Two reports or more lie off the line."""
    lost: Bools
    """It has been off the line for LOST_S: only its last stop can be told, badly."""
    waiting: Bools
    """It has not departed, or not even come to the start."""
    ended: Bools
    """It has come to the end of its run."""
    after: Traces
    """What is to be remembered."""


def progress(schedule: Schedule, ground: Ground, calls: Calls, seen: Sighting) -> Progress:
    """The progress of every sighting."""
    before = seen.before
    spoken = spoken_position(schedule, calls.pattern[seen.run].astype(np.int64), seen.stop_sequence, seen.stop)
    first, size = calls.ptr[:-1][seen.run], np.diff(calls.ptr)[seen.run]
    metres = schedule.pattern_distance_m[calls.source].astype(np.float64)
    expected_m = distance_at(schedule, calls, seen.run, seen.seen_epoch_s)
    elapsed_s = seen.seen_epoch_s - before["matched_epoch_s"]
    same_run = (before["trip"] == seen.trip) & (before["date"] == seen.date)
    known = same_run & ~np.isnan(before["along_m"][:, 0]) & (elapsed_s >= 0) & (elapsed_s <= FORGET_S)
    after = before.copy()
    _begin(after, seen, ~same_run)
    after["along_m"][~known], after["cost"][~known] = np.nan, np.inf
    look = np.flatnonzero(seen.news | ~known)
    matched = look_for(schedule, ground, calls, seen, look, known, after, (spoken, expected_m, elapsed_s))
    _count_misses(after, seen, look, matched & ~strange(before, after, known, matched, elapsed_s))

    on_route = (after["off_pings"] == 0) & ~np.isnan(after["along_m"][:, 0])
    distance = after["along_m"][:, 0].copy()
    start_m, end_m = metres[first], metres[first + size - 1]
    departs, arrives = calls.departure_epoch_s[first], calls.arrival_epoch_s[first + size - 1]
    waiting = _waiting(after, seen, known, matched, start_m, departs)
    placed = ~np.isnan(distance) | (after["doubted"] & (seen.seen_epoch_s <= departs + LOST_S))
    ended = _ended(after, seen, matched, end_m, arrives) & ~waiting
    distance = np.where(after["doubted"], start_m, np.where(after["ended"] & ~waiting, end_m, distance))

    by_ground = position_at(schedule, calls, seen.run, np.maximum(distance - AT_STOP_M, 0.0))
    spoken_m = np.where(spoken >= 0, metres[first + np.maximum(spoken, 0)], np.nan)
    with np.errstate(invalid="ignore"):
        agrees = (spoken >= 0) & np.where(
            placed, (np.abs(spoken_m - distance) <= AGREES_M) | (spoken == by_ground), _near_stop(schedule, calls, seen, first, spoken)
        )  # fmt: skip
    following = np.where(agrees & ~after["doubted"] & ~ended, spoken, np.where(placed, by_ground, -1))
    following = np.minimum(following, size - 1)
    low_s, high_s = time_at(schedule, calls, seen.run, np.where(placed, distance, spoken_m))
    when = np.where(placed, after["matched_epoch_s"], seen.seen_epoch_s)
    deviation = when - np.clip(when, low_s, high_s)
    with np.errstate(invalid="ignore"):
        waiting |= (following == 0) & ~ended
    deviation = np.where(waiting, np.maximum(seen.seen_epoch_s - departs, 0), deviation)
    # What it was late when it came to its end, or when it left its line, it stays.
    deviation = np.where(
        (ended & before["ended"] & known) | (placed & ~on_route & ~waiting), after["late_s"], deviation
    )
    told = (following >= 0) & (placed | agrees)
    after["late_s"] = np.where(told, deviation, 0)
    off = ~on_route
    detour = off & (after["off_pings"] >= 2)
    return Progress(
        distance_m=distance,
        snapped_lat=np.where(off | after["doubted"], np.nan, after["snapped_lat"]),
        snapped_lon=np.where(off | after["doubted"], np.nan, after["snapped_lon"]),
        bearing_deg=np.where(off | after["doubted"], np.nan, after["bearing_deg"]),
        scheduled_distance_m=expected_m,
        next_position=following,
        closest_position=closest_position(metres, first, following, distance),
        deviation_s=np.where(told, deviation, NO_VALUE),
        located_epoch_s=np.where(after["doubted"], seen.seen_epoch_s, after["matched_epoch_s"]),
        on_route=on_route,
        detour=detour,
        lost=detour & (seen.seen_epoch_s - after["off_since_epoch_s"] > LOST_S),
        waiting=waiting,
        ended=ended,
        after=after,
    )


def _begin(after: Traces, seen: Sighting, new: Bools) -> None:
    """Remember the run of vehicles that are new to theirs; doubt those that had not come to the end of another."""
    under_way = new & (after["trip"] >= 0) & ~after["ended"] & ~np.isnan(after["along_m"][:, 0])
    since_s = seen.seen_epoch_s - after["matched_epoch_s"]
    under_way &= (since_s >= 0) & (since_s <= SWITCHED_S) & seen.named
    after["trip"] = np.where(new, seen.trip, after["trip"])
    after["date"] = np.where(new, seen.date, after["date"])
    after["doubted"] = np.where(new, under_way, after["doubted"])
    for name, value in (("ended", False), ("off_pings", 0), ("least_m", np.nan), ("late_s", 0)):
        after[name] = np.where(new, value, after[name])


def _count_misses(after: Traces, seen: Sighting, look: Int64s, matched: Bools) -> None:
    looked = np.zeros(len(matched), bool)
    looked[look] = True
    missed = looked & ~matched & seen.news
    first = missed & (after["off_pings"] == 0)
    after["off_since_epoch_s"] = np.where(first, seen.seen_epoch_s, after["off_since_epoch_s"])
    after["off_pings"] = np.where(missed, after["off_pings"] + 1, np.where(matched, 0, after["off_pings"]))


def _waiting(after: Traces, seen: Sighting, known: Bools, matched: Bools, start_m: Floats, departs: Int64s) -> Bools:
    """Which vehicles have not begun their run; brings ``least_m`` and ``doubted`` up to date."""
    along = after["along_m"][:, 0]
    with np.errstate(invalid="ignore"):
        first_look = matched & ~known
        early = first_look & (seen.seen_epoch_s < departs - EARLY_S) & (along - start_m > AT_START_M)
        after["doubted"] |= early & seen.named
        after["least_m"] = np.where(matched, np.fmin(after["least_m"], along), after["least_m"])
        begun = matched & ((along - start_m <= AT_START_M) | (along - after["least_m"] >= BEGUN_M))
        # Bays and waiting streets lie along the line too: so long before its time it waits, wherever it stands, and has to
        # drive off from there.
        bides = matched & seen.named & (seen.seen_epoch_s < departs - LEAVES_EARLY_S) & (along - start_m <= BAY_M)
        after["least_m"] = np.where(bides, along, after["least_m"])
        after["doubted"] = (after["doubted"] & ~begun) | bides
        waiting: Bools = after["doubted"] | (along - start_m <= LAYOVER_M)
    return waiting


def _ended(after: Traces, seen: Sighting, matched: Bools, end_m: Floats, arrives: Int64s) -> Bools:
    """Which vehicles have come to the end of their run: driven there, or seen there when the timetable is about over."""
    with np.errstate(invalid="ignore"):
        along = after["along_m"][:, 0]
        there = matched & (end_m - along <= LAYOVER_M)
        drove = (along - after["least_m"] >= BEGUN_M) | (seen.seen_epoch_s >= arrives - LOST_S)
    after["ended"] |= there & drove & ~after["doubted"]
    ended: Bools = after["ended"].copy()
    return ended


def _near_stop(schedule: Schedule, calls: Calls, seen: Sighting, first: Int64s, spoken: Int64s) -> Bools:
    """Is the vehicle within AGREES_M of the stop that it speaks of?"""
    stop = calls.stop[first + np.maximum(spoken, 0)]
    away = metres_between(schedule.stop_lat[stop], schedule.stop_lon[stop], seen.lat, seen.lon)
    near: Bools = away <= AGREES_M
    return near

"""Where on its trip each vehicle is: on the line of its shape, between its calls, against its timetable.

A line may pass one place twice, so every vehicle keeps a few places where it may be, each with a cost, and a new report
weighs them all: how far the vehicle is from the line, how the line runs there, which call it says it is at, and whether it
can have driven there from where it may have been (a forward filter). The cheapest place is where it is. Without a shape,
the line is drawn through the stops and the tolerance is wider.

Off its line, a vehicle keeps its last place: one report is noise, two are a detour, and after LOST_S nobody knows where it
will come back. One that drives against its line is off it too. A run counts as begun only when the vehicle was at its start or drives along it: one whose trip was switched
before it came to the end of the trip before waits for its departure. Come to its end, it stays there.
Source of the bounds: docs/decisions/0070-places-with-a-cost.md.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import NO_VALUE, Bools, Floats, Int32s, Int64s
from predictor.calls import Calls
from predictor.lines import Candidates, Lines, candidates, lines_of, windows
from predictor.pings import metres_between
from predictor.schedule import Schedule
from predictor.traces import FORGET_S, KEPT, Traces

OFF_ROUTE_M = 100.0
"""Further from its shape than this a vehicle is on a detour or its trip is wrong; GPS between towers errs by 60 m."""
OFF_STOPS_M = 250.0
"""The same where the line is only drawn through the stops."""
LOST_S = 300
"""Off the line for longer, a vehicle's way back to it is anybody's guess."""
BACKWARDS_M = 300.0
"""How far behind its last places a vehicle is looked for before the whole line is searched."""
NOISE_M = 40.0
"""A standing vehicle's reports wander this far back along the line."""
TOP_SPEED_MPS = 30.0
SLACK_M = 400.0
AT_STOP_M = 30.0
"""A vehicle this close to a stop is at it; status messages change some 40 m before the sign."""
AGREES_M = 300.0
"""The call a vehicle says it is at counts when geometry puts it no further from there."""
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
AGAINST_M = 400.0
"""A vehicle that has driven so far against its line is on another trip, whatever it says."""
LEAPS = 2.5
"""After so many refused jumps, hardly faded, a receiver leaps about: nothing is made of the places it gives."""
IMPOSSIBLE = 40.0
"""The cost of having driven faster than TOP_SPEED_MPS: more than any place on the line can save."""
FORGOTTEN = 30.0
"""A place that costs so much more than the best is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Vehicles on runs, a row each. *run* is the run in the Calls, *trip* and *date* tell it from others."""

    run: Int64s
    trip: Int32s
    date: Int32s
    lat: Floats
    lon: Floats
    bearing_deg: Floats
    """nan for none; 0 counts as none, too many receivers mean nothing by it."""
    seen_epoch_s: Int64s
    news: Bools
    """False for a position that was reported before."""
    stop_sequence: Int32s
    """current_stop_sequence, or NO_VALUE."""
    stop: Int32s
    """Row of the stop it says it is at or goes to, or -1."""
    named: Bools
    """The vehicle names the run itself; only such trips are switched early or late."""
    before: Traces
    """What is remembered of the vehicle."""


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


class Ground:
    """The lines of one timetable."""

    def __init__(self, schedule: Schedule) -> None:
        of = schedule.timetable.array
        self.shapes: Lines = lines_of(of("shape_ptr"), of("shape_lat"), of("shape_lon"), of("shape_dist_m"))
        self.stops: Lines | None = None
        if (schedule.pattern_shape < 0).any():
            stop = schedule.pattern_stop
            self.stops = lines_of(
                schedule.pattern_ptr, schedule.stop_lat[stop], schedule.stop_lon[stop], schedule.pattern_distance_m
            )


def places(
    ground: Ground, schedule: Schedule, pattern: Int64s, *, lat: Floats, lon: Floats, low_m: Floats, high_m: Floats
) -> Candidates:
    """Where on the lines of their patterns vehicles may be, between *low_m* and *high_m* along them (nan: anywhere).

    Within OFF_ROUTE_M of a shape, or OFF_STOPS_M of a line through stops; sorted by vehicle.
    """
    shape = schedule.pattern_shape[pattern].astype(np.int64)
    found: list[Candidates] = []
    for lines, line, rows, limit_m in (
        (ground.shapes, shape, np.flatnonzero(shape >= 0), OFF_ROUTE_M),
        (ground.stops, pattern, np.flatnonzero(shape < 0), OFF_STOPS_M),
    ):
        if lines is None or not len(rows):
            continue
        first, last = windows(lines, line[rows], low_m[rows], high_m[rows])
        near = candidates(lines, first, last, lat=lat[rows], lon=lon[rows], within_m=np.full(len(rows), limit_m))
        found.append(near.of(rows))
    if len(found) == 1:
        return found[0]
    return Candidates.joined(found)


def progress(schedule: Schedule, ground: Ground, calls: Calls, seen: Sighting) -> Progress:
    """The progress of every sighting."""
    before = seen.before
    spoken = _spoken_position(schedule, calls, seen)
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
    matched = _look(schedule, ground, calls, seen, look, known, after, (spoken, expected_m, elapsed_s))
    _count_misses(after, seen, look, matched & ~_strange(before, after, known, matched, elapsed_s))

    on_route = (after["off_pings"] == 0) & ~np.isnan(after["along_m"][:, 0])
    distance = after["along_m"][:, 0].copy()
    start_m, end_m = metres[first], metres[first + size - 1]
    departs, arrives = calls.departure_epoch_s[first], calls.arrival_epoch_s[first + size - 1]
    waiting = _waiting(after, seen, known, matched, start_m, departs)
    placed = ~np.isnan(distance) | (after["doubted"] & (seen.seen_epoch_s <= departs + LOST_S))
    ended = _ended(after, seen, matched, end_m, arrives) & ~waiting
    distance = np.where(after["doubted"], start_m, np.where(after["ended"] & ~waiting, end_m, distance))

    by_ground = _position_at(schedule, calls, seen.run, np.maximum(distance - AT_STOP_M, 0.0))
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
        closest_position=_closest(metres, first, following, distance),
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


def _look(
    schedule: Schedule, ground: Ground, calls: Calls, seen: Sighting, look: Int64s, known: Bools, after: Traces,
    clues: tuple[Int64s, Floats, Int64s],
) -> Bools:  # fmt: skip
    """Bring the places of the vehicles in *look* up to date in *after*; which of all vehicles lie on their lines."""
    spoken, expected_m, elapsed_s = clues
    matched = np.zeros(len(seen.run), bool)
    if not len(look):
        return matched
    pattern = calls.pattern[seen.run].astype(np.int64)
    along = after["along_m"]

    def search(rows: Int64s, low_m: Floats, high_m: Floats) -> Candidates:
        near = places(
            ground, schedule, pattern[rows], lat=seen.lat[rows], lon=seen.lon[rows], low_m=low_m, high_m=high_m
        )
        return near.of(rows)

    rows, low_m, high_m = _windows(along, look, known, elapsed_s.astype(np.float64) * TOP_SPEED_MPS + SLACK_M)
    found = search(rows, low_m, high_m)
    if len(rows) > len(look):
        found = found.apart()
    missing = look[known[look] & ~np.isin(look, found.who)]
    if len(missing):
        anywhere = np.full(len(missing), np.nan)
        found = Candidates.joined([found, search(missing, anywhere, anywhere)])
    if not len(found):
        return matched
    who = found.who
    sigma = np.where(schedule.pattern_shape[pattern[who]] >= 0, OFF_ROUTE_M, OFF_STOPS_M) / 5.0
    cost = 0.5 * (found.away_m / sigma) ** 2
    heading = seen.bearing_deg[who]
    with np.errstate(invalid="ignore"):
        turned = 1.5 * (1.0 - np.cos(np.radians(heading - found.bearing_deg)))
    cost += np.where(np.isnan(turned) | (heading == 0.0), 0.0, turned)
    cost += _disagreement(schedule, calls, seen.run[who], spoken[who], found.along_m)
    fresh = ~known[who]
    with np.errstate(invalid="ignore"):
        off = np.minimum(((found.along_m - expected_m[who]) / 1500.0) ** 2, 9.0)
    driven_m = metres_between(after["matched_lat"][who], after["matched_lon"][who], seen.lat[who], seen.lon[who])
    moves = moving_cost(found.along_m[:, None] - along[who], elapsed_s[who][:, None], driven_m[:, None])
    came = np.min(np.where(np.isnan(moves), np.inf, moves + after["cost"][who]), axis=1)
    cost += np.where(fresh, np.where(spoken[who] >= 0, 0.0, off), came)

    order = np.lexsort((cost, who))
    who, cost = who[order], cost[order]
    head = np.ones(len(who), bool)
    head[1:] = who[1:] != who[:-1]
    start = np.flatnonzero(head)
    nth = np.arange(len(who)) - start[np.cumsum(head) - 1]
    owner, best = who[start], order[start]
    after["along_m"][owner], after["cost"][owner] = np.nan, np.inf
    extra = cost - cost[start][np.cumsum(head) - 1]
    stay = (nth < KEPT) & (extra <= FORGOTTEN)
    after["along_m"][who[stay], nth[stay]] = found.along_m[order[stay]]
    after["cost"][who[stay], nth[stay]] = extra[stay]
    matched[owner] = True
    for name, column in (
        ("matched_epoch_s", seen.seen_epoch_s[owner]), ("matched_lat", seen.lat[owner]), ("matched_lon", seen.lon[owner]),
        ("snapped_lat", found.lat[best]), ("snapped_lon", found.lon[best]), ("bearing_deg", found.bearing_deg[best]),
    ):  # fmt: skip
        after[name][owner] = column
    return matched


def _windows(along_m: Floats, look: Int64s, known: Bools, ahead_m: Floats) -> tuple[Int64s, Floats, Floats]:
    """Vehicles of *look* and stretches of their lines to search: around each place kept, or all of it (nan)."""
    fresh = look[~known[look]]
    rows = look[known[look]]
    places = np.sort(along_m[rows], axis=1)  # nan last
    low, high = places - BACKWARDS_M, places + ahead_m[rows][:, None]
    low[:, 1:] = np.maximum(low[:, 1:], high[:, :-1])
    some = ~np.isnan(places)
    who = np.broadcast_to(rows[:, None], places.shape)
    anywhere = np.full(len(fresh), np.nan)
    order = np.argsort(np.concatenate([fresh, who[some]]), kind="stable")
    return (
        np.concatenate([fresh, who[some]])[order],
        np.concatenate([anywhere, low[some]])[order],
        np.concatenate([anywhere, high[some]])[order],
    )


def moving_cost(moved_m: Floats, elapsed_s: Int64s, crow_m: Floats) -> Floats:
    """The cost of having driven *moved_m* along a line in *elapsed_s* while getting *crow_m* away as the crow flies.

    Back is cheap within NOISE_M and dear beyond; faster than TOP_SPEED_MPS is IMPOSSIBLE; a way much longer than the crow's
    costs the more the less time there was; a way shorter than the crow's cannot be.
    """
    back = np.maximum(-moved_m, 0.0)
    cost = 0.5 * np.minimum(back / NOISE_M, 1.0) ** 2 + np.minimum(np.maximum(back - NOISE_M, 0.0) / 15.0, 30.0)
    around = np.maximum(moved_m - crow_m, 0.0) / (100.0 + 5.0 * elapsed_s)
    short = np.minimum(np.maximum(crow_m - np.abs(moved_m) - 60.0, 0.0) / 50.0, 6.0)
    fast: Floats = np.where(moved_m > TOP_SPEED_MPS * elapsed_s + OFF_ROUTE_M, IMPOSSIBLE, 0.0)
    total: Floats = cost + around + short + fast
    return total


def _disagreement(schedule: Schedule, calls: Calls, run: Int64s, spoken: Int64s, along_m: Floats) -> Floats:
    """The cost of a place that is not between the call before the one spoken of and that one, give or take AGREES_M."""
    start = schedule.pattern_ptr[calls.pattern[run].astype(np.int64)]
    to_m = schedule.pattern_distance_m[start + np.maximum(spoken, 0)].astype(np.float64)
    from_m = schedule.pattern_distance_m[start + np.maximum(spoken - 1, 0)].astype(np.float64)
    off = np.maximum(np.maximum(from_m - along_m, along_m - to_m) - AGREES_M, 0.0)
    cost: Floats = np.where(spoken >= 0, np.minimum((off / 100.0) ** 2, 9.0), 0.0)
    return cost


def _strange(before: Traces, after: Traces, known: Bools, matched: Bools, elapsed_s: Int64s) -> Bools:
    """Which vehicles leap about, or drive against their lines; brings ``against_m`` up to date.

    Driven, not jumped: a place found on a wrong pass at first is no way back. A vehicle on the tail of the trip before, or
    on its way to the next, may well drive against the line.
    """
    with np.errstate(invalid="ignore"):
        moved_m = after["along_m"][:, 0] - before["along_m"][:, 0]
        driven = known & matched & (moved_m >= -(TOP_SPEED_MPS * elapsed_s + OFF_ROUTE_M))
        driven &= ~before["doubted"] & ~before["ended"]
        sum_m = before["against_m"] + np.where(np.abs(moved_m) > NOISE_M, -moved_m, 0.0)
    after["against_m"] = np.where(driven, np.clip(sum_m, 0.0, 2 * AGAINST_M), np.where(known, after["against_m"], 0.0))
    strange: Bools = (after["against_m"] >= AGAINST_M) | (after["leaps"] >= LEAPS)
    return strange


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


def _spoken_position(schedule: Schedule, calls: Calls, seen: Sighting) -> Int64s:
    """Position of the call that each vehicle says it is at or goes to; -1 where it says none, or one of several."""
    pattern = calls.pattern[seen.run].astype(np.int64)
    start = schedule.pattern_ptr[pattern]
    position = np.full(len(seen.run), -1, np.int64)
    if not len(schedule.sequence_key):
        return position
    wanted = (pattern << 32) | np.maximum(seen.stop_sequence, 0)
    row = np.minimum(np.searchsorted(schedule.sequence_key, wanted), len(schedule.sequence_key) - 1)
    hit = (schedule.sequence_key[row] == wanted) & (seen.stop_sequence != NO_VALUE)
    position[hit] = schedule.sequence_key_call[row[hit]] - start[hit]
    # protobuf cannot tell an absent current_stop_sequence of some producers from 0; the stop, if given, must agree.
    wrong = hit & (seen.stop >= 0)
    wrong[wrong] = schedule.pattern_stop[(start + position)[wrong]] != seen.stop[wrong]
    position[wrong] = -1
    ask = np.flatnonzero((position < 0) & (seen.stop >= 0))
    wanted = (pattern[ask] << 32) | seen.stop[ask]
    low = np.searchsorted(schedule.stop_key, wanted, "left")
    once = np.searchsorted(schedule.stop_key, wanted, "right") - low == 1
    position[ask[once]] = schedule.stop_key_call[low[once]] - start[ask[once]]
    return position


def _position_at(schedule: Schedule, calls: Calls, run: Int64s, distance_m: Floats) -> Int64s:
    """Position of the first call at or after each distance; the number of calls beyond the last; 0 for nan."""
    pattern = calls.pattern[run].astype(np.int64)
    metres = np.nan_to_num(distance_m, nan=0.0)
    row = np.searchsorted(schedule.distance_key, pattern * 1e8 + metres, "left")
    start, end = schedule.pattern_ptr[pattern], schedule.pattern_ptr[pattern + 1]
    position: Int64s = np.clip(row, start, end) - start
    return position


def _closest(metres: Floats, first: Int64s, following: Int64s, distance_m: Floats) -> Int64s:
    """The nearer of the next call and the one before it."""
    after = np.maximum(following, 0)
    before = np.maximum(after - 1, 0)
    with np.errstate(invalid="ignore"):
        nearer = np.abs(metres[first + before] - distance_m) < np.abs(metres[first + after] - distance_m)
    closest: Int64s = np.where(following < 0, -1, np.where(nearer, before, after))
    return closest


def distance_at(schedule: Schedule, calls: Calls, run: Int64s, at_epoch_s: Int64s) -> Floats:
    """Metres along its line where the timetable has each run at an instant: at a call, or evenly between two."""
    if not len(run):
        return np.zeros(0)
    first, last = calls.ptr[run], calls.ptr[run + 1] - 1
    departed = np.searchsorted((calls.run << 34) + calls.departure_epoch_s, (run << 34) + at_epoch_s, "right")
    after = np.clip(departed, first, last)
    before = np.clip(departed - 1, first, last)
    metres = schedule.pattern_distance_m[calls.source].astype(np.float64)
    left, arrives = calls.departure_epoch_s[before], calls.arrival_epoch_s[after]
    share = np.clip((at_epoch_s - left) / np.maximum(arrives - left, 1), 0.0, 1.0)
    share = np.where(after == before, 0.0, share)
    distances: Floats = metres[before] + share * (metres[after] - metres[before])
    return distances


def time_at(schedule: Schedule, calls: Calls, run: Int64s, distance_m: Floats) -> tuple[Int64s, Int64s]:
    """First and last instant at which the timetable has each run there: the same, but at a call that it dwells at."""
    first, last = calls.ptr[run], calls.ptr[run + 1] - 1
    metres = schedule.pattern_distance_m[calls.source].astype(np.float64)
    there = np.nan_to_num(distance_m, nan=0.0)
    at = first + _position_at(schedule, calls, run, there)
    after, before = np.clip(at, first, last), np.clip(at - 1, first, last)
    gap = np.maximum(metres[after] - metres[before], 1e-6)
    share = np.where(after == before, 0.0, np.clip((there - metres[before]) / gap, 0.0, 1.0))
    left, arrives = calls.departure_epoch_s[before], calls.arrival_epoch_s[after]
    left = np.where(after == before, np.where(at > last, calls.arrival_epoch_s[last], left), left)
    between = (left + share * (arrives - left) * (after != before)).astype(np.int64)
    low, high = between.copy(), between.copy()
    for call in (before, after):
        near = np.abs(metres[call] - there) <= AT_STOP_M
        low = np.where(near, np.minimum(low, calls.arrival_epoch_s[call]), low)
        high = np.where(near, np.maximum(high, calls.departure_epoch_s[call]), high)
    return low, high

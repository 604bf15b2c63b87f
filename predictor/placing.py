"""Where on its line each vehicle may be: a few places each, with what they cost.

A line may pass one place twice, so every vehicle keeps a few places where it may be, and a new report weighs them all: how
far the vehicle is from the line, how the line runs there, which call it says it is at, and whether it can have driven there
from where it may have been (a forward filter). Without a shape, the line is drawn through the stops and the tolerance is
wider.
Source of the bounds: docs/decisions/0070-places-with-a-cost.md.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Bools, Floats, Int32s, Int64s
from predictor.calls import Calls
from predictor.lines import Candidates, Lines, candidates, lines_of, windows
from predictor.pings import metres_between
from predictor.schedule import Schedule
from predictor.traces import KEPT, Traces

OFF_ROUTE_M = 100.0
"""Further from its shape than this a vehicle is on a detour or its trip is wrong; GPS between towers errs by 60 m."""
OFF_STOPS_M = 250.0
"""The same where the line is only drawn through the stops."""
BACKWARDS_M = 300.0
"""How far behind its last places a vehicle is looked for before the whole line is searched."""
NOISE_M = 40.0
"""A standing vehicle's reports wander this far back along the line."""
TOP_SPEED_MPS = 30.0
SLACK_M = 400.0
AGREES_M = 300.0
"""The call a vehicle says it is at counts when geometry puts it no further from there."""
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


def look_for(
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


def strange(before: Traces, after: Traces, known: Bools, matched: Bools, elapsed_s: Int64s) -> Bools:
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
    odd: Bools = (after["against_m"] >= AGAINST_M) | (after["leaps"] >= LEAPS)
    return odd

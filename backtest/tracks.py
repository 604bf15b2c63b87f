"""Where along its run's line each report was: once as it could be known then, once with hindsight.

Candidates are the places where the line comes nearest, at least 150 m apart along it: passes of a loop, ways out and
back. Between candidates of successive reports a vehicle goes forward, not much backwards, no faster than a bus can.
The cheapest chain up to a report is what could be known then (*causal*); the cheapest chain of the whole run, read back
from its end, is what happened (*hindsight*). Nothing here is shared with the predictor's own matching.
"""

from dataclasses import dataclass

import numpy as np

from backtest.recording import Bools, Fixes, Floats, Int64s, Line, Runs

METRES_PER_DEGREE = 111_195.0
APART_M = 150.0
"""Two candidates nearer to each other along the line are one."""
NOISE_M = 40.0
"""Backwards motion up to this is GPS noise."""
TOP_SPEED_MPS = 30.0
OFF_M = 25.0
"""Standard error of a report across the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """One row a fix; metres along the line of its run, nan where it was not on it."""

    causal_m: Floats
    hindsight_m: Floats


def tracks_of(runs: Runs, lines: tuple[Line, ...], fixes: Fixes) -> Tracks:
    """The tracks of all vehicles on all runs."""
    causal = np.full(len(fixes), np.nan)
    hindsight = np.full(len(fixes), np.nan)
    order = np.lexsort((fixes.at_s, fixes.vehicle, fixes.run))
    run, vehicle = fixes.run[order], fixes.vehicle[order]
    cuts = np.flatnonzero((np.diff(run) != 0) | (np.diff(vehicle) != 0)) + 1
    for rows in np.split(order, cuts):
        if len(rows) and runs.line[fixes.run[rows[0]]] >= 0:
            causal[rows], hindsight[rows] = _track(runs, lines, fixes, rows)
    return Tracks(causal_m=causal, hindsight_m=hindsight)


def _track(runs: Runs, lines: tuple[Line, ...], fixes: Fixes, rows: Int64s) -> tuple[Floats, Floats]:
    run = int(fixes.run[rows[0]])
    line = lines[runs.line[run]]
    calls = slice(int(runs.ptr[run]), int(runs.ptr[run + 1]))
    spoken = fixes.said[rows]
    owner, along, away = candidates(line, fixes.lat[rows], fixes.lon[rows])
    cost = (away / OFF_M) ** 2
    metres = runs.along_m[calls]
    if (spoken >= 0).any():
        cost = cost + _disagreement(metres, spoken[owner], fixes.stopped[rows][owner], along)
    expected = runs.arrival_s[calls]
    due = np.interp(along, metres, expected) if np.isfinite(expected).all() else None
    at = fixes.at_s[rows]
    n = len(rows)
    causal, hindsight = np.full(n, np.nan), np.full(n, np.nan)
    ptr = np.searchsorted(owner, np.arange(n + 1))
    total: list[list[float]] = []
    back: list[list[int]] = []
    seen: list[int] = []
    places: list[list[float]] = []
    for k in range(n):
        low, high = int(ptr[k]), int(ptr[k + 1])
        if low == high:
            continue
        here = along[low:high].tolist()
        own = cost[low:high].tolist()
        if not seen:
            if due is not None:
                own = [own[i] + min(abs(at[k] - due[low + i]) / 600.0, 3.0) ** 2 for i in range(high - low)]
            total.append(own)
            back.append([-1] * (high - low))
        else:
            before, sums = places[-1], total[-1]
            elapsed = float(at[k] - at[seen[-1]])
            new, came = [], []
            for place, price in zip(here, own, strict=True):
                steps = [sums[j] + _step(place - before[j], elapsed) for j in range(len(before))]
                best = min(range(len(steps)), key=steps.__getitem__)
                new.append(steps[best] + price)
                came.append(best)
            least = min(new)
            total.append([it - least for it in new])
            back.append(came)
        seen.append(k)
        places.append(here)
        causal[k] = here[min(range(len(here)), key=total[-1].__getitem__)]
    if seen:
        choice = min(range(len(total[-1])), key=total[-1].__getitem__)
        for number in range(len(seen) - 1, -1, -1):
            hindsight[seen[number]] = places[number][choice]
            choice = back[number][choice]
    return causal, hindsight


def _step(metres: float, elapsed_s: float) -> float:
    """What it costs to go so far in that time."""
    if metres < -NOISE_M:
        return min(((-metres - NOISE_M) / 60.0) ** 2 + 1.0, 60.0)
    over = metres - (TOP_SPEED_MPS * elapsed_s + 100.0)
    if over > 0:
        return 20.0 + min(over / 50.0, 60.0)
    return max(metres, 0.0) / (20.0 * max(elapsed_s, 1.0) + 400.0)


def _disagreement(metres: Floats, spoken: Int64s, stopped: Bools, along: Floats) -> Floats:
    """What it costs to be elsewhere than where the vehicle says it is: at a call, or between the one before and it."""
    ahead = metres[np.maximum(spoken, 0)]
    behind = np.where(stopped, ahead, metres[np.maximum(spoken - 1, 0)])
    off = np.maximum(np.maximum(behind - along, along - ahead) - 150.0, 0.0)
    price: Floats = np.where(spoken >= 0, np.minimum((off / 150.0) ** 2, 9.0), 0.0)
    return price


def candidates(line: Line, lat: Floats, lon: Floats) -> tuple[Int64s, Floats, Floats]:
    """(point, metres along, metres away) of every place where the line is nearest to a point, ordered by point, along."""
    if len(line.lat) < 2 or not len(lat):
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    scale = METRES_PER_DEGREE * np.cos(np.radians(float(line.lat[0])))
    x, y = line.lon * scale, line.lat * METRES_PER_DEGREE
    dx, dy = np.diff(x), np.diff(y)
    length2 = np.maximum(dx * dx + dy * dy, 1e-9)
    px, py = (lon * scale)[:, None], (lat * METRES_PER_DEGREE)[:, None]
    foot = ((px - x[:-1]) * dx + (py - y[:-1]) * dy) / length2
    share = np.clip(foot, 0.0, 1.0)
    away = np.hypot(x[:-1] + share * dx - px, y[:-1] + share * dy - py)
    # Local minima of the distance: feet of perpendiculars, and corners that the line comes to and goes away from.
    beyond = np.hstack([np.ones((len(lat), 1), np.bool_), foot[:, :-1] >= 1.0])
    lowest = ((foot > 0.0) & (foot < 1.0)) | ((foot <= 0.0) & beyond)
    lowest[:, -1] |= foot[:, -1] >= 1.0
    point, segment = np.nonzero(lowest & (away <= line.tolerance_m))
    off = away[point, segment]
    along = line.along_m[segment] + share[point, segment] * np.diff(line.along_m)[segment]
    alone = np.bincount(point, minlength=len(lat))[point] == 1
    keep = alone.copy()
    crowded = np.flatnonzero(~alone)
    crowded = crowded[np.lexsort((off[crowded], point[crowded]))]
    taken: list[float] = []
    last = -1
    for row, who, place in zip(crowded.tolist(), point[crowded].tolist(), along[crowded].tolist(), strict=True):
        if who != last:
            taken, last = [], who
        if all(abs(place - other) >= APART_M for other in taken):
            taken.append(place)
            keep[row] = True
    return point[keep], along[keep], off[keep]


def stops_along(line: Line, lat: Floats, lon: Floats) -> Floats:
    """Metres along the line of the stops of a run, in order and never decreasing: the cheapest monotone assignment."""
    wide = Line(lat=line.lat, lon=line.lon, along_m=line.along_m, tolerance_m=np.inf)
    owner, along, away = _all_minima(wide, lat, lon)
    n = len(lat)
    ptr = np.searchsorted(owner, np.arange(n + 1))
    sums = (away[ptr[0] : ptr[1]] ** 2).tolist()
    places = along[ptr[0] : ptr[1]].tolist()
    chain: list[tuple[list[float], list[int]]] = [(places, [-1] * len(places))]
    for k in range(1, n):
        here = along[ptr[k] : ptr[k + 1]].tolist()
        price = (away[ptr[k] : ptr[k + 1]] ** 2).tolist()
        new, came = [], []
        for place, own in zip(here, price, strict=True):
            best, least = -1, np.inf
            for j, other in enumerate(places):
                if other <= place + 1.0 and sums[j] < least:
                    best, least = j, sums[j]
            if best < 0:
                best = min(range(len(sums)), key=sums.__getitem__)
                least = sums[best] + 1e6
            new.append(least + own)
            came.append(best)
        sums, places = new, here
        chain.append((here, came))
    found = np.zeros(n)
    choice = min(range(len(sums)), key=sums.__getitem__)
    for k in range(n - 1, -1, -1):
        found[k] = chain[k][0][choice]
        choice = chain[k][1][choice]
    ordered: Floats = np.maximum.accumulate(found)
    return ordered


def _all_minima(line: Line, lat: Floats, lon: Floats) -> tuple[Int64s, Floats, Floats]:
    """Candidates of every point, but of those far off their best one only the best."""
    owner, along, away = candidates(line, lat, lon)
    best = np.full(len(lat), np.inf)
    np.minimum.at(best, owner, away)
    near = away <= best[owner] + 100.0
    order = np.lexsort((along[near], owner[near]))
    return owner[near][order], along[near][order], away[near][order]


def line_through(lat: Floats, lon: Floats, tolerance_m: float, along_m: Floats | None = None) -> Line:
    """The line through the points, with metres along it measured unless they are given."""
    if along_m is None:
        scale = METRES_PER_DEGREE * np.cos(np.radians(float(lat[0]))) if len(lat) else 1.0
        along_m = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(lon) * scale, np.diff(lat) * METRES_PER_DEGREE))])
    return Line(lat=lat, lon=lon, along_m=along_m, tolerance_m=tolerance_m)

"""What happened: when each vehicle was at each call, found with hindsight and apart from every predictor.

Events that vehicles reported are taken as they are. Otherwise a vehicle was at a call when it first passed a place 15 m
before the stop, by linear interpolation between the reports on both sides; at its first call when it was 60 m beyond
it for good, for that is a departure: whoever comes back to it had not departed. Inside a longer silence nobody knows.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backtest.recording import Bools, Floats, Int64s, Recording, Runs, end_of_piece
from backtest.tracks import Tracks

BEFORE_STOP_M = 15.0
DEPARTED_M = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossings:
    """When calls were passed, a row each, in order of *known_s*."""

    call: Int64s
    at_s: Floats
    departed_s: Floats
    """When it left again, where the recording says so; else the same instant."""
    known_s: Floats
    """When the report that proves it was received."""
    drive: Int64s
    """Equal for calls of one drive from a first stop: who comes back to it begins another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What happened at each call of the recording's runs."""

    at_s: Floats
    """nan where nobody knows. At a run's first call its departure."""
    open_s: Floats
    """At calls that a vehicle was still on its way to when its piece of the recording ended: that end. Else nan."""
    of: int
    """How many calls the runs have that a vehicle was seen on."""

    @property
    def coverage(self) -> float:
        """Share of those calls whose time is known: the others lie outside the recording or inside a silence."""
        return float(np.isfinite(self.at_s).sum()) / self.of if self.of else float("nan")


def truth_of(recording: Recording, tracks: Tracks) -> Truth:
    """When each call happened."""
    runs = recording.runs
    at = np.full(len(runs.stop), np.nan)
    first = runs.ptr[runs.run] == np.arange(len(runs.stop))
    if recording.native or not len(recording.fixes):
        events = recording.events
        when = np.where(first[events.call], events.departure_s, events.arrival_s)
        rows = np.flatnonzero(np.isfinite(when))[::-1]
        at[events.call[rows]] = when[rows]
        return Truth(at_s=at, open_s=_open(recording, tracks, at), of=_calls_of(runs, runs.run[events.call]))
    main = main_vehicles(recording, tracks)
    found = crossings(
        recording, tracks.hindsight_m, recording.fixes.vehicle == main[recording.fixes.run], hindsight=True
    )
    at[found.call] = found.at_s
    return Truth(at_s=at, open_s=_open(recording, tracks, at), of=_calls_of(runs, np.flatnonzero(main >= 0)))


def _open(recording: Recording, tracks: Tracks, at_s: Floats) -> Floats:
    """When its piece of the recording ended for calls that the vehicle of a run still heard of then had not come to.

    That is no call before one that is known, nor one that the vehicle was seen beyond: it was passed inside a silence.
    """
    runs, fixes, events = recording.runs, recording.fixes, recording.events
    heard, came_m = np.full((2, len(runs)), -np.inf)
    on = np.isfinite(tracks.hindsight_m) & (fixes.vehicle == main_vehicles(recording, tracks)[fixes.run])
    np.maximum.at(heard, fixes.run[on], fixes.received_s[on])
    np.maximum.at(came_m, fixes.run[on], tracks.hindsight_m[on])
    np.maximum.at(heard, runs.run[events.call], events.received_s)
    end = end_of_piece(recording.pieces, heard)
    last = np.full(len(runs), -1, np.int64)
    known = np.flatnonzero(np.isfinite(at_s))
    np.maximum.at(last, runs.run[known], known)
    under_way = (last >= 0) & (end - heard <= recording.longest_gap_s)
    with np.errstate(invalid="ignore"):
        beyond = runs.along_m - BEFORE_STOP_M <= came_m[runs.run]
    ahead = (np.arange(len(at_s)) > last[runs.run]) & ~beyond
    return np.where(under_way[runs.run] & ahead, end[runs.run], np.nan)


def main_vehicles(recording: Recording, tracks: Tracks) -> Int64s:
    """For each run the vehicle that was on its line in most reports; -1 for none."""
    fixes, n = recording.fixes, len(recording.runs)
    main = np.full(n, -1, np.int64)
    on = np.isfinite(tracks.hindsight_m)
    if not on.any():
        return main
    width = int(fixes.vehicle.max()) + 1
    pairs, count = np.unique(fixes.run[on] * width + fixes.vehicle[on], return_counts=True)
    order = np.argsort(count, kind="stable")
    main[pairs[order] // width] = pairs[order] % width
    return main


def leaders(recording: Recording, tracks: Tracks) -> Bools:
    """Which fixes are of the vehicle that counts for its run, as can be known then: the one with most reports so far."""
    fixes = recording.fixes
    leads = np.zeros(len(fixes), np.bool_)
    reports: dict[tuple[int, int], int] = {}
    leader: dict[int, int] = {}
    on = np.flatnonzero(np.isfinite(tracks.causal_m))
    for row, run, vehicle in zip(on.tolist(), fixes.run[on].tolist(), fixes.vehicle[on].tolist(), strict=True):
        count = reports[run, vehicle] = reports.get((run, vehicle), 0) + 1
        first = leader.setdefault(run, vehicle)
        if first != vehicle and count > reports[run, first]:
            leader[run] = vehicle
        leads[row] = leader[run] == vehicle
    return leads


def crossings(recording: Recording, metres: Floats, of: Bools, *, hindsight: bool) -> Crossings:
    """Every call that a run's vehicle passed, by *metres* along of each of its fixes (*of*), in order of proof.

    Some wait for their time in a bay that lies along their line and come back; they had not departed when they passed the first
    stops on their way there. With *hindsight* only the last drive from the first stop counts; without, each is one of its own, for
    nobody knew then who would come back.
    """
    fixes, runs = recording.fixes, recording.runs
    rows = np.flatnonzero(np.isfinite(metres) & of)
    rows = rows[np.lexsort((fixes.at_s[rows], fixes.run[rows]))]
    calls: list[Int64s] = []
    times: list[Floats] = []
    known: list[Floats] = []
    for run_rows in np.split(rows, np.flatnonzero(np.diff(fixes.run[rows])) + 1):
        if len(run_rows) < 2:
            continue
        run = int(fixes.run[run_rows[0]])
        low, high = int(runs.ptr[run]), int(runs.ptr[run + 1])
        mark = runs.along_m[low:high] - BEFORE_STOP_M
        mark[0] = runs.along_m[low] + DEPARTED_M
        heard = np.maximum.accumulate(fixes.received_s[run_rows])
        bounds = _bounds(metres[run_rows], float(mark[0]), float(runs.along_m[high - 1]))
        for start, end in pairwise(bounds[-2:] if hindsight else bounds):
            part = run_rows[start:end]
            reached = np.maximum.accumulate(metres[part])
            after = np.searchsorted(reached, mark, "left")
            ok = (after > 0) & (after < len(part))
            after, which = after[ok], np.flatnonzero(ok)
            before_s, after_s = fixes.at_s[part[after - 1]], fixes.at_s[part[after]]
            from_m, to_m = reached[after - 1], reached[after]
            share = (mark[which] - from_m) / np.maximum(to_m - from_m, 1e-6)
            good = (after_s - before_s <= recording.longest_gap_s) & (
                to_m - from_m <= 40.0 * (after_s - before_s) + 200.0
            )
            calls.append(low + which[good])
            times.append((before_s + share * (after_s - before_s))[good])
            known.append(heard[start:end][after[good]])
    if not calls:
        nothing, none = np.zeros(0), np.zeros(0, np.int64)
        return Crossings(call=none, at_s=nothing, departed_s=nothing, known_s=nothing, drive=none)
    call, at, proof = np.concatenate(calls), np.concatenate(times), np.concatenate(known)
    drive = np.repeat(np.arange(len(calls)), [len(it) for it in calls])
    order = np.lexsort((call, drive, proof))
    return Crossings(call=call[order], at_s=at[order], departed_s=at[order], known_s=proof[order], drive=drive[order])


def _bounds(along_m: Floats, departed_m: float, end_m: float) -> list[int]:
    """Bounds of the drives among a run's reports: each begins with the last report at its first stop.

    Who comes back after half the line is on the next trip and has not told.
    """
    beyond = np.flatnonzero(along_m >= (departed_m + end_m) / 2)
    home = np.flatnonzero(along_m[: beyond[0] if len(beyond) else len(along_m)] <= departed_m)
    leaves = home[np.diff(home, append=len(along_m)) > 1]
    return [*sorted({0, *leaves.tolist(), *home[-1:].tolist()}), len(along_m)]


def _calls_of(runs: Runs, seen: Int64s) -> int:
    return int(np.diff(runs.ptr)[np.unique(seen)].sum())

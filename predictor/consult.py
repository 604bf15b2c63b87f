"""The learned engine asked: what it is told of the tick's runs, and how much of its outlook riders are told."""

from dataclasses import replace

import numpy as np

from domain.arrival import SOURCE_CODES, Source
from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, Bools, Int64s
from predictor import sanity
from predictor.arrivals import Told
from predictor.calls import Calls
from predictor.foresight import Foresight
from predictor.outlook import Outlook, Sights
from predictor.progress import Progress
from predictor.runs import Runs
from predictor.sightings import Seen
from predictor.times import Times

POSITION_LOST_S = 600
"""With learned travel times a vehicle is carried on for so long, ever less certainly."""


def consult(
    foresight: Foresight, times: Times, runs: Runs, calls: Calls, told: Told, seen: Seen, progress: Progress, best: Int64s,
    now_epoch_s: int,
) -> Times:  # fmt: skip
    """The engine's times where no agency predicts, or where ours is known to be better; the rest as it was."""
    sights = _sights(now_epoch_s, runs, told, seen, progress, best)
    outlook = foresight.look(now_epoch_s, calls, sights)
    ours = _ours(calls, outlook, times)
    merged = _merged(calls, outlook, times, ours, now_epoch_s)
    told_s = np.where(merged.arrival_epoch_s > 0, merged.arrival_epoch_s, merged.departure_epoch_s)
    known = ~np.isnan(outlook.early_epoch_s) & (told_s > 0) & (ours[calls.run] | (told.band_s == 0))
    late = np.nan_to_num(outlook.deviation_s, nan=NO_VALUE)
    published = np.where((merged.flags & CallFlag.SKIPPED) != 0, 0, told_s)
    foresight.preference.note(now_epoch_s, calls, sights, outlook, published)
    return replace(
        merged,
        early_s=np.where(known, np.minimum(outlook.early_epoch_s - told_s, 0), times.early_s),
        late_s=np.where(known, np.maximum(outlook.late_epoch_s - told_s, 0), times.late_s),
        deviation_s=np.where(ours & ~np.isnan(outlook.deviation_s), np.round(late), times.deviation_s).astype(np.int64),
        by_vehicle=times.by_vehicle | (ours & (best >= 0)),
    )


def _sights(now: int, runs: Runs, told: Told, seen: Seen, progress: Progress, best: Int64s) -> Sights:
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
    lies = np.zeros(n)
    lies[followed] = seen.lies[row[followed]]
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
        lies=lies,
        skipped=(told.flags & CallFlag.SKIPPED) != 0,
        agency_arrival_epoch_s=told.arrival_epoch_s,
        agency_departure_epoch_s=told.departure_epoch_s,
    )


def _ours(calls: Calls, outlook: Outlook, times: Times) -> Bools:
    """Runs of which riders are told the engine's times."""
    claimed, predicted = np.zeros((2, len(times.source)), bool)
    claimed[calls.run[_claims(outlook)]] = True
    predicted[calls.run[(times.arrival_epoch_s > 0) | (times.departure_epoch_s > 0)]] = True
    return claimed & (~(predicted & times.spoken) | outlook.preferred)


def _claims(outlook: Outlook) -> Bools:
    return ~np.isnan(outlook.departure_epoch_s) | ~np.isnan(outlook.arrival_epoch_s)


def _merged(calls: Calls, outlook: Outlook, times: Times, ours: Bools, now: int) -> Times:
    """The engine's times on the runs that are *ours*."""
    mine, rows = calls.only(np.flatnonzero(ours))
    arrives, leaves = outlook.arrival_epoch_s[rows], outlook.departure_epoch_s[rows]
    arrives, leaves = np.where(np.isnan(arrives), leaves, arrives), np.where(np.isnan(leaves), arrives, leaves)
    arrival, departure, flags = times.arrival_epoch_s[rows], times.departure_epoch_s[rows], times.flags[rows]
    take = ~np.isnan(arrives) & ((flags & CallFlag.SKIPPED) == 0)
    arrival = np.where(take, np.nan_to_num(arrives), arrival).astype(np.int64)
    departure = np.where(take, np.nan_to_num(leaves), departure).astype(np.int64)
    # A call that was passed keeps the time at which it is thought to have been, and nothing of it is still to come.
    gone = outlook.passed[rows]
    arrival = np.where(gone, np.minimum(arrival, now - 1), arrival)
    departure = np.where(gone, np.minimum(departure, now - 1), departure)
    cleared = np.uint8(CallFlag.PASSED | CallFlag.NO_DATA | CallFlag.UNCERTAIN)
    flags = np.where(take | gone, flags & ~cleared, flags).astype(np.uint8)
    flags[gone] |= np.uint8(CallFlag.PASSED)
    flags[take & outlook.uncertain[rows]] |= np.uint8(CallFlag.UNCERTAIN)
    whole = times.arrival_epoch_s.copy(), times.departure_epoch_s.copy(), times.flags.copy()
    whole[0][rows], whole[1][rows] = sanity.in_order(mine.ptr, arrival, departure)
    whole[2][rows] = flags
    return replace(
        times,
        arrival_epoch_s=whole[0],
        departure_epoch_s=whole[1],
        flags=whole[2],
        source=np.where(ours, SOURCE_CODES[Source.LEARNED], times.source).astype(np.uint8),
    )

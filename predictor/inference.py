"""The runs of vehicles that name none: told from where they drive and when, all vehicles of a timetable at once.

Every report is compared with every run that may have a vehicle now (``active_runs``) on a line nearby: how far off the line,
how late (being early counts three times as much: vehicles are late more often), and whether it drives the line's way
(``fits``). What a report says is averaged with what earlier ones said, by *duty*: a block, or a run that belongs to none
(``evidence``). Then the duties are handed out, all at once and nobody's twice, at the least total cost, and each vehicle takes
the run of its duty that its report fits, going on to the next when it has come to the end of one (``duties``). Nothing is
said before some reports in a row agree, and nothing of a vehicle without a trip in a feed that names the trips of most others:
it is out of service.
Source of the weights: docs/decisions/0071-duties-are-handed-out-together.md.
"""

from dataclasses import replace

import numpy as np

from domain.realtime import Int64s
from predictor.active_runs import Active
from predictor.duties import choose, hand_out, options_of
from predictor.evidence import Evidence
from predictor.fits import Fits, fits_of
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.traces import FORGET_S, Memory
from predictor.trip_match import Unmatched

NAMES_TRIPS = 0.25
"""A feed with this share of its vehicles on named trips names them all; the others are out of service."""
NAMELESS = (Unmatched.NO_TRIP, Unmatched.UNKNOWN_TRIP, Unmatched.AMBIGUOUS, Unmatched.NOT_THAT_DAY)


def infer(schedule: Schedule, ground: Ground, seen: Seen, memory: Memory, now_epoch_s: float) -> Seen:
    """*seen* with the runs of vehicles that name none, where they can be told."""
    rows, only_block = _unnamed(schedule, seen, memory, now_epoch_s)
    if not isinstance(memory.evidence, Evidence):
        if not len(rows):
            return seen
        memory.evidence = Evidence()
    evidence: Evidence = memory.evidence
    active = evidence.active(schedule, now_epoch_s)
    slots = seen.slot[rows]
    news = rows[evidence.is_news(slots, seen.seen_epoch_s[rows])]
    fits = fits_of(schedule, ground, seen, memory, news, active, evidence)
    fits = _with_blocks_kept(fits, seen, only_block, active, schedule, memory)
    evidence.weigh(seen.slot[news], seen.seen_epoch_s[news], seen.slot[fits.vehicle], active.duty[fits.run], fits.cost)
    duties = hand_out(evidence, schedule, seen, rows)
    options = options_of(fits, active)
    known = {name: row for row, name in enumerate(zip(active.trip.tolist(), active.date.tolist(), strict=True))}
    trip, date, base, inferred = seen.trip.copy(), seen.date.copy(), seen.base_epoch_s.copy(), seen.inferred.copy()
    fresh = set(news.tolist())
    for row, slot in zip(rows.tolist(), slots.tolist(), strict=True):
        state = evidence.states.get(slot)
        if state is None:
            continue
        if row in fresh:
            duty, last = duties.get(slot, -1), memory.table[slot]
            ended = bool(last["ended"]) and (int(last["trip"]), int(last["date"])) == state.run
            choose(state, duty, options.get(row, {}).get(duty, []), active, ended=ended)
        if state.run is not None and state.run in known:
            trip[row], date[row] = state.run
            base[row] = active.starts_epoch_s(known[state.run])
            inferred[row] = True
    return replace(seen, trip=trip, date=date, base_epoch_s=base, inferred=inferred)


def _unnamed(schedule: Schedule, seen: Seen, memory: Memory, now_epoch_s: float) -> tuple[Int64s, set[int]]:
    """Rows of vehicles whose run is to be told, and those of them that may only go on with the block they had."""
    rows: list[int] = []
    only_block: set[int] = set()
    nameless = np.isin(seen.unmatched, NAMELESS) & (seen.trip < 0)
    for feed in np.unique(seen.feed).tolist():
        of = np.flatnonzero(seen.feed == feed)
        silent = of[nameless[of]]
        if not len(silent):
            continue
        if np.mean(seen.trip[of] >= 0) < NAMES_TRIPS:
            rows += silent.tolist()
            continue
        last = memory.table[seen.slot[silent]]
        had = (last["trip"] >= 0) & (now_epoch_s - last["matched_epoch_s"] <= FORGET_S)
        block = np.where(had, schedule.trip_block[np.maximum(last["trip"], 0)], -1)
        routed = seen.route[silent] >= 0
        rows += silent[routed | (block >= 0)].tolist()
        only_block |= set(silent[~routed & (block >= 0)].tolist())
    return np.array(sorted(rows), np.int64), only_block


def _with_blocks_kept(
    fits: Fits, seen: Seen, only_block: set[int], active: Active, schedule: Schedule, memory: Memory
) -> Fits:  # fmt: skip
    """Without what would take a vehicle off the block it has, where that is all that is known of it."""
    if not only_block:
        return fits
    last = memory.table["trip"][seen.slot[fits.vehicle]]
    block = schedule.trip_block[active.trip[fits.run]]
    goes_on = (block >= 0) & (block == schedule.trip_block[np.maximum(last, 0)]) & (last >= 0)
    goes_on &= schedule.trip_start_s[active.trip[fits.run]] >= schedule.trip_start_s[np.maximum(last, 0)]
    return fits.only(goes_on | ~np.isin(fits.vehicle, np.array(sorted(only_block), np.int64)))

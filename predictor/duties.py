"""Duties handed out to vehicles that name no run, all at once and nobody's twice, and the run of its duty that each is on."""

from typing import NamedTuple

import numpy as np

from domain.realtime import Int64s
from predictor.active_runs import Active, duty_keys
from predictor.assignment import assign
from predictor.evidence import SLOT_BITS, Evidence, State
from predictor.fits import Fits
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.traces import FORGET_S

ALONE = 3.0
"""A vehicle is left without a duty rather than given one that costs more."""
TAKEN = 2.0
"""The extra cost of a duty that a vehicle names as its own."""
KEEPS = 0.4
"""What the duty, and the run, that a vehicle has is preferred by."""
PATIENCE = 3
"""Reports in a row that have to agree before anything new is said of a vehicle."""


class Option(NamedTuple):
    """A run that a report fits."""

    cost: float
    run: int
    """Row in Active."""
    at_end: bool


Options = dict[int, dict[int, list[Option]]]
"""Vehicle row to duty to what the report fits of it, the cheapest first."""


def options_of(fits: Fits, active: Active) -> Options:
    """The same by vehicle and duty."""
    found: Options = {}
    order = np.lexsort((fits.cost, fits.vehicle))
    of = fits.only(order)
    options = map(Option, of.cost.tolist(), of.run.tolist(), of.at_end.tolist())
    for vehicle, duty, option in zip(of.vehicle.tolist(), active.duty[of.run].tolist(), options, strict=True):
        found.setdefault(vehicle, {}).setdefault(duty, []).append(option)
    return found


def hand_out(evidence: Evidence, schedule: Schedule, seen: Seen, rows: Int64s) -> dict[int, int]:
    """Slot to duty, at the least total cost, of the vehicles in *rows*; others not seen for long are forgotten."""
    states = evidence.states
    slots = set(seen.slot[rows].tolist())
    oldest = int(seen.seen_epoch_s.max(initial=0)) - FORGET_S
    for slot in [slot for slot, state in states.items() if slot not in slots and state.seen_epoch_s < oldest]:
        del states[slot]
    named = np.flatnonzero((seen.trip >= 0) & ~seen.inferred)
    keys = duty_keys(schedule, seen.trip[named], seen.date[named]).tolist()
    taken = {number for number in map(evidence.duties.numbers.get, keys) if number is not None}
    choices: dict[int, list[tuple[int, float]]] = {slot: [] for slot in sorted(slots)}
    for pair, mean in zip(evidence.pair.tolist(), evidence.mean.tolist(), strict=True):
        slot, duty = pair >> SLOT_BITS, pair & ((1 << SLOT_BITS) - 1)
        if slot in choices and not states[slot].stands:
            has = states[slot].duty == duty
            choices[slot].append((duty, mean - KEEPS * has + TAKEN * (duty in taken)))
    return assign(choices, ALONE)


def choose(state: State, duty: int, options: list[Option], active: Active, *, ended: bool) -> None:
    """Bring a vehicle's run up to date after a report: a new one has to fit better PATIENCE times in a row.

    *duty* is what it was handed out, -1 for none; *options* what the report fits of it, the cheapest first. *ended*: it has
    come to the end of the run that it is known to be on.
    """
    wanted, at_once = _wanted(state, duty, options, active, ended=ended) if duty >= 0 and options else (None, False)
    if wanted == state.run and (duty == state.duty or duty < 0):
        state.rival, state.wins = None, 0
    elif duty < 0:
        if duty != state.duty:
            state.wins = state.wins + 1 if state.rival is None else 1
            state.rival = None
            if state.wins >= PATIENCE:
                state.duty, state.run, state.wins = -1, None, 0
    elif wanted is not None:
        state.wins = state.wins + 1 if state.rival == wanted else 1
        state.rival = wanted
        if at_once or state.wins >= PATIENCE:
            state.duty, state.run, state.rival, state.wins = duty, wanted, None, 0


def _wanted(
    state: State, duty: int, options: list[Option], active: Active, *, ended: bool
) -> tuple[tuple[int, int], bool]:
    """The run of the duty that the report speaks for, and whether one report is enough."""
    best = active.name(options[0].run)
    mine = next((option for option in options if active.name(option.run) == state.run), None)
    if duty != state.duty or mine is None or state.run is None:
        return best, False
    if mine.at_end or ended:
        # Come to the end of its run: the next of its duty that it stands at, at once.
        starts = active.starts_epoch_s(mine.run)
        later = next((option.run for option in options if active.starts_epoch_s(option.run) > starts), None)
        return (state.run, False) if later is None else (active.name(later), True)
    return (state.run if mine.cost <= options[0].cost + KEEPS else best), False

"""The runs of vehicles that name none: told from where they drive and when, all vehicles of a timetable at once.

Every report is compared with every run that may have a vehicle now on a line nearby: how far off the line, how late (being
early counts three times as much: vehicles are late more often), and whether it drives the line's way. What a report says is
averaged with what earlier ones said, by *duty*: a block, or a run that belongs to none. Then the duties are handed out, all
at once and nobody's twice, at the least total cost, and each vehicle takes the run of its duty that its report fits, going
on to the next when it has come to the end of one. Nothing is said before PATIENCE reports agree, and nothing of a vehicle
without a trip in a feed that names the trips of most others: it is out of service.
Source of the weights: docs/decisions/0071-duties-are-handed-out-together.md.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from domain.realtime import NO_VALUE, Bools, Floats, Int32s, Int64s
from predictor.assignment import assign
from predictor.call_places import time_at
from predictor.calls import Calls, calls_of, ragged
from predictor.lines import Candidates
from predictor.nearby import Grid, grid_of, near
from predictor.pings import metres_between
from predictor.placing import OFF_ROUTE_M, OFF_STOPS_M, Ground
from predictor.progress import AT_START_M, LAYOVER_M
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.traces import FORGET_S, Memory
from predictor.trip_match import Unmatched

EARLY_S, LATE_S = 15 * 60, 40 * 60
"""A vehicle that would be earlier or later than that is on another run."""
WAITS_S = 30 * 60
"""A vehicle at the start of a run may wait for its departure so long."""
LATE_UNIT_S = 600.0
"""Being late by this costs 1; being early by this costs EARLY_WEIGHT."""
EARLY_WEIGHT = 3.0
TURNED_WEIGHT = 2.0
"""Driving against the line costs twice this."""
MOVED_M = 30.0
"""A vehicle that moved less has no direction."""
STANDS_S, STANDS_M = 480, 60.0
"""A vehicle that stays within STANDS_M for longer, not at an end of a run, is out of service until it moves."""
WAY_UNKNOWN = 1.0
"""What it adds to a fit that nobody knows yet which way the vehicle drives."""
MISS = 5.0
"""What a report costs that fits no run of a duty."""
ALONE = 3.0
"""A vehicle is left without a duty rather than given one that costs more."""
TAKEN = 2.0
"""The extra cost of a duty that a vehicle names as its own."""
KEEPS = 0.4
"""What the duty that a vehicle has is preferred by."""
MEMORY_S = 600.0
"""How long a report counts: e-fold."""
PATIENCE = 3
NAMES_TRIPS = 0.25
"""A feed with this share of its vehicles on named trips names them all; the others are out of service."""
SLOT_BITS = 40


@dataclass(slots=True)
class Evidence:
    """What was gathered so far; a pair is a vehicle's slot and a duty."""

    pair: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    """``slot << SLOT_BITS | duty number``, ascending."""
    mean: Floats = field(default_factory=lambda: np.zeros(0))
    numbers: dict[int, int] = field(default_factory=dict)
    """Key of a duty to its number; numbers are never used twice."""
    numbered: int = 0
    states: dict[int, "State"] = field(default_factory=dict)
    """By slot."""
    grids: tuple[Grid | None, Grid | None] | None = None
    active: "tuple[int, Active] | None" = None


@dataclass(slots=True)
class State:
    """What is held of one vehicle. *duty* and *run* are -1 and None before anything is."""

    seen_epoch_s: int = 0
    reports: int = 0
    duty: int = -1
    run: tuple[int, int] | None = None
    rival: tuple[int, int] | None = None
    wins: int = 0
    heading_deg: float = float("nan")
    anchor: tuple[float, float, int] = (float("nan"), float("nan"), 0)
    """Latitude, longitude and when the vehicle came there: it has not moved far since."""
    stands: bool = False
    """It has not for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """Runs that may have a vehicle now, by the line they drive on."""

    trip: Int32s
    date: Int32s
    calls: Calls
    duty: Int64s
    """Number of each run's duty."""
    line: Int64s
    """``pattern_shape``, or ``-2 - pattern`` without one; the runs are sorted by it."""


def infer(schedule: Schedule, ground: Ground, seen: Seen, memory: Memory, now_epoch_s: float) -> Seen:
    """*seen* with the runs of vehicles that name none, where they can be told."""
    rows, only_block = _unnamed(schedule, seen, memory, now_epoch_s)
    if not isinstance(memory.evidence, Evidence):
        if not len(rows):
            return seen
        memory.evidence = Evidence()
    evidence: Evidence = memory.evidence
    active = _active(schedule, evidence, now_epoch_s)
    slots = seen.slot[rows]
    news = rows[_is_news(evidence, slots, seen.seen_epoch_s[rows])]
    fits = _fits(schedule, ground, seen, memory, news, active, evidence)
    for vehicle in fits.vehicle.tolist():
        evidence.states[int(seen.slot[vehicle])].stands = False  # at an end of a run a vehicle may stand
    fits = _only(fits, seen, only_block, active, schedule, memory)
    _weigh(evidence, seen, news, fits)
    duties = _hand_out(evidence, schedule, seen, rows)
    trip, date, base = seen.trip.copy(), seen.date.copy(), seen.base_epoch_s.copy()
    best = _best_runs(fits, active)
    known = {(int(t), int(d)): row for row, (t, d) in enumerate(zip(active.trip, active.date, strict=True))}
    inferred = seen.inferred.copy()
    fresh = set(news.tolist())
    for row, slot in zip(rows.tolist(), slots.tolist(), strict=True):
        state = evidence.states.get(slot)
        if state is None:
            continue
        duty = duties.get(slot, -1)
        if row in fresh:
            ended = bool(memory.table["ended"][slot])
            _choose(state, duty, best.get(row, {}), active, ended=ended, memory_run=_run_of(memory, slot))
        if state.run is not None and state.run in known:
            at = known[state.run]
            trip[row], date[row] = state.run
            base[row] = active.calls.departure_epoch_s[active.calls.ptr[at]]
            inferred[row] = True
    return replace(seen, trip=trip, date=date, base_epoch_s=base, inferred=inferred)


def _unnamed(schedule: Schedule, seen: Seen, memory: Memory, now_epoch_s: float) -> tuple[Int64s, set[int]]:
    """Rows of vehicles whose run is to be told, and those of them that may only go on with the block they had."""
    rows: list[int] = []
    only_block: set[int] = set()
    nameless = np.isin(
        seen.unmatched, (Unmatched.NO_TRIP, Unmatched.UNKNOWN_TRIP, Unmatched.AMBIGUOUS, Unmatched.NOT_THAT_DAY)
    )
    nameless &= seen.trip < 0
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


def _is_news(evidence: Evidence, slots: Int64s, seen_epoch_s: Int64s) -> Bools:
    known = [evidence.states.get(slot) for slot in slots.tolist()]
    last = np.array([state.seen_epoch_s if state else 0 for state in known], np.int64)
    news: Bools = (seen_epoch_s > last) | (seen_epoch_s < last - FORGET_S)
    return news


def _active(schedule: Schedule, evidence: Evidence, now_epoch_s: float) -> Active:
    """The runs that may have a vehicle now; kept for half a minute."""
    minute = int(now_epoch_s // 30)
    if evidence.active is not None and evidence.active[0] == minute:
        return evidence.active[1]
    trips, dates, bases = [], [], []
    exact = np.flatnonzero(~schedule.is_inexact(np.arange(len(schedule.trip_start_s), dtype=np.int32)))
    start, duration = schedule.trip_start_s[exact], schedule.duration_s(exact.astype(np.int32))
    for number in schedule.days_near(now_epoch_s):
        day = schedule.start_epoch_s(number)
        now_s = now_epoch_s - day
        runs = schedule.runs_on(number)[schedule.trip_service[exact]]
        here = exact[runs & (start - WAITS_S <= now_s) & (now_s <= start + duration + LATE_S)]
        trips.append(here)
        dates.append(np.full(len(here), number))
        bases.append(day + schedule.trip_start_s[here].astype(np.int64))
    trip = np.concatenate([*trips, np.zeros(0)]).astype(np.int32)
    date = np.concatenate([*dates, np.zeros(0)]).astype(np.int32)
    base = np.concatenate([*bases, np.zeros(0)]).astype(np.int64)
    pattern = schedule.pattern_of(trip).astype(np.int64)
    shape = schedule.pattern_shape[pattern].astype(np.int64)
    line = np.where(shape >= 0, shape, -2 - pattern)
    order = np.argsort(line, kind="stable")
    trip, date, base, line = trip[order], date[order], base[order], line[order]
    block = schedule.trip_block[trip].astype(np.int64)
    keys = (date.astype(np.int64) << 34) | np.where(block >= 0, block << 1, (trip.astype(np.int64) << 1) | 1)
    for key in keys.tolist():
        if key not in evidence.numbers:
            evidence.numbers[key] = evidence.numbered
            evidence.numbered += 1
    duty = np.array([evidence.numbers[key] for key in keys.tolist()], np.int64)
    oldest = schedule.days_near(now_epoch_s)[0]
    if len(evidence.numbers) > 2 * len(keys) + 1000:
        evidence.numbers = {key: number for key, number in evidence.numbers.items() if key >> 34 >= oldest}
    made = Active(trip=trip, date=date, calls=calls_of(schedule, trip, base), duty=duty, line=line)
    evidence.active = (minute, made)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fits:
    """Reports and the runs that they fit, a row each."""

    vehicle: Int64s
    """Row in Seen."""
    run: Int64s
    """Row in Active."""
    cost: Floats
    at_end: Bools
    """Within LAYOVER_M of the run's last stop."""


def _fits(
    schedule: Schedule, ground: Ground, seen: Seen, memory: Memory, rows: Int64s, active: Active, evidence: Evidence
) -> _Fits:  # fmt: skip
    found, line = _places_nearby(schedule, ground, seen, rows, evidence)
    heading = _headings(seen, memory, rows, evidence)
    stands = _standing(seen, rows, evidence)
    low, high = np.searchsorted(active.line, line, "left"), np.searchsorted(active.line, line, "right")
    sizes = high - low
    run = ragged(low, sizes)
    at = np.repeat(np.arange(len(found)), sizes)
    if len(run):
        route = seen.route[rows][found.who[at]]
        direction = seen.direction[rows][found.who[at]]
        of_run = schedule.trip_route[active.trip[run]], schedule.trip_direction[active.trip[run]]
        fits = ((route < 0) | (route == of_run[0])) & (
            (direction == NO_VALUE) | (of_run[1] < 0) | (direction == of_run[1])
        )
        run, at = run[fits], at[fits]
    who = found.who[at]
    vehicle = rows[who]
    calls = active.calls
    first, last = calls.ptr[run], calls.ptr[run + 1] - 1
    metres = schedule.pattern_distance_m[calls.source]
    along = found.along_m[at]
    soonest, latest = time_at(schedule, calls, run, along)
    when = seen.seen_epoch_s[vehicle]
    late = (when - np.clip(when, soonest, latest)).astype(np.float64)
    departs = calls.departure_epoch_s[first] if len(run) else np.zeros(0, np.int64)
    at_start = along - metres[first] <= AT_START_M if len(run) else np.zeros(0, bool)
    waits = at_start & (when < departs)
    at_end = metres[last] - along <= LAYOVER_M if len(run) else np.zeros(0, bool)
    timing = np.where(late >= 0, late / LATE_UNIT_S, -EARLY_WEIGHT * late / LATE_UNIT_S)
    timing = np.where(waits, 0.3 * (departs - when) / LATE_UNIT_S, timing)
    sigma = np.where(active.line[run] >= 0, OFF_ROUTE_M, OFF_STOPS_M) / 5.0
    cost = timing + np.minimum(0.5 * (found.away_m[at] / sigma) ** 2, 3.0)
    turned = TURNED_WEIGHT * (1.0 - np.cos(np.radians(heading[who] - found.bearing_deg[at])))
    cost += np.where(waits | at_end, 0.0, np.where(np.isnan(turned), WAY_UNKNOWN, turned))
    possible = ~stands[who] | waits | at_end
    possible &= (late <= LATE_S) & ((late >= -EARLY_S) | (waits & (departs - when <= WAITS_S)))
    kept = np.flatnonzero(possible)
    # Of several passes of one line the one that fits best.
    order = kept[np.lexsort((cost[kept], run[kept], vehicle[kept]))]
    head = np.ones(len(order), bool)
    head[1:] = (vehicle[order][1:] != vehicle[order][:-1]) | (run[order][1:] != run[order][:-1])
    order = order[head]
    return _Fits(vehicle=vehicle[order], run=run[order], cost=cost[order], at_end=at_end[order])


def _places_nearby(
    schedule: Schedule, ground: Ground, seen: Seen, rows: Int64s, evidence: Evidence
) -> tuple[Candidates, Int64s]:  # fmt: skip
    if evidence.grids is None:
        shapes = grid_of(ground.shapes) if len(ground.shapes.lat) else None
        evidence.grids = (shapes, grid_of(ground.stops) if ground.stops is not None else None)
    parts, lines = [], []
    for grid, of, within_m in (
        (evidence.grids[0], ground.shapes, OFF_ROUTE_M),
        (evidence.grids[1], ground.stops, OFF_STOPS_M),
    ):
        if grid is None or of is None:
            continue
        found, line = near(grid, of, lat=seen.lat[rows], lon=seen.lon[rows], within_m=within_m)
        if of is ground.stops:
            plain = schedule.pattern_shape[line] < 0
            found, line = found.only(plain), -2 - line[plain]
        parts.append(found)
        lines.append(line)
    if len(parts) == 1:
        return parts[0], lines[0]
    both = Candidates.joined(parts)
    order = np.argsort(np.concatenate([part.who for part in parts]), kind="stable") if parts else np.zeros(0, np.int64)
    return both, (np.concatenate(lines)[order] if lines else np.zeros(0, np.int64))


def _headings(seen: Seen, memory: Memory, rows: Int64s, evidence: Evidence) -> Floats:
    """The way each vehicle drives: from its last place to this one, else what it says, else the way it last drove."""
    before = memory.table[seen.slot[rows]]
    north = seen.lat[rows] - before["lat"]
    east = (seen.lon[rows] - before["lon"]) * np.cos(np.radians(seen.lat[rows]))
    moved = np.hypot(north, east) * 111_195.0
    driven = np.where(moved >= MOVED_M, np.degrees(np.arctan2(east, north)) % 360.0, np.nan)
    said = seen.bearing_deg[rows].astype(np.float64)
    said = np.where(said == 0.0, np.nan, said)
    heading: Floats = np.where(np.isnan(driven), said, driven)
    for at, slot in enumerate(seen.slot[rows].tolist()):
        state = evidence.states.setdefault(slot, State())
        if np.isnan(heading[at]):
            heading[at] = state.heading_deg
        state.heading_deg = float(heading[at])
    return heading


def _standing(seen: Seen, rows: Int64s, evidence: Evidence) -> Bools:
    """Which vehicles have been in one place for STANDS_S; brings their anchors up to date."""
    states = [evidence.states.setdefault(slot, State()) for slot in seen.slot[rows].tolist()]
    anchors = np.array([state.anchor for state in states], float).reshape(len(rows), 3)
    away = metres_between(anchors[:, 0], anchors[:, 1], seen.lat[rows], seen.lon[rows])
    since = np.where(away <= STANDS_M, anchors[:, 2], seen.seen_epoch_s[rows])
    for at, row in enumerate(rows.tolist()):
        if not away[at] <= STANDS_M:
            states[at].anchor = (float(seen.lat[row]), float(seen.lon[row]), int(seen.seen_epoch_s[row]))
    stands: Bools = seen.seen_epoch_s[rows] - since > STANDS_S
    for state, standing in zip(states, stands.tolist(), strict=True):
        state.stands = standing
    return stands


def _only(
    fits: _Fits, seen: Seen, only_block: set[int], active: Active, schedule: Schedule, memory: Memory
) -> _Fits:  # fmt: skip
    """Without what would take a vehicle off the block it has, where that is all that is known of it."""
    if not only_block:
        return fits
    last = memory.table["trip"][seen.slot[fits.vehicle]]
    block = schedule.trip_block[active.trip[fits.run]]
    goes_on = (block >= 0) & (block == schedule.trip_block[np.maximum(last, 0)]) & (last >= 0)
    goes_on &= schedule.trip_start_s[active.trip[fits.run]] >= schedule.trip_start_s[np.maximum(last, 0)]
    kept = goes_on | ~np.isin(fits.vehicle, np.array(sorted(only_block), np.int64))
    return _Fits(vehicle=fits.vehicle[kept], run=fits.run[kept], cost=fits.cost[kept], at_end=fits.at_end[kept])


def _weigh(evidence: Evidence, seen: Seen, news: Int64s, fits: _Fits) -> None:
    """Average what the reports say of each duty with what was said before."""
    slots = seen.slot[news]
    weight: dict[int, float] = {}
    for slot, when in zip(slots.tolist(), seen.seen_epoch_s[news].tolist(), strict=True):
        state = evidence.states.setdefault(slot, State())
        gap = when - state.seen_epoch_s
        if not 0 <= gap <= FORGET_S:
            state = evidence.states[slot] = State(heading_deg=state.heading_deg, anchor=state.anchor)
            gap = 0
        state.reports += 1
        state.seen_epoch_s = when
        weight[slot] = max(1.0 - float(np.exp(-min(gap, 120) / MEMORY_S)), 1.0 / state.reports)
    assert isinstance(evidence.active, tuple)
    duty = evidence.active[1].duty[fits.run]
    new = (seen.slot[fits.vehicle] << SLOT_BITS) | duty
    order = np.lexsort((fits.cost, new))
    head = np.ones(len(order), bool)
    head[1:] = new[order][1:] != new[order][:-1]
    new, cost = new[order][head], fits.cost[order][head]
    pairs = np.union1d(evidence.pair, new)
    mean = np.full(len(pairs), MISS)
    mean[np.searchsorted(pairs, evidence.pair)] = evidence.mean
    said = np.full(len(pairs), MISS)
    said[np.searchsorted(pairs, new)] = np.minimum(cost, MISS)
    of = pairs >> SLOT_BITS
    reported, at = np.unique(of, return_inverse=True)
    weights = np.array([weight.get(slot, 0.0) for slot in reported.tolist()])
    w = weights[at] if len(weights) else np.zeros(0)
    mean += w * (said - mean)
    alive = np.array([slot in evidence.states for slot in reported.tolist()], bool)
    kept = (mean < MISS - 0.2) & (alive[at] if len(alive) else np.zeros(0, bool))
    evidence.pair, evidence.mean = pairs[kept], mean[kept]


def _hand_out(evidence: Evidence, schedule: Schedule, seen: Seen, rows: Int64s) -> dict[int, int]:
    """Slot to duty."""
    slots = set(seen.slot[rows].tolist())
    for slot in [slot for slot in evidence.states if slot not in slots]:
        if evidence.states[slot].seen_epoch_s < int(seen.seen_epoch_s.max(initial=0)) - FORGET_S:
            del evidence.states[slot]
    named = np.flatnonzero((seen.trip >= 0) & ~seen.inferred)
    taken: set[int] = set()
    for trip, date in zip(seen.trip[named].tolist(), seen.date[named].tolist(), strict=True):
        block = int(schedule.trip_block[trip])
        key = (date << 34) | (block << 1 if block >= 0 else (trip << 1) | 1)
        number = evidence.numbers.get(key)
        if number is not None:
            taken.add(number)
    choices: dict[int, list[tuple[int, float]]] = {slot: [] for slot in sorted(slots)}
    for pair, mean in zip(evidence.pair.tolist(), evidence.mean.tolist(), strict=True):
        slot, duty = pair >> SLOT_BITS, pair & ((1 << SLOT_BITS) - 1)
        if slot in choices and not evidence.states[slot].stands:
            has = evidence.states[slot].duty == duty
            choices[slot].append((duty, mean - KEEPS * has + TAKEN * (duty in taken)))
    return assign(choices, ALONE)


def _best_runs(fits: _Fits, active: Active) -> dict[int, dict[int, list[tuple[float, int, bool]]]]:
    """Vehicle row to duty to (cost, run, at its end), the cheapest first."""
    found: dict[int, dict[int, list[tuple[float, int, bool]]]] = {}
    order = np.lexsort((fits.cost, fits.vehicle))
    for vehicle, run, cost, at_end, duty in zip(
        fits.vehicle[order].tolist(), fits.run[order].tolist(), fits.cost[order].tolist(), fits.at_end[order].tolist(),
        active.duty[fits.run[order]].tolist(), strict=True,
    ):  # fmt: skip
        found.setdefault(vehicle, {}).setdefault(duty, []).append((cost, run, at_end))
    return found


def _run_of(memory: Memory, slot: int) -> tuple[int, int]:
    return int(memory.table["trip"][slot]), int(memory.table["date"][slot])


def _choose(
    state: State, duty: int, fits: dict[int, list[tuple[float, int, bool]]], active: Active, *,
    ended: bool, memory_run: tuple[int, int],
) -> None:  # fmt: skip
    """Bring the vehicle's run up to date: a new one has to fit better PATIENCE times in a row."""
    options = fits.get(duty, []) if duty >= 0 else []
    wanted: tuple[int, int] | None = None
    at_once = False
    if options:
        run = _name(active, options[0][1])
        mine = next((it for it in options if _name(active, it[1]) == state.run), None)
        same_duty = state.duty == duty
        if same_duty and mine is not None and (mine[2] or (ended and memory_run == state.run)):
            # Come to the end of its run: the next of its duty that it stands at, at once.
            later = [it for it in options if active.calls.departure_epoch_s[active.calls.ptr[it[1]]] > active.calls.departure_epoch_s[active.calls.ptr[mine[1]]]]  # fmt: skip
            run = _name(active, later[0][1]) if later else state.run or run
            at_once = bool(later)
        elif same_duty and mine is not None and mine[0] <= options[0][0] + KEEPS:
            run = state.run or run
        wanted = run
    if wanted == state.run and (duty == state.duty or duty < 0):
        state.rival, state.wins = None, 0
        return
    if duty < 0 or wanted is None:
        if duty != state.duty and duty < 0:
            state.wins = state.wins + 1 if state.rival is None else 1
            state.rival = None
            if state.wins >= PATIENCE:
                state.duty, state.run, state.wins = -1, None, 0
        return
    state.wins = state.wins + 1 if state.rival == wanted else 1
    state.rival = wanted
    if at_once or state.wins >= PATIENCE:
        state.duty, state.run, state.rival, state.wins = duty, wanted, None, 0


def _name(active: Active, run: int) -> tuple[int, int]:
    return int(active.trip[run]), int(active.date[run])

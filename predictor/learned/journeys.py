"""From where each run is to when every expert has it at each call ahead.

The travel experts share the walk: the rest of the way to the next call, the dwell there, waiting for time, the way to
the call after it. The work goes call by call over all runs at once, in padded matrices.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Bools, Floats, Int64s, UInt8s
from predictor.learned.errors import AGENCY, CONSTANT_DELAY, EXPERTS, TRAVEL
from predictor.learned.hours import hour_slots
from predictor.learned.learned import Learned
from predictor.learned.plan import Plan
from predictor.learned.runs import Kind, Told
from predictor.learned.settings import Settings
from predictor.learned.tracks import Tracks

SOON_S = 15.0
"""A vehicle at its first call, or held up beyond its expected dwell, is not expected to leave sooner."""
LEAST_DWELL = 0.3
"""Of its usual dwell, a standing vehicle is always given this much more."""
LEAST_REST = 0.1
"""Of the rest of the way to the next call: what remains of it however old the position is."""
RAW_SHARE = 0.5
SPACING_HALF_LIFE_S = 300.0
"""Of running time ahead: so far on, half is left of what the gap before a vehicle does to it. Gaps change on the way."""
GHOST_S = 20 * 60.0
"""A run that nobody is seen on so long after it should have left is not claimed to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where the runs of a forecast are; one row each."""

    run: Int64s
    kind: UInt8s
    start: Int64s
    """Position of the first call ahead: the one it travels to, or stands at."""
    stands: Bools
    """It has reached that call and has not left it."""
    arrived_epoch_s: Floats
    """At that call, when it stands there."""
    located_epoch_s: Floats
    """When that was so."""
    rest: Floats
    """Share of the way to that call that is still ahead, 0 to 1."""
    age_s: Floats
    current: Bools
    """Its vehicle reports stops as such: what it has not reported has not happened, however long ago the last was."""
    delay_s: Floats
    """Behind the timetable; nan without one."""
    spacing: Floats
    """How much longer than planned the gap before it is, as a share of the plan; 0 where that is not known."""


def stand(now_epoch_s: float, plan: Plan, rows: Int64s, tracks: Tracks, settings: Settings) -> Stand:
    """Where the runs in *rows* are, by what was reported."""
    runs = plan.runs
    slot = tracks.find(runs.key[rows])
    there = slot >= 0
    at = np.maximum(slot, 0)
    of = tracks.column
    size = np.diff(runs.ptr)[rows]
    first = runs.ptr[rows]
    located = np.where(there, of("located_epoch_s")[at], np.nan)
    reached, left = of("reached")[at], of("left")[at]
    native = of("native")[at] & there
    age = now_epoch_s - located
    with np.errstate(invalid="ignore"):
        seen = there & (np.where(native, age - 900.0, age) <= settings.lost_s) & (size > 0)
    start = np.where(seen, np.minimum(left, np.maximum(size - 1, 0)), 0)
    stands = seen & (reached > left)
    waiting = seen & (left == 0)
    kind = np.where(waiting, Kind.BEFORE_DEPARTURE, Kind.EN_ROUTE)
    kind = np.where(seen, kind, Kind.UNSEEN)
    over = seen & (reached >= size)
    kind[over] = Kind.EN_ROUTE

    call = first + start
    before = np.maximum(call - 1, 0)
    metres = of("metres")[at]
    with np.errstate(invalid="ignore", divide="ignore"):
        way = plan.reach_m[call] - plan.leave_m[before]
        rest = np.clip((plan.reach_m[call] - metres) / way, 0.0, 1.0)
    rest = np.where(np.isfinite(rest), rest, 1.0)
    rest = np.where(stands | ~seen, 0.0, rest)
    # With stop events alone nothing is heard between two calls: the position is as old as the expected arrival is past.
    quiet = native & ~stands
    age = np.where(quiet, np.maximum(age - plan.pace_s[call] * rest, 0.0), age)
    age = np.where(native & stands, 0.0, age)

    arrived = np.where(stands, of("arrived_epoch_s")[at], np.nan)
    delay = _delay(plan, rows, call, located, rest, stands, waiting)
    return Stand(
        run=rows,
        kind=kind.astype(np.uint8),
        start=np.where(over, size, start),
        stands=stands & ~over,
        arrived_epoch_s=arrived,
        located_epoch_s=located,
        rest=rest,
        age_s=np.where(seen, np.maximum(age, 0.0), np.nan),
        current=native,
        delay_s=np.where(seen & runs.exact[rows] & plan.timed[rows], delay, np.nan),
        spacing=np.where(seen, of("spacing")[at], 0.0),
    )


def _delay(
    plan: Plan, rows: Int64s, call: Int64s, located: Floats, rest: Floats, stands: Bools, waiting: Bools
) -> Floats:
    runs = plan.runs
    arrives, departs = runs.arrival_epoch_s[call], runs.departure_epoch_s[call]
    before = np.maximum(call - 1, 0)
    left = runs.departure_epoch_s[before]
    on_the_way = located - (arrives - rest * np.maximum(arrives - left, 0.0))
    standing = located - np.clip(located, arrives, departs)
    delay = np.where(stands, standing, on_the_way)
    result: Floats = np.where(waiting, np.maximum(located - departs, 0.0), delay)
    assert len(result) == len(rows)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """Every call of the runs, in rows ``ptr[i]:ptr[i + 1]``; times in seconds after now, nan where nothing is said."""

    ptr: Int64s
    row: Int64s
    """Row of each call's run among the stands."""
    call: Int64s
    """Row of each call in the plan."""
    ahead: Bools
    """Its event (arrival; at first calls, departure) has not happened."""
    leaves: Bools
    """Its departure has not happened."""
    arrival_s: Floats
    """A row an expert, a column a call."""
    departure_s: Floats
    run_s: Floats
    """Running time to each call by every travel expert."""
    dwell_s: Floats
    held: Floats
    """Share of earliness that is waited at each call."""
    raw: Bools
    """The way to each call is mostly a guess: few vehicles were seen on it so far."""
    hour: Int64s | None
    """The hour slot by which the running time to each call was told; None while hours are not told apart."""


def journeys(
    now_epoch_s: float, plan: Plan, at: Stand, told: Told, learned: Learned, tracks: Tracks, settings: Settings
) -> tuple[Journeys, Stand]:
    """What every expert says, and the stands with those runs added that follow from an earlier one of their block."""
    runs = plan.runs
    n = len(at.run)
    size = np.diff(runs.ptr)[at.run]
    ptr = np.zeros(n + 1, np.int64)
    np.cumsum(size, out=ptr[1:])
    row = np.repeat(np.arange(n, dtype=np.int64), size)
    position = np.arange(len(row), dtype=np.int64) - ptr[:-1][row]
    call = runs.ptr[at.run][row] + position

    kind, start, stands = at.kind.copy(), at.start.copy(), at.stands.copy()
    came = at.arrived_epoch_s.copy()
    ended, chain = _block(plan, at, tracks, settings)
    begun = np.isfinite(ended) & (kind == Kind.UNSEEN)
    due = runs.departure_epoch_s[np.minimum(runs.ptr[at.run], max(len(runs.departure_epoch_s) - 1, 0))]
    with np.errstate(invalid="ignore"):
        begun &= ~(now_epoch_s - np.fmax(due, ended) > GHOST_S)
    kind[begun] = Kind.BEFORE_DEPARTURE
    came = np.where((kind == Kind.BEFORE_DEPARTURE) & np.isfinite(ended), ended, came)
    kind[chain > 0] = Kind.NEXT_RUN
    first_leg = (kind == Kind.BEFORE_DEPARTURE) | (kind == Kind.NEXT_RUN)
    stands |= first_leg

    habit = plan.habit[at.run]
    run_s = np.zeros((TRAVEL, len(call)))
    moving = (kind != Kind.UNSEEN)[row] & (position >= start[row])
    inner = np.flatnonzero(moving & (position > 0))
    hour: Int64s | None = None
    if learned.tells_hours().any():
        hour = np.zeros(len(call), np.int64)
        hour[inner] = _hours(now_epoch_s, plan, at, call[inner], row[inner])
    run_s[:, inner] = learned.travel_s(
        plan.pair[call[inner]],
        plan.pace_s[call[inner]],
        habit[row[inner]],
        now_epoch_s,
        None if hour is None else hour[inner],
    )
    seen = np.zeros(len(call))
    seen[inner] = learned.seen_share(plan.pair[call[inner]], now_epoch_s)
    raw = _raw(seen, run_s[0], ptr, row) & moving
    dwell = np.zeros(len(call))
    held = np.zeros(len(call))
    some = np.flatnonzero(moving)
    waits = runs.waits[call[some]]
    timed = (plan.timed & runs.exact)[at.run[row[some]]]
    dwell[some] = learned.dwell_s(plan.place[call[some]], habit[row[some]], now_epoch_s)
    held[some] = np.where(timed, learned.held_share(plan.place[call[some]], habit[row[some]], waits), 0.0)
    if at.spacing.any():
        near = np.exp2(-_way_s(plan.pace_s[call] * (position > start[row]), ptr, row) / SPACING_HALF_LIFE_S)
        slower, longer = learned.spacing_share()[:, habit] * at.spacing
        run_s *= 1.0 + slower[row] * near
        dwell *= 1.0 + longer[row] * near
    skipped = runs.skipped[call]
    dwell[skipped] = held[skipped] = 0.0

    experts = len(EXPERTS)
    arrival = np.full((experts, len(call)), np.nan)
    departure = np.full((experts, len(call)), np.nan)
    late_start, layover = learned.groups["late_start_s"][habit], learned.groups["layover_s"][habit]
    delay = at.delay_s.copy()
    level = np.where(kind == Kind.NEXT_RUN, chain, 0)
    row_of_run = np.full(len(runs), -1, np.int64)
    row_of_run[at.run] = np.arange(n)
    for depth in range(int(level.max(initial=0)) + 1):
        mine = np.flatnonzero((kind != Kind.UNSEEN) & (level == depth) & (start < size))
        if not len(mine):
            continue
        arrived = np.broadcast_to(came[mine] - now_epoch_s, (TRAVEL, len(mine))).copy()
        if depth:
            earlier = row_of_run[runs.before[at.run[mine]]]
            arrived = arrival[:TRAVEL, ptr[earlier + 1] - 1].copy()
            delay[mine] = np.maximum(delay[earlier], 0.0)
        begins = _begin(now_epoch_s, at, mine, first_leg[mine], stands[mine], run_s, dwell, ptr, start, arrived,
                        due[mine] - now_epoch_s, late_start[mine], layover[mine])  # fmt: skip
        _walk(now_epoch_s, plan, mine, ptr, start, stands, begins, call, run_s, dwell, held, arrival, departure)
    exact = (plan.timed & runs.exact)[at.run]
    slack = np.where(first_leg & (kind == Kind.BEFORE_DEPARTURE), np.maximum(now_epoch_s - due, 0.0), delay)
    told_delay = np.where(exact & (kind != Kind.UNSEEN), slack, np.nan)[row]
    arrival[CONSTANT_DELAY] = np.where(moving, runs.arrival_epoch_s[call] + told_delay - now_epoch_s, np.nan)
    departure[CONSTANT_DELAY] = np.where(moving, runs.departure_epoch_s[call] + told_delay - now_epoch_s, np.nan)
    _agency(now_epoch_s, plan, told, row_of_run, ptr, arrival, departure)
    leaves = position >= start[row]
    ahead = leaves & ~(stands[row] & ~first_leg[row] & (position == start[row]))
    # Whoever waits at a first call is expected to depart from it: that is its event.
    opening = position == 0
    arrival[:, opening] = departure[:, opening]
    with np.errstate(invalid="ignore"):
        np.maximum(arrival, 0.0, out=arrival)
        np.maximum(departure, 0.0, out=departure)
        arrival[:, ~ahead] = np.nan
        departure[:, ~leaves] = np.nan
    return (
        Journeys(
            ptr=ptr,
            row=row,
            call=call,
            ahead=ahead,
            leaves=leaves,
            arrival_s=arrival,
            departure_s=departure,
            run_s=run_s,
            dwell_s=dwell,
            held=held,
            raw=raw,
            hour=hour,
        ),
        Stand(
            run=at.run,
            kind=kind,
            start=start,
            stands=stands,
            arrived_epoch_s=came,
            located_epoch_s=at.located_epoch_s,
            rest=at.rest,
            age_s=at.age_s,
            current=at.current,
            delay_s=delay,
            spacing=at.spacing,
        ),
    )


def _hours(now_epoch_s: float, plan: Plan, at: Stand, call: Int64s, row: Int64s) -> Int64s:
    """The hour in which each call is reached, if the run stays as late as it is; without a timetable, the hour of now."""
    late = np.nan_to_num(at.delay_s, nan=0.0)[row]
    reached = np.fmax(plan.runs.arrival_epoch_s[call] + late, now_epoch_s)
    return hour_slots(plan.runs, at.run[row], reached)


def _way_s(pace_s: Floats, ptr: Int64s, row: Int64s) -> Floats:
    """Sums of *pace_s* over the calls of each run before each call."""
    gone = np.cumsum(pace_s) - pace_s
    return gone - gone[np.minimum(ptr[:-1], max(len(gone) - 1, 0))][row]


def _raw(seen: Floats, run_s: Floats, ptr: Int64s, row: Int64s) -> Bools:
    """Is less than half of the way to each call known by experience?"""
    known, whole = np.cumsum(seen * run_s), np.cumsum(run_s)
    first = np.maximum(ptr[:-1][row] - 1, 0)
    opening = ptr[:-1][row] == 0
    known -= np.where(opening, 0.0, known[first])
    whole -= np.where(opening, 0.0, whole[first])
    raw: Bools = known < RAW_SHARE * whole
    return raw


def _block(plan: Plan, at: Stand, tracks: Tracks, settings: Settings) -> tuple[Floats, Int64s]:
    """When the run before ended, nan if it has not; and how many layovers away a run under way is, 0 if none."""
    runs = plan.runs
    n = len(at.run)
    ended = np.full(n, np.nan)
    chain = np.zeros(n, np.int64)
    before = runs.before[at.run]
    has = np.flatnonzero(before >= 0)
    if not len(has):
        return ended, chain
    slot = tracks.find(runs.key[before[has]])
    known = slot >= 0
    ended[has[known]] = tracks.column("ended_epoch_s")[slot[known]]
    kind_of_run = np.full(len(runs), -1, np.int64)
    kind_of_run[at.run] = at.kind
    chain_of_run = np.zeros(len(runs), np.int64)
    unseen = has[(at.kind[has] == Kind.UNSEEN) & np.isnan(ended[has])]
    for depth in range(1, settings.layovers + 1):
        earlier = before[unseen]
        if depth == 1:
            follows = np.isin(kind_of_run[earlier], (int(Kind.EN_ROUTE), int(Kind.BEFORE_DEPARTURE)))
        else:
            follows = chain_of_run[earlier] == depth - 1
        chain[unseen[follows]] = depth
        chain_of_run[at.run[unseen[follows]]] = depth
        unseen = unseen[~follows]
    return ended, chain


def _begin(
    now_epoch_s: float, at: Stand, mine: Int64s, first_leg: Bools, stands: Bools, run_s: Floats, dwell: Floats,
    ptr: Int64s, start: Int64s, arrived_s: Floats, due_s: Floats, late_start_s: Floats, layover_s: Floats,
) -> Floats:  # fmt: skip
    """When each expert has each run at its first event ahead: departure where it stands, else arrival.

    A position is advanced by its age, through as many calls as it takes: what lies before now is lifted later.
    """
    here = ptr[mine] + start[mine]
    since = at.located_epoch_s[mine] - now_epoch_s
    way = at.rest[mine] * run_s[:, here]
    current = at.current[mine]
    travelling = np.where(current, np.maximum(since + way, LEAST_REST * way), since + way)
    elapsed = at.located_epoch_s[mine] - at.arrived_epoch_s[mine]
    remains = np.maximum(LEAST_DWELL * dwell[here], dwell[here] - np.nan_to_num(elapsed, nan=0.0))
    standing = np.where(current, np.maximum(since + remains, 0.0), since + remains) + np.zeros((TRAVEL, 1))
    leaving = np.fmax(np.fmax(due_s + late_start_s, arrived_s + layover_s), SOON_S)
    return np.where(first_leg, leaving, np.where(stands, standing, travelling))


def _walk(
    now_epoch_s: float, plan: Plan, mine: Int64s, ptr: Int64s, start: Int64s, stands: Bools, begins: Floats,
    call: Int64s, run_s: Floats, dwell: Floats, held: Floats, arrival: Floats, departure: Floats,
) -> None:  # fmt: skip
    """Fill in the travel experts' times of the runs in rows *mine*."""
    first = ptr[mine] + start[mine]
    length = ptr[mine + 1] - first
    order = np.argsort(-length, kind="stable")
    first, length, here = first[order], length[order], begins[:, order]
    standing = stands[mine][order]
    due = plan.runs.departure_epoch_s[call] - now_epoch_s
    active = np.searchsorted(-length, -np.arange(int(length[0])), "left")
    time = here
    for offset in range(int(length[0])):
        k = int(active[offset])
        at = first[:k] + offset
        time = time[:, :k]
        reach = time + run_s[:, at] if offset else time
        waits = held[at] > 0
        leave = reach + dwell[at]
        if waits.any():
            leave = leave + np.where(waits, held[at] * np.fmax(due[at] - leave, 0.0), 0.0)
        if not offset:
            leave = np.where(standing[:k], reach, leave)
        arrival[:TRAVEL, at] = reach
        departure[:TRAVEL, at] = leave
        time = leave


def _agency(
    now_epoch_s: float, plan: Plan, told: Told, row_of_run: Int64s, ptr: Int64s, arrival: Floats, departure: Floats
) -> None:
    if not len(told.run):
        return
    row = row_of_run[told.run]
    ok = (row >= 0) & (told.position >= 0) & (told.position < np.diff(plan.runs.ptr)[told.run])
    at = ptr[row[ok]] + told.position[ok]
    comes, goes = told.arrival_epoch_s[ok] - now_epoch_s, told.departure_epoch_s[ok] - now_epoch_s
    arrival[AGENCY, at] = np.where(np.isnan(comes), goes, comes)
    departure[AGENCY, at] = np.where(np.isnan(goes), comes, goes)

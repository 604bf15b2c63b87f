"""How well reports of vehicles that name no run fit the runs that may have a vehicle now: place, time and the way they drive."""

from dataclasses import dataclass

import numpy as np

from domain.realtime import NO_VALUE, Bools, Floats, Int64s
from predictor.active_runs import LATE_S, WAITS_S, Active
from predictor.call_places import time_at
from predictor.calls import ragged
from predictor.evidence import Evidence, State
from predictor.lines import METRES_PER_DEGREE, Candidates
from predictor.nearby import grid_of, near
from predictor.pings import metres_between
from predictor.placing import OFF_ROUTE_M, OFF_STOPS_M, Ground
from predictor.progress import AT_START_M, LAYOVER_M
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.traces import Memory

EARLY_S = 15 * 60
"""A vehicle that would be earlier than that is on another run."""
LATE_UNIT_S = 600.0
"""Being late by this costs 1; being early by this costs EARLY_WEIGHT."""
EARLY_WEIGHT = 3.0
WAIT_WEIGHT = 0.3
"""Waiting at the start of a run costs this share of being late by as much."""
AWAY_MOST = 3.0
"""What being off the line costs at the most."""
TURNED_WEIGHT = 2.0
"""Driving against the line costs twice this."""
MOVED_M = 30.0
"""A vehicle that moved less has no direction."""
STANDS_S, STANDS_M = 480, 60.0
"""A vehicle that stays within STANDS_M for longer, not at an end of a run, is out of service until it moves."""
WAY_UNKNOWN = 1.0
"""What it adds to a fit that nobody knows yet which way the vehicle drives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """Reports and the runs that they fit, a row each."""

    vehicle: Int64s
    """Row in Seen."""
    run: Int64s
    """Row in Active."""
    cost: Floats
    at_end: Bools
    """Within LAYOVER_M of the run's last stop."""

    def only(self, kept: Bools | Int64s) -> "Fits":
        """Some of them."""
        return Fits(vehicle=self.vehicle[kept], run=self.run[kept], cost=self.cost[kept], at_end=self.at_end[kept])


def fits_of(
    schedule: Schedule, ground: Ground, seen: Seen, memory: Memory, rows: Int64s, active: Active, evidence: Evidence
) -> Fits:  # fmt: skip
    """Of the reports in *rows* of *seen*; brings up to date which way each vehicle drives and whether it stands."""
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
    timing = np.where(waits, WAIT_WEIGHT * (departs - when) / LATE_UNIT_S, timing)
    sigma = np.where(active.line[run] >= 0, OFF_ROUTE_M, OFF_STOPS_M) / 5.0
    cost = timing + np.minimum(0.5 * (found.away_m[at] / sigma) ** 2, AWAY_MOST)
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
    for slot in np.unique(seen.slot[vehicle[order]]).tolist():
        evidence.states[slot].stands = False  # at an end of a run a vehicle may stand
    return Fits(vehicle=vehicle[order], run=run[order], cost=cost[order], at_end=at_end[order])


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
    moved = np.hypot(north, east) * METRES_PER_DEGREE
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

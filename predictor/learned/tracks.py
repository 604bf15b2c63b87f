"""Where every run is, from report to report: what calls it has reached and left, and when.

A crossing is known only from the later of the two reports that prove it. What lies is left out: positions that jump,
run backwards, come from the future or from another vehicle; after some of them in a row the new place is believed, but
nothing is learned from the way there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.realtime import Bools, Floats, Int64s
from predictor.learned.learned import Learned
from predictor.learned.plan import LIFT_M, Plan
from predictor.learned.runs import Fixes, StopEvents
from predictor.learned.settings import Settings

FORGET_S = 3 * 3600.0
"""Runs not heard of for longer are forgotten."""
PURGE_S = 900.0
OTHER_VEHICLE_S = 120.0
"""A second vehicle on a run is believed when the first has been silent for so long, or is behind it."""

_COLUMNS = {
    "vehicle": (np.int64, -1), "located_epoch_s": (np.float64, np.nan), "metres": (np.float64, np.nan),
    "reached": (np.int64, 0), "left": (np.int64, 0), "arrived_epoch_s": (np.float64, np.nan),
    "departed_epoch_s": (np.float64, np.nan), "arrived_sure": (np.bool_, False), "departed_sure": (np.bool_, False),
    "native": (np.bool_, False), "refused": (np.int64, 0), "refused_m": (np.float64, np.nan),
    "refused_epoch_s": (np.float64, np.nan), "ended_epoch_s": (np.float64, np.nan), "heard_epoch_s": (np.float64, 0.0), "waits_m": (np.float64, np.nan),
    "sampled_epoch_s": (np.float64, np.nan), "began_epoch_s": (np.float64, np.nan),
    "doubts": (np.float64, 0.0), "lied_epoch_s": (np.float64, np.nan), "took_s": (np.float64, 0.0),
    "usual_s": (np.float64, 0.0), "spacing": (np.float64, 0.0), "calls_at": (np.int64, 0), "ends_m": (np.float64, np.nan),
}  # fmt: skip

WAIT_WITHIN_M = 1_500.0
"""So near its start a vehicle that is ahead of its first departure is taken to wait for it, wherever it parks."""
WAIT_EARLY_S = 120.0
"""It may leave so much ahead of it; one in twenty does."""
LATE_BY = 1.2
"""So much longer than usual is a gap of the slowest feeds that is none: their next position was late."""
OTHER_LINE_M = 50.0
"""A line that ends so much sooner or later is another one: places along the one are none along the other."""
STARTS_M = 100.0
"""Once it may leave, this much progress is a start."""


@dataclass(slots=True)
class Seen:
    """What became known: outcomes, running times and dwells, as lists of arrays."""

    outcome_call: list[Int64s]
    outcome_epoch_s: list[Floats]
    run_call: list[Int64s]
    run_s: list[Floats]
    dwell_call: list[Int64s]
    dwell_s: list[Floats]
    dwell_arrived_epoch_s: list[Floats]
    start_call: list[Int64s]
    start_epoch_s: list[Floats]
    lied_run: list[Int64s]
    """Runs that were just caught in a lie, be it a small one."""


class Tracks:
    """One row a run that has been heard of; ``column("reached")`` … see the module's columns."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._slot_of: dict[int, int] = {}
        self._columns: dict[str, npt.NDArray[Any]] = {
            name: np.full(64, value, kind) for name, (kind, value) in _COLUMNS.items()
        }
        self._purged_epoch_s = 0.0
        self.refused = 0
        """Positions refused since the start."""

    def __len__(self) -> int:
        return len(self._slot_of)

    def column(self, name: str) -> npt.NDArray[Any]:
        """One value a slot."""
        return self._columns[name]

    def find(self, keys: Int64s) -> Int64s:
        """The slot of each run, -1 for those never heard of."""
        of = self._slot_of
        return np.fromiter((of.get(key, -1) for key in keys.tolist()), np.int64, len(keys))

    def _slots(self, plan: Plan, run: Int64s) -> Int64s:
        """The slot of each run of the *plan*, new ones made."""
        of, keys = self._slot_of, plan.runs.key[run]
        before = len(of)
        for key in keys.tolist():
            if key not in of:
                of[key] = len(of)
        room = len(self._columns["left"])
        if len(of) > room:
            for name, (kind, value) in _COLUMNS.items():
                grown: npt.NDArray[Any] = np.full(max(len(of), 2 * room), value, kind)
                grown[:room] = self._columns[name]
                self._columns[name] = grown
        slot = np.fromiter((of[key] for key in keys.tolist()), np.int64, len(keys))
        if len(of) > before:
            self._columns["calls_at"][slot], self._columns["ends_m"][slot] = plan.calls_at[run], _ends_m(plan, run)
        return slot

    def forget_others(self, plan: Plan) -> Int64s:
        """Forget where runs are that have other calls or another line in *plan*, as after a new timetable; returns their keys."""
        slot, c = self.find(plan.runs.key), self._columns
        run = np.flatnonzero((slot >= 0) & (np.diff(plan.runs.ptr) > 0))
        at, ends_m = slot[run], _ends_m(plan, run)
        with np.errstate(invalid="ignore"):
            other = (c["calls_at"][at] != plan.calls_at[run]) | (np.abs(c["ends_m"][at] - ends_m) > OTHER_LINE_M)
        for name, (_, value) in _COLUMNS.items():
            c[name][at[other]] = value
        c["calls_at"][at], c["ends_m"][at] = plan.calls_at[run], ends_m
        forgotten: Int64s = plan.runs.key[run[other]]
        return forgotten

    def purge(self, now_epoch_s: float) -> None:
        """Forget runs that are over."""
        if now_epoch_s - self._purged_epoch_s < PURGE_S:
            return
        self._purged_epoch_s = now_epoch_s
        heard = self._columns["heard_epoch_s"]
        keep = [(key, slot) for key, slot in self._slot_of.items() if now_epoch_s - heard[slot] < FORGET_S]
        slots = np.array([slot for _, slot in keep], np.int64)
        for name, (kind, value) in _COLUMNS.items():
            kept: npt.NDArray[Any] = np.full(max(64, len(keep)), value, kind)
            kept[: len(keep)] = self._columns[name][slots]
            self._columns[name] = kept
        self._slot_of = {key: row for row, (key, _) in enumerate(keep)}

    def observe(self, now_epoch_s: float, plan: Plan, fixes: Fixes, events: StopEvents, learned: Learned) -> Seen:
        """Take in what was reported; returns what became known by it."""
        seen = Seen([], [], [], [], [], [], [], [], [], [])
        self.purge(now_epoch_s)
        for rows in _in_turn(events.run, np.flatnonzero(events.position >= 0)):
            self._events(now_epoch_s, plan, events, rows, seen)
        with np.errstate(invalid="ignore"):
            good = np.flatnonzero(
                np.isfinite(fixes.distance_m) & (fixes.located_epoch_s > 0) & (fixes.distance_m < LIFT_M / 2)
                & (fixes.located_epoch_s <= now_epoch_s + self.settings.future_s)
            )  # fmt: skip
        self.refused += len(fixes.run) - len(good)
        for rows in _in_turn(fixes.run, good):
            self._fixes(now_epoch_s, plan, fixes, rows, seen, learned)
        return seen

    # --- positions

    def _fixes(self, now_epoch_s: float, plan: Plan, fixes: Fixes, rows: Int64s, seen: Seen, learned: Learned) -> None:
        """One position of each of several runs."""
        c, settings = self._columns, self.settings
        run = fixes.run[rows]
        slot = self._slots(plan, run)
        c = self._columns
        metres, located = fixes.distance_m[rows], np.minimum(fixes.located_epoch_s[rows], now_epoch_s)
        vehicle = fixes.vehicle[rows]
        fresh = np.isnan(c["located_epoch_s"][slot])
        gap = located - c["located_epoch_s"][slot]
        step = metres - c["metres"][slot]
        with np.errstate(invalid="ignore"):
            news = fresh | (gap > 0)
            back = ~fresh & (gap < -settings.clock_back_s) & (c["vehicle"][slot] == vehicle)
            other = news & ~fresh & (c["vehicle"][slot] != vehicle) & (c["vehicle"][slot] >= 0)
            news &= ~(other & (gap < OTHER_VEHICLE_S) & (step < 0))
            jumps = ~fresh & (
                (step > plan.top_mps[run] * gap + settings.jump_slack_m)
                | ((step < -settings.backwards_m) & np.isnan(c["waits_m"][slot]))
            )
        refused = news & jumps
        self._refuse(slot[refused], metres[refused], located[refused], plan.top_mps[run[refused]])
        lies = np.where(refused | back, 1.0, 0.0)
        if fixes.lies is not None:
            lies = np.maximum(lies, fixes.lies[rows])
        lied = lies > 0
        seen.lied_run.append(run[lied])
        self.caught(slot[lied], now_epoch_s, lies[lied])
        restart = fresh | (refused & (c["refused"][slot] >= settings.reanchor_after))
        self.refused += int(np.count_nonzero(refused & ~restart))
        begin = news & restart
        self._begin(plan, run[begin], slot[begin], metres[begin], located[begin], vehicle[begin])
        go = news & ~restart & ~refused
        c["heard_epoch_s"][slot[news]] = now_epoch_s
        run, slot, metres, located, gap = run[go], slot[go], metres[go], located[go], gap[go]
        if not len(run):
            return
        c["vehicle"][slot] = vehicle[go]
        c["refused"][slot] = 0
        habit = plan.habit[run]
        learned.learn_interval(habit, gap)
        usual_s = learned.groups["interval_s"][habit]
        longest_s = np.clip(LATE_BY * usual_s, settings.slow_gap_s, settings.slowest_gap_s)
        allowed = np.clip(2.2 * usual_s, settings.gap_s, longest_s)
        before_m, before_s = c["metres"][slot].copy(), c["located_epoch_s"][slot].copy()
        waits = self._wait(plan, run, slot, metres, located)
        metres = np.where(waits, metres, np.maximum(metres, before_m))
        sure = (gap <= allowed) & ~other[go]
        c["metres"][slot], c["located_epoch_s"][slot] = metres, located
        moved = (metres > before_m) & ~c["native"][slot] & ~waits
        at = np.flatnonzero(moved)
        if len(at):
            self._cross(plan, run[at], slot[at], before_m[at], before_s[at], metres[at], located[at], sure[at], seen)

    def _wait(self, plan: Plan, run: Int64s, slot: Int64s, metres: Floats, located: Floats) -> Bools:
        """Which vehicles have not started yet, though they may stand, or shuffle about, beyond their first call."""
        c = self._columns
        first = plan.runs.ptr[run]
        due = np.where(plan.runs.exact[run], plan.runs.departure_epoch_s[first], np.nan)
        with np.errstate(invalid="ignore"):
            early = (located < due - WAIT_EARLY_S) & (metres - plan.runs.distance_m[first] < WAIT_WITHIN_M)
            early &= (c["left"][slot] == 0) | ~np.isnan(c["waits_m"][slot])
            base = np.where(early, metres, np.minimum(c["waits_m"][slot], metres))
            waits: Bools = early | (metres <= base + STARTS_M)
        c["waits_m"][slot] = np.where(waits, base, np.nan)
        return waits

    def doubt(self, slot: Int64s, now_epoch_s: float) -> Floats:
        """How many lies of each run are still remembered."""
        c = self._columns
        since = np.nan_to_num(now_epoch_s - c["lied_epoch_s"][slot], nan=0.0)
        left: Floats = c["doubts"][slot] * np.exp2(-since / self.settings.doubt_half_life_s)
        return left

    def hurries(self, slot: Int64s, took_s: Floats, usual_s: Floats) -> Bools:
        """Which runs have needed impossibly little of the time usual on their way of late, these newest seconds included."""
        c, settings = self._columns, self.settings
        fade = np.exp2(-usual_s / settings.hurry_s)
        c["took_s"][slot] = c["took_s"][slot] * fade + took_s
        c["usual_s"][slot] = c["usual_s"][slot] * fade + usual_s
        fast: Bools = (c["usual_s"][slot] >= settings.hurry_s) & (
            c["took_s"][slot] < settings.hurry_ratio * c["usual_s"][slot]
        )
        return fast

    def caught(self, slot: Int64s, now_epoch_s: float, lies: Floats | float) -> None:
        """Remember more lies of each run; no more than fade within the time that doubts are meant to last."""
        c = self._columns
        most = 2.0 * self.settings.doubtful
        c["doubts"][slot] = np.minimum(self.doubt(slot, now_epoch_s) + lies, most)
        c["lied_epoch_s"][slot] = now_epoch_s

    def _refuse(self, slot: Int64s, metres: Floats, located: Floats, top_mps: Floats) -> None:
        """Count refused positions that agree with one another."""
        c, settings = self._columns, self.settings
        with np.errstate(invalid="ignore"):
            gap = located - c["refused_epoch_s"][slot]
            step = np.abs(metres - c["refused_m"][slot])
            agree = (gap > 0) & (step <= top_mps * gap + settings.jump_slack_m)
        c["refused"][slot] = np.where(agree, c["refused"][slot], 0) + 1
        c["refused_m"][slot], c["refused_epoch_s"][slot] = metres, located

    def _begin(self, plan: Plan, run: Int64s, slot: Int64s, metres: Floats, located: Floats, vehicle: Int64s) -> None:
        """Runs seen for the first time, or at a place that has to be believed."""
        c = self._columns
        first = plan.runs.ptr[run]
        lift = run * LIFT_M
        reached = np.searchsorted(plan.reach_key, lift + metres, "right") - first
        left = np.searchsorted(plan.leave_key, lift + metres, "right") - first
        c["vehicle"][slot], c["metres"][slot], c["located_epoch_s"][slot] = vehicle, metres, located
        was_left = c["left"][slot]
        c["waits_m"][slot] = np.nan
        c["left"][slot] = 0
        waits = self._wait(plan, run, slot, metres, located)
        reached, left = np.where(waits, 1, reached), np.where(waits, 0, left)
        native = c["native"][slot]
        c["reached"][slot] = np.where(native, c["reached"][slot], reached)
        c["left"][slot] = np.where(native, was_left, left)
        c["arrived_epoch_s"][slot] = np.where(native, c["arrived_epoch_s"][slot], located)
        c["departed_epoch_s"][slot] = np.where(native, c["departed_epoch_s"][slot], np.nan)
        c["arrived_sure"][slot] &= native
        c["departed_sure"][slot] &= native
        c["began_epoch_s"][slot] = located
        c["refused"][slot] = 0
        over = ~native & (reached >= np.diff(plan.runs.ptr)[run])
        c["ended_epoch_s"][slot] = np.where(over, located, np.where(native, c["ended_epoch_s"][slot], np.nan))

    def _cross(
        self, plan: Plan, run: Int64s, slot: Int64s, before_m: Floats, before_s: Floats, metres: Floats,
        located: Floats, sure: Bools, seen: Seen,
    ) -> None:  # fmt: skip
        """The calls that each run reached and left on its way from one position to the next."""
        c = self._columns
        first, size = plan.runs.ptr[run], np.diff(plan.runs.ptr)[run]
        lift = run * LIFT_M
        was_reached, was_left = c["reached"][slot].copy(), c["left"][slot].copy()
        reached = np.maximum(np.searchsorted(plan.reach_key, lift + metres, "right") - first, was_reached)
        left = np.maximum(np.searchsorted(plan.leave_key, lift + metres, "right") - first, was_left)
        speed = (located - before_s) / (metres - before_m)

        def when(at: Int64s, mark_m: Floats) -> Floats:
            share = np.clip(mark_m - before_m[at], 0.0, metres[at] - before_m[at])
            moment: Floats = before_s[at] + share * speed[at]
            return moment

        # Arrivals, and the running times that end with them.
        at, position = _ragged(was_reached, reached)
        call = first[at] + position
        arrived = when(at, plan.reach_m[call])
        counts = position > 0
        self._outcome(seen, call[counts & sure[at]], arrived[counts & sure[at]])
        now_left = position - 1 >= was_left[at]
        departed = np.where(now_left, when(at, plan.leave_m[np.maximum(call - 1, 0)]), c["departed_epoch_s"][slot[at]])
        known = counts & sure[at] & (now_left | ((position == was_left[at]) & c["departed_sure"][slot[at]]))
        seen.run_call.append(call[known])
        seen.run_s.append((arrived - departed)[known])
        # Departures, and the dwells that end with them.
        leaving, place = _ragged(was_left, left)
        gone = first[leaving] + place
        left_at = when(leaving, plan.leave_m[gone])
        begun = place == 0
        self._outcome(seen, gone[begun & sure[leaving]], left_at[begun & sure[leaving]])
        seen.start_call.append(gone[begun & sure[leaving]])
        seen.start_epoch_s.append(left_at[begun & sure[leaving]])
        now_reached = place >= was_reached[leaving]
        came = np.where(now_reached, when(leaving, plan.reach_m[gone]), c["arrived_epoch_s"][slot[leaving]])
        known = ~begun & sure[leaving] & (
            now_reached | ((place == was_reached[leaving] - 1) & c["arrived_sure"][slot[leaving]])
        )  # fmt: skip
        seen.dwell_call.append(gone[known])
        seen.dwell_s.append((left_at - came)[known])
        seen.dwell_arrived_epoch_s.append(came[known])
        # Where they are now.
        newest = reached > was_reached
        last = np.maximum(first + reached - 1, 0)
        arrived_now = when(np.arange(len(run)), np.where(newest, plan.reach_m[last], 0.0))
        c["arrived_epoch_s"][slot] = np.where(newest, arrived_now, c["arrived_epoch_s"][slot])
        c["arrived_sure"][slot] = np.where(newest, sure, c["arrived_sure"][slot])
        newest_left = left > was_left
        departed_now = when(
            np.arange(len(run)), np.where(newest_left, plan.leave_m[np.maximum(first + left - 1, 0)], 0.0)
        )
        c["departed_epoch_s"][slot] = np.where(newest_left, departed_now, c["departed_epoch_s"][slot])
        c["departed_sure"][slot] = np.where(newest_left, sure, c["departed_sure"][slot])
        over = newest & (reached >= size)
        c["ended_epoch_s"][slot] = np.where(over, arrived_now, c["ended_epoch_s"][slot])
        c["reached"][slot], c["left"][slot] = reached, left

    @staticmethod
    def _outcome(seen: Seen, call: Int64s, moment: Floats) -> None:
        seen.outcome_call.append(call)
        seen.outcome_epoch_s.append(moment)

    # --- stop events

    def _events(self, now_epoch_s: float, plan: Plan, events: StopEvents, rows: Int64s, seen: Seen) -> None:
        """One event of each of several runs: an arrival, a departure, or both."""
        run, position = events.run[rows], events.position[rows]
        with np.errstate(invalid="ignore"):
            arrived = np.where(
                events.arrived_epoch_s[rows] <= now_epoch_s + self.settings.future_s,
                events.arrived_epoch_s[rows],
                np.nan,
            )
            departed = np.where(
                events.departed_epoch_s[rows] <= now_epoch_s + self.settings.future_s,
                events.departed_epoch_s[rows], np.nan,
            )  # fmt: skip
        slot = self._slots(plan, run)
        c = self._columns
        first, size = plan.runs.ptr[run], np.diff(plan.runs.ptr)[run]
        ok = position < size
        c["heard_epoch_s"][slot] = now_epoch_s
        c["native"][slot] = True
        call = first + np.minimum(position, size - 1)
        metres = plan.runs.distance_m[call]

        reached, left = c["reached"][slot], c["left"][slot]
        with np.errstate(invalid="ignore"):
            arrives = ok & np.isfinite(arrived) & (position >= reached) & ~(arrived < c["departed_epoch_s"][slot])
        counts = arrives & (position > 0)
        self._outcome(seen, call[counts], arrived[counts])
        known = counts & (position == left) & c["departed_sure"][slot]
        seen.run_call.append(call[known])
        seen.run_s.append((arrived - c["departed_epoch_s"][slot])[known])
        at = slot[arrives]
        c["reached"][at] = position[arrives] + 1
        c["left"][at] = np.maximum(c["left"][at], position[arrives])
        c["arrived_epoch_s"][at], c["arrived_sure"][at] = arrived[arrives], True
        c["departed_sure"][at] &= left[arrives] == position[arrives]
        c["located_epoch_s"][at] = np.fmax(c["located_epoch_s"][at], arrived[arrives])
        c["metres"][at] = np.fmax(c["metres"][at], metres[arrives])
        over = arrives & (position == size - 1)
        c["ended_epoch_s"][slot[over]] = arrived[over]

        leaves = ok & np.isfinite(departed) & (position >= c["left"][slot])
        begun = leaves & (position == 0)
        self._outcome(seen, call[begun], departed[begun])
        seen.start_call.append(call[begun])
        seen.start_epoch_s.append(departed[begun])
        known = leaves & (position > 0) & (position == c["reached"][slot] - 1) & c["arrived_sure"][slot]
        known &= departed >= c["arrived_epoch_s"][slot]
        seen.dwell_call.append(call[known])
        seen.dwell_s.append((departed - c["arrived_epoch_s"][slot])[known])
        seen.dwell_arrived_epoch_s.append(c["arrived_epoch_s"][slot][known])
        at = slot[leaves]
        unseen = position[leaves] >= c["reached"][at]
        c["arrived_sure"][at] &= ~unseen
        c["arrived_epoch_s"][at] = np.where(unseen, departed[leaves], c["arrived_epoch_s"][at])
        c["reached"][at] = np.maximum(c["reached"][at], position[leaves] + 1)
        c["left"][at] = position[leaves] + 1
        c["departed_epoch_s"][at], c["departed_sure"][at] = departed[leaves], True
        c["located_epoch_s"][at] = np.fmax(c["located_epoch_s"][at], departed[leaves])
        c["metres"][at] = np.fmax(c["metres"][at], metres[leaves])
        over = leaves & (position == size - 1) & np.isnan(c["ended_epoch_s"][slot])
        c["ended_epoch_s"][slot[over]] = departed[over]


def _ends_m(plan: Plan, run: Int64s) -> Floats:
    """Where the last call of each run is along its line."""
    ends_m: Floats = plan.runs.distance_m[plan.runs.ptr[1:][run] - 1]
    return ends_m


def _ragged(low: Int64s, high: Int64s) -> tuple[Int64s, Int64s]:
    """For each row the numbers ``low … high - 1``: the row and the number of each."""
    sizes = np.maximum(high - low, 0)
    row = np.repeat(np.arange(len(low), dtype=np.int64), sizes)
    starts = np.cumsum(sizes) - sizes
    return row, low[row] + np.arange(len(row), dtype=np.int64) - starts[row]


def _in_turn(run: Int64s, rows: Int64s) -> list[Int64s]:
    """The *rows* in groups of which each has at most one of every run, in order."""
    if not len(rows):
        return []
    order = rows[np.argsort(run[rows], kind="stable")]
    ordered = run[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(starts, len(ordered)))
    turn = np.arange(len(order), dtype=np.int64) - np.repeat(starts, sizes)
    if not turn.any():
        return [order]
    by_turn = np.argsort(turn, kind="stable")
    return np.split(order[by_turn], np.cumsum(np.bincount(turn))[:-1])

"""What has been learned: plain columns by key, that decay, merge, and survive a restart.

Stop pairs hold sums of observed and scheduled seconds, of all days and of each hour, stops hold dwells, groups (agencies) hold the network's sums,
layovers, and counts of past errors. Sums rather than means: two halves of a history add up to the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.realtime import Bools, Floats, Int64s
from predictor.learned.errors import BINS, CELLS, EXPERTS, KNOTS_S, N_AGES
from predictor.learned.hours import Hours
from predictor.learned.settings import Settings

PAIR_COLUMNS = ("n", "observed_s", "scheduled_s", "updated_epoch_s", "lately_s", "lately_ratio_s", "lately_seconds_s",
                "lately_epoch_s", "odd_n", "odd_s")  # fmt: skip
"""Running times of a stop pair. Observed and scheduled seconds are sums; *lately* is what was observed in the last hour,
and what both forms had expected of it; *odd* is how many in a row were no usual travel times and yet alike, and their sum."""
STOP_COLUMNS = ("n", "dwell_s", "updated_epoch_s", "held", "early")
"""Dwells of a stop: their number and sum; *held* / *early* is the share of its earliness that a vehicle waits here."""
GROUP_COLUMNS = ("observed_s", "scheduled_s", "lately_s", "lately_ratio_s", "lately_seconds_s", "lately_epoch_s", "dwell_n",
                 "dwell_s", "held", "early", "held_elsewhere", "early_elsewhere",
                 "interval_s", "late_start_n", "late_start_s", "layover_n", "layover_s",
                 "judged_epoch_s", "days_n", "day_epoch_s",
                 "spaced_s", "spaced_more_s", "spaced_dwell_s", "spaced_dwell_more_s")  # fmt: skip
"""Habits of an agency: its network's sums, today's, dwells, waiting, seconds between positions, starts and layovers; on how
many service days it was seen, and when the last of them began; what gaps before vehicles did to running times and dwells."""
GROUP_START = {"late_start_s": 60.0, "layover_s": 120.0, "interval_s": 30.0}
"""Before anything is known: measured at 4,906 layovers of one agency, where max(S + 60, A + 120) was the best rule."""

FORMAT = 2
"""Of a state. 1 knew no hours of the day; what a state lacks stays as it starts."""
ERRORS = ("errors", "band_errors", "expert_errors", "widths")
"""Counts of past errors, a row a group."""
WIDTH_MOST = 0.5
"""The correction of the band's width stays between 0.6 and 1.65: what outcomes say of errors may not be overruled further."""
TODAY_LEAST, TODAY_MOST = 0.7, 1.5
NETWORK_PRIOR_S = 3_600.0
"""Running time that the timetable weighs against the whole network's."""
SPACING_PRIOR_S = 3_600.0
"""Running times and dwells, by the square of how far from the timetable gaps were, that the assumption weighs that gaps do
not matter."""
SPACING_MOST = 0.3
"""No group's times change by more with a gap twice as long as planned; nor do they shrink by it."""
DWELL_PRIOR_N, DWELL_PRIOR_S = 20.0, 12.0
HELD_PRIOR_EARLY = 10 * 120.0**2
"""Ten vehicles two minutes early: what the assumption weighs against a group in how much earliness is waited."""
HELD_PRIOR_AT_STOP = 3 * 120.0**2
"""The same of the group against one stop."""
HELD_AT_TIMEPOINTS, HELD_ELSEWHERE = 0.2, 0.03
"""Shares of earliness that are waited before anything is known. One big agency: 7 %; others hold to the timetable."""
HALF_DAY_S = 43_200.0
"""Service days begin at least 23 hours apart."""
ODD_LEAST_N, ODD_MOST_N = 3.0, 20.0
"""Odd running times, alike, in a row, that are believed: as many as there are usual ones, within these bounds."""
ALIKE = 2.0
"""Running times are alike that differ by no more than this factor from their mean."""
EARLY_S = 30.0
"""A vehicle less early than this does not wait for its time."""


class Table:
    """Columns of floats by key; a slot, once given, stays."""

    def __init__(self, columns: tuple[str, ...], start: Mapping[str, float] | None = None) -> None:
        self.names = columns
        self.keys = np.zeros(0, np.int64)
        self._slot_of: dict[int, int] = {}
        self._values = np.zeros((len(columns), 64))
        self._at = {name: row for row, name in enumerate(columns)}
        self._start = dict(start or {})

    def __len__(self) -> int:
        return len(self._slot_of)

    def __getitem__(self, name: str) -> Floats:
        column: Floats = self._values[self._at[name], : len(self._slot_of)]
        return column

    def slots(self, keys: Int64s) -> Int64s:
        """The slot of every key, new ones made."""
        distinct, where = np.unique(keys, return_inverse=True)
        known = self._slot_of
        fresh = [key for key in distinct.tolist() if key not in known]
        if fresh:
            first = len(known)
            for key in fresh:
                known[key] = len(known)
            self.keys = np.concatenate([self.keys, np.array(fresh, np.int64)])
            room = self._values.shape[1]
            if len(known) > room:
                grown = np.zeros((len(self.names), max(len(known), 2 * room)))
                grown[:, :room] = self._values
                self._values = grown
            for name, value in self._start.items():
                self[name][first:] = value
        found = np.fromiter((known[key] for key in distinct.tolist()), np.int64, len(distinct))
        return found[where.reshape(-1)]


def pair_keys(from_stop: Int64s, to_stop: Int64s) -> Int64s:
    """One key for each ordered pair of stop keys."""
    a, b = from_stop.astype(np.uint64), to_stop.astype(np.uint64)
    mixed = (a * np.uint64(0x9E3779B97F4A7C15)) ^ (b * np.uint64(0xC2B2AE3D27D4EB4F) + (a >> np.uint64(31)))
    keys: Int64s = (mixed >> np.uint64(1)).astype(np.int64)
    return keys


@dataclass(frozen=True, slots=True)
class State:
    """Everything learned, as columns by name: ``pair.from``, ``pair.to``, ``pair.n`` … ``group.key`` … ``group.errors``.

    ``hour.pair`` is a row of the ``pair`` columns; ``format`` holds one number, FORMAT.
    """

    columns: Mapping[str, npt.NDArray[Any]]

    def bytes_per_pair(self) -> float:
        """Of the columns of stop pairs and their hours."""
        held = [column for name, column in self.columns.items() if name.startswith(("pair.", "hour."))]
        return sum(column.nbytes for column in held) / max(len(self.columns["pair.n"]), 1)


class Learned:
    """Tables that learn."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pairs, self.stops = Table(PAIR_COLUMNS), Table(STOP_COLUMNS)
        self.groups = Table(GROUP_COLUMNS, GROUP_START)
        self.hours = Hours()
        self.pair_stops = np.zeros((2, 0), np.int64)
        self.errors = np.zeros((0, CELLS, len(KNOTS_S), N_AGES, BINS))
        """Counts of relative errors of the blend: by group, cell, knot of the horizon, age of the position, bin."""
        self.band_errors = np.zeros_like(self.errors)
        """The same by predicted horizons, for the band."""
        self.expert_errors = np.zeros((0, CELLS, len(KNOTS_S), len(EXPERTS), BINS))
        self.widths = np.zeros((0, CELLS, len(KNOTS_S)))
        """Logarithms of what the band's width is corrected by: by group, cell, knot of the predicted horizon."""
        self.version = 0
        """Counts changes of the judgement, for whoever keeps what follows from it."""

    # --- slots

    def pair_slots(self, from_stop: Int64s, to_stop: Int64s) -> Int64s:
        """Slots of stop pairs."""
        before = len(self.pairs)
        keys = pair_keys(from_stop, to_stop)
        slots = self.pairs.slots(keys)
        if len(self.pairs) > before:
            ends = np.zeros((2, len(self.pairs)), np.int64)
            ends[:, :before] = self.pair_stops
            ends[0, slots], ends[1, slots] = from_stop, to_stop
            self.pair_stops = ends
            self.hours.hold(len(self.pairs))
        return slots

    def group_slots(self, group: Int64s) -> Int64s:
        """Slots of groups."""
        slots = self.groups.slots(group)
        missing = len(self.groups) - len(self.errors)
        if missing > 0:
            for name in ERRORS:
                counts = getattr(self, name)
                setattr(self, name, np.concatenate([counts, np.zeros((missing, *counts.shape[1:]))]))
            self.version += 1
        return slots

    # --- what is expected

    def network_ratio(self) -> Floats:
        """Observed over scheduled running time, a row a group."""
        groups = self.groups
        ratio: Floats = (groups["observed_s"] + NETWORK_PRIOR_S) / (groups["scheduled_s"] + NETWORK_PRIOR_S)
        return ratio

    def today(self, now_epoch_s: float) -> Floats:
        """How today compares with what each form (a row each: by ratio, by seconds) expects of every stop pair."""
        groups, settings = self.groups, self.settings
        fade = _fade(now_epoch_s - groups["lately_epoch_s"], settings.today_half_life_s)
        prior = settings.today_prior_s
        expected = np.stack([groups["lately_ratio_s"], groups["lately_seconds_s"]])
        factor = (groups["lately_s"] * fade + prior) / (expected * fade + prior)
        clipped: Floats = np.clip(factor, TODAY_LEAST, TODAY_MOST)
        return clipped

    def tells_hours(self) -> Bools:
        """Has each group been seen on enough days for its hours to be told apart?"""
        enough: Bools = self.groups["days_n"] >= self.settings.hour_days
        return enough

    def usual_s(
        self, pair: Int64s, pace_s: Floats, habit: Int64s, now_epoch_s: float, hour: Int64s | None = None
    ) -> Floats:
        """Usual running times of stop pairs, a row each form, both shrunk to the network's ratio.

        By ratio: the timetable's pace times the ratio of sums. By seconds: the mean of what was observed. With *hour*, its slot
        (:func:`predictor.learned.hours.hour_slots`), of that hour, shrunk to the whole day.
        """
        pairs, k = self.pairs, self.settings.pair_prior_n
        fade = _fade(now_epoch_s - pairs["updated_epoch_s"][pair], self.settings.pair_half_life_s)
        observed = pairs["observed_s"][pair] * fade + k * self.network_ratio()[habit] * pace_s
        usual = np.stack([
            pace_s * observed / (pairs["scheduled_s"][pair] * fade + k * pace_s),
            observed / (pairs["n"][pair] * fade + k),
        ])  # fmt: skip
        if hour is None:
            return usual
        told = np.flatnonzero(self.tells_hours()[habit])
        if len(told):
            k, pace, whole = self.settings.hour_prior_n, pace_s[told], usual[:, told]
            n, observed, scheduled = self.hours.of(
                pair[told], hour[told], now_epoch_s, self.settings.pair_half_life_s
            )  # fmt: skip
            usual[0, told] = pace * (observed + k * whole[0]) / (scheduled + k * pace)
            usual[1, told] = (observed + k * whole[1]) / (n + k)
        return usual

    def travel_s(
        self, pair: Int64s, pace_s: Floats, habit: Int64s, now_epoch_s: float, hour: Int64s | None = None
    ) -> Floats:
        """Running times of stop pairs by every travel expert: one row each of EXPERTS[:TRAVEL]."""
        pairs, settings = self.pairs, self.settings
        usual = self.usual_s(pair, pace_s, habit, now_epoch_s, hour)
        fade = _fade(now_epoch_s - pairs["lately_epoch_s"][pair], settings.recent_half_life_s)
        expected = np.stack([pairs["lately_ratio_s"][pair], pairs["lately_seconds_s"][pair]]) * fade
        prior = settings.recent_prior_n * usual
        factor = (pairs["lately_s"][pair] * fade + prior * self.today(now_epoch_s)[:, habit]) / (expected + prior)
        return np.concatenate([usual, usual * factor])

    def seen_share(self, pair: Int64s, now_epoch_s: float) -> Floats:
        """How much of each stop pair's running time is experience rather than the network's habit, 0 to 1."""
        fade = _fade(now_epoch_s - self.pairs["updated_epoch_s"][pair], self.settings.pair_half_life_s)
        n = self.pairs["n"][pair] * fade
        share: Floats = n / (n + self.settings.pair_prior_n)
        return share

    def dwell_s(self, place: Int64s, habit: Int64s, now_epoch_s: float) -> Floats:
        """Expected dwell, without waiting for time."""
        stops, groups, k = self.stops, self.groups, self.settings.stop_prior_n
        fade = _fade(now_epoch_s - stops["updated_epoch_s"][place], self.settings.pair_half_life_s)
        prior = (groups["dwell_s"] + DWELL_PRIOR_N * DWELL_PRIOR_S) / (groups["dwell_n"] + DWELL_PRIOR_N)
        dwell: Floats = (stops["dwell_s"][place] * fade + k * prior[habit]) / (stops["n"][place] * fade + k)
        return dwell

    def held_share(self, place: Int64s, habit: Int64s, waits: Bools) -> Floats:
        """The share of its earliness that a vehicle waits at a stop, 0 to 1."""
        groups, stops = self.groups, self.stops
        prior = np.where(
            waits,
            _share(groups["held"], groups["early"], HELD_AT_TIMEPOINTS)[habit],
            _share(groups["held_elsewhere"], groups["early_elsewhere"], HELD_ELSEWHERE)[habit],
        )
        share = (stops["held"][place] + HELD_PRIOR_AT_STOP * prior) / (stops["early"][place] + HELD_PRIOR_AT_STOP)
        clipped: Floats = np.clip(share, 0.0, 1.0)
        return clipped

    def spacing_share(self) -> Floats:
        """By how much running times (first row) and dwells of each group change with a gap twice as long as planned."""
        groups = self.groups
        more = np.stack([groups["spaced_more_s"], groups["spaced_dwell_more_s"]])
        share: Floats = more / (np.stack([groups["spaced_s"], groups["spaced_dwell_s"]]) + SPACING_PRIOR_S)
        return np.clip(share, 0.0, SPACING_MOST)

    def briefest_s(self, pair: Int64s, usual_s: Floats) -> Floats:
        """What vehicles are known to need where a timetable allows them more than that: *usual_s*, or the mean."""
        n = self.pairs["n"][pair]
        mean = np.where(n > 0, self.pairs["observed_s"][pair] / np.where(n > 0, n, 1.0), np.inf)
        briefest: Floats = np.minimum(usual_s, mean)
        return briefest

    # --- what is seen

    def learn_days(self, habit: Int64s, service_epoch_s: Floats) -> None:
        """Count the service days on which groups are seen; a day is known by its beginning."""
        groups = self.groups
        newest = np.zeros(len(groups))
        np.maximum.at(newest, habit, service_epoch_s)
        began = newest > groups["day_epoch_s"] + HALF_DAY_S
        groups["days_n"][began] += 1.0
        groups["day_epoch_s"][began] = newest[began]

    def learn_runs(
        self, pair: Int64s, observed_s: Floats, pace_s: Floats, habit: Int64s, now_epoch_s: float, hour: Int64s,
        spacing: Floats,
    ) -> Bools:  # fmt: skip
        """Take running times in; those that are no travel times are left out. Returns which were taken.

        One that is far from what was expected may be a lie or a breakdown. When as many in a row are alike as told otherwise, it is
        the timetable that is wrong: the one that makes them enough is taken for all of them.
        """
        settings, pairs, groups = self.settings, self.pairs, self.groups
        usual = self.usual_s(pair, pace_s, habit, now_epoch_s, hour)
        taken = self._is_travel_time(observed_s, usual[0])
        times, observed_s, borne_out = self._odd_ones(pair, observed_s, usual, taken)
        taken |= borne_out
        pair, pace_s, habit, (ratio, seconds) = pair[taken], pace_s[taken], habit[taken], usual[:, taken]
        times, borne_out, told_s = times[taken], borne_out[taken], observed_s[taken]
        known = self.seen_share(pair, now_epoch_s)
        most = settings.winsor_ratio * known + settings.winsor_raw_ratio * (1.0 - known)
        slack = settings.winsor_slack_s
        observed = np.clip(told_s, settings.winsor_least * ratio - slack, most * ratio + slack)
        observed = np.where(borne_out, told_s, observed)
        _decay(pairs, pair, "updated_epoch_s", settings.pair_half_life_s, now_epoch_s, "n", "observed_s", "scheduled_s")
        # What was expected of a stop pair hardly seen yet was a guess: that it was wrong says nothing of today.
        weight = np.where(borne_out, 0.0, known)
        lately = {"lately_s": weight * observed, "lately_ratio_s": weight * ratio, "lately_seconds_s": weight * seconds}
        _decay(pairs, pair, "lately_epoch_s", settings.recent_half_life_s, now_epoch_s, *lately)
        _decay(groups, habit, "lately_epoch_s", settings.today_half_life_s, now_epoch_s, *lately)
        np.add.at(pairs["n"], pair, times)
        for column, amount in {"observed_s": times * observed, "scheduled_s": times * pace_s, **lately}.items():
            np.add.at(pairs[column], pair, amount)
        # A leg that the timetable gets all wrong says nothing of the network.
        usually = self._is_travel_time(observed, self.network_ratio()[habit] * pace_s)
        for column, amount in {"observed_s": observed, "scheduled_s": pace_s, **lately}.items():
            np.add.at(groups[column], habit[usually], amount[usually])
        _learn_spacing(groups, "spaced", habit, np.where(borne_out, 0.0, spacing[taken]), ratio, observed)
        self.hours.add(pair, hour[taken], observed, pace_s, now_epoch_s, settings.pair_half_life_s)
        return taken

    def _is_travel_time(self, observed_s: Floats, expected_s: Floats) -> Bools:
        settings = self.settings
        fits: Bools = (
            (observed_s > 0)
            & (observed_s >= settings.least_ratio * expected_s - 15.0)
            & (observed_s <= settings.most_ratio * expected_s + 60.0)
        )
        return fits

    def _odd_ones(
        self, pair: Int64s, observed_s: Floats, usual_s: Floats, taken: Bools
    ) -> tuple[Floats, Floats, Bools]:
        """For how many running times each counts, what each is then, and which odd ones are believed now.

        *odd_n* is above 0 where they were too long, below it where too short. What others needed there, by another
        timetable, is not odd.
        """
        pairs = self.pairs
        times, seconds, believed = np.ones(len(pair)), observed_s.copy(), np.zeros(len(pair), bool)
        briefest, longest = self.briefest_s(pair, usual_s[0]), np.maximum(usual_s[0], usual_s[1])
        odd = ~taken & (observed_s > 0) & (
            (observed_s > self.settings.most_ratio * longest + 60.0)
            | (observed_s < self.settings.least_ratio * briefest - 15.0)
        )  # fmt: skip
        for at in np.flatnonzero(odd).tolist():
            slot, told_s = pair[at], float(observed_s[at])
            n, sum_s = float(pairs["odd_n"][slot]), float(pairs["odd_s"][slot])
            side = 1.0 if told_s > usual_s[0, at] else -1.0
            alike = n * side > 0 and sum_s / abs(n) / ALIKE <= told_s <= sum_s / abs(n) * ALIKE
            n, sum_s = (abs(n) + 1.0, sum_s + told_s) if alike else (1.0, told_s)
            if n >= min(max(float(pairs["n"][slot]), ODD_LEAST_N), ODD_MOST_N):
                times[at], seconds[at], believed[at] = n, sum_s / n, True
                n, sum_s = 0.0, 0.0
            pairs["odd_n"][slot], pairs["odd_s"][slot] = side * n, sum_s
        pairs["odd_n"][pair[taken]] = pairs["odd_s"][pair[taken]] = 0.0
        return times, seconds, believed

    def learn_dwells(
        self, place: Int64s, observed_s: Floats, early_s: Floats, waits: Bools, habit: Int64s, now_epoch_s: float,
        spacing: Floats,
    ) -> None:  # fmt: skip
        """Take dwells in. *early_s* is how long before its time a vehicle could have left; negative or nan: not early."""
        settings, stops, groups = self.settings, self.stops, self.groups
        usual = self.dwell_s(place, habit, now_epoch_s)
        with np.errstate(invalid="ignore"):
            early = early_s - usual > EARLY_S
        held = np.clip(observed_s - usual, 0.0, np.where(early, early_s - usual, 0.0))
        x = np.where(early, np.minimum(early_s - usual, 600.0), 0.0)
        held = np.minimum(held, x)
        np.add.at(stops["held"], place[early], (x * held)[early])
        np.add.at(stops["early"], place[early], (x * x)[early])
        for told, suffix in ((early & waits, ""), (early & ~waits, "_elsewhere")):
            np.add.at(groups[f"held{suffix}"], habit[told], (x * held)[told])
            np.add.at(groups[f"early{suffix}"], habit[told], (x * x)[told])
        plain = ~early & (observed_s >= 0)
        most = np.minimum(settings.winsor_ratio * usual + settings.dwell_slack_s, settings.dwell_cap_s)
        seconds = np.minimum(observed_s, most)
        _decay(stops, place[plain], "updated_epoch_s", settings.pair_half_life_s, now_epoch_s, "n", "dwell_s")
        np.add.at(stops["n"], place[plain], 1.0)
        np.add.at(stops["dwell_s"], place[plain], seconds[plain])
        _learn_spacing(groups, "spaced_dwell", habit[plain], spacing[plain], usual[plain], seconds[plain])
        np.add.at(groups["dwell_n"], habit[plain], 1.0)
        np.add.at(groups["dwell_s"], habit[plain], seconds[plain])

    def learn_starts(self, habit: Int64s, scheduled: Floats, arrived: Floats, departed: Floats) -> None:
        """Take departures from first calls in, against their time and the vehicle's arrival there (nan: not known)."""
        groups = self.groups
        for row in range(len(habit)):
            at, s, a, d = int(habit[row]), scheduled[row], arrived[row], departed[row]
            slack = s - a
            if not np.isnan(s) and -900.0 < d - s < 3_600.0 and not slack < 300.0:
                _step(groups, at, "late_start", d - s, -60.0, 300.0)
            elif slack < 0.0 and 0.0 <= d - a < 1_800.0:
                _step(groups, at, "layover", d - a, 0.0, 600.0)

    def learn_interval(self, habit: Int64s, gap_s: Floats) -> None:
        """Take seconds between positions in."""
        column = self.groups["interval_s"]
        for at in np.unique(habit).tolist():
            typical = float(np.median(gap_s[habit == at]))
            column[at] += 0.02 * (min(typical, 600.0) - column[at])

    # --- whole states

    def state(self) -> State:
        """A copy of everything that was learned."""
        used = np.flatnonzero(self.pairs["n"] > 0)
        columns: dict[str, npt.NDArray[Any]] = {
            "pair.from": self.pair_stops[0, used],
            "pair.to": self.pair_stops[1, used],
            **{f"pair.{name}": self.pairs[name][used] for name in PAIR_COLUMNS},
        }
        columns["format"] = np.array([FORMAT])
        columns |= {f"hour.{name}": column for name, column in self.hours.columns(used).items()}
        used = np.flatnonzero((self.stops["n"] > 0) | (self.stops["early"] > 0))
        columns["stop.key"] = self.stops.keys[used]
        columns |= {f"stop.{name}": self.stops[name][used] for name in STOP_COLUMNS}
        columns["group.key"] = self.groups.keys.copy()
        columns |= {f"group.{name}": self.groups[name].copy() for name in GROUP_COLUMNS}
        columns |= {f"group.{name}": getattr(self, name).copy() for name in ERRORS}
        return State(columns)

    def restore(self, state: State) -> None:
        """Take a state in, into empty tables; columns that it lacks stay as they start. Raises ValueError for one of a format
        that is not known yet, KeyError or IndexError for what is no state."""
        columns = state.columns
        form = int(columns["format"][0]) if "format" in columns else 1
        if form > FORMAT:
            raise ValueError(f"what was learned is kept in format {form}; this program reads up to {FORMAT}")
        pair = self.pair_slots(columns["pair.from"], columns["pair.to"])
        stop = self.stops.slots(columns["stop.key"])
        group = self.group_slots(columns["group.key"])
        for table, name, slots, names in (
            (self.pairs, "pair", pair, PAIR_COLUMNS),
            (self.stops, "stop", stop, STOP_COLUMNS),
            (self.groups, "group", group, GROUP_COLUMNS),
        ):
            for column in names:
                if f"{name}.{column}" in columns:
                    table[column][slots] = columns[f"{name}.{column}"]
        if "hour.pair" in columns:
            self.hours.restore(pair, {name[5:]: it for name, it in columns.items() if name.startswith("hour.")})
        for name in ERRORS:
            kept = getattr(self, name)
            given = columns.get(f"group.{name}")
            if given is not None and given.shape[1:] == kept.shape[1:]:
                kept[group] = given
        np.clip(self.widths, -WIDTH_MOST, WIDTH_MOST, out=self.widths)
        self.version += 1


def _fade(elapsed_s: Floats, half_life_s: float) -> Floats:
    faded: Floats = np.exp2(-np.maximum(elapsed_s, 0.0) / half_life_s)
    return faded


def _share(held: Floats, early: Floats, prior: float) -> Floats:
    share: Floats = (held + HELD_PRIOR_EARLY * prior) / (early + HELD_PRIOR_EARLY)
    return share


def _decay(table: Table, slots: Int64s, stamp: str, half_life_s: float, now_epoch_s: float, *columns: str) -> None:
    """Bring the sums of *slots* to their weight of now."""
    distinct = np.unique(slots)
    fade = _fade(now_epoch_s - table[stamp][distinct], half_life_s)
    for column in columns:
        table[column][distinct] *= fade
    table[stamp][distinct] = now_epoch_s


def _learn_spacing(
    groups: Table, name: str, habit: Int64s, spacing: Floats, usual_s: Floats, observed_s: Floats
) -> None:
    np.add.at(groups[f"{name}_s"], habit, spacing**2 * usual_s)
    np.add.at(groups[f"{name}_more_s"], habit, spacing * (observed_s - usual_s))


def _step(groups: Table, at: int, name: str, seen: float, least: float, most: float) -> None:
    """Move a running median towards what was seen: by ever smaller steps, that never become too small to follow."""
    count, column = groups[f"{name}_n"], groups[f"{name}_s"]
    step = max(1.0, 20.0 / np.sqrt(count[at] + 1.0))
    column[at] = min(max(column[at] + (step if seen > column[at] else -step), least), most)
    count[at] += 1.0

"""The learned engine at work on one timetable: what a tick knows, in the engine's words, and its forecasts back in ours.

Where only a vehicle speaks of a run, riders are told the engine's published time. Where the agency predicts too, its own
time is told until our score on that route says that ours is better: the engine, which blends the agency in, has to earn it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from domain.realtime import Bools, Floats, Int32s, Int64s
from domain.score import METHODS, SHAPE, STRATA, Tally, score_of
from predictor.calls import Calls
from predictor.crowding import CrowdingBook
from predictor.learned.engine import Engine
from predictor.learned.explanation import Explanation, explain
from predictor.learned.plan import Plan
from predictor.learned.runs import Fixes, Forecast, ForecastFlag, Kind, Runs, Told, key_of, no_events
from predictor.schedule import Schedule
from predictor.scorebook import Scorebook, crossings
from predictor.scorebook import Told as Said

ENOUGH = 300
"""Scored predictions on a route before ours may replace the agency's there."""
CLEARLY = 0.97
"""A mean error below this share of the other's is better; less may be noise."""
STANDS_S = 15
"""What was foretold so long ago still stands, as long as no vehicle has been heard of since."""
NEXT_RUNS_S = 3_600
"""Runs that a vehicle's block begins within an hour are foretold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What a tick knows of the runs of its calls: a row a run, or a call."""

    trip: Int32s
    date: Int32s
    usual: Bools
    """A run of the timetable as it stands: not a copy at other times."""
    followed: Bools
    """Its vehicle has a believable place on the line."""
    vehicle: Int64s
    """Key of that vehicle."""
    distance_m: Floats
    located_epoch_s: Floats
    skipped: Bools
    """A row a call."""
    agency_arrival_epoch_s: Int64s
    """What the agency predicts of each call; 0 for nothing."""
    agency_departure_epoch_s: Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the engine foretells, aligned with the tick's calls; nan where it claims nothing."""

    arrival_epoch_s: Floats
    """To be published."""
    departure_epoch_s: Floats
    median_epoch_s: Floats
    early_epoch_s: Floats
    """10th percentile of the arrival (of a first call: the departure)."""
    late_epoch_s: Floats
    """90th."""
    passed: Bools
    uncertain: Bools
    deviation_s: Floats
    """A row a run."""
    preferred: Bools
    """Runs on which ours is told even where the agency predicts. A row a run."""


@dataclass(slots=True)
class _Asked:
    """The last tick, for whoever asks for an explanation."""

    now_epoch_s: float
    plan: Plan
    told: Told
    rows: dict[tuple[int, int], int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last time the engine was asked: what it was told of vehicles, and what it foretold."""

    now_epoch_s: int
    key: Int64s
    """Of the runs, ascending; *order* are their rows then."""
    order: Int64s
    ptr: Int64s
    located_epoch_s: Floats
    outlook: Outlook

    @classmethod
    def of(cls, now_epoch_s: int, calls: Calls, sights: Sights, outlook: Outlook) -> "_Seen":
        key = _key_of_run(sights.date, sights.trip)
        order = np.argsort(key, kind="stable")
        return cls(now_epoch_s, key[order], order, calls.ptr, sights.located_epoch_s, outlook)

    def rows_of(self, sights: Sights) -> Int64s:
        """The row then of each run of now, or -1."""
        if not len(self.key):
            return np.full(len(sights.trip), -1, np.int64)
        key = _key_of_run(sights.date, sights.trip)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        rows: Int64s = np.where((self.key[at] == key) & sights.usual, self.order[at], -1)
        return rows

    def again(self, now_epoch_s: int, calls: Calls, old: Int64s) -> Outlook:
        """What was foretold, for the calls of now; never before now."""
        it, n = self.outlook, len(calls)
        same = (old >= 0) & (np.diff(self.ptr)[old] == np.diff(calls.ptr))
        shift = np.where(same, self.ptr[:-1][old] - calls.ptr[:-1], 0)
        known = same[calls.run]
        call = np.where(known, np.arange(n) + shift[calls.run], 0)

        def times(column: Floats, *, ahead: bool = True) -> Floats:
            if not len(column):
                return np.full(n, np.nan)
            moved = np.maximum(column[call], now_epoch_s) if ahead else column[call]
            return np.where(known, moved, np.nan)

        passed = known & it.passed[call] if len(it.passed) else np.zeros(n, bool)
        return Outlook(
            arrival_epoch_s=times(it.arrival_epoch_s),
            departure_epoch_s=times(it.departure_epoch_s),
            median_epoch_s=times(it.median_epoch_s),
            early_epoch_s=times(it.early_epoch_s, ahead=False),
            late_epoch_s=times(it.late_epoch_s),
            passed=passed,
            uncertain=known & it.uncertain[call] if len(it.uncertain) else np.zeros(n, bool),
            deviation_s=np.where(same, it.deviation_s[old], np.nan),
            preferred=same & it.preferred[old],
        )


def _key_of_run(date: Int32s, trip: Int32s) -> Int64s:
    keys: Int64s = (date.astype(np.int64) << 32) | trip
    return keys


def _rows_of(keys: Int64s, wanted: Int64s) -> Int64s:
    """The row of each wanted key, or -1."""
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(keys, kind="stable")
    at = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    return np.where(keys[at] == wanted, at, -1)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the vehicle of each run last was, and when; nan for never."""

    key: Int64s
    metres: Floats
    epoch_s: Floats

    def of(self, keys: Int64s) -> tuple[Floats, Floats]:
        """Of those runs, nan for ones not known."""
        rows = _rows_of(self.key, keys)
        known = rows >= 0
        found = np.full((2, len(keys)), np.nan)
        found[:, known] = self.metres[rows[known]], self.epoch_s[rows[known]]
        return found[0], found[1]


@dataclass(slots=True)
class _Keys:
    """Names as numbers; made once for each timetable."""

    stop: Int64s
    group: Int64s
    """By route."""
    run: dict[tuple[int, int], int] = field(default_factory=dict)


class Foresight:
    """See the module. One a timetable; the engine and the book go on to the next one."""

    def __init__(
        self, schedule: Schedule, feed_id: str, engine: Engine | None = None, book: Scorebook | None = None
    ) -> None:
        self.schedule, self.feed_id = schedule, feed_id
        self.engine = engine or Engine()
        self.book = book or Scorebook()
        self.crowding = CrowdingBook()
        self.history: dict[int, Tally] = {}
        """Route to what was scored on the days before, for :attr:`preferred`."""
        self.preferred: set[int] = set()
        """Routes on which ours is better than the agency's."""
        self._keys = self._name()
        self._plan: tuple[bytes, Plan] | None = None
        self._places = _Places(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        self._blocks: dict[int, tuple[Int32s, Int32s]] = {}
        self._asked: _Asked | None = None
        self._seen: _Seen | None = None

    def _name(self) -> _Keys:
        timetable, feed = self.schedule.timetable, self.feed_id
        stops = np.array([key_of(feed, timetable.stop_ids[row]) for row in range(len(timetable.stop_ids))], np.int64)
        agency_of_route = timetable.array("route_agency")
        names = [key_of(feed, agency.raw_id) for agency in timetable.agencies] or [key_of(feed, "")]
        return _Keys(stop=stops, group=np.array(names, np.int64)[agency_of_route])

    def go_on_from(self, engine: Engine) -> None:
        """Take another engine: somebody replaced what had been learned."""
        self.engine, self._plan, self._asked, self._seen = engine, None, None, None

    # --- a tick

    def look(self, now_epoch_s: int, calls: Calls, sights: Sights) -> Outlook:
        """Learn from where vehicles are now, and foretell their runs and the next ones of their blocks.

        While no vehicle has moved, what was foretold seconds ago still stands: feeds change one after another, and riders
        must not wait for the same thoughts twice.
        """
        seen = self._seen
        if seen is not None and 0 <= now_epoch_s - seen.now_epoch_s < STANDS_S:
            old = seen.rows_of(sights)
            if not (sights.followed & ((old < 0) | (sights.located_epoch_s != seen.located_epoch_s[old]))).any():
                return seen.again(now_epoch_s, calls, old)
        outlook = self._look(now_epoch_s, calls, sights)
        self._seen = _Seen.of(now_epoch_s, calls, sights, outlook)
        return outlook

    def _look(self, now_epoch_s: int, calls: Calls, sights: Sights) -> Outlook:
        rows = np.flatnonzero(sights.usual & (sights.followed | self._comes_next(sights)))
        plan = self._plan_of(calls, sights, rows)
        followed = np.flatnonzero(sights.followed[rows])
        fixes = Fixes(
            run=followed,
            vehicle=sights.vehicle[rows[followed]],
            distance_m=sights.distance_m[rows[followed]],
            located_epoch_s=sights.located_epoch_s[rows[followed]],
            at=np.full(len(followed), -1, np.int64),
        )
        told = self._told(plan, calls, sights, rows)
        self.engine.observe(float(now_epoch_s), plan, fixes, no_events())
        forecast = self.engine.forecast(float(now_epoch_s), plan, None, told)
        self._asked = _Asked(
            float(now_epoch_s), plan, told,
            dict(zip(zip(sights.trip[rows].tolist(), sights.date[rows].tolist(), strict=True), range(len(rows)), strict=True)),
        )  # fmt: skip
        if self._score(plan, sights, rows) or self._seen is None:
            self._prefer()
        return self._outlook(calls, sights, rows, plan, forecast)

    def _comes_next(self, sights: Sights) -> Bools:
        """Runs whose block's run before is followed."""
        before = self._trips_before(sights.trip, sights.date)
        followed = _key_of_run(sights.date[sights.followed], sights.trip[sights.followed])
        return (before >= 0) & np.isin(_key_of_run(sights.date, before), followed)

    def _trips_before(self, trip: Int32s, date: Int32s) -> Int32s:
        """The trip that the same vehicle does before each, by its block on that day; -1: none."""
        found = np.full(len(trip), -1, np.int32)
        for day in np.unique(date).tolist():
            mine = date == day
            found[mine] = self._chains(day)[0][trip[mine]]
        return found

    def _chains(self, day: int) -> tuple[Int32s, Int32s]:
        """By trip: the one before and the one after it in its block on that day; -1: none."""
        found = self._blocks.get(day)
        if found is None:
            if len(self._blocks) > 4:
                self._blocks.clear()
            before = _chains(self.schedule, day)
            later = np.flatnonzero(before >= 0).astype(np.int32)
            after = np.full(len(before), -1, np.int32)
            after[before[later]] = later
            found = self._blocks[day] = before, after
        return found

    def next_runs(self, trip: Int32s, date: Int32s, now_epoch_s: int) -> tuple[Int32s, Int32s]:
        """(trips, dates) that the blocks of these runs begin within NEXT_RUNS_S."""
        trips: list[Int32s] = []
        dates: list[Int32s] = []
        for day in np.unique(date).tolist():
            coming = np.unique(self._chains(day)[1][trip[date == day]])
            coming = coming[coming >= 0]
            starts = self.schedule.start_epoch_s(day) + self.schedule.trip_start_s[coming]
            coming = coming[starts <= now_epoch_s + NEXT_RUNS_S]
            trips.append(coming)
            dates.append(np.full(len(coming), day, np.int32))
        if not trips:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        return np.concatenate(trips), np.concatenate(dates)

    def _plan_of(self, calls: Calls, sights: Sights, rows: Int64s) -> Plan:
        trip, date = sights.trip[rows], sights.date[rows]
        sizes = np.diff(calls.ptr)[rows]
        ptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(sizes, out=ptr[1:])
        call = np.repeat(calls.ptr[:-1][rows] - ptr[:-1], sizes) + np.arange(ptr[-1])
        skipped = sights.skipped[call]
        mark = b"".join([trip.tobytes(), date.tobytes(), skipped.tobytes()])
        if self._plan is not None and self._plan[0] == mark:
            return self._plan[1]
        schedule = self.schedule
        source = calls.source[call]
        runs = Runs(
            key=self._run_keys(trip, date),
            group=self._keys.group[schedule.trip_route[trip]],
            before=_rows_of(_key_of_run(date, trip), _key_of_run(date, self._trips_before(trip, date))),
            exact=~schedule.is_inexact(trip),
            ptr=ptr,
            stop=self._keys.stop[schedule.pattern_stop[source]],
            distance_m=schedule.pattern_distance_m[source].astype(np.float64),
            arrival_epoch_s=calls.arrival_epoch_s[call].astype(np.float64),
            departure_epoch_s=calls.departure_epoch_s[call].astype(np.float64),
            waits=schedule.waits_for_time[source],
            skipped=skipped,
        )
        plan = self.engine.prepare(runs)
        self._plan = mark, plan
        return plan

    def _run_keys(self, trip: Int32s, date: Int32s) -> Int64s:
        known = self._keys.run.get
        pairs = zip(trip.tolist(), date.tolist(), strict=True)
        return np.array([known(pair) or self._run_key(*pair) for pair in pairs], np.int64)

    def _run_key(self, trip: int, date: int) -> int:
        keys = self._keys.run
        found = keys.get((trip, date))
        if found is None:
            if len(keys) > 200_000:
                keys.clear()
            start_s = int(self.schedule.trip_start_s[trip])
            found = keys[trip, date] = key_of(self.feed_id, self.schedule.timetable.trip_ids[trip], date, start_s)
        return found

    @staticmethod
    def _told(plan: Plan, calls: Calls, sights: Sights, rows: Int64s) -> Told:
        call = calls.ptr[:-1][rows][plan.run] + plan.position
        arrival, departure = sights.agency_arrival_epoch_s[call], sights.agency_departure_epoch_s[call]
        said = np.flatnonzero((arrival > 0) | (departure > 0))
        return Told(
            run=plan.run[said],
            position=plan.position[said],
            arrival_epoch_s=np.where(arrival[said] > 0, arrival[said], np.nan),
            departure_epoch_s=np.where(departure[said] > 0, departure[said], np.nan),
        )

    def _outlook(self, calls: Calls, sights: Sights, rows: Int64s, plan: Plan, forecast: Forecast) -> Outlook:
        n, runs = len(calls), len(sights.trip)
        call = calls.ptr[:-1][rows][plan.run] + plan.position
        wide = {name: np.full(n, np.nan) for name in ("arrival", "departure", "median", "early", "late")}
        wide["arrival"][call] = forecast.arrival_published
        # Some leave early, but nobody is promised a bus before its time at the first stop.
        first = (plan.position == 0) & plan.runs.exact[plan.run] & ((forecast.flags & ForecastFlag.PASSED) == 0)
        in_time = np.where(first, plan.runs.departure_epoch_s, -np.inf)
        wide["departure"][call] = np.maximum(forecast.departure_published, in_time)
        for name, quantile in (("median", "p50"), ("early", "p10"), ("late", "p90")):
            arrival, departure = getattr(forecast, f"arrival_{quantile}"), getattr(forecast, f"departure_{quantile}")
            wide[name][call] = np.where(np.isnan(arrival), departure, arrival)
        passed, uncertain = np.zeros(n, bool), np.zeros(n, bool)
        passed[call] = (forecast.flags & ForecastFlag.PASSED) != 0
        uncertain[call] = (forecast.flags & (ForecastFlag.UNCERTAIN | ForecastFlag.AFTER_LAYOVER)) != 0
        deviation = np.full(runs, np.nan)
        deviation[rows] = forecast.deviation_s
        preferred = np.zeros(runs, bool)
        if self.preferred:
            routes = self.schedule.trip_route[sights.trip[rows]]
            preferred[rows] = np.isin(routes, list(self.preferred)) & (forecast.kind != Kind.UNSEEN)
        return Outlook(
            arrival_epoch_s=wide["arrival"], departure_epoch_s=wide["departure"], median_epoch_s=wide["median"],
            early_epoch_s=wide["early"], late_epoch_s=wide["late"], passed=passed, uncertain=uncertain,
            deviation_s=deviation, preferred=preferred,
        )  # fmt: skip

    # --- the score

    def _score(self, plan: Plan, sights: Sights, rows: Int64s) -> int:
        """How many predictions were settled by where vehicles came since the last tick."""
        keys = plan.runs.key
        before_m, before_epoch_s = self._places.of(keys)
        metres = np.where(sights.followed[rows], sights.distance_m[rows], np.nan)
        located = np.where(sights.followed[rows], sights.located_epoch_s[rows], np.nan)
        came = crossings(
            run=keys, ptr=plan.runs.ptr, distance_m=plan.runs.distance_m, before_m=before_m,
            before_epoch_s=before_epoch_s, now_m=metres, now_epoch_s=located,
        )  # fmt: skip
        settled = self.book.score(came)
        unseen = np.isnan(metres)
        self._places = _Places(keys, np.where(unseen, before_m, metres), np.where(unseen, before_epoch_s, located))
        return settled

    def note(self, now_epoch_s: int, calls: Calls, sights: Sights, outlook: Outlook, published: Int64s) -> None:
        """Write down what riders are told now (*published*, a row a call, 0: nothing) beside what others say."""
        if not self.book.is_due(float(now_epoch_s)):
            return
        schedule = self.schedule
        live = sights.followed[calls.run] & sights.usual[calls.run]
        position = np.arange(len(calls)) - calls.ptr[:-1][calls.run]
        row = np.flatnonzero(live & (position > 0) & (published > now_epoch_s) & ~outlook.passed)
        run = calls.run[row]
        exact = ~schedule.is_inexact(sights.trip[run])
        agency = sights.agency_arrival_epoch_s[row]
        keys = self._run_keys(sights.trip, sights.date)
        self.book.note(
            float(now_epoch_s),
            Said(
                run=keys[run],
                position=position[row],
                route=schedule.trip_route[sights.trip[run]].astype(np.int64),
                published_epoch_s=published[row].astype(np.float64),
                ours_epoch_s=outlook.median_epoch_s[row],
                agency_epoch_s=np.where(agency > 0, agency, np.nan),
                scheduled_epoch_s=np.where(exact, calls.arrival_epoch_s[row], np.nan),
                early_epoch_s=outlook.early_epoch_s[row],
                late_epoch_s=outlook.late_epoch_s[row],
            ),
        )

    def _prefer(self) -> None:
        """Decide by the score, route by route, whose time riders are told where both predict."""
        for route, tally in self.book.tallies.items():
            total = tally + self.history.get(route, np.zeros(SHAPE))
            both = total[STRATA.index("with_agency")]
            ours, agency = score_of(both[METHODS.index("ours")]), score_of(both[METHODS.index("agency")])
            if min(ours.n, agency.n) < ENOUGH:
                continue
            mine, theirs = _mean(ours.mae_s), _mean(agency.mae_s)
            if mine < CLEARLY * theirs:
                self.preferred.add(route)
            elif theirs < CLEARLY * mine:
                self.preferred.discard(route)

    # --- explaining

    def explain(self, trip: int, date: int, position: int) -> Explanation | None:
        """The sum behind a forecast of the last tick; None where the engine foretells nothing there."""
        asked = self._asked
        row = None if asked is None else asked.rows.get((trip, date))
        if asked is None or row is None:
            return None
        return explain(self.engine, asked.now_epoch_s, asked.plan, row, position, asked.told)


def _mean(by_horizon: list[float | None]) -> float:
    some = [value for value in by_horizon if value is not None]
    return sum(some) / len(some) if some else float("inf")


def _chains(schedule: Schedule, day: int) -> Int32s:
    """By trip: the one before it in its block among those that run on that day; -1: none."""
    trips = schedule.block_trips
    block = np.repeat(np.arange(len(schedule.block_ptr) - 1), np.diff(schedule.block_ptr))
    runs = schedule.runs_on(day)[schedule.trip_service[trips]]
    trips, block = trips[runs], block[runs]
    order = np.lexsort((schedule.trip_start_s[trips], block))
    trips, block = trips[order], block[order]
    before = np.full(len(schedule.trip_route), -1, np.int32)
    same = block[1:] == block[:-1]
    before[trips[1:][same]] = trips[:-1][same]
    return before


def tallies_by_name(schedule: Schedule, tallies: Mapping[int, Tally]) -> dict[str, Tally]:
    """Raw route id to tally: rows change with the timetable, names stay."""
    return {schedule.timetable.route_ids[route]: tally for route, tally in tallies.items()}


def tallies_by_row(schedule: Schedule, tallies: Mapping[str, Tally]) -> dict[int, Tally]:
    """Route row to tally; routes that the timetable has no more are left out."""
    rows = schedule.routes_named(list(tallies)).tolist()
    return {row: tally for row, tally in zip(rows, tallies.values(), strict=True) if row >= 0}

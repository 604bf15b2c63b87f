"""The learned engine at work on one timetable: what a tick knows, in the engine's words, and its forecasts back in ours.

Where only a vehicle speaks of a run, riders are told the engine's published time. Where the agency predicts too, whose
time they are told is :mod:`predictor.preference`'s to say: the engine, which blends the agency in, has to earn it.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Bools, Floats, Int64s
from predictor.blocks import Blocks
from predictor.calls import Calls
from predictor.crowding import CrowdingBook
from predictor.learned.engine import Engine
from predictor.learned.explanation import Explanation, explain
from predictor.learned.hours import day_types
from predictor.learned.plan import Plan
from predictor.learned.runs import Fixes, Forecast, ForecastFlag, Kind, Runs, Told, no_events
from predictor.names import Names
from predictor.outlook import Foretold, Outlook, Sights
from predictor.preference import Preference
from predictor.runs import key_of_run, rows_of
from predictor.schedule import Schedule
from predictor.scorebook import Scorebook


@dataclass(frozen=True, slots=True)
class _Asked:
    """The last question to the engine, for whoever asks for an explanation."""

    now_epoch_s: float
    plan: Plan
    told: Told
    rows: dict[tuple[int, int], int]
    """Trip and service date to row in the plan."""


class Foresight:
    """See the module. One a timetable; the engine and the book of scores go on to the next one."""

    def __init__(
        self, schedule: Schedule, feed_id: str, engine: Engine | None = None, book: Scorebook | None = None
    ) -> None:
        self.schedule = schedule
        self.engine = engine or Engine()
        self.blocks = Blocks(schedule)
        self.crowding = CrowdingBook()
        self._names = Names(schedule, feed_id)
        self.preference = Preference(schedule, self._names, book)
        self._plan: tuple[bytes, Plan] | None = None
        self._asked: _Asked | None = None
        self._foretold: Foretold | None = None

    def go_on_from(self, engine: Engine) -> None:
        """Take another engine: somebody replaced what had been learned."""
        self.engine, self._plan, self._asked, self._foretold = engine, None, None, None

    def look(self, now_epoch_s: int, calls: Calls, sights: Sights) -> Outlook:
        """Learn from where vehicles are now, and foretell their runs and the next ones of their blocks.

        While no vehicle has moved, what was foretold seconds ago still stands: feeds change one after another, and riders
        must not wait for the same thoughts twice.
        """
        outlook = self._foretold.still(now_epoch_s, calls, sights) if self._foretold else None
        if outlook is None:
            outlook = self._look(now_epoch_s, calls, sights)
            self._foretold = Foretold.of(now_epoch_s, calls, sights, outlook)
        return outlook

    def explain(self, trip: int, date: int, position: int) -> Explanation | None:
        """The sum behind a forecast of the last tick; None where the engine foretells nothing there."""
        asked = self._asked
        row = None if asked is None else asked.rows.get((trip, date))
        if asked is None or row is None:
            return None
        return explain(self.engine, asked.now_epoch_s, asked.plan, row, position, asked.told)

    def _look(self, now_epoch_s: int, calls: Calls, sights: Sights) -> Outlook:
        rows = np.flatnonzero(sights.usual & (sights.followed | self._comes_next(sights)))
        trip, date = sights.trip[rows], sights.date[rows]
        plan = self._plan_of(calls, sights, rows)
        followed = np.flatnonzero(sights.followed[rows])
        fixes = Fixes(
            run=followed,
            vehicle=sights.vehicle[rows[followed]],
            distance_m=sights.distance_m[rows[followed]],
            located_epoch_s=sights.located_epoch_s[rows[followed]],
            at=np.full(len(followed), -1, np.int64),
            lies=sights.lies[rows[followed]],
        )
        told = _told(plan, calls, sights, rows)
        self.engine.observe(float(now_epoch_s), plan, fixes, no_events())
        forecast = self.engine.forecast(float(now_epoch_s), plan, None, told)
        row_of = dict(zip(zip(trip.tolist(), date.tolist(), strict=True), range(len(rows)), strict=True))
        self._asked = _Asked(float(now_epoch_s), plan, told, row_of)
        distance_m = np.where(sights.followed[rows], sights.distance_m[rows], np.nan)
        located_epoch_s = np.where(sights.followed[rows], sights.located_epoch_s[rows], np.nan)
        if self.preference.settle(plan.runs, distance_m, located_epoch_s) or self._foretold is None:
            self.preference.decide()
        preferred = np.isin(self.schedule.trip_route[trip], list(self.preference.routes)) & (
            forecast.kind != Kind.UNSEEN
        )
        return _outlook(calls, len(sights.trip), rows, plan, forecast, preferred)

    def _comes_next(self, sights: Sights) -> Bools:
        """Runs whose block's run before is followed."""
        before = self.blocks.before(sights.trip, sights.date)
        followed = key_of_run(sights.date[sights.followed], sights.trip[sights.followed])
        return (before >= 0) & np.isin(key_of_run(sights.date, before), followed)

    def _plan_of(self, calls: Calls, sights: Sights, rows: Int64s) -> Plan:
        """The runs of *rows* as the engine knows them; the last plan where nothing of them has changed."""
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
            key=self._names.runs(trip, date),
            group=self._names.group[schedule.trip_route[trip]],
            before=rows_of(key_of_run(date, trip), key_of_run(date, self.blocks.before(trip, date))),
            exact=~schedule.is_inexact(trip),
            service_epoch_s=schedule.starts_epoch_s(date).astype(np.float64),
            day_type=day_types(date),
            ptr=ptr,
            stop=self._names.stop[schedule.pattern_stop[source]],
            distance_m=schedule.pattern_distance_m[source].astype(np.float64),
            arrival_epoch_s=calls.arrival_epoch_s[call].astype(np.float64),
            departure_epoch_s=calls.departure_epoch_s[call].astype(np.float64),
            waits=schedule.waits_for_time[source],
            skipped=skipped,
        )
        plan = self.engine.prepare(runs)
        self._plan = mark, plan
        return plan


def _told(plan: Plan, calls: Calls, sights: Sights, rows: Int64s) -> Told:
    """What the agency predicts of the calls of the plan."""
    call = calls.ptr[:-1][rows][plan.run] + plan.position
    arrival, departure = sights.agency_arrival_epoch_s[call], sights.agency_departure_epoch_s[call]
    said = np.flatnonzero((arrival > 0) | (departure > 0))
    return Told(
        run=plan.run[said],
        position=plan.position[said],
        arrival_epoch_s=np.where(arrival[said] > 0, arrival[said], np.nan),
        departure_epoch_s=np.where(departure[said] > 0, departure[said], np.nan),
    )


def _outlook(calls: Calls, runs: int, rows: Int64s, plan: Plan, forecast: Forecast, preferred: Bools) -> Outlook:
    """The forecast of the runs of *rows*, spread over the tick's calls and over all its *runs*."""
    call = calls.ptr[:-1][rows][plan.run] + plan.position

    def times(values: Floats) -> Floats:
        wide = np.full(len(calls), np.nan)
        wide[call] = values
        return wide

    def flagged(flag: ForecastFlag) -> Bools:
        wide = np.zeros(len(calls), bool)
        wide[call] = (forecast.flags & flag) != 0
        return wide

    def either(arrival: Floats, departure: Floats) -> Floats:
        return times(np.where(np.isnan(arrival), departure, arrival))

    # Some leave early, but nobody is promised a bus before its time at the first stop.
    first = (plan.position == 0) & plan.runs.exact[plan.run] & ((forecast.flags & ForecastFlag.PASSED) == 0)
    in_time = np.where(first, plan.runs.departure_epoch_s, -np.inf)
    deviation, ours = np.full(runs, np.nan), np.zeros(runs, bool)
    deviation[rows], ours[rows] = forecast.deviation_s, preferred
    return Outlook(
        arrival_epoch_s=times(forecast.arrival_published),
        departure_epoch_s=times(np.maximum(forecast.departure_published, in_time)),
        median_epoch_s=either(forecast.arrival_p50, forecast.departure_p50),
        early_epoch_s=either(forecast.arrival_p10, forecast.departure_p10),
        late_epoch_s=either(forecast.arrival_p90, forecast.departure_p90),
        passed=flagged(ForecastFlag.PASSED),
        uncertain=flagged(ForecastFlag.UNCERTAIN | ForecastFlag.AFTER_LAYOVER),
        deviation_s=deviation,
        preferred=ours,
    )

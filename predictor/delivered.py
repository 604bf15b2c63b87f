"""Which trips really ran: scheduled trips against vehicles seen driving them.

A trip counts as *delivered* once a vehicle was seen on its line beyond its first stop. One that nobody drove is *missing*
only when we were looking: for WATCHED of the time from its departure to LATE_S after its end, every feed of vehicles of the
timetable was fit for use and the predictor ran. A feed's outage, ours or the agency's, makes no ghosts. Routes whose vehicles
never report are not judged either. Runs of a frequency without exact times have no identity that could be missed.
Source: docs/decisions/0072-a-ghost-needs-a-witness.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from domain import service_day
from domain.delivered import RouteDay, TripsSeen
from domain.predictions import Predictions
from domain.realtime import Bools, Float32s, Int32s, Int64s, TripRelationship
from predictor.schedule import Schedule

LATE_S = 1800
"""A trip is given up this long after its scheduled end."""
WATCHED = 0.8
"""The share of a trip's time that we must have looked."""
GAP_S = 60.0
"""Between two ticks further apart nobody looked."""
VISIBLE_AFTER_S = 600
"""A vehicle should be seen this long after its departure: nine in ten leave within that of their time."""
FRESH_S = 300
REPORTS = 0.5
"""A route's vehicles report when this share of its trips, and REPORTS_TRIPS of them, were seen lately."""
REPORTS_TRIPS = 3
_GONE = (TripRelationship.CANCELED, TripRelationship.DELETED)


@dataclass(slots=True)
class _Day:
    """The trips of one service day, by trip row."""

    trip: Int32s
    start_epoch_s: Int64s
    end_epoch_s: Int64s
    route: Int32s
    block: Int32s
    seen_epoch_s: Int64s
    nearly_over: Bools
    cancelled: Bools
    watched_s: Float32s

    def watched(self, rows: Int64s | slice, now_epoch_s: float) -> Bools:
        """Was each trip in *rows* looked for long enough, of the time that it could have been until now?"""
        until = np.minimum(self.end_epoch_s[rows] + LATE_S, int(now_epoch_s))
        window_s = np.maximum(until - self.start_epoch_s[rows], 0)
        looked: Bools = self.watched_s[rows] >= WATCHED * window_s - 1.0
        return looked

    def under_way(self, since_s: int, now_epoch_s: float) -> Int64s:
        """Trips that began *since_s* ago and are not given up yet."""
        begun = self.start_epoch_s <= now_epoch_s - since_s
        return np.flatnonzero(begun & (self.end_epoch_s >= now_epoch_s - LATE_S))


class Ledger:
    """The trips of the days around now, of one timetable."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.days: dict[int, _Day] = {}
        self.reporting: set[int] = set()
        """Routes whose vehicles were seen on an earlier day."""
        self.ticked_epoch_s = 0.0

    # --- what was kept

    def recall(self, date_yyyymmdd: int, kept: TripsSeen) -> None:
        """Take up what was remembered of a day, perhaps under another timetable: trips are found by their ids."""
        day = self._day(date_yyyymmdd)
        for at, (trip_id, start_s) in enumerate(zip(kept.trip_ids, kept.start_s.tolist(), strict=True)):
            first, last = self.schedule.trips_named(trip_id)
            rows = np.searchsorted(day.trip, np.arange(first, last))
            for row in rows[rows < len(day.trip)].tolist():
                if first <= day.trip[row] < last and self.schedule.trip_start_s[day.trip[row]] == start_s:
                    day.seen_epoch_s[row] = kept.seen_epoch_s[at]
                    day.nearly_over[row] = kept.nearly_over[at]
                    day.cancelled[row] = kept.cancelled[at]
                    day.watched_s[row] = kept.watched_s[at]

    def recall_routes(self, counts: Iterable[RouteDay]) -> None:
        """Note the routes that were seen on an earlier day."""
        names = [it.route_id for it in counts if it.delivered]
        self.reporting |= {row for row in self.schedule.routes_named(names).tolist() if row >= 0}

    def kept(self, date_yyyymmdd: int) -> TripsSeen:
        """What is to be remembered of a day."""
        day = self._day(date_yyyymmdd)
        rows = np.flatnonzero((day.seen_epoch_s > 0) | day.cancelled | (day.watched_s > 0))
        return TripsSeen(
            trip_ids=[self.schedule.timetable.trip_ids[trip] for trip in day.trip[rows].tolist()],
            start_s=self.schedule.trip_start_s[day.trip[rows]],
            seen_epoch_s=day.seen_epoch_s[rows],
            nearly_over=day.nearly_over[rows].astype(np.uint8),
            cancelled=day.cancelled[rows].astype(np.uint8),
            watched_s=day.watched_s[rows],
        )

    # --- a tick

    def note(self, made: Predictions, now_epoch_s: float, *, watching: bool) -> None:
        """Note which trips vehicles are on; *watching*: every feed of vehicles may be believed now."""
        gap_s = now_epoch_s - self.ticked_epoch_s
        looked_s = gap_s if watching and 0 < gap_s <= GAP_S else 0.0
        self.ticked_epoch_s = now_epoch_s
        dates = self.schedule.days_near(now_epoch_s)
        for number in [number for number in self.days if number not in dates]:
            self.days.pop(number)
        driving = np.flatnonzero(
            (made.vehicle_trip >= 0)
            & np.isfinite(made.snapped_lat)
            & (made.next_position >= 1)
            & (made.located_epoch_s.astype(np.int64) >= now_epoch_s - FRESH_S)
        )
        gone = np.isin(made.relationship, _GONE)
        for number in dates:
            day = self._day(number)
            if not len(day.trip):
                continue
            if looked_s:
                day.watched_s[day.under_way(0, now_epoch_s)] += np.float32(looked_s)
            spoken = (made.service_date == number) & (made.trip >= 0)
            if not spoken.any():
                continue
            rows = made.vehicle_trip[driving]
            here = spoken[rows] & ~gone[rows]
            found, known = _rows_of(day.trip, made.trip[rows[here]])
            day.seen_epoch_s[found] = int(now_epoch_s)
            calls = np.diff(made.ptr)[rows[here]][known]
            day.nearly_over[found] = made.next_position[driving[here]][known] >= calls - 2
            for said in (False, True):
                found, _ = _rows_of(day.trip, made.trip[spoken & (gone == said)])
                day.cancelled[found] = said

    def missing(self, now_epoch_s: float, *, watching: bool) -> tuple[Int32s, Int32s]:
        """Trip rows and service dates of trips under way whose vehicle should be visible by now and is not."""
        trips, dates = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        reporting = self._reporting(now_epoch_s) if watching else np.zeros(0, bool)
        for number, day in self.days.items() if watching else ():
            if not len(day.trip):
                continue
            due = day.under_way(VISIBLE_AFTER_S, now_epoch_s)
            away = day.seen_epoch_s[due] < now_epoch_s - VISIBLE_AFTER_S
            due = due[away & ~day.cancelled[due] & ~day.nearly_over[due] & reporting[day.route[due]]]
            gone = due[day.watched(due, now_epoch_s)]
            if not len(gone):
                continue
            # Late on the trip before, it is still to come.
            coming = np.unique(day.block[(day.seen_epoch_s >= now_epoch_s - FRESH_S) & (day.block >= 0)])
            gone = gone[~np.isin(day.block[gone], coming)]
            trips.append(day.trip[gone])
            dates.append(np.full(len(gone), number, np.int32))
        return np.concatenate(trips), np.concatenate(dates)

    def _reporting(self, now_epoch_s: float) -> Bools:
        """Per route: do its vehicles report lately?"""
        n = len(self.schedule.timetable.route_ids)
        seen, due = np.zeros(n, np.int64), np.zeros(n, np.int64)
        for day in self.days.values():
            begun = np.flatnonzero((day.start_epoch_s <= now_epoch_s - VISIBLE_AFTER_S) & ~day.cancelled)
            lately = begun[day.watched(begun, now_epoch_s)]
            due += np.bincount(day.route[lately], minlength=n)
            seen += np.bincount(day.route[lately[day.seen_epoch_s[lately] > 0]], minlength=n)
        reports: Bools = (seen >= REPORTS_TRIPS) & (seen >= REPORTS * due)
        return reports

    # --- counts

    def counts(self, date_yyyymmdd: int, now_epoch_s: float) -> list[RouteDay]:
        """What became of the day's trips that are over, by route."""
        day = self._day(date_yyyymmdd)
        n = len(self.schedule.timetable.route_ids)
        seen = day.seen_epoch_s > 0
        cancelled = day.cancelled & ~seen
        over = ~seen & ~cancelled & (day.end_epoch_s + LATE_S < now_epoch_s)
        reports = np.bincount(day.route[seen], minlength=n) > 0
        reports[list(self.reporting)] = True
        missing = over & day.watched(slice(None), now_epoch_s) & reports[day.route]
        parts = {"delivered": seen, "cancelled": cancelled, "missing": missing, "unknown": over & ~missing}
        numbers = {name: np.bincount(day.route[rows], minlength=n).tolist() for name, rows in parts.items()}
        planned = np.bincount(day.route, minlength=n).tolist()
        return [
            RouteDay(
                route_id=self.schedule.timetable.route_ids[route],
                planned=planned[route],
                **{name: counts[route] for name, counts in numbers.items()},
            )
            for route in range(n)
            if planned[route]
        ]

    def _day(self, date_yyyymmdd: int) -> _Day:
        found = self.days.get(date_yyyymmdd)
        if found is not None:
            return found
        schedule = self.schedule
        runs = schedule.runs_on(date_yyyymmdd)[schedule.trip_service]
        trip = np.flatnonzero(runs).astype(np.int32)
        trip = trip[~schedule.is_inexact(trip)]
        start = schedule.start_epoch_s(date_yyyymmdd) + schedule.trip_start_s[trip].astype(np.int64)
        n = len(trip)
        day = self.days[date_yyyymmdd] = _Day(
            trip=trip,
            start_epoch_s=start,
            end_epoch_s=start + schedule.duration_s(trip),
            route=schedule.trip_route[trip],
            block=schedule.trip_block[trip],
            seen_epoch_s=np.zeros(n, np.int64),
            nearly_over=np.zeros(n, bool),
            cancelled=np.zeros(n, bool),
            watched_s=np.zeros(n, np.float32),
        )
        return day


def dates_before(date_yyyymmdd: int, days: int) -> list[int]:
    """The dates of the *days* days before, the latest first."""
    day = service_day.from_yyyymmdd(date_yyyymmdd)
    return [service_day.yyyymmdd(day - timedelta(days=back)) for back in range(1, days + 1)]


def _rows_of(trips: Int32s, wanted: Int32s) -> tuple[Int64s, Bools]:
    """Rows of *wanted* among ascending *trips*, and which of them are there at all."""
    at = np.minimum(np.searchsorted(trips, wanted), len(trips) - 1)
    known: Bools = trips[at] == wanted
    return at[known], known

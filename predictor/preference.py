"""Whose time riders are told where the agency predicts too: its own, until our score on that route says ours is better."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.realtime import Floats, Int64s
from domain.score import METHODS, SHAPE, STRATA, Tally, score_of
from predictor.calls import Calls
from predictor.learned.runs import Runs
from predictor.names import Names
from predictor.outlook import Outlook, Sights
from predictor.runs import rows_of
from predictor.schedule import Schedule
from predictor.scorebook import Scorebook, Told, crossings

ENOUGH = 300
"""Scored predictions on a route before ours may replace the agency's there."""
CLEARLY = 0.97
"""A mean error below this share of the other's is better; less may be noise."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the vehicle of each run last was, and when; nan for never."""

    key: Int64s
    metres: Floats
    epoch_s: Floats

    def of(self, keys: Int64s) -> tuple[Floats, Floats]:
        """Of those runs, nan for ones not known."""
        rows = rows_of(self.key, keys)
        known = rows >= 0
        found = np.full((2, len(keys)), np.nan)
        found[:, known] = self.metres[rows[known]], self.epoch_s[rows[known]]
        return found[0], found[1]


class Preference:
    """The score of one timetable's predictions, and what follows from it."""

    def __init__(self, schedule: Schedule, names: Names, book: Scorebook | None = None) -> None:
        self._schedule, self._names = schedule, names
        self.book = book or Scorebook()
        self.history: dict[int, Tally] = {}
        """Route to what was scored on the days before."""
        self.routes: set[int] = set()
        """Routes on which ours is better than the agency's."""
        self._places = _Places(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def note(self, now_epoch_s: int, calls: Calls, sights: Sights, outlook: Outlook, published: Int64s) -> None:
        """Write down what riders are told now (*published*, a row a call, 0: nothing) beside what others say."""
        if not self.book.is_due(float(now_epoch_s)):
            return
        schedule = self._schedule
        live = sights.followed[calls.run] & sights.usual[calls.run]
        position = np.arange(len(calls)) - calls.ptr[:-1][calls.run]
        row = np.flatnonzero(live & (position > 0) & (published > now_epoch_s) & ~outlook.passed)
        run = calls.run[row]
        exact = ~schedule.is_inexact(sights.trip[run])
        agency = sights.agency_arrival_epoch_s[row]
        told = Told(
            run=self._names.runs(sights.trip, sights.date)[run],
            position=position[row],
            route=schedule.trip_route[sights.trip[run]].astype(np.int64),
            published_epoch_s=published[row].astype(np.float64),
            ours_epoch_s=outlook.median_epoch_s[row],
            agency_epoch_s=np.where(agency > 0, agency, np.nan),
            scheduled_epoch_s=np.where(exact, calls.arrival_epoch_s[row], np.nan),
            early_epoch_s=outlook.early_epoch_s[row],
            late_epoch_s=outlook.late_epoch_s[row],
        )
        self.book.note(float(now_epoch_s), told)

    def settle(self, runs: Runs, distance_m: Floats, located_epoch_s: Floats) -> int:
        """How many predictions were settled by where the vehicle of each run is now; nan where none is followed."""
        before_m, before_epoch_s = self._places.of(runs.key)
        came = crossings(
            run=runs.key, ptr=runs.ptr, distance_m=runs.distance_m,
            before_m=before_m, before_epoch_s=before_epoch_s, now_m=distance_m, now_epoch_s=located_epoch_s,
        )  # fmt: skip
        unseen = np.isnan(distance_m)
        metres = np.where(unseen, before_m, distance_m)
        self._places = _Places(runs.key, metres, np.where(unseen, before_epoch_s, located_epoch_s))
        return self.book.score(came)

    def decide(self) -> None:
        """Say anew on which routes ours is better."""
        for route, tally in self.book.tallies.items():
            total = tally + self.history.get(route, np.zeros(SHAPE))
            both = total[STRATA.index("with_agency")]
            ours, agency = score_of(both[METHODS.index("ours")]), score_of(both[METHODS.index("agency")])
            if min(ours.n, agency.n) < ENOUGH:
                continue
            mine, theirs = _mean(ours.mae_s), _mean(agency.mae_s)
            if mine < CLEARLY * theirs:
                self.routes.add(route)
            elif theirs < CLEARLY * mine:
                self.routes.discard(route)


def _mean(by_horizon: list[float | None]) -> float:
    some = [value for value in by_horizon if value is not None]
    return sum(some) / len(some) if some else float("inf")


def tallies_by_name(schedule: Schedule, tallies: Mapping[int, Tally]) -> dict[str, Tally]:
    """Raw route id to tally: rows change with the timetable, names stay."""
    return {schedule.timetable.route_ids[route]: tally for route, tally in tallies.items()}


def tallies_by_row(schedule: Schedule, tallies: Mapping[str, Tally]) -> dict[int, Tally]:
    """Route row to tally; routes that the timetable has no more are left out."""
    rows = schedule.routes_named(list(tallies)).tolist()
    return {row: tally for row, tally in zip(rows, tallies.values(), strict=True) if row >= 0}

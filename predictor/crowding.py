"""Learns how full vehicles usually are, from what they report of themselves."""

from dataclasses import dataclass, field

import numpy as np

from domain import service_day
from domain.crowding import LEVELS, Place, kind_of
from domain.predictions import Predictions
from domain.realtime import Floats
from predictor.schedule import Schedule

NOTE_EVERY_S = 120.0
HALF_LIFE_S = 28 * 86_400.0
"""A timetable change or a season makes other crowds."""
HOURS = 48


@dataclass(slots=True)
class CrowdingBook:
    """See the module."""

    by_place: dict[Place, Floats] = field(default_factory=dict)
    noted_epoch_s: float = float("-inf")
    faded_epoch_s: float = 0.0

    def note(self, now_epoch_s: float, schedule: Schedule, made: Predictions) -> None:
        """Count what vehicles on runs of the timetable report, every two minutes."""
        if 0 <= now_epoch_s - self.noted_epoch_s < NOTE_EVERY_S:
            return
        self.noted_epoch_s = now_epoch_s
        self._fade(now_epoch_s)
        row = made.vehicle_trip
        told = np.flatnonzero((row >= 0) & (made.occupancy >= 0) & (made.occupancy < LEVELS))
        route_ids = schedule.timetable.route_ids
        for vehicle in told.tolist():
            trip, day = int(made.trip[row[vehicle]]), int(made.service_date[row[vehicle]])
            if trip < 0 or not day:
                continue
            hour = int(now_epoch_s - schedule.start_epoch_s(day)) // 3600
            if 0 <= hour < HOURS:
                kind = kind_of(service_day.from_yyyymmdd(day))
                place = (route_ids[int(schedule.trip_route[trip])], int(schedule.trip_direction[trip]), kind, hour)
                counts = self.by_place.get(place)
                if counts is None:
                    counts = self.by_place[place] = np.zeros(LEVELS)
                counts[made.occupancy[vehicle]] += 1.0

    def _fade(self, now_epoch_s: float) -> None:
        """Once a day: what is long ago counts less."""
        elapsed_s = now_epoch_s - self.faded_epoch_s
        if elapsed_s < 86_400:
            return
        if self.faded_epoch_s:
            share = 0.5 ** (elapsed_s / HALF_LIFE_S)
            self.by_place = {place: counts * share for place, counts in self.by_place.items() if counts.sum() > 0.5}
        self.faded_epoch_s = now_epoch_s

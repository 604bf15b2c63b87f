"""Runs as they are found, one after another, bound into the Recording's columns at the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from backtest.recording import Bools, Floats, Int64s, Line, Runs, Stops
from backtest.tracks import line_through, stops_along

SHAPE_TOLERANCE_M = 100.0
STOPS_TOLERANCE_M = 250.0
"""Where the line is only drawn through the stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Calls of a trip, in service time."""

    trip_id: str
    route: str
    block: str
    stop_ids: tuple[str, ...]
    sequence: Int64s
    arrival_s: Floats
    """Seconds of the service day; nan without a timetable."""
    departure_s: Floats
    waits: Bools
    shape: str = ""
    """Name of the trip's shape; empty for none."""


def pattern_without_times(trip_id: str, calls: Mapping[int, str], *, route: str = "") -> Pattern:
    """Of a trip that no timetable knows: *calls* are its stops by their sequence."""
    order = sorted(calls)
    nothing = np.full(len(order), np.nan)
    return Pattern(
        trip_id=trip_id,
        route=route,
        block="",
        stop_ids=tuple(calls[it] for it in order),
        sequence=np.asarray(order, np.int64),
        arrival_s=nothing,
        departure_s=nothing,
        waits=np.zeros(len(order), np.bool_),
    )


@dataclass(slots=True)
class Book:
    """Collects stops, lines and runs."""

    places: dict[str, tuple[float, float]]
    """stop_id to degrees (lat, lon); a stop without a place makes its runs lineless."""
    shapes: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    stops_tolerance_m: float = STOPS_TOLERANCE_M
    _stops: dict[str, int] = field(default_factory=dict)
    _lines: list[Line] = field(default_factory=list)
    _line_of: dict[tuple[str, tuple[str, ...]], tuple[int, Floats]] = field(default_factory=dict)
    _shape_line: dict[str, int] = field(default_factory=dict)
    _rows: dict[tuple[str, int, str], int] = field(default_factory=dict)
    _runs: list[tuple[Pattern, int, float]] = field(default_factory=list)

    def run(self, pattern: Pattern, service_day: int, day_start_s: float, journey: str = "") -> int:
        """Row of the pattern's run on that day (yyyymmdd; epoch seconds of service time 0), new or known.

        *journey* tells several apart, where more than one vehicle made the trip that day.
        """
        key = (pattern.trip_id, service_day, journey)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self._runs)
            self._runs.append((pattern, service_day, day_start_s))
            for stop in pattern.stop_ids:
                self._stops.setdefault(stop, len(self._stops))
        return row

    def row(self, trip_id: str, service_day: int) -> int:
        """Row of a run that is known, or -1."""
        return self._rows.get((trip_id, service_day, ""), -1)

    def bound(self) -> tuple[Stops, Runs, tuple[Line, ...]]:
        """Everything collected."""
        stop_ids = list(self._stops)
        nowhere = (float("nan"), float("nan"))
        place = np.asarray([self.places.get(it, nowhere) for it in stop_ids], np.float64).reshape(-1, 2)
        patterns = [pattern for pattern, _, _ in self._runs]
        sizes = [len(pattern.stop_ids) for pattern in patterns]
        ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        ways = [self._way(pattern) for pattern in patterns]
        start = np.repeat([start_s for _, _, start_s in self._runs], sizes) if sizes else np.zeros(0)

        def joined(columns: list[Floats]) -> Floats:
            return np.concatenate(columns) if columns else np.zeros(0)

        waits = [_first_waits(pattern.waits) for pattern in patterns]
        runs = Runs(
            ids=[f"{pattern.trip_id}@{day}" for pattern, day, _ in self._runs],
            trip_ids=[pattern.trip_id for pattern in patterns],
            routes=[pattern.route for pattern in patterns],
            service_days=[day for _, day, _ in self._runs],
            blocks=[pattern.block for pattern in patterns],
            line=np.asarray([line for line, _ in ways], np.int64),
            ptr=ptr,
            run=np.repeat(np.arange(len(patterns), dtype=np.int64), sizes),
            stop=np.asarray([self._stops[it] for pattern in patterns for it in pattern.stop_ids], np.int64),
            sequence=np.concatenate([it.sequence for it in patterns]) if patterns else np.zeros(0, np.int64),
            arrival_s=joined([it.arrival_s for it in patterns]) + start,
            departure_s=joined([it.departure_s for it in patterns]) + start,
            along_m=joined([along for _, along in ways]),
            waits=np.concatenate(waits) if waits else np.zeros(0, np.bool_),
        )
        return Stops(ids=stop_ids, lat=place[:, 0], lon=place[:, 1]), runs, tuple(self._lines)

    def _way(self, pattern: Pattern) -> tuple[int, Floats]:
        """(row of its line, metres of its calls along it); (-1, nan) where a place is missing."""
        key = (pattern.shape, pattern.stop_ids)
        known = self._line_of.get(key)
        if known is not None:
            return known
        there = [self.places.get(it) for it in pattern.stop_ids]
        found = [it for it in there if it is not None and np.isfinite(it).all()]
        if len(found) < len(there) or len(there) < 2:
            way = (-1, np.full(len(there), np.nan))
        else:
            lat, lon = np.asarray(found, np.float64).T
            shape = self.shapes.get(pattern.shape)
            if shape is None or len(shape[0]) < 2:
                line = line_through(lat, lon, self.stops_tolerance_m)
                self._lines.append(line)
                way = (len(self._lines) - 1, line.along_m)
            else:
                row = self._shape_line.get(pattern.shape)
                if row is None:
                    row = self._shape_line[pattern.shape] = len(self._lines)
                    self._lines.append(line_through(*shape, SHAPE_TOLERANCE_M))
                way = (row, stops_along(self._lines[row], lat, lon))
        self._line_of[key] = way
        return way


def _first_waits(waits: Bools) -> Bools:
    """Nobody leaves the first call before its time on purpose."""
    waits = waits.copy()
    waits[:1] = True
    return waits

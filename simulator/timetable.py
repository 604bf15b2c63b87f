"""When the model town's vehicles are meant to run: services, trips and the blocks that vehicles work.

All times are ServiceTimes: seconds after noon minus 12 h of the service day, past 86,400 after midnight.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from simulator.network import Network, Pattern
from simulator.town_plan import ROUTES, Mode, Pace, RoutePlan

WEEKDAY, WEEKEND, FAIR = "WKD", "WKE", "FAIR"
"""Service ids; FAIR has no calendar row, only dates."""

DAYS_BEFORE, DAYS_AFTER = 30, 120
"""The calendar covers these many days around the day a town is built for."""

HOUR = 3600
MINUTE = 60
LAYOVER_S = 4 * MINUTE
"""Least rest between two trips of a block."""
LONGEST_LAYOVER_S = 35 * MINUTE

DWELL_S = {Mode.BUS: 12, Mode.TRAM: 18, Mode.FERRY: 240}
SPEED_MPS = {Mode.BUS: 7.4, Mode.TRAM: 8.6, Mode.FERRY: 5.0}
"""Between stops, without dwelling."""
EXPRESS_SPEED_MPS = 10.0


@dataclass(frozen=True, slots=True)
class RunTimes:
    """ServiceTimes of a trip that starts at 0: one (arrival, departure) a stop, shared by all trips like it."""

    arrivals: tuple[int, ...]
    departures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trip:
    """A row of trips.txt. A trip with *headway* is a template: its starts are in frequencies.txt."""

    trip_id: str
    service_id: str
    pattern: Pattern
    start_s: int
    run: RunTimes
    block_id: str = ""
    headway: tuple[tuple[int, int, int], ...] = ()
    """(from, until, every) in ServiceTime and seconds; ``exact_times`` 0."""

    @property
    def end_s(self) -> int:
        return self.start_s + self.run.arrivals[-1]

    @property
    def route_id(self) -> str:
        return self.pattern.route_id

    def arrival_s(self, index: int) -> int:
        """Scheduled ServiceTime of arrival at the stop *index*."""
        return self.start_s + self.run.arrivals[index]

    def departure_s(self, index: int) -> int:
        """Scheduled ServiceTime of departure from the stop *index*."""
        return self.start_s + self.run.departures[index]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which service runs when, over a fixed range of dates."""

    first: date
    last: date
    holidays: tuple[date, ...]

    def services_on(self, day: date) -> frozenset[str]:
        """The services that run on *day*; none outside the range."""
        if not self.first <= day <= self.last:
            return frozenset()
        if day in self.holidays:
            return frozenset({WEEKEND, FAIR})
        return frozenset({WEEKEND if day.weekday() >= 5 else WEEKDAY})


def calendar_around(day: date) -> Calendar:
    """The calendar of a town built for *day*. The Fair, a holiday, is every second Friday of a month."""
    first, last = day - timedelta(days=DAYS_BEFORE), day + timedelta(days=DAYS_AFTER)
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return Calendar(first, last, tuple(day for day in days if day.weekday() == 4 and 8 <= day.day <= 14))


Headways = tuple[tuple[float, float, int], ...]
"""(from hour, until hour, minutes between two trips)."""

_WEEKDAY_HEADWAYS: dict[Pace, Headways] = {
    Pace.TRAM: ((4.75, 6.5, 15), (6.5, 9.5, 8), (9.5, 15.5, 10), (15.5, 18.5, 8), (18.5, 25.5, 15)),
    Pace.TRUNK: ((4.75, 6.5, 20), (6.5, 9.5, 10), (9.5, 15.5, 12), (15.5, 18.5, 10), (18.5, 25.5, 20)),
    Pace.REGULAR: ((5.0, 6.5, 30), (6.5, 9.5, 15), (9.5, 15.5, 20), (15.5, 18.5, 15), (18.5, 25.25, 30)),
    Pace.LOCAL: ((5.5, 9.5, 30), (9.5, 15.0, 60), (15.0, 19.0, 30), (19.0, 23.5, 60)),
    Pace.FERRY: ((6.0, 9.5, 20), (9.5, 15.5, 30), (15.5, 19.0, 20), (19.0, 24.5, 45)),
    Pace.NIGHT: ((23.75, 29.5, 20),),
}
_WEEKEND_HEADWAYS: dict[Pace, Headways] = {
    Pace.TRAM: ((4.75, 8.0, 20), (8.0, 20.0, 12), (20.0, 25.75, 20)),
    Pace.TRUNK: ((4.75, 8.0, 30), (8.0, 20.0, 20), (20.0, 25.75, 30)),
    Pace.REGULAR: ((5.0, 25.25, 40),),
    Pace.LOCAL: ((7.0, 22.5, 60),),
    Pace.FERRY: ((7.5, 24.5, 30),),
    Pace.NIGHT: ((23.75, 29.5, 20),),
}
_FAIR_HEADWAYS: dict[Pace, Headways] = {Pace.TRAM: ((21.0, 25.0, 30),)}
_SHUTTLE_PERIODS = {
    WEEKDAY: ((7.0, 10.0, 8), (10.0, 16.0, 12), (16.0, 19.0, 8), (19.0, 24.5, 15)),
    WEEKEND: ((9.0, 24.0, 20),),
}

_SLOWER: tuple[tuple[float, float, float], ...] = ((7.0, 9.5, 1.14), (15.5, 18.5, 1.18), (22.0, 30.0, 0.88))
"""(from hour, until hour, factor): the schedule knows the rush hours and the empty night streets."""


def make_trips(network: Network) -> tuple[Trip, ...]:
    """Every trip of every service, with its block, in order of service and start."""
    trips: list[Trip] = []
    for service, table in ((WEEKDAY, _WEEKDAY_HEADWAYS), (WEEKEND, _WEEKEND_HEADWAYS), (FAIR, _FAIR_HEADWAYS)):
        regular = list(_scheduled(network, service, table))
        trips.extend(_with_blocks(regular, service))
        trips.extend(_templates(network, service))
    return tuple(trips)


def _scheduled(network: Network, service: str, table: dict[Pace, Headways]) -> Iterator[Trip]:
    runs: dict[tuple[str, float], RunTimes] = {}
    for order, route in enumerate(ROUTES):
        for direction in (0, 1):
            pattern = network.patterns.get(f"{route.short_name}-{direction}")
            if pattern is None:
                continue
            for number, start_s in enumerate(_starts(table.get(route.pace, ()), (order * 7 + direction * 11) % 13)):
                chosen = pattern
                if route.short_turn and direction == 0 and number % route.short_turn == route.short_turn - 1:
                    chosen = network.patterns[f"{pattern.pattern_id}s"]
                slowness = _slowness(start_s)
                run = runs.setdefault((chosen.pattern_id, slowness), _run_times(chosen, slowness))
                yield Trip(f"{service[-1]}{route.short_name}{direction}{number:03d}", service, chosen, start_s, run)


def _starts(headways: Headways, offset_min: int) -> Iterator[int]:
    """Starts at whole minutes, *offset_min* after the first hour so that not all routes leave together."""
    start_min = 0.0
    for from_hour, until_hour, every_min in headways:
        start_min = max(start_min, from_hour * 60 + offset_min % every_min)
        while start_min < until_hour * 60:
            yield int(start_min) * MINUTE
            start_min += every_min


def _slowness(start_s: int) -> float:
    hour = start_s / HOUR
    return next((factor for since, until, factor in _SLOWER if since <= hour < until), 1.0)


def _run_times(pattern: Pattern, slowness: float) -> RunTimes:
    """Times to the second between timepoints; a timepoint is left on a whole minute."""
    mode = pattern.route.mode
    speed_mps = EXPRESS_SPEED_MPS if pattern.route.express else SPEED_MPS[mode]
    arrivals, departures = [0], [0]
    for index in range(1, len(pattern.stops)):
        metres = pattern.stop_at_m[index] - pattern.stop_at_m[index - 1]
        arrival = departures[-1] + round(metres / speed_mps * slowness) + 5
        departure = arrival + DWELL_S[mode]
        if pattern.timepoints[index]:
            departure = -(-departure // MINUTE) * MINUTE
        if index == len(pattern.stops) - 1:
            arrival = departure
        arrivals.append(arrival)
        departures.append(departure)
    return RunTimes(tuple(arrivals), tuple(departures))


def _with_blocks(trips: list[Trip], service: str) -> Iterator[Trip]:
    """Chain trips of one kind of vehicle that begin where another ended, after a layover."""
    waiting: dict[tuple[Mode, tuple[int, int]], list[tuple[int, str]]] = {}
    blocks = 0
    for trip in sorted(trips, key=lambda trip: (trip.start_s, trip.trip_id)):
        mode = trip.pattern.route.mode
        rested = waiting.setdefault((mode, trip.pattern.ends[0]), [])
        fit = [entry for entry in rested if LAYOVER_S <= trip.start_s - entry[0] <= LONGEST_LAYOVER_S]
        if fit:
            taken = max(fit)
            rested.remove(taken)
            block = taken[1]
        else:
            blocks += 1
            block = f"{service[-1]}{blocks:03d}"
        waiting.setdefault((mode, trip.pattern.ends[1]), []).append((trip.end_s, block))
        yield replace(trip, block_id=block)


def _templates(network: Network, service: str) -> Iterator[Trip]:
    periods = tuple(
        (int(since * HOUR), int(until * HOUR), every * MINUTE)
        for since, until, every in _SHUTTLE_PERIODS.get(service, ())
    )
    for route in ROUTES:
        if route.pace is not Pace.SHUTTLE or not periods:
            continue
        for direction in (0, 1):
            pattern = network.patterns[f"{route.short_name}-{direction}"]
            run = _run_times(pattern, 1.0)
            yield Trip(
                f"{service[-1]}{route.short_name}{direction}", service, pattern, periods[0][0], run, headway=periods
            )


def shows_times(route: RoutePlan, timepoint: bool) -> bool:
    """False where stop_times.txt leaves the times blank, to be interpolated."""
    return timepoint or not route.blank_times

"""What telling hours of the day apart is worth: ``python -m bench.hours [--seed N]``.

Three weeks of one line, drawn at random: the same timetable all day, on streets that know a rush hour and on some that do not.
Two weeks are learned from; the third is forecast with and without. Everybody's median error, by time to the arrival.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from domain.realtime import Floats
from predictor.learned.engine import Engine
from predictor.learned.hours import DayType
from predictor.learned.learned import State
from predictor.learned.runs import Runs, StopEvents, key_of, no_fixes, nothing_told
from predictor.learned.settings import Settings

MONDAY = 1_699_851_600.0
"""2023-11-13 00:00 in New York."""
DAY_S = 86_400.0
STOPS, PACE_S, HEADWAY_S = 24, 80.0, 900.0
FIRST_S, LAST_S = 6 * 3600.0, 20 * 3600.0
TICK_S = 300.0
HORIZONS_S = (0, 180, 360, 600, 900, 1800)
Profile = Callable[[Floats, DayType], Floats]
"""By how much longer everything takes at a ServiceTime of a day."""


def rush(service_s: Floats, day: DayType) -> Floats:
    """Weekdays half as long again at eight and at half past five, Saturdays a little at noon."""
    hour = service_s / 3600.0
    if day is DayType.WEEKDAY:
        return 1 + 0.5 * np.exp(-(((hour - 8.0) / 1.0) ** 2)) + 0.5 * np.exp(-(((hour - 17.5) / 1.2) ** 2))
    return 1 + (0.25 if day is DayType.SATURDAY else 0.0) * np.exp(-(((hour - 12.0) / 2.0) ** 2))


def even(service_s: Floats, day: DayType) -> Floats:  # noqa: ARG001  # as every profile
    """It makes no difference when."""
    return np.ones_like(service_s)


@dataclass(frozen=True, slots=True)
class Day:
    """What is planned and what happens."""

    runs: Runs
    arrived: Floats
    departed: Floats
    """A row a run, a column a call."""


def a_day(number: int, profile: Profile, seed: int) -> Day:
    """The *number*-th day from a Monday on."""
    random = np.random.default_rng((seed, number))
    day = DayType(max(number % 7 - 4, 0))
    start = MONDAY + number * DAY_S
    leaves = np.arange(FIRST_S, LAST_S, HEADWAY_S)
    n = len(leaves)
    due = (start + leaves[:, None] + PACE_S * np.arange(STOPS)).reshape(-1)
    clock = leaves + random.gamma(2.0, 20.0, n)
    arrived, departed = np.zeros((n, STOPS)), np.zeros((n, STOPS))
    arrived[:, 0] = clock - 60.0
    departed[:, 0] = clock
    whole = random.normal(1.0, 0.03) * random.normal(1.0, 0.05, n)
    shares = random.gamma(16.0, 1 / 16.0, (n, STOPS))
    dwells = random.gamma(2.0, 6.0, (n, STOPS))
    for stop in range(1, STOPS):
        slow = profile(clock, day)
        clock = clock + 0.85 * PACE_S * slow * whole * shares[:, stop]
        arrived[:, stop] = clock
        clock = clock + dwells[:, stop]
        departed[:, stop] = clock
    runs = Runs(
        key=np.array([key_of("weeks", number, it) for it in range(n)], np.int64),
        group=np.full(n, key_of("weeks"), np.int64),
        before=np.full(n, -1, np.int64),
        exact=np.ones(n, bool),
        service_epoch_s=np.full(n, start),
        day_type=np.full(n, day, np.uint8),
        ptr=np.arange(n + 1, dtype=np.int64) * STOPS,
        stop=np.tile(np.array([key_of("weeks", f"s{it}") for it in range(STOPS)], np.int64), n),
        distance_m=np.tile(np.arange(STOPS) * 400.0, n),
        arrival_epoch_s=due,
        departure_epoch_s=due.copy(),
        waits=np.tile(np.arange(STOPS) == 0, n),
        skipped=np.zeros(n * STOPS, bool),
    )
    return Day(runs, start + arrived, start + departed)


def events(day: Day, since: float, until: float) -> StopEvents:
    """What became known: arrivals, and with each departure its arrival again, in order of time."""
    came, went = ((it > since) & (it <= until) for it in (day.arrived, day.departed))
    run, position = np.nonzero(came | went)
    arrived, departed = day.arrived[run, position], day.departed[run, position]
    order = np.lexsort((position, run))
    return StopEvents(
        run=run[order],
        position=position[order],
        arrived_epoch_s=arrived[order],
        departed_epoch_s=np.where(departed <= until, departed, np.nan)[order],
    )


def _ticks(day: Day) -> Iterator[tuple[float, StopEvents]]:
    start = day.runs.service_epoch_s[0]
    for now in np.arange(start + FIRST_S, day.departed.max() + TICK_S, TICK_S):
        yield float(now), events(day, float(now) - TICK_S, float(now))


def learn(profile: Profile, days: range, *, seed: int = 1, state: State | None = None) -> State:
    """What an engine has learned after those days."""
    engine = Engine(state=state)
    for number in days:
        day = a_day(number, profile, seed)
        plan = engine.prepare(day.runs)
        for now, events in _ticks(day):
            engine.observe(now, plan, no_fixes(), events)
    return engine.state()


def errors(profile: Profile, days: range, state: State, settings: Settings | None = None, *, seed: int = 1) -> Floats:
    """Mean absolute errors of the median in seconds, by HORIZONS_S, of vehicles under way on those days."""
    engine = Engine(settings, state)
    away, took = [], []
    for number in days:
        day = a_day(number, profile, seed)
        plan = engine.prepare(day.runs)
        actual = day.arrived.reshape(-1)
        for now, events in _ticks(day):
            forecast = engine.tick(now, plan, no_fixes(), events, nothing_told())
            run = plan.run
            told = np.isfinite(forecast.arrival_p50) & (actual > now) & (day.departed[run, 0] <= now)
            away.append(np.abs(forecast.arrival_p50 - actual)[told])
            took.append(actual[told] - now)
    error, horizon = np.concatenate(away), np.concatenate(took)
    bucket = np.searchsorted(HORIZONS_S, horizon, "right") - 1
    return np.array([error[bucket == it].mean() for it in range(len(HORIZONS_S) - 1)])


def main() -> int:
    """Print mean errors of the third week without and with hours."""
    parser = argparse.ArgumentParser(prog="python -m bench.hours", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of what happens (default 1)")
    seed = parser.parse_args().seed
    for profile in (rush, even):
        known = learn(profile, range(14), seed=seed)
        without = errors(profile, range(14, 21), known, Settings(hour_days=np.inf), seed=seed)
        told_apart = errors(profile, range(14, 21), known, seed=seed)
        told = [
            f"{seconds / 60:.0f} min on: {a:.1f} → {b:.1f} s ({100 * (b / a - 1):+.1f} %)"
            for seconds, a, b in zip(HORIZONS_S, without, told_apart, strict=False)
        ]
        print(f"{profile.__name__}: {'; '.join(told)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

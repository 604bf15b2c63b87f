"""Time a tick of the learning predictor, and weigh what it learns: ``python -m bench.prediction [--days N]``.

A made-up network: lines of 40 stops, vehicles spread over them, a position of each every tick.
"""

import argparse
import resource
import sys
import time

import numpy as np

from domain.realtime import Floats
from predictor.learned.engine import Engine
from predictor.learned.runs import Fixes, Runs, no_events, nothing_told

STOPS = 40
APART_M = 400.0
PACE_S = 80.0
START = 1_700_000_000.0


def network(vehicles: int, start: float, seed: int = 1) -> tuple[Runs, Floats]:
    """Runs that a vehicle is on at *start*, and the share of its timetable's speed at which each goes."""
    random = np.random.default_rng(seed)
    begun = random.uniform(0, STOPS * PACE_S * 0.8, vehicles)
    number = np.arange(vehicles)
    position = np.tile(np.arange(STOPS), vehicles)
    due: Floats = np.round(np.repeat(start - begun, STOPS) + position * PACE_S).astype(np.float64)
    runs = Runs(
        key=(number + 1 + int(start) * 100_003).astype(np.int64),
        group=np.ones(vehicles, np.int64),
        before=np.full(vehicles, -1, np.int64),
        exact=np.ones(vehicles, bool),
        service_epoch_s=np.full(vehicles, start - start % 86_400.0),
        day_type=np.zeros(vehicles, np.uint8),
        ptr=np.arange(vehicles + 1, dtype=np.int64) * STOPS,
        stop=np.repeat(number % max(vehicles // 20, 1), STOPS) * 1000 + position,
        distance_m=position.astype(np.float64) * APART_M,
        arrival_epoch_s=due,
        departure_epoch_s=due.copy(),
        waits=position == 0,
        skipped=np.zeros(vehicles * STOPS, bool),
    )
    return runs, random.uniform(0.8, 1.1, vehicles)


def fixes(runs: Runs, speed: Floats, now: float) -> Fixes:
    """Where every vehicle says it is."""
    n = len(runs)
    metres = np.clip((now - runs.departure_epoch_s[runs.ptr[:-1]]) * speed * APART_M / PACE_S, 0, (STOPS - 1) * APART_M)
    number = np.arange(n, dtype=np.int64)
    return Fixes(
        run=number,
        vehicle=number,
        distance_m=metres,
        located_epoch_s=np.full(n, now - 5.0),
        at=np.full(n, -1, np.int64),
    )


def ticks(vehicles: int, count: int = 12) -> tuple[float, float]:
    """CPU seconds to prepare runs, and the median of a tick (observe and forecast every call), in this process."""
    runs, speed = network(vehicles, START)
    engine = Engine()
    began = time.process_time()
    plan = engine.prepare(runs)
    prepared = time.process_time() - began
    took = []
    for number in range(count):
        now = START + 30.0 * number
        told = fixes(runs, speed, now)
        began = time.process_time()
        engine.tick(now, plan, told, no_events(), nothing_told())
        took.append(time.process_time() - began)
    return prepared, float(np.median(took[2:]))


def days(count: int, vehicles: int = 100, *, step_s: float = 60.0) -> list[tuple[int, int, int, float]]:
    """Per simulated day: runs remembered, samples waiting, stop pairs, MiB of resident memory at most so far."""
    engine = Engine()
    result = []
    for day in range(count):
        for hour in range(6, 22):
            start = START + day * 86_400 + hour * 3600
            runs, speed = network(vehicles, start, seed=hour)
            plan = engine.prepare(runs)
            for now in np.arange(start, start + 3600, step_s):
                engine.tick(float(now), plan, fixes(runs, speed, float(now)), no_events(), nothing_told())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        result.append((len(engine.tracks), len(engine.samples), len(engine.learned.pairs), peak))
    return result


def main() -> int:
    """Print what ticks take, what a stop pair weighs, and whether memory stays flat."""
    parser = argparse.ArgumentParser(prog="python -m bench.prediction", description=__doc__)
    parser.add_argument("--days", type=int, default=7, help="simulated days (default 7)")
    asked = parser.parse_args()
    for vehicles in (1_000, 10_000):
        prepared, tick = ticks(vehicles)
        print(f"{vehicles:,} vehicles × {STOPS} stops: prepare {prepared * 1000:.0f} ms, tick {tick * 1000:.0f} ms")
    engine = Engine()
    runs, speed = network(1_000, START)
    plan = engine.prepare(runs)
    for number in range(40):
        now = START + 30.0 * number
        engine.tick(now, plan, fixes(runs, speed, now), no_events(), nothing_told())
    state = engine.state()
    whole = sum(column.nbytes for column in state.columns.values())
    print(
        f"a stop pair weighs {state.bytes_per_pair():.0f} B; the whole state, errors included, {whole / 1024:.0f} KiB"
    )
    for day, (tracks, samples, pairs, peak) in enumerate(days(asked.days), 1):
        print(
            f"day {day}: {tracks:,} runs remembered, {samples:,} samples, {pairs:,} stop pairs, {peak:.0f} MiB at most"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

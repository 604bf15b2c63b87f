"""Twenty warnings over a city and every running trip: ``python -m bench.judging ZIP [--warnings 20]``.

Judges, at the city's busiest moment, which running trips run through which warning: at first, when all ground is new, and
again, as every ten seconds. Prints CPU for each, and how long the event loop, where arrivals are made meanwhile, stood at the
longest: judged as the alert worker does, in a thread, and for comparison on the loop itself.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.dataset import busiest_epoch_s
from bench.warning import warning
from domain.alert import Alert, Area
from domain.geo import disc
from domain.risk import TripRisk
from feeds.schedule import build
from predictor.alert_worker import touched_trips
from predictor.risk import TripJudge
from predictor.running_trips import patterns_of
from store.timetable import Bundle


def warnings_over(bundle: Bundle, now: int, count: int) -> list[Alert]:
    """Discs of half a kilometre to three and a half around stops."""
    lot = np.random.default_rng(1)
    found = []
    for number, stop in enumerate(lot.integers(0, len(bundle.array("stop_lat")), count).tolist()):
        lat, lon = float(bundle.array("stop_lat")[stop]), float(bundle.array("stop_lon")[stop])
        ground = Area(description="", polygons=disc(lat, lon, float(lot.uniform(500.0, 3500.0))))
        one = warning(now)
        infos = tuple(replace(info, areas=(ground,)) for info in one.infos)
        found.append(replace(one, alert_id=f"warning-{number}", infos=infos))
    return found


async def stood_ms(work: Callable[[], object], *, in_thread: bool) -> float:
    """The longest time, beyond a millisecond's sleep, that the loop did not turn while *work* was done."""
    longest_s, is_over = 0.0, False

    async def watch() -> None:
        nonlocal longest_s
        while not is_over:
            began_s = time.perf_counter()
            await asyncio.sleep(0.001)
            longest_s = max(longest_s, time.perf_counter() - began_s - 0.001)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    await asyncio.to_thread(work) if in_thread else work()
    is_over = True
    await watching
    return longest_s * 1e3


def measure(bundle: Bundle, count: int) -> None:
    now = busiest_epoch_s(bundle)
    alerts = warnings_over(bundle, now, count)
    patterns = patterns_of(bundle)
    judge = TripJudge(patterns)

    def work() -> list[TripRisk]:
        return touched_trips(judge, bundle, None, alerts, now)

    began_s = time.process_time()
    found = work()
    first_ms = (time.process_time() - began_s) * 1e3
    began_s = time.process_time()
    work()
    again_ms = (time.process_time() - began_s) * 1e3
    trips = len({risk.trip_id for risk in found})
    print(
        f"{count} warnings, {trips:,} running trips in them, {len(found):,} times: {first_ms:.0f} ms CPU, again {again_ms:.0f} ms"
    )
    for in_thread, where in ((True, "in a thread"), (False, "on the loop")):
        print(f"{where}: the loop stood {asyncio.run(stood_ms(work, in_thread=in_thread)):.1f} ms at the longest")


def main(arguments: list[str]) -> int:
    """Measure; always 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.judging", description=__doc__)
    parser.add_argument("zip", type=Path, help="a GTFS schedule")
    parser.add_argument("--warnings", type=int, default=20, help="default 20")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        measure(Bundle(Path(build(given.zip, feed_id="city", home=Path(home)).folder)), given.warnings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Hide the trips of a recording and see whether they are found: ``python -m bench.trip_inference SET [--every 15]``.

SET is a folder with ``gtfs.zip`` and ``vehicle_positions.csv.gz`` (flattened VehiclePositions; the columns of WMATA's and
Kingston's recordings are known). Reports are told in time order, each tick with the newest of every vehicle, once with the
route and once without. Counted are all reports that name a trip of the timetable, from the first on; a report without an
answer is wrong. False alarms are counted with the named trips told: reports of vehicles that name none, taken for a trip.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.recorded_vehicles import Ping, asked, dataset, read, schedule_of, ticks
from predictor.inference import infer
from predictor.placing import Ground, places
from predictor.schedule import Schedule
from predictor.sightings import Seen, sight
from predictor.traces import Memory


@dataclass(slots=True)
class Score:
    """Counts of reports."""

    reports: int = 0
    told: int = 0
    pattern: int = 0
    direction: int = 0
    block: int = 0
    trip: int = 0
    on_line: int = 0
    pattern_on_line: int = 0
    trip_on_line: int = 0
    nameless: int = 0
    false_alarms: int = 0


def measure(schedule: Schedule, pings: list[Ping], *, route: bool, every_s: int) -> Score:
    """Tell all, hide the trips, count."""
    score, memory, ground = Score(), Memory(), Ground(schedule)
    labels = {trip: schedule.trips_named(trip)[0] for trip in {ping.trip for ping in pings} if trip}
    for now, current, fresh in ticks(pings, every_s):
        heard = dataset([it for it in current if labels.get(it.trip, -1) >= 0], now, hide=True, route=route)
        seen = sight(schedule, [("v", heard, frozenset())], float(now), memory)
        answer = infer(schedule, ground, seen, memory, float(now))
        _remember(memory, answer)
        row_of = {vehicle: row for row, vehicle in enumerate(answer.ids)}
        count(
            score, schedule, ground, [it for it in fresh if labels.get(it.trip, -1) >= 0], labels, row_of, answer.trip
        )
    memory = Memory()
    for now, current, _ in ticks(pings, every_s):
        heard = dataset(current, now, hide=False, route=route)
        seen = sight(schedule, [("v", heard, frozenset())], float(now), memory)
        answer = infer(schedule, ground, seen, memory, float(now))
        _remember(memory, answer)
        nameless = np.array([not it.trip for it in current], bool)[: len(answer)]
        if len(nameless) == len(answer):
            score.nameless += int(nameless.sum())
            score.false_alarms += int((answer.inferred & nameless).sum())
    return score


def _remember(memory: Memory, answer: object) -> None:
    """What ``follow`` would note of each vehicle's place and run."""

    assert isinstance(answer, Seen)
    table = memory.table
    for name in ("seen_epoch_s", "lat", "lon"):
        table[name][answer.slot] = getattr(answer, name)


def count(
    score: Score, schedule: Schedule, ground: Ground, fresh: list[Ping], labels: dict[str, int],
    row_of: dict[str, int], trips: np.ndarray,
) -> None:  # fmt: skip
    """Add the answers to the reports of one tick."""
    if not fresh:
        return
    named = np.array([labels[ping.trip] for ping in fresh], np.int32)
    n = len(fresh)
    anywhere = np.full(n, np.nan)
    near = places(
        ground, schedule, schedule.pattern_of(named).astype(np.int64), lat=np.array([it.lat for it in fresh]),
        lon=np.array([it.lon for it in fresh]), low_m=anywhere, high_m=anywhere,
    )  # fmt: skip
    on_line = np.isin(np.arange(n), near.who)
    for at, ping in enumerate(fresh):
        truth = int(named[at])
        found = int(trips[row_of[ping.vehicle]]) if ping.vehicle in row_of else -1
        score.reports += 1
        score.on_line += bool(on_line[at])
        if found < 0:
            continue
        score.told += 1
        same = int(schedule.pattern_of(np.array([truth]))[0]) == int(schedule.pattern_of(np.array([found]))[0])
        shape = schedule.pattern_shape[schedule.pattern_of(np.array([truth, found]))]
        same |= bool(shape[0] == shape[1] >= 0)
        score.pattern += same
        route_too = schedule.trip_route[truth] == schedule.trip_route[found]
        score.direction += bool(route_too and schedule.trip_direction[truth] == schedule.trip_direction[found])
        score.block += bool(schedule.trip_block[truth] == schedule.trip_block[found])
        score.trip += truth == found
        score.pattern_on_line += bool(same and on_line[at])
        score.trip_on_line += bool(truth == found and on_line[at])


def main() -> None:
    """Print the table."""
    options = asked("bench.trip_inference", __doc__)
    pings = read(options.set)
    with tempfile.TemporaryDirectory() as home:
        schedule = schedule_of(options.set, Path(home))
        columns = ("reports", "told", "pattern", "direction", "block", "trip", "pattern*", "trip*", "false alarms")
        print(f"{'route':8}" + "".join(f"{name:>10}" for name in columns))
        for route in (True, False):
            it = measure(schedule, pings, route=route, every_s=options.every)
            n, of_line = max(it.reports, 1), max(it.on_line, 1)
            shares = [it.told / n, it.pattern / n, it.direction / n, it.block / n, it.trip / n]
            shares += [it.pattern_on_line / of_line, it.trip_on_line / of_line]
            row = f"{'known' if route else 'hidden':8}{it.reports:10}" + "".join(f"{share:10.1%}" for share in shares)
            print(f"{row}  {it.false_alarms} of {it.nameless} nameless")
        print("* of the reports that lie on the line of the trip that they name")


if __name__ == "__main__":
    main()

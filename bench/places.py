"""Are vehicles put where they say they are? ``python -m bench.places SET [--every 15]``.

SET is a folder with ``gtfs.zip`` and ``vehicle_positions.csv.gz`` as in ``bench.recorded_vehicles``. Trips are told,
``current_stop_sequence`` and ``current_status`` are not: they are compared with the place on the line and the next call that
were found. A report that is off its line, or waits for its departure, is counted apart.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.recorded_vehicles import asked, dataset, read, rows, schedule_of, ticks
from predictor.calls import calls_of
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.sightings import follow, sight
from predictor.traces import Memory


@dataclass(slots=True)
class Found:
    """Reports on trips of the timetable."""

    counts: Counter[str] = field(default_factory=Counter)
    """All, and those that are on_route, waiting, ended, detour, lost."""
    stops_off: list[int] = field(default_factory=list)
    """Position of the next call found, less that of the call the vehicle names."""
    stopped_m: list[float] = field(default_factory=list)
    """Metres along the line between a vehicle that is "stopped at" and that stop, both ways; not of those that wait."""


def said(folder: Path) -> dict[tuple[str, int], tuple[int, bool]]:
    """(vehicle, timestamp) to current_stop_sequence and whether it is stopped there."""
    found = {}
    for it in rows(folder):
        when = it.get("timestamp") or it.get("vehicle_timestamp")
        if when and it.get("current_stop_sequence"):
            vehicle = it.get("vehicle.id") or it.get("vehicle_id") or it.get("id") or ""
            stopped = it.get("current_status") in {"1", "1.0", "STOPPED_AT"}
            found[vehicle, int(float(when))] = int(float(it["current_stop_sequence"])), stopped
    return found


def measure(schedule: Schedule, folder: Path, every_s: int) -> Found:
    """Tell the recording and compare every report once."""
    ground, memory, found, names = Ground(schedule), Memory(), Found(), said(folder)
    for now, current, fresh in ticks(read(folder), every_s):
        told = dataset(current, now, hide=False, route=True)
        seen = sight(schedule, [("v", told, frozenset())], float(now), memory)
        on = np.flatnonzero(seen.trip >= 0)
        run = np.full(len(seen), -1, np.int64)
        run[on] = np.arange(len(on))
        calls = calls_of(schedule, seen.trip[on], seen.base_epoch_s[on])
        where = follow(schedule, ground, calls, seen, run, (seen.trip[on], seen.date[on]), memory)
        new = {ping.vehicle for ping in fresh}
        for row in [row for row in on.tolist() if seen.ids[row] in new]:
            found.counts["all"] += 1
            for name in ("on_route", "waiting", "ended", "detour", "lost"):
                found.counts[name] += bool(getattr(where, name)[row])
            sequence, stopped = names.get((seen.ids[row], int(seen.seen_epoch_s[row])), (-1, False))
            source = calls.source[calls.ptr[run[row]] : calls.ptr[run[row] + 1]]
            position = np.flatnonzero(schedule.pattern_sequence[source] == sequence)
            if not len(position) or not where.on_route[row]:
                continue
            found.stops_off.append(int(where.next_position[row]) - int(position[0]))
            if stopped and not where.waiting[row]:
                metres = float(schedule.pattern_distance_m[source[position[0]]])
                found.stopped_m.append(float(where.distance_m[row]) - metres)
    return found


def main() -> None:
    """Print the figures."""
    options = asked("bench.places", __doc__)
    with tempfile.TemporaryDirectory() as home:
        schedule = schedule_of(options.set, Path(home))
        found = measure(schedule, options.set, options.every)
    print(", ".join(f"{name} {count}" for name, count in found.counts.items()))
    off = np.abs(np.array(found.stops_off))
    if len(off):
        print(f"next call of {len(off)}: the one named {np.mean(off == 0):.1%}, within one {np.mean(off <= 1):.1%}")
    metres = np.abs(np.array(found.stopped_m))
    if len(metres):
        print(
            f"{len(metres)} stopped at: within 100 m {np.mean(metres <= 100):.1%}, 300 m {np.mean(metres <= 300):.1%}"
        )


if __name__ == "__main__":
    main()

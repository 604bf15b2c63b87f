"""A new timetable dataset comes while everything runs: nobody on the street notices."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from feeds.schedule import build
from predictor.schedule import Schedule
from predictor.traces import Memory
from predictor.worker import _Worker
from runtime.clock import FakeClock
from runtime.settings import PredictorSettings
from store import predictions, timetable
from store.hall import Hall
from store.timetable import Bundle
from tests.predictor.driven import buses
from tests.predictor.streets import Streets, at, schedule_files, streets
from tests.predictor.test_worker import tick, worker_of

CHANGES_AT, ENDS_AT = at(7, 40, 10), at(7, 55)
Told = dict[tuple[int, str], tuple[float, ...]]
"""By time and trip: when the vehicle is told to be where."""


def imported(folder: Path, name: str, files: dict[str, str]) -> Bundle:
    """These files as a bundle."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    path = folder / f"{name}.zip"
    path.write_bytes(data.getvalue())
    return Bundle(Path(build(path, feed_id="streets", home=folder).folder))


def renumbered(folder: Path) -> Bundle:
    """The same timetable with one trip more, and the rows of all others in another order."""
    files = schedule_files()
    head, *trips = files["trips.txt"].splitlines()
    files["trips.txt"] = "\n".join([head, "S,day,aaa,0,,east", *reversed(trips)])
    head, *times = files["stop_times.txt"].splitlines()
    early = [it.replace("east0,", "aaa,").replace(",07:", ",05:") for it in times if it.startswith("east0,")]
    files["stop_times.txt"] = "\n".join([head, *early, *reversed(times)])
    return imported(folder, "renumbered", files)


def every_ten_minutes(folder: Path, since: str) -> Bundle:
    """The timetable in which one trip runs so, until nine."""
    frequencies = f"trip_id,start_time,end_time,headway_secs\nplain1,{since},09:00:00,600\n"
    return imported(folder, since[:5].replace(":", ""), {**schedule_files(), "frequencies.txt": frequencies})


async def drive(town: Streets, hall: Hall, later: Bundle | None) -> tuple[Told, _Worker]:
    """What is told from the change on, or all the same without one."""
    await hall.redis.flushdb()
    clock, told = FakeClock(datetime.fromtimestamp(at(7), UTC)), Told()
    worker = await worker_of(town, hall, clock)
    worker.settings = replace(worker.settings, predictor=PredictorSettings())
    bundle = town.bundle
    while clock.now_epoch_s() <= ENDS_AT:
        now = int(clock.now_epoch_s())
        if later is not None and now >= CHANGES_AT and bundle is not later:
            bundle = later
            await timetable.announce(hall, "streets", later.generation, now)
        await tick(worker, hall, clock, sorted(buses(now), key=lambda it: it.vehicle))
        if now >= CHANGES_AT:
            made = await predictions.get(hall, "streets")
            assert made is not None
            for row, trip in enumerate(made.trip.tolist()):
                calls = slice(made.ptr[row], made.ptr[row + 1])
                told[now, bundle.trip_ids[trip]] = (
                    *made.arrival_epoch_s[calls],
                    *made.early_s[calls],
                    made.source[row],
                )
        await clock.advance_s(30)
    return told, worker


async def test_forecasts_and_learning_go_on_as_if_nothing_had_happened(hall: Hall, tmp_path: Path) -> None:
    """To the second, from the first tick with the new timetable on; what was seen across the change is learned, too."""
    town = streets(tmp_path)
    later = renumbered(tmp_path)
    assert later.trip_rows("east3") != town.bundle.trip_rows("east3")
    one, before = await drive(town, hall, None)
    other, after = await drive(town, hall, later)
    assert len(one) > 100
    assert other == one
    engines = []
    for worker in (before, after):
        foresight = worker.timetables["streets"].foresight
        assert foresight is not None
        engines.append(foresight.engine)
    for name in ("n", "observed_s"):
        np.testing.assert_allclose(engines[1].learned.pairs[name].sum(), engines[0].learned.pairs[name].sum())
    assert len(engines[1].samples) == len(engines[0].samples)
    assert engines[1].tracks.refused == 0


def test_vehicles_on_trips_that_are_no_more_are_looked_for_anew(town: Streets, tmp_path: Path) -> None:
    """The others stay where they were."""
    later = Schedule(renumbered(tmp_path))
    slots = town.memory.slots_of([("v", "gone"), ("v", "stays"), ("v", "none")], 1000.0)
    stays = town.bundle.trip_rows("west3")[0]
    town.memory.table["trip"][slots] = [town.bundle.trip_rows("east3")[0], stays, -1]
    later.trips_named = lambda raw_id: (-1, -1) if raw_id == "east3" else Schedule.trips_named(later, raw_id)  # type: ignore[method-assign]
    town.memory.go_on_with(later, town.schedule)
    assert town.memory.table["trip"][slots].tolist() == [-1, later.trips_named("west3")[0], -1]


def test_vehicles_whose_trips_got_another_line_are_looked_for_anew(town: Streets, tmp_path: Path) -> None:
    """Where a vehicle was along the one says nothing of where it is along the other."""
    slots = town.memory.slots_of([("v", "one")], 1000.0)
    town.memory.table["trip"][slots] = row = town.bundle.trip_rows("east3")[0]
    later = Schedule(renumbered(tmp_path))
    pattern = later.pattern_of(np.array(later.trips_named("east3")[:1]))[0]
    calls = slice(later.pattern_ptr[pattern], later.pattern_ptr[pattern + 1])
    later.pattern_distance_m = later.pattern_distance_m.copy()
    later.pattern_distance_m[calls] += 20.0
    town.memory.go_on_with(later, town.schedule)
    assert town.memory.table["trip"][slots].tolist() == [later.trips_named("east3")[0]]
    town.memory.table["trip"][slots] = row
    later.pattern_distance_m[calls] += 700.0
    town.memory.go_on_with(later, town.schedule)
    assert town.memory.table["trip"][slots].tolist() == [-1]


def test_vehicles_of_a_trip_every_ten_minutes_stay_on_the_run_that_starts_when_theirs_did(tmp_path: Path) -> None:
    """Though one starts before the first of before; who was on a run that is no more is looked for anew."""
    before, later = (Schedule(every_ten_minutes(tmp_path, since)) for since in ("07:00:00", "06:50:00"))
    runs = range(*before.trips_named("plain1"))
    memory = Memory()
    slots = memory.slots_of([("v", str(row)) for row in runs], 1000.0)
    memory.table["trip"][slots] = runs
    memory.go_on_with(later, before)
    kept = memory.table["trip"][slots]
    assert len(kept) == 12
    assert np.array_equal(later.trip_start_s[kept], before.trip_start_s[runs])
    memory.table["trip"][slots[:1]] = later.trips_named("plain1")[0]
    memory.go_on_with(before, later)
    assert memory.table["trip"][slots].tolist() == [-1, *list(runs)[1:]]

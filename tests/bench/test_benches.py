"""Each bench, in its shortest form on the simulator's town, runs to its end and says what it saw."""

import re
import shutil
import sys
from datetime import date
from pathlib import Path

import pytest

from bench import embedded, import_schedule, judging, realtime_tick, riders, switch, warning, web
from bench.dataset import busiest_epoch_s, make_dataset
from feeds.formats import gtfs_realtime
from feeds.schedule import build
from simulator.city import build_city
from store.timetable import Bundle

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
with_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@pytest.fixture(scope="module")
def town_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town's schedule."""
    path = tmp_path_factory.mktemp("town") / "town.zip"
    path.write_bytes(build_city(1, date(2026, 11, 24)).gtfs_zip)
    return path


def test_datasets_move_on_and_name_the_same_trips(town_zip: Path, tmp_path: Path) -> None:
    """What is made up is what an agency would send: every update of a known trip, a vehicle for each under way."""
    bundle = Bundle(Path(build(town_zip, feed_id="town", home=tmp_path).folder))
    now = busiest_epoch_s(bundle)
    one, other = make_dataset(bundle, now), make_dataset(bundle, now + 30, seed=2)
    said = gtfs_realtime.decode(one.trip_updates, feed_id="tu", now_epoch_s=now).items.trip_updates
    where = gtfs_realtime.decode(one.vehicles, feed_id="vp", now_epoch_s=now).items.vehicles
    assert said is not None
    assert where is not None
    assert len(said.trip_ids) == one.trips
    assert len(said.stop_ref) == one.stop_time_updates
    assert len(where.trip_ids) == one.on_the_road > 0
    assert all(bundle.trip_rows(raw) for raw in said.trip_ids)
    assert set(where.trip_ids) <= set(said.trip_ids)
    assert one.trip_updates != other.trip_updates
    few = make_dataset(bundle, now, most_trips=5, most_calls=2)
    assert (few.trips, few.stop_time_updates <= 10) == (5, True)


def test_import_reports(town_zip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Time, CPU, peak and size."""
    assert import_schedule.main([str(town_zip)]) == 0
    assert re.search(r"[\d,]+ stop times: [\d.]+ s wall, [\d.]+ s CPU, [\d.]+ GiB peak", capsys.readouterr().out)


def test_trips_in_warnings_are_judged(town_zip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How long it takes, and for how long other work stands."""
    assert judging.main([str(town_zip), "--warnings", "5"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"5 warnings, [1-9]\d* running trips in them, [\d,]+ times: \d+ ms CPU, again \d+ ms", said)
    assert re.search(r"in a thread: the loop stood [\d.]+ ms.*\non the loop: the loop stood [\d.]+ ms", said)


def test_a_warning_reaches_its_part_of_the_people_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody else, nobody twice; and how long it took."""
    assert warning.main(["--people", "1000"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"1,000 people judged, 100 to be told: [\d.]+ s", said)
    assert re.search(r"handed over: [\d.]+ s, [\d,]+ a second.*\n.*\npeak \d+ MiB", said)


@on_linux
def test_embedded_server_reports_and_leaves_no_orphan(capsys: pytest.CaptureFixture[str]) -> None:
    """After kill -9 of its owner."""
    assert embedded.main([]) == 0
    assert re.search(r"\d+ ms to the first answer.*\n.*gone within \d+ ms", capsys.readouterr().out)


@on_linux
async def test_realtime_tick_reports(town_zip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every stage with its CPU, beside the bare parse."""
    assert await realtime_tick.main([str(town_zip), "--ticks", "2"]) == 0
    said = capsys.readouterr().out
    assert [stage for stage in ("feeds", "predictor", "one web process", "Redis", "all of it") if f"CPU ms: {stage}" not in said] == []  # fmt: skip
    assert "ms from bytes to visible" in said
    assert "grown over the 2 ticks" in said


@on_linux
@with_wrk
async def test_web_reports_every_endpoint_without_a_failure(town_zip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Requests per second, latency, CPU beside an empty reply."""
    assert await web.main([str(town_zip), "--seconds", "1"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(tuple(web.AIMS_PER_S))]
    assert [row[0] for row in rows] == [*web.AIMS_PER_S, "arrivals-and-departures-for-stop"]
    assert [row[8 + ("gzip" in row)] for row in rows] == ["0"] * len(rows)


@on_linux
@with_wrk
async def test_no_request_fails_at_the_switch(town_zip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two web processes under load take the new timetable."""
    assert await switch.main([str(town_zip)]) == 0
    assert re.search(r"[\d,]+ requests, 0 failed, through an import of .* and the switch", capsys.readouterr().out)


@on_linux
async def test_riders_get_their_answers(town_zip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of the mix, none failed."""
    assert await riders.main([str(town_zip), "--users", "20", "--seconds", "2"]) == 0
    said = capsys.readouterr().out
    assert ", 0 failed" in said
    assert [name for name in riders.MIX if name not in said] == []

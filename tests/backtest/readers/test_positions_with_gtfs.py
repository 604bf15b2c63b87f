"""Positions in the spellings of several producers, with a schedule; the truth of a vehicle that drives evenly."""

from pathlib import Path

import numpy as np
import pytest

from backtest import readers
from backtest.readers.folder import Folder
from backtest.recording import SetUnreadable
from backtest.tracks import tracks_of
from backtest.truth import truth_of
from tests.backtest.folders import MIDNIGHT_EPOCH_S, NOON_EPOCH_S, drive, lat_at, write_gtfs, write_gz

HEADER = (
    "vehicle.trip.trip_id,vehicle.trip.start_date,vehicle.position.latitude,vehicle.position.longitude,"
    "vehicle.current_stop_sequence,vehicle.current_status,vehicle.timestamp,vehicle.vehicle.id"
)


def _write(folder: Path, *, late_s: int = 0) -> None:
    write_gtfs(folder / "some-schedule.zip", trips={"t1": 43_200})
    rows = [
        f"t1,20260109,{lat_at(metres):.7f},-75.0,{min(int(metres // 500) + 2, 5)},2.0,{now},bus"
        for now, metres in drive(NOON_EPOCH_S + late_s, 5.0, until_m=2100.0)
    ]
    write_gz(folder / "positions of monday.csv.gz", HEADER, rows)


def test_positions_are_recognised_by_their_columns_and_timed_by_the_road(tmp_path: Path) -> None:
    """At 5 m/s the second stop, 15 m before it, is passed 97 s after the start, and the first one at 60 m: 12 s."""
    _write(tmp_path, late_s=40)
    recording = readers.read(Folder(tmp_path))
    assert recording.runs.ids == ["t1@20260109"]
    assert recording.time_zone == "America/New_York"
    assert recording.runs.arrival_s.tolist() == [MIDNIGHT_EPOCH_S + 43_200 + 100 * number for number in range(5)]
    assert np.allclose(recording.runs.along_m, [100, 600, 1100, 1600, 2100], atol=0.5)
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    truth = truth_of(recording, tracks)
    expected = NOON_EPOCH_S + 40 + np.array([12.0, 97.0, 197.0, 297.0, 397.0])
    assert np.allclose(truth.at_s, expected, atol=0.5)
    assert truth.of == 5


def test_a_trip_without_a_date_runs_on_the_day_it_fits_best(tmp_path: Path) -> None:
    """A vehicle seen at ten past midnight on a trip of 24:05 belongs to the day before."""
    write_gtfs(tmp_path / "g.zip", trips={"late": 86_700})
    start = MIDNIGHT_EPOCH_S + 86_700
    rows = [f"late,{lat_at(metres):.7f},-75.0,{now},bus" for now, metres in drive(start, 5.0, until_m=2100.0)]
    write_gz(tmp_path / "vp.csv.gz", "trip_id,latitude,longitude,timestamp,vehicle_id", rows)
    recording = readers.read(Folder(tmp_path))
    assert recording.runs.service_days == [20260109]


def test_a_repeated_report_is_received_once(tmp_path: Path) -> None:
    """A feed polled every 10 s repeats what a vehicle said until it says something new."""
    write_gtfs(tmp_path / "g.zip", trips={"t1": 43_200})
    rows = [
        f"{now + delay},t1,20260109,{lat_at(metres):.7f},-75.0,{now},bus"
        for now, metres in drive(NOON_EPOCH_S, 5.0, until_m=2100.0)
        for delay in (20, 10)
    ]
    write_gz(
        tmp_path / "vp.csv.gz", "feed_timestamp,trip_id,trip_start_date,lat,lon,vehicle_timestamp,vehicle_id", rows
    )
    fixes = readers.read(Folder(tmp_path)).fixes
    assert len(fixes) == len(rows) // 2
    assert np.all(fixes.received_s - fixes.at_s == 10.0)


def test_a_folder_of_something_else_is_refused_with_what_was_found_and_what_is_needed(tmp_path: Path) -> None:
    """The message names the files and their columns, and every format's needs."""
    (tmp_path / "lunch.csv").write_text("dish,price\nsoup,4\n")
    with pytest.raises(SetUnreadable) as refused:
        readers.read(Folder(tmp_path))
    assert "lunch.csv (dish, price)" in str(refused.value)
    assert all(form.name in str(refused.value) for form in readers.FORMATS)


def test_a_schedule_of_another_city_is_refused(tmp_path: Path) -> None:
    """No trip id joins: the message shows one."""
    _write(tmp_path)
    write_gtfs(tmp_path / "some-schedule.zip", trips={"other": 43_200})
    with pytest.raises(SetUnreadable, match="'t1'"):
        readers.read(Folder(tmp_path))

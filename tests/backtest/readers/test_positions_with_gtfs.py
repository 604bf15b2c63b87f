"""Positions in the spellings of several producers, with a schedule; the truth of a vehicle that drives evenly."""

import re
import zipfile
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


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("updates.parquet", b"PAR1 and nothing that follows", "updates.parquet: expected a table that can be read"),
        ("positions.csv.gz", b"\x1f\x8b\x08\x00cut", "positions.csv.gz: expected a table that can be read"),
        ("updates.tar.xz", b"\xfd7zXZ\x00cut", "updates.tar.xz: expected a whole tar archive"),
        ("TripUpdates_1.pb.gz", b"\x1f\x8b\x08\x00cut", "TripUpdates_1.pb.gz: expected a whole gzip file"),
        ("TripUpdates_1.pb", b"<html>busy</html>", "TripUpdates_1.pb: expected a GTFS-realtime FeedMessage"),
        ("some-schedule.zip", b"PK\x03\x04cut", "some-schedule.zip: expected a whole zip archive"),
    ],
)
def test_a_damaged_file_is_named_and_never_passed_over(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    """Without it the figures would be of another recording: no agency, or half of the positions."""
    _write(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SetUnreadable, match=re.escape(expected)):
        readers.read(Folder(tmp_path))


def test_positions_without_a_place_are_told_what_they_lack(tmp_path: Path) -> None:
    """Among all that could be expected, the nearest."""
    _write(tmp_path)
    (tmp_path / "positions of monday.csv.gz").rename(tmp_path / "kept")
    write_gz(tmp_path / "p.csv.gz", "trip_id,longitude,timestamp,vehicle_id", [f"t1,-75.0,{NOON_EPOCH_S},bus"])
    with pytest.raises(SetUnreadable, match=r"p\.csv\.gz, as vehicle positions, lacks latitude"):
        readers.read(Folder(tmp_path))


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("agency.txt", "agency_id,agency_timezone\n1,Mars/Olympus\n", "found 'Mars/Olympus'"),
        ("agency.txt", "", "expected agency.txt with agency_timezone"),
        ("stop_times.txt", "trip_id,when\nt1,noon\n", "stop_times.txt: expected columns arrival_time, stop_id"),
        ("stops.txt", "", "expected stops.txt with the place of every stop"),
    ],
)
def test_a_schedule_that_lacks_what_is_needed_is_refused(tmp_path: Path, file: str, text: str, expected: str) -> None:
    """With the file and what was expected in it."""
    _write(tmp_path)
    whole = tmp_path / "some-schedule.zip"
    with zipfile.ZipFile(whole) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(whole, "w") as archive:
        for name, body in {**files, file: text.encode()}.items():
            archive.writestr(name, body)
    with pytest.raises(SetUnreadable, match=re.escape(expected)):
        readers.read(Folder(tmp_path))


def test_a_table_of_nothing_but_a_header_is_refused(tmp_path: Path) -> None:
    """Nobody reported."""
    _write(tmp_path)
    write_gz(tmp_path / "positions of monday.csv.gz", HEADER, [])
    with pytest.raises(SetUnreadable, match="expected positions of vehicles on trips"):
        readers.read(Folder(tmp_path))


def test_trips_that_run_by_frequency_are_left_out_and_counted(tmp_path: Path) -> None:
    """Every ten minutes a bus on the same trip id: two of them are not one run, and none has a time of its own."""
    _write(tmp_path)
    write_gtfs(tmp_path / "some-schedule.zip", trips={"t1": 43_200, "often": 25_200})
    with zipfile.ZipFile(tmp_path / "some-schedule.zip", "a") as archive:
        archive.writestr("frequencies.txt", "trip_id,start_time,end_time,headway_secs\noften,07:00:00,20:00:00,600\n")
    rows = [
        f"often,20260109,{lat_at(metres):.7f},-75.0,2,2,{now},shuttle"
        for now, metres in drive(NOON_EPOCH_S, 5.0, until_m=900.0)
    ]
    write_gz(tmp_path / "shuttle.csv.gz", HEADER, rows)
    recording = readers.read(Folder(tmp_path))
    assert recording.runs.ids == ["t1@20260109"]
    (note,) = recording.notes
    assert note.startswith(f"{len(rows)} of ")
    assert "by frequency" in note

"""``wayside backtest`` from the command line, on a morning that the test writes: thirty buses on one road."""

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tests.backtest.folders import NOON_EPOCH_S, drive, lat_at, write_gtfs, write_gz
from wayside.cli import run


@pytest.fixture
def morning(tmp_path: Path) -> Path:
    """Five hours; every bus goes at its own even pace, the timetable thinks all of them quicker."""
    folder = tmp_path / "morning"
    folder.mkdir()
    random = np.random.default_rng(1)
    trips = {f"t{number:02d}": 43_200 + 600 * number for number in range(30)}
    write_gtfs(folder / "gtfs.zip", trips=trips, stops=20, blocks=False)
    rows = []
    for number, trip in enumerate(trips):
        late_s = float(random.uniform(0, 120))
        pace = float(random.uniform(3.4, 4.2))
        rows += [
            (now, f"{now},{trip},20260109,{lat_at(metres):.7f},-75.0,bus{number}")
            for now, metres in drive(NOON_EPOCH_S + 600 * number + late_s, pace, until_m=9600.0)
        ]
    header = "timestamp,trip_id,start_date,latitude,longitude,vehicle_id"
    write_gz(folder / "positions.csv.gz", header, [row for _, row in sorted(rows)])
    return folder


def test_backtest_prints_one_json_tree_and_draws(
    morning: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing but JSON on stdout, the same twice; learning beats the timetable; the drawing is XML with a line a method."""
    assert run(["backtest", str(morning), "--json", "--plot", str(tmp_path / "out")]) == 0
    first = capsys.readouterr()
    tree = json.loads(first.out)
    assert tree["set"] == "morning"
    assert set(tree["methods"]) == {
        "schedule", "constant_delay", "historical", "transitclock", "ours_p50", "ours_published",
    }  # fmt: skip
    assert tree["samples"] > 3000
    assert tree["truth"]["known"] == 600
    schedule, ours = tree["methods"]["schedule"], tree["methods"]["ours_p50"]
    assert all(mine < theirs / 2 for mine, theirs in zip(ours["mae"][1:], schedule["mae"][1:], strict=True))
    assert ours["before_now"] == 0
    assert tree["methods"]["historical"]["mae"][3] < tree["methods"]["constant_delay"]["mae"][3]
    drawing = ET.parse(tmp_path / "out" / "morning.svg").getroot()
    lines = drawing.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 5
    assert run(["backtest", str(morning), "--json"]) == 0
    assert capsys.readouterr().out == first.out


def test_backtest_prints_a_table(morning: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With every method by name, and the trips' count."""
    assert run(["backtest", str(morning), "--warm-up", "14:00"]) == 0
    text = capsys.readouterr().out
    for words in (
        "en route",
        "timetable",
        "constant delay",
        "historical mean",
        "TransitClock",
        "ours, published",
        "ETA score",
    ):
        assert words in text
    assert "judged from Fri 09 Jan 2026 14:00" in text


@pytest.mark.parametrize("when", ["25 o'clock", "900", "2027-01-01"])
def test_a_warm_up_that_makes_no_sense_is_refused(morning: Path, when: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no time, and what lies beyond the recording."""
    assert run(["backtest", str(morning), "--warm-up", when]) == 2
    assert "warm-up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "expected"),
    [(["--publish", "3"], "expected a quantile"), (["--plot", "/dev/null/x"], "--plot: expected")],
)
def test_an_option_that_makes_no_sense_is_refused_before_the_replay(
    morning: Path, option: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A quantile that is none, a folder that cannot be made."""
    assert run(["backtest", str(morning), *option]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert expected in shown.err


def test_a_timetable_of_another_time_zone_is_doubted(morning: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The buses of New York with their schedule read in Denver: two hours off, and said so."""
    with zipfile.ZipFile(morning / "gtfs.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(morning / "gtfs.zip", "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body.replace(b"America/New_York", b"America/Denver"))
    assert run(["backtest", str(morning), "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert "min off their timetable" in note


def test_a_folder_that_cannot_be_read_is_an_error_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, nothing on stdout."""
    assert run(["backtest", str(tmp_path), "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Expected one of" in shown.err


def test_a_folder_of_recordings_is_not_one(morning: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several folders side by side: which one is meant?"""
    (morning.parent / "evening").mkdir()
    assert run(["backtest", str(morning.parent)]) == 2
    assert "evening, morning" in capsys.readouterr().err


def test_a_single_moment_cannot_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One report of one bus: an error that says so, not a table of nothing."""
    write_gtfs(tmp_path / "gtfs.zip", trips={"t": 43_200})
    write_gz(
        tmp_path / "p.csv.gz", "timestamp,trip_id,latitude,longitude,vehicle_id", [f"{NOON_EPOCH_S},t,40.0,-75.0,bus"]
    )
    assert run(["backtest", str(tmp_path)]) == 2
    assert "nothing could be judged: 1 trips in 1 reports" in capsys.readouterr().err


def test_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    """With what it needs and its warm-up."""
    from backtest.readers import FORMATS

    with pytest.raises(SystemExit):
        run(["backtest", "--help"])
    text = capsys.readouterr().out
    for form in FORMATS:
        assert form.name in text
        assert form.warm_up in text

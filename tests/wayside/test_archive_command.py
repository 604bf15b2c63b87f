"""``wayside archive``: an hour of the generated town, kept, taken out, and read by the backtest as any city's recording."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from backtest.readers import read
from backtest.readers.folder import Folder
from feeds.formats import gtfs_realtime
from simulator.city import build_city
from simulator.operations import Operations
from simulator.realtime import trip_updates, vehicle_positions
from store.archive import Kind, Recorder, keep_schedule
from wayside.cli import run

START = datetime(2026, 6, 3, 15, 0, tzinfo=UTC)
CONFIG = """
[[feeds]]
id = "town"
kind = "gtfs"
url = "https://town.example/gtfs.zip"
[[feeds]]
id = "positions"
kind = "vehicle_positions"
url = "https://town.example/vp.pb"
[[feeds]]
id = "updates"
kind = "trip_updates"
url = "https://town.example/tu.pb"
"""


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the home whose archive holds ten minutes."""
    monkeypatch.setenv("WAYSIDE_HOME", str(home))
    path = home / "city.toml"
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of the town, kept."""
    home = tmp_path_factory.mktemp("home")
    city = build_city(7, date(2026, 6, 3))
    keep_schedule(home, "town", city.gtfs_zip, START.timestamp())
    operations = Operations(city)
    positions, updates = (
        Recorder(home, "positions", Kind.VEHICLES),
        Recorder(home, "updates", Kind.TRIP_UPDATES),
    )
    for poll in range(21):
        now = START.timestamp() + 30 * poll
        for recorder, message in ((positions, vehicle_positions), (updates, trip_updates)):
            items = gtfs_realtime.decode(
                message(operations, now).SerializeToString(), feed_id="x", now_epoch_s=now
            ).items
            recorder.append(now, items.vehicles or items.trip_updates)
    positions.close()
    updates.close()
    return home


def test_what_was_kept_is_read_by_the_backtest(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["archive", "--config", config, "show"]) == 0
    assert "positions" in capsys.readouterr().out
    out = tmp_path / "out"
    until = (START + timedelta(minutes=5)).isoformat()
    assert run(["archive", "--config", config, "export", str(out), "--from", START.isoformat(), "--to", until]) == 0
    assert len(list(out.glob("VehiclePositions*.pb"))) == len(list(out.glob("TripUpdates*.pb"))) == 11
    recording = read(Folder(out))
    assert recording.said is not None
    assert len(recording.fixes) > 500
    assert recording.pieces == ((START.timestamp(), START.timestamp() + 300),)


def test_export_says_what_is_wrong(config: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into a folder that holds something, of a feed that is none, of a time that was not kept, of a time that ends before it begins."""
    span = ["--from", START.isoformat(), "--to", (START + timedelta(minutes=1)).isoformat()]
    assert run(["archive", "--config", config, "export", str(home), *span]) == 2
    assert "empty or a new folder" in capsys.readouterr().err
    assert run(["archive", "--config", config, "export", str(tmp_path / "a"), "--schedule", "rail", *span]) == 2
    assert "expected one of town" in capsys.readouterr().err
    gone = ["--from", "2020-01-01T00:00", "--to", "2020-01-01T01:00"]
    assert run(["archive", "--config", config, "export", str(tmp_path / "b"), *gone]) == 1
    said = capsys.readouterr()
    assert "positions, updates: nothing has been kept from 2020-01-01T00:00:00+00:00 to" in said.err
    assert not said.out
    assert not (tmp_path / "b").exists()
    assert run(["archive", "--config", config, "export", str(tmp_path / "b"), *gone[2:], "--from", "2021-01-01"]) == 2
    assert "--to: expected an instant after --from" in capsys.readouterr().err

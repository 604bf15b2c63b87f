"""``wayside learn`` on a real server: shown, taken out, put in, forgotten."""

import asyncio
import json
from pathlib import Path

import pytest

from predictor.learned.settings import Settings
from predictor.recall import Recall
from store import learned
from store.hall import Hall
from tests.predictor.streets import Streets, at, streets
from tests.predictor.test_foresight import run as drive
from wayside.cli import run

NOW = float(at(7, 40))
CONFIG = """
[[feeds]]
id = "streets"
kind = "gtfs"
url = "https://streets.example/gtfs.zip"
"""


@pytest.fixture
def config(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A deployment whose predictor has learned for forty minutes."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("WAYSIDE_HOME", str(tmp_path))
    path = tmp_path / "city.toml"
    path.write_text(CONFIG)
    asyncio.run(_learn(redis_url, streets(tmp_path)))
    return str(path)


async def _learn(redis_url: str, town: Streets) -> None:
    hall = Hall.connect(redis_url)
    recall = Recall(hall, "streets", Settings())
    town.foresight = await recall.begin(town.schedule, None, NOW)
    drive(town, 40)
    await recall.keep(town.foresight, NOW)
    await hall.close()


async def _known(redis_url: str) -> int:
    hall = Hall.connect(redis_url)
    found = await learned.get(hall, "streets")
    await hall.close()
    assert found is not None
    return len(found[2]["pair.n"])


def test_learn_show_export_forget_import(
    config: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was taken out and forgotten is there again after it was put in."""
    file = str(tmp_path / "learned.npz")
    assert run(["learn", "--config", config, "show", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["stop_pairs"] == asyncio.run(_known(redis_url)) > 0
    assert shown["agencies"][0]["running_time_of_timetable"] > 1.0
    assert run(["learn", "--config", config, "export", file]) == 0
    assert run(["learn", "--config", config, "forget"]) == 0
    assert asyncio.run(_known(redis_url)) == 0
    assert run(["learn", "--config", config, "import", file]) == 0
    assert asyncio.run(_known(redis_url)) == shown["stop_pairs"]
    assert run(["learn", "--config", config, "show"]) == 0
    assert "stop pairs" in capsys.readouterr().out


def test_learn_says_what_is_wrong(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.npz"
    wrong.write_bytes(b"no archive")
    assert run(["learn", "--config", config, "import", str(wrong)]) == 1
    assert "wayside learn export" in capsys.readouterr().err
    assert run(["learn", "--config", config, "export", "x.npz", "--feed", "rail"]) == 2
    assert "expected one of streets" in capsys.readouterr().err

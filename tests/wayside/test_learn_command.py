"""``wayside learn`` on a real server: shown, taken out, put in, forgotten."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictor.learned.settings import Settings
from predictor.recall import Recall
from store import learned, timetable
from store.hall import Hall
from tests.predictor.driven import run as drive
from tests.predictor.streets import Streets, at, streets
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
    assert shown["agencies"][0]["days"] == 1
    for pair in shown["pairs"]:
        assert sum(it["observations"] for it in pair["hours"]) == pytest.approx(pair["observations"], abs=0.3)
        assert {it["day"] for it in pair["hours"]} == {"weekday"}
    assert run(["learn", "--config", config, "export", file]) == 0
    assert run(["learn", "--config", config, "forget"]) == 0
    assert asyncio.run(_known(redis_url)) == 0
    assert run(["learn", "--config", config, "import", file]) == 0
    assert asyncio.run(_known(redis_url)) == shown["stop_pairs"]
    assert run(["learn", "--config", config, "show"]) == 0
    told = capsys.readouterr().out
    assert "stop pairs" in told
    assert "1 day seen, hours told apart from 2 on" in told


def test_learn_says_what_is_wrong(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.npz"
    wrong.write_bytes(b"no archive")
    assert run(["learn", "--config", config, "import", str(wrong)]) == 1
    assert "wayside learn export" in capsys.readouterr().err
    assert run(["learn", "--config", config, "export", "x.npz", "--feed", "rail"]) == 2
    assert "expected one of streets" in capsys.readouterr().err


def _spoiled(name: str, columns: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    if name == "not a number":
        return {**columns, "pair.observed_s": np.full(len(columns["pair.n"]), np.nan)}
    if name == "below nothing":
        return {**columns, "pair.n": -columns["pair.n"]}
    if name == "cut":
        return {**columns, "pair.n": columns["pair.n"][:2]}
    if name == "text":
        return {**columns, "group.held": columns["group.held"].astype(str)}
    if name == "another city":
        return {**columns, "pair.from": columns["pair.from"] + 1, "pair.to": columns["pair.to"] + 1}
    return {key: column for key, column in columns.items() if key != "pair.n"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("not a number", "pair.observed_s: expected finite numbers"),
        ("below nothing", "pair.n: expected nothing below 0"),
        ("cut", "expected a file made by `wayside learn export`"),
        ("text", "group.held: expected numbers"),
        ("another city", "is in the timetable of streets: expected what a feed named 'streets'"),
        ("no counts", "it lacks 'pair.n'"),
    ],
)
def test_learn_import_of_a_spoiled_file_changes_nothing(
    config: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, expected: str
) -> None:
    """What would be told to riders, or would put nothing in the place of what is known, is refused."""
    file = tmp_path / "learned.npz"
    assert run(["learn", "--config", config, "export", str(file)]) == 0
    asyncio.run(_into_force(redis_url, tmp_path))
    with np.load(file) as kept:
        columns = {key: kept[key] for key in kept.files}
    before = asyncio.run(_known(redis_url))
    with file.open("wb") as out:
        np.savez_compressed(out, allow_pickle=False, **_spoiled(name, columns))
    assert run(["learn", "--config", config, "import", str(file)]) == 1
    assert expected in capsys.readouterr().err
    assert asyncio.run(_known(redis_url)) == before > 0
    np.savez_compressed(file, allow_pickle=False, **columns)
    assert run(["learn", "--config", config, "import", str(file)]) == 0
    assert run(["learn", "--config", config, "show", "--stop", "nowhere"]) == 0
    assert "no stop pair with stop 'nowhere'" in capsys.readouterr().out


def test_learn_import_knows_running_times_that_were_too_short(config: str, redis_url: str, tmp_path: Path) -> None:
    """Their number in a row is below 0, as the predictor keeps it: what it wrote itself is no fault."""
    file = tmp_path / "learned.npz"
    assert run(["learn", "--config", config, "export", str(file)]) == 0
    with np.load(file) as kept:
        columns = {key: kept[key] for key in kept.files}
    columns["pair.odd_n"][0], columns["pair.odd_s"][0] = -2.0, 30.0
    np.savez_compressed(file, allow_pickle=False, **columns)
    assert run(["learn", "--config", config, "import", str(file)]) == 0

    async def kept_now() -> list[float]:
        hall = Hall.connect(redis_url)
        found = await learned.get(hall, "streets")
        await hall.close()
        assert found is not None
        return sorted(found[2]["pair.odd_n"].tolist())

    assert asyncio.run(kept_now())[0] == -2.0


async def _into_force(redis_url: str, home: Path) -> None:
    """The streets' timetable, which lies in the home already."""
    (folder,) = (home / "timetables" / "streets").iterdir()
    hall = Hall.connect(redis_url)
    await timetable.announce(hall, "streets", folder.name, NOW)
    await hall.close()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and cut", b"\x93NUMPY", b"# some text\n"])
def test_learn_import_of_a_damaged_file_says_so(
    config: str, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty, cut short, another format of the same library, a text; no library's own advice on how to read it all the same."""
    (tmp_path / "damaged.npz").write_bytes(content)
    assert run(["learn", "--config", config, "import", str(tmp_path / "damaged.npz")]) == 1
    said = capsys.readouterr().err
    assert said.endswith("expected a file made by `wayside learn export`: it is of another format, or cut short\n")


def test_learn_export_to_a_place_that_cannot_be_written(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not there."""
    assert run(["learn", "--config", config, "export", str(tmp_path / "no" / "learned.npz")]) == 1
    assert "expected a file that can be written" in capsys.readouterr().err

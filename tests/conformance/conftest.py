"""The cities, each opened once."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.cities import NAMES, City, open_city
from tests.conformance.questions import Question, questions
from tests.conformance.serving import serving

JAVASCRIPT = Path(__file__).parent / "js"
_OPENED: dict[str, City] = {}


@pytest.fixture(params=NAMES)
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> City:
    """Every city, one after the other; a recorded one skips, by name, where there are no recordings."""
    return opened(request.param, request, tmp_path_factory)


def opened(name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> City:
    """The city of that name."""
    if name not in _OPENED:
        recordings: Path | None = request.getfixturevalue("recordings") if name != "town" else None
        _OPENED[name] = open_city(name, tmp_path_factory.mktemp(name), lambda: recordings or Path())
    return _OPENED[name]


_ANSWERS: dict[str, list[tuple[Question, int, bytes]]] = {}


@pytest.fixture
def answers(city: City) -> list[tuple[Question, int, bytes]]:
    """What the city answers to every question, once for all tests."""
    if city.name not in _ANSWERS:
        _ANSWERS[city.name] = [(one, *city.ask(one.path, one.query)) for one in questions(city)]
    return _ANSWERS[city.name]


@pytest.fixture
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> City:
    """The generated town."""
    return opened("town", request, tmp_path_factory)


@pytest.fixture
def address(town: City, redis_url: str) -> Iterator[str]:
    """The town's address, while it serves; what riders report goes to a real hall."""
    with serving(town.application, redis_url) as address:
        yield address


@pytest.fixture(scope="session")
def packages() -> Path:
    """A folder with the pinned SDK, kept from run to run; skips, by name, without Node, npm or the registry."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not here: the JavaScript SDK is not tried")
    lock = (JAVASCRIPT / "package-lock.json").read_bytes()
    folder = Path(tempfile.gettempdir()) / f"wayside-js-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (folder / "done").exists():
        folder.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(JAVASCRIPT / name, folder / name)
        made = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=folder,
            capture_output=True,
            timeout=150,
            check=False,
        )
        if made.returncode:
            pytest.skip(f"npm could not fetch the JavaScript SDK: {made.stderr.decode()[-200:]}")
        (folder / "done").touch()
    return folder

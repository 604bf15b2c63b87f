"""The cities, each opened once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.cities import NAMES, City, open_city
from tests.conformance.questions import Question, questions
from tests.conformance.serving import serving

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

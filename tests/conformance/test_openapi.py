"""Every answer, ours and those recorded of OneBusAway's own server, has the form that its contract gives."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import openapi
from tests.conformance.questions import Question

pytestmark = pytest.mark.recorded


@pytest.fixture
def contract(recordings: Path) -> Path:
    """Where the contract lies."""
    return recordings / "onebusaway" / "openapi.yml"


def only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object that must not name a member twice."""
    found = dict(pairs)
    assert len(found) == len(pairs), pairs
    return found


def test_every_answer_conforms(answers: list[tuple[Question, int, bytes]], contract: Path) -> None:
    """All that the contract describes; no member twice."""
    paths = openapi.operations(openapi.contract(contract))
    found: Counter[str] = Counter()
    asked = set()
    for question, status, body in answers:
        name = question.path.partition("?")[0] if question.endpoint == "search" else question.endpoint
        if name in paths and status == 200:
            asked.add(name)
            document = json.loads(body, object_pairs_hook=only_once)
            found.update(f"{question}: {fault}" for fault in openapi.faults(contract, paths[name], document))
    assert found == Counter()
    assert set(paths) - asked <= {"report-problem-with-stop", "report-problem-with-trip", "trip-for-vehicle", "block"}


def recorded_answers() -> list[str]:
    """Names of the files, where they are at hand when tests are collected."""
    import os

    folder = Path(os.environ.get("WAYSIDE_RECORDINGS", "/nowhere")) / "onebusaway" / "recorded"
    return sorted(path.name for path in folder.glob("*.json"))


def test_every_recorded_answer_conforms(contract: Path) -> None:
    """26 of 26 answers of OneBusAway's own server pass the same check that ours do."""
    paths = openapi.operations(openapi.contract(contract))
    names = recorded_answers()
    found = {}
    for name in names:
        endpoint = max((one for one in paths if name.startswith(one)), key=len)
        document = json.loads((contract.parent / "recorded" / name).read_text())
        found[name] = openapi.faults(contract, paths[endpoint], document)
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(names) == 26

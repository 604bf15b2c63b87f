"""No member that OneBusAway's own server writes is missing from ours: its recorded answers against the town's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.cities import City
from tests.conformance.questions import Question, questions

pytestmark = pytest.mark.recorded
FREE = ("gitProperties",)
"""Objects whose members are not named by the contract."""
NOT_OURS = {
    "data.references.stopTimes[]": "all of it is in the entry already",
}


def members(node: Any, where: str = "") -> Iterator[str]:
    """Every path of names in a document, lists as one."""
    if isinstance(node, list):
        for item in node:
            yield from members(item, f"{where}[]")
    elif isinstance(node, dict):
        for name, value in node.items():
            path = f"{where}.{name}" if where else name
            yield path
            if name not in FREE:
                yield from members(value, path)


def test_no_member_of_the_recorded_answers_is_missing(town: City, recordings: Path) -> None:
    """By endpoint: the union of all our answers has every member that the recorded one has."""
    ours: dict[str, set[str]] = {}
    for question in (
        *questions(town),
        *(Question("trip-for-vehicle", f"trip-for-vehicle/{one}") for one in _vehicles(town)),
    ):
        status, body = town.ask(question.path, question.query)
        if status == 200:
            ours.setdefault(question.endpoint, set()).update(members(json.loads(body)))
    missing = {}
    for path in sorted((recordings / "onebusaway" / "recorded").glob("*.json")):
        if path.name.startswith("report-problem"):
            continue  # has nothing
        endpoint = max((one for one in ours if path.name.startswith(one)), key=len)
        theirs = set(members(json.loads(path.read_text())))
        lacking = {one for one in theirs - ours[endpoint] if not one.startswith(tuple(NOT_OURS))}
        if lacking:
            missing[path.name] = sorted(lacking)
    assert missing == {}


def _vehicles(town: City) -> list[str]:
    (served,) = town.application.replica.served.values()
    live, _ = served.live_at(town.now_epoch_s)
    assert live is not None
    return [f"{town.bundle.code}_{raw_id}" for raw_id in live.vehicle_ids[:10]]

"""What every endpoint takes: the same question in all the ways that apps write it."""

import asyncio
import json

from api.app import WHERE
from tests.api.asgi import get
from tests.conformance.cities import KEY, City
from tests.conformance.questions import Question

SIX = {"agencies", "routes", "situations", "stopTimes", "stops", "trips"}


def one_each(answers: list[tuple[Question, int, bytes]]) -> dict[str, tuple[Question, bytes]]:
    """A question that was answered, of every endpoint."""
    return {question.endpoint: (question, body) for question, status, body in answers if status == 200}


def test_every_endpoint_can_do_without_references(city: City, answers: list[tuple[Question, int, bytes]]) -> None:
    """All six lists stay, empty; the rest of the answer is the same."""
    for endpoint, (question, body) in one_each(answers).items():
        status, bare = city.ask(question.path, f"{question.query}&includeReferences=false")
        assert status == 200, endpoint
        data, full = json.loads(bare)["data"], json.loads(body)["data"]
        assert set(data["references"]) == set(full["references"]) == SIX, endpoint
        assert not any(data.pop("references").values()), endpoint
        del full["references"]
        assert data == full, endpoint


def test_every_endpoint_is_asked_about_in_the_town(answers: list[tuple[Question, int, bytes]], city: City) -> None:
    """So that the kit leaves none out."""
    if city.name == "town":
        assert set(WHERE) - set(one_each(answers)) <= {"situation"}


def test_every_address_can_be_written_in_several_ways(town: City) -> None:
    """With and without .json, under any base path, with what apps add to every question."""
    ways = (
        "/api/where/{}.json?key={}", "/api/where/{}?key={}", "/onebusaway-api-webapp/api/where/{}.json?key={}&version=2",
        "/a/b/api/where/{}.json?app_uid=1&app_ver=2&version=2&key={}", "/api/where/{}.json?version=&key={}&unknown=1",
    )  # fmt: skip

    async def ask() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for path in ("current-time", "agencies-with-coverage", "agency/LT", "routes-for-agency/LT"):
            for way in ways:
                answer = await get(town.application, way.format(path, KEY))
                assert answer.status_code == 200
                found.setdefault(path, set()).add(json.dumps(answer.json()["data"]))
        return found

    assert {path: len(bodies) for path, bodies in asyncio.run(ask()).items()} == {
        "current-time": 1, "agencies-with-coverage": 1, "agency/LT": 1, "routes-for-agency/LT": 1,
    }  # fmt: skip

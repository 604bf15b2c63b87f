"""The description says all that is served, truly: nothing missing, nothing stale."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator

from api import params
from api.app import HALL_WHERE, ROUTES, WHERE, Application
from api.endpoints.events import STREAMS
from api.openapi.document import document, operation_id
from api.openapi.operations import operations
from api.tables import MORE_ROUTES
from api.where import Ask
from store.hall import Hall
from tests.api.asgi import get
from tests.api.described import described_town
from tests.api.examples import PLACE, examples, written
from tests.api.town import Town

DESCRIBED = document()
FEEDS = {".pb", ".pbtext"}
"""Endings of one route's addresses, each described for itself."""


def _served() -> Iterator[str]:
    for name, (_, takes_id, _) in WHERE.items():
        if name == "search":
            yield from ("GET /api/where/search/stop.json", "GET /api/where/search/route.json")
        else:
            yield f"GET /api/where/{name}{'/{id}' if takes_id else ''}.json"
    for name in HALL_WHERE:
        yield f"GET /api/where/{name}/{{id}}.json"
        if name.startswith("report"):
            yield f"GET /api/where/{name}.json"
    for path in STREAMS:
        yield f"GET {path}"
    for route in (*ROUTES, *MORE_ROUTES):
        path = re.sub(r":\w+\}", "}", route.path)
        for method in (route.methods or set()) - {"HEAD"}:
            if path.startswith("/api/gtfs_realtime/"):
                yield from (f"{method} {path}{ending}" for ending in FEEDS)
            else:
                yield f"{method} {path}"


def test_every_route_is_described_and_nothing_else() -> None:
    """A route that is added without a description fails here."""
    described = {f"{method.upper()} {path}" for path, methods in DESCRIBED["paths"].items() for method in methods}
    served = set(_served())
    assert sorted(served - described) == []
    assert sorted(described - served) == []


def test_operations_have_names_of_their_own() -> None:
    """Programs are generated from them."""
    names = [operation_id(it) for it in operations()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+_[A-Za-z0-9_]+", name) for name in names)


def test_description_refers_only_to_what_it_holds() -> None:
    """Every $ref is there, and every schema is used."""
    text = json.dumps(DESCRIBED)
    used = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text))
    there = set(DESCRIBED["components"]["schemas"])
    assert used - there == set()
    assert there - used == set()


async def test_examples_are_fresh(tmp_path: Path, redis_url: str) -> None:
    """They are what is answered today; after a change: ``python -m tests.api.examples``."""
    assert PLACE.read_text("utf-8") == written(await examples(tmp_path, redis_url))


def test_examples_are_as_described() -> None:
    """Each body fits the schema of its status, with nothing that the schema does not know."""
    strict = json.loads(json.dumps(DESCRIBED["components"]["schemas"]))
    for schema in strict.values():
        if schema["properties"] and "SearchResult" not in schema["description"]:
            schema.setdefault("additionalProperties", schema["description"] in OPEN)
    found = json.loads(PLACE.read_text("utf-8"))
    assert found
    for name, one in found.items():
        method, _, path = name.partition(" ")
        content = DESCRIBED["paths"][path][method.lower()]["responses"][str(one["status"])]["content"]
        ((_, media),) = content.items()
        if "schema" in media and isinstance(one["body"], dict | list):
            validator = Draft202012Validator({**media["schema"], "components": {"schemas": strict}})
            faults = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(one["body"])]
            assert faults == [], name


OPEN = {
    DESCRIBED["components"]["schemas"][name]["description"]
    for name in ("SearchResult", "ProblemReport", "FeatureCollection", "Polyline")
}
"""Schemas that name only what all of their kinds have."""


class _Noted(dict[str, str]):
    """A query that notes which parameters are read."""

    def __init__(self, given: dict[str, str], read: set[str]) -> None:
        super().__init__(given)
        self.read = read

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


ALIASES = {"key", "vehicleID", "stopID"}
"""Read everywhere, or only for old apps that spell a name another way."""


async def test_parameters_that_are_read_are_described(tmp_path: Path, redis_url: str) -> None:
    """Whatever an endpoint of OneBusAway's looks at stands in the description."""
    seen = set()
    async with described_town(tmp_path, redis_url) as application:
        hall: Hall = application.starlette.state.hall
        for it in operations():
            name, _, given_id = it.path.removeprefix("/api/where/").removesuffix(".json").partition("/")
            if not it.path.startswith("/api/where/"):
                continue
            seen.add(name)
            target = urlsplit(it.example)
            if given_id:
                given_id = unquote(target.path.removeprefix(f"/api/where/{name}/").removesuffix(".json"))
            read: set[str] = set()
            query = _Noted(params.parse_query(target.query.encode()), read)
            ask = Ask(
                replica=application.replica, settings=application.settings, query=query, id=given_id,
                now_epoch_s=application.clock.now_epoch_s(),
            )  # fmt: skip
            if name in WHERE:
                WHERE[name].handler(ask)
            else:
                await HALL_WHERE[name](ask, hall)
            assert read - {one.name for one in it.parameters} - ALIASES == set(), it.path
    assert seen == {*WHERE, *HALL_WHERE}


async def test_query_that_is_too_long_is_refused_as_described(tmp_path: Path, redis_url: str) -> None:
    """414 wherever a query is read."""
    async with described_town(tmp_path, redis_url) as application:
        for path in ("/api/where/stop/{id}.json", "/api/v1/search", "/api/v1/explain/arrival", "/api/v1/arrivals"):
            target = path.replace("{id}", "1_mid")
            answer = await get(application, f"{target}?key=test&q={'x' * 9000}")
            assert answer.status_code == 414, path
            assert "414" in DESCRIBED["paths"][path]["get"]["responses"]


async def test_description_is_served_and_readable(tmp_path: Path, redis_url: str) -> None:
    """As JSON with an ETag, and as a page that needs nothing from elsewhere."""
    async with described_town(tmp_path, redis_url) as application:
        answer = await get(application, "/openapi.json")
        assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.0")
        assert _without_examples(answer.json()) == _without_examples(json.loads(json.dumps(DESCRIBED)))
        again = await get(application, "/openapi.json", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        page = await get(application, "/docs")
        assert page.status_code == 200
        for path in DESCRIBED["paths"]:
            assert f"<code>{path}</code>" in page.text
        assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []
        assert "{{" not in page.text


async def test_requests_of_the_page_are_those_of_the_running_city(tmp_path: Path, redis_url: str) -> None:
    """Every one that may be followed is answered, and names what is there: a vehicle, a notice, a stop amid the city."""
    operators = {"authorization": "Bearer operator"}
    async with described_town(tmp_path, redis_url) as application:
        page = html.unescape((await get(application, "/docs")).text)
        followed = re.findall(r'href="(/[^"]*)" rel="nofollow"', page)
        answered = {it: (await get(application, it, headers=operators)).status_code for it in followed}
    assert {it: status for it, status in answered.items() if status != 200} == {}
    assert {it.partition("?")[0] for it in followed} > {
        "/api/where/stop/1_top.json",
        "/api/where/trip/1_t1.json",
        "/api/where/vehicle/1_bus7.json",
        "/api/where/situation/1_moved.json",
    }
    assert not any("report" in it for it in followed)


async def test_a_deployment_that_asks_for_no_key_says_so(tmp_path: Path) -> None:
    """The server that its keyless askers reach describes keys as welcome; where they are asked for they are required."""
    cases: list[tuple[bool, list[dict[str, list[str]]]]] = [(True, [{"key": []}]), (False, [{"key": []}, {}])]
    for needed, described in cases:
        town = Town(tmp_path / str(needed), require_api_key=needed)
        await town.replica.refresh()
        application = Application(town.settings, town.clock, town.replica, None, MORE_ROUTES)
        paths = (await get(application, "/openapi.json")).json()["paths"]
        answered = (await get(application, "/api/where/current-time.json")).status_code
        assert paths["/api/where/current-time.json"]["get"]["security"] == described
        assert paths["/api/v1/feeds"]["get"]["security"] == [{"operator": []}]
        assert answered == (401 if needed else 200)


def _without_examples(described: dict[str, Any]) -> dict[str, Any]:
    for methods in described["paths"].values():
        for it in methods.values():
            for parameter in it["parameters"]:
                parameter.pop("example", None)
    return described


def test_answers_of_unknown_kind_do_not_exist() -> None:
    """Every described media type is one of a closed set."""
    media = {
        kind
        for methods in DESCRIBED["paths"].values()
        for it in methods.values()
        for one in it["responses"].values()
        for kind in one.get("content", {})
    }
    assert media == {
        "application/json", "application/geo+json", "application/x-protobuf", "text/html", "text/plain",
        "text/event-stream", "text/javascript",
    }  # fmt: skip

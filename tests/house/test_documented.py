"""Every key, setting, metric, problem code and route is documented, and nothing that is not there."""

import inspect
import re
from pathlib import Path

import pytest

from api.app import ROUTES, WHERE
from api.formats.prometheus import METRICS
from api.tables import MORE_ROUTES
from runtime.configuration import TABLES
from store import keys

ROOT = Path(__file__).parents[2]
ROOMS = ("domain", "store", "runtime", "feeds", "predictor", "notify", "api", "wayside")
DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
ALL = "\n".join(DOCS.values())


def code_of(*rooms: str) -> str:
    return "\n".join(path.read_text() for room in rooms for path in sorted((ROOT / room).rglob("*.py")))


def spelled() -> dict[str, str]:
    """Each key, channel and stream, with what its function says it is."""
    found = {}
    for name, function in inspect.getmembers(keys, inspect.isfunction):
        wanted = inspect.signature(function).parameters.values()
        arguments = ["ID" if one.annotation is str else 0 if one.name == "shard" else 20261123 for one in wanted]
        assert function.__doc__, name
        found[function(*arguments)] = " ".join(function.__doc__.split("Writer:", maxsplit=1)[0].split())
    return found


def test_every_redis_key_is_described_as_its_function_says() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", DOCS["redis.md"], re.MULTILINE))
    assert {key: text.strip() for key, text in rows.items() if key.startswith(keys.PREFIX)} == spelled()


def test_only_the_store_spells_keys() -> None:
    for path in (file for room in ROOMS for file in (ROOT / room).rglob("*.py") if file.name != "keys.py"):
        assert keys.PREFIX not in path.read_text(), path


@pytest.mark.parametrize("table", [name for name in TABLES if name not in {"feeds", "same_stops"}])
def test_every_setting_of_a_table_is_described(table: str) -> None:
    documented = set(re.findall(rf"`{table}\.(\w+)`", DOCS["configuration.md"]))
    assert documented == set(TABLES[table])


def test_every_setting_of_a_feed_is_described() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|", DOCS["configuration.md"].split("`[[feeds]]` table")[1].split("\n#")[0], re.MULTILINE
    )
    assert set(rows) >= set(TABLES["feeds"])


def test_every_environment_variable_is_described() -> None:
    """Those that the code asks for; nothing asks for one that is built of parts."""
    read = set(re.findall(r"\"(WAYSIDE_[A-Z_]+|REDIS_URL|GOOGLE_[A-Z_]+)\"", code_of(*ROOMS, "simulator")))
    documented = set(re.findall(r"`(WAYSIDE_[A-Z_]+|REDIS_URL|GOOGLE_[A-Z_]+)`", DOCS["configuration.md"]))
    assert read == documented


def test_every_metric_is_described_and_ends_in_its_unit() -> None:
    """In the code's table, which scrapers are told, as in the document."""
    emitted = set(re.findall(r"\"(wayside_\w+_(?:total|seconds|ratio|count|bytes|percent))\"", code_of("api")))
    rows = dict(re.findall(r"^\| `(wayside_\w+)` \| \w+ \| (.*) \|$", DOCS["operating.md"], re.MULTILINE))
    assert rows == {name: words for name, (_, words) in METRICS.items()}
    assert emitted == set(METRICS)


def codes() -> set[str]:
    """What stands where a code of a Problem is given."""
    code = code_of("feeds", "domain", "predictor")
    patterns = (
        r"code=\"(\w+)\"",
        r"problems\.add\(\s*\"(\w+)\"",
        r"\b_?note\(\s*\w+,\s*\"(\w+)\"",
        r"_problem\(\s*\"(\w+)\"",
    )
    return {found for pattern in patterns for found in re.findall(pattern, code)}


def test_every_problem_code_is_described() -> None:
    assert len(codes()) > 25
    assert [code for code in sorted(codes()) if f"`{code}`" not in ALL] == []


def paths() -> list[str]:
    return sorted({re.sub(r":\w+}", "}", getattr(route, "path", "")) for route in (*ROUTES, *MORE_ROUTES)})


def test_every_route_is_described() -> None:
    assert [path for path in paths() if f"`{path}`" not in DOCS["api.md"]] == []


def test_every_endpoint_of_onebusaway_is_described() -> None:
    told = set(re.findall(r"[a-z-]+", DOCS["api.md"].split("## What is answered")[1]))
    assert set(WHERE) - told == set()


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))


def _links() -> list[tuple[Path, str]]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
    return [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", page.read_text())]


def test_links_between_pages_lead_somewhere() -> None:
    lost = [(page.name, link) for page, link in _links() if "://" not in link and not (page.parent / link).exists()]
    assert lost == []

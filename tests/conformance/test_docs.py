"""What docs/api.md tells developers to type works as it stands, but for the address."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
DEMO = "http://127.0.0.1:8000"


def snippet(language: str, address: str) -> str:
    """The page's only one in that language that uses an SDK, pointed at *address*."""
    (found,) = (one for one in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if "OnebusawaySDK" in one)
    assert DEMO in found
    return str(found).replace(DEMO, address)


def test_python_snippet_prints_arrivals(address: str) -> None:
    """Route, headsign, whether predicted, when."""
    done = subprocess.run(
        [sys.executable, "-c", snippet("python", address)], capture_output=True, timeout=60, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^\S+ .+ (True \d{13}|False 0)$", done.stdout, re.MULTILINE)


def test_javascript_snippet_prints_arrivals(address: str, packages: Path) -> None:
    """The same."""
    script = packages / "arrivals.mjs"
    script.write_text(snippet("js", address))
    done = subprocess.run(["node", str(script)], capture_output=True, timeout=60, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^\S+ .+ (true \d{13}|false 0)$", done.stdout, re.MULTILINE)


def test_every_address_to_try_answers(address: str) -> None:
    """The lines for curl."""
    targets = re.findall(rf"curl '{DEMO}(.*?)'", PAGE)
    assert len(targets) == 2
    for target in targets:
        with urllib.request.urlopen(address + target, timeout=20) as answer:
            assert json.loads(answer.read())["data"]["list"]


def test_every_test_that_the_page_names_is_there() -> None:
    """And every endpoint that is served is in its table."""
    from api.app import HALL_WHERE, WHERE

    for path in re.findall(r"`(tests/[\w/]+\.py)`", PAGE):
        assert (Path(__file__).parents[2] / path).exists(), path
    assert [name for name in (*WHERE, *HALL_WHERE) if name not in PAGE] == []

"""Ask everything that our description allows: ``python -m tests.api.fuzz [--examples 2000]``.

The described town is served over a socket and Schemathesis asks it, twice: with anything for ids, and with ids that there
are. It fails on any status from 500 up but 503, and on statuses, media types, headers and bodies that are not described.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import Send

from api.auth import RateLimit
from api.openapi.document import path_values
from api.openapi.operations import operations
from api.protocol import Protocol
from api.streams import Streams, Topic
from runtime.embedded_address import embedded_url
from runtime.embedded_redis import EmbeddedRedis
from tests.api.described import described_town

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance")  # fmt: skip
PATIENCE_S = 30


class _FirstEvents(Streams):
    """Streams that end after their first event, so that an asker gets to the next question."""

    async def _follow(self, topic: Topic, _listener: object, last_id: str, send: Send) -> None:
        await self._tell(send, topic.since(last_id) or b":\n\n")


async def serve(port: int, redis_url: str, home: Path) -> None:
    """The described town on a socket, without limits on how often it is asked; until killed."""
    async with described_town(home, redis_url) as application:
        application.streams = _FirstEvents()
        application.starlette.state.rate_limit = RateLimit(application.clock, per_s=1e9, burst=1e12)
        application.starlette.state.streams = application.streams
        config = uvicorn.Config(application, host="127.0.0.1", port=port, http=Protocol, ws="none", lifespan="off",
                                log_level="error", access_log=False)  # fmt: skip
        await uvicorn.Server(config).serve()


@contextmanager
def served(redis_url: str, home: Path) -> Iterator[str]:
    """The base address of a process that serves the town."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.api.fuzz", "--serve", str(port), "--redis", redis_url, "--home", str(home)]
    process = subprocess.Popen(command)
    base = f"http://127.0.0.1:{port}"
    try:
        end_s = time.monotonic() + PATIENCE_S
        while not _answers(f"{base}/healthz"):
            if time.monotonic() > end_s or process.poll() is not None:
                raise RuntimeError("the town is not served")
            time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def configuration(*, known_ids: bool) -> str:
    """Schemathesis's settings: a good key; an operator's token; where wanted, ids that there are."""
    lines = [
        "[parameters]",
        'key = "test"',
        "[auth.openapi.key]",
        'api_key = "test"',
        "[auth.openapi.operator]",
        'bearer = "operator"',
    ]
    for it in operations() if known_ids else ():
        values = {name: value for name, value in path_values(it).items() if name != "alert_id"}
        if values:
            lines += ["[[operations]]", f"include-path = {json.dumps(it.path)}", "[operations.parameters]"]
            lines += [f'"path.{name}" = {json.dumps(value)}' for name, value in values.items()]
    return "\n".join(lines) + "\n"


def ask(
    base: str,
    folder: Path,
    *,
    examples: int,
    known_ids: bool,
    phases: str = "examples,coverage,fuzzing",
    only: str = "",
) -> subprocess.CompletedProcess[str]:
    """One pass of Schemathesis: its exit code and what it says."""
    file = folder / f"schemathesis-{'known' if known_ids else 'any'}.toml"
    file.write_text(configuration(known_ids=known_ids), "utf-8")
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(file), "run", f"{base}/openapi.json",
        "--checks", ",".join(CHECKS), "--phases", phases, "--max-examples", str(examples),
        "--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off",
    ]  # fmt: skip
    if only:
        command += ["--include-path-regex", only]
    return subprocess.run(command, cwd=folder, check=False, stdout=subprocess.PIPE, text=True)


def statuses(base: str) -> Counter[str]:
    """How often each status was answered, by the server's own count."""
    found: Counter[str] = Counter()
    with urllib.request.urlopen(f"{base}/metrics", timeout=30) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("wayside_http_requests_total"):
                found[line.partition('status="')[2][:3]] += int(float(line.rpartition(" ")[2]))
    return found


def main() -> int:
    """Ask twice."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.api.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=2000, help="requests an operation and pass (default: 2000)")
    parser.add_argument(
        "--only", default="", metavar="REGEX", help="only addresses like this, such as '^/api/where/stop'"
    )
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--redis", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve, options.redis, options.home))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with EmbeddedRedis(home), served(embedded_url(home), home) as base:
            codes = []
            for known in (False, True):
                asked = ask(base, home, examples=options.examples, known_ids=known, only=options.only)
                sys.stdout.write(asked.stdout)
                codes.append(asked.returncode)
                counts = " ".join(f"{status}:{count}" for status, count in sorted(statuses(base).items()))
                sys.stdout.write(f"statuses so far  {counts}\n")
                sys.stdout.flush()
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

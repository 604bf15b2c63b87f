"""A whole house for a test: ``wayside …`` as a user starts it, in a home and on a port of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


@dataclass(frozen=True)
class House:
    """Everything that ``wayside up`` (or ``demo``) started."""

    base: str
    home: Path
    log: Path
    supervisor: int
    """Process id of the command."""

    def get(self, path: str, **headers: str) -> Any:
        request = urllib.request.Request(self.base + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def post(self, url: str, body: object = None) -> Any:
        """POST to the house, or to a whole address."""
        data = b"" if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url if "://" in url else self.base + url, data, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def arrivals(self, stop_id: str, minutes_after: int = 60) -> list[dict[str, Any]]:
        path = f"/api/where/arrivals-and-departures-for-stop/{stop_id}.json?key=test&minutesBefore=0"
        found = self.get(f"{path}&minutesAfter={minutes_after}")["data"]["entry"]["arrivalsAndDepartures"]
        return list(found)

    def ready(self) -> bool:
        return bool(self.get("/readyz")["ready"])

    @property
    def token(self) -> str:
        """The operator's token that a demo or a replay prints."""
        tokens = [word for word in self.said().split() if word.startswith("op-")]
        return tokens[0]

    def feeds(self) -> dict[str, dict[str, Any]]:
        """Feed id to ``{"record": …, "health": …}``."""
        rows = self.get("/api/v1/feeds", Authorization=f"Bearer {self.token}")["feeds"]
        return {row["record"]["spec"]["feed_id"]: row for row in rows}

    @property
    def outside(self) -> str:
        """Where the world of a demo or a replay is served."""
        config = next(self.home.glob("*.toml")).read_text()
        return config.split('base_url = "')[1].split('"')[0]

    def inbox(self, token: str = "") -> list[dict[str, Any]]:
        """What the phones of a demo or a replay were sent."""
        with urllib.request.urlopen(f"{self.outside}/fcm/inbox.json", timeout=10) as answer:
            messages = json.loads(answer.read())["messages"]
        return [entry for entry in messages if not token or entry["message"]["token"] == token]

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def process(self, name: str) -> int:
        """Process id of the child that runs ``wayside NAME``."""
        table = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        )
        for line in table.stdout.splitlines():
            pid, parent, command = line.split(maxsplit=2)
            if int(parent) == self.supervisor and command.endswith(f"-m wayside {name}"):
                return int(pid)
        raise ProcessLookupError(f"wayside {name} does not run")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(home: Path, *command: str, **environment: str) -> Iterator[House]:
    """``wayside`` *command* until the block ends; then it is asked to stop, and must leave nobody behind."""
    home.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), home / "house.log"
    given = {name: value for name, value in os.environ.items() if not name.startswith(("WAYSIDE_", "REDIS_"))}
    given |= {"WAYSIDE_HOME": str(home), "WAYSIDE_PORT": str(port), **environment}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "wayside", *command], stdout=out, stderr=out, env=given, start_new_session=True
        )
    try:
        yield House(f"http://127.0.0.1:{port}", home, log, process.pid)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def eventually(what: Callable[[], T | None], within_s: float, saying: str) -> T:
    """What *what* gives once it gives something. Answers that fail meanwhile count as nothing."""
    end_s = time.monotonic() + within_s
    last = ""
    while time.monotonic() < end_s:
        try:
            if found := what():
                return found
        except (OSError, ValueError, LookupError) as error:
            last = f" (last: {error!r})"
        time.sleep(0.1)
    pytest.fail(f"not within {within_s:g} s: {saying}{last}")

"""``wayside up``: every process of the Procfile in one terminal; one dies, it is started again, and that is said."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

COLOURS = (36, 32, 33, 35, 34, 31)
GRACE_S = 8.0
"""How long a process may take to end when asked."""
LONGEST_PAUSE_S = 5.0


@dataclass(slots=True)
class Child:
    """A process to keep running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[str] | None = None
    started_s: float = 0.0
    deaths: int = 0
    due_s: float = 0.0
    readers: list[threading.Thread] = field(default_factory=list)


class Supervisor:
    """Starts children, passes their lines on with their name before each, restarts what dies."""

    def __init__(self, out: IO[str] = sys.stdout, *, colour: bool | None = None) -> None:
        self.out = out
        self.colour = out.isatty() if colour is None else colour
        self.children: list[Child] = []
        self.stopping = False
        self._pen = threading.Lock()

    def add(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """One more process; it starts at once."""
        child = Child(name, command, {**os.environ, **environment, "PYTHONUNBUFFERED": "1"})
        self.children.append(child)
        self._start(child)

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Watch until a signal or *until* says so, then end every child."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)
        try:
            while not self.stopping and not until():
                self.look()
                time.sleep(0.1)
        finally:
            self.stop()

    def look(self) -> None:
        """Start again what died, after a pause that grows while it keeps dying at once."""
        now_s = time.monotonic()
        for child in self.children:
            if child.process is not None and (code := child.process.poll()) is not None:
                child.process = None
                child.deaths = child.deaths + 1 if now_s - child.started_s < 10 else 1
                pause_s = 0.0 if child.deaths == 1 else min(0.25 * 2**child.deaths, LONGEST_PAUSE_S)
                child.due_s = now_s + pause_s
                how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
                self.say(
                    "up", f"event=process_died process={child.name} ended_with={how!r} restarting_in_s={pause_s:.1f}"
                )
            if child.process is None and now_s >= child.due_s:
                self._start(child)

    def stop(self) -> None:
        """Ask every child to end, Redis after those that live on it; kill what does not within the grace."""
        self.stopping = True
        self._end([child for child in self.children if child.name != "redis"])
        self._end([child for child in self.children if child.name == "redis"])

    @staticmethod
    def _end(children: list[Child]) -> None:
        for child in children:
            if child.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    child.process.terminate()
        end_s = time.monotonic() + GRACE_S
        for child in children:
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, end_s - time.monotonic()))
                except subprocess.TimeoutExpired:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(child.process.pid, signal.SIGKILL)
                    child.process.wait()
            for reader in child.readers:
                reader.join(1.0)

    def say(self, name: str, line: str) -> None:
        number = next((at for at, child in enumerate(self.children) if child.name == name), 0)
        mark = f"\x1b[{COLOURS[number % len(COLOURS)]}m{name:>10} |\x1b[0m" if self.colour else f"{name:>10} |"
        with self._pen:
            self.out.write(f"{mark} {line}\n")
            self.out.flush()

    def _told(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def _start(self, child: Child) -> None:
        child.started_s = time.monotonic()
        child.process = subprocess.Popen(
            child.command, env=child.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        reader = threading.Thread(target=self._pass_on, args=(child.name, child.process.stdout), daemon=True)
        reader.start()
        child.readers[:] = [one for one in child.readers if one.is_alive()] + [reader]

    def _pass_on(self, name: str, lines: IO[str] | None) -> None:
        if lines is not None:
            with lines:
                for line in lines:
                    self.say(name, line.rstrip())

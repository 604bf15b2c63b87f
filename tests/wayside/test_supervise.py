"""``wayside up``'s supervision: what dies is started again and that is said; what is stopped leaves nobody behind."""

import io
import sys
import time
from collections.abc import Callable

import pytest

from wayside.supervise import Supervisor

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]
DIES = [sys.executable, "-c", "import sys; print('here', flush=True); sys.exit(3)"]
STUBBORN = [
    sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)",
]  # fmt: skip


def until(supervisor: Supervisor, fits: Callable[[], bool]) -> None:
    """Watch as ``run`` does, until it fits."""
    end_s = time.monotonic() + 60
    while not fits():
        assert time.monotonic() < end_s
        supervisor.look()
        time.sleep(0.01)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def test_what_is_killed_is_started_again_at_once_and_said(out: io.StringIO) -> None:
    supervisor = Supervisor(out, colour=False)
    supervisor.add("feeds", SLEEP, {})
    until(supervisor, lambda: "feeds | here" in out.getvalue())
    child = supervisor.children[0]
    assert child.process is not None
    first = child.process.pid
    child.process.kill()
    until(supervisor, lambda: out.getvalue().count("feeds | here") == 2)
    supervisor.stop()
    assert "event=process_died process=feeds ended_with='signal SIGKILL' restarting_in_s=0.0" in out.getvalue()
    assert child.process.pid != first
    assert child.process.poll() is not None


def test_what_keeps_dying_is_started_ever_more_slowly(out: io.StringIO) -> None:
    supervisor = Supervisor(out, colour=False)
    supervisor.add("feeds", DIES, {})
    until(supervisor, lambda: out.getvalue().count("event=process_died") == 3)
    supervisor.stop()
    pauses = [float(line.rsplit("=", 1)[1]) for line in out.getvalue().splitlines() if "process_died" in line]
    assert pauses == [0.0, 1.0, 2.0]
    assert "ended_with='code 3'" in out.getvalue()


def test_another_process_does_not_notice(out: io.StringIO) -> None:
    supervisor = Supervisor(out, colour=False)
    supervisor.add("feeds", DIES, {})
    supervisor.add("web", SLEEP, {})
    until(supervisor, lambda: out.getvalue().count("event=process_died process=feeds") == 2)
    supervisor.stop()
    assert "process=web" not in out.getvalue()
    assert out.getvalue().count("web | here") == 1


def test_who_does_not_end_when_asked_is_killed(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wayside.supervise.GRACE_S", 0.2)
    supervisor = Supervisor(out, colour=False)
    supervisor.add("web", STUBBORN, {})
    until(supervisor, lambda: "web | here" in out.getvalue())
    supervisor.stop()
    process = supervisor.children[0].process
    assert process is not None
    assert process.wait(20) == -9

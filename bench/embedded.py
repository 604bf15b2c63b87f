"""What the embedded server adds to a start, and whether it outlives its owner: ``python -m bench.embedded``."""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runtime.embedded_redis import EmbeddedRedis

STARTS = 9
OWNER = """
import sys, time
from pathlib import Path
from runtime.embedded_redis import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
print(server.process.pid, flush=True)
time.sleep(60)
"""


def main(arguments: list[str]) -> int:
    """Start it some times, then kill an owner; 1 when the server outlived it."""
    argparse.ArgumentParser(prog="python -m bench.embedded", description=__doc__).parse_args(arguments)
    took_ms = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(STARTS):
            began_s = time.perf_counter()
            with EmbeddedRedis(Path(home)):
                took_ms.append((time.perf_counter() - began_s) * 1e3)
    print(f"embedded server: {statistics.median(took_ms):.0f} ms to the first answer (median of {STARTS}, "
          f"worst {max(took_ms):.0f}), load {os.getloadavg()[0]:.1f}")  # fmt: skip
    gone_ms = after_the_owner()
    print("after kill -9 of its owner: " + (f"gone within {gone_ms:.0f} ms" if gone_ms is not None else "STILL THERE"))
    return 0 if gone_ms is not None else 1


def after_the_owner(patience_s: float = 10.0) -> float | None:
    """Milliseconds from kill -9 of the owner until its server is gone; None when it stays."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        owner = subprocess.Popen([sys.executable, "-c", OWNER, home], stdout=subprocess.PIPE)
        assert owner.stdout
        server = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
        began_s = time.perf_counter()
        while time.perf_counter() < began_s + patience_s:
            if not _runs(server):
                return (time.perf_counter() - began_s) * 1e3
            time.sleep(0.002)
        os.kill(server, signal.SIGKILL)
        return None


def _runs(pid: int) -> bool:
    """Is the process there, and not only waiting for somebody to ask how it ended?"""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text("ascii", "replace").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

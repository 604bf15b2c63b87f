"""Load on a web server by wrk: many connections asking a list of addresses in turn, as fast as answers come."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MISSING = """wrk is not installed: it makes the load of this bench.
Debian and Ubuntu: apt-get install wrk    macOS: brew install wrk"""

SCRIPT = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
local at = 0
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at]%s)
end
done = function(summary, latency, requests)
  io.write(string.format('\\n{"requests": %%d, "duration_s": %%f, "bytes": %%d, "failed": %%d, "p50_ms": %%f, "p99_ms": %%f}\\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run of wrk saw."""

    requests: int
    duration_s: float
    bytes: int
    failed: int
    """Answers that did not come, or whose status was 400 or more."""
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        return self.requests / self.duration_s


async def load(
    port: int, paths: Sequence[str], *, connections: int = 16, duration_s: int = 5, accept_encoding: str = ""
) -> Load:
    """Ask *paths* over *connections* for *duration_s* seconds; ends the bench where wrk is missing."""
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit(MISSING)
    with tempfile.TemporaryDirectory() as folder:
        listed, script = Path(folder) / "paths", Path(folder) / "ask.lua"
        listed.write_text("\n".join(paths) + "\n")
        headers = f', {{["Accept-Encoding"] = "{accept_encoding}"}}' if accept_encoding else ""
        script.write_text(SCRIPT % (listed, headers))
        child = await asyncio.create_subprocess_exec(
            wrk, "-t1", f"-c{connections}", f"-d{duration_s}s", "--timeout", "20s", "-s", str(script), f"http://127.0.0.1:{port}/",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said = (await child.communicate())[0].decode()
    last = said.strip().splitlines()[-1] if said.strip() else "nothing"
    try:
        return Load(**json.loads(last))
    except (ValueError, TypeError):
        sys.exit(f"wrk ended with code {child.returncode}: {last}")

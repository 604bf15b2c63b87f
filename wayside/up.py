"""``wayside up``, ``wayside up --replay`` and ``wayside demo``: the whole house in one terminal."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel

from domain.feed import FeedKind
from runtime.embedded_redis import owner_of
from runtime.settings import Settings
from store import api_keys
from store.hall import Hall
from wayside.import_command import import_schedule
from wayside.processes import NAMES, settings_from
from wayside.supervise import Supervisor

SCHEDULE = "gtfs"
"""The id of the schedule's feed in a demo and a replay."""
INTERVALS_S = {
    "gtfs": 30,
    "trip_updates": 10,
    "vehicle_positions": 5,
    "situations": 10,
    "combined": 10,
    "cap": 5,
    "case_rates": 20,
}
"""How often the demo and a replay poll: quick enough to watch."""


def up(config: str | None) -> int:
    """Run a configured deployment until stopped."""
    settings = settings_from(config)
    if _is_owned(settings.home, embedded=settings.redis_is_embedded):
        return 1
    if _is_taken(settings):
        return 1
    environment = {"WAYSIDE_CONFIG": str(Path(config).absolute())} if config else {}
    settings = _with_a_port(settings, environment)
    supervisor = Supervisor()
    _add_processes(supervisor, settings, environment)
    _tell_when_ready(supervisor, settings, [])
    supervisor.run()
    return 0


def demo(*, seed: int) -> int:
    """The generated town, everything running, until stopped."""
    os.environ["WAYSIDE_HOME"] = os.environ.get("WAYSIDE_HOME") or str(Path("var/demo").absolute())
    return _beside(
        [sys.executable, "-m", "simulator", "--seed", str(seed)], f"generating the town of seed {seed}", "town"
    )


def replay(folder: str, cap: str | None) -> int:
    """The whole house on a folder of recorded feeds, its clock at the recorded instant."""
    os.environ["WAYSIDE_HOME"] = os.environ.get("WAYSIDE_HOME") or str(Path("var/replay").absolute())
    command = [sys.executable, "-m", "wayside", "replay", folder, *(["--cap", cap] if cap else [])]
    return _beside(
        command, f"opening {Path(folder).absolute()}", "replay", schedule=str(Path(folder).absolute() / "gtfs.zip")
    )


def _beside(command: list[str], doing: str, name: str, *, schedule: str = "") -> int:
    """Start what plays the outside world, learn where it is, then run the house on it.

    A recorded *schedule* is imported before anything else starts: where it is refused there is nothing to wait for.
    """
    console = Console(stderr=True)
    console.print(f"[bold]wayside[/] {doing} …", soft_wrap=True)
    home = Path(os.environ["WAYSIDE_HOME"]).absolute()
    if _is_owned(home, embedded=not os.environ.get("REDIS_URL")):
        return 1
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wayside-") as folder:
        announcement = Path(folder) / "outside.json"
        outside = subprocess.Popen(
            [*command, "--announce", str(announcement)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            world = _announced(announcement, outside)
            if world is None:
                return outside.poll() or 1  # it said why
            config = home / f"{name}.toml"
            written = f"# {doing}\n{_config(world)}"
            if config.exists() and config.read_text("utf-8").splitlines()[:1] != written.splitlines()[:1]:
                # Another town or recording, at another time, was here: what it left would be shown as this one's.
                shutil.rmtree(home / "redis", ignore_errors=True)
            config.write_text(written, "utf-8")
            environment = {"WAYSIDE_CONFIG": str(config)}
            if "clock_offset_s" in world:
                environment["WAYSIDE_CLOCK_OFFSET_S"] = repr(world["clock_offset_s"])
            settings = settings_from(str(config))
            if _is_taken(settings):
                return 1
            if schedule and import_schedule(schedule, SCHEDULE, str(config)):
                return 1
            settings = _with_a_port(settings, environment)
            supervisor = Supervisor()
            _add_processes(supervisor, settings, environment)
            _tell_when_ready(supervisor, settings, _extras(world, settings))
            supervisor.run(until=lambda: outside.poll() is not None)
            return 0
        finally:
            outside.terminate()
            outside.wait()


def _with_a_port(settings: Settings, environment: dict[str, str]) -> Settings:
    """Where any free port will do (0), one: the same for every web process, however often it is started again."""
    if settings.port:
        return settings
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((settings.host, 0))
        port = int(probe.getsockname()[1])
    environment["WAYSIDE_PORT"] = str(port)
    return replace(settings, port=port)


def _is_taken(settings: Settings) -> bool:
    """Does something else listen where the web processes would? Says so."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            print(
                f"{settings.host}:{settings.port}: cannot listen there: {error.strerror}; "
                "stop what does, or set WAYSIDE_PORT to another number",
                file=sys.stderr,
            )
            return True
    return False


def _is_owned(home: Path, *, embedded: bool) -> bool:
    """Does another process run this home's server? Says so."""
    owner = owner_of(home) if embedded else ""
    if owner:
        print(
            f"{home}: process {owner} runs here already; stop it, or set WAYSIDE_HOME (and WAYSIDE_PORT) to others",
            file=sys.stderr,
        )
    return bool(owner)


def _announced(path: Path, outside: "subprocess.Popen[bytes]") -> dict[str, Any] | None:
    """What it says of itself once it serves (a long recording takes a while to look through); None when it ended."""
    while outside.poll() is None:
        if path.exists():
            said: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return said
        time.sleep(0.02)
    return None


def _config(world: dict[str, Any]) -> str:
    """The deployment's TOML, as a user would write it."""
    lines = [
        "# Written by wayside; a real city's file looks the same (see examples/).",
        "[city]",
        f"name = {json.dumps(world.get('town', 'Replay'))}",
        f"time_zone = {json.dumps(world.get('time_zone', 'UTC'))}",
        "",
        "[web]",
        "accept_test_key = true",
        "require_api_key = false",
        'anonymous_quota = "1000/second"',
        "",
        "[demo]",
        f"base_url = {json.dumps(world['base_url'])}",
        f"phone_token = {json.dumps(world.get('phone_token', ''))}",
    ]
    if "recorded_until_epoch_s" in world:
        lines.append(f"recorded_until_epoch_s = {world['recorded_until_epoch_s']}")
    fcm = world.get("fcm")
    if fcm:
        lines += [
            "",
            "[notify]",
            f"fcm_project_id = {json.dumps(fcm['project_id'])}",
            f"fcm_credentials = {json.dumps(fcm['service_account'])}",
            f"fcm_base_url = {json.dumps(fcm['base_url'])}",
        ]
    for kind, url in world["feeds"].items():
        lines += [
            "",
            "[[feeds]]",
            f"id = {json.dumps(kind.replace('_', '-'))}",
            f"kind = {json.dumps(kind)}",
            f"url = {json.dumps(url)}",
            f"interval_s = {INTERVALS_S[kind]}",
            "timeout_s = 20" if kind == "gtfs" else "timeout_s = 10",
            "allow_private_hosts = true",
        ]
        if kind in world.get("attributions", {}):
            lines.append(f"attribution = {json.dumps(world['attributions'][kind])}")
        if kind == "case_rates":
            lines.append("threshold_per_100k = 100")
    return "\n".join(lines) + "\n"


def _add_processes(supervisor: Supervisor, settings: Settings, environment: dict[str, str]) -> None:
    channels = settings.notify.fcm is not None or settings.notify.console
    for name in NAMES:
        if (name == "redis" and not settings.redis_is_embedded) or (name == "notify" and not channels):
            continue
        supervisor.add(name, [sys.executable, "-m", "wayside", name], environment)


def _extras(world: dict[str, Any], settings: Settings) -> list[str]:
    token = ""

    async def make() -> str:
        hall = Hall.connect(settings.redis_url)
        try:
            await asyncio.wait_for(hall.wait_until_there(), 30)
            await api_keys.revoke(hall, "demo operator")
            return await api_keys.add(hall, name="demo operator", role="operator", at_epoch_s=time.time())  # noqa: TID251
        finally:
            await hall.close()

    token = asyncio.run(make())
    lines = [f"sign in there with    {token}"]
    if world.get("fcm"):
        lines.append(f"the test phone        {world['base_url']}/phone")
    return lines


def _tell_when_ready(supervisor: Supervisor, settings: Settings, extras: list[str]) -> None:
    """In a thread: say what is awaited, then where everything is."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host
    base = f"http://{host}:{settings.port}"

    has_schedules = any(spec.kind is FeedKind.GTFS for spec in settings.feeds)

    def wait() -> None:
        before: list[str] = []
        while not supervisor.stopping:
            ready, reasons, missing = _ready(f"{base}/readyz")
            if ready or (reasons and not has_schedules):
                break
            if reasons and reasons != before:
                supervisor.say("up", f"event=waiting for={'; '.join(reasons)!r}")
                before = reasons
            time.sleep(0.25)
        else:
            return
        where = [f"riders                {base}/", f"operators             {base}/operations", *extras]
        where.append(f"API                   {base}/docs{' (key: test)' if settings.accept_test_key else ''}")
        if ready and missing:
            where.append(f"still without the timetable of {', '.join(missing)}")
        if not has_schedules:
            where.append("no feed of kind gtfs is configured: there are no arrivals to show")
        where.append("to stop               Ctrl-C")
        Console(file=supervisor.out).print(Panel("\n".join(where), title=f"{settings.city} is up", expand=False))

    threading.Thread(target=wait, daemon=True).start()


def _ready(url: str) -> tuple[bool, list[str], list[str]]:
    """(can arrivals be served, why not, feeds whose timetable is missing)."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own address
            said = json.loads(answer.read())
            return True, [], [str(feed) for feed in said["missing"]]
    except urllib.error.HTTPError as error:
        try:
            return False, [str(reason) for reason in json.loads(error.read()).get("reasons", [])], []
        except ValueError:
            return False, [], []
    except OSError:
        return False, [], []

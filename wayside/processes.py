"""One process each: what the Procfile's lines run."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from domain.errors import SettingsInvalid, WaysideError
from runtime import logs
from runtime.clock import SystemClock
from runtime.configuration import load
from runtime.settings import Settings

log = logging.getLogger("wayside")
NAMES = ("redis", "feeds", "predictor", "notify", "web")


def settings_from(config: str | None, environment: Mapping[str, str] | None = None) -> Settings:
    """The deployment's settings; ends the program with every fault listed when there are faults."""
    environment = os.environ if environment is None else environment
    name = config or environment.get("WAYSIDE_CONFIG") or ""
    try:
        return load(Path(name) if name else None, environment)
    except SettingsInvalid as error:
        print("The configuration has faults:", *error.faults, sep="\n  ", file=sys.stderr)
        raise SystemExit(2) from error


def redis_is_silent(settings: Settings) -> str:
    """What to tell who needs Redis while it does not answer."""
    if not settings.redis_is_embedded:
        return "Redis does not answer at REDIS_URL: start the server, or unset it to use the embedded one"
    return (
        f"Redis does not answer in {settings.home}: start `wayside up`, or name the home of what runs "
        "(a demo's: --home var/demo)"
    )


def run(name: str, config: str | None) -> int:
    """Run one process until it is told to stop."""
    settings = settings_from(config)
    logs.set_up(
        level=os.environ.get("WAYSIDE_LOG_LEVEL", "INFO"),
        as_json=os.environ.get("WAYSIDE_LOG_FORMAT") == "json",
        secrets=settings.secrets,
        process=name,
    )
    from runtime.loop import die_with_parent, run_until_signalled

    die_with_parent()
    try:
        if name == "redis":
            return _redis(settings)
        clock = SystemClock.from_environment()
        run_until_signalled(lambda stop: _work(name, settings, clock, stop))
    except WaysideError as error:
        log.error("event=cannot_run process=%s reason=%r", name, str(error))
        return 1
    return 0


def _redis(settings: Settings) -> int:
    from runtime.embedded_redis import EmbeddedRedis
    from runtime.loop import run_until_signalled

    if not settings.redis_is_embedded:
        print("REDIS_URL is set: that server is used, and there is none to embed.", file=sys.stderr)
        return 0

    with EmbeddedRedis(settings.home) as server:
        run_until_signalled(lambda stop: watch(server, stop))
    return 0


class Server(Protocol):
    """A child that may die."""

    def alive(self) -> bool:
        """Does it run?"""


async def watch(server: Server, stop: asyncio.Event, *, every_s: float = 0.25) -> None:
    """Until *stop*; raises WaysideError when *server* has died."""
    while not stop.is_set():
        if not server.alive():
            raise WaysideError("the embedded server died")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)


async def _work(name: str, settings: Settings, clock: SystemClock, stop: asyncio.Event) -> None:
    from store.hall import Hall

    if name == "web":
        from api import serve

        await serve.run(settings, clock, stop)
        return
    hall = Hall.connect(settings.redis_url)
    try:
        if name == "feeds":
            from feeds.worker import run as poll_feeds

            await poll_feeds(settings, hall, clock, stop)
        elif name == "predictor":
            from predictor.alert_worker import run as follow_alerts
            from predictor.worker import run as predict_arrivals

            async with asyncio.TaskGroup() as group:
                group.create_task(predict_arrivals(settings, hall, clock, stop))
                group.create_task(follow_alerts(settings, hall, clock, stop))
        else:
            from notify.worker import run as tell_phones

            await tell_phones(settings, hall, clock, stop)
    finally:
        await hall.close()

"""A web process, or several: sockets, uvicorn, the task that follows the hall, and an orderly end."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.process import BaseProcess

import uvicorn

from api.app import Application
from api.hall_source import HallSource
from api.protocol import Protocol
from api.replica import Replica
from api.tables import MORE_ROUTES
from domain.errors import SettingsInvalid
from domain.feed_health import assess
from runtime import logs
from runtime.clock import Clock
from runtime.memory import give_back_what_is_freed, pass_over_what_is_loaded
from runtime.settings import Settings
from store.hall import Hall

log = logging.getLogger("wayside.api")

GRACE_S = 5
"""How long requests under way may take once the process was asked to stop."""
BACKLOG = 2048
RESTART_AFTER_S = 1.0


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the house stops it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(settings: Settings, *, shared: bool) -> socket.socket:
    """The listening socket; *shared* lets other processes of this house listen on the same port (SO_REUSEPORT).

    Raises SettingsInvalid when the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsInvalid(
            [f"WAYSIDE_PORT: cannot listen on {settings.host} port {settings.port} ({error.strerror}); is it taken?"]
        ) from error
    listener.setblocking(False)
    return listener


async def run(settings: Settings, clock: Clock, stop: asyncio.Event) -> None:
    """Serve until *stop* is set: in this process, or in ``web_processes`` children that share the port."""
    if settings.web_processes > 1 and hasattr(socket, "SO_REUSEPORT"):
        with listen(settings, shared=True) as probe:  # says at once, and here, when the port is taken
            port = int(probe.getsockname()[1])
        await _supervise(replace(settings, port=port), clock, stop)
    else:
        await serve_here(settings, clock, stop, shared=False)


async def serve_here(settings: Settings, clock: Clock, stop: asyncio.Event, *, shared: bool) -> None:
    """One process's serving, until *stop* is set."""
    hand_over_quickly()
    give_back_what_is_freed()
    listener = listen(settings, shared=shared)
    hall = Hall.connect(settings.redis_url)
    replica = Replica(settings, clock, HallSource(hall), assess)
    application = Application(settings, clock, replica, hall, MORE_ROUTES)
    server = _Server(
        uvicorn.Config(
            application,
            http=Protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
            backlog=BACKLOG,
        )
    )
    pass_over_what_is_loaded()
    following = asyncio.create_task(replica.follow(hall.changes()), name="replica")
    background = asyncio.create_task(application.run_background(), name="background")
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    log.info("event=listening host=%s port=%d", settings.host, listener.getsockname()[1])
    try:
        done, _ = await asyncio.wait({following, background, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        application.streams.close()
        server.should_exit = True
        await serving
        for task in done - {stopping}:
            task.result()
    finally:
        for task in (following, background, stopping):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        listener.close()
        await hall.close()


def hand_over_quickly() -> None:
    """Let the threads that index a tick give way to the event loop after half a millisecond, not Python's five."""
    sys.setswitchinterval(0.0005)


# --- several processes


async def _supervise(settings: Settings, clock: Clock, stop: asyncio.Event) -> None:
    context = multiprocessing.get_context("spawn")

    def start(number: int) -> BaseProcess:
        child = context.Process(target=_child, args=(settings, clock, os.getpid()), name=f"web-{number}", daemon=True)
        child.start()
        return child

    children = [start(number) for number in range(settings.web_processes)]
    try:
        while not stop.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), RESTART_AFTER_S)
            for number, child in enumerate(children):
                if not stop.is_set() and not child.is_alive():
                    log.error(
                        "event=web_process_died process=%s exit_code=%s action=restart", child.name, child.exitcode
                    )
                    children[number] = start(number)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            await asyncio.to_thread(child.join, GRACE_S + 2)
            if child.is_alive():
                child.kill()


def _child(settings: Settings, clock: Clock, parent: int) -> None:
    import signal

    logs.set_up(
        level=os.environ.get("WAYSIDE_LOG_LEVEL", "INFO"),
        as_json=os.environ.get("WAYSIDE_LOG_FORMAT") == "json",
        secrets=settings.secrets,
        process="web",
    )

    async def serve_until_told() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGINT, stop.set)
        watching = asyncio.create_task(_stop_when_orphaned(stop, parent))
        try:
            await serve_here(settings, clock, stop, shared=True)
        finally:
            watching.cancel()

    run_loop(serve_until_told())


async def _stop_when_orphaned(stop: asyncio.Event, parent: int) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(0.5)
    stop.set()


def run_loop(work: "asyncio._CoroutineLike[None]") -> None:
    """Run *work* to its end in the quickest event loop there is."""
    if sys.platform == "win32":
        asyncio.run(work)  # type: ignore[arg-type]
    else:
        import uvloop

        uvloop.run(work)  # type: ignore[arg-type]

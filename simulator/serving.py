"""What the generated town and a replay share: loopback HTTP, sickness on demand, and an announcement of where it is."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SICKNESSES = ("silence", "503", "garbage", "stale_clock", "well")
MOST_PORT = 65_535
Body = Callable[[float], bytes]
"""Makes a feed's bytes for an instant (epoch seconds)."""


class Sickbay:
    """Which feed is sick, and since when its clock stands still."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.sick: dict[str, str] = {}
        self.frozen: dict[str, float] = {}

    def routes(self, feeds: tuple[str, ...]) -> list[Route]:
        async def listing(_request: Request) -> Response:
            sick = {feed: self.sick.get(feed, "well") for feed in feeds}
            return JSONResponse(sick, headers={"Access-Control-Allow-Origin": "*"})  # the operators' page looks

        async def change(request: Request) -> Response:
            feed, sickness = request.path_params["feed"], request.path_params["sickness"]
            if feed not in feeds or sickness not in SICKNESSES:
                expected = {"feeds": feeds, "sicknesses": SICKNESSES}
                return JSONResponse({"error": f"no feed {feed!r} or sickness {sickness!r}", "expected": expected}, 404)
            if sickness == "well":
                self.sick.pop(feed, None)
                self.frozen.pop(feed, None)
            else:
                self.sick[feed] = sickness
                self.frozen.setdefault(feed, self.now())
            return JSONResponse({"feed": feed, "sickness": sickness})

        return [Route("/sick", listing), Route("/sick/{feed}/{sickness}", change, methods=["POST"])]

    def route(self, path: str, feed: str, media_type: str, body: Body) -> Route:
        """A route that serves the feed, as healthy as it is."""

        async def answer(request: Request) -> Response:
            sickness = self.sick.get(feed)
            if sickness == "silence":
                with contextlib.suppress(asyncio.CancelledError):
                    while not await request.is_disconnected():
                        await asyncio.sleep(0.5)
                return Response(status_code=504)
            if sickness == "503":
                return Response("out of order\n", 503, headers={"Retry-After": "5"})
            if sickness == "garbage":
                return Response(b"<html><body>Bad Gateway</body></html>", media_type="text/html")
            at = self.frozen[feed] if sickness == "stale_clock" else self.now()
            data = await asyncio.to_thread(body, at)
            tag = f'"{hash(data) & 0xFFFFFFFFFFFF:x}"'
            if request.headers.get("If-None-Match") == tag:
                return Response(status_code=304, headers={"ETag": tag})
            return Response(data, media_type=media_type, headers={"ETag": tag})

        return Route(path, answer)


def listen(port: int) -> socket.socket:
    """A socket on loopback. *port* 0 takes WAYSIDE_DEMO_PORT, where WAYSIDE_HOST listens, or else any that is free.

    In a container both are published: the phone and the buttons that make feeds sick are for the browser outside.
    """
    known = os.environ.get("WAYSIDE_DEMO_PORT", "") if not port else ""
    if known and not (known.isdecimal() and int(known) <= MOST_PORT):
        raise SystemExit(f"WAYSIDE_DEMO_PORT: expected a port from 0 to {MOST_PORT}, found {known!r}")
    place = ((os.environ.get("WAYSIDE_HOST") or "127.0.0.1"), int(known)) if known else ("127.0.0.1", port)
    listener = socket.socket(socket.AF_INET6 if ":" in place[0] else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(place)
    except OSError as error:
        listener.close()
        raise SystemExit(f"{place[0]}:{place[1]}: cannot listen there: {error.strerror}") from error
    listener.listen(128)
    return listener


def announce(path: Path, what: dict[str, Any]) -> None:
    """Write where everything is, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(what, indent=1), "utf-8")
    part.replace(path)


def serve(listener: socket.socket, routes: list[Route], beside: Callable[[], Awaitable[None]] | None = None) -> None:
    """Serve until a signal, or until the process that started this one is gone."""
    die_with_parent()
    config = uvicorn.Config(Starlette(routes=routes), log_level="error", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)

    async def main() -> None:
        extra = asyncio.ensure_future(beside()) if beside else None
        parent = os.getppid()

        async def watch() -> None:
            while os.getppid() == parent:
                await asyncio.sleep(1)
            server.should_exit = True

        watching = asyncio.create_task(watch())
        await server.serve(sockets=[listener])
        watching.cancel()
        if extra:
            extra.cancel()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())


def die_with_parent() -> None:
    """On Linux the kernel ends this process with its parent; elsewhere :func:`serve` looks every second."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)

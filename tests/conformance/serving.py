"""A city's application on a real socket, in a thread of its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

import uvicorn

from api.app import Application
from api.protocol import Protocol
from store.hall import Hall


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def serving(application: Application, redis_url: str) -> Iterator[str]:
    """The address of *application* while it serves, with the settings that a deployment has and a real hall."""
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, http=Protocol, ws="none", lifespan="off", access_log=False,
        log_config=None, server_header=False,
    )  # fmt: skip
    server = _Server(config)

    async def serve() -> None:
        hall = application.starlette.state.hall = Hall.connect(redis_url)
        try:
            await server.serve()
        finally:
            await hall.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    try:
        for _ in range(1000):
            if server.started:
                break
            time.sleep(0.01)
        else:
            raise RuntimeError("the server did not start within 10 s")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)

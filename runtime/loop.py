"""Running a process: signals become a stop event."""

import asyncio
import ctypes
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable

import uvloop


def run_until_signalled(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run *work* with a stop event that SIGTERM and SIGINT set."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await work(stop)

    uvloop.run(main())


def die_with_parent() -> None:
    """End with the process that started this one, however that one ends: the kernel sees to it on Linux, a thread that
    looks twice a second elsewhere."""
    parent = os.getppid()
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()

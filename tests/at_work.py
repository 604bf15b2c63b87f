"""A worker of the house at work in this process, on a real Redis-compatible server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from store.hall import Hall


@asynccontextmanager
async def at_work(
    redis_url: str, run: Callable[[Hall, asyncio.Event], Coroutine[Any, Any, None]]
) -> AsyncIterator[Hall]:
    """While *run* runs in a hall of its own until it is told to stop; a hall to act and look with."""
    theirs, ours, stop = Hall.connect(redis_url), Hall.connect(redis_url), asyncio.Event()
    task = asyncio.create_task(run(theirs, stop))
    try:
        yield ours
    finally:
        stop.set()
        await asyncio.wait_for(task, 15)
        await theirs.close()
        await ours.close()

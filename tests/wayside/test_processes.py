"""The processes of a deployment: what each does for as long as it runs."""

import asyncio

import pytest

from domain.errors import WaysideError
from wayside.processes import watch


class Child:
    """Dies after so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.most_tasks = 0

    def alive(self) -> bool:
        self.looks -= 1
        self.most_tasks = max(self.most_tasks, len(asyncio.all_tasks()))
        return self.looks > 0


async def test_watching_the_embedded_server_for_days_leaves_nothing_behind() -> None:
    """No task waits on from one look to the next; its death ends the process."""
    child = Child(200)
    before = len(asyncio.all_tasks())
    with pytest.raises(WaysideError, match="died"):
        await watch(child, asyncio.Event(), every_s=0.0005)
    assert child.most_tasks <= before + 1

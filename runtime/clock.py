"""The only place that asks the operating system what time it is."""

import asyncio
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

CLOCK_OFFSET_VARIABLE = "WAYSIDE_CLOCK_OFFSET_S"
"""Seconds to add to the machine's clock, as a decimal number; every process of one city gets the same value."""


def instant(text: str) -> datetime:
    """The aware instant that ISO 8601 *text* names; UTC where it names no zone. Raises ValueError, saying what was expected."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expected an instant such as 2026-11-23T08:00:00-04:00, found {text!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Clock(Protocol):
    """What the house may ask of time."""

    def now(self) -> datetime:
        """The city's present, as an aware UTC instant."""

    def now_epoch_s(self) -> float:
        """The city's present, as seconds since 1970-01-01T00:00:00Z."""

    def machine_epoch_s(self) -> float:
        """What the machine's clock shows, whatever day the city lives: to hold against other machines' clocks."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start; never goes back. For measuring how long something took."""

    async def sleep_s(self, duration_s: float) -> None:
        """Wait for *duration_s* seconds of this clock."""


class SystemClock:
    """The machine's clock, moved by a fixed offset so that a recorded or simulated day can be lived again."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s

    @classmethod
    def starting_at(cls, instant: datetime) -> "SystemClock":
        """A clock that shows *instant* (aware) now and runs on from there."""
        return cls(instant.timestamp() - time.time())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "SystemClock":
        """The clock of this process's city: the machine's, plus the offset its supervisor handed down."""
        text = (os.environ if environment is None else environment).get(CLOCK_OFFSET_VARIABLE, "").strip()
        return cls(float(text)) if text else cls()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_epoch_s(), UTC)

    def now_epoch_s(self) -> float:
        return time.time() + self.offset_s

    def machine_epoch_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep_s(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


class FakeClock:
    """A clock that stands still until a test advances it; sleepers wake in the order of their due times."""

    def __init__(self, start: datetime) -> None:
        self._epoch_s = start.timestamp()
        self._monotonic_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._epoch_s, UTC)

    def now_epoch_s(self) -> float:
        return self._epoch_s

    def machine_epoch_s(self) -> float:
        return self._epoch_s

    def monotonic_s(self) -> float:
        return self._monotonic_s

    async def sleep_s(self, duration_s: float) -> None:
        if duration_s <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._monotonic_s + duration_s, future))
        await future

    async def advance_s(self, duration_s: float) -> None:
        """Let *duration_s* seconds pass, waking every sleeper that becomes due on the way."""
        end_s = self._monotonic_s + duration_s
        while True:
            await asyncio.sleep(0)
            due = sorted((entry for entry in self._sleepers if entry[0] <= end_s), key=lambda entry: entry[0])
            if not due:
                break
            due_s, future = due[0]
            self._sleepers.remove(due[0])
            self._move_to(due_s)
            if not future.done():
                future.set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
        self._move_to(end_s)

    def _move_to(self, monotonic_s: float) -> None:
        self._epoch_s += monotonic_s - self._monotonic_s
        self._monotonic_s = monotonic_s

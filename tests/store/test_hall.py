"""The connection to Redis: what is said of a server that is not there."""

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest

from store import hall as halls
from store.hall import Hall


@pytest.mark.parametrize(("patience_s", "said"), [(0.05, ["event=redis_away action=waiting"]), (60.0, [])])
async def test_a_server_that_starts_beside_us_is_not_called_away(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    patience_s: float,
    said: list[str],
) -> None:
    """It has a moment before a word is said of it; after that it is said once."""
    monkeypatch.setattr(halls, "START_S", patience_s)
    hall = Hall.connect(f"unix://{tmp_path}/nobody.sock")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hall.wait_until_there(poll_s=0.01), 1.0)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO] == said
    await hall.close()

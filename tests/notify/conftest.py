"""Phones to push to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notify.phones import Phones


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Phones]:
    """The simulator's FCM, with its credentials in a file."""
    phones = Phones(tmp_path)
    yield phones
    phones.stop()

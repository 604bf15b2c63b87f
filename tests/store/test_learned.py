"""What was learned survives in the hall, and whoever put it there last is known by the version."""

import numpy as np

from store import learned
from store.hall import Hall


async def test_columns_come_back_with_their_version(hall: Hall) -> None:
    assert await learned.get(hall, "bus") is None
    assert await learned.version(hall, "bus") == 0
    await learned.put(hall, "bus", {"pair.n": np.array([1.0])}, 100.0)
    version = await learned.put(hall, "bus", {"pair.n": np.array([2.0, 3.0])}, 160.0)
    found = await learned.get(hall, "bus")
    assert found is not None
    assert found[:2] == (version, 160.0)
    np.testing.assert_array_equal(found[2]["pair.n"], [2.0, 3.0])
    assert await learned.get(hall, "rail") is None


async def test_forget_begins_anew(hall: Hall) -> None:
    await learned.put(hall, "bus", {"pair.n": np.array([1.0])}, 100.0)
    await learned.forget(hall, "bus")
    assert await learned.get(hall, "bus") is None

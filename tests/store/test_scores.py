"""Scores come back as they were kept, day by day."""

import numpy as np

from domain.score import SHAPE, ScoreDay
from store import scores
from store.hall import Hall


async def test_a_day_comes_back(hall: Hall) -> None:
    tallies = {"10": np.ones(SHAPE), "2": np.arange(np.prod(SHAPE), dtype=float).reshape(SHAPE)}
    await scores.put(hall, "town", 20261123, ScoreDay.of(tallies), 100.0)
    found = (await scores.get(hall, "town", 20261123)).tallies()
    other = await scores.get(hall, "town", 20261124)
    kept_s = await hall.redis.ttl("wayside:score:{town}:20261123")
    assert sorted(found) == ["10", "2"]
    np.testing.assert_array_equal(found["2"], tallies["2"])
    assert other.tallies() == {}
    assert 0 < kept_s <= scores.KEEP_S

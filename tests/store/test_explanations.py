"""A question finds its answer, and nobody waits for ever."""

import asyncio

import pytest

from store import explanations, keys
from store.hall import Hall


async def test_an_answer_reaches_who_asked(redis_url: str) -> None:
    hall, theirs = Hall.connect(redis_url), Hall.connect(redis_url)
    asked = asyncio.create_task(explanations.ask(hall, feed_id="bus", trip="t1", service_date=20261123, position=3))
    question = await explanations.next_question(theirs, 5.0)
    assert question is not None
    assert (question.feed_id, question.trip, question.service_date, question.position) == ("bus", "t1", 20261123, 3)
    await explanations.answer(theirs, question, b'{"because":1}')
    assert await asked == b'{"because":1}'
    assert await explanations.next_question(theirs, 0.05) is None
    await hall.close()
    await theirs.close()


async def test_nobody_is_there(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a predictor's heartbeat nobody waits out the patience, and the question does not stay for the next one."""
    monkeypatch.setattr(explanations, "PATIENCE_S", 3600.0)
    assert await explanations.ask(hall, feed_id="bus", trip="t1", service_date=20261123, position=3) is None
    assert await hall.redis.llen(keys.questions()) == 0


async def test_a_question_that_was_taken_is_waited_for_though_nobody_said_that_it_lives(
    hall: Hall, redis_url: str
) -> None:
    """A predictor that has only just started answers before its first heartbeat."""
    theirs = Hall.connect(redis_url)
    asked = asyncio.create_task(explanations.ask(hall, feed_id="bus", trip="t1", service_date=20261123, position=3))
    question = await explanations.next_question(theirs, 5.0)
    assert question is not None
    await asyncio.wait([asked], timeout=2 * explanations.TAKEN_WITHIN_S)
    assert not asked.done()
    await explanations.answer(theirs, question, b"null")
    assert await asked == b"null"
    await theirs.close()


async def test_nobody_answers(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A predictor that lives may be busy: its time is given, and then the question withdrawn."""
    monkeypatch.setattr(explanations, "PATIENCE_S", 0.6)
    await hall.redis.set(keys.heartbeat("predictor"), 1.0)
    began_s = asyncio.get_running_loop().time()
    assert await explanations.ask(hall, feed_id="bus", trip="t1", service_date=20261123, position=3) is None
    assert asyncio.get_running_loop().time() - began_s > 2 * explanations.TAKEN_WITHIN_S
    assert await hall.redis.llen(keys.questions()) == 0

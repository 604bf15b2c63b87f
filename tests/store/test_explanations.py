"""A question finds its answer, and nobody waits for ever."""

import asyncio

import pytest

from store import explanations
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


async def test_nobody_answers(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanations, "PATIENCE_S", 0.2)
    assert await explanations.ask(hall, feed_id="bus", trip="t1", service_date=20261123, position=3) is None

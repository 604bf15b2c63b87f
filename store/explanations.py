"""Questions to the predictor, "why do you say that of this call?", and its answers: the one place where a room asks another.

What explains a prediction is far more than the prediction; nobody reads it but who asks, so it is made on demand.
"""

import asyncio
from dataclasses import dataclass
from secrets import token_urlsafe

from store import codec, keys
from store.hall import Hall

PATIENCE_S = 3.0
POLL_S = 0.05
TAKEN_WITHIN_S = 0.25
"""A predictor that is there takes a question at once, or is busy and has lately said that it lives."""
MOST_WAITING = 100
ANSWER_KEEP_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which call is meant."""

    question_id: str
    feed_id: str
    """GTFS feed."""
    trip: str
    """Raw id."""
    service_date: int
    """yyyymmdd."""
    position: int


async def ask(hall: Hall, *, feed_id: str, trip: str, service_date: int, position: int) -> bytes | None:
    """The predictor's answer as JSON (``null``: it says nothing of that call); None when nobody answers, at once where
    no predictor is there, else after ``PATIENCE_S``."""
    question = Question(
        question_id=token_urlsafe(12), feed_id=feed_id, trip=trip, service_date=service_date, position=position
    )
    asked = codec.encode(question)
    await hall.redis.rpush(keys.questions(), asked)
    await hall.redis.ltrim(keys.questions(), -MOST_WAITING, -1)
    doubt_at = int(TAKEN_WITHIN_S / POLL_S)
    for poll in range(int(PATIENCE_S / POLL_S)):
        answer: bytes | None = await hall.redis.get(keys.explanation(question.question_id))
        if answer is not None:
            return answer
        if (
            poll == doubt_at
            and not await hall.redis.exists(keys.heartbeat("predictor"))
            and await _take_back(hall, asked)
        ):
            return None
        await asyncio.sleep(POLL_S)
    await _take_back(hall, asked)
    return None


async def _take_back(hall: Hall, asked: bytes) -> bool:
    """Withdraw a question; False when somebody has it already."""
    return bool(await hall.redis.lrem(keys.questions(), 1, asked))


async def next_question(hall: Hall, wait_s: float) -> Question | None:
    """The oldest question, taken off the list; None when none came. Raises BlobUnusable."""
    found = await hall.redis.blpop([keys.questions()], timeout=wait_s)
    return None if found is None else codec.decode(found[1], Question)


async def answer(hall: Hall, question: Question, json: bytes) -> None:
    """Leave the answer for who asked."""
    await hall.redis.set(keys.explanation(question.question_id), json, ex=ANSWER_KEEP_S)

"""No answer makes an app drop a page, or look in vain for what the answer names."""

import json
from collections import Counter

from tests.conformance import ios
from tests.conformance.questions import Question

BY_STOP = "arrivals-and-departures-for-stop"


def test_every_answer_has_all_that_the_app_must_find(answers: list[tuple[Question, int, bytes]]) -> None:
    """Nothing missing, null, or a fraction where the app holds a whole number."""
    found = Counter(
        f"{question.endpoint} {fault}"
        for question, status, body in answers
        if status == 200
        for fault in ios.faults(question.endpoint, json.loads(body))
    )
    assert found == Counter()


def test_every_answer_refers_to_all_that_it_names(answers: list[tuple[Question, int, bytes]]) -> None:
    """Stops, trips, routes, agencies and notices; unless references are not wanted."""
    found = Counter(
        f"{question}: {fault}"
        for question, status, body in answers
        if status == 200 and "includeReferences=false" not in question.query
        for fault in ios.unreferred(question.endpoint, json.loads(body))
    )
    assert found == Counter()


def test_questions_cover_what_a_city_has(answers: list[tuple[Question, int, bytes]]) -> None:
    """The kit would prove nothing on empty answers."""
    by_stop = [json.loads(body) for question, _, body in answers if question.endpoint == BY_STOP]
    arrivals = [row for answer in by_stop for row in answer["data"]["entry"]["arrivalsAndDepartures"]]
    assert sum(status == 200 for _, status, _ in answers) > 250
    assert len(arrivals) > 20
    assert any(row["predicted"] for row in arrivals)
    assert all(status in (200, 404) for _, status, _ in answers)

"""Why one arrival is as it is told: the feed, the poll, the rule, the match, and the predictor's own sum."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain.realtime import TripRelationship
from store import explanations
from tests.api.asgi import get
from tests.api.town import DATE, Bus, Row, at
from tests.api.two_feeds import City, hill_late, late


async def test_explanation_names_feed_poll_and_rule(city: City) -> None:
    """Of a predicted arrival: who said what when, in its own words, and what became of it."""
    await city.say("live", {"stop_sequence": 7, "arrival_delay": 180})
    bus = Bus(name="7", row=0, lat=44.603, located=at(8, 4, 30))
    await city.tell("town", "live", [replace(late(3), vehicle=0)], [bus])
    found = await city.explained("1_mid", "1_t1")
    assert found["decision"]["because"] == "told_live"
    assert found["arrival"]["predictedArrivalTime"] == (at(8, 10) + 180) * 1000
    told = found["realtime"]
    assert (told["feed"], told["name"], told["kind"]) == ("live", "The town's", "trip_updates")
    assert (told["polledAt"], told["reportedAt"]) == (at(8, 4, 55) * 1000, at(8, 4, 40) * 1000)
    assert (told["match"], told["rule"], told["usable"]) == ("trip_id", "delay_of_call", True)
    assert told["said"]["ofThisCall"]["arrivalDelaySeconds"] == 180
    assert told["why"] == ""  # what is wrong with a feed may name hosts: for operators
    assert found["timetable"]["trip"]["arrivalTime"] == at(8, 10) * 1000
    assert (found["timetable"]["feed"], found["timetable"]["generation"]) == ("town", "g1")
    assert (found["prediction"]["source"], found["prediction"]["deviationSeconds"]) == ("agency", 180)
    assert found["vehicle"] | {"vehicleId": "1_7", "feed": "live", "isOnThisTrip": True} == found["vehicle"]


@pytest.mark.parametrize(
    ("updates", "trip", "rule"),
    [
        ([{"stop_sequence": 7, "time": at(8, 13)}], {}, "time_of_call"),
        ([{"stop_id": "mid", "time": at(8, 13)}], {}, "time_of_call"),
        ([{"stop_sequence": 5, "arrival_delay": 60}], {}, "delay_carried_on"),
        ([{"stop_id": "pier_1", "arrival_delay": 60}], {}, "delay_carried_on"),
        ([], {"delay": 90}, "delay_of_trip"),
        ([{"stop_sequence": 8, "arrival_delay": 60}], {}, "nothing_said"),
        ([{"stop_sequence": 7, "schedule_relationship": 2}], {}, "no_data"),
        ([{"stop_sequence": 7, "schedule_relationship": 1}], {}, "skipped"),
    ],
)  # fmt: skip
async def test_explanation_tells_how_words_became_a_time(
    city: City, updates: list[dict[str, Any]], trip: dict[str, Any], rule: str
) -> None:
    """Each way that the specification knows."""
    await city.say("live", *updates, **trip)
    await city.tell("town", "live", [late(3)])
    assert (await city.explained("1_mid", "1_t1"))["realtime"]["rule"] == rule


async def test_explanation_tells_how_the_trip_was_found(city: City) -> None:
    """By id, by an id with something before it, or by route and time."""
    for described, match in (
        ({"trip_id": "t1"}, "trip_id"),
        ({"trip_id": "AGENCY:t1"}, "trip_id_with_prefix"),
        ({"trip_id": "", "route_id": "r_10", "start_time": "08:00:00"}, "route_and_time"),
    ):
        await city.say("live", {"stop_sequence": 7, "arrival_delay": 180}, **described)
        await city.tell("town", "live", [late(3)])
        found = (await city.explained("1_mid", "1_t1"))["realtime"]
        assert (found["match"], found["rule"]) == (match, "delay_of_call")


async def test_explanation_tells_why_the_timetable_is_shown(city: City) -> None:
    """Nothing said; a feed that cannot be believed; predictions that nobody renews."""
    found = await city.explained("1_mid", "1_t1")
    assert (found["decision"]["because"], found["realtime"], found["prediction"]) == ("no_predictions", None, None)
    await city.tell("town", "live", [late(3)])
    assert (await city.explained("1_mid", "1_t3"))["decision"]["because"] == "nothing_live"
    city.unusable = {"live"}
    await city.clock.advance_s(2)
    found = await city.explained("1_mid", "1_t1")
    assert found["decision"]["because"] == "feed_not_usable"
    assert (found["arrival"]["predicted"], found["realtime"]["usable"]) == (False, False)
    # The predictor listens no longer to what cannot be believed: what that said is forgotten, why it is not.
    await city.tell("town", "live", [])
    assert (await city.explained("1_mid", "1_t1"))["decision"]["because"] == "feed_not_usable"
    city.unusable = set()
    await city.clock.advance_s(2)
    assert (await city.explained("1_mid", "1_t1"))["decision"]["because"] == "nothing_live"
    await city.tell("town", "live", [late(3)])
    await city.clock.advance_s(120)
    assert (await city.explained("1_mid", "1_t1"))["decision"]["because"] == "predictions_too_old"


@pytest.mark.parametrize(
    ("row", "because", "is_shown"),
    [
        (Row(trip="t1", relationship=TripRelationship.CANCELED, source=0), "cancelled", True),
        (Row(trip="t1", relationship=TripRelationship.DELETED, source=0), "deleted", False),
        (replace(late(0), calls=[("pier_1", at(8), at(8), 0), ("mid", 0, 0, 1), ("top", at(8, 20), at(8, 20), 0)]), "skipped", False),
        (replace(late(0), calls=[("pier_1", at(8), at(8), 0), ("mid", 0, 0, 2), ("top", at(8, 20), at(8, 20), 0)]), "silent_at_stop", True),
    ],
)  # fmt: skip
async def test_explanation_tells_why_nothing_is_promised(city: City, row: Row, because: str, is_shown: bool) -> None:
    """Also of calls that are not shown at all."""
    await city.tell("town", "live", [row])
    found = await city.explained("1_mid", "1_t1")
    assert (found["decision"]["because"], found["arrival"] is not None) == (because, is_shown)
    assert found["timetable"]["trip"]["tripId"] == "1_t1"


async def test_explanation_holds_the_predictors_own_sum(city: City) -> None:
    """Of a prediction made from what was learned, the predictor is asked; its answer is handed on as it is."""
    await city.tell("town", "live", [replace(late(3), source=3)])

    async def answers() -> explanations.Question | None:
        question = await explanations.next_question(city.hall, 5.0)
        if question is not None:
            await explanations.answer(city.hall, question, b'{"parts":[{"what":"segment","seconds":41.5}]}')
        return question

    answering = asyncio.create_task(answers())
    found = await city.explained("1_mid", "1_t1")
    question = await answering
    assert question is not None
    asked = (question.feed_id, question.trip, question.service_date, question.position)
    assert asked == ("town", "t1", DATE, 1)
    assert found["prediction"]["learned"] == {"parts": [{"what": "segment", "seconds": 41.5}]}
    assert (found["prediction"]["source"], found["realtime"]["rule"]) == ("learned", "learned")


async def test_explanation_reaches_across_feeds(city: City) -> None:
    """A trip of the hills at the town's stop of the same place."""
    await city.say("hill-live", {"stop_sequence": 2, "arrival_delay": 60})
    await city.tell("hills", "hill-live", [hill_late(1)])
    found = await city.explained("1_mid", "2_t1")
    assert (found["timetable"]["feed"], found["realtime"]["feed"]) == ("hills", "hill-live")
    assert found["arrival"]["stopId"] == "2_mid"


@pytest.mark.parametrize(
    ("query", "status"),
    [("stop=1_mid", 400), ("trip=1_t1", 400), ("stop=mid&trip=1_t1", 400), ("stop=1_mid&trip=1_none", 404),
     ("stop=1_top&trip=2_t1", 404), ("stop=1_mid&trip=1_t1&serviceDate=2026-11-22", 404),
     ("stop=1_mid&trip=1_t1&stopSequence=x", 400), ("stop=1_pier_1&trip=1_t2&serviceDate=2026-11-23", 404)],
)  # fmt: skip
async def test_explanation_of_nothing_is_refused(city: City, query: str, status: int) -> None:
    """A call that there is not cannot be explained."""
    answer = await get(city.application, f"/api/v1/explain/arrival?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, status)

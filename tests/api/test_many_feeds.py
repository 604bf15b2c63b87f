"""Two schedules that overlap, as one city: the same raw ids in both, places that both know, several realtime feeds.

``town`` is the town of all tests (agency code 1). ``hills`` has trips, stops and a vehicle of the very same raw ids, its
codes are 2; its stop ``mid`` is the town's ``mid`` across the street.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.transit.gtfs_realtime_pb2 import FeedMessage

from api.app import Application
from api.endpoints.explain import DECISIONS
from api.feed_words import MATCHES, RULES
from api.replica import Replica
from api.tables import MORE_ROUTES
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.feed_health import FeedHealth, FeedState
from domain.realtime import TripRelationship
from domain.situation import Selector, Situation, Translation
from feeds.formats import gtfs_realtime
from runtime.clock import FakeClock
from runtime.settings import Settings
from store import explanations, realtime
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import DATE, DAY, GTFS, Bus, Row, StillHall, at, import_bundle, predictions_of

HILLS = {
    "agency.txt": """
agency_id,agency_name,agency_url,agency_timezone,agency_lang,agency_phone
H,Hill Transit,https://hills.example,America/Halifax,en,
""",
    "stops.txt": """
stop_id,stop_code,stop_name,stop_lat,stop_lon
pier_1,77,Quay,44.60,-63.52
mid,78,Middle St at Hill,44.61,-63.5002
""",
    "routes.txt": """
route_id,agency_id,route_short_name,route_long_name,route_type
r_10,H,H10,Hill loop,3
""",
    "calendar.txt": GTFS["calendar.txt"],
    "trips.txt": """
route_id,service_id,trip_id,trip_headsign
r_10,WK,t1,Hills
""",
    "stop_times.txt": """
trip_id,arrival_time,departure_time,stop_id,stop_sequence
t1,08:00:00,08:00:00,pier_1,1
t1,08:12:00,08:12:00,mid,2
""",
}


def spec(feed_id: str, kind: FeedKind, *schedule: str, **more: Any) -> FeedSpec:
    return FeedSpec(feed_id=feed_id, kind=kind, url="http://x", interval_s=15, schedule=schedule, **more)


FEEDS = (
    spec("town", FeedKind.GTFS),
    spec("hills", FeedKind.GTFS),
    spec("live", FeedKind.TRIP_UPDATES, "town", name="The town's"),
    spec("hill-live", FeedKind.TRIP_UPDATES, "hills"),
    spec("notices", FeedKind.SITUATIONS, "town", "hills"),
    spec("better-notices", FeedKind.SITUATIONS, "town", priority=(("situations", 2),)),
)
EXPLAIN = "/api/v1/explain/arrival?serviceDate=2026-11-23&stop={}&trip={}"


class City:
    """The application on both timetables."""

    def __init__(self, home: Path, redis_url: str) -> None:
        self.bundles = {
            "town": import_bundle(home),
            "hills": import_bundle(home, HILLS, feed_id="hills", generation="h1", codes={"": "2", "H": "2"}),
        }
        self.clock = FakeClock(datetime.fromtimestamp(at(8, 5), UTC))
        self.still = StillHall()
        self.still.generations = {"town": "g1", "hills": "h1"}
        self.unusable: set[str] = set()
        self.still.all_records = {
            one.feed_id: FeedRecord(spec=one, started_epoch_s=DAY, last_success_epoch_s=at(8, 4, 55), polls_total=9)
            for one in FEEDS
        }
        settings = Settings(
            home=home, redis_url="", redis_is_embedded=False, feeds=FEEDS, accept_test_key=True,
            same_stops=(("1_mid", "2_mid"), ("1_top", "9_nowhere")),
        )  # fmt: skip
        self.replica = Replica(settings, self.clock, self.still, self._judge)
        self.hall = Hall.connect(redis_url)
        self.application = Application(settings, self.clock, self.replica, self.hall, MORE_ROUTES)

    def _judge(self, record: FeedRecord, now_epoch_s: float) -> FeedHealth:
        good = record.spec.feed_id not in self.unusable
        state = FeedState.OK if good else FeedState.STALE
        return FeedHealth(
            state=state, since_epoch_s=DAY, why="secret.host is slow", todo="", age_s=now_epoch_s, usable=good
        )

    async def tell(self, schedule: str, feed_id: str, rows: list[Row], buses: list[Bus] | None = None) -> None:
        made = predictions_of(self.bundles[schedule], rows, buses, computed=int(self.clock.now_epoch_s()))
        version = await self.still.predictions_version(schedule) + 1
        self.still.live[schedule] = (version, replace(made, feed_ids=[feed_id]))
        await self.replica.refresh()

    async def say(self, feed_id: str, *updates: dict[str, Any], **trip: Any) -> None:
        """Leave a TripUpdate for t1 in the hall, as the feed *feed_id* says it."""
        message = FeedMessage()
        message.header.gtfs_realtime_version, message.header.timestamp = "2.0", at(8, 4, 50)
        entity = message.entity.add()
        entity.id = "1"
        described = {"trip_id": "t1", "start_date": "20261123", **trip}
        delay = described.pop("delay", None)
        for name, value in described.items():
            setattr(entity.trip_update.trip, name, value)
        if delay is not None:
            entity.trip_update.delay = delay
        for said in updates:
            update = entity.trip_update.stop_time_update.add()
            for name, value in said.items():
                if name in ("time", "arrival_delay"):
                    setattr(update.arrival, name.removeprefix("arrival_"), value)
                else:
                    setattr(update, name, value)
        items = gtfs_realtime.decode(message.SerializeToString(), feed_id=feed_id, now_epoch_s=at(8, 5)).items
        await realtime.put(self.hall, feed_id, at_epoch_s=at(8, 4, 55), trip_updates=items.trip_updates)

    async def data(self, path: str, query: str = "") -> Any:
        answer = await get(self.application, f"/api/where/{path}.json?key=test{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def explained(self, stop: str, trip: str, more: str = "") -> Any:
        answer = await get(self.application, EXPLAIN.format(stop, trip) + more)
        assert answer.status_code == 200, answer.text
        found = json.loads(answer.content)
        assert found["decision"]["text"] == DECISIONS[found["decision"]["because"]]
        if found["realtime"]:
            assert found["realtime"]["ruleText"] == RULES[found["realtime"]["rule"]]
            assert found["realtime"]["matchText"] == MATCHES[found["realtime"]["match"]]
        return found


@pytest.fixture
async def city(tmp_path: Path, redis_url: str) -> AsyncIterator[City]:
    city = City(tmp_path, redis_url)
    await city.replica.refresh()
    yield city
    await city.hall.close()


def late(minutes: int) -> Row:
    """The town's t1, that late."""
    calls = [("pier_1", 0), ("mid", 10), ("top", 20), ("C1", 30)]
    return Row(trip="t1", calls=[(s, at(8, m) + 60 * minutes, at(8, m) + 60 * minutes, 0) for s, m in calls],
               updated=at(8, 4, 40), deviation=60 * minutes)  # fmt: skip


def hill_late(minutes: int) -> Row:
    """The hills' t1, that late."""
    calls = [("pier_1", 0), ("mid", 12)]
    return Row(trip="t1", calls=[(s, at(8, m) + 60 * minutes, at(8, m) + 60 * minutes, 0) for s, m in calls])


# --- ids that collide


async def test_ids_that_collide_are_kept_apart(city: City) -> None:
    """The same raw stop, route, trip and vehicle ids in two feeds are two things each, told live each by its own feed."""
    await city.tell("town", "live", [late(3)], [Bus(name="7", row=0, lat=44.603)])
    await city.tell("hills", "hill-live", [hill_late(1)], [Bus(name="7", row=0, lat=44.606, lon=-63.51)])
    assert (await city.data("stop/1_mid"))["entry"]["name"] == "Middle Street"
    assert (await city.data("stop/2_mid"))["entry"]["name"] == "Middle St at Hill"
    assert (await city.data("route/2_r_10"))["entry"]["shortName"] == "H10"
    deviations = {
        trip: (await city.data(f"trip-details/{trip}"))["entry"]["status"]["scheduleDeviation"]
        for trip in ("1_t1", "2_t1")
    }
    assert deviations == {"1_t1": 180, "2_t1": 0}
    assert (await city.data("trip-for-vehicle/1_7"))["entry"]["tripId"] == "1_t1"
    assert (await city.data("trip-for-vehicle/2_7"))["entry"]["tripId"] == "2_t1"
    assert [one["agencyId"] for one in (await city.data("agencies-with-coverage"))["list"]] == ["1", "40", "2"]


async def test_agency_code_of_two_feeds_is_that_of_the_first(tmp_path: Path, redis_url: str) -> None:
    """An import refuses it; where it happened all the same, ids go on meaning what they meant."""
    city = City(tmp_path, redis_url)
    city.bundles["hills"] = import_bundle(tmp_path, HILLS, feed_id="hills", generation="h2", codes={"": "1", "H": "1"})
    city.still.generations["hills"] = "h2"
    await city.replica.refresh()
    assert (await city.data("stop/1_mid"))["entry"]["name"] == "Middle Street"
    await city.hall.close()


# --- one place, several ids


async def test_same_stops_show_the_arrivals_of_all_at_each(city: City) -> None:
    """In the order they come, each with the stop's id of its own feed, so that an app can ask on with it."""
    await city.tell("town", "live", [late(3)])
    expected = [("2_t1", "2_mid"), ("1_t1", "1_mid")]
    for stop in ("1_mid", "2_mid"):
        data = await city.data(f"arrivals-and-departures-for-stop/{stop}", "&minutesAfter=20")
        entry = data["entry"]
        assert entry["stopId"] == stop
        assert [(one["tripId"], one["stopId"]) for one in entry["arrivalsAndDepartures"]] == expected
        assert {"1_mid", "2_mid"} <= {one["id"] for one in data["references"]["stops"]}
        assert {"1_r_10", "2_r_10"} <= {one["id"] for one in data["references"]["routes"]}
        assert {"1", "2"} <= {one["id"] for one in data["references"]["agencies"]}
    assert [one["predicted"] for one in entry["arrivalsAndDepartures"]] == [False, True]


async def test_same_stops_name_the_routes_of_all(city: City) -> None:
    """A place is served by the routes of every feed that knows it; all of them are referred to, with their agencies."""
    for stop, routes in (("1_mid", ["1_r_10", "40_hill", "2_r_10"]), ("2_mid", ["2_r_10", "1_r_10", "40_hill"])):
        data = await city.data(f"stop/{stop}")
        assert data["entry"]["routeIds"] == data["entry"]["staticRouteIds"] == routes
        assert {one["id"] for one in data["references"]["routes"]} == set(routes)
        assert {one["id"] for one in data["references"]["agencies"]} == {"1", "40", "2"}
    assert (await city.data("stop/2_pier_1"))["entry"]["routeIds"] == ["2_r_10"]
    nearby = await city.data("stops-for-location", "&lat=44.61&lon=-63.5&radius=50")
    assert {one["id"]: one["routeIds"] for one in nearby["list"]}["1_mid"] == ["1_r_10", "40_hill", "2_r_10"]


async def test_same_stops_show_the_schedule_of_all_at_each(city: City) -> None:
    """The stop's own routes first; the stop that was asked for stands first among the references."""
    for stop, routes in (("1_mid", ["1_r_10", "40_hill", "2_r_10"]), ("2_mid", ["2_r_10", "1_r_10", "40_hill"])):
        data = await city.data(f"schedule-for-stop/{stop}", "&date=2026-11-23")
        assert data["entry"]["stopId"] == stop == data["references"]["stops"][0]["id"]
        assert [one["routeId"] for one in data["entry"]["stopRouteSchedules"]] == routes
        assert {one["id"] for one in data["references"]["routes"]} == set(routes)


async def test_same_stops_follow_a_new_timetable_of_either_feed(city: City) -> None:
    """What was encoded for the one is renewed when the other's routes change."""
    assert (await city.data("stop/1_mid"))["entry"]["routeIds"] == ["1_r_10", "40_hill", "2_r_10"]
    assert len((await city.data("schedule-for-stop/1_mid"))["entry"]["stopRouteSchedules"]) == 3
    renamed = {
        **HILLS,
        "routes.txt": HILLS["routes.txt"].replace("r_10", "new"),
        "trips.txt": HILLS["trips.txt"].replace("r_10", "new"),
    }
    city.bundles["hills"] = import_bundle(
        city.replica.settings.home, renamed, feed_id="hills", generation="h2", codes={"": "2", "H": "2"}
    )
    city.still.generations["hills"] = "h2"
    await city.replica.refresh()
    assert (await city.data("stop/1_mid"))["entry"]["routeIds"] == ["1_r_10", "40_hill", "2_new"]
    schedules = (await city.data("schedule-for-stop/1_mid"))["entry"]["stopRouteSchedules"]
    assert [one["routeId"] for one in schedules] == ["1_r_10", "40_hill", "2_new"]


async def test_same_stops_leave_other_stops_alone(city: City) -> None:
    """A group with an id that nobody has is the others alone; stops of no group are as they were."""
    for stop in ("1_top", "2_pier_1", "1_pier_1"):
        data = await city.data(f"arrivals-and-departures-for-stop/{stop}", "&minutesAfter=60")
        assert {one["stopId"] for one in data["entry"]["arrivalsAndDepartures"]} == {stop}


async def test_one_arrival_is_found_at_either_id(city: City) -> None:
    """The hills' trip asked for at the town's stop of the same place; not at a stop it has nothing to do with."""
    query = "&tripId=2_t1&serviceDate=2026-11-23"
    entry = (await city.data("arrival-and-departure-for-stop/1_mid", query))["entry"]
    assert (entry["tripId"], entry["stopId"], entry["stopSequence"]) == ("2_t1", "2_mid", 1)
    refused = await get(city.application, f"/api/where/arrival-and-departure-for-stop/1_top.json?key=test{query}")
    assert refused.status_code == 404


async def test_same_stops_are_one_on_pages_and_streams_and_in_batches(city: City) -> None:
    """Wherever a stop's arrivals are shown."""
    batch = (await get(city.application, "/api/v1/arrivals?stops=2_mid&minutesAfter=20")).json()["data"]["list"]
    assert {one["tripId"] for one in batch[0]["arrivalsAndDepartures"]} == {"1_t1", "2_t1"}
    page = (await get(city.application, "/stops/1_mid")).text
    assert "H10" not in page  # it ends here: nobody boards
    page = (await get(city.application, "/stops/2_mid")).text
    assert ">10<" in page.replace("\n", "")


# --- notices of several feeds


def notice(feed_id: str, text: str, stop: str = "mid") -> Situation:
    return Situation(
        raw_id="7", feed_id=feed_id, created_epoch_s=DAY, periods=(), selectors=(Selector(stop_raw_id=stop),), cause="",
        effect="", severity="", header=(Translation(text=text, language="en"),), description=(), url=(),
    )  # fmt: skip


async def test_notices_with_one_id_are_kept_apart_unless_they_say_the_same(city: City) -> None:
    """The feed with the higher priority keeps the id; the other's becomes id@feed; a repetition is left out."""
    city.still.notices = {
        "notices": (1, (notice("notices", "Moved"),)),
        "better-notices": (1, (notice("better-notices", "Shut"),)),
    }
    await city.replica.refresh()

    async def said() -> dict[str, str]:
        data = await city.data("arrivals-and-departures-for-stop/1_mid")
        return {one["id"]: one["summary"]["value"] for one in data["references"]["situations"]}

    assert await said() == {"1_7": "Shut", "1_7@notices": "Moved", "2_7": "Moved"}
    assert (await city.data("situation/1_7@notices"))["entry"]["summary"]["value"] == "Moved"
    city.still.notices["notices"] = (2, (notice("notices", "Shut"),))
    await city.replica.refresh()
    assert await said() == {"1_7": "Shut", "2_7": "Shut"}


# --- why do I see this


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
    city.unusable = set()
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

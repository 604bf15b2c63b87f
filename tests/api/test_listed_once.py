"""What apps would take for one visit is listed so that they show the one to wait for."""

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from api.endpoints.events import subject_of
from tests.api.asgi import get
from tests.api.live_feed import arrivals, call, hear, of_trip
from tests.api.town import GTFS, Town, at, ms

EXACT = {**GTFS, "frequencies.txt": GTFS["frequencies.txt"].replace("900,0", "900,1")}


def times(rows: list[dict[str, Any]], trip: str) -> list[int]:
    return [row["scheduledDepartureTime"] for row in of_trip(rows, trip)]


@pytest.mark.parametrize(
    ("now", "window", "listed"),
    [
        ((11, 50), "minutesBefore=0&minutesAfter=40", [ms(12)]),
        ((12, 1), "minutesBefore=60&minutesAfter=60", [ms(12, 15)]),
        ((12, 15), "minutesBefore=60&minutesAfter=60", [ms(12, 15)]),
        ((12, 20), "minutesBefore=60&minutesAfter=60", [ms(12, 15)]),
        ((12, 20), "minutesBefore=1&minutesAfter=60", []),
    ],
)
def test_a_trip_without_published_times_is_listed_once(
    town: Town, now: tuple[int, int], window: str, listed: list[int]
) -> None:
    """Its next run, else its last; how often it comes stands beside it."""
    rows = arrivals(town, "pier_1", f"time={ms(*now)}&{window}")
    assert times(rows, "40_shuttle") == listed
    assert [row["frequency"]["headway"] for row in of_trip(rows, "40_shuttle")] == [900] * len(listed)


@pytest.mark.parametrize("now", [(11, 50), (12, 0), (12, 1), (12, 14), (12, 15), (12, 20)])
def test_the_run_that_is_listed_is_the_one_that_is_told_alone(town: Town, now: tuple[int, int]) -> None:
    """Apps ask on for what they list, with its trip and day."""
    (listed,) = of_trip(arrivals(town, "pier_1", f"time={ms(*now)}&minutesBefore=60"), "40_shuttle")
    query = f"key=test&time={ms(*now)}&tripId=40_shuttle&serviceDate={listed['serviceDate']}"
    assert town.data("arrival-and-departure-for-stop/1_pier_1", query)["entry"] == listed


def test_around_a_place_each_stop_has_its_own_next_run(town: Town) -> None:
    """The shuttle leaves the pier at 12:00 and 12:15 and is at the middle six minutes later."""
    where = "lat=44.61&lon=-63.51&latSpan=0.1&lonSpan=0.1"
    data = town.data("arrivals-and-departures-for-location", f"key=test&{where}&time={ms(12, 4)}&minutesAfter=30")
    rows = of_trip(data["entry"]["arrivalsAndDepartures"], "40_shuttle")
    assert [(row["stopId"], row["scheduledDepartureTime"]) for row in rows] == [
        ("1_mid", ms(12, 6)),
        ("1_pier_1", ms(12, 15)),
    ]


async def test_runs_with_published_times_are_all_listed_once_none_has_left(tmp_path: Path) -> None:
    """exact_times=1: apps show the first of one trip and day, so that one must not be gone."""
    town = Town(tmp_path, files=EXACT)
    await town.replica.refresh()
    for now, listed in (((11, 50), [ms(12), ms(12, 15)]), ((12, 1), [ms(12, 15)]), ((12, 20), [ms(12, 15)])):
        rows = arrivals(town, "pier_1", f"time={ms(*now)}&minutesBefore=60&minutesAfter=60")
        assert times(rows, "40_shuttle") == listed
        assert {row["frequency"] for row in of_trip(rows, "40_shuttle")} == {None}


async def test_a_duplicate_without_an_id_of_its_own_does_not_hide_behind_the_original(town: Town) -> None:
    """At the pier the original has left; at the middle both are to come."""
    copied = (
        'entity { id: "d" trip_update { trip { trip_id: "t1" start_date: "20261123" start_time: "08:20:00" '
        f"schedule_relationship: DUPLICATED }} {call('pier_1', at(8, 20))} {call('mid', at(8, 30))} }} }}"
    )
    await hear(town, copied)
    rows = of_trip(arrivals(town, "pier_1", "minutesBefore=30"), "1_t1")
    assert [(row["status"], row["predictedDepartureTime"]) for row in rows] == [("DUPLICATED", ms(8, 20))]
    rows = of_trip(arrivals(town, "mid", "minutesBefore=30"), "1_t1")
    assert [row["status"] for row in rows] == ["default", "DUPLICATED"]


async def test_batches_and_streams_hold_every_run(town: Town) -> None:
    """They are not read by apps that know a visit by its trip; rows of a stream have keys of their own."""
    await town.clock.advance_s(4 * 3600)
    batch = (await get(town.application, "/api/v1/arrivals?stops=1_pier_1&minutesBefore=10&minutesAfter=20")).json()
    assert times(batch["data"]["list"][0]["arrivalsAndDepartures"], "40_shuttle") == [ms(12), ms(12, 15)]
    await town.clock.advance_s(-600)
    path = "/api/v1/stops/1_pier_1/events"
    subject = subject_of(
        path, Request({"type": "http", "app": town.application.starlette, "query_string": b"", "headers": []})
    )
    assert subject is not None
    shuttles = [key for key, row in subject.look().items() if b"40_shuttle" in row]
    assert shuttles == [f"40_shuttle {ms(0)} 0", f"40_shuttle {ms(0)} 0 {ms(12, 15)}"]


@pytest.mark.parametrize(
    ("query", "shuttles", "others"),
    [
        ("minutesBefore=0&minutesAfter=60", [ms(12)], 1),
        ("minutesBefore=0&minutesAfter=60&frequencyMinutesAfter=5", [], 1),
        ("minutesBefore=0&minutesAfter=0&frequencyMinutesAfter=10", [ms(12)], 0),
        ("minutesBefore=0&minutesAfter=0&frequencyMinutesBefore=9", [ms(12)], 0),
    ],
)
async def test_trips_without_published_times_may_have_a_window_of_their_own(
    tmp_path: Path, query: str, shuttles: list[int], others: int
) -> None:
    """At 11:50; a trip with times leaves at 12:20. Where only one end is given, the other is OneBusAway's."""
    later = GTFS["stop_times.txt"].replace("express,08:05:00,08:05:00", "express,12:20:00,12:20:00")
    town = Town(tmp_path, files={**GTFS, "stop_times.txt": later.replace("08:25:00", "12:40:00")})
    await town.replica.refresh()
    rows = arrivals(town, "pier_1", f"time={ms(11, 50)}&{query}")
    assert times(rows, "40_shuttle") == shuttles
    assert len(of_trip(rows, "40_express")) == others


@pytest.mark.parametrize("name", ["frequencyMinutesBefore", "frequencyMinutesAfter"])
@pytest.mark.parametrize("value", ["-1", "2147483648", "x", "1.5"])
def test_a_window_that_is_none_is_refused(town: Town, name: str, value: str) -> None:
    """As the ordinary one is."""
    status, body = town.ask("arrivals-and-departures-for-stop/1_pier_1", f"key=test&{name}={value}")
    assert (status, list(body["data"]["fieldErrors"])) == (400, [name])

"""What Wayfinder and OneBusAway's app for Android take for granted beyond the contract. Source: their code, November 2026."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.conformance.cities import City
from tests.conformance.questions import Question

Answers = list[tuple[Question, int, bytes]]
ARRIVALS = ("arrivals-and-departures-for-stop", "arrivals-and-departures-for-location")


def data_of(answers: Answers, *endpoints: str) -> Iterator[tuple[Question, Any]]:
    for question, status, body in answers:
        if status == 200 and question.endpoint in endpoints and "includeReferences=false" not in question.query:
            yield question, json.loads(body)["data"]


def arrivals_of(answers: Answers) -> Iterator[tuple[Question, dict[str, Any]]]:
    for question, data in data_of(answers, *ARRIVALS):
        for row in data["entry"]["arrivalsAndDepartures"]:
            yield question, row


def test_no_two_rows_are_one_visit(answers: Answers) -> None:
    """Lists are keyed by trip, day and position; only a duplicate without an id of its own may share them."""
    for question, data in data_of(answers, *ARRIVALS):
        rows = Counter(
            (row["stopId"], row["tripId"], row["serviceDate"], row["stopSequence"])
            for row in data["entry"]["arrivalsAndDepartures"]
            if row["status"] != "DUPLICATED"
        )
        assert [key for key, count in rows.items() if count > 1] == [], question


def test_whether_a_trip_is_called_off_stands_on_its_status(answers: Answers) -> None:
    """``status`` of the arrival itself is read by nobody."""
    said = [
        (question, row["tripStatus"]["status"]) for question, row in arrivals_of(answers) if row["status"] == "CANCELED"
    ]
    assert {status for _, status in said} <= {"CANCELED"}


def test_times_are_only_there_where_something_is_predicted(answers: Answers) -> None:
    """A time above 0 is shown as live, whatever ``predicted`` says; also at a first stop, where the arrival is shown."""
    wrong = [
        (question, row["tripId"])
        for question, row in arrivals_of(answers)
        if {row["predicted"]} != {row["predictedArrivalTime"] > 0, row["predictedDepartureTime"] > 0}
    ]
    assert wrong == []


def test_a_schedules_first_stop_is_the_one_asked_for(answers: Answers) -> None:
    """Its name is the page's title."""
    found = [
        (data["entry"]["stopId"], data["references"]["stops"][0]["id"])
        for _, data in data_of(answers, "schedule-for-stop")
    ]
    assert [pair for pair in found if pair[0] != pair[1]] == []


def test_a_routes_vehicles_can_be_drawn(answers: Answers) -> None:
    """Each has a place, and its active trip is among the references."""
    wrong = [
        (question, row["tripId"])
        for question, data in data_of(answers, "trips-for-route")
        for row in data["list"]
        if "status" in row
        and (
            "position" not in row["status"]
            or row["status"]["activeTripId"] not in {it["id"] for it in data["references"]["trips"]}
        )
    ]
    assert wrong == []


def test_a_routes_schedule_names_where_each_trip_goes(answers: Answers) -> None:
    """That tells trips which end early."""
    for question, data in data_of(answers, "schedule-for-route"):
        headsigns = {trip["id"]: trip["tripHeadsign"] for trip in data["references"]["trips"]}
        trips = {trip for group in data["entry"]["stopTripGroupings"] for trip in group["tripIds"]}
        assert trips <= headsigns.keys(), question
        assert all(headsigns[trip].strip() for trip in trips), question


def test_the_shape_of_every_trip_can_be_had(city: City, answers: Answers) -> None:
    """Drawn when a rider opens an arrival."""
    shapes = {
        trip["shapeId"] for _, data in data_of(answers, "trip-details", "arrivals-and-departures-for-stop") for trip in data["references"]["trips"]
    } - {""}  # fmt: skip
    asked = {shape: city.ask(f"shape/{quote(shape, safe='')}") for shape in sorted(shapes)[:100]}
    assert [shape for shape, (status, body) in asked.items() if status != 200 or b'"points":""' in body] == []


def test_a_routes_directions_can_be_chosen_from(answers: Answers) -> None:
    """Each by an id and a name; the parts of a schedule go by the same ids."""
    directions: dict[str, set[str]] = {}
    for question, data in data_of(answers, "stops-for-route"):
        groups = data["entry"]["stopGroupings"][0]["stopGroups"]
        assert all(group["id"] and group["name"]["name"] and group["stopIds"] for group in groups), question
        assert len({group["id"] for group in groups}) == len(groups), question
        directions[data["entry"]["routeId"]] = {group["id"] for group in groups}
    for question, data in data_of(answers, "schedule-for-route"):
        known = directions.get(data["entry"]["routeId"])
        parts = [group["directionId"] for group in data["entry"]["stopTripGroupings"]]
        assert known is None or set(parts) <= known, question
        assert len(set(parts)) == len(parts), question

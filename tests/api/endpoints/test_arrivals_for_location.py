"""Everything that comes to the stops around a place."""

from tests.api.town import Row, Town, at


def test_arrivals_for_location_are_those_of_all_stops_around(town: Town) -> None:
    """In order of time; the stops by distance; stations stand for nothing of their own."""
    entry = town.data("arrivals-and-departures-for-location", "key=test&lat=44.63&lon=-63.50&radius=300")["entry"]
    assert entry["stopIds"] == ["1_C1", "1_C2"]
    assert [(row["tripId"], row["stopId"]) for row in entry["arrivalsAndDepartures"]] == [
        ("40_express", "1_C2"),
        ("1_t1", "1_C1"),
        ("1_t2", "1_C2"),
    ]
    near, far = entry["nearbyStopIds"]
    assert near == {"stopId": "1_C1", "distanceFromQuery": 0.0}
    assert (far["stopId"], round(far["distanceFromQuery"])) == ("1_C2", 79)
    assert (entry["limitExceeded"], entry["situationIds"]) == (False, [])


def test_arrivals_for_location_take_spans_modes_and_a_limit(town: Town) -> None:
    """As apps ask: a box and minutesAfter."""
    box = "lat=44.615&lon=-63.50&latSpan=0.04&lonSpan=0.01&minutesAfter=10"
    entry = town.data("arrivals-and-departures-for-location", f"key=test&{box}")["entry"]
    assert [row["tripId"] for row in entry["arrivalsAndDepartures"]] == ["1_t1", "40_express", "1_t1"]
    assert town.data("arrivals-and-departures-for-location", f"key=test&{box}&routeType=0")["entry"]["stopIds"] == []
    few = town.data("arrivals-and-departures-for-location", f"key=test&{box}&maxCount=2")["entry"]
    assert (len(few["stopIds"]), few["limitExceeded"]) == (2, True)


async def test_arrivals_for_location_tell_what_is_live(town: Town) -> None:
    """As at the stop itself."""
    calls = [("pier_1", at(8, 7), at(8, 7), 0), ("mid", at(8, 17), at(8, 17), 0),
             ("top", at(8, 27), at(8, 28), 0), ("C1", at(8, 37), at(8, 37), 0)]  # fmt: skip
    await town.tell([Row(trip="t1", calls=calls, updated=at(8, 5), deviation=420)])
    entry = town.data(
        "arrivals-and-departures-for-location", "key=test&lat=44.61&lon=-63.50&radius=20&minutesAfter=20"
    )["entry"]
    (row,) = entry["arrivalsAndDepartures"]
    assert (row["predicted"], row["predictedArrivalTime"]) == (True, at(8, 17) * 1000)


def test_arrivals_for_location_without_any_are_empty_or_not_found(town: Town) -> None:
    """emptyReturnsNotFound decides; a place must be given."""
    far = "key=test&lat=10&lon=10"
    assert town.data("arrivals-and-departures-for-location", far)["entry"]["arrivalsAndDepartures"] == []
    assert town.ask("arrivals-and-departures-for-location", f"{far}&emptyReturnsNotFound=true")[0] == 404
    status, body = town.ask("arrivals-and-departures-for-location", "key=test&lat=44.6")
    assert (status, list(body["data"]["fieldErrors"])) == (400, ["lon"])

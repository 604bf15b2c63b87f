"""What one vehicle runs."""

from tests.api.town import Town


def test_block_lists_its_trips_in_order_with_calls_counted_through(town: Town) -> None:
    """Distances and places count on from trip to trip; every kind of day is one configuration."""
    data = town.data("block/1_b1")
    entry = data["entry"]
    assert entry["id"] == "1_b1"
    (only,) = entry["configurations"]
    assert (only["activeServiceIds"], only["inactiveServiceIds"]) == (["1_WK"], [])
    first, second = only["trips"]
    assert (first["tripId"], second["tripId"]) == ("1_t1", "1_t2")
    assert [call["blockSequence"] for call in second["blockStopTimes"]] == [4, 5, 6]
    assert round(second["distanceAlongBlock"]) == 3336
    assert first["blockStopTimes"][3]["stopTime"] == {
        "arrivalTime": 30_600,
        "departureTime": 30_600,
        "dropOffType": 0,
        "pickupType": 1,
        "stopId": "1_C1",
    }
    assert {trip["id"] for trip in data["references"]["trips"]} == {"1_t1", "1_t2"}
    assert "1_mid b/2" in {stop["id"] for stop in data["references"]["stops"]}


def test_block_that_is_not_there_is_not_found(town: Town) -> None:
    """404, and 400 for what is no id."""
    assert town.ask("block/1_b9")[0] == 404
    assert town.ask("block/b1")[0] == 400

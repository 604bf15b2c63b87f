"""What does not run as planned, and what runs beside the timetable: cancelled, skipped, added, duplicated, replaced."""

from tests.api.live_feed import arrivals, call, hear, of_trip, update
from tests.api.town import Town, at, ms


async def test_cancelled_trip_is_shown_as_cancelled(town: Town) -> None:
    """Where it was scheduled, with nothing predicted; on its status too."""
    await hear(town, update("t1", "", more="schedule_relationship: CANCELED"))
    (row,) = of_trip(arrivals(town, "mid"), "1_t1")
    assert (row["status"], row["predicted"], row["predictedArrivalTime"]) == ("CANCELED", False, 0)
    assert row["scheduledArrivalTime"] == ms(8, 10)
    assert town.data("trip-details/1_t1")["entry"]["status"]["status"] == "CANCELED"


async def test_skipped_stop_is_not_promised(town: Town) -> None:
    """Neither by its time nor by a delay that is carried on; the next stop is."""
    skipped = 'stop_time_update { stop_id: "mid" schedule_relationship: SKIPPED } '
    await hear(town, update("t1", call("pier_1", at(8, 6)) + skipped + call("top", at(8, 26))))
    assert of_trip(arrivals(town, "mid"), "1_t1") == []
    (row,) = of_trip(arrivals(town, "top"), "1_t1")
    assert (row["predicted"], row["predictedArrivalTime"]) == (True, ms(8, 26))


async def test_added_trip_appears(town: Town) -> None:
    """With its route, its headsign and its own times."""
    more = 'schedule_relationship: ADDED route_id: "r_10" start_time: "08:15:00"'
    await hear(town, update("extra", call("pier_1", at(8, 15)) + call("C1", at(8, 35)), more=more))
    (row,) = of_trip(arrivals(town, "C1"), "1_extra")
    assert (row["predictedArrivalTime"], row["routeId"], row["status"]) == (ms(8, 35), "1_r_10", "ADDED")
    assert row["stopSequence"] == 1


async def test_duplicated_trip_appears_beside_the_original(town: Town) -> None:
    """Two runs, each with its own times."""
    copied = (
        f'entity {{ id: "d" trip_update {{ trip {{ trip_id: "t1" start_date: "20261123" schedule_relationship: DUPLICATED }} '
        f'trip_properties {{ trip_id: "t1-again" start_date: "20261123" start_time: "08:20:00" }} '
        f"{call('pier_1', at(8, 20))} {call('mid', at(8, 31))} }} }}"
    )
    await hear(town, copied)
    rows = arrivals(town, "mid")
    assert [row["predictedArrivalTime"] for row in of_trip(rows, "1_t1-again")] == [ms(8, 31)]
    assert [row["scheduledArrivalTime"] for row in of_trip(rows, "1_t1")] == [ms(8, 10)]


async def test_replacement_trip_stands_for_the_original(town: Town) -> None:
    """Its stops count, those of the timetable do not."""
    calls = call("pier_1", at(8, 7)) + call("C2", at(8, 33))
    await hear(town, update("t1", calls, more="schedule_relationship: REPLACEMENT"))
    assert of_trip(arrivals(town, "mid"), "1_t1") == []
    assert [row["predictedArrivalTime"] for row in of_trip(arrivals(town, "C2"), "1_t1")] == [ms(8, 33)]

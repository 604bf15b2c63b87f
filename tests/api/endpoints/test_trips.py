"""Trips, and trips that are under way."""

from tests.api.town import CALLS_OF_T1, DATE, DAY, Bus, Row, Town, at


async def bus_on_t1(town: Town) -> None:
    """t1 two minutes late, its bus 334 m after the pier."""
    bus = Bus(name="bus 7", row=0, lat=44.603, distance_m=334.0, next_position=1, next_offset_s=420, located=at(8, 5))
    rows = [Row(trip="t1", calls=CALLS_OF_T1, vehicle=0, updated=at(8, 5), deviation=120)]
    await town.tell(rows, [bus])


def shown(town: Town, path: str, query: str = "") -> list[str]:
    return [row["tripId"] for row in town.data(path, f"key=test&{query}")["list"]]


def test_trip_is_told_with_its_route_and_agency(town: Town) -> None:
    """Blank where the timetable says nothing."""
    data = town.data("trip/1_t2")
    assert data["entry"] == {
        "blockId": "1_b1",
        "directionId": "1",
        "id": "1_t2",
        "peakOffpeak": 0,
        "routeId": "1_r_10",
        "routeShortName": "",
        "serviceId": "1_WK",
        "shapeId": "",
        "timeZone": "",
        "tripHeadsign": "Middle Street (south)",
        "tripShortName": "",
    }
    assert [route["id"] for route in data["references"]["routes"]] == ["1_r_10"]
    assert [agency["id"] for agency in data["references"]["agencies"]] == ["1"]
    assert town.ask("trip/1_t99")[0] == 404


async def test_trip_of_a_realtime_feed_is_found_while_it_is_told(town: Town) -> None:
    """An added trip that the timetable does not have."""
    calls = [("pier_1", at(8, 10), at(8, 10), 0), ("C1", at(8, 30), at(8, 30), 0)]
    names = {"trip_id": "extra", "route_id": "r_10", "headsign": "Extra"}
    await town.tell([Row(calls=calls, relationship=1, own=True, names=names, updated=at(8, 5))])
    assert town.data("trip/1_extra")["entry"]["tripHeadsign"] == "Extra"
    assert town.data("trip-details/1_extra")["entry"]["status"]["status"] == "ADDED"


async def test_trip_for_vehicle_tells_the_trip_with_schedule_and_status(town: Town) -> None:
    """Without parameters it has all that an app shows; an id may hold a space."""
    await bus_on_t1(town)
    data = town.data("trip-for-vehicle/1_bus 7")
    assert data["entry"]["tripId"] == "1_t1"
    assert data["entry"]["serviceDate"] == DAY * 1000
    assert data["entry"]["status"]["vehicleId"] == "1_bus 7"
    assert [call["stopId"] for call in data["entry"]["schedule"]["stopTimes"]] == [
        "1_pier_1", "1_mid", "1_top", "1_C1",
    ]  # fmt: skip
    bare = town.data("trip-for-vehicle/1_bus 7", "key=test&includeSchedule=false&includeStatus=false")
    assert sorted(bare["entry"]) == ["frequency", "serviceDate", "situationIds", "tripId"]


async def test_trip_for_vehicle_off_trip_stale_or_unheard_of_is_not_found(town: Town) -> None:
    """404 for each, and for the vehicle itself."""
    await town.tell([], [Bus(name="idle", row=-1, lat=44.6, located=at(8, 5))])
    assert town.ask("trip-for-vehicle/1_idle")[0] == 404
    assert town.ask("vehicle/1_idle")[0] == 404
    assert town.ask("trip-for-vehicle/1_nobody")[0] == 404
    await bus_on_t1(town)
    assert town.data("vehicle/1_bus 7")["entry"]["tripStatus"]["activeTripId"] == "1_t1"
    town.usable = False
    await town.clock.advance_s(1)
    assert town.ask("trip-for-vehicle/1_bus 7")[0] == 404


async def test_trips_for_route_are_those_under_way(town: Town) -> None:
    """By the clock where nothing live is known; a bus that is late stays until it arrives; a cancelled one is gone."""
    assert shown(town, "trips-for-route/1_r_10") == ["1_t1"]
    await bus_on_t1(town)
    await town.clock.advance_s(26.5 * 60)  # 08:31:30: scheduled to be over, told 08:32; t3 is under way too
    await town.tell([Row(trip="t1", calls=CALLS_OF_T1, updated=at(8, 31))])
    assert shown(town, "trips-for-route/1_r_10") == ["1_t1", "1_t3"]
    await town.tell([Row(trip="t1", relationship=3, source=0), Row(trip="t3", calls=[], source=0, relationship=3)])
    assert shown(town, "trips-for-route/1_r_10") == []


def test_trips_for_route_leaves_out_what_is_not_asked_for(town: Town) -> None:
    """Details are whole unless told otherwise; maxCount limits."""
    (row,) = town.data("trips-for-route/1_r_10")["list"]
    assert {"schedule", "status"} <= set(row)
    (row,) = town.data("trips-for-route/1_r_10", "key=test&includeSchedule=false&includeStatus=false")["list"]
    assert sorted(row) == ["frequency", "serviceDate", "situationIds", "tripId"]
    assert town.data("trips-for-route/40_hill", "key=test&maxCount=1")["limitExceeded"] is False
    assert town.ask("trips-for-route/1_nobody")[0] == 404


async def test_trips_for_location_finds_vehicles_and_trips_by_the_clock(town: Town) -> None:
    """The bus is at 44.603; by the clock alone it would be at 44.605."""
    box = "lat=44.605&lon=-63.50&latSpan=0.002&lonSpan=0.01"
    assert shown(town, "trips-for-location", box) == ["1_t1"]
    await bus_on_t1(town)
    assert shown(town, "trips-for-location", box) == []
    assert shown(town, "trips-for-location", "lat=44.603&lon=-63.50&radius=50") == ["1_t1"]
    (row,) = town.data("trips-for-location", "key=test&lat=44.603&lon=-63.50&radius=50")["list"]
    assert sorted(row) == ["frequency", "serviceDate", "situationIds", "tripId"]
    data = town.data("trips-for-location", "key=test&lat=44.603&lon=-63.50&radius=50&includeStatus=true")
    assert data["list"][0]["status"]["position"] == {"lat": 44.603, "lon": -63.5}
    assert (data["limitExceeded"], data["outOfRange"]) == (False, False)
    far = town.data("trips-for-location", "key=test&lat=10&lon=10&latSpan=1&lonSpan=1")
    assert (far["list"], far["outOfRange"]) == ([], True)


async def test_trip_details_of_a_replaced_trip_are_those_of_its_replacement(town: Town) -> None:
    """The timetable's calls of that trip do not count on that day."""
    calls = [("pier_1", at(8, 3), at(8, 3), 0), ("C2", at(8, 40), at(8, 40), 0)]
    await town.tell([Row(trip="t1", calls=calls, relationship=5, own=True, updated=at(8, 4))])
    entry = town.data("trip-details/1_t1", f"key=test&serviceDate={DAY * 1000}")["entry"]
    assert [call["stopId"] for call in entry["schedule"]["stopTimes"]] == ["1_pier_1", "1_C2"]
    assert DATE == 20261123


def test_trips_without_a_vehicle_are_on_the_map_too(town: Town) -> None:
    """By the clock."""
    listed = town.data("trips-for-location", "key=test&lat=44.606&lon=-63.5&latSpan=0.01&lonSpan=0.01")["list"]
    assert [row["tripId"] for row in listed] == ["1_t1"]

"""What other servers leave null or blank: bands, occupancy, what vehicles have."""

from tests.api.town import CALLS_OF_T1, GTFS, Bus, Row, Town, at, ms

BANDS = [(0, 0), (-30, 90), (-45, 180), (0, 0)]


async def tell(town: Town) -> None:
    rows = [Row(trip="t1", calls=CALLS_OF_T1, vehicle=0, updated=at(8, 5), deviation=120, bands=BANDS)]
    await town.tell(rows, [Bus(name="7", row=0, lat=44.603, next_position=1, located=at(8, 5), occupancy=3)])


def arrival(town: Town, stop: str, query: str = "") -> dict[str, object]:
    entry = town.data(f"arrivals-and-departures-for-stop/1_{stop}", f"key=test&{query}")["entry"]
    (row,) = [row for row in entry["arrivalsAndDepartures"] if row["tripId"] == "1_t1"]
    found: dict[str, object] = row
    return found


async def test_intervals_are_null_unless_they_are_asked_for(town: Town) -> None:
    """Strict readers find the text or null that the contract names."""
    await tell(town)
    row = arrival(town, "top")
    assert (row["predictedArrivalInterval"], row["predictedDepartureInterval"]) == (None, None)


async def test_intervals_are_the_band_of_each_prediction(town: Town) -> None:
    """From early to late around each time; never for what is only scheduled or has no band."""
    await tell(town)
    row = arrival(town, "top", "includeIntervals=true")
    assert row["predictedArrivalInterval"] == {"from": ms(8, 21, 15), "to": ms(8, 25)}
    assert row["predictedDepartureInterval"] == {"from": ms(8, 22, 15), "to": ms(8, 26)}
    assert row["scheduledArrivalInterval"] is None
    assert arrival(town, "C1", "includeIntervals=true")["predictedArrivalInterval"] is None
    again = arrival(town, "top")
    assert again["predictedArrivalInterval"] is None
    one = town.data("arrival-and-departure-for-stop/1_top", "key=test&tripId=1_t1&includeIntervals=1")["entry"]
    assert one["predictedArrivalInterval"] == row["predictedArrivalInterval"]
    around = town.data(
        "arrivals-and-departures-for-location",
        "key=test&lat=44.62&lon=-63.50&radius=20&includeIntervals=true&minutesAfter=20",
    )
    assert around["entry"]["arrivalsAndDepartures"][0]["predictedArrivalInterval"] == row["predictedArrivalInterval"]


async def test_occupancy_is_that_of_the_vehicle(town: Town) -> None:
    """On the arrival, on the status, on the vehicle."""
    await tell(town)
    row = arrival(town, "mid")
    assert row["occupancyStatus"] == "STANDING_ROOM_ONLY"
    assert row["tripStatus"]["occupancyStatus"] == "STANDING_ROOM_ONLY"  # type: ignore[index]
    assert town.data("vehicle/1_7")["entry"]["occupancyStatus"] == "STANDING_ROOM_ONLY"


async def test_vehicle_features_are_what_the_timetable_says(town: Town) -> None:
    """Room for wheelchairs and bicycles; nothing where it does not say."""
    await tell(town)
    assert arrival(town, "mid")["tripStatus"]["vehicleFeatures"] == []  # type: ignore[index]
    (town.home / "equipped").mkdir()
    equipped = Town(
        town.home / "equipped",
        files=GTFS
        | {
            "trips.txt": """
route_id,service_id,trip_id,trip_headsign,direction_id,block_id,shape_id,wheelchair_accessible,bikes_allowed
r_10,WK,t1,Central,0,b1,north,1,1
r_10,WK,t2,,1,b1,,2,0
r_10,WK,t3,Central,0,,north,1,2
r_10,WK,late,Central,0,,north,0,1
hill,WK,express,Central,0,,,,
hill,WK,shuttle,Middle,0,,,,
"""
        },
    )
    await equipped.replica.refresh()
    seen = {
        trip: equipped.data(f"trip-details/1_{trip}")["entry"]["status"]["vehicleFeatures"]
        for trip in ("t1", "t2", "t3", "late")
    }
    assert seen == {
        "t1": ["WHEELCHAIR_ACCESSIBLE", "BIKES_ALLOWED"],
        "t2": [],
        "t3": ["WHEELCHAIR_ACCESSIBLE"],
        "late": ["BIKES_ALLOWED"],
    }


def test_wheelchair_boarding_is_the_stop_s_or_its_station_s(town: Town) -> None:
    """A platform that does not say has what its station has."""
    said = {
        stop: town.data(f"stop/1_{stop}")["entry"]["wheelchairBoarding"] for stop in ("pier_1", "mid", "mid b/2", "C1")
    }
    assert said == {"pier_1": "ACCESSIBLE", "mid": "UNKNOWN", "mid b/2": "NOT_ACCESSIBLE", "C1": "ACCESSIBLE"}

"""One day of the timetable, by stop and by route."""

from tests.api.town import DAY, Town, ms


def call(trip_id: str, at_ms: int, *, boards: bool = True, alights: bool = True) -> dict[str, object]:
    return {
        "arrivalEnabled": alights,
        "arrivalTime": at_ms,
        "departureEnabled": boards,
        "departureTime": at_ms,
        "serviceId": "1_WK",
        "stopHeadsign": "",
        "tripId": trip_id,
    }


def test_schedule_for_stop_lists_the_day_by_route_and_headsign(town: Town) -> None:
    """Calls in order, in milliseconds; night service belongs to its own day; frequencies stand apart."""
    data = town.data("schedule-for-stop/1_pier_1", "key=test&date=2026-11-23")
    assert data["entry"] == {
        "date": (DAY) * 1000,
        "stopId": "1_pier_1",
        "stopRouteSchedules": [
            {
                "routeId": "1_r_10",
                "stopRouteDirectionSchedules": [
                    {
                        "scheduleFrequencies": [],
                        "scheduleStopTimes": [
                            call("1_t1", ms(8), alights=False),
                            call("1_t3", ms(8, 30)),
                            call("1_late", ms(24, 30)),
                        ],
                        "tripHeadsign": "Central",
                    }
                ],
            },
            {
                "routeId": "40_hill",
                "stopRouteDirectionSchedules": [
                    {
                        "scheduleFrequencies": [],
                        "scheduleStopTimes": [call("40_express", ms(8, 5))],
                        "tripHeadsign": "Central",
                    },
                    {
                        "scheduleFrequencies": [
                            {
                                "arrivalEnabled": True,
                                "departureEnabled": True,
                                "endTime": ms(12, 30),
                                "headway": 900,
                                "serviceDate": DAY * 1000,
                                "serviceId": "1_WK",
                                "startTime": ms(12),
                                "stopHeadsign": "",
                                "tripId": "40_shuttle",
                            }
                        ],
                        "scheduleStopTimes": [],
                        "tripHeadsign": "Middle",
                    },
                ],
            },
        ],
    }
    references = data["references"]
    assert {stop["id"] for stop in references["stops"]} == {"1_pier_1"}
    assert {route["id"] for route in references["routes"]} == {"1_r_10", "40_hill"}
    assert {agency["id"] for agency in references["agencies"]} == {"1", "40"}
    assert {trip["id"] for trip in references["trips"]} == {"1_t1", "1_t3", "1_late", "40_express", "40_shuttle"}


def test_schedule_for_stop_without_a_date_is_about_today_and_says_now(town: Town) -> None:
    """The date in the answer is the instant of the question."""
    entry = town.data("schedule-for-stop/1_C1")["entry"]
    assert entry["date"] == ms(8, 5)
    assert [group["routeId"] for group in entry["stopRouteSchedules"]] == ["1_r_10"]


def test_schedule_for_stop_of_a_station_is_that_of_its_platforms(town: Town) -> None:
    """Both bays, by route."""
    entry = town.data("schedule-for-stop/1_CENTRAL", "key=test&date=2026-11-23")["entry"]
    trips = {
        row["tripId"]
        for route in entry["stopRouteSchedules"]
        for group in route["stopRouteDirectionSchedules"]
        for row in group["scheduleStopTimes"]
    }
    assert trips == {"1_t1", "1_t2", "1_t3", "1_late", "40_express"}


def test_schedule_for_stop_on_a_day_without_service_is_empty(town: Town) -> None:
    """A Sunday, and a day that the calendar does not know."""
    for day in ("2026-11-22", "2031-01-01"):
        assert town.data("schedule-for-stop/1_mid", f"key=test&date={day}")["entry"]["stopRouteSchedules"] == []


def test_schedule_for_stop_takes_milliseconds_and_drops_references_when_told(town: Town) -> None:
    """The same day by both spellings; kept days do not carry references to those who want none."""
    by_day = town.data("schedule-for-stop/1_mid", "key=test&date=2026-11-24")
    by_ms = town.data("schedule-for-stop/1_mid", f"key=test&date={ms(24)}&includeReferences=false")
    assert by_ms["entry"] == by_day["entry"]
    assert not any(by_ms["references"].values())


def test_schedule_for_route_groups_trips_by_direction_in_seconds_of_the_day(town: Town) -> None:
    """Times count from the day's start and pass 86,400."""
    data = town.data("schedule-for-route/1_r_10", "key=test&date=2026-11-23")
    entry = data["entry"]
    assert (entry["routeId"], entry["scheduleDate"], entry["serviceIds"]) == ("1_r_10", DAY * 1000, ["1_WK"])
    out, back = entry["stopTripGroupings"]
    assert (out["directionId"], out["tripHeadsigns"]) == ("0", ["Central"])
    assert out["stopIds"] == ["1_pier_1", "1_mid", "1_top", "1_C1"]
    assert out["tripIds"] == ["1_t1", "1_t3", "1_late"]
    assert back["directionId"] == "1"
    assert [row["arrivalTime"] for row in out["tripsWithStopTimes"][2]["stopTimes"]] == [88_200, 88_800, 90_000]
    third = out["tripsWithStopTimes"][0]["stopTimes"][2]
    assert third == {
        "arrivalEnabled": True,
        "arrivalTime": 30_000,
        "departureEnabled": True,
        "departureTime": 30_060,
        "serviceId": "1_WK",
        "stopHeadsign": "via Top",
        "stopId": "1_top",
        "tripId": "1_t1",
    }
    assert {trip["id"] for trip in data["references"]["trips"]} == {"1_t1", "1_t2", "1_t3", "1_late"}


def test_schedule_for_route_lists_a_frequency_based_trip_once(town: Town) -> None:
    """Its first run stands for the window."""
    entry = town.data("schedule-for-route/40_hill", "key=test&date=2026-11-23")["entry"]
    assert [group["tripIds"] for group in entry["stopTripGroupings"]] == [["40_express", "40_shuttle"]]
    assert len(entry["stopTripGroupings"][0]["tripsWithStopTimes"]) == 2


def test_schedules_refuse_what_is_no_date(town: Town) -> None:
    """400 with the parameter's name; 404 for what is not there."""
    for path in ("schedule-for-stop/1_mid", "schedule-for-route/1_r_10"):
        status, body = town.ask(path, "key=test&date=tomorrow")
        assert (status, list(body["data"]["fieldErrors"])) == (400, ["date"])
        assert town.ask(f"{path}x")[0] == 404

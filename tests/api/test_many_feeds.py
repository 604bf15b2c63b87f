"""Two schedules that overlap, as one city (``tests.api.two_feeds``): ids that collide, places that both know, notices."""

from pathlib import Path

from domain.situation import Selector, Situation, Translation
from tests.api.asgi import get
from tests.api.town import DAY, Bus, import_bundle
from tests.api.two_feeds import HILLS, City, hill_late, late

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

"""The official JavaScript SDK calls all of its methods on a running server, and what the Wayfinder web app asks works."""

import base64
import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

from tests.api.warnings import info, warning
from tests.conformance.cities import KEY, City
from tests.conformance.things import Things, things_of

SOURCES = Path(__file__).parent / "js"


@pytest.fixture
def it(town: City) -> Things:
    """What is asked about."""
    return things_of(town)


def run(script: str, packages: Path, address: str, it: Things) -> Any:
    """What the script prints, asked of the server at *address*."""
    shutil.copy(SOURCES / script, packages / script)
    asked = json.dumps({"base": address, "key": KEY, "it": dataclasses.asdict(it)})
    done = subprocess.run(
        ["node", str(packages / script)],
        input=asked.encode(),
        capture_output=True,
        timeout=120,
        cwd=packages,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_every_method_of_the_sdk_is_answered_with_what_it_asks(
    packages: Path, address: str, it: Things, town: City
) -> None:
    """30 questions, each checked for its meaning."""
    said = run("sdk.mjs", packages, address, it)
    assert {answer["code"] for answer in said["answers"].values()} == {200}
    assert len(said["answers"]) == 30
    assert said["unknown"] == {"status": 404}
    lists = {name: answer["data"]["list"] for name, answer in said["answers"].items() if "list" in answer["data"]}
    entry = {name: answer["data"]["entry"] for name, answer in said["answers"].items() if "entry" in answer["data"]}
    assert {row["agencyId"] for row in lists["agenciesWithCoverage"]} == {one.code for one in town.bundle.agencies}
    assert entry["agency"]["name"] == it.agency_name
    assert it.vehicle_id in {row["vehicleId"] for row in lists["vehiclesForAgency"]}
    assert entry["config"]["id"] == town.bundle.generation
    assert entry["currentTime"]["time"] == town.now_epoch_s * 1000
    assert it.stop_id in ids(lists["stopsForLocation"])
    assert it.stop_id in entry["stopsForRoute"]["stopIds"]
    assert it.stop_id in ids(lists["stopsForAgency"])
    assert entry["stop"]["name"] == it.stop_name
    assert it.stop_id in lists["stopIdsForAgency"]
    assert it.route_id in {row["routeId"] for row in entry["scheduleForStop"]["stopRouteSchedules"]}
    assert entry["route"]["shortName"] == it.route_name
    assert it.route_id in lists["routeIdsForAgency"]
    assert it.route_id in ids(lists["routesForLocation"])
    assert it.route_id in ids(lists["routesForAgency"])
    trips = [trip for group in entry["scheduleForRoute"]["stopTripGroupings"] for trip in group["tripIds"]]
    assert it.trip_id in trips
    assert entry["arrivalAndDeparture"]["predictedArrivalTime"] == it.predicted_ms
    arrivals = entry["arrivalsAndDepartures"]["arrivalsAndDepartures"]
    assert it.predicted_ms in {row["predictedArrivalTime"] for row in arrivals if row["tripId"] == it.trip_id}
    assert it.stop_id in entry["arrivalsAndDeparturesForLocation"]["stopIds"]
    assert entry["trip"]["routeId"] == it.route_id
    assert it.trip_id in {row["tripId"] for row in lists["tripsForLocation"]}
    assert entry["tripDetails"]["status"]["vehicleId"] == it.vehicle_id
    assert entry["tripForVehicle"]["tripId"] == it.trip_id
    assert it.trip_id in {row["tripId"] for row in lists["tripsForRoute"]}
    assert it.stop_id in ids(lists["searchForStop"])
    assert it.route_id in ids(lists["searchForRoute"])
    assert entry["block"]["id"] == it.block_id
    assert entry["shape"]["points"]
    assert said["answers"]["reportProblemWithStop"]["data"] == {}
    assert said["answers"]["reportProblemWithTrip"]["data"] == {}


def test_wayfinder_gets_all_that_it_shows(packages: Path, address: str, it: Things, town: City) -> None:
    """Stops, arrivals, routes, schedules, notices and warnings, by the odd parameters that it sends."""
    ends = town.now_epoch_s + 3600
    flood = warning("flood", (dataclasses.replace(info("en", "Flood warning"), expires_epoch_s=ends),))
    town.application.replica.alerts = {"flood": dataclasses.replace(flood, expires_epoch_s=ends)}
    said = run("wayfinder.mjs", packages, address, it)
    assert {"id": it.route_id, "name": it.route_name, "agency": it.agency_name} in said["routes"]
    on_map = said["stopsForLocation"]["data"]
    assert it.stop_id in ids(on_map["list"])
    assert max(abs(stop["lon"] - it.stop_lon) for stop in on_map["list"]) <= 0.01
    assert max(abs(stop["lon"] - it.stop_lon) for stop in on_map["list"]) > 0.007  # more than the default radius
    assert said["stop"]["data"]["entry"]["name"] == it.stop_name
    arrivals = said["arrivals"]["data"]
    (mine,) = [
        row
        for row in arrivals["entry"]["arrivalsAndDepartures"]
        if (row["tripId"], row["stopSequence"]) == (it.trip_id, it.position)
    ]
    assert mine["predictedArrivalTime"] == it.predicted_ms
    assert {stop["id"] for stop in arrivals["references"]["stops"]} >= {it.stop_id}
    schedule = said["scheduleForStop"]["data"]
    assert {row["routeId"] for row in schedule["entry"]["stopRouteSchedules"]} <= set(
        ids(schedule["references"]["routes"])
    )
    assert it.trip_id in ids(schedule["references"]["trips"])
    details = said["tripDetails"]["data"]
    assert details["entry"]["schedule"]["stopTimes"][it.position]["stopId"] == it.stop_id
    assert details["entry"]["status"]["position"]["lat"] == pytest.approx(it.lat, abs=1e-5)
    assert said["shape"]["data"]["entry"]["length"] > 1
    groups = said["stopsForRoute"]["data"]["entry"]["stopGroupings"][0]["stopGroups"]
    assert all(group["name"]["name"] and group["polylines"] for group in groups)
    assert it.vehicle_id in {row["status"]["vehicleId"] for row in said["tripsForRoute"]["data"]["list"]}
    assert ids(said["searchRoutes"]["data"]["list"])[0] == it.route_id
    assert ids(said["searchStops"]["data"]["list"]) == [it.stop_id]
    for answer in said.values():
        if isinstance(answer, dict) and "data" in answer:
            for situation in answer["data"]["references"]["situations"]:
                assert situation["summary"]["value"]
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.ParseFromString(base64.b64decode(said["alerts"]["body"]))
    assert (said["alerts"]["status"], [entity.id for entity in feed.entity]) == (200, ["Alert_flood"])

"""The official Python SDK calls all of its 30 methods on a running server; the answers mean what they say."""

from collections.abc import Iterator

import pytest
from onebusaway import NotFoundError, OnebusawaySDK

from domain import service_day
from tests.conformance.cities import KEY, City
from tests.conformance.things import Things, things_of


@pytest.fixture
def sdk(address: str) -> Iterator[OnebusawaySDK]:
    """The SDK, pointed at the town."""
    with OnebusawaySDK(api_key=KEY, base_url=address, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def it(town: City) -> Things:
    """What is asked about."""
    return things_of(town)


def ids(rows: object) -> list[str]:
    assert isinstance(rows, list)
    return [row.id for row in rows]


def test_sdk_on_agencies_config_and_time(sdk: OnebusawaySDK, it: Things, town: City) -> None:
    """agencies_with_coverage, agency, config, current_time."""
    coverage = sdk.agencies_with_coverage.list()
    assert {row.agency_id for row in coverage.data.list} == {agency.code for agency in town.bundle.agencies}
    assert sdk.agency.retrieve(it.agency_id).data.entry.name == it.agency_name
    assert sdk.config.retrieve().data.entry.id == town.bundle.generation
    assert sdk.current_time.retrieve().data.entry.time == town.now_epoch_s * 1000


def test_sdk_on_what_an_agency_has(sdk: OnebusawaySDK, it: Things) -> None:
    """routes_for_agency, route_ids_for_agency, stops_for_agency, stop_ids_for_agency, vehicles_for_agency."""
    routes = ids(sdk.routes_for_agency.list(it.agency_id).data.list)
    assert it.route_id in routes
    assert sdk.route_ids_for_agency.list(it.agency_id).data.list == routes
    stops = ids(sdk.stops_for_agency.list(it.agency_id).data.list)
    assert it.stop_id in stops
    assert sdk.stop_ids_for_agency.list(it.agency_id).data.list == stops
    vehicles = sdk.vehicles_for_agency.list(it.agency_id).data.list
    (mine,) = [row for row in vehicles if row.vehicle_id == it.vehicle_id]
    assert mine.trip_id == it.trip_id


def test_sdk_on_single_things(sdk: OnebusawaySDK, it: Things) -> None:
    """route, stop, trip, shape, block."""
    assert sdk.route.retrieve(it.route_id).data.entry.short_name == it.route_name
    stop = sdk.stop.retrieve(it.stop_id).data.entry
    assert (stop.name, stop.code, stop.lat) == (it.stop_name, it.stop_code, it.stop_lat)
    trip = sdk.trip.retrieve(it.trip_id).data.entry
    assert (trip.route_id, trip.block_id, trip.shape_id) == (it.route_id, it.block_id, it.shape_id)
    shape = sdk.shape.retrieve(it.shape_id).data.entry
    assert shape.length > 1
    assert shape.points
    block = sdk.block.retrieve(it.block_id).data.entry
    assert it.trip_id in {trip.trip_id for kind in block.configurations for trip in kind.trips}
    with pytest.raises(NotFoundError):
        sdk.stop.retrieve(f"{it.stop_id}x")


def test_sdk_on_arrivals(sdk: OnebusawaySDK, it: Things) -> None:
    """arrival_and_departure.list and .retrieve, arrivals_and_departures_for_location."""
    listed = sdk.arrival_and_departure.list(it.stop_id, minutes_before=5, minutes_after=60).data.entry
    (mine,) = [
        row
        for row in listed.arrivals_and_departures
        if (row.trip_id, row.service_date, row.stop_sequence) == (it.trip_id, it.service_date_ms, it.position)
    ]
    assert (mine.predicted, mine.predicted_arrival_time, mine.vehicle_id) == (True, it.predicted_ms, it.vehicle_id)
    assert mine.trip_status is not None
    assert mine.trip_status.active_trip_id == it.trip_id
    one = sdk.arrival_and_departure.retrieve(
        it.stop_id, service_date=it.service_date_ms, trip_id=it.trip_id, stop_sequence=it.position,
        vehicle_id=it.vehicle_id,
    ).data.entry  # fmt: skip
    assert (one.stop_id, one.predicted_arrival_time, one.number_of_stops_away) == (it.stop_id, it.predicted_ms, 1)
    around = sdk.arrivals_and_departures_for_location.list(lat=it.stop_lat, lon=it.stop_lon, radius=100.0).data.entry
    assert it.stop_id in around.stop_ids
    assert it.trip_id in {row.trip_id for row in around.arrivals_and_departures}


def test_sdk_on_places(sdk: OnebusawaySDK, it: Things) -> None:
    """stops_for_location, routes_for_location, trips_for_location."""
    near = sdk.stops_for_location.list(lat=it.stop_lat, lon=it.stop_lon)
    assert near.data.list[0].lat == it.stop_lat
    assert it.stop_id in ids(near.data.list)
    assert near.data.out_of_range is False
    by_code = sdk.stops_for_location.list(lat=it.stop_lat, lon=it.stop_lon, query=it.stop_code).data.list
    assert ids(by_code) == [it.stop_id]
    routes = sdk.routes_for_location.list(lat=it.stop_lat, lon=it.stop_lon, query=it.route_name).data.list
    assert ids(routes)[0] == it.route_id
    trips = sdk.trips_for_location.list(
        lat=it.lat, lon=it.lon, lat_span=0.005, lon_span=0.005, include_schedule=True
    ).data
    assert it.trip_id in {row.trip_id for row in trips.list}
    assert it.trip_id in ids(trips.references.trips)


def test_sdk_on_trips(sdk: OnebusawaySDK, it: Things) -> None:
    """trip_details, trip_for_vehicle, trips_for_route."""
    details = sdk.trip_details.retrieve(it.trip_id, service_date=it.service_date_ms).data.entry
    assert details.status is not None
    assert details.status.vehicle_id == it.vehicle_id
    assert details.schedule is not None
    assert details.schedule.stop_times[it.position].stop_id == it.stop_id
    carried = sdk.trip_for_vehicle.retrieve(it.vehicle_id).data.entry
    assert carried.trip_id == it.trip_id
    running = sdk.trips_for_route.list(it.route_id, include_status=True, include_schedule=False).data.list
    assert it.trip_id in {row.trip_id for row in running}
    assert all(row.schedule is None for row in running)


def test_sdk_on_schedules(sdk: OnebusawaySDK, it: Things, town: City) -> None:
    """schedule_for_stop, schedule_for_route, stops_for_route."""
    day = service_day.local_date(it.service_date_ms / 1000 + 43_200, town.bundle.time_zone)
    at_stop = sdk.schedule_for_stop.retrieve(it.stop_id, date=day).data.entry
    (route,) = [row for row in at_stop.stop_route_schedules if row.route_id == it.route_id]
    times = [time for group in route.stop_route_direction_schedules for time in group.schedule_stop_times]
    assert it.trip_id in {time.trip_id for time in times}
    of_route = sdk.schedule_for_route.retrieve(it.route_id, date=day).data.entry
    assert it.trip_id in {trip_id for group in of_route.stop_trip_groupings for trip_id in group.trip_ids}
    stops = sdk.stops_for_route.list(it.route_id).data.entry
    assert it.stop_id in (stops.stop_ids or [])
    assert stops.polylines


def test_sdk_on_searches(sdk: OnebusawaySDK, it: Things) -> None:
    """search_for_stop, search_for_route."""
    stops, routes = (
        sdk.search_for_stop.list(input=it.stop_name).data,
        sdk.search_for_route.list(input=it.route_name).data,
    )
    assert stops is not None
    assert it.stop_id in ids(stops.list)
    assert routes is not None
    assert ids(routes.list)[0] == it.route_id


def test_sdk_on_reports(sdk: OnebusawaySDK, it: Things) -> None:
    """report_problem_with_stop, report_problem_with_trip."""
    stop = sdk.report_problem_with_stop.retrieve(
        it.stop_id, code="stop_name_wrong", user_comment="a question", user_lat=it.lat, user_lon=it.lon,
        user_location_accuracy=10.0,
    )  # fmt: skip
    assert stop.code == 200
    trip = sdk.report_problem_with_trip.retrieve(
        it.trip_id, code="vehicle_came_late", service_date=it.service_date_ms, stop_id=it.stop_id,
        user_on_vehicle=True, vehicle_id=it.vehicle_id,
    )  # fmt: skip
    assert trip.code == 200

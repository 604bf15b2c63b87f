"""What belongs to an agency."""

import pytest

from tests.api.town import Row, Town, at


def ids(rows: list[dict[str, str]]) -> list[str]:
    return [row["id"] for row in rows]


def test_route_ids_for_agency_are_in_the_agency_s_order(town: Town) -> None:
    """Bare ids, no references."""
    data = town.data("route-ids-for-agency/1")
    assert data["list"] == ["1_r_10"]
    assert data["limitExceeded"] is False
    assert town.data("route-ids-for-agency/40")["list"] == ["40_hill"]


def test_stop_ids_for_agency_are_those_its_routes_serve(town: Town) -> None:
    """Stations count, entrances do not; a second agency has the stops its routes call at."""
    assert town.data("stop-ids-for-agency/1")["list"] == [
        "1_pier_1", "1_mid", "1_mid b/2", "1_top", "1_top b", "1_CENTRAL", "1_C1", "1_C2",
    ]  # fmt: skip
    assert town.data("stop-ids-for-agency/40")["list"] == ["1_pier_1", "1_mid", "1_CENTRAL", "1_C2"]


def test_stops_for_agency_refer_to_routes_and_stations_not_to_themselves(town: Town) -> None:
    """The same stops as objects."""
    data = town.data("stops-for-agency/40")
    assert ids(data["list"]) == ["1_pier_1", "1_mid", "1_CENTRAL", "1_C2"]
    assert ids(data["references"]["stops"]) == []
    assert sorted(ids(data["references"]["routes"])) == ["1_r_10", "40_hill"]
    assert sorted(ids(data["references"]["agencies"])) == ["1", "40"]


def test_shape_ids_for_agency_are_the_lines_of_its_routes(town: Town) -> None:
    """An agency without shapes has none."""
    assert town.data("shape-ids-for-agency/1")["list"] == ["1_north"]
    assert town.data("shape-ids-for-agency/40")["list"] == []


async def test_trips_for_agency_are_those_under_way(town: Town) -> None:
    """At 08:15 t1 runs for one agency and the express for the other; a cancelled trip does not run."""
    await town.clock.advance_s(600)
    await town.replica.refresh()
    assert [row["tripId"] for row in town.data("trips-for-agency/1")["list"]] == ["1_t1"]
    assert [row["tripId"] for row in town.data("trips-for-agency/40")["list"]] == ["40_express"]
    await town.tell([Row(trip="t1", relationship=3, source=0, updated=at(8, 14))])
    assert town.data("trips-for-agency/1")["list"] == []


@pytest.mark.parametrize(
    "endpoint",
    ["agency", "route-ids-for-agency", "routes-for-agency", "stop-ids-for-agency", "stops-for-agency",
     "shape-ids-for-agency", "trips-for-agency"],
)  # fmt: skip
def test_unknown_agency_is_not_found(town: Town, endpoint: str) -> None:
    """404; only vehicles-for-agency answers with an empty list."""
    assert town.ask(f"{endpoint}/99")[0] == 404
    assert town.data("vehicles-for-agency/99")["list"] == []

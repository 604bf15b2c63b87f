"""Routes around a place, and lines."""

from tests.api.town import Town


def found(town: Town, query: str) -> list[str]:
    return [row["id"] for row in town.data("routes-for-location", f"key=test&{query}")["list"]]


def test_routes_for_location_are_those_calling_nearby_the_nearest_first(town: Town) -> None:
    """500 m without a radius; the agency of each is referred to."""
    assert found(town, "lat=44.61&lon=-63.50") == ["1_r_10", "40_hill"]
    assert found(town, "lat=44.62&lon=-63.50") == ["1_r_10"]
    assert found(town, "lat=44.62&lon=-63.50&radius=2000") == ["1_r_10", "40_hill"]
    references = town.data("routes-for-location", "key=test&lat=44.61&lon=-63.50")["references"]
    assert {agency["id"] for agency in references["agencies"]} == {"1", "40"}


def test_routes_for_location_takes_spans_and_their_alias(town: Town) -> None:
    """A box; lngSpan means lonSpan; a radius of 0 is none."""
    assert found(town, "lat=44.615&lon=-63.50&latSpan=0.02&lonSpan=0.01") == ["1_r_10", "40_hill"]
    assert found(town, "lat=44.62&lon=-63.50&latSpan=0.002&lngSpan=0.01&radius=0") == ["1_r_10"]


def test_routes_for_location_looks_for_names_in_the_whole_region(town: Town) -> None:
    """The exact short name first, then what begins with or holds the words, whatever their case."""
    assert found(town, "lat=44.61&lon=-63.50&query=10&radius=40000") == ["1_r_10"]
    assert found(town, "lat=44.61&lon=-63.50&query=hill%20EX") == ["40_hill"]
    assert found(town, "lat=44.61&lon=-63.50&query=central") == ["1_r_10"]
    assert found(town, "lat=44.61&lon=-63.50&query=99") == []


def test_routes_for_location_says_when_there_are_more(town: Town) -> None:
    """maxCount is a limit, and has one."""
    data = town.data("routes-for-location", "key=test&lat=44.61&lon=-63.50&maxCount=1")
    assert (len(data["list"]), data["limitExceeded"], data["outOfRange"]) == (1, True, False)
    status, body = town.ask("routes-for-location", "key=test&lat=44.61&lon=-63.50&maxCount=0")
    assert (status, list(body["data"]["fieldErrors"])) == (400, ["maxCount"])


def test_routes_for_location_far_away_are_none_and_out_of_range(town: Town) -> None:
    """200, as apps expect; without lat and lon the place is 0, 0."""
    for query in ("key=test&lat=10&lon=10", "key=test"):
        data = town.data("routes-for-location", query)
        assert (data["list"], data["outOfRange"]) == ([], True)


def test_shape_is_its_line(town: Town) -> None:
    """Google's encoding of three points; 404 for no such shape."""
    data = town.data("shape/1_north")
    assert data["entry"] == {"length": 3, "levels": "", "points": "_}eoG~iqbK_|B?o}@?"}
    assert town.ask("shape/1_south")[0] == 404

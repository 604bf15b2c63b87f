"""search/stop, search/route and our own search, over the town."""

from typing import Any

import httpx
import pytest

from tests.api.town import Town


def _ids(data: Any) -> list[str]:
    return [item["id"] for item in data["list"]]


async def test_search_stop_is_a_list_with_all_it_refers_to(town: Town) -> None:
    """OneBusAway's shape: stops with their routes and agencies; stations too, entrances not."""
    data = town.data("search/stop", "key=test&input=midle")
    assert sorted(_ids(data)) == ["1_mid", "1_mid b/2"]
    assert (data["limitExceeded"], data["outOfRange"]) == (False, False)
    assert {route["id"] for route in data["references"]["routes"]} == {"1_r_10", "40_hill"}
    assert {agency["id"] for agency in data["references"]["agencies"]} == {"1", "40"}
    assert _ids(town.data("search/stop", "key=test&input=central"))[0] == "1_CENTRAL"
    assert _ids(town.data("search/stop", "key=test&input=1003")) == ["1_top"]


async def test_search_stop_limits(town: Town) -> None:
    """maxCount cuts the list and says so; out of its bounds it is refused."""
    data = town.data("search/stop", "key=test&input=central&maxCount=1")
    assert (len(data["list"]), data["limitExceeded"]) == (1, True)
    for query, field in (("input=", "input"), ("", "input"), ("input=x&maxCount=251", "maxCount"),
                         ("input=x&maxCount=0", "maxCount"), ("input=" + "x" * 201, "input")):  # fmt: skip
        status, body = town.ask("search/stop", f"key=test&{query}")
        assert (status, list(body["data"]["fieldErrors"])) == (400, [field]), query
    assert town.ask("search", "key=test&input=x")[0] == town.ask("search/trip", "key=test&input=x")[0] == 404


async def test_search_route_finds_numbers_and_names(town: Town) -> None:
    """The short name as it stands on the bus, or words of the long one."""
    assert _ids(town.data("search/route", "key=test&input=10")) == ["1_r_10"]
    assert _ids(town.data("search/route", "key=test&input=expres")) == ["40_hill"]
    data = town.data("search/route", "key=test&input=pier&includeReferences=false")
    assert (_ids(data), data["references"]["agencies"]) == (["1_r_10"], [])


async def test_search_over_both_prefers_codes_and_what_is_near(town: Town) -> None:
    """One list: the route 10 before stops whose code begins with 10; with a place the nearer of two equals."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=town.application), base_url="http://town") as client:
        answer = await client.get("/api/v1/search", params={"q": "10"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
        results = answer.json()["results"]
        assert results[0] | {"type": "route", "id": "1_r_10", "shortName": "10"} == results[0]
        assert {item["code"] for item in results[1:]} == {"1001", "1002", "1012", "1003", "1013"}
        near = {"q": "top", "lat": "44.62", "lon": "-63.4980", "types": "stop"}
        stops = (await client.get("/api/v1/search", params=near)).json()["results"]
        assert [(item["id"], item["distanceM"]) for item in stops] == [("1_top b", 0), ("1_top", 158)]


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "q"), ("q=+", "q"), ("q=x&lat=1", "lon"), ("q=x&lon=1", "lat"), ("q=x&lat=nan&lon=1", "lat"),
     ("q=x&limit=51", "limit"), ("q=x&types=bus", "types")],
)  # fmt: skip
async def test_search_refuses_what_it_cannot_read(town: Town, query: str, field: str) -> None:
    """400 with the parameter's name."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=town.application), base_url="http://town") as client:
        answer = await client.get(f"/api/v1/search?{query}")
        assert (answer.status_code, list(answer.json()["data"]["fieldErrors"])) == (400, [field])

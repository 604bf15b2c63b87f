"""Several stops in one answer."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.town import Town


@pytest.fixture
async def client(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=town.application), base_url="http://town") as client:
        yield client


async def asked(client: httpx.AsyncClient, query: str) -> Any:
    answer = await client.get(f"/api/v1/arrivals?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_batch_says_of_each_stop_what_it_says_alone(client: httpx.AsyncClient, town: Town) -> None:
    """The same entries, in the order asked; all that they refer to is there once."""
    ids = ["1_pier_1", "1_mid b/2", "1_CENTRAL"]
    data = await asked(client, f"stops={','.join(ids)}&minutesAfter=60")
    alone = [town.data(f"arrivals-and-departures-for-stop/{one}", "key=test&minutesAfter=60") for one in ids]
    assert data["list"] == [one["entry"] for one in alone]
    assert all(entry["arrivalsAndDepartures"] for entry in data["list"])
    for kind, items in data["references"].items():
        found = [item["id"] for item in items]
        assert sorted(found) == sorted({item["id"] for one in alone for item in one["references"][kind]}), kind


async def test_batch_names_what_it_does_not_know(client: httpx.AsyncClient) -> None:
    """An unknown, foreign or malformed id does not spoil the others; repeats count once; single ids may hold commas."""
    data = await asked(client, "stops=1_mid,1_none,9_mid,mid,1_mid&stop=1_a%2Cb&stop=1_top")
    assert [entry["stopId"] for entry in data["list"]] == ["1_mid", "1_top"]
    assert data["notFound"] == ["1_none", "9_mid", "mid", "1_a,b"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "stops"), ("stops=,,", "stops"), ("stops=" + ",".join(f"1_{n}" for n in range(51)), "stops"),
     ("stops=1_mid&minutesAfter=-1", "minutesAfter"), ("stops=1_mid&time=x", "time")],
)  # fmt: skip
async def test_batch_refuses_what_it_cannot_read(client: httpx.AsyncClient, query: str, field: str) -> None:
    """400 with the parameter's name."""
    answer = await client.get(f"/api/v1/arrivals?{query}")
    assert (answer.status_code, list(answer.json()["data"]["fieldErrors"])) == (400, [field])


async def test_batch_counts_every_ten_stops(client: httpx.AsyncClient) -> None:
    """Forty-one stops are five requests: an address has 200 at once."""
    query = "stops=" + ",".join(f"1_{number}" for number in range(41))
    assert [(await client.get(f"/api/v1/arrivals?{query}")).status_code for _ in range(41)] == [200] * 40 + [429]

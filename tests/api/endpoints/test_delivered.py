"""Scheduled trips against those that came: open data, a table for operators, and a note on arrivals."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from api.app import Application
from api.auth import OPERATOR_COOKIE, digest_of
from api.pages import table
from api.pages.board import departures_at
from domain.delivered import RouteDay, TripsSeen
from domain.predictions import CallFlag
from store import delivered
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import DATE, Key, Row, Town, at, predictions_of

NO_TRIPS = TripsSeen(
    trip_ids=[],
    start_s=np.zeros(0, np.int32),
    seen_epoch_s=np.zeros(0, np.int64),
    nearly_over=np.zeros(0, np.uint8),
    cancelled=np.zeros(0, np.uint8),
    watched_s=np.zeros(0, np.float32),
)


@pytest.fixture
async def town(tmp_path: Path, redis_url: str) -> AsyncIterator[Town]:
    """Two days of counts: on the 10, one of five trips did not come."""
    hall = Hall.connect(redis_url)
    town = Town(tmp_path, hall=hall)
    await town.replica.refresh()
    ten = RouteDay(route_id="r_10", planned=9, delivered=4, cancelled=2, missing=1, unknown=1)
    hill = RouteDay(route_id="hill", planned=3, delivered=0, cancelled=0, missing=0, unknown=3)
    await delivered.put(hall, "town", 20261122, [ten], NO_TRIPS, 0.0)
    await delivered.put(hall, "town", 20261123, [ten, hill], NO_TRIPS, 0.0)
    yield town
    await hall.close()


async def test_delivered_trips_are_told_by_day_and_route(town: Town) -> None:
    """Every route with its numbers; a share only where something could be judged."""
    body = (await get(town.application, "/api/v1/delivered-trips?days=2")).json()
    days = body["feeds"]["town"]["days"]
    assert [day["date"] for day in days] == ["2026-11-22", "2026-11-23"]
    assert days[1]["overall"] == {
        "planned": 12, "delivered": 4, "cancelled": 2, "missing": 1, "unknown": 4, "share": 0.8,
    }  # fmt: skip
    assert {it["routeId"]: (it["name"], it["missing"], it["share"]) for it in days[1]["routes"]} == {
        "1_r_10": ("10", 1, 0.8),
        "40_hill": ("Hill Express", 0, None),
    }
    assert set(body["definitions"]) == {"planned", "delivered", "cancelled", "missing", "unknown", "share"}


async def test_delivered_trips_of_one_route(town: Town) -> None:
    """Days on which it did not run are left out; a route that nobody knows is a 404, days out of range a 400."""
    body = (await get(town.application, "/api/v1/delivered-trips?days=2&route=40_hill")).json()
    assert [day["date"] for day in body["feeds"]["town"]["days"]] == ["2026-11-23"]
    assert (await get(town.application, "/api/v1/delivered-trips?route=40_nowhere")).status_code == 404
    assert (await get(town.application, "/api/v1/delivered-trips?days=99")).status_code == 400


async def test_operators_see_trips_that_ran(town: Town) -> None:
    """A row a day, with the route that misses most."""
    token = "an operator's token"
    town.hall.keys[digest_of(token)] = Key("operator")
    await town.replica.refresh()
    with_pages = Application(
        town.settings, town.clock, town.replica, town.application.starlette.state.hall, table.ROUTES
    )
    page = (await get(with_pages, "/operations", headers={"cookie": f'{OPERATOR_COOKIE}="{token}"'})).text
    assert "Trips that really ran" in page
    assert ">10 (1)<" in page


def notes(town: Town) -> list[str] | None:
    """What the arrival of the first trip at Middle Street bears."""
    rows = town.data("arrivals-and-departures-for-stop/1_mid")["entry"]["arrivalsAndDepartures"]
    found: list[str] | None = next(row for row in rows if row["tripId"] == "1_t1").get("waysideNotes")
    return found


async def test_an_arrival_says_what_is_doubtful_about_it(town: Town) -> None:
    """Nothing of an ordinary one; that its trip was inferred, that the vehicle is off its route."""
    for flags, wanted in (
        (0, None),
        (CallFlag.INFERRED | CallFlag.UNCERTAIN, ["tripInferred", "uncertain"]),
        (CallFlag.DETOUR | CallFlag.UNCERTAIN, ["vehicleOffRoute", "uncertain"]),
    ):
        stops = ("pier_1", "mid", "top", "C1")
        calls = [(stop, at(8, 10 * n), at(8, 10 * n), int(flags)) for n, stop in enumerate(stops)]
        await town.tell([Row(trip="t1", calls=calls)])
        assert notes(town) == wanted


async def test_an_arrival_says_when_its_vehicle_should_be_visible_and_is_not(town: Town) -> None:
    """Told by the agency or only scheduled: both say so; the other trips do not."""
    trip, stop = town.bundle.trip_ids.index("t1"), town.bundle.stop_ids.index("mid")
    assert trip is not None
    assert stop is not None
    calls = [(stop, at(8, 10 * n), at(8, 10 * n), 0) for n, stop in enumerate(("pier_1", "mid", "top", "C1"))]
    for number, rows in enumerate(([Row(trip="t1", calls=calls)], [])):
        made = predictions_of(town.bundle, rows, computed=at(8, 5))
        made = replace(made, missing_trip=np.array([trip], np.int32), missing_date=np.array([DATE], np.int32))
        town.hall.live["town"] = (100 + number, made)
        await town.replica.refresh()
        assert notes(town) == ["vehicleMissing"]
        board = departures_at(town.replica, town.replica.served["town"], stop, at(8, 5), minutes=60, language="en")
        assert {it.trip_id: it.missing for it in board} == {"1_t1": True, "1_t3": False}
    await town.tell([])
    assert notes(town) is None

"""What riders report, and who may read it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store import api_keys
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import Key, Town, at


@pytest.fixture
async def town(tmp_path: Path, redis_url: str) -> AsyncIterator[Town]:
    """The town with a real hall, and one operator's key: ``sesame``."""
    hall = Hall.connect(redis_url)
    town = Town(tmp_path, hall=hall)
    town.hall.keys[api_keys.digest_of("sesame")] = Key("operator")
    await town.replica.refresh()
    yield town
    await hall.close()


async def test_report_about_a_stop_is_kept_and_read_by_operators(town: Town) -> None:
    """By path and by query; the newest first; the rider's place only roughly."""
    first = await get(
        town.application,
        "/api/where/report-problem-with-stop/1_mid.json?key=test&code=stop_name_wrong&userComment=It%20is%20Main%20St"
        "&userLat=44.612345&userLon=-63.498765&userLocationAccuracy=12.5",
    )
    assert (first.status_code, first.json()["data"]) == (200, {})
    assert first.headers["cache-control"] == "no-store"
    legacy = "/api/where/report-problem-with-stop.json?key=test&stopId=1_mid&data=%7B%22code%22%3A%22other%22%7D"
    assert (await get(town.application, legacy)).status_code == 200
    await get(town.application, "/api/where/report-problem-with-stop/1_top.json?key=test&code=other")
    listed = (await get(town.application, "/api/where/problem-reports-for-stop/1_mid.json?key=sesame")).json()
    assert listed["data"]["list"] == [
        {"code": "other", "createdAt": at(8, 5) * 1000, "stopId": "1_mid", "userComment": ""},
        {
            "code": "stop_name_wrong",
            "createdAt": at(8, 5) * 1000,
            "stopId": "1_mid",
            "userComment": "It is Main St",
            "userLat": 44.612,
            "userLon": -63.499,
            "userLocationAccuracy": 12.5,
        },
    ]


async def test_report_about_a_trip_is_kept_with_all_it_says(town: Town) -> None:
    """Both spellings of the vehicle's and the stop's names; a trip may be gone by now."""
    answer = await get(
        town.application,
        "/api/where/report-problem-with-trip.json?key=test&tripId=1_gone&serviceDate=1795406400000&vehicleID=1_7"
        "&stopId=1_mid&code=vehicle_never_came&userOnVehicle=false&userVehicleNumber=7",
    )
    assert answer.status_code == 200
    path = "/api/where/report-problem-with-trip/1_gone.json?key=test&vehicleId=1_8&userOnVehicle=true"
    assert (await get(town.application, path)).status_code == 200
    listed = (await get(town.application, "/api/where/problem-reports-for-trip/1_gone?key=sesame")).json()
    newest, oldest = listed["data"]["list"]
    assert (newest["vehicleId"], newest["userOnVehicle"], newest["code"]) == ("1_8", True, "")
    assert oldest == {
        "code": "vehicle_never_came",
        "createdAt": at(8, 5) * 1000,
        "serviceDate": 1_795_406_400_000,
        "stopId": "1_mid",
        "tripId": "1_gone",
        "userComment": "",
        "userOnVehicle": False,
        "userVehicleNumber": "7",
        "vehicleId": "1_7",
    }


@pytest.mark.parametrize(
    ("target", "status", "fields"),
    [
        ("report-problem-with-stop/1_nowhere.json?key=test", 404, []),
        ("report-problem-with-stop.json?key=test", 400, ["stopId"]),
        ("report-problem-with-stop/mid.json?key=test", 400, ["id"]),
        ("report-problem-with-stop/1_mid.json?key=test&code=ugly", 400, ["code"]),
        ("report-problem-with-stop/1_mid.json?key=test&userLat=91", 400, ["userLat"]),
        ("report-problem-with-stop/1_mid.json?key=test&userLat=NaN", 400, ["userLat"]),
        ("report-problem-with-stop/1_mid.json?key=test&data=%5B%5D", 400, ["data"]),
        ("report-problem-with-trip.json?key=test", 400, ["tripId"]),
        ("report-problem-with-trip/99_t.json?key=test", 404, []),
        ("report-problem-with-stop/1_mid.json?key=nobody", 401, []),
        ("problem-reports-for-stop/1_mid.json?key=test", 401, []),
        ("problem-reports-for-trip/1_t1.json", 401, []),
    ],
)
async def test_report_that_cannot_be_kept_is_refused(town: Town, target: str, status: int, fields: list[str]) -> None:
    """And nothing is kept of it."""
    answer = await get(town.application, f"/api/where/{target}")
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert list(answer.json().get("data", {}).get("fieldErrors", {})) == fields
    assert (await get(town.application, "/api/where/problem-reports-for-stop/1_mid?key=sesame")).json()["data"][
        "list"
    ] == []


async def test_report_while_redis_is_away_says_so(tmp_path: Path) -> None:
    """503, to be tried again."""
    hall = Hall.connect("unix:///nowhere.sock")
    town = Town(tmp_path, hall=hall)
    await town.replica.refresh()
    answer = await get(town.application, "/api/where/report-problem-with-stop/1_mid.json?key=test")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    await hall.close()

"""Looking back: what riders were told then, from the archive; otherwise the timetable."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from store.archive import Kind, Recorder
from tests.api.town import Row, Town, at

CALLS = (("pier_1", 0), ("mid", 10), ("top", 20), ("C1", 30))
"""Of t1, with the minute after eight at which each is due."""


async def asked(town: Town, time_epoch_s: int, path: str = "arrivals-and-departures-for-stop/1_mid") -> Any:
    transport = httpx.ASGITransport(town.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://town") as client:
        answer = await client.get(f"/api/where/{path}.json?key=test&time={time_epoch_s * 1000}&minutesAfter=30")
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content)["data"]["entry"]


@pytest.fixture
async def archived(town: Town) -> Town:
    """At 08:05 riders were told that t1 is three minutes late; it is 11:00 now and nothing is live."""
    times = [(stop, at(8, minute) + 180, at(8, minute) + 180, 0) for stop, minute in CALLS]
    await town.tell([Row(trip="t1", calls=times)])
    recorder = Recorder(town.home, "town", Kind.PREDICTIONS)
    recorder.append(at(8, 5), town.hall.live["town"][1])
    recorder.close()
    await town.clock.advance_s(3 * 3600 - 300)
    town.hall.live.clear()
    await town.replica.refresh()
    return town


async def test_the_past_is_told_as_it_was_told_then(archived: Town) -> None:
    entry = await asked(archived, at(8, 5, 40))
    (t1,) = [one for one in entry["arrivalsAndDepartures"] if one["tripId"] == "1_t1"]
    assert t1["predicted"] is True
    assert t1["predictedArrivalTime"] - t1["scheduledArrivalTime"] == 180_000


@pytest.mark.parametrize("when", [at(8, 4, 30), at(8, 7, 20), at(9)])
async def test_a_time_nobody_predicted_is_told_by_the_timetable(archived: Town, when: int) -> None:
    """Before the first record, and after the last one has grown old: never the prediction of another time."""
    entry = await asked(archived, when)
    assert [one["predicted"] for one in entry["arrivalsAndDepartures"]] == [False] * len(entry["arrivalsAndDepartures"])


async def test_the_past_of_another_timetable_is_told_by_the_timetable(archived: Town, tmp_path: Path) -> None:
    served = archived.replica.served["town"]
    served.bundle.generation = "g2"
    entry = await asked(archived, at(8, 5, 40))
    assert [one["predicted"] for one in entry["arrivalsAndDepartures"]] == [False] * len(entry["arrivalsAndDepartures"])


async def test_the_present_is_untouched_by_looking_back(archived: Town) -> None:
    await asked(archived, at(8, 5, 40))
    entry = await asked(archived, at(11), "arrivals-and-departures-for-stop/1_pier_1")
    assert entry["stopId"] == "1_pier_1"
    assert archived.replica.served["town"].newest is None

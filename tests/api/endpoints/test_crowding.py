"""How full a bus usually is, where that has been learned."""

import numpy as np

from domain.crowding import Crowding
from tests.api.town import Town


async def test_historical_occupancy_is_told_where_it_is_known(town: Town) -> None:
    """On weekdays the 10 towards Central has standing room only between eight and nine; nothing is known of others."""
    town.hall.crowdings["town"] = Crowding.of({("r_10", 0, 0, 8): np.array([0, 0, 5, 30, 0, 0, 0.0])})
    town.hall.crowding_versions["town"] = 3
    await town.replica.refresh()
    rows = town.data("arrivals-and-departures-for-stop/1_mid", "key=test&minutesAfter=60")["entry"][
        "arrivalsAndDepartures"
    ]
    assert {row["tripId"]: row["historicalOccupancy"] for row in rows} == {
        "1_t1": "STANDING_ROOM_ONLY",
        "1_t3": "STANDING_ROOM_ONLY",
    }
    calls = town.data("trip-details/1_t1")["entry"]["schedule"]["stopTimes"]
    assert [call["historicalOccupancy"] for call in calls] == ["STANDING_ROOM_ONLY"] * 4
    (other,) = town.data("arrivals-and-departures-for-stop/1_pier_1")["entry"]["arrivalsAndDepartures"][:1]
    assert other["tripId"] in {"40_express", "1_t1", "1_t3"}
    assert town.data("trip-details/1_t2")["entry"]["schedule"]["stopTimes"][0]["historicalOccupancy"] == ""

"""The table of addresses: all that stock apps ask for is there."""

import pytest

from tests.api.asgi import get
from tests.api.live_feed import hear
from tests.api.town import Town, at


@pytest.mark.parametrize(
    "target",
    [
        "/api/where/vehicle/1_7.json",
        "/api/where/trip-for-vehicle/1_7.json",
        "/api/where/arrivals-and-departures-for-location.json?lat=44.61&lon=-63.5",
        "/api/where/trips-for-location.json?lat=44.61&lon=-63.5&radius=5000",
        "/api/gtfs_realtime/trip-updates-for-agency/1.pb",
        "/api/gtfs_realtime/vehicle-positions-for-agency/1.pb",
        "/api/gtfs_realtime/alerts-for-agency/1.pb",
        "/onebusaway-api-webapp/api/where/current-time.json",
        "/api/where/current-time",
    ],
)
async def test_what_stock_apps_ask_is_answered(town: Town, target: str) -> None:
    """With what they add: key, app_uid, app_ver, version."""
    bus = 'vehicle { id: "7" } position { latitude: 44.6031 longitude: -63.5 }'
    await hear(town, f'entity {{ id: "v" vehicle {{ trip {{ trip_id: "t1" }} {bus} timestamp: {at(8, 5)} }} }}')
    query = f"{'&' if '?' in target else '?'}key=test&app_uid=0f&app_ver=20.1&version=2"
    assert (await get(town.application, target + query)).status_code == 200

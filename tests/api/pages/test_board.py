"""What a departure says of its vehicle."""

from pathlib import Path

import pytest

from api.app import Application
from api.pages import board, table
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import Bus, Row, Town, at

CALLS = [("pier_1", at(8), at(8), 4), ("mid", at(8, 13), at(8, 13), 0), ("top", at(8, 24), at(8, 25), 0),
         ("C1", at(8, 34), at(8, 34), 0)]  # fmt: skip


@pytest.mark.parametrize(("age_s", "told"), [(board.MOVED_ON_S, True), (board.MOVED_ON_S + 1, False)])
async def test_a_vehicle_not_located_for_long_is_not_so_many_stops_away(
    tmp_path: Path, redis_url: str, age_s: int, told: bool
) -> None:
    """The agency's time is still told; where the vehicle was minutes ago says nothing of how far it is now."""
    hall = Hall.connect(redis_url)
    town = Town(tmp_path, hall=hall)
    application = Application(town.settings, town.clock, town.replica, hall, table.ROUTES)
    located = at(8, 5) - age_s
    await town.tell(
        [Row(trip="t1", calls=CALLS, vehicle=0)], [Bus(name="7", row=0, lat=44.6, next_position=1, located=located)]
    )
    page = await get(application, "/stops/1_top?part=arrivals")
    await hall.close()
    assert '<span class="live">' in page.text
    assert ("1 stop away" in page.text) is told

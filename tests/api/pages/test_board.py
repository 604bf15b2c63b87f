"""What a departure says of its vehicle."""

from dataclasses import replace
from pathlib import Path

import pytest

from api.app import Application
from api.pages import board, table
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import Bus, Row, Town, at, predictions_of

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


async def test_a_board_says_that_nobody_can_be_believed_for_as_long_as_that_lasts(
    tmp_path: Path, redis_url: str
) -> None:
    """Also once the predictor listens to none of the feeds any more, so that its predictions name none."""
    hall = Hall.connect(redis_url)
    town = Town(tmp_path, hall=hall)
    application = Application(town.settings, town.clock, town.replica, hall, table.ROUTES)
    said, told = "No live data right now: what you see is the timetable.", []

    async def look() -> None:
        await town.clock.advance_s(2)
        told.append(said in (await get(application, "/stops/1_top?part=arrivals")).text)

    await town.tell([Row(trip="t1", calls=CALLS)])
    await look()
    town.usable = False
    await look()
    nothing = predictions_of(town.bundle, [], None, computed=int(town.clock.now_epoch_s()))
    town.hall.live["town"] = (await town.hall.predictions_version("town") + 1, replace(nothing, feed_ids=[]))
    await town.replica.refresh()
    await look()
    town.usable = True
    await look()
    await hall.close()
    assert told == [False, True, True, False]

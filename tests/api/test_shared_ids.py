"""Ids that agencies of one feed share are one thing's; ids that feeds share are two things'."""

import dataclasses
import json
from pathlib import Path

from api.app import Application
from api.replica import Replica
from domain.feed import FeedKind, FeedRecord, FeedSpec
from tests.api.live_feed import arrivals, of_trip
from tests.api.town import DAY, Bus, Row, StillHall, Town, at, import_bundle, ms, predictions_of


def test_stops_that_two_agencies_share_have_one_id(town: Town) -> None:
    """That of the feed's main agency, whoever asks and by whichever way."""
    by_agency = {stop["id"] for code in ("1", "40") for stop in town.data(f"stops-for-agency/{code}")["list"]}
    assert {stop_id for stop_id in by_agency if stop_id.endswith("pier_1")} == {"1_pier_1"}
    (express,) = of_trip(arrivals(town, "pier_1"), "40_express")
    assert express["stopId"] == "1_pier_1"
    assert town.ask("stop/40_pier_1")[0] in (200, 404)
    assert "40_pier_1" not in json.dumps(town.data("trip-details/40_express"))


async def test_ids_that_two_feeds_share_are_kept_apart(tmp_path: Path) -> None:
    """The same trip and the same vehicle in two cities of one deployment: each with its own."""
    plain = Town(tmp_path)
    bundles = {
        "town": plain.bundle,
        "other": import_bundle(tmp_path, feed_id="other", codes={"": "2", "H": "2", "B": "41"}),
    }
    hall = StillHall()
    hall.generations = {feed_id: bundle.generation for feed_id, bundle in bundles.items()}
    for feed_id, minutes in (("town", 3), ("other", 9)):
        calls = [
            (stop, at(8, m + minutes), at(8, m + minutes), 0)
            for stop, m in (("pier_1", 0), ("mid", 10), ("top", 20), ("C1", 30))
        ]
        rows = [Row(trip="t1", calls=calls, vehicle=0, updated=at(8, 5))]
        bus = Bus(name="7", row=0, lat=44.60 + minutes / 1000, next_position=1, located=at(8, 5))
        hall.live[feed_id] = (1, predictions_of(bundles[feed_id], rows, [bus], computed=at(8, 5)))
    specs = tuple(FeedSpec(feed_id=feed_id, kind=FeedKind.GTFS, url="http://x", interval_s=3600) for feed_id in bundles)
    live = FeedSpec(feed_id="live", kind=FeedKind.COMBINED, url="http://x", interval_s=15, schedule=tuple(bundles))
    hall.all_records = {"live": FeedRecord(spec=live, started_epoch_s=DAY)}
    settings = dataclasses.replace(plain.settings, feeds=(*specs, live))
    replica = Replica(settings, plain.clock, hall, plain._judge)
    plain.replica, plain.application = replica, Application(settings, plain.clock, replica, None)
    await replica.refresh()
    said = {
        code: (
            plain.data(f"arrival-and-departure-for-stop/{code}_mid", f"key=test&tripId={code}_t1")["entry"][
                "predictedArrivalTime"
            ],
            plain.data(f"vehicle/{code}_7")["entry"]["location"]["lat"],
        )
        for code in ("1", "2")
    }
    assert said == {"1": (ms(8, 13), 44.603), "2": (ms(8, 19), 44.609)}

"""A realtime feed that the town hears: written as protocol buffer text, decoded, predicted on, and asked about."""

from typing import Any

from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2

from feeds.formats import gtfs_realtime
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.tick import predict
from predictor.traces import Memory
from predictor.words import Heard
from tests.api.town import Town


async def hear(town: Town, entities: str) -> None:
    """Have the town hear a feed of those entities, now."""
    now = int(town.clock.now_epoch_s())
    header = f'header {{ gtfs_realtime_version: "2.0" timestamp: {now} }}\n'
    message = text_format.Parse(header + entities, gtfs_realtime_pb2.FeedMessage())
    items = gtfs_realtime.decode(message.SerializeToString(), feed_id="live", now_epoch_s=now).items
    schedule = Schedule(town.bundle)
    heard = Heard(feed_id="live", header_epoch_s=now, updates=items.trip_updates, vehicles=items.vehicles)
    made, _ = predict(schedule, Ground(schedule), [heard], float(now), Memory())
    town.hall.live["town"] = (await town.hall.predictions_version("town") + 1, made)
    town.hall.notices["notices"] = (town.hall.notices.get("notices", (0, ()))[0] + 1, items.situations)
    await town.replica.refresh()


def arrivals(town: Town, stop: str, query: str = "") -> list[dict[str, Any]]:
    """What is shown at the town's *stop*."""
    rows: list[dict[str, Any]] = town.data(f"arrivals-and-departures-for-stop/1_{stop}", f"key=test&{query}")["entry"][
        "arrivalsAndDepartures"
    ]
    return rows


def of_trip(rows: list[dict[str, Any]], trip_id: str) -> list[dict[str, Any]]:
    """Those of them that are the trip's."""
    return [row for row in rows if row["tripId"] == trip_id]


def update(trip: str, calls: str, *, date: str = "20261123", more: str = "") -> str:
    """One trip update; *more* goes into its trip."""
    return f'entity {{ id: "{trip}{date}" trip_update {{ trip {{ trip_id: "{trip}" start_date: "{date}" {more} }} {calls} }} }}\n'


def call(stop: str, arrival: int, more: str = "") -> str:
    """One call of a trip update, there and gone at *arrival*."""
    return f'stop_time_update {{ stop_id: "{stop}" arrival {{ time: {arrival} }} departure {{ time: {arrival} }} {more} }} '

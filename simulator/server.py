"""The generated town over HTTP: its schedule, its vehicles, its warnings, its case rates."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.clock import SystemClock
from simulator import realtime
from simulator.cap_warnings import SENDER_NAME, Cadence, WarningStory, atom_index
from simulator.city import build_city_at
from simulator.fcm import PROJECT_ID, FcmDouble
from simulator.health import SOURCE, case_rates
from simulator.operations import Operations
from simulator.serving import Sickbay, announce, listen, serve
from simulator.streets import lat_lon
from simulator.town_plan import HARBOUR_FERRIES, TIMEZONE, TOWN, TOWN_TRANSIT

PROTOBUF = "application/x-protobuf"
CADENCE = Cadence(alert_after_s=20.0, update_after_s=90.0, cancel_after_s=240.0, repeat_after_s=360.0)
FEEDS = ("gtfs", "trip_updates", "vehicle_positions", "situations", "cap", "case_rates")


def main(argv: list[str]) -> int:
    """``python -m simulator``: serve the town until stopped."""
    parser = argparse.ArgumentParser("python -m simulator", description=f"{TOWN}: a generated town and all its feeds, on loopback.")  # fmt: skip
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any that is free)")
    parser.add_argument("--announce", type=Path, metavar="FILE", help="write the addresses there, as JSON")
    parser.add_argument("--seed", type=int, default=7, help="another number is another town (default: 7)")
    options = parser.parse_args(argv)
    clock = SystemClock.from_environment()
    started_at = clock.now()
    city = build_city_at(options.seed, started_at)
    operations = Operations(city)
    story = WarningStory(started_at, CADENCE)
    bay = Sickbay(clock.now_epoch_s)
    phones = FcmDouble(clock.now_epoch_s, TIMEZONE)
    listener = listen(options.port)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    opened = started_at.timestamp()

    def instant(epoch_s: float) -> datetime:
        return datetime.fromtimestamp(epoch_s, UTC)

    def index(epoch_s: float) -> bytes:
        return atom_index(story.messages_at(instant(epoch_s)), base, instant(epoch_s), f"Warnings for {TOWN}")

    async def message(request: Request) -> Response:
        found = story.message(request.path_params["identifier"], clock.now())
        return Response(found.xml, media_type="application/cap+xml") if found else Response("no such message\n", 404)

    routes = [
        bay.route("/gtfs.zip", "gtfs", "application/zip", lambda _at: city.gtfs_zip),
        bay.route("/TripUpdates.pb", "trip_updates", PROTOBUF, lambda at: realtime.trip_updates(operations, at).SerializeToString()),
        bay.route("/VehiclePositions.pb", "vehicle_positions", PROTOBUF, lambda at: realtime.vehicle_positions(operations, at).SerializeToString()),
        bay.route("/Alerts.pb", "situations", PROTOBUF, lambda at: realtime.alerts(operations, at, opened).SerializeToString()),
        bay.route("/cap/index.atom", "cap", "application/atom+xml", index),
        Route("/cap/{identifier}.cap", message),
        bay.route("/case_rates.geojson", "case_rates", "application/geo+json", lambda at: case_rates(city, instant(at), started_at)),
        *bay.routes(FEEDS),
        *phones.routes(),
    ]  # fmt: skip
    places = [lat_lon(stop.place) for stop in city.stops]
    if options.announce:
        account = options.announce.absolute().with_name("service-account.json")
        phones.write_service_account(account, base)
        paths = (
            "gtfs.zip",
            "TripUpdates.pb",
            "VehiclePositions.pb",
            "Alerts.pb",
            "cap/index.atom",
            "case_rates.geojson",
        )
        announce(
            options.announce,
            {
                "base_url": base,
                "feeds": {feed: f"{base}/{path}" for feed, path in zip(FEEDS, paths, strict=True)},
                "fcm": {"base_url": base, "project_id": PROJECT_ID, "service_account": str(account)},
                "phone_token": "demo-phone",
                "attributions": {
                    "gtfs": f"{TOWN_TRANSIT.name} and {HARBOUR_FERRIES.name} (an invented town)",
                    "cap": SENDER_NAME,
                    "case_rates": SOURCE,
                },
                "town": TOWN,
                "time_zone": TIMEZONE,
                "centre": [sum(part) / len(places) for part in zip(*places, strict=True)],
            },
        )
    serve(listener, routes)
    return 0

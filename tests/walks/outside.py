"""The outside world in a test's own hands: a line of three stops, warnings that the test issues, and phones.

One bus line runs every five minutes around the clock, every bus two minutes late; so at any instant and at every stop an
arrival is predicted, and the timetable alone would say something else.
"""

import asyncio
import io
import random
import threading
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import uvicorn
from google.transit import gtfs_realtime_pb2
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.clock import SystemClock
from simulator.fcm import PROJECT_ID, FcmDouble
from simulator.serving import Sickbay, listen

HEADWAY_S = 300
LATE_S = 120
FEED_KEY = "canary-5e1f/x y"
"""What the environment must give as FEED_KEY: a secret that must turn up nowhere."""
STOPS = ((44.60, -63.50), (44.61, -63.50), (44.62, -63.50))
CALL_EVERY_S = 240


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def schedule() -> dict[str, str]:
    """GTFS as text. Service days start at midnight UTC; a trip's number is its start in five minutes."""
    stops = [f"s{row},Stop {row},{lat},{lon}" for row, (lat, lon) in enumerate(STOPS)]
    trips = range(86_400 // HEADWAY_S)
    calls = [
        f"t{trip},{at},{at},s{row},{row}"
        for trip in trips
        for row in range(len(STOPS))
        for at in (_clock(trip * HEADWAY_S + row * CALL_EVERY_S),)
    ]
    days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    return {
        "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nL,Line,https://line.example,UTC\n",
        "stops.txt": "\n".join(["stop_id,stop_name,stop_lat,stop_lon", *stops]),
        "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nr,L,1,Line,3\n",
        "calendar.txt": f"service_id,{days},start_date,end_date\nall,1,1,1,1,1,1,1,20200101,20391231\n",
        "trips.txt": "\n".join(["route_id,service_id,trip_id", *(f"r,all,t{trip}" for trip in trips)]),
        "stop_times.txt": "\n".join(["trip_id,arrival_time,departure_time,stop_id,stop_sequence", *calls]),
    }


def gtfs_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in schedule().items():
            archive.writestr(name, text)
    return data.getvalue()


def trip_updates(now_epoch_s: float) -> bytes:
    """Every trip within an hour, two minutes late."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int(now_epoch_s)
    for slot in range(int(now_epoch_s - 3600) // HEADWAY_S, int(now_epoch_s + 3600) // HEADWAY_S):
        start = slot * HEADWAY_S
        entity = message.entity.add(id=f"e{slot}")
        entity.trip_update.trip.trip_id = f"t{start % 86_400 // HEADWAY_S}"
        entity.trip_update.trip.start_date = f"{datetime.fromtimestamp(start, UTC):%Y%m%d}"
        stop = entity.trip_update.stop_time_update.add(stop_sequence=0, stop_id="s0")
        stop.departure.delay = LATE_S
    return message.SerializeToString()


class SlowPhones(FcmDouble):
    """A push provider that takes its time, so that a kill finds hand-overs under way."""

    lot = random.Random(1)
    takes_up_to_s = 1.0

    async def _send(self, request: Request) -> Response:
        await asyncio.sleep(self.lot.uniform(0, self.takes_up_to_s))
        try:
            return await super()._send(request)
        except ClientDisconnect:  # it was killed
            return Response(status_code=499)


class Outside:
    """See the module. ``with Outside() as world``: served until the block ends."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.bay = Sickbay(self.clock.now_epoch_s)
        self.phones = SlowPhones(self.clock.now_epoch_s)
        self.warnings: dict[str, bytes] = {}
        self._listener = listen(0)
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        timetable = gtfs_zip()
        routes = [
            self.bay.route("/gtfs.zip", "gtfs", "application/zip", lambda _at: timetable),
            self.bay.route("/trips.pb", "trips", "application/x-protobuf", trip_updates),
            self.bay.route("/cap.atom", "cap", "application/atom+xml", lambda _at: self._index()),
            Route("/cap/{name}", self._message),
            *self.phones.routes(),
        ]
        self._server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off"))
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[self._listener])), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()

    def config(self, home: Path, *, web_processes: int = 1) -> Path:
        """A deployment's configuration that lives on this world."""
        account = home / "service-account.json"
        self.phones.write_service_account(account, self.base)
        path = home / "city.toml"
        path.write_text(f'''
[city]
name = "Line"

[web]
accept_test_key = true
processes = {web_processes}

[notify]
fcm_project_id = "{PROJECT_ID}"
fcm_credentials = "{account}"
fcm_base_url = "{self.base}"

[[feeds]]
id = "line"
kind = "gtfs"
url = "{self.base}/gtfs.zip"
allow_private_hosts = true

[[feeds]]
id = "trips"
kind = "trip_updates"
url = "{self.base}/trips.pb?api_key=${{FEED_KEY}}"
headers = {{ "X-Token" = "${{FEED_KEY}}" }}
interval_s = 1
allow_private_hosts = true

[[feeds]]
id = "warnings"
kind = "cap"
url = "{self.base}/cap.atom"
interval_s = 1
allow_private_hosts = true
''')
        return path

    def warn(self, name: str, *, kind: str = "Alert", refers_to: str = "", headline: str = "") -> None:
        """Issue a severe warning over the whole line; *refers_to* names the one it updates or cancels."""
        now = self.clock.now_epoch_s()

        def stamp(epoch_s: float) -> str:
            return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")

        sent = stamp(now)
        reference = ""
        if refers_to:
            before = self.warnings.pop(refers_to).decode().split("<sent>")[1].split("<")[0]
            reference = f"<references>test@line.example,{refers_to},{before}</references>"
        self.warnings[name] = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{name}</identifier><sender>test@line.example</sender>
<sent>{sent}</sent><status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{reference}
<info><language>en</language><category>Met</category><event>{headline or name}</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><expires>{stamp(now + 7200)}</expires>
<headline>{headline or name}</headline><area><areaDesc>{name}</areaDesc>
<polygon>44.5,-63.6 44.5,-63.4 44.7,-63.4 44.7,-63.6 44.5,-63.6</polygon></area></info></alert>""".encode()

    def _index(self) -> bytes:
        entries = "".join(
            f'<entry><id>{name}</id><updated>2026-01-01T00:00:00Z</updated><link href="{self.base}/cap/{name}"/></entry>'
            for name in self.warnings
        )
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>{entries}</feed>'.encode()

    async def _message(self, request: Request) -> Response:
        found = self.warnings.get(request.path_params["name"])
        return Response(found, media_type="application/cap+xml") if found else Response(status_code=404)

"""A town with one of everything that a page can show, served over a real socket, its clock standing at 08:05."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from api.app import Application
from api.auth import RateLimit, digest_of
from api.replica import Replica
from api.serve import listen
from api.tables import MORE_ROUTES
from domain.alert import Alert, MessageStatus
from domain.feed import FeedKind, FeedRecord, FeedSpec, PollOutcome, PollRecord, Problem, ProblemLevel
from domain.feed_health import assess
from domain.predictions import CallFlag
from domain.realtime import TripRelationship
from domain.risk import RiskLevel, TripRisk
from domain.score import FIELDS, SHAPE, ScoreDay
from domain.situation import Selector, Situation, Translation
from predictor.alert_chains import advance
from runtime.clock import FakeClock
from runtime.settings import DemoSettings
from store import scores
from store.hall import Hall
from tests.api.town import GTFS, LIVE_SPEC, NOTICE_SPEC, TOWN_SPEC, Bus, Key, Row, Town, at, predictions_of
from tests.feeds.formats.cap_messages import alert, info, read

NOW = at(8, 5)
TOKEN = "op-token-of-the-tests"
STOP = "/stops/1_mid"
"""Where, from 08:05: t1 comes live, 3 minutes late; t4 is only scheduled; t5 passes without stopping; t3 is cancelled."""
FILES = GTFS | {
    "translations.txt": """
table_name,field_name,language,translation,record_id,record_sub_id,field_value
stops,stop_name,vi,Phố Giữa,mid,,
trips,trip_headsign,vi,Trung tâm,,,Central
""",
    "trips.txt": GTFS["trips.txt"] + "r_10,WK,t4,Central,0,,north\nr_10,WK,t5,Central,0,,north\n",
    "stop_times.txt": GTFS["stop_times.txt"]
    + "".join(
        f"{trip},08:{minute + 10}:00,08:{minute + 10}:00,mid,2,0,0,\n"
        f"{trip},08:{minute + 20}:00,08:{minute + 20}:00,top,3,0,0,\n"
        for trip, minute in (("t4", 12), ("t5", 15))
    ),
}
FLOOD = info(
    "<area><areaDesc>The harbour</areaDesc><polygon>44.60,-63.51 44.60,-63.49 44.62,-63.49 44.62,-63.51 44.60,-63.51</polygon></area>",
    instruction="Leave cellars now.",
)
CAP_SPEC = FeedSpec(feed_id="civil", kind=FeedKind.CAP, url="http://x", interval_s=30, attribution="Office of Safety")


def _poll(epoch_s: int, outcome: PollOutcome, **changes: Any) -> PollRecord:
    poll = PollRecord(
        at_epoch_s=epoch_s, outcome=outcome, status=200, duration_s=0.1, wire_bytes=900,
        header_epoch_s=epoch_s, entities=3, problems=0,
    )  # fmt: skip
    return replace(poll, **changes)


def _record(spec: FeedSpec, *polls: PollRecord, **changes: Any) -> FeedRecord:
    record = FeedRecord(
        spec=spec, started_epoch_s=NOW - 600, last_attempt_epoch_s=NOW - 5, last_success_epoch_s=NOW - 5,
        last_change_epoch_s=NOW - 5, header_epoch_s=NOW - 5, polls_total=len(polls), history=polls, entities=3,
        entity_counts=(("trip_updates", 3),), clock_ahead_s=-7.2, content_change_epoch_s=NOW - 720, ticks_skipped=1,
    )  # fmt: skip
    return replace(record, **changes)


def records() -> dict[str, FeedRecord]:
    """Feeds of four states."""
    error = Problem(
        code="cap_polygon", level=ProblemLevel.ERROR, message="an area is not closed", where="area 2", count=2
    )
    refused = _poll(NOW - 5, PollOutcome.HTTP_5XX, status=503, message="HTTP 503 Service Unavailable")
    return {
        "town": _record(TOWN_SPEC, _poll(NOW - 5, PollOutcome.OK_NEW), entity_counts=(("routes", 2), ("stops", 8))),
        "live": _record(LIVE_SPEC, *(_poll(NOW - 20 + 5 * n, PollOutcome.OK_NEW) for n in range(4))),
        "civil": _record(CAP_SPEC, _poll(NOW - 5, PollOutcome.OK_NEW), problems=(error,)),
        "notices": _record(NOTICE_SPEC, *[refused] * 4, consecutive_failures=4, failing_since_epoch_s=NOW - 60),
    }


def flood() -> Alert:
    """A warning over the south of the town."""
    (made,) = advance({}, [read(alert(FLOOD))], feed_id="civil", seen_epoch_s=NOW, now_epoch_s=NOW).told
    return made


def exercise() -> Alert:
    """The same as an Exercise: no page may say that it is in force."""
    why = "status is Exercise, not Actual"
    return replace(flood(), alert_id="exercise", status=MessageStatus.EXERCISE, pushable=False, why_not_pushable=why)


def closed_stop() -> Situation:
    """A notice at the stop ``mid``."""
    header = (Translation(text="Stop closed", language="en"), Translation(text="Trạm đóng", language="vi"))
    return Situation(
        raw_id="closed", feed_id="notices", created_epoch_s=NOW, periods=(), selectors=(Selector(stop_raw_id="mid"),),
        cause="MAINTENANCE", effect="NO_SERVICE", severity="WARNING", header=header,
        description=(Translation(text="Use the next stop.", language="en"),), url=(),
    )  # fmt: skip


def detour() -> Situation:
    """A notice about the line that calls there."""
    header = (Translation(text="Detour by the mill", language="en"), Translation(text="Đi vòng", language="vi"))
    return replace(
        closed_stop(), raw_id="detour", selectors=(Selector(route_raw_id="r_10"),), effect="DETOUR", header=header
    )


def scored_day() -> ScoreDay:
    """Predictions of both strata and every horizon, 12,000 of each: the longest figures that a table must hold."""
    tally = np.zeros(SHAPE)
    for name, value in (("n", 1), ("error_s", 100), ("absolute_s", 150), ("eta_n", 1), ("eta_good", 1)):
        tally[:, :, :, FIELDS.index(name)] = 12_000 * value
    return ScoreDay.of({"r_10": tally})


class Site:
    """The application with all its tables, on a thread of its own."""

    def __init__(self, home: Path, redis_url: str) -> None:
        town = Town(home, files=FILES)
        self.hall, self.clock = town.hall, FakeClock(datetime.fromtimestamp(NOW, UTC))
        self.alert = flood()
        rows = [
            Row(trip="t1", vehicle=0, updated=NOW - 10, deviation=180, calls=[
                ("pier_1", NOW - 120, NOW - 120, int(CallFlag.PASSED)), ("mid", at(8, 13), at(8, 13), 0),
                ("top", at(8, 23), at(8, 24), 0), ("C1", at(8, 33), at(8, 33), 0)]),
            Row(trip="t3", relationship=int(TripRelationship.CANCELED)),
            Row(trip="t5", updated=NOW - 10, calls=[("mid", 0, 0, int(CallFlag.SKIPPED)), ("top", at(8, 35), at(8, 35), 0)]),
        ]  # fmt: skip
        buses = [Bus(name="bus7", row=0, lat=44.605, bearing=0.0, next_position=1, located=NOW - 10)]
        self.hall.live["town"] = (1, predictions_of(town.bundle, rows, buses, computed=NOW))
        self.hall.all_records = records()
        self.hall.all_alerts = {made.alert_id: made for made in (self.alert, exercise())}
        self.hall.alert_version = 1
        today = TripRisk(
            alert_id=self.alert.alert_id, revision=1, level=RiskLevel.SEVERE, trip_id="1_t1", route_id="1_r_10",
            service_date=20261123, first_position=0, last_position=2, stop_ids=("1_mid",),
        )  # fmt: skip
        self.hall.all_risks = (today, replace(today, trip_id="1_t2", service_date=20261122))
        self.hall.notices = {"notices": (1, (detour(), closed_stop()))}
        self.hall.keys = {digest_of(TOKEN): Key("operator")}
        # Nothing listens at the simulator's address: pages must bear that.
        demo = DemoSettings(base_url="http://127.0.0.1:9", phone_token="demo-phone")
        specs = (TOWN_SPEC, LIVE_SPEC, NOTICE_SPEC, CAP_SPEC)
        self.settings = replace(
            town.settings, city="Pier Town", time_zone="America/Halifax", feeds=specs, demo=demo, port=0
        )
        self.redis_url = redis_url
        self.base = ""
        self._listening = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._socket = listen(self.settings, shared=False)
        self.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def start(self) -> None:
        """Serve, from before this returns."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._listening.wait(20), "the site did not start"

    async def _serve(self) -> None:
        hall = Hall.connect(self.redis_url)
        for day in (20261121, 20261123):
            await scores.put(hall, "town", day, scored_day(), 0.0)
        replica = Replica(self.settings, self.clock, self.hall, assess)
        await replica.refresh()
        application = Application(self.settings, self.clock, replica, hall, MORE_ROUTES)
        # The clock stands still, so that what is asked once would count against the limit for ever.
        application.starlette.state.rate_limit = RateLimit(self.clock, per_s=1e9, burst=1e9)
        self._server = uvicorn.Server(uvicorn.Config(application, ws="none", lifespan="off", log_level="error"))
        self._listening.set()
        await self._server.serve(sockets=[self._socket])
        await hall.close()

    def stop(self) -> None:
        """Be gone: whoever asks from now on finds nobody."""
        if self._thread is not None and self._server is not None:
            self._server.should_exit = True
            self._thread.join()
            self._thread = None
        self._socket.close()

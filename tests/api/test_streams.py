"""Streams of events over real sockets: what is, what changes, resuming, slow readers, an orderly end."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import Application
from api.auth import digest_of
from api.streams import Streams
from domain.alert import Alert
from domain.quota import Quota
from tests.api.town import Key, Row, Town, at
from tests.notify.warnings import block
from tests.notify.warnings import flood as flood_of

TIMEOUT_S = 20


@dataclass
class Event:
    """One event as a browser would hand it over."""

    id: str = ""
    event: str = ""
    data: Any = None


class Line:
    """A client's end of a stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> Event | str:
        """The next event; a comment as its text; "over" at the end of the stream."""
        async with asyncio.timeout(TIMEOUT_S):
            found = Event()
            async for line in self._lines:
                name, _, value = line.partition(":")
                if not line:
                    if found.event:
                        return found
                    found = Event()
                elif not name:
                    return "heartbeat"
                elif name == "id":
                    found.id = value.strip()
                elif name == "event":
                    found.event = value.strip()
                elif name == "data":
                    found.data = json.loads(value)
            return "over"

    async def event(self) -> Event:
        """The next event, heartbeats passed over."""
        while (found := await self.next()) == "heartbeat":
            pass
        assert isinstance(found, Event), found
        return found


@dataclass
class Served:
    """The town behind a socket."""

    town: Town
    port: int
    server: uvicorn.Server
    client: httpx.AsyncClient
    lines: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def listen(self, path: str, last_id: str = "") -> Line:
        headers = {"last-event-id": last_id} if last_id else {}
        return Line(await self.lines.enter_async_context(self.client.stream("GET", path, headers=headers)))


@contextlib.asynccontextmanager
async def serving(town: Town) -> AsyncIterator[Served]:
    application: Application = town.application
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    streaming = asyncio.create_task(application.streams.run())
    port = listener.getsockname()[1]
    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=TIMEOUT_S)
    served = Served(town, port, server, client)
    try:
        async with client, served.lines:
            while not server.started:
                await asyncio.sleep(0.01)
            yield served
    finally:
        application.streams.close()
        server.should_exit = True
        await serving
        streaming.cancel()
        listener.close()


@pytest.fixture
async def served(town: Town) -> AsyncIterator[Served]:
    async with serving(town) as served:
        yield served


def flood(*, headline: str = "Flood", revision: int = 1) -> Alert:
    """A warning in force in the town's time."""
    return flood_of(block(headline=headline), revision=revision, expires_epoch_s=at(20))


def late(minutes: int) -> list[Row]:
    """t1, that late."""
    calls = [("pier_1", 0), ("mid", 10), ("top", 20), ("C1", 30)]
    return [Row(trip="t1", calls=[(s, at(8, m) + 60 * minutes, at(8, m) + 60 * minutes, 0) for s, m in calls])]


async def test_stream_says_what_is_then_what_changes(served: Served) -> None:
    """First all arrivals; after a tick only the one that moved, under the same key."""
    line = await served.listen("/api/v1/stops/1_mid/events?minutesAfter=60")
    assert line.answer.headers["content-type"].startswith("text/event-stream")
    assert line.answer.headers["cache-control"] == "no-store"
    first = await line.event()
    assert (first.event, first.data["complete"], first.data["gone"]) == ("arrivals", True, [])
    rows = {row["tripId"]: row for row in first.data["changed"]}
    assert {trip: row["predicted"] for trip, row in rows.items()} == {"1_t1": False, "1_t3": False}
    await served.town.tell(late(3))
    second = await line.event()
    assert second.data["complete"] is False
    (row,) = second.data["changed"]
    assert (row["key"], row["predictedArrivalTime"]) == (rows["1_t1"]["key"], (at(8, 10) + 180) * 1000)
    assert second.id != first.id


async def test_stream_says_what_is_over(served: Served) -> None:
    """A bus that has left is gone by its key."""
    await served.town.tell(late(0))
    line = await served.listen("/api/v1/stops/1_mid/events?minutesAfter=30")
    first = await line.event()
    key = next(row["key"] for row in first.data["changed"] if row["tripId"] == "1_t1")
    await served.town.clock.advance_s(600)
    await served.town.tell(late(0))
    assert (await line.event()).data["gone"] == [key]


async def test_stream_resumes_where_it_broke_off(served: Served) -> None:
    """With the newest id: silence until something changes; with an older one: what changed since; with another: all."""
    path = "/api/v1/stops/1_mid/events?minutesAfter=60"
    line = await served.listen(path)
    first = await line.event()
    await served.town.tell(late(3))
    second = await line.event()
    behind, up_to_date, stranger = [await served.listen(path, one) for one in (first.id, second.id, "nonsense")]
    assert await behind.event() == second
    assert (await stranger.event()).data["complete"] is True
    await served.town.tell(late(4))
    third = await up_to_date.event()
    assert [row["predictedArrivalTime"] for row in third.data["changed"]] == [(at(8, 10) + 240) * 1000]


async def test_stream_ids_hold_in_another_process(served: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same content has the same id everywhere."""
    line = await served.listen("/api/v1/stops/1_mid/events")
    first = await line.event()
    other = Town(tmp_path_factory.mktemp("other"))
    await other.replica.refresh()
    async with serving(other) as elsewhere:
        assert (await (await elsewhere.listen("/api/v1/stops/1_mid/events")).event()).id == first.id


async def test_one_computation_serves_all_listeners(served: Served) -> None:
    """Thirty listeners at one stop cost one look a tick, not thirty; nothing new costs no event."""
    lines = [await served.listen("/api/v1/stops/1_mid/events") for _ in range(30)]
    for line in lines:
        await line.event()
    streams = served.town.application.streams
    assert streams.open == {"arrivals": 30}
    await served.town.tell(late(2))
    found = [await line.event() for line in lines]
    assert all(event == found[0] for event in found)
    looks = streams.looks_total
    assert looks <= 3  # the first listener's, the tick's, and that of the town's own first tick
    await served.town.tell(late(2))
    while streams.looks_total == looks:
        await asyncio.sleep(0.01)
    assert (streams.looks_total, streams.events_total) == (looks + 1, 60)


async def test_stream_of_alerts_says_what_is_in_force(served: Served) -> None:
    """New and revised alerts come whole; one that ended is gone."""
    line = await served.listen("/api/v1/alerts/events?language=en")
    assert (await line.event()).data == {"complete": True, "changed": [], "gone": []}

    async def now_in_force(*alerts: Alert) -> None:
        served.town.hall.all_alerts = {alert.alert_id: alert for alert in alerts}
        served.town.hall.alert_version += 1
        await served.town.replica.refresh()

    await now_in_force(flood(headline="Flood"))
    (row,) = (await line.event()).data["changed"]
    assert (row["key"], row["headline"]) == (flood().alert_id, "Flood")
    await now_in_force(flood(headline="Worse flood", revision=2))
    assert [one["headline"] for one in (await line.event()).data["changed"]] == ["Worse flood"]
    await now_in_force()
    assert (await line.event()).data["gone"] == [flood().alert_id]


async def test_stream_sends_heartbeats(town: Town) -> None:
    """A line without news is not a dead line."""
    town.application.streams = Streams(heartbeat_s=0.05)
    async with serving(town) as served:
        line = await served.listen("/api/v1/alerts/events")
        await line.event()
        assert [await line.next() for _ in range(3)] == ["heartbeat"] * 3


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/stops/1_none/events", 404), ("/api/v1/stops/mid/events", 400), ("/api/v1/nothing/events", 404),
     ("/api/v1/stops/1_mid/events?minutesAfter=0", 400), ("/api/v1/stops/1_mid/events?minutesAfter=121", 400)],
)  # fmt: skip
async def test_stream_that_cannot_be_is_refused(served: Served, path: str, status: int) -> None:
    """As a plain answer, so that an EventSource does not come back for it."""
    answer = await served.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, status)


async def test_one_address_holds_only_so_many_streams(town: Town) -> None:
    """Beyond that it is asked to wait; one that hangs up makes room."""
    town.application.streams = Streams(max_of_address=2)
    async with serving(town) as served:
        first, second = [await served.listen("/api/v1/alerts/events") for _ in range(2)]
        refused = await served.client.get("/api/v1/alerts/events")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
        await first.answer.aclose()
        async with asyncio.timeout(TIMEOUT_S):
            while (again := await served.listen("/api/v1/alerts/events")).answer.status_code != 200:
                await asyncio.sleep(0.01)
        assert (await again.event()).data["complete"] is True
        assert (await second.event()).data["complete"] is True


async def test_stream_takes_get_alone(served: Served) -> None:
    """405 for others; a preflight is answered."""
    refused = await served.client.post("/api/v1/alerts/events")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, OPTIONS")
    assert (await served.client.options("/api/v1/alerts/events")).status_code == 204


@pytest.mark.parametrize("key", ["é".encode(), b"%C3%A9"])
async def test_stream_knows_a_key_however_its_letters_are_sent(town: Town, key: bytes) -> None:
    """As it is or escaped, it counts against the key's own quota."""
    quota = Quota(requests=60, per_s=3600)
    town.hall.keys[digest_of("é")] = Key("rider", quota=quota)
    await town.replica.refresh()
    said: list[int] = []

    async def send(message: Any) -> None:
        said.extend([message["status"]] if message["type"] == "http.response.start" else [])

    for _ in range(4):
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/nothing/events",
            "headers": [],
            "client": None,
        }
        await town.application({**scope, "query_string": b"key=" + key}, _no_more, send)
    assert said == [404, 404, 404, 429]


async def _no_more() -> Any:
    return {"type": "http.disconnect"}


async def test_stream_that_is_hung_up_leaves_nothing_behind(served: Served) -> None:
    """The listener goes, and with the last one the topic."""
    streams = served.town.application.streams
    async with served.client.stream("GET", "/api/v1/stops/1_mid/events") as answer:
        await Line(answer).event()
    async with asyncio.timeout(TIMEOUT_S):
        while streams.open != {"arrivals": 0}:
            await asyncio.sleep(0.01)
    looks = streams.looks_total
    await served.town.tell(late(1))
    await streams.look()
    assert streams.looks_total == looks


async def test_slow_reader_is_cut_off_and_costs_the_others_nothing(town: Town) -> None:
    """It takes nothing while large states come: its connection is closed; nothing queues up for it meanwhile."""
    town.application.streams = streams = Streams(send_patience_s=0.3)
    town.replica.on_change = streams.notice
    async with serving(town) as served:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", served.port))
        await loop.sock_sendall(slow, b"GET /api/v1/alerts/events HTTP/1.1\r\nhost: town\r\n\r\n")
        line = await served.listen("/api/v1/alerts/events")
        await line.event()
        revision = 0
        async with asyncio.timeout(TIMEOUT_S):
            while streams.cut_off_total == 0:
                revision += 1
                alert = flood(headline=f"{revision} " + "x" * 1_000_000, revision=revision)
                town.hall.all_alerts, town.hall.alert_version = {alert.alert_id: alert}, revision
                await town.replica.refresh()
                assert (await line.event()).data["changed"][0]["revision"] == revision
        assert streams.open == {"alerts": 1}
        slow.close()


async def test_streams_end_when_the_process_stops(served: Served) -> None:
    """Each gets the proper end of its answer at once; new ones are sent elsewhere."""
    line = await served.listen("/api/v1/alerts/events")
    await line.event()
    served.town.application.streams.close()
    assert await line.next() == "over"
    refused = await served.client.get("/api/v1/alerts/events")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")


async def test_process_told_to_stop_ends_its_streams_first(redis_url: str, tmp_path: Path) -> None:
    """SIGTERM: every stream gets its proper end, and the process does not wait for listeners to leave."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "REDIS_URL": redis_url, "WAYSIDE_HOME": str(tmp_path), "WAYSIDE_PORT": str(port)}
    environment.pop("WAYSIDE_CONFIG", None)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "wayside", "web", env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=TIMEOUT_S) as client:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        await client.get("/healthz")
                        break
                    await asyncio.sleep(0.05)
            async with client.stream("GET", "/api/v1/alerts/events") as answer:
                line = Line(answer)
                await line.event()
                process.terminate()
                assert await line.next() == "over"
        async with asyncio.timeout(TIMEOUT_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

"""Polling over real HTTP from servers that misbehave, into a real Redis."""

import asyncio
import contextlib
import gzip
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from google.transit import gtfs_realtime_pb2

from domain.feed import FeedKind, FeedRecord, FeedSpec, PollOutcome
from domain.feed_health import FeedState, assess
from feeds.worker import run
from runtime.clock import SystemClock
from runtime.settings import Settings
from store import feed_health, keys, realtime
from store.hall import Hall
from tests.feeds.schedules import zip_of

SECRET = "canary/7f3a 9c"


@dataclass
class Answer:
    """What the server says to one request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0


@dataclass
class Producer:
    """A server in the test's hands: path to a function from the request's headers to the answer."""

    base: str = ""
    answers: dict[str, Callable[[dict[str, str]], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def count(self, path: str) -> int:
        return sum(asked.split("?")[0] == path for asked, _ in self.asked)


@pytest.fixture
def producer() -> Iterator[Producer]:
    it = Producer()
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            it.asked.append((self.path, headers))
            it.at_once += 1
            it.most_at_once = max(it.most_at_once, it.at_once)
            try:
                answer = it.answers[self.path.split("?")[0]](headers)
                closing.wait(answer.after_s)
                with contextlib.suppress(OSError):
                    self.send_response_only(answer.status)
                    for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)
            finally:
                it.at_once -= 1

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True).start()
    it.base = f"http://127.0.0.1:{server.server_port}"
    yield it
    closing.set()
    server.shutdown()
    server.server_close()


def message(header_epoch_s: float, *trip_ids: str) -> bytes:
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.timestamp = int(header_epoch_s)
    for trip_id in trip_ids:
        entity = feed.entity.add(id=trip_id)
        entity.trip_update.trip.trip_id = trip_id
        entity.trip_update.stop_time_update.add(stop_sequence=1).arrival.delay = 60
    return feed.SerializeToString()


def feed(producer: Producer, path: str, kind: FeedKind = FeedKind.TRIP_UPDATES, **changes: object) -> FeedSpec:
    given: dict[str, object] = {
        "feed_id": path.strip("/").split(".")[0], "kind": kind, "url": producer.base + path, "interval_s": 0.05,
        "timeout_s": 5.0, "allow_private_hosts": True, **changes,
    }  # fmt: skip
    return FeedSpec(**given)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def polling(home: Path, url: str, *feeds: FeedSpec, secrets: dict[str, str] | None = None) -> AsyncIterator[Hall]:
    """The feeds process on these feeds, until the block ends."""
    settings = Settings(home=home, redis_url=url, redis_is_embedded=False, feeds=feeds, secrets=secrets or {})
    hall, mine, stop = Hall.connect(url), Hall.connect(url), asyncio.Event()
    working = asyncio.create_task(run(settings, mine, SystemClock(), stop))
    try:
        yield hall
    finally:
        stop.set()
        await working
        await mine.close()
        await hall.close()


async def record_when(hall: Hall, feed_id: str, fits: Callable[[FeedRecord], bool]) -> FeedRecord:
    """The feed's record once it fits."""
    async with asyncio.timeout(30):
        while True:
            record = await feed_health.get_record(hall, feed_id)
            if record is not None and record.polls_total and fits(record):
                return record
            await asyncio.sleep(0.01)


def outcome(record: FeedRecord) -> PollOutcome:
    return record.history[-1].outcome


async def test_a_poll_asks_plainly_and_says_who_asks(producer: Producer, tmp_path: Path, redis_url: str) -> None:
    """GET, with an Accept that no producer takes for JSON, packed, and a contact."""
    now = time.time()  # noqa: TID251
    producer.answers["/trips.pb"] = lambda _: Answer(message(now, "t1"))
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        record = await record_when(hall, "trips", lambda _: True)
    headers = producer.asked[0][1]
    assert headers["accept"].startswith("application/x-protobuf")
    assert "json" not in headers["accept"]
    assert headers["accept-encoding"] == "gzip"
    assert headers["user-agent"].startswith("wayside/")
    assert dict(record.entity_counts) == {"trip_updates": 1}


async def test_not_modified_is_success_but_not_fresh(producer: Producer, tmp_path: Path, redis_url: str) -> None:
    """A 304 is a good poll; the data's age still comes from its header."""
    old = time.time() - 400  # noqa: TID251

    def answer(headers: dict[str, str]) -> Answer:
        known = headers.get("if-none-match") == '"1"'
        return Answer(status=304) if known else Answer(message(old, "t1"), headers={"ETag": '"1"'})

    producer.answers["/trips.pb"] = answer
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        record = await record_when(hall, "trips", lambda it: outcome(it) is PollOutcome.NOT_MODIFIED)
    health = assess(record, time.time())  # noqa: TID251
    assert record.consecutive_failures == 0
    assert (health.state, health.usable) == (FeedState.STALE, False)


async def test_a_clock_that_ticks_over_the_same_contents_is_told_from_news(
    producer: Producer, tmp_path: Path, redis_url: str
) -> None:
    """The header is younger at each poll, what it says is a poll old; and the server's clock is an hour slow."""
    now, trips = time.time(), ["t1"]  # noqa: TID251
    date = formatdate(now - 3600, usegmt=True)
    producer.answers["/trips.pb"] = lambda _: Answer(
        message(now + producer.count("/trips.pb"), *trips), headers={"Date": date}
    )
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        first = await record_when(hall, "trips", lambda _: True)
        later = await record_when(hall, "trips", lambda it: it.last_change_epoch_s > first.last_change_epoch_s)
        trips.append("t2")
        news = await record_when(hall, "trips", lambda it: it.entities == 2)
    assert later.content_change_epoch_s == first.history[0].at_epoch_s
    assert news.content_change_epoch_s > first.content_change_epoch_s
    assert first.clock_ahead_s is not None
    assert -3700 < first.clock_ahead_s < -3500


async def test_a_server_that_says_not_modified_for_ever_is_found_out(
    producer: Producer, tmp_path: Path, redis_url: str
) -> None:
    """Any If-Modified-Since brings a 304 there; the tenth request does not ask, and conditions are not believed again."""
    now, sent = time.time(), [0]  # noqa: TID251

    def answer(headers: dict[str, str]) -> Answer:
        if "if-modified-since" in headers:
            return Answer(status=304)
        sent[0] += 1
        changed = {"Last-Modified": "Tue, 24 Nov 2026 00:00:00 GMT"}
        return Answer(message(now + sent[0], f"t{sent[0]}"), headers=changed)

    producer.answers["/trips.pb"] = answer
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        record = await record_when(hall, "trips", lambda _: sent[0] >= 4)
    assert dict(record.outcomes)["not_modified"] == 9


async def test_a_silent_feed_holds_up_no_other_and_never_overlaps(
    producer: Producer, tmp_path: Path, redis_url: str
) -> None:
    now = time.time()  # noqa: TID251
    producer.answers["/silent.pb"] = lambda _: Answer(after_s=60)
    producer.answers["/trips.pb"] = lambda _: Answer(message(now, "t1"))
    silent, well = feed(producer, "/silent.pb", timeout_s=0.5), feed(producer, "/trips.pb")
    async with polling(tmp_path, redis_url, silent, well) as hall:
        record = await record_when(hall, "silent", lambda _: True)
        assert outcome(record) is PollOutcome.TIMEOUT
        await record_when(hall, "trips", lambda it: it.polls_total >= 5)
        assert producer.count("/silent.pb") == 1


async def test_a_slow_feed_is_never_asked_twice_at_once(producer: Producer, tmp_path: Path, redis_url: str) -> None:
    """An answer takes longer than the interval: ticks are skipped, not piled up."""
    now = time.time()  # noqa: TID251
    producer.answers["/trips.pb"] = lambda _: Answer(message(now, "t1"), after_s=0.2)
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        await record_when(hall, "trips", lambda it: it.polls_total >= 3)
    assert producer.most_at_once == 1


async def test_a_failing_feed_keeps_its_last_good_data_and_says_so_once(
    producer: Producer, tmp_path: Path, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    now, well = time.time(), [True]  # noqa: TID251
    producer.answers["/trips.pb"] = lambda _: (
        Answer(message(now, "t1")) if well[0] else Answer(b"no", 503, {"Retry-After": "0"})
    )
    caplog.set_level(logging.INFO, "wayside")
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        await record_when(hall, "trips", lambda _: True)
        well[0] = False
        record = await record_when(hall, "trips", lambda it: it.consecutive_failures >= 1)
        dataset = await realtime.get(hall, "trips")
    assert dataset is not None
    assert dataset.trip_updates is not None
    assert dataset.trip_updates.trip_ids == ["t1"]
    assert (record.entities, record.header_epoch_s) == (1, int(now))
    assert [it.getMessage().split()[0] for it in caplog.records] == ["event=feed_failing"]


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (Answer(status=204), PollOutcome.EMPTY, "without a body"),
        (Answer(b""), PollOutcome.EMPTY, "without a body"),
        (Answer(b'{"entity": []}'), PollOutcome.NOT_THE_FORMAT, "found JSON"),
        (Answer(b"<!doctype html><html><body>Bad Gateway"), PollOutcome.NOT_THE_FORMAT, "found HTML"),
        (Answer(b"header { gtfs_realtime_version: 2 }"), PollOutcome.NOT_THE_FORMAT, "protobuf as text"),
        (Answer(b"\x0a\x02\x08"), PollOutcome.NOT_THE_FORMAT, "FeedMessage"),
        (Answer(b"\x0a\x07\x0a\x032.0\x10\x01"), PollOutcome.NOT_THE_FORMAT, "found changes to one (DIFFERENTIAL)"),
        (Answer(b"x" * 3000), PollOutcome.TOO_LARGE, "3000 bytes announced"),
        (Answer(gzip.compress(bytes(2_000_000)), headers={"Content-Encoding": "gzip"}), PollOutcome.TOO_LARGE, "more than 2000"),
        (Answer(gzip.compress(b"feed" * 99)[:-9], headers={"Content-Encoding": "gzip"}), PollOutcome.NOT_THE_FORMAT, "cut short"),
        (Answer(b"not packed", headers={"Content-Encoding": "gzip"}), PollOutcome.NOT_THE_FORMAT, "damaged gzip"),
        (Answer(b"packed", headers={"Content-Encoding": "br"}), PollOutcome.NOT_THE_FORMAT, "'br'"),
        (Answer(b"gone", 410), PollOutcome.HTTP_4XX, "HTTP 410"),
        (Answer(status=302, headers={"Location": "/trips.pb"}), PollOutcome.REDIRECT_BLOCKED, "more than 3 redirects"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), PollOutcome.ADDRESS_BLOCKED, "'file'"),
    ],
)  # fmt: skip
async def test_a_bad_answer_is_named(
    producer: Producer, tmp_path: Path, redis_url: str, answer: Answer, expected: PollOutcome, words: str
) -> None:
    """Whatever comes, the poll is in the ledger with an outcome and words, and nothing is served of it."""
    producer.answers["/trips.pb"] = lambda _: answer
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb", max_bytes=2000)) as hall:
        record = await record_when(hall, "trips", lambda _: True)
        assert await realtime.get(hall, "trips") is None
    assert (outcome(record), record.consecutive_failures >= 1) == (expected, True)
    assert words in record.history[-1].message


async def test_the_same_bytes_are_not_taken_twice(producer: Producer, tmp_path: Path, redis_url: str) -> None:
    now = time.time()  # noqa: TID251
    producer.answers["/trips.pb"] = lambda _: Answer(message(now, "t1"))
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        await record_when(hall, "trips", lambda it: outcome(it) is PollOutcome.OK_UNCHANGED)
        assert await hall.version(keys.realtime("trips")) == 1


async def test_an_older_dataset_is_left_out_until_it_stays(producer: Producer, tmp_path: Path, redis_url: str) -> None:
    """A mirror that lags behind alternates with a good one and never shows; a producer that started anew does, in the end."""
    now, mirrors, asked = int(time.time()), [True], [0]  # noqa: TID251

    def answer(_: dict[str, str]) -> Answer:
        asked[0] += 1
        lagging = asked[0] % 2 == 0 if mirrors[0] else True
        return Answer(message(now - 30 if lagging else now, "old" if lagging else "new"))

    producer.answers["/trips.pb"] = answer
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        record = await record_when(hall, "trips", lambda it: dict(it.outcomes).get("older_than_before", 0) >= 4)
        dataset = await realtime.get(hall, "trips")
        assert dataset is not None
        assert (dataset.version, record.consecutive_failures, record.header_epoch_s) == (1, 0, now)
        mirrors[0] = False
        await record_when(hall, "trips", lambda it: it.header_epoch_s == now - 30)


async def test_a_full_dataset_replaces_all_that_the_feed_said(
    producer: Producer, tmp_path: Path, redis_url: str
) -> None:
    now, said = time.time(), ["t1", "t2"]  # noqa: TID251
    producer.answers["/trips.pb"] = lambda _: Answer(message(now, *said))
    producer.answers["/other.pb"] = lambda _: Answer(message(now, "o1"))
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb"), feed(producer, "/other.pb")) as hall:
        await record_when(hall, "other", lambda _: True)
        await record_when(hall, "trips", lambda it: it.entities == 2)
        said[:] = ["t3"]
        await record_when(hall, "trips", lambda it: it.entities == 1)
        mine, others = await realtime.get(hall, "trips"), await realtime.get(hall, "other")
    assert mine is not None
    assert others is not None
    assert mine.trip_updates is not None
    assert others.trip_updates is not None
    assert (mine.trip_updates.trip_ids, others.trip_updates.trip_ids) == (["t3"], ["o1"])


async def test_a_redis_that_lost_a_dataset_gets_it_back(producer: Producer, tmp_path: Path, redis_url: str) -> None:
    """Although the feed has not changed, and says so."""
    now = time.time()  # noqa: TID251

    def answer(headers: dict[str, str]) -> Answer:
        known = "if-none-match" in headers
        return Answer(status=304) if known else Answer(message(now, "t1"), headers={"ETag": '"1"'})

    producer.answers["/trips.pb"] = answer
    async with polling(tmp_path, redis_url, feed(producer, "/trips.pb")) as hall:
        await record_when(hall, "trips", lambda it: outcome(it) is PollOutcome.NOT_MODIFIED)
        await hall.redis.delete(keys.realtime("trips"))
        async with asyncio.timeout(30):
            while await realtime.get(hall, "trips") is None:
                await asyncio.sleep(0.01)


async def test_a_broken_schedule_never_replaces_a_good_one(producer: Producer, tmp_path: Path, redis_url: str) -> None:
    """It is refused once, not imported again and again, and the good one stays in force."""
    good, broken = zip_of(tmp_path / "good.zip").read_bytes(), [False]
    producer.answers["/gtfs.zip"] = lambda _: Answer(b"PK\x03\x04 broken" if broken[0] else good)
    spec = feed(producer, "/gtfs.zip", FeedKind.GTFS, timeout_s=60.0)
    async with polling(tmp_path, redis_url, spec) as hall:
        await record_when(hall, "gtfs", lambda it: it.entities > 0)
        before = await hall.redis.hgetall(keys.timetable("gtfs"))
        broken[0] = True
        record = await record_when(hall, "gtfs", lambda it: it.consecutive_failures > 0)
        assert outcome(record) is PollOutcome.NOT_THE_FORMAT
        assert [one.code for one in record.problems][-1] == "refused"
        assert record.problems[-1].message.startswith("gtfs.zip: expected a zip archive")
        assert await hall.redis.hgetall(keys.timetable("gtfs")) == before


async def test_secrets_are_in_no_output(
    producer: Producer, tmp_path: Path, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A key in the address and one in a header, with every kind of failure: not in Redis, not in the log."""
    now, turn = time.time(), [0]  # noqa: TID251
    answers = [
        Answer(message(now, "t1")), Answer(status=302, headers={"Location": f"http://127.0.0.1:1/?key={SECRET}"}),
        Answer(SECRET.encode()), Answer(b"no", 403), Answer(after_s=60),
    ]  # fmt: skip

    def answer(_: dict[str, str]) -> Answer:
        turn[0] += 1
        return answers[min(turn[0], len(answers)) - 1]

    producer.answers["/trips.pb"] = answer
    caplog.set_level(logging.DEBUG)
    url = f"{producer.base}/trips.pb?api_key=${{KEY}}"
    specs = [
        feed(producer, "/trips.pb", url=url, headers=(("X-Secret", "${KEY}"),), timeout_s=0.5, feed_id=name)
        for name in ("a", "b", "c", "d", "e")
    ]
    async with polling(tmp_path, redis_url, *specs, secrets={"KEY": SECRET}) as hall:
        for spec in specs:
            await record_when(hall, spec.feed_id, lambda _: True)
        dump = []
        for key in await hall.redis.keys("*"):
            kind = await hall.redis.type(key)
            dump.append(await hall.redis.get(key) if kind == b"string" else b"")
            dump.append(repr(await hall.redis.hgetall(key)).encode() if kind == b"hash" else b"")
    seen = (
        b"".join(dump) + "\n".join(it.getMessage() for it in caplog.records if it.name.startswith("wayside")).encode()
    )
    assert producer.asked[0][1]["x-secret"] == SECRET
    assert b"canary" in producer.asked[0][0].encode()
    assert len(seen) > 1000
    assert b"canary" not in seen

"""What an index of warnings leaves in the hall when some of its messages cannot be read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from domain.alert import AlertMessage
from domain.errors import FetchFailed
from domain.feed import FeedKind, FeedSpec, PollOutcome
from feeds.fetch import Fetched, Fetcher, Validators
from feeds.take import KEEP_UNREAD_S, MAX_MESSAGES, READING_S, REREAD_DATED_S, REREAD_S, Desk, Taken, remember, take_cap
from runtime.clock import FakeClock
from runtime.settings import Settings
from store import alerts
from store.archive import Keeper
from store.hall import Hall
from tests.feeds.formats.cap_messages import alert, info

BASE = "http://warnings.example/"
SPEC = FeedSpec(feed_id="civil", kind=FeedKind.CAP, url=BASE + "index.atom", interval_s=60)
AT = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)


class Server:
    """Answers from *pages*: bytes, or the status of a refusal; *slow_s* passes with each answer."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.pages: dict[str, bytes | int] = {}
        self.asked: list[str] = []
        self.slow_s = 0.0

    async def fetch(self, spec: FeedSpec, validators: Validators, url: str = "") -> Fetched:  # noqa: ARG002
        self.asked.append(url.removeprefix(BASE))
        if self.slow_s:
            await self.clock.advance_s(self.slow_s)
        page = self.pages[url.removeprefix(BASE)]
        if isinstance(page, int):
            raise FetchFailed(f"status {page}", outcome=PollOutcome.HTTP_5XX, status=page)
        same = validators.etag == str(hash(page))
        return Fetched(
            body=None if same else page,
            status=304 if same else 200,
            validators=Validators(etag=str(hash(page))),
            wire_bytes=len(page),
            duration_s=0.0,
            digest=str(hash(page)),
        )

    def redact(self, text: str) -> str:
        return text


class Office:
    """A feed with an index, polled into a real Redis."""

    def __init__(self, hall: Hall, home: Path) -> None:
        self.hall, self.home = hall, home
        self.clock = FakeClock(AT)
        self.server = Server(self.clock)
        self.desk = self._desk()

    def _desk(self) -> Desk:
        settings = Settings(home=self.home, redis_url="", redis_is_embedded=False)
        fetcher = cast("Fetcher", self.server)
        return Desk(settings, self.hall, self.clock, fetcher, {}, {}, {}, Keeper(self.home, 1, 1))

    async def restart(self) -> None:
        self.desk = self._desk()
        kept = await alerts.get_messages(self.hall, "civil")
        assert kept is not None
        remember(self.desk, SPEC, kept)

    async def poll(self, *entries: str, after_s: float = 60.0) -> Taken:
        """One poll; an entry is an address, or an address and its time."""
        await self.clock.advance_s(after_s)
        listed = "".join(
            f'<entry><link type="application/cap+xml" href="{one.split()[0]}"/><updated>{one[len(one.split()[0]) :]}'
            "</updated></entry>"
            for one in entries
        )
        return await take_cap(self.desk, SPEC, f'<feed xmlns="http://www.w3.org/2005/Atom">{listed}</feed>'.encode())

    async def listed(self) -> list[str]:
        found = await alerts.get_messages(self.hall, "civil")
        return sorted(_named(one) for one in (found.messages if found else ()))


@pytest.fixture
def office(hall: Hall, tmp_path: Path) -> Office:
    return Office(hall, tmp_path)


def _named(message: AlertMessage) -> str:
    return f"{message.identifier} {message.infos[0].headline}"


def page(identifier: str, headline: str = "first") -> bytes:
    return alert(info(headline=headline), identifier=identifier)


async def test_a_message_that_cannot_be_read_again_stays_as_it_was(office: Office) -> None:
    """The index is well, the server of the messages is not: no warning vanishes, none is half the news."""
    office.server.pages = {"a": page("A"), "b": page("B")}
    await office.poll("a 2026-11-23T12:00:00Z", "b 2026-11-23T12:00:00Z")
    office.server.pages = {"a": 503, "b": b"<html>maintenance</html>"}
    taken = await office.poll("a 2026-11-23T13:00:00Z", "b 2026-11-23T13:00:00Z")
    assert await office.listed() == ["A first", "B first"]
    assert [problem.code for problem in taken.problems] == ["cap_message_unread"] * 2
    await office.restart()
    await office.poll("a 2026-11-23T13:00:00Z", "b 2026-11-23T13:00:00Z")
    assert await office.listed() == ["A first", "B first"]
    office.server.pages = {"a": page("A", "second"), "b": page("B")}
    await office.poll("a 2026-11-23T13:00:00Z")
    assert await office.listed() == ["A second"]


async def test_what_left_the_index_stays_while_its_update_may_be_unread(office: Office) -> None:
    """A is gone, U is there but cannot be read: U may be A's update. Not for ever, and not where U itself is gone."""
    office.server.pages = {"a": page("A"), "u": 503, "gone": 404}
    await office.poll("a x")
    await office.poll("u x")
    assert await office.listed() == ["A first"]
    office.server.pages["u"] = page("U")
    await office.poll("u x")
    assert await office.listed() == ["U first"]
    office.server.pages["v"] = 503
    await office.poll("v x", after_s=KEEP_UNREAD_S + 1)
    assert await office.listed() == []
    await office.poll("u x")
    await office.poll("gone x")
    assert await office.listed() == []


async def test_a_message_without_a_time_in_the_index_is_asked_for_again(office: Office) -> None:
    """The same address, other words: seen within minutes, and politely (the unchanged one is not sent again)."""
    office.server.pages = {"latest": page("A")}
    await office.poll("latest")
    await office.poll("latest", after_s=REREAD_S - 1)
    assert office.server.asked == ["latest"]
    await office.poll("latest", after_s=1)
    assert (office.server.asked, await office.listed()) == (["latest"] * 2, ["A first"])
    office.server.pages = {"latest": page("A", "second")}
    await office.poll("latest", after_s=REREAD_S)
    assert await office.listed() == ["A second"]


async def test_a_message_that_was_written_anew_under_its_old_time_is_found(office: Office) -> None:
    """Same address, same time, other words: within an hour."""
    office.server.pages = {"a": page("A")}
    await office.poll("a 2026-11-23T12:00:00Z")
    office.server.pages = {"a": page("A", "second")}
    await office.poll("a 2026-11-23T12:00:00Z", after_s=REREAD_DATED_S - 1)
    assert (office.server.asked, await office.listed()) == (["a"], ["A first"])
    await office.poll("a 2026-11-23T12:00:00Z", after_s=1)
    assert (office.server.asked, await office.listed()) == (["a", "a"], ["A second"])


async def test_slow_messages_do_not_hold_up_those_that_are_there(office: Office) -> None:
    """Fifty messages at ten seconds each: what could be read is listed after half a minute, the rest later."""
    names = [f"m{number} x" for number in range(50)]
    office.server.pages = {name.split()[0]: page(name.split()[0]) for name in names}
    office.server.slow_s = 10.0
    started_s = office.clock.monotonic_s()
    taken = await office.poll(*names, after_s=0)
    assert office.clock.monotonic_s() - started_s <= READING_S + 10 * 4
    assert 3 <= len(await office.listed()) < 50
    assert "cap_messages_late" in {problem.code for problem in taken.problems}
    for _ in range(20):
        await office.poll(*names)
    assert len(await office.listed()) == 50
    assert len(office.server.asked) == 50


async def test_an_index_that_is_too_long_says_so(office: Office) -> None:
    names = [f"m{number}" for number in range(MAX_MESSAGES + 3)]
    office.server.pages = dict.fromkeys(names, page("A"))
    taken = await office.poll(*(f"{name} x" for name in names))
    (problem,) = taken.problems
    assert (problem.code, f"{len(names)}" in problem.message) == ("cap_index_too_long", True)

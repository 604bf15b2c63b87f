"""Fetching from a server that misbehaves in every way."""

import gzip
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from domain.errors import FetchFailed
from domain.feed import FeedKind, FeedSpec, PollOutcome
from feeds.fetch import Fetcher, Validators, redact, retry_after_s
from runtime.clock import SystemClock


class _Handler(BaseHTTPRequestHandler):
    gone = threading.Event()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/good":
            if self.headers.get("If-None-Match") == '"1"':
                return self._say(304, b"", ETag='"1"')
            return self._say(200, b"feed", ETag='"1"')
        if path == "/header":
            return self._say(200, self.headers.get("X-Key", "").encode())
        if path == "/503":
            return self._say(503, b"no", **{"Retry-After": "120"})
        if path == "/404":
            return self._say(404, b"no")
        if path == "/huge":
            return self._say(200, b"x" * 5000)
        if path == "/bomb":
            return self._say(200, gzip.compress(b"\0" * 2_000_000), **{"Content-Encoding": "gzip"})
        if path == "/gzip":
            return self._say(200, gzip.compress(b"feed" * 10), **{"Content-Encoding": "gzip"})
        if path == "/away":
            return self._say(302, b"", Location="http://169.254.169.254/latest")
        if path == "/moved":
            return self._say(301, b"", Location="/good")
        if path == "/circle":
            return self._say(302, b"", Location="/circle")
        self.gone.wait(3)
        return None

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """A server of good and bad answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    _Handler.gone.set()
    server.shutdown()
    server.server_close()


def spec_of(url: str, **changes: object) -> FeedSpec:
    spec = FeedSpec(
        feed_id="f", kind=FeedKind.CAP, url=url, interval_s=10, timeout_s=5, max_bytes=1000, allow_private_hosts=True
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


async def test_an_unchanged_feed_is_not_sent_again(base: str) -> None:
    """The validators of the first answer bring a 304 without a body."""
    fetcher = Fetcher(SystemClock(), {})
    first = await fetcher.fetch(spec_of(f"{base}/good"), Validators())
    again = await fetcher.fetch(spec_of(f"{base}/good"), first.validators)
    await fetcher.close()
    assert (first.status, first.body, again.status, again.body) == (200, b"feed", 304, None)


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/503", PollOutcome.HTTP_5XX),
        ("/404", PollOutcome.HTTP_4XX),
        ("/huge", PollOutcome.TOO_LARGE),
        ("/bomb", PollOutcome.TOO_LARGE),
        ("/circle", PollOutcome.REDIRECT_BLOCKED),
    ],
)
async def test_a_bad_answer_says_how_it_is_bad(base: str, path: str, outcome: PollOutcome) -> None:
    """Each kind of failure has its own outcome."""
    fetcher = Fetcher(SystemClock(), {})
    with pytest.raises(FetchFailed) as caught:
        await fetcher.fetch(spec_of(base + path), Validators())
    await fetcher.close()
    assert caught.value.outcome == outcome
    assert caught.value.retry_after_s == (120.0 if path == "/503" else None)


async def test_silence_ends_with_the_timeout(base: str) -> None:
    """A server that never answers does not hold the poller."""
    fetcher = Fetcher(SystemClock(), {})
    with pytest.raises(FetchFailed) as caught:
        await fetcher.fetch(spec_of(f"{base}/silence", timeout_s=0.3), Validators())
    await fetcher.close()
    assert caught.value.outcome == PollOutcome.TIMEOUT


async def test_nobody_listening_is_a_connection_failure() -> None:
    """A closed port, not an exception of the client."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    fetcher = Fetcher(SystemClock(), {})
    with pytest.raises(FetchFailed) as caught:
        await fetcher.fetch(spec_of(f"http://127.0.0.1:{port}/"), Validators())
    await fetcher.close()
    assert caught.value.outcome == PollOutcome.CONNECT


async def test_private_addresses_are_refused_unless_allowed(base: str) -> None:
    """Also when a redirect leads there."""
    fetcher = Fetcher(SystemClock(), {})
    with pytest.raises(FetchFailed) as caught:
        await fetcher.fetch(spec_of(f"{base}/good", allow_private_hosts=False), Validators())
    await fetcher.close()
    assert caught.value.outcome == PollOutcome.ADDRESS_BLOCKED


async def test_redirects_and_compression_are_followed(base: str) -> None:
    """What the server moved or packed arrives as it was."""
    fetcher = Fetcher(SystemClock(), {})
    moved = await fetcher.fetch(spec_of(f"{base}/moved"), Validators())
    packed = await fetcher.fetch(spec_of(f"{base}/gzip"), Validators())
    await fetcher.close()
    assert (moved.body, packed.body) == (b"feed", b"feed" * 10)


async def test_secrets_are_sent_and_never_told(base: str) -> None:
    """The server sees the key, the message does not."""
    fetcher = Fetcher(SystemClock(), {"KEY": "s3cret-value"})
    seen = await fetcher.fetch(spec_of(f"{base}/header", headers=(("X-Key", "${KEY}"),)), Validators())
    with pytest.raises(FetchFailed) as caught:
        await fetcher.fetch(spec_of("ftp://s3cret-value/${KEY}"), Validators())
    await fetcher.close()
    assert seen.body == b"s3cret-value"
    assert "s3cret" not in str(caught.value)
    assert redact("https://x.example/a?api_key=abcd&stop=5", {}) == "https://x.example/a?api_key=***&stop=5"


def test_retry_after_is_a_number_or_a_date() -> None:
    """Both forms of the header; anything else says nothing."""
    assert retry_after_s("30", 0) == 30
    assert retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 0) == 60
    assert retry_after_s("soon", 0) is None

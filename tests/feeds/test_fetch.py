"""Fetching from a server that misbehaves in every way."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import FetchFailed
from domain.feed import FeedKind, FeedSpec, PollOutcome
from feeds.fetch import (
    AT_ONCE_PER_HOST,
    Fetcher,
    Validators,
    clock_ahead_s,
    is_public,
    max_age_s,
    public_addresses,
    retry_after_s,
)
from runtime.clock import SystemClock
from runtime.redaction import redact


class _Handler(BaseHTTPRequestHandler):
    gone = threading.Event()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/good":
            if self.headers.get("If-None-Match") == '"1"':
                return self._say(304, b"", ETag='"1"')
            return self._say(200, b"feed", ETag='"1"')
        if path == "/header":
            return self._say(200, self.headers.get("X-Key", "-").encode())
        if path == "/path":
            return self._say(200, self.path.encode())
        if path == "/other-host":
            port = self.headers.get("Host", "").rpartition(":")[2]
            return self._say(302, b"", Location=f"http://localhost:{port}/header")
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
        if path == "/trickle":
            return self._trickle()
        self.gone.wait(3)
        return None

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(100):
            try:
                self.wfile.write(b"x")
            except OSError:
                return
            if self.gone.wait(0.05):
                return

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
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
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


@pytest.mark.parametrize("path", ["/silence", "/trickle"])
async def test_silence_and_trickling_end_with_the_timeout(base: str, path: str) -> None:
    """A server that never answers, or a byte at a time, does not hold the poller."""
    fetcher = Fetcher(SystemClock(), {})
    with pytest.raises(FetchFailed) as caught:
        await fetcher.fetch(spec_of(f"{base}{path}", timeout_s=0.3), Validators())
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


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False), ("169.254.169.254", False),
        ("100.64.0.1", False), ("224.0.0.1", False), ("::1", False), ("fe80::1", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
    ],
)  # fmt: skip
def test_an_address_is_public_when_what_it_carries_is(address: str, public: bool) -> None:
    assert is_public(address) == public


async def test_names_of_private_addresses_are_refused() -> None:
    with pytest.raises(FetchFailed, match="private"):
        await public_addresses("localhost", 80)
    with pytest.raises(FetchFailed, match="cannot be resolved"):
        await public_addresses("no-such-name.invalid", 80)


async def test_a_name_that_becomes_private_after_the_check_is_not_connected_to(base: str) -> None:
    """What the connection goes to is looked at again where it is made."""
    fetcher = Fetcher(SystemClock(), {})
    with pytest.raises(FetchFailed) as caught:
        async with fetcher.client_for(spec_of(base, allow_private_hosts=False)).stream("GET", f"{base}/good"):
            pass
    await fetcher.close()
    assert caught.value.outcome == PollOutcome.ADDRESS_BLOCKED


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of a server at 127.0.0.1, in one file; nobody vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), start, start.replace(year=2040)
    )
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    signed = made.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "both.pem").write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return tmp_path / "both.pem"


@contextlib.asynccontextmanager
async def saying_over_tls(certificate: Path, answer: bytes) -> AsyncIterator[int]:
    """A server that says *answer* to every request over TLS; its port."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(say, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    fetcher = Fetcher(SystemClock(), {})
    async with saying_over_tls(certificate, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfeed") as port:
        with pytest.raises(FetchFailed) as caught:
            await fetcher.fetch(spec_of(f"https://127.0.0.1:{port}/"), Validators())
        await fetcher.close()
    assert caught.value.outcome == PollOutcome.TLS


async def test_a_feed_may_trust_a_certificate_of_its_own(certificate: Path) -> None:
    """That feed, and no other of the same server."""
    fetcher = Fetcher(SystemClock(), {})
    async with saying_over_tls(certificate, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfeed") as port:
        spec = spec_of(f"https://127.0.0.1:{port}/", ca_file=str(certificate))
        assert (await fetcher.fetch(spec, Validators())).body == b"feed"
        with pytest.raises(FetchFailed) as caught:
            await fetcher.fetch(replace(spec, ca_file=""), Validators())
        with pytest.raises(FetchFailed, match="ca_file cannot be read"):
            await fetcher.fetch(replace(spec, ca_file="/nowhere.pem"), Validators())
        await fetcher.close()
    assert caught.value.outcome == PollOutcome.TLS


async def test_a_redirect_out_of_tls_is_refused(certificate: Path, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although there is a good answer: whoever listens in between could have written it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    away = f"HTTP/1.1 302 Found\r\nLocation: {base}/good\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    fetcher = Fetcher(SystemClock(), {})
    async with saying_over_tls(certificate, away.encode()) as port:
        with pytest.raises(FetchFailed, match="from https to http") as caught:
            await fetcher.fetch(spec_of(f"https://127.0.0.1:{port}/"), Validators())
        await fetcher.close()
    assert caught.value.outcome == PollOutcome.REDIRECT_BLOCKED


async def test_secrets_stay_with_the_host_that_they_are_for(base: str) -> None:
    """Neither a redirect nor a message that an index links takes the key elsewhere, and no address of theirs is filled in."""
    fetcher, own = Fetcher(SystemClock(), {"KEY": "s3cret"}), (("X-Key", "${KEY}"),)
    spec, elsewhere = spec_of(f"{base}/other-host", headers=own), base.replace("127.0.0.1", "localhost")
    moved = await fetcher.fetch(spec, Validators())
    linked = await fetcher.fetch(spec, Validators(), f"{elsewhere}/header")
    same = await fetcher.fetch(spec, Validators(), f"{base}/header")
    asked = await fetcher.fetch(spec, Validators(), f"{base}/path?${{KEY}}")
    await fetcher.close()
    assert (moved.body, linked.body, same.body) == (b"-", b"-", b"s3cret")
    assert b"s3cret" not in (asked.body or b"")


async def test_no_host_is_asked_too_much_at_once(base: str) -> None:
    """More requests than that wait for their turn, and their time-out starts with it."""
    fetcher = Fetcher(SystemClock(), {})
    many = [fetcher.fetch(spec_of(f"{base}/silence", timeout_s=0.4), Validators()) for _ in range(AT_ONCE_PER_HOST + 1)]
    started_s = SystemClock().monotonic_s()
    found = await asyncio.gather(*many, return_exceptions=True)
    await fetcher.close()
    assert {getattr(one, "outcome", None) for one in found} == {PollOutcome.TIMEOUT}
    assert SystemClock().monotonic_s() - started_s >= 0.8


def test_cache_control_says_how_long_an_answer_is_fresh() -> None:
    assert max_age_s("public, max-age=60", "") == 60
    assert max_age_s("max-age=60", "45") == 15
    assert max_age_s("max-age=60", "soon") == 60
    assert max_age_s("no-cache, max-age=60", "") == 0
    assert max_age_s("s-maxage=60", "") == 0
    assert max_age_s("", "") == 0


def test_a_servers_clock_is_held_against_ours() -> None:
    """Whole seconds are cut off; an answer from a cache was dated when it was made."""
    date = "Thu, 01 Jan 1970 00:01:00 GMT"
    assert clock_ahead_s(date, "", 40.5) == 20
    assert clock_ahead_s(date, "30", 90.5) == 0
    assert clock_ahead_s("", "", 40.0) is None
    assert clock_ahead_s("soon", "", 40.0) is None


def test_every_form_of_a_secret_is_redacted() -> None:
    """As it is, as an address writes it, after a telling name, and before a host."""
    assert redact("a b/c?d and a%20b%2Fc%3Fd and a+b%2Fc%3Fd", {"KEY": "a b/c?d"}) == "*** and *** and ***"
    assert redact("https://user:pass@host.example/x", {}) == "https://***@host.example/x"
    assert redact("Authorization: Bearer abc.def", {}) == "Authorization: ***"
    assert redact("'X-Api-Key': 'abcdef'", {"K": "abcdef"}) == "'X-Api-Key': '***'"
    assert redact("the key of the feed is missing", {}) == "the key of the feed is missing"

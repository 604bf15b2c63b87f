"""One fetch of one feed: conditional, bounded in time and bytes, never to a private address unless allowed.

Secrets are put into an address only when it is sent; every message that leaves here has them taken out again. A name is
resolved once, its addresses are checked, and the connection goes to one of those: what the name means a moment later does
not matter.
"""

import asyncio
import hashlib
import ipaddress
import re
import socket
import ssl
import urllib.request
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from domain.errors import FetchFailed
from domain.feed import FeedKind, FeedSpec, PollOutcome
from runtime.clock import Clock
from runtime.redaction import redact

USER_AGENT = "wayside/0.1"
MAX_REDIRECTS = 3
CONNECT_S = 5.0
AT_ONCE_PER_HOST = 6
"""Requests to one host side by side. Not two, as browsers once did: two feeds that hang must not stop a third."""
CHUNK_BYTES = 64 * 1024

_PROTOBUF = "application/x-protobuf, application/octet-stream, */*"
ACCEPT = {
    FeedKind.GTFS: "application/zip, application/octet-stream, */*",
    FeedKind.CAP: "application/cap+xml, application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5",
    FeedKind.CASE_RATES: "application/geo+json, application/json, */*;q=0.5",
}
"""What is asked for, by kind; protobuf for the others. Some servers send JSON to whoever does not say."""
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What to send so that an unchanged feed is not sent again."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer. *body* is None when the server said "not modified"."""

    body: bytes | None
    status: int
    validators: Validators
    wire_bytes: int
    duration_s: float
    digest: str
    fresh_for_s: float = 0.0
    """How long the server says that there is nothing newer (Cache-Control)."""
    clock_ahead_s: float | None = None
    """How far the server's clock is ahead of ours, to a second; None when it does not tell the time."""


def with_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """The text with each ``${NAME}`` replaced; raises FetchFailed when the environment lacks one."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in secrets:
            raise FetchFailed(f"environment variable {match[1]} is not set", outcome=PollOutcome.FAILED)
        return secrets[match[1]]

    return _PLACEHOLDER.sub(value, text)


class _Guarded(httpx.AsyncHTTPTransport):
    """Connects to addresses that were checked. httpx has no public way to say how a name becomes a connection."""

    def __init__(self, trusted: ssl.SSLContext) -> None:
        super().__init__(verify=trusted)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted, max_connections=100, max_keepalive_connections=20,
            keepalive_expiry=30.0, network_backend=_PublicOnly(),
        )  # fmt: skip


class _PublicOnly(httpcore.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await public_addresses(host, port)
        for number, address in enumerate(addresses):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError:
                if number == len(addresses) - 1:
                    raise
        raise httpcore.ConnectError(f"the name {host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


async def public_addresses(host: str, port: int | None) -> list[str]:
    """The addresses of *host*. Raises FetchFailed when it cannot be resolved, or one of them is private."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchFailed(f"the name {host} cannot be resolved: {error}", outcome=PollOutcome.CONNECT) from error
    addresses = list(dict.fromkeys(str(where[0]).split("%", maxsplit=1)[0] for *_, where in found))
    if not all(is_public(address) for address in addresses):
        raise FetchFailed(
            f"{host} is a private address, which this feed may not use", outcome=PollOutcome.ADDRESS_BLOCKED
        )
    return addresses


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Can anybody on the internet be at *address*? Also looks at the IPv4 address that some IPv6 addresses carry."""
    ip = ipaddress.ip_address(address)
    inner: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None
    if isinstance(ip, ipaddress.IPv6Address):
        inner = (
            ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        )
    return (inner or ip).is_global and not (inner or ip).is_multicast


class Fetcher:
    """Fetches feeds over one pool of connections, and another that goes to public addresses only.

    Where the environment names a proxy, that one resolves names and must guard the private network.
    """

    def __init__(self, clock: Clock, secrets: Mapping[str, str], contact: str = "") -> None:
        self._clock = clock
        self._secrets = dict(secrets)
        self._headers = {
            "User-Agent": f"{USER_AGENT} ({contact})" if contact else USER_AGENT,
            "Accept-Encoding": "gzip",
        }
        self._has_proxy = bool({"http", "https", "all"} & urllib.request.getproxies().keys())
        self._clients: dict[tuple[str, bool], httpx.AsyncClient] = {}
        self._gates: dict[str, asyncio.Semaphore] = {}

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    def client_for(self, spec: FeedSpec) -> httpx.AsyncClient:
        """The connections that the feed may use: to public addresses, unless it says otherwise, by whom it trusts. Raises
        FetchFailed."""
        is_guarded = not spec.allow_private_hosts and not self._has_proxy
        client = self._clients.get((spec.ca_file, is_guarded))
        if client is None:
            trusted = httpx.create_ssl_context()
            if spec.ca_file:
                try:
                    trusted.load_verify_locations(spec.ca_file)
                except OSError as error:  # it was there when the configuration was read
                    raise FetchFailed(f"ca_file cannot be read: {error}", outcome=PollOutcome.TLS) from error
            client = self._clients[spec.ca_file, is_guarded] = httpx.AsyncClient(
                follow_redirects=False, headers=self._headers, verify=trusted,
                transport=_Guarded(trusted) if is_guarded else None,
            )  # fmt: skip
        return client

    def redact(self, text: str) -> str:
        return redact(text, self._secrets)

    async def fetch(self, spec: FeedSpec, validators: Validators, url: str = "") -> Fetched:
        """One GET of the feed (or of *url*, a message that its index links). Raises FetchFailed.

        *url* is a stranger's: it is asked for as it stands, and the feed's own headers go there only if it is the same host.
        """
        address = url or with_secrets(spec.url, self._secrets)
        headers = {"Accept": ACCEPT.get(spec.kind, _PROTOBUF)}
        if not url or _origin(url) == _origin(spec.url):
            headers |= {name: with_secrets(value, self._secrets) for name, value in spec.headers}
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        async with self._gate(address):
            started_s = self._clock.monotonic_s()
            try:
                async with asyncio.timeout(spec.timeout_s):
                    return await self._get(spec, address, headers, started_s)
            except FetchFailed as error:
                raise self._failed(
                    PollOutcome(error.outcome), str(error), status=error.status, retry_after_s=error.retry_after_s
                ) from error
            except TimeoutError as error:
                raise self._failed(PollOutcome.TIMEOUT, f"no complete answer within {spec.timeout_s:g} s") from error
            except httpx.TimeoutException as error:
                raise self._failed(PollOutcome.TIMEOUT, f"no answer within {spec.timeout_s:g} s") from error
            except httpx.HTTPError as error:
                text = f"{type(error).__name__}: {error}"
                tls = "certificate" in text.lower() or "ssl" in text.lower()
                raise self._failed(PollOutcome.TLS if tls else PollOutcome.CONNECT, text) from error
            except (httpx.InvalidURL, ValueError) as error:
                raise self._failed(PollOutcome.FAILED, f"the address is not valid: {error}") from error

    def _gate(self, address: str) -> asyncio.Semaphore:
        return self._gates.setdefault(urlsplit(address).netloc, asyncio.Semaphore(AT_ONCE_PER_HOST))

    def _failed(
        self, outcome: PollOutcome, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> FetchFailed:
        return FetchFailed(self.redact(message), outcome=outcome, status=status, retry_after_s=retry_after_s)

    async def _get(self, spec: FeedSpec, address: str, headers: dict[str, str], started_s: float) -> Fetched:
        origin = _origin(address)
        client = self.client_for(spec)
        timeout = httpx.Timeout(spec.timeout_s, connect=min(CONNECT_S, spec.timeout_s))
        for _ in range(MAX_REDIRECTS + 1):
            parts = urlsplit(address)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise self._failed(
                    PollOutcome.ADDRESS_BLOCKED, f"expected an http or https address, found {parts.scheme!r}"
                )
            if not spec.allow_private_hosts:
                await public_addresses(parts.hostname, parts.port)
            async with client.stream("GET", address, headers=headers, timeout=timeout) as response:
                if not response.has_redirect_location:
                    return await self._read(spec, response, started_s)
                address = urljoin(address, response.headers.get("Location", ""))
                if parts.scheme == "https" and urlsplit(address).scheme == "http":
                    raise self._failed(PollOutcome.REDIRECT_BLOCKED, "it redirects from https to http")
                if _origin(address) != origin:
                    own = {name.lower() for name, _ in spec.headers}
                    headers = {name: value for name, value in headers.items() if name.lower() not in own}
        raise self._failed(PollOutcome.REDIRECT_BLOCKED, f"more than {MAX_REDIRECTS} redirects")

    async def _read(self, spec: FeedSpec, response: httpx.Response, started_s: float) -> Fetched:
        validators = Validators(
            etag=response.headers.get("ETag", ""), last_modified=response.headers.get("Last-Modified", "")
        )
        status = response.status_code
        now_s = self._clock.machine_epoch_s() - (self._clock.monotonic_s() - started_s) / 2
        ahead_s = clock_ahead_s(response.headers.get("Date", ""), response.headers.get("Age", ""), now_s)
        fresh_for_s = max_age_s(response.headers.get("Cache-Control", ""), response.headers.get("Age", ""))
        if status == 304:
            return Fetched(body=None, status=304, validators=validators, wire_bytes=0, digest="", fresh_for_s=fresh_for_s,
                           duration_s=self._clock.monotonic_s() - started_s, clock_ahead_s=ahead_s)  # fmt: skip
        if status >= 300 or status < 200:
            outcome = PollOutcome.HTTP_5XX if status >= 500 else PollOutcome.HTTP_4XX
            wait_s = retry_after_s(response.headers.get("Retry-After", ""), self._clock.now_epoch_s())
            raise self._failed(outcome, f"HTTP {status} {response.reason_phrase}", status=status, retry_after_s=wait_s)
        wire_bytes, body = await self._body(spec, response)
        if not body:
            raise self._failed(PollOutcome.EMPTY, "it answers without a body", status=status)
        return Fetched(
            body=body,
            status=status,
            validators=validators,
            wire_bytes=wire_bytes,
            duration_s=self._clock.monotonic_s() - started_s,
            digest=hashlib.sha256(body).hexdigest(),
            fresh_for_s=fresh_for_s,
            clock_ahead_s=ahead_s,
        )

    async def _body(self, spec: FeedSpec, response: httpx.Response) -> tuple[int, bytes]:
        """(bytes on the wire, the body unpacked), each of at most ``max_bytes``."""
        status, most = response.status_code, spec.max_bytes
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > most:
            raise self._failed(
                PollOutcome.TOO_LARGE, f"{declared} bytes announced, at most {most} allowed", status=status
            )
        encoding = response.headers.get("Content-Encoding", "").lower().strip()
        if encoding not in _ENCODINGS:
            raise self._failed(
                PollOutcome.NOT_THE_FORMAT, f"it is packed as {encoding!r}, which was not asked for", status=status
            )
        engine = zlib.decompressobj(47) if encoding not in _UNPACKED else None
        wire_bytes, size, pieces = 0, 0, []
        async for chunk in response.aiter_raw(CHUNK_BYTES):
            wire_bytes += len(chunk)
            try:
                piece = engine.decompress(chunk, most - size + 1) if engine else chunk
            except zlib.error as error:
                raise self._failed(
                    PollOutcome.NOT_THE_FORMAT, f"damaged {encoding} content: {error}", status=status
                ) from error
            size += len(piece)
            if wire_bytes > most or size > most:
                raise self._failed(PollOutcome.TOO_LARGE, f"more than {most} bytes", status=status)
            pieces.append(piece)
        if engine is not None and wire_bytes and not engine.eof:
            raise self._failed(PollOutcome.NOT_THE_FORMAT, f"{encoding} content that is cut short", status=status)
        return wire_bytes, b"".join(pieces)


def _origin(url: str) -> str:
    """Host and port, as far as the address says them; blank for one that nobody can read."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


_UNPACKED = frozenset({"", "identity"})
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"}) | _UNPACKED
_MAX_AGE = re.compile(r"(?i)(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})")


def max_age_s(cache_control: str, age: str) -> float:
    """For how many seconds more an answer is said to be fresh; 0 when nothing is said. Source: RFC 9111 §5.2.2.1."""
    found = _MAX_AGE.search(cache_control)
    if found is None or re.search(r"(?i)\bno-(?:cache|store)\b", cache_control):
        return 0.0
    return max(0.0, float(found[1]) - (float(age) if age.strip().isdecimal() else 0.0))


def clock_ahead_s(date: str, age: str, now_epoch_s: float) -> float | None:
    """Seconds that a Date header is ahead of *now*; what stood in a cache for a while says so (Age). None without a date.

    A header tells whole seconds, cut off: half of one is added. Source: RFC 9110 §6.6.1, RFC 9111 §5.1.
    """
    try:
        said = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return said + 0.5 + (float(age) if age.strip().isdecimal() else 0.0) - now_epoch_s


def retry_after_s(text: str, now_epoch_s: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number or a date), or None. Source: RFC 9110 §10.2.3."""
    text = text.strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_epoch_s)
    except (ValueError, TypeError, OverflowError):
        return None

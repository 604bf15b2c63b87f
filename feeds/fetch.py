"""One fetch of one feed: conditional, bounded in time and bytes, never to a private address unless allowed.

Secrets are put into an address only when it is sent; every message that leaves here has them taken out again.
"""

import asyncio
import hashlib
import ipaddress
import re
import socket
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx

from domain.errors import FetchFailed
from domain.feed import FeedSpec, PollOutcome
from runtime.clock import Clock

USER_AGENT = "wayside/0.1"
MAX_REDIRECTS = 5
EXPANSION = 30
"""Decompressed bytes may be this many times the cap on the wire: real feeds shrink to a tenth."""
CHUNK_BYTES = 64 * 1024

_SECRET_NAMES = re.compile(r"(?i)\b([\w-]*(?:key|token|secret|password|signature|auth)[\w-]*)=([^&\s#]+)")
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


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """The text without secret values and without the values of parameters that sound like secrets."""
    for value in secrets.values():
        if len(value) >= 4:
            text = text.replace(value, "***")
    return _SECRET_NAMES.sub(r"\1=***", text)


def with_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """The text with each ``${NAME}`` replaced; raises FetchFailed when the environment lacks one."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in secrets:
            raise FetchFailed(f"environment variable {match[1]} is not set", outcome=PollOutcome.FAILED)
        return secrets[match[1]]

    return _PLACEHOLDER.sub(value, text)


class Fetcher:
    """Fetches feeds over one pool of connections."""

    def __init__(self, clock: Clock, secrets: Mapping[str, str]) -> None:
        self._clock = clock
        self._secrets = dict(secrets)
        self._client = httpx.AsyncClient(
            follow_redirects=False, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"}
        )

    async def close(self) -> None:
        await self._client.aclose()

    def redact(self, text: str) -> str:
        return redact(text, self._secrets)

    async def fetch(self, spec: FeedSpec, validators: Validators, url: str = "") -> Fetched:
        """One GET of the feed (or of *url*, a message that its index links). Raises FetchFailed."""
        started_s = self._clock.monotonic_s()
        address = with_secrets(url or spec.url, self._secrets)
        headers = {name: with_secrets(value, self._secrets) for name, value in spec.headers}
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        try:
            async with asyncio.timeout(spec.timeout_s):
                return await self._get(spec, address, headers, started_s)
        except TimeoutError as error:
            raise self._failed(PollOutcome.TIMEOUT, f"no complete answer within {spec.timeout_s:g} s") from error
        except httpx.TimeoutException as error:
            raise self._failed(PollOutcome.TIMEOUT, f"no answer within {spec.timeout_s:g} s") from error
        except httpx.HTTPError as error:
            text = f"{type(error).__name__}: {error}"
            outcome = PollOutcome.TLS if "certificate" in text.lower() or "ssl" in text.lower() else PollOutcome.CONNECT
            raise self._failed(outcome, text) from error
        except httpx.InvalidURL as error:
            raise self._failed(PollOutcome.FAILED, f"the address is not valid: {error}") from error

    def _failed(
        self, outcome: PollOutcome, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> FetchFailed:
        return FetchFailed(self.redact(message), outcome=outcome, status=status, retry_after_s=retry_after_s)

    async def _get(self, spec: FeedSpec, address: str, headers: dict[str, str], started_s: float) -> Fetched:
        origin = urlsplit(address).netloc
        for _ in range(MAX_REDIRECTS + 1):
            await self._check_address(spec, address)
            async with self._client.stream("GET", address, headers=headers, timeout=spec.timeout_s) as response:
                if response.has_redirect_location:
                    address = urljoin(address, response.headers.get("Location", ""))
                    if urlsplit(address).netloc != origin:
                        own = {name.lower() for name, _ in spec.headers}
                        headers = {name: value for name, value in headers.items() if name.lower() not in own}
                    continue
                return await self._read(spec, response, started_s)
        raise self._failed(PollOutcome.REDIRECT_BLOCKED, f"more than {MAX_REDIRECTS} redirects")

    async def _check_address(self, spec: FeedSpec, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise self._failed(
                PollOutcome.ADDRESS_BLOCKED, f"expected an http or https address, found {parts.scheme!r}"
            )
        if spec.allow_private_hosts:
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise self._failed(PollOutcome.CONNECT, f"the name {parts.hostname} cannot be resolved: {error}") from error
        for *_, where in found:
            if not ipaddress.ip_address(str(where[0]).split("%")[0]).is_global:
                raise self._failed(
                    PollOutcome.ADDRESS_BLOCKED, f"{parts.hostname} is a private address, which this feed may not use"
                )

    async def _read(self, spec: FeedSpec, response: httpx.Response, started_s: float) -> Fetched:
        validators = Validators(
            etag=response.headers.get("ETag", ""), last_modified=response.headers.get("Last-Modified", "")
        )
        status = response.status_code
        if status == 304:
            return Fetched(body=None, status=304, validators=validators, wire_bytes=0, digest="",
                           duration_s=self._clock.monotonic_s() - started_s)  # fmt: skip
        if status >= 400 or status < 200:
            outcome = PollOutcome.HTTP_5XX if status >= 500 else PollOutcome.HTTP_4XX
            wait_s = retry_after_s(response.headers.get("Retry-After", ""), self._clock.now_epoch_s())
            raise self._failed(outcome, f"HTTP {status} {response.reason_phrase}", status=status, retry_after_s=wait_s)
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > spec.max_bytes:
            raise self._failed(
                PollOutcome.TOO_LARGE, f"{declared} bytes announced, at most {spec.max_bytes} allowed", status=status
            )
        encoding = response.headers.get("Content-Encoding", "").lower().strip()
        engine = zlib.decompressobj(47) if encoding in {"gzip", "x-gzip", "deflate"} else None
        wire_bytes, size, pieces = 0, 0, []
        most = spec.max_bytes * EXPANSION if engine else spec.max_bytes
        async for chunk in response.aiter_raw(CHUNK_BYTES):
            wire_bytes += len(chunk)
            try:
                piece = engine.decompress(chunk, most - size + 1) if engine else chunk
            except zlib.error as error:
                raise self._failed(
                    PollOutcome.NOT_THE_FORMAT, f"damaged {encoding} content: {error}", status=status
                ) from error
            size += len(piece)
            if wire_bytes > spec.max_bytes or size > most:
                raise self._failed(PollOutcome.TOO_LARGE, f"more than {spec.max_bytes} bytes", status=status)
            pieces.append(piece)
        body = b"".join(pieces)
        return Fetched(
            body=body,
            status=status,
            validators=validators,
            wire_bytes=wire_bytes,
            duration_s=self._clock.monotonic_s() - started_s,
            digest=hashlib.sha256(body).hexdigest(),
        )


def retry_after_s(text: str, now_epoch_s: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number or a date), or None. Source: RFC 9110 §10.2.3."""
    text = text.strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_epoch_s)
    except (ValueError, TypeError, OverflowError):
        return None

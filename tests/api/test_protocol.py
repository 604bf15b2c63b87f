"""What cannot be understood as HTTP, or is too long, over a real socket."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import Application
from tests.api.town import Town
from tests.conformance.serving import serving

END = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
TARGET = b"/api/where/current-time.json?key=test"


@pytest.fixture
def address(tmp_path: Path, redis_url: str) -> Iterator[tuple[str, int]]:
    """Host and port of the town."""
    import asyncio

    town = Town(tmp_path)
    asyncio.run(town.replica.refresh())
    application: Application = town.application
    with serving(application, redis_url) as base:
        host, _, port = base.removeprefix("http://").partition(":")
        yield host, int(port)


def said(address: tuple[str, int], request: bytes) -> tuple[int, bytes, bytes]:
    """(status, head, body) of the answer to these bytes."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), head, body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET " + TARGET + END, 200),
        (b"GET " + TARGET + b"&x=" + b"a" * 9_000 + END, 414),
        (b"GET " + TARGET + b"&x=" + b"a" * 100_000 + END, 414),
        (b"GET " + TARGET + b"&x=" + b"a" * 10_000_000 + END, 414),
        (b"GET /api/where/stop/1_" + b"a" * 10_000_000 + b".json?key=test" + END, 414),
        (b"GET /api/where/stop/1_" + b"a" * 10_000 + b".json?key=test" + END, 400),
        (b"GET " + TARGET + b" HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\nConnection: close\r\n\r\n", 431),
        (b"GET /api/where/stop/1_\xff\xfe.json?key=test" + END, 400),
        (b"GET /api/where/stop/1_%FF%FE.json?key=test" + END, 404),
        (b"GET /api/where/stop/1_%00.json?key=test" + END, 404),
        (b"GET /api/where/current-time.json?key=%FF%FE" + END, 401),
        (b"BREW " + TARGET + END, 400),
        (b"TRACE " + TARGET + END, 405),
        (b"DELETE " + TARGET + END, 405),
        (b"POST " + TARGET + b" HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00" + END, 400),
        (b"OPTIONS *" + END, 404),
        (b"GET /api/v1/regions/%FF/alerts.pb" + END, 404),
    ],
)
def test_what_cannot_be_understood_is_refused_in_json(
    address: tuple[str, int], request_bytes: bytes, status: int
) -> None:
    """The status is the body's code; no traceback; nothing of the request comes back."""
    found, head, body = said(address, request_bytes)
    assert found == status
    document = json.loads(body)
    assert document.get("code", status) == status
    assert b"Traceback" not in body
    assert b"key=" not in body
    assert b"no-store" in head or status == 200


def test_connection_serves_on_after_a_refused_question(address: tuple[str, int]) -> None:
    """A 404 is no reason to hang up."""
    keep = b" HTTP/1.1\r\nHost: x\r\n\r\n"
    both = b"GET /api/where/stop/1_none.json?key=test" + keep + b"GET " + TARGET + END
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(both)
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    assert answer.count(b"HTTP/1.1 404") == 1
    assert answer.count(b"HTTP/1.1 200") == 1

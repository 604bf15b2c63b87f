"""Who may ask, and how often; over ASGI and, for two web processes, over real sockets."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.auth import digest_of, require_protected
from api.errors import RequestRefused
from api.quotas import Quotas
from domain.quota import Quota
from runtime.clock import FakeClock, SystemClock
from store import api_keys
from store.hall import Hall
from tests.api.asgi import answer
from tests.api.town import Key, Town

HOURLY = Quota(requests=60, per_s=3600)


async def test_key_is_required(town: Town) -> None:
    """No key, a wrong key, a key of letters that are not ASCII: 401 in OneBusAway's words."""
    for query in ("", "key=", "key=nobody", "key=%C3%A9", "key=test%00", "key=TEST"):
        status, body = town.ask("current-time", query)
        assert (status, body["code"], body["text"]) == (401, 401, "permission denied"), query
        assert "data" not in body


async def test_key_of_a_name_is_let_in_until_revoked(town: Town) -> None:
    """A key is known by its digest alone."""
    town.hall.keys[digest_of("rk-one")] = Key("rider")
    await town.replica.refresh()
    assert town.ask("current-time", "key=rk-one")[0] == 200
    town.replica.api_keys = {}
    assert town.ask("current-time", "key=rk-one")[0] == 401


async def test_anonymous_is_let_in_where_no_key_is_required(tmp_path: Path) -> None:
    """Each address for itself, as often as the deployment says; a wrong key is as good as none."""
    town = Town(tmp_path, require_api_key=False)
    answers = [answer(town.application, "current-time", query=b"key=wrong", address="192.0.2.1") for _ in range(25)]
    assert [status for status, _, _ in answers] == [200] * 20 + [429] * 5
    assert dict(answers[-1][1])[b"retry-after"] == b"1"
    assert answer(town.application, "current-time", query=b"", address="192.0.2.2")[0] == 200
    await town.clock.advance_s(1.0)
    assert answer(town.application, "current-time", query=b"", address="192.0.2.1")[0] == 200


async def test_quota_counts_each_key_for_itself(town: Town) -> None:
    """A portion is the twentieth part of a quota; nobody leases here, so it is all there is. Exempt keys never count."""
    town.hall.keys |= {digest_of("few"): Key("rider", quota=HOURLY), digest_of("free"): Key("rider", exempt=True)}
    await town.replica.refresh()
    assert [town.ask("current-time", "key=few")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert {town.ask("current-time", "key=free")[0] for _ in range(200)} == {200}


def test_protected_is_a_right_of_its_own() -> None:
    """Riders' keys do not read what others reported; protected ones and operators do."""
    known = {
        digest_of("r"): Key("rider"),
        digest_of("p"): Key("rider", protected=True),
        digest_of("o"): Key("operator"),
    }
    for query in ({}, {"key": "r"}, {"key": "x"}):
        with pytest.raises(RequestRefused) as raised:
            require_protected(query, known)
        assert raised.value.code == 401
    require_protected({"key": "p"}, known)
    require_protected({"key": "o"}, known)


async def test_answers_carry_the_security_headers(town: Town) -> None:
    """CORS for everybody's pages; no page may be made of an answer; JSONP does not exist."""
    status, headers, body = answer(town.application, "current-time", query=b"key=test&callback=steal")
    found = dict(headers)
    assert status == 200
    assert body.startswith(b"{")
    assert found[b"content-type"].startswith(b"application/json")
    assert found[b"access-control-allow-origin"] == b"*"
    assert found[b"x-content-type-options"] == b"nosniff"
    assert found[b"content-security-policy"].startswith(b"default-src 'none'")
    assert answer(town.application, "current-time", query=b"", method="OPTIONS")[0] == 204


# --- on a real Redis


class _Rights:
    def __init__(self, quota: Quota | None = None, exempt: bool = False) -> None:
        self.quota, self.exempt = quota, exempt


@contextlib.asynccontextmanager
async def _leasing(hall: Hall, processes: int, known: dict[str, Any]) -> AsyncIterator[list[Quotas]]:
    several = [Quotas(SystemClock(), default=HOURLY, processes=processes) for _ in range(processes)]
    tasks = [asyncio.create_task(one.run(hall, lambda: known)) for one in several]
    try:
        yield several
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(quotas: Quotas, digest: str, rights: _Rights) -> bool:
    for _ in range(4):
        try:
            quotas.take(digest, rights)
        except RequestRefused:
            if not quotas.leasing:
                return False
            await quotas.settled()
        else:
            return True
    return False


async def test_quota_is_one_for_all_processes(hall: Hall) -> None:
    """Two processes that share a quota let through all of it, and no more than a portion each beyond it."""
    rights = _Rights()
    async with _leasing(hall, 2, {"k": rights}) as (one, other):
        let_through = 0
        for _ in range(100):
            let_through += await _ask(one, "k", rights)
            let_through += await _ask(other, "k", rights)
        assert 60 <= let_through <= 60 + 2 * 3 + 1


async def test_quota_lets_a_burst_wait_for_its_lease(hall: Hall) -> None:
    """Fifty at once, while the first portion is three: nobody is refused as long as the quota has more."""
    rights = _Rights()
    async with _leasing(hall, 1, {"k": rights}) as (one,):
        assert await asyncio.gather(*(_ask(one, "k", rights) for _ in range(50))) == [True] * 50


async def test_quota_without_redis_is_the_processes_own_share(tmp_path: Path) -> None:
    """Nobody is refused for Redis being away, nor let through without end: a process goes on with its even share."""
    clock = FakeClock(datetime(2026, 11, 23, tzinfo=UTC))
    quotas, rights = Quotas(clock, default=HOURLY, processes=2), _Rights()
    hall = Hall.connect(f"unix://{tmp_path}/nobody.sock")
    running = asyncio.create_task(quotas.run(hall, lambda: {"k": rights}))
    try:
        assert [await _ask(quotas, "k", rights) for _ in range(5)] == [True, True, True, False, False]
        for _ in range(3):
            await clock.advance_s(120)  # a request a minute for both processes: one in two minutes here
            assert [await _ask(quotas, "k", rights) for _ in range(2)] == [True, False]
        with pytest.raises(RequestRefused) as raised:
            quotas.take("k", rights)
        assert raised.value.headers == ((b"retry-after", b"120"),)
        await clock.advance_s(36_000)
        assert [await _ask(quotas, "k", rights) for _ in range(5)] == [True, True, True, False, False]
    finally:
        running.cancel()
        await hall.close()


async def test_two_web_processes_share_one_quota(redis_url: str, tmp_path: Path, hall: Hall) -> None:
    """`wayside web` twice, over real sockets: the key's quota is one; another key is not touched; revoking works."""
    few = await api_keys.add(hall, name="few", role="rider", at_epoch_s=1, quota=HOURLY)
    free = await api_keys.add(hall, name="free", role="rider", at_epoch_s=1, exempt=True)
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(_web(redis_url, tmp_path)) for _ in range(2)]
        async with httpx.AsyncClient() as client:
            urls = [f"http://127.0.0.1:{port}/api/where/current-time.json" for port in ports]
            for url in urls:
                await _until(client, url, free, 200)
            answers = [await client.get(url, params={"key": few}) for _ in range(60) for url in urls]
            let_through = sum(answer.status_code == 200 for answer in answers)
            assert {answer.status_code for answer in answers} == {200, 429}
            assert 60 <= let_through <= 60 + 2 * 3 + 2
            refused = answers[-1]
            assert (refused.status_code, refused.json()["text"]) == (429, "rate limit exceeded")
            assert int(refused.headers["retry-after"]) >= 1
            assert [(await client.get(url, params={"key": free})).status_code for url in urls] == [200, 200]
            await api_keys.revoke(hall, "free")
            for url in urls:
                await _until(client, url, free, 401)


@contextlib.contextmanager
def _web(redis_url: str, home: Path) -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "REDIS_URL": redis_url, "WAYSIDE_HOME": str(home), "WAYSIDE_PORT": str(port)}
    environment.pop("WAYSIDE_CONFIG", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "wayside", "web"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def _until(client: httpx.AsyncClient, url: str, key: str, status: int) -> None:
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get(url, params={"key": key})).status_code == status:
                return
        await asyncio.sleep(0.05)
    pytest.fail(f"{url} did not answer {status} within 30 s")

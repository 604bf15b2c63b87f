"""What FCM's answers mean: taken, try again (and when), never, or this phone is gone."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from domain.errors import DeliveryFailed
from domain.notification import Notification, NotificationKind
from domain.subscription import Device, Platform
from notify.channels.fcm import AUTH_REST_S, FcmChannel
from runtime.settings import FcmSettings
from tests.notify.warnings import NOW

PHONE = Device(platform=Platform.FCM, token="phone-1")
WORD = Notification(
    alert_id="a", revision=1, kind=NotificationKind.WARNING, subscription_id="s", replacement_id="tag-1", title="Flood",
    body="Home: serious danger.", language="en", level="severe", expires_epoch_s=int(NOW) + 3600, place_label="Home",
)  # fmt: skip


class Badge:
    """Access tokens without a Google."""

    def __init__(self) -> None:
        self.token = "badge-0"
        self.count = 0

    def fresh(self) -> bool:
        return True

    def refresh(self) -> None:
        self.count += 1
        self.token = f"badge-{self.count}"


@contextlib.asynccontextmanager
async def answering(*answers: bytes | None) -> AsyncIterator[tuple[FcmChannel, Badge, list[bytes]]]:
    """A channel to a server that gives these answers in turn (None: it says nothing), and what it was asked."""
    asked: list[bytes] = []
    closing = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            asked.append(head + await reader.readexactly(length))
            answer = answers[min(len(asked), len(answers)) - 1]
            if answer is None:
                await closing.wait()
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = FcmSettings(project_id="p", credentials=Path("none"), base_url=f"http://127.0.0.1:{port}")
    badge = Badge()
    channel = FcmChannel(settings, badge, timeout_s=0.3)
    try:
        yield channel, badge, asked
    finally:
        closing.set()
        await channel.close()
        server.close()


def answer(status: int, body: object = None, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def fault(code: str, *fields: str) -> dict[str, object]:
    details: list[dict[str, object]] = [
        {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    ]
    if fields:
        details.append({"fieldViolations": [{"field": field, "description": "x"} for field in fields]})
    return {"error": {"code": 400, "status": "X", "details": details}}


GOOD = answer(200, {"name": "projects/p/messages/1"})


async def test_a_message_that_is_taken_has_a_name() -> None:
    async with answering(GOOD) as (channel, _, asked):
        assert await channel.deliver(PHONE, WORD, NOW) == "projects/p/messages/1"
    message = json.loads(asked[0].partition(b"\r\n\r\n")[2])["message"]
    assert (message["token"], message["android"]["notification"]["tag"]) == ("phone-1", "tag-1")
    assert b"authorization: bearer badge-0" in asked[0].lower()


def maybe_taken(failed: DeliveryFailed) -> bool:
    return failed.retry and failed.maybe_taken and not failed.forget


def unanswered(failed: DeliveryFailed) -> bool:
    return maybe_taken(failed) and failed.unanswered


def named(failed: DeliveryFailed) -> bool:
    return maybe_taken(failed) and not failed.unanswered


def surely_not_taken(failed: DeliveryFailed) -> bool:
    return failed.retry and not failed.maybe_taken and not failed.forget


def never(failed: DeliveryFailed) -> bool:
    return not failed.retry and not failed.forget


def gone(failed: DeliveryFailed) -> bool:
    return failed.forget


@pytest.mark.parametrize(
    ("said", "means", "retry_after_s"),
    [
        pytest.param(None, unanswered, None, id="no answer in time"),
        pytest.param(b"", unanswered, None, id="hangs up without a word"),
        pytest.param(b"\x00\xff\x13 nonsense\r\n\r\n", unanswered, None, id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", unanswered, None, id="cut short"),
        pytest.param(answer(200, b"<html>hello</html>"), unanswered, None, id="200 from a portal"),
        pytest.param(answer(200, b"[]"), unanswered, None, id="200 without a name"),
        pytest.param(answer(500, b"oh"), named, None, id="500"),
        pytest.param(answer(500, fault("INTERNAL")), named, None, id="500 by name"),
        pytest.param(answer(502, fault("INTERNAL")), named, None, id="502 by name"),
        pytest.param(answer(502, b"<html/>"), unanswered, None, id="bad gateway"),
        pytest.param(answer(504, b"<html/>"), unanswered, None, id="gateway that waited too long"),
        pytest.param(answer(504, fault("INTERNAL")), unanswered, None, id="504 by name"),
        pytest.param(answer(524, b"<html/>"), unanswered, None, id="a gateway's own number"),
        pytest.param(answer(503, {}, Retry_After="17"), surely_not_taken, 17.0, id="503 says when"),
        pytest.param(answer(503), surely_not_taken, None, id="503"),
        pytest.param(answer(429, fault("QUOTA_EXCEEDED"), Retry_After="30"), surely_not_taken, 30.0, id="429 says when"),
        pytest.param(
            answer(429, {}, Retry_After="Mon, 23 Nov 2026 12:05:00 GMT"), surely_not_taken, 300.0, id="429 as a date"
        ),
        pytest.param(answer(429, {}, Retry_After="soon"), surely_not_taken, AUTH_REST_S, id="429 in words"),
        pytest.param(answer(429, b"\xff"), surely_not_taken, AUTH_REST_S, id="429 and garbage"),
        pytest.param(answer(403, {}), surely_not_taken, AUTH_REST_S, id="not our project: no phone is to blame"),
        pytest.param(answer(404, b"nginx"), surely_not_taken, AUTH_REST_S, id="not FCM's 404"),
        pytest.param(answer(302, {}, Location="http://x.example/"), surely_not_taken, AUTH_REST_S, id="a portal in between"),
        pytest.param(answer(407), surely_not_taken, AUTH_REST_S, id="a proxy wants a password"),
        pytest.param(answer(404, fault("UNREGISTERED")), gone, None, id="the app was removed"),
        pytest.param(answer(403, fault("SENDER_ID_MISMATCH")), gone, None, id="a token of another app"),
        pytest.param(answer(400, fault("INVALID_ARGUMENT", "message.token")), gone, None, id="no token at all"),
        pytest.param(answer(400, fault("INVALID_ARGUMENT", "message.data")), never, None, id="our message is wrong"),
        pytest.param(answer(401, fault("THIRD_PARTY_AUTH_ERROR")), surely_not_taken, AUTH_REST_S, id="APNs key is wrong"),
    ],
)  # fmt: skip
async def test_an_answer_means(
    said: bytes | None, means: Callable[[DeliveryFailed], bool], retry_after_s: float | None
) -> None:
    async with answering(said) as (channel, _, _):
        with pytest.raises(DeliveryFailed) as caught:
            await channel.deliver(PHONE, WORD, NOW)
    assert means(caught.value), vars(caught.value)
    assert caught.value.retry_after_s == retry_after_s
    assert "phone-1" not in str(caught.value)


async def test_an_access_token_that_is_refused_is_renewed_once() -> None:
    async with answering(answer(401, {}), GOOD) as (channel, badge, asked):
        await channel.deliver(PHONE, WORD, NOW)
    assert (badge.count, len(asked)) == (1, 2)
    async with answering(answer(401, {})) as (channel, badge, asked):
        with pytest.raises(DeliveryFailed):
            await channel.deliver(PHONE, WORD, NOW)
    assert (badge.count, len(asked)) == (1, 2)


async def test_nobody_there_is_surely_not_taken() -> None:
    async with answering(GOOD) as (channel, _, _):
        pass
    channel = FcmChannel(FcmSettings(project_id="p", credentials=Path("none"), base_url="http://127.0.0.1:9"), Badge())
    with pytest.raises(DeliveryFailed) as caught:
        await channel.deliver(PHONE, WORD, NOW)
    await channel.close()
    assert surely_not_taken(caught.value)

"""The FCM double, spoken to by the unmodified firebase_admin over a real socket."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import firebase_admin
import httpx
import pytest
import uvicorn
from firebase_admin import credentials, exceptions, messaging
from starlette.applications import Starlette

from simulator.fcm import PROJECT_ID, FcmDouble, shown
from simulator.serving import listen

pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")
"""Phones that registered with a token are still served."""


class Server:
    """The double on a thread."""

    def __init__(self, folder: Path) -> None:
        listener = listen(0)
        self.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.account = folder / "account.json"
        double = FcmDouble(lambda: 1_760_000_000.0)
        double.write_service_account(self.account, self.base)
        self.server = uvicorn.Server(uvicorn.Config(Starlette(routes=double.routes()), log_level="error", ws="none"))
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve(sockets=[listener])))
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def app(double: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[firebase_admin.App]:
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", double.base + "/v1/projects/{0}/messages:send")
    app = firebase_admin.initialize_app(credentials.Certificate(str(double.account)), name="test")
    yield app
    firebase_admin.delete_app(app)


def _message(token: str, title: str) -> messaging.Message:
    android = messaging.AndroidConfig(notification=messaging.AndroidNotification(tag="flood"))
    return messaging.Message(token=token, notification=messaging.Notification(title, "body"), android=android)


def test_firebase_admin_sends_and_a_tag_replaces(double: Server, app: firebase_admin.App) -> None:
    """Two messages arrive; the phone shows the later one alone."""
    for title in ("first", "second"):
        assert messaging.send(_message("phone", title), app=app).startswith(f"projects/{PROJECT_ID}/messages/")
    messaging.send(_message("phone", "dry"), dry_run=True, app=app)
    inbox = httpx.get(f"{double.base}/fcm/inbox.json").json()
    assert [entry["message"]["notification"]["title"] for entry in inbox["messages"]] == ["first", "second"]
    assert [(card["title"], card["replaced"]) for card in inbox["shown"]] == [("second", True)]


def test_firebase_admin_reads_unregistered_and_quota(double: Server, app: firebase_admin.App) -> None:
    """A dead token and a full quota become the classes that Google's answers become."""
    with pytest.raises(messaging.UnregisteredError):
        messaging.send(_message("unregistered-1", "x"), app=app)
    # Five: the library repeats a 429 that carries Retry-After four times.
    httpx.post(f"{double.base}/fcm/faults", json={"status": 429, "count": 5, "retry_after_s": 0})
    with pytest.raises(messaging.QuotaExceededError) as caught:
        messaging.send(_message("phone", "x"), app=app)
    assert isinstance(caught.value, exceptions.FirebaseError)


def test_a_request_without_a_bearer_is_refused(double: Server) -> None:
    answer = httpx.post(f"{double.base}/v1/projects/{PROJECT_ID}/messages:send", json={"message": {"token": "a"}})
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_an_assertion_signed_by_another_key_is_refused(double: Server) -> None:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}
    answer = httpx.post(f"{double.base}/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_unknown_field_is_named(double: Server, app: firebase_admin.App) -> None:
    token = app.credential.get_access_token().access_token
    answer = httpx.post(
        f"{double.base}/v1/projects/{PROJECT_ID}/messages:send",
        json={"message": {"token": "phone", "colour": "red"}},
        headers={"Authorization": f"Bearer {token}"},
    )
    violation = answer.json()["error"]["details"][-1]["fieldViolations"][0]
    assert (answer.status_code, violation["field"]) == (400, "message.colour")


def test_data_alone_shows_nothing() -> None:
    assert shown([{"name": "n", "received_at": "", "message": {"token": "a", "data": {"k": json.dumps(1)}}}]) == []

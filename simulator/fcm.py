"""A local double of Firebase Cloud Messaging, HTTP v1, and the phone it delivers to.

Unmodified Google clients talk to it: its service account's ``token_uri`` points here, and its OAuth endpoint verifies the
signed assertion. Tokens that start with ``unregistered`` belong to no phone.
Source: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages, RFC 7523 (JWT bearer grant).
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

PROJECT_ID = "wayside-demo"
CLIENT_EMAIL = f"push@{PROJECT_ID}.iam.gserviceaccount.com"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105
"""What google-auth writes as audience, whatever ``token_uri`` says."""
TARGETS = ("token", "fid", "topic", "condition")
FIELDS = {"name", "data", "notification", "android", "webpush", "apns", "fcm_options", *TARGETS}
ANDROID_FIELDS = {
    "collapse_key", "priority", "ttl", "restricted_package_name", "data", "notification", "fcm_options",
    "direct_boot_ok", "bandwidth_constrained_ok", "restricted_satellite_ok",
}  # fmt: skip
PAYLOAD_BYTES = 4096
FAULTS = {
    429: ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    500: ("INTERNAL", "INTERNAL"),
    503: ("UNAVAILABLE", "UNAVAILABLE"),
}
INBOX_KEPT = 500


class FcmDouble:
    """The endpoint, its bearer tokens, its controlled faults and every message it took."""

    def __init__(self, now_epoch_s: Callable[[], float], time_zone: str = "UTC") -> None:
        self.now_epoch_s = now_epoch_s
        self.time_zone = time_zone
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.bearers: set[str] = set()
        self.inbox: list[dict[str, Any]] = []
        self.fault_status, self.fault_left, self.fault_retry_after_s = 0, 0, 1
        self.token_uri = ""
        self.answer_after_s = 0.0
        """How long after taking a message it says so: who dies in between does not know."""
        self.mumbles = False
        """Takes messages, and answers 200 with words that say neither yes nor no."""

    def write_service_account(self, path: Path, base_url: str) -> None:
        """Write the credentials file, readable by its owner alone."""
        self.token_uri = f"{base_url}/token"
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {"type": "service_account", "project_id": PROJECT_ID, "private_key_id": "demo",
                   "private_key": pem.decode(), "client_email": CLIENT_EMAIL, "client_id": "1",
                   "token_uri": self.token_uri}  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(account), "utf-8")

    def routes(self) -> list[Route]:
        """What to add to a server."""
        return [
            Route("/token", self._token, methods=["POST"]),
            Route("/v1/projects/{project}/messages:send", self._send, methods=["POST"]),
            Route("/fcm/faults", self._faults, methods=["POST"]),
            Route("/fcm/inbox.json", self._inbox),
            Route("/phone", self._phone),
        ]

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        try:
            if form.get("grant_type") != GRANT:
                raise jwt.InvalidTokenError(f"expected grant_type {GRANT}")
            claims = jwt.decode(
                str(form.get("assertion")),
                self.key.public_key(),
                algorithms=["RS256"],
                audience=[self.token_uri, GOOGLE_TOKEN_URI],
                leeway=10,
            )
            if claims.get("iss") != CLIENT_EMAIL:
                raise jwt.InvalidTokenError("expected the service account's e-mail as issuer")
        except jwt.InvalidTokenError as error:
            return JSONResponse({"error": "invalid_grant", "error_description": str(error)}, 400)
        bearer = secrets.token_urlsafe(24)
        self.bearers.add(bearer)
        return JSONResponse({"access_token": bearer, "expires_in": 3599, "token_type": "Bearer"})

    async def _send(self, request: Request) -> Response:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.bearers:
            return _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if request.path_params["project"] != PROJECT_ID:
            return _error(403, "PERMISSION_DENIED", f"expected project {PROJECT_ID}")
        if self.fault_left:
            self.fault_left -= 1
            status, code = FAULTS[self.fault_status]
            retry = {"Retry-After": str(self.fault_retry_after_s)}
            return _error(self.fault_status, status, "fault asked for", fcm=code, headers=retry)
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            return _error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received: {error}")
        if violation := _violation(body):
            return _error(400, "INVALID_ARGUMENT", violation[1], fcm="INVALID_ARGUMENT", field=violation[0])
        message = body["message"]
        if str(message.get("token", "")).startswith("unregistered"):
            return _error(404, "NOT_FOUND", "Requested entity was not found.", fcm="UNREGISTERED")
        name = f"projects/{PROJECT_ID}/messages/{secrets.token_hex(8)}"
        if not body.get("validate_only"):
            at = datetime.fromtimestamp(self.now_epoch_s(), UTC).isoformat(timespec="milliseconds")
            self.inbox.append({"name": name, "received_at": at, "message": message})
            del self.inbox[:-INBOX_KEPT]
            await asyncio.sleep(self.answer_after_s)
        return Response("<html>Welcome</html>") if self.mumbles else JSONResponse({"name": name})

    async def _faults(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            status, count = int(asked["status"]), int(asked.get("count", 1))
            retry_after_s = int(asked.get("retry_after_s", 1))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return JSONResponse({"error": f"expected {{status, count, retry_after_s}}: {error!r}"}, 400)
        if status not in FAULTS:
            return JSONResponse({"error": f"expected status in {sorted(FAULTS)}"}, 400)
        self.fault_status, self.fault_left, self.fault_retry_after_s = status, count, retry_after_s
        return JSONResponse({"status": status, "count": count})

    async def _inbox(self, request: Request) -> Response:
        token = request.query_params.get("token")
        kept = [entry for entry in self.inbox if token is None or entry["message"].get("token") == token]
        now = datetime.fromtimestamp(self.now_epoch_s(), UTC).isoformat(timespec="milliseconds")
        return JSONResponse({"messages": kept, "shown": shown(kept), "now": now, "time_zone": self.time_zone})

    async def _phone(self, _request: Request) -> Response:
        return HTMLResponse((files("simulator") / "phone.html").read_text("utf-8"))


def shown(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a phone shows, newest first: the same tag (else collapse key) replaces; data alone shows nothing."""
    screen: dict[str, dict[str, Any]] = {}
    for entry in entries:
        message = entry["message"]
        android = message.get("android") or {}
        notification = {**(message.get("notification") or {}), **(android.get("notification") or {})}
        if not notification.get("title") and not notification.get("body"):
            continue
        tag = notification.get("tag") or android.get("collapse_key") or entry["name"]
        slot = f"{message.get('token')}|{tag}"
        replaced = slot in screen
        screen.pop(slot, None)
        screen[slot] = {"title": notification.get("title", ""), "body": notification.get("body", ""), "tag": tag,
                        "received_at": entry["received_at"], "replaced": replaced}  # fmt: skip
    return list(reversed(screen.values()))


def _violation(body: Any) -> tuple[str, str] | None:
    """(field, description) of the first thing wrong with a request, or None."""
    if not isinstance(body, dict) or not isinstance(body.get("message"), dict):
        return "message", "expected an object with a message"
    message = body["message"]
    for where, given, known in (("", body, {"message", "validate_only"}), ("message.", message, FIELDS),
                                ("message.android.", message.get("android") or {}, ANDROID_FIELDS)):  # fmt: skip
        if not isinstance(given, dict):
            return where[:-1], "expected an object"
        if unknown := sorted(set(given) - known):
            return (
                f"{where}{unknown[0]}",
                f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.',
            )
    if sum(1 for target in TARGETS if message.get(target)) != 1:
        return "message", f"expected exactly one of {', '.join(TARGETS)}"
    values = message.get("data") or {}
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        return "message.data", "expected a map of strings"
    if len(json.dumps([message.get("data"), message.get("notification")]).encode()) > PAYLOAD_BYTES:
        return "message", f"Android message is too big: expected at most {PAYLOAD_BYTES} bytes"
    return None


def _error(
    code: int, status: str, message: str, *, fcm: str = "", field: str = "", headers: dict[str, str] | None = None
) -> Response:
    details: list[dict[str, Any]] = []
    if fcm:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": fcm})
    if field:
        violations = [{"field": field, "description": message}]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
    error = {"code": code, "message": message, "status": status, "details": details}
    return JSONResponse({"error": error}, code, headers=headers)

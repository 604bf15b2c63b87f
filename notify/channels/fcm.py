"""Firebase Cloud Messaging, HTTP v1. The only door to ``firebase_admin``.

The official library gives the credentials and builds and validates messages; sending is ours, because its senders retry
in their own threads, unseen by our queue. An answer is turned into sent, try later, never, or "this token is dead".
Source: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages and …/v1/ErrorCode.
"""

import asyncio
import email.utils
import json
from datetime import UTC
from typing import Any, Protocol, cast

import httpx

from domain.errors import DeliveryFailed, SettingsInvalid
from domain.notification import Notification, NotificationKind
from domain.risk import RiskLevel
from domain.subscription import Device
from runtime.settings import FcmSettings

URGENT = frozenset({RiskLevel.EXTREME.value, RiskLevel.SEVERE.value})
MAX_TTL_S = 2_419_200
"""Four weeks: FCM's longest."""

MAX_PAYLOAD_BYTES = 4096
TIMEOUT_S = 10.0
CONNECTIONS = 64
ANDROID_CHANNEL = "alerts"
AUTH_REST_S = 60.0
"""Credentials that do not work need a person; until then the queue is asked once a minute."""


class Bearer(Protocol):
    """Gives access tokens. May block; is called in a thread."""

    def fresh(self) -> bool:
        """Is :attr:`token` good for some minutes yet?"""

    def refresh(self) -> None:
        """Get a new one. Raises DeliveryFailed."""

    @property
    def token(self) -> str:
        """The access token; blank before the first refresh."""


class ServiceAccountBearer:
    """Access tokens for a service account file, by firebase_admin."""

    def __init__(self, settings: FcmSettings) -> None:
        from firebase_admin import credentials

        try:
            self._credential = credentials.Certificate(str(settings.credentials))
        except (OSError, ValueError) as error:
            fault = f"GOOGLE_APPLICATION_CREDENTIALS: expected a service account file, found {settings.credentials}"
            raise SettingsInvalid([f"{fault}: {error}"]) from error

    def fresh(self) -> bool:
        return bool(self._credential.get_credential().valid)

    def refresh(self) -> None:
        from google.auth.exceptions import GoogleAuthError

        try:
            self._credential.get_access_token()
        except GoogleAuthError as error:
            raise DeliveryFailed(
                f"no access token from Google: {type(error).__name__}", retry=True, retry_after_s=AUTH_REST_S / 6
            ) from error

    @property
    def token(self) -> str:
        return str(self._credential.get_credential().token or "")


class FcmChannel:
    """One project's messages."""

    def __init__(self, settings: FcmSettings, bearer: Bearer | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = f"{settings.base_url.rstrip('/')}/v1/projects/{settings.project_id}/messages:send"
        self._bearer = bearer if bearer is not None else ServiceAccountBearer(settings)
        self._refreshing = asyncio.Lock()
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(timeout=timeout_s, limits=limits, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def deliver(self, device: Device, notification: Notification, now_epoch_s: float) -> str:
        message = message_for(notification, now_epoch_s)
        message["token"] = device.token
        body = json.dumps({"message": message}, ensure_ascii=False, separators=(",", ":")).encode()
        used = await self._access_token("")
        answer = await self._post(body, used)
        if answer.status_code == httpx.codes.UNAUTHORIZED and not _fcm_error(answer)[0]:
            answer = await self._post(body, await self._access_token(used))
        if answer.status_code != httpx.codes.OK:
            raise failure_of(answer, now_epoch_s)
        try:
            return str(answer.json()["name"])
        except (ValueError, KeyError, TypeError) as error:
            raise DeliveryFailed("FCM answered 200 without a message name", retry=True, unanswered=True) from error

    async def _post(self, body: bytes, access_token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {access_token}", "content-type": "application/json; charset=utf-8"}
        try:
            return await self._client.post(self._url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise DeliveryFailed(f"FCM cannot be reached: {type(error).__name__}", retry=True) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryFailed(f"no answer from FCM: {type(error).__name__}", retry=True, unanswered=True) from error

    async def _access_token(self, refused: str) -> str:
        """A good access token; not *refused*, which FCM did not like. One refresh serves all who wait."""
        async with self._refreshing:
            if not self._bearer.fresh() or (refused and self._bearer.token == refused):
                await asyncio.to_thread(self._bearer.refresh)
            return self._bearer.token


def message_for(notification: Notification, now_epoch_s: float) -> dict[str, Any]:
    """The message's JSON without its token, built and validated by the official library.

    Raises DeliveryFailed when it is not a message that FCM would take.
    """
    from firebase_admin import messaging

    urgent = notification.level in URGENT and notification.kind is not NotificationKind.ALL_CLEAR
    extreme = notification.level == RiskLevel.EXTREME.value
    ttl_s = int(min(max(notification.expires_epoch_s - now_epoch_s, 0), MAX_TTL_S))
    tag = notification.replacement_id
    try:
        built = messaging.Message(
            topic="takes-the-place-of-a-token",
            notification=messaging.Notification(title=notification.title, body=notification.body),
            data={
                "alert_id": notification.alert_id[:512],
                "revision": str(notification.revision),
                "kind": notification.kind.value,
                "level": notification.level,
                "language": notification.language,
                "replaces": tag,
            },
            android=messaging.AndroidConfig(
                # Not under Android's throttling of collapsible messages when lives depend on it.
                collapse_key=None if extreme else tag,
                priority="high" if urgent else "normal",
                ttl=ttl_s,
                direct_boot_ok=True if extreme else None,
                notification=messaging.AndroidNotification(tag=tag, channel_id=ANDROID_CHANNEL),
            ),
            apns=messaging.APNSConfig(
                headers={
                    "apns-collapse-id": tag,
                    "apns-priority": "10" if urgent else "5",
                    "apns-expiration": str(int(now_epoch_s) + ttl_s),
                    "apns-push-type": "alert",
                },
                payload=messaging.APNSPayload(
                    messaging.Aps(
                        sound="default",
                        thread_id=tag,
                        custom_data={"interruption-level": "time-sensitive" if urgent else "active"},
                    )
                ),
            ),
            webpush=messaging.WebpushConfig(
                headers={"TTL": str(ttl_s), "Urgency": "high" if urgent else "normal", "Topic": tag},
                notification=messaging.WebpushNotification(
                    tag=tag, renotify=True, language=notification.language or None
                ),
            ),
        )
        message = cast("dict[str, Any]", json.loads(str(built)))
    except ValueError as error:
        raise DeliveryFailed(f"not a message that FCM takes: {error}", retry=False) from error
    del message["topic"]
    size = len(json.dumps([message["notification"], message["data"]], ensure_ascii=False).encode())
    if size > MAX_PAYLOAD_BYTES:
        raise DeliveryFailed(f"expected at most {MAX_PAYLOAD_BYTES} bytes of payload, found {size}", retry=False)
    return message


def failure_of(answer: httpx.Response, now_epoch_s: float) -> DeliveryFailed:
    """What a refusal means for the hand-over and for the token."""
    code, about_token = _fcm_error(answer)
    status = answer.status_code
    said = f"FCM answered {status} {code}".rstrip()
    retry_after_s = _retry_after_s(answer.headers.get("retry-after", ""), now_epoch_s)
    if code in {"UNREGISTERED", "SENDER_ID_MISMATCH"}:
        return DeliveryFailed(said, retry=False, forget=True)
    if code in {"THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR"} or status in {401, 403, 404, 407, 408} or status < 400:
        # Our credentials, project or address are wrong, or something stands in between: no token is to blame, and it can
        # be mended.
        return DeliveryFailed(said, retry=True, retry_after_s=retry_after_s or AUTH_REST_S)
    if status == httpx.codes.TOO_MANY_REQUESTS or code == "QUOTA_EXCEEDED":
        return DeliveryFailed(said, retry=True, retry_after_s=AUTH_REST_S if retry_after_s is None else retry_after_s)
    if status >= 500:
        # 500 and what bears FCM's code is FCM's own word. Else a gateway speaks, and what it passed on may have arrived.
        is_gateway = status == httpx.codes.GATEWAY_TIMEOUT or (status not in {500, 503} and not code)
        return DeliveryFailed(
            said, retry=True, retry_after_s=retry_after_s, maybe_taken=status != 503, unanswered=is_gateway
        )
    return DeliveryFailed(said, retry=False, forget=about_token)


def _fcm_error(answer: httpx.Response) -> tuple[str, bool]:
    """(FCM's own error code or blank, whether it blames the token)."""
    try:
        details = answer.json()["error"].get("details", [])
        codes = [str(one["errorCode"]) for one in details if one.get("@type", "").endswith("v1.FcmError")]
        fields = [violation.get("field") for one in details for violation in one.get("fieldViolations", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", False
    return (codes[0] if codes else ""), fields == ["message.token"]


def _retry_after_s(text: str, now_epoch_s: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or a date); None when it says nothing usable."""
    if text.strip().isdigit():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_epoch_s, 0.0)

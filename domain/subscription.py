"""What a resident asked for, and where to send it. No name, no account, no history."""

from dataclasses import dataclass
from enum import StrEnum


class Platform(StrEnum):
    """How a device is reached."""

    FCM = "fcm"
    CONSOLE = "console"
    """Printed in the log: for development."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where to send. *token* is secret: redacted in logs, never a metric label."""

    platform: Platform
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Ground a resident cares about: a disc, rounded outward so that no warning is missed."""

    label: str
    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A device, a language and places; *subscription_id* is random and the only credential to change it."""

    subscription_id: str
    device: Device
    language: str
    places: tuple[Place, ...]
    minimum_level: str
    """A RiskLevel value: what is below it stays silent."""
    created_epoch_s: int
    seen_epoch_s: int
    """Last heartbeat; idle subscriptions expire."""

"""What we say to one person, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum


class NotificationKind(StrEnum):
    """Which step of an event's life this tells."""

    WARNING = "warning"
    UPDATE = "update"
    ALL_CLEAR = "all_clear"


class DeliveryOutcome(StrEnum):
    """What became of a hand-over."""

    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one subscription. *replacement_id* is stable per event, so a person sees one notification."""

    alert_id: str
    revision: int
    kind: NotificationKind
    subscription_id: str
    replacement_id: str
    title: str
    body: str
    language: str
    level: str
    expires_epoch_s: int
    place_label: str
    content: str = ""
    """Digest of what is said, whichever step of the event says it: the same again is no news."""
    attempts: int = 0
    """How often a provider put it off already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The receipt of one hand-over."""

    subscription_id: str
    alert_id: str
    revision: int
    kind: NotificationKind
    outcome: DeliveryOutcome
    at_epoch_s: float
    detail: str = ""

"""An Alert: a warning about an Area of ground (CAP, health level, sensor, exposure event).

One Alert is one *event*: the chain of messages (alert, updates, cancel) about it, at its current revision.
Source: OASIS CAP 1.2.
"""

from dataclasses import dataclass
from enum import StrEnum


class AlertState(StrEnum):
    """Where an event stands."""

    IN_FORCE = "in_force"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """Left its feed without a cancel, for longer than the grace time."""


class MessageStatus(StrEnum):
    """CAP status. Only ACTUAL may ever reach a phone; an unknown status is not ACTUAL."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """CAP severity, worst first."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


SEVERITY_RANK = {
    Severity.EXTREME: 4,
    Severity.SEVERE: 3,
    Severity.MODERATE: 2,
    Severity.UNKNOWN: 1,
    Severity.MINOR: 0,
}
"""For "the worst": Unknown stands above Minor, because nobody said that it is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A disc on the ground, WGS 84. CAP writes kilometres; here are metres."""

    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Ground a warning covers: the union of everything in it.

    *polygons* are closed rings of (lon, lat) degrees, WGS 84 (CAP writes lat,lon), already repaired;
    *approximate* says that the issuer's geometry could not be used and something coarser stands in.
    """

    description: str
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()
    """(system, value), such as ("UGC", "AKZ026")."""
    approximate: bool = False
    everywhere: bool = False
    """No area at all, or a code for the whole country: everywhere that the issuer speaks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertInfo:
    """One info block: one language, or one part of the ground with its own severity."""

    language: str
    categories: tuple[str, ...]
    event: str
    response_types: tuple[str, ...]
    urgency: str
    severity: Severity
    certainty: str
    effective_epoch_s: int
    onset_epoch_s: int
    """0 when not said."""
    expires_epoch_s: int
    """0 when not said; the policy for that is the reader's."""
    sender_name: str
    headline: str
    description: str
    instruction: str
    web: str
    contact: str
    event_codes: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a CAP message says it follows; *sender* and *sent_epoch_s* are blank or 0 where the issuer wrote less."""

    identifier: str
    sender: str = ""
    sent_epoch_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMessage:
    """One CAP message, or what stands for one in another feed. Identity: (sender, identifier, sent)."""

    feed_id: str
    sender: str
    identifier: str
    sent_epoch_s: int
    status: MessageStatus
    kind: str
    """msgType: Alert, Update, Cancel, Ack, Error."""
    scope: str
    references: tuple[Reference, ...]
    incidents: tuple[str, ...]
    codes: tuple[str, ...]
    note: str
    infos: tuple[AlertInfo, ...]
    looks_like_test: str = ""
    """Why a message with status Actual is held as a test (event code RMT …); blank when it is none."""


SILENT_LIFE_S = 24 * 3600
"""How long a warning that names no end is taken to last after it was last listed. Source: docs/alerts.md."""


def pushable(message: AlertMessage) -> str:
    """Why a message must never reach a phone as a warning; blank when it may. Anything not plainly allowed is denied."""
    if message.status is not MessageStatus.ACTUAL:
        return f"status is {message.status.value}, not Actual"
    if message.scope != "Public":
        return f"scope is {message.scope or 'not said'}, not Public"
    return f"it is a test: {message.looks_like_test}" if message.looks_like_test else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """One message of an Alert's chain, as far as it is known.

    *seen* is False for a message that is only referred to; *live* says that no later message replaced or ended it;
    *info_count* infos of the Alert, in the order of its live links, are this message's.
    """

    identifier: str
    sender: str = ""
    sent_epoch_s: int = 0
    kind: str = ""
    seen: bool = False
    live: bool = False
    why_not_pushable: str = ""
    info_count: int = 0
    content: str = ""
    """Digest of what the message says, whatever its identity: the same again is no news."""
    earlier: tuple[str, ...] = ()
    """Digests of what it said before its issuer changed it in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One event at its current revision.

    *alert_id* is stable over the chain's life (also the push replacement id); *revision* counts up from 1 with every
    message that changed what a person would be told; *infos* are those of the last message that had any.
    """

    alert_id: str
    feed_id: str
    revision: int
    state: AlertState
    status: MessageStatus
    pushable: bool
    """Actual, Public, not a test: may reach a phone."""
    why_not_pushable: str
    first_seen_epoch_s: int
    updated_epoch_s: int
    expires_epoch_s: int
    """When the whole event ends; never 0 (a policy fills in where the issuer is silent)."""
    messages: tuple[str, ...]
    """Identifiers of the chain's messages, oldest first."""
    infos: tuple[AlertInfo, ...]
    links: tuple[ChainLink, ...] = ()
    """Every message seen or referred to, by sent time; the memory that makes a replay change nothing."""
    listed_epoch_s: int = 0
    """When the feed last listed one of its messages."""
    absence: float = 0.0
    """Share of the grace time in which good polls of the feed did not list it any more; at 1 it is withdrawn."""
    absent_epoch_s: int = 0
    """The last of those polls; 0 when there was none."""
    ended_epoch_s: int = 0
    """When it was cancelled, expired or withdrawn; 0 while in force."""
    superseded_by: str = ""
    """The Alert that took this one up (one update replaced several events); people then hear of that one."""

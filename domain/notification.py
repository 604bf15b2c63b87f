"""What we say to one person, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import BlobUnusable


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
    waited_quietly: bool = False
    """Quiet hours kept it back."""
    unanswered: int = 0
    """How often it was handed over and nobody said whether it was taken."""


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


class ToldState(StrEnum):
    """How sure it is that somebody was told."""

    CLAIMED = "claimed"
    """A process was about to hand it over, and may have done so."""
    SENT = "sent"
    """The provider took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a subscription was last told of an event. *content* is a digest of what was said, *level* how bad it was."""

    revision: int
    kind: NotificationKind
    state: ToldState
    level: str = ""
    content: str = ""

    def encode(self) -> str:
        """``revision:kind:state:level:content``."""
        return f"{self.revision}:{self.kind.value}:{self.state.value}:{self.level}:{self.content}"

    @classmethod
    def decode(cls, value: bytes) -> "Told":
        """Back from :meth:`encode`. Raises BlobUnusable."""
        try:
            revision, kind, state, level, content = value.decode().split(":")
            return cls(
                revision=int(revision),
                kind=NotificationKind(kind),
                state=ToldState(state),
                level=level,
                content=content,
            )
        except ValueError as error:
            raise BlobUnusable(f"expected revision:kind:state:level:content, found {value[:80]!r}") from error

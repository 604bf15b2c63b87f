"""A feed we read, what each poll of it found, and what is wrong with it: facts. ``domain.feed_health`` judges them."""

from dataclasses import dataclass
from enum import StrEnum


class FeedKind(StrEnum):
    """What a feed speaks; the table of decoders is ``feeds.formats.DECODERS``."""

    GTFS = "gtfs"
    TRIP_UPDATES = "trip_updates"
    VEHICLE_POSITIONS = "vehicle_positions"
    SITUATIONS = "situations"
    """GTFS-realtime Alerts."""
    COMBINED = "combined"
    """One GTFS-realtime message that carries several kinds of entity."""
    CAP = "cap"
    CASE_RATES = "case_rates"


SPEAKS_OF_TRIPS = frozenset({FeedKind.TRIP_UPDATES, FeedKind.VEHICLE_POSITIONS, FeedKind.COMBINED})
"""What says where trips are."""

ENTITY_KINDS = ("trip_updates", "vehicles", "situations")
"""What a realtime feed may be ranked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """A feed as configured. *url* may hold ``${NAME}`` for a secret from the environment; it is never shown whole.

    *schedule* names the GTFS feeds that a realtime feed speaks about, in order of trust (empty for CAP and health).
    """

    feed_id: str
    kind: FeedKind
    url: str
    interval_s: float
    name: str = ""
    schedule: tuple[str, ...] = ()
    agency_codes: tuple[tuple[str, str], ...] = ()
    """For GTFS: (agency_id in the file, code in this deployment); ("", code) names the main agency's code."""
    headers: tuple[tuple[str, str], ...] = ()
    """Header name to value; values may hold ``${NAME}``."""
    timeout_s: float = 15.0
    max_bytes: int = 32 * 1024 * 1024
    attribution: str = ""
    region: str = ""
    allow_private_hosts: bool = False
    ca_file: str = ""
    """Certificates, as PEM, of authorities that are trusted for this feed beside the usual ones; blank for none."""
    threshold_per_100k: float | None = None
    """For case rates: the level at which a district becomes an Alert."""
    priority: tuple[tuple[str, int], ...] = ()
    """(entity kind, rank): whose word counts where several feeds speak of one thing. Kinds: ENTITY_KINDS."""

    def priority_of(self, entity_kind: str) -> int:
        """The feed's rank for that kind of entity; 0 when nothing is said. The highest counts."""
        return dict(self.priority).get(entity_kind, 0)


class ProblemLevel(StrEnum):
    """How bad a Problem is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a feed, or one kind of thing with its *count*; *code* is documented in docs/formats.md."""

    code: str
    level: ProblemLevel
    message: str
    where: str = ""
    """File and line, entity id, element: wherever a reader would look."""
    count: int = 1


class PollOutcome(StrEnum):
    """How one poll ended: the closed set that labels metrics."""

    OK_NEW = "ok_new"
    OK_UNCHANGED = "ok_unchanged"
    NOT_MODIFIED = "not_modified"
    EMPTY = "empty"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    TIMEOUT = "timeout"
    CONNECT = "connect"
    TLS = "tls"
    TOO_LARGE = "too_large"
    NOT_THE_FORMAT = "not_the_format"
    REDIRECT_BLOCKED = "redirect_blocked"
    ADDRESS_BLOCKED = "address_blocked"
    OLDER_THAN_BEFORE = "older_than_before"
    FAILED = "failed"


GOOD_OUTCOMES = frozenset(
    {PollOutcome.OK_NEW, PollOutcome.OK_UNCHANGED, PollOutcome.NOT_MODIFIED, PollOutcome.OLDER_THAN_BEFORE}
)
"""Nothing is wrong with the feed. An older dataset is counted and left out: its age is for the header to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRecord:
    """What one poll found. Every poll writes one; the newest few hundred a feed are kept."""

    at_epoch_s: float
    outcome: PollOutcome
    status: int | None
    duration_s: float
    wire_bytes: int
    header_epoch_s: int
    """The feed's own timestamp, 0 when it has none."""
    entities: int
    problems: int
    message: str = ""
    """What went wrong, for a person; secrets already redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecord:
    """What is known of a feed, written by the poller after every poll; facts only, no judgement."""

    spec: FeedSpec
    """With *url* and headers redacted."""
    started_epoch_s: float
    last_attempt_epoch_s: float = 0.0
    last_success_epoch_s: float = 0.0
    last_change_epoch_s: float = 0.0
    header_epoch_s: int = 0
    consecutive_failures: int = 0
    failing_since_epoch_s: float = 0.0
    next_attempt_epoch_s: float = 0.0
    polls_total: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()
    """Outcome to number of polls since the feed was first seen."""
    entities: int = 0
    entity_counts: tuple[tuple[str, int], ...] = ()
    """Kind of entity to number, such as ("trip_updates", 511)."""
    problems: tuple[Problem, ...] = ()
    history: tuple[PollRecord, ...] = ()
    """Oldest first."""
    valid_until: int = 0
    """For GTFS: last service date, yyyymmdd."""
    clock_ahead_s: float | None = None
    """How far the clock of the feed's server was ahead of this machine's at the last answer that bore a Date; to a second."""
    content_change_epoch_s: float = 0.0
    """When what a realtime feed says last changed; a header that ticks over the same contents is no change."""
    ticks_skipped: int = 0
    """Polls that were due while the one before was still going on."""

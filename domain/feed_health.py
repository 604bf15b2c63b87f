"""How a feed is: :func:`assess` is the one judge, so that the riders' fallback, the operators' page and the metrics agree."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from domain.feed import GOOD_OUTCOMES, FeedKind, FeedRecord, PollOutcome, ProblemLevel
from domain.service_day import from_yyyymmdd


class FeedState(StrEnum):
    """How a feed is, in one word, worst first."""

    FAILING = "failing"
    """Polls do not succeed."""
    STALE = "stale"
    """Polls succeed but the data is too old to be shown as live."""
    LATE = "late"
    """Older than it should be, still used."""
    EMPTY = "empty"
    """Nothing in it while there should be."""
    UNKNOWN = "unknown"
    """Not polled yet, or nobody polls it any more."""
    DEGRADED = "degraded"
    """Fresh, but with errors in it."""
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """The judgement on a feed at one instant: its state, since when, why in words, and what to do about it."""

    state: FeedState
    since_epoch_s: float
    why: str
    todo: str
    age_s: float | None
    """Age of the data at that instant; grows while we are blind. None when unknown."""
    usable: bool
    """May its data be shown as live? When not, riders are told the schedule."""
    code: str = ""
    """Which of :data:`HEALTH_CODES` *why* and *todo* say in English; other languages have words of their own for it."""
    values: tuple[tuple[str, float | str], ...] = ()
    """What *why* fills in; names that end in ``_s`` are seconds."""


LATE_AFTER_INTERVALS = 3.0
"""Polls that may be missed, or a header that may stand still, before data is called late."""
STALE_AFTER_S = {
    FeedKind.TRIP_UPDATES: 300.0,
    FeedKind.VEHICLE_POSITIONS: 300.0,
    FeedKind.COMBINED: 300.0,
    FeedKind.SITUATIONS: 1800.0,
    FeedKind.CAP: 900.0,
    FeedKind.CASE_RATES: 172_800.0,
}
"""Data older than this is not shown as live (seconds). Five minutes for vehicles: a bus is by then a few stops away.
For kinds whose content may rightly stay the same for days, it is the age of the last good poll that counts."""
STANDS_POLLS = 3
"""Polls in a row that may find the same header where nearly every poll used to find a new one."""
ENOUGH_HEADERS = 10
"""So many headers came and went before we say how long one usually stands."""
FUTURE_S = 120.0
"""A header this far ahead of our clock means that one of the clocks is wrong."""
EXPIRES_SOON_DAYS = 7

_BY_HEADER = frozenset({FeedKind.TRIP_UPDATES, FeedKind.VEHICLE_POSITIONS, FeedKind.COMBINED})
_SHOWS_HEADER = frozenset({PollOutcome.OK_NEW, PollOutcome.OK_UNCHANGED, PollOutcome.NOT_MODIFIED})
_MAY_BE_EMPTY = frozenset({FeedKind.SITUATIONS, FeedKind.CAP, FeedKind.CASE_RATES})
_REASONS = {
    PollOutcome.HTTP_4XX: ("it answers with an error about our request", "Check the address and the key of the feed."),
    PollOutcome.HTTP_5XX: ("its server has an error", "Tell the producer; polling goes on by itself."),
    PollOutcome.TIMEOUT: ("it does not answer in time", "Check the producer's status; polling goes on by itself."),
    PollOutcome.CONNECT: ("it cannot be reached", "Check the address and the network."),
    PollOutcome.TLS: ("its certificate is not valid", "Tell the producer; check this machine's clock."),
    PollOutcome.TOO_LARGE: ("it sends more than is allowed", "Raise max_bytes of the feed if that size is right."),
    PollOutcome.NOT_THE_FORMAT: ("what it sends is not the format", "Look at what the address serves; tell the producer."),
    PollOutcome.REDIRECT_BLOCKED: ("it redirects to where we may not follow", "Configure the address it redirects to."),
    PollOutcome.ADDRESS_BLOCKED: ("its address is a private one", "Set allow_private_hosts if that is meant."),
    PollOutcome.OLDER_THAN_BEFORE: ("it sends data older than before", "Tell the producer: its servers disagree."),
    PollOutcome.FAILED: ("polling it fails", "Look at the log of the feeds process."),
    PollOutcome.EMPTY: ("it is empty", "Check whether there is service now; tell the producer if so."),
}  # fmt: skip
HEALTH_CODES = (
    "not_polled", "never_polled", *(f"failed_{outcome.value}" for outcome in _REASONS), "stale", "clock_ahead",
    "nothing_in_it", "late", "last_poll_failed", "expired", "expires_soon", "has_errors", "fresh",
)  # fmt: skip
"""Everything that :func:`assess` can find."""


def spoken(seconds: float) -> str:
    """A duration in words for a person: "40 s", "12 min", "3 h", "5 days"."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def data_epoch_s(record: FeedRecord) -> float:
    """How old the data is, as the instant it speaks of: the header's where it has one, else the last change of content;
    0 when nothing was ever had. For kinds that may rightly stay the same, the last good poll."""
    if record.spec.kind in _BY_HEADER:
        return float(record.header_epoch_s) or record.last_change_epoch_s
    return record.last_success_epoch_s


def assess(record: FeedRecord, now_epoch_s: float) -> FeedHealth:
    """How the feed is at *now*: the riders' fallback, the operators' page and the metrics all ask this one function."""
    spec = record.spec
    born = data_epoch_s(record)
    age_s = now_epoch_s - born if born else None
    stale_s = STALE_AFTER_S.get(spec.kind)
    too_old = stale_s is not None and (age_s is None or age_s > max(stale_s, LATE_AFTER_INTERVALS * spec.interval_s))
    usable = born > 0 and not too_old

    def judged(
        state: FeedState,
        since: float,
        code: str,
        why: str,
        todo: str = "",
        *,
        may_use: bool = usable,
        **values: float | str,
    ) -> FeedHealth:
        return FeedHealth(
            state=state, since_epoch_s=since, why=why, todo=todo, age_s=age_s, usable=may_use, code=code,
            values=tuple(values.items()),
        )  # fmt: skip

    patience_s = max(LATE_AFTER_INTERVALS * spec.interval_s, spec.interval_s + 60.0)
    waiting_s = now_epoch_s - max(record.last_attempt_epoch_s, record.next_attempt_epoch_s, record.started_epoch_s)
    if waiting_s > patience_s:
        return judged(
            FeedState.UNKNOWN,
            record.last_attempt_epoch_s or record.started_epoch_s,
            "not_polled",
            f"Nobody has polled it for {spoken(waiting_s)}.",
            "Start the feeds process, or look at why it does not run.",
            waiting_s=waiting_s,
        )
    if record.polls_total == 0:
        return judged(
            FeedState.UNKNOWN, record.started_epoch_s, "never_polled", "It has not been polled yet.", may_use=False
        )
    reason, detail, outcome = _last_failure(record)
    if record.consecutive_failures and (record.consecutive_failures > 2 or not born or too_old):
        count = record.consecutive_failures
        why = (
            f"{count} polls in a row failed: {reason}{detail}."
            if count > 1
            else f"The last poll failed: {reason}{detail}."
        )
        state = FeedState.EMPTY if outcome is PollOutcome.EMPTY else FeedState.FAILING
        todo = to_do_about(outcome)
        return judged(state, record.failing_since_epoch_s, f"failed_{outcome}", why, todo, count=count, detail=detail)
    if too_old and age_s is not None:
        why = f"Polls succeed, but the data is {spoken(age_s)} old: its clock or its producer stands still."
        return judged(FeedState.STALE, born, "stale", why, "Tell the producer; riders see the timetable meanwhile.", age_s=age_s)  # fmt: skip
    if age_s is not None and age_s < -FUTURE_S and spec.kind in _BY_HEADER:
        why = f"Its clock is {spoken(-age_s)} ahead of ours."
        return judged(FeedState.DEGRADED, record.last_change_epoch_s, "clock_ahead", why, "Check this machine's clock, then tell the producer.", ahead_s=-age_s)  # fmt: skip
    if record.entities == 0 and spec.kind not in _MAY_BE_EMPTY:
        todo = to_do_about(PollOutcome.EMPTY)
        return judged(FeedState.EMPTY, record.last_change_epoch_s, "nothing_in_it", "It has nothing in it.", todo)
    if record.consecutive_failures:
        why = f"The last poll failed: {reason}{detail}; what was good before is still used."
        return judged(FeedState.LATE, record.failing_since_epoch_s, "last_poll_failed", why, detail=detail)
    if spec.kind in _BY_HEADER and age_s is not None and age_s > LATE_AFTER_INTERVALS * spec.interval_s + 30.0:
        why = f"Its data is {spoken(age_s)} old; it should be new every {spoken(spec.interval_s)}."
        return judged(FeedState.LATE, born, "late", why, age_s=age_s, every_s=spec.interval_s)
    usual_s = _stands_beyond_s(record)
    if usual_s and age_s is not None and age_s > usual_s + spec.interval_s / 2:
        why = f"Its data is {spoken(age_s)} old; it should be new every {spoken(usual_s)}."
        return judged(FeedState.LATE, born, "late", why, "Watch it: its clock stands still.", age_s=age_s, every_s=usual_s)  # fmt: skip
    return _content(record, now_epoch_s, judged)


def _stands_beyond_s(record: FeedRecord) -> float:
    """The usual seconds from header to header, where the present one has stood for clearly more polls than others; else 0.

    The feed's own habit is the measure: one whose header changes with every poll is suspect at the third that finds it
    unchanged, one that is often seen thrice is not. A twentieth of the headers, and one more, may have stood longer: outages
    long ago excuse nothing.
    """
    history = record.history
    if record.spec.kind not in _BY_HEADER or len({poll.header_epoch_s for poll in history[-STANDS_POLLS:]}) != 1:
        return 0.0
    headers: list[int] = []
    polls: list[int] = []
    for poll in history:
        if poll.outcome not in _SHOWS_HEADER or not poll.header_epoch_s:
            continue
        if headers and poll.header_epoch_s == headers[-1]:
            polls[-1] += 1
        else:
            headers.append(poll.header_epoch_s)
            polls.append(1)
    if len(headers) <= ENOUGH_HEADERS:
        return 0.0
    *before, standing = polls
    usual_polls = sorted(before)[-2 - len(before) // 20]
    if standing < max(STANDS_POLLS, usual_polls + 2):
        return 0.0
    steps = sorted(later - header for header, later in pairwise(headers))
    return float(max(steps[len(steps) // 2], 1))


def to_do_about(outcome: PollOutcome) -> str:
    """What an operator does about a poll that ended so."""
    return _REASONS.get(outcome, _REASONS[PollOutcome.FAILED])[1]


def _last_failure(record: FeedRecord) -> tuple[str, str, PollOutcome]:
    """(why, detail in brackets, outcome) of the newest poll, as if it had failed."""
    last = record.history[-1] if record.history else None
    outcome = last.outcome if last and last.outcome in _REASONS else PollOutcome.FAILED
    return _REASONS[outcome][0], f" ({last.message})" if last and last.message else "", outcome


def _content(record: FeedRecord, now_epoch_s: float, judged: "Callable[..., FeedHealth]") -> FeedHealth:
    if record.valid_until:
        left = (from_yyyymmdd(record.valid_until) - from_yyyymmdd(19700101)).days - int(now_epoch_s // 86_400)
        if left < 0:
            return judged(FeedState.STALE, record.last_change_epoch_s, "expired", "Its last day of service is over.", "Import a newer schedule.")  # fmt: skip
        if left < EXPIRES_SOON_DAYS:
            why = f"Its last day of service is in {left} days."
            return judged(FeedState.DEGRADED, record.last_change_epoch_s, "expires_soon", why, "Ask the producer for the next schedule.", days=left)  # fmt: skip
    errors = [problem for problem in record.problems if problem.level is ProblemLevel.ERROR]
    if errors:
        why = f"It is fresh, but {errors[0].message}"
        return judged(FeedState.DEGRADED, record.last_change_epoch_s, "has_errors", why, "See its problems; tell the producer.", message=errors[0].message)  # fmt: skip
    return judged(FeedState.OK, _fresh_since_epoch_s(record), "fresh", "It is fresh and good.")


def _fresh_since_epoch_s(record: FeedRecord) -> float:
    """The first of the good polls in a row that led to now, as far back as the history goes.

    A poll that brought data from a clock that stood still was not good.
    """
    by_header = record.spec.kind in _BY_HEADER
    oldest_s = LATE_AFTER_INTERVALS * record.spec.interval_s + 30.0
    since = record.last_success_epoch_s
    for poll in reversed(record.history):
        old = by_header and poll.header_epoch_s and poll.at_epoch_s - poll.header_epoch_s > oldest_s
        if poll.outcome not in GOOD_OUTCOMES or old:
            break
        since = poll.at_epoch_s
    return since

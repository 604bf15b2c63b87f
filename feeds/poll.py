"""Polling one feed: when it is due, what a poll found, and the facts that are recorded of it. No judgement here."""

import random
from dataclasses import replace

from domain.feed import GOOD_OUTCOMES, FeedRecord, FeedSpec, PollOutcome, PollRecord, Problem

HISTORY = 300
FIRST_BACK_OFF_S = 5.0
MAX_BACK_OFF_S = 300.0
MAX_RETRY_AFTER_S = 3600.0
"""A server that asks for more patience than this is asked again after an hour all the same."""


def shown(spec: FeedSpec, url: str) -> FeedSpec:
    """The specification as it may be shown: *url* already redacted, no header values."""
    return replace(spec, url=url, headers=tuple((name, "***") for name, _ in spec.headers))


def first_delay_s(spec: FeedSpec, lot: random.Random) -> float:
    """Feeds start spread over a tenth of their interval, at most two seconds, so that they do not all poll at once."""
    return lot.uniform(0.0, min(spec.interval_s / 10, 2.0))


def next_delay_s(spec: FeedSpec, failures: int, retry_after_s: float | None, lot: random.Random) -> float:
    """Seconds to the next poll: the interval with a little jitter; after failures exponential back-off from a few
    seconds to five minutes (never sooner than the interval asks when that is longer), or what the server asked for."""
    if not failures:
        return spec.interval_s * lot.uniform(0.95, 1.05)
    back_off_s: float = min(max(FIRST_BACK_OFF_S, spec.interval_s / 2) * 2 ** min(failures - 1, 10), MAX_BACK_OFF_S)
    delay_s = back_off_s * lot.uniform(0.75, 1.0)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return delay_s


def recorded(
    record: FeedRecord, poll: PollRecord, *, problems: tuple[Problem, ...] | None = None,
    entity_counts: dict[str, int] | None = None, valid_until: int | None = None,
) -> FeedRecord:  # fmt: skip
    """The record after one more poll. A failure keeps what is known of the contents: the last good data still serves."""
    good = poll.outcome in GOOD_OUTCOMES
    outcomes = dict(record.outcomes)
    outcomes[poll.outcome.value] = outcomes.get(poll.outcome.value, 0) + 1
    failures = 0 if good else record.consecutive_failures + 1
    changed = poll.outcome is PollOutcome.OK_NEW
    return replace(
        record,
        last_attempt_epoch_s=poll.at_epoch_s,
        last_success_epoch_s=poll.at_epoch_s if good else record.last_success_epoch_s,
        last_change_epoch_s=poll.at_epoch_s if changed else record.last_change_epoch_s,
        header_epoch_s=poll.header_epoch_s if changed and poll.header_epoch_s else record.header_epoch_s,
        consecutive_failures=failures,
        failing_since_epoch_s=0.0 if good else record.failing_since_epoch_s or poll.at_epoch_s,
        polls_total=record.polls_total + 1,
        outcomes=tuple(sorted(outcomes.items())),
        entities=sum(entity_counts.values()) if entity_counts is not None else record.entities,
        entity_counts=tuple(sorted(entity_counts.items())) if entity_counts is not None else record.entity_counts,
        problems=record.problems if problems is None else problems,
        valid_until=record.valid_until if valid_until is None else valid_until,
        history=(*record.history, poll)[-HISTORY:],
    )

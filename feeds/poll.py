"""Polling one feed: when it is due, what a poll found, and the facts that are recorded of it. No judgement here."""

import random
from dataclasses import replace
from itertools import pairwise

from domain.feed import GOOD_OUTCOMES, FeedRecord, FeedSpec, PollOutcome, PollRecord, Problem

HISTORY = 300
FIRST_BACK_OFF_S = 5.0
MAX_BACK_OFF_S = 300.0
REFUSED_BACK_OFF_S = 60.0
"""The first pause after "no such address" or "not with that key": a person has to mend that, and hammering gets us banned."""
FRESH_INTERVALS = 2.0
"""A server's word that there is nothing newer is believed for so many intervals: many say a day and mean nothing by it."""
UNCONDITIONAL_EVERY = 10
UNCONDITIONAL_AFTER_S = 300.0
"""After so many polls, or so long, without anything new, an unconditional request is made: some servers say "not
modified" for ever (Houston's, to any If-Modified-Since)."""
CADENCE_HEADERS = 12
"""Newest datasets whose headers tell how often a producer renews them."""
SLOWER_THAN_US = 1.2
"""Intervals: a producer that renews its data at least so seldom is asked when it is about to have something new."""
PLAIN_EVERY = 10
"""Every so many datasets the plain interval is kept, so that a producer that has become quicker is noticed."""
REPEATS_OF_OLDER = 3
"""An older header than before is an answer from a lagging mirror; so many in a row are a producer that started anew."""
MAX_RETRY_AFTER_S = 3600.0
"""A server that asks for more patience than this is asked again after an hour all the same."""


def shown(spec: FeedSpec, url: str) -> FeedSpec:
    """The specification as it may be shown: *url* already redacted, no header values."""
    return replace(spec, url=url, headers=tuple((name, "***") for name, _ in spec.headers))


def first_delay_s(spec: FeedSpec, lot: random.Random) -> float:
    """Feeds start spread over a tenth of their interval, at most two seconds, so that they do not all poll at once."""
    return lot.uniform(0.0, min(spec.interval_s / 10, 2.0))


def next_delay_s(
    spec: FeedSpec,
    record: FeedRecord,
    lot: random.Random,
    *,
    now_epoch_s: float,
    retry_after_s: float | None = None,
    fresh_for_s: float = 0.0,
    took_s: float = 0.0,
) -> float:
    """Seconds from the end of a poll that *took_s* to the next one.

    The interval, counted from the start of the poll, with a little jitter; ticks that the poll overran are skipped. Longer,
    by one interval at most, where the server says that there is nothing newer before, or where the producer is known to
    have something new only then: just after that is when to ask. After failures exponential back-off from a few seconds (a
    minute where it refuses us) to five minutes, or what the server asked for.
    """
    failures = record.consecutive_failures
    outcome = record.history[-1].outcome if record.history else PollOutcome.OK_NEW
    if not failures:
        pause_s = max(spec.interval_s, min(fresh_for_s, FRESH_INTERVALS * spec.interval_s))
        due_epoch_s = next_dataset_epoch_s(spec, record)
        start_epoch_s = now_epoch_s - took_s
        if pause_s <= due_epoch_s - start_epoch_s <= FRESH_INTERVALS * spec.interval_s:
            return due_epoch_s - now_epoch_s + lot.uniform(0.0, 0.05) * spec.interval_s
        return max(pause_s - took_s % spec.interval_s, 0.05 * spec.interval_s) * lot.uniform(0.95, 1.05)
    first_s = FIRST_BACK_OFF_S
    if outcome is PollOutcome.HTTP_4XX and record.history[-1].status not in {408, 425, 429}:
        first_s = REFUSED_BACK_OFF_S
    most_s = MAX_BACK_OFF_S
    if outcome is PollOutcome.NOT_THE_FORMAT:  # as much is sent each time; a schedule may be a hundred megabytes
        most_s = max(MAX_BACK_OFF_S, min(spec.interval_s, 3600.0))
    back_off_s: float = min(max(first_s, spec.interval_s / 2) * 2 ** min(failures - 1, 10), most_s)
    delay_s = back_off_s * lot.uniform(0.75, 1.0)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return delay_s


def next_dataset_epoch_s(spec: FeedSpec, record: FeedRecord) -> float:
    """When the producer should have its next dataset ready, by the rhythm of its headers; 0 where there is none, or where
    it is no slower than our polls."""
    new = [poll for poll in record.history if poll.outcome is PollOutcome.OK_NEW and poll.header_epoch_s]
    new = new[-CADENCE_HEADERS:]
    steps = [later.header_epoch_s - poll.header_epoch_s for poll, later in pairwise(new)]
    if len(steps) < CADENCE_HEADERS // 2 or dict(record.outcomes).get(PollOutcome.OK_NEW, 0) % PLAIN_EVERY == 0:
        return 0.0
    every_s = min(steps)
    if every_s < SLOWER_THAN_US * spec.interval_s or sum(step <= 1.1 * every_s for step in steps) <= len(steps) / 2:
        return 0.0
    # How long after its header a dataset is there: at most as long as when we found one, longer than when we found none.
    most_s = min(poll.at_epoch_s - poll.duration_s - poll.header_epoch_s for poll in new)
    in_vain = (
        poll.at_epoch_s - poll.duration_s - poll.header_epoch_s - every_s
        for poll in record.history
        if poll.outcome in {PollOutcome.OK_UNCHANGED, PollOutcome.NOT_MODIFIED} and poll.at_epoch_s > new[0].at_epoch_s
    )
    least_s = min(max(in_vain, default=0.0), most_s)
    is_close = most_s - least_s <= 0.1 * spec.interval_s
    return new[-1].header_epoch_s + every_s + (most_s if is_close else (least_s + most_s) / 2)


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

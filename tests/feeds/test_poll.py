"""When a feed is polled next, and what one more poll does to its record."""

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate

import pytest

from domain.feed import FeedKind, FeedRecord, FeedSpec, PollOutcome, PollRecord
from feeds.poll import HISTORY, first_delay_s, next_delay_s, recorded, shown

SPEC = FeedSpec(feed_id="f", kind=FeedKind.TRIP_UPDATES, url="http://f.example", interval_s=20.0)


def poll(outcome: PollOutcome, status: int | None = 200, at_epoch_s: float = 100.0) -> PollRecord:
    return PollRecord(
        at_epoch_s=at_epoch_s, outcome=outcome, status=status, duration_s=0.1, wire_bytes=10, header_epoch_s=90,
        entities=3, problems=0,
    )  # fmt: skip


def after(*outcomes: PollOutcome, status: int | None = None) -> FeedRecord:
    record = FeedRecord(spec=SPEC, started_epoch_s=0.0)
    for outcome in outcomes:
        record = recorded(record, poll(outcome, status))
    return record


def delays(record: FeedRecord, spec: FeedSpec = SPEC, **said: float) -> tuple[float, float]:
    """The least and the most of many lots."""
    found = [next_delay_s(spec, record, random.Random(seed), now_epoch_s=100.0, **said) for seed in range(200)]
    return min(found), max(found)


def test_a_good_feed_is_polled_each_interval_from_start_to_start() -> None:
    """A little jitter; the time a poll took belongs to the interval, and ticks that it overran are skipped."""
    least, most = delays(after(PollOutcome.OK_NEW))
    assert 19 <= least < most <= 21
    least, most = delays(after(PollOutcome.OK_NEW), took_s=5.0)
    assert 14 <= least < most <= 16
    least, most = delays(after(PollOutcome.OK_NEW), took_s=45.0)
    assert 14 <= least < most <= 16


def test_feeds_do_not_all_start_at_once() -> None:
    found = {first_delay_s(SPEC, random.Random(seed)) for seed in range(50)}
    assert len(found) == 50
    assert 0 <= min(found) < max(found) <= 2


def test_a_servers_word_that_nothing_is_newer_is_believed_within_reason() -> None:
    least, most = delays(after(PollOutcome.OK_NEW), fresh_for_s=30.0)
    assert 28 <= least < most <= 32
    least, most = delays(after(PollOutcome.OK_NEW), fresh_for_s=86_400.0)
    assert 38 <= least < most <= 42


def lived(header_at: Callable[[float], float], hours: float = 4.0) -> tuple[int, float]:
    """(polls, mean seconds from when a dataset is there to when we have it) of a producer, polled with SPEC.

    *header_at* gives the header of what the producer serves at an instant; it is there three seconds after that.
    """
    record, lot, now, begin = FeedRecord(spec=SPEC, started_epoch_s=0.0), random.Random(1), 10_000.0, 10_000.0
    late: list[float] = []
    while now < begin + hours * 3600:
        header = int(header_at(now - 3.0))
        is_new = not record.history or header != record.header_epoch_s
        if is_new and record.history:
            late.append(now - 3.0 - header)
        said = replace(poll(PollOutcome.OK_NEW if is_new else PollOutcome.OK_UNCHANGED), header_epoch_s=header)
        now += 0.1
        record = recorded(record, replace(said, at_epoch_s=now))
        now += next_delay_s(SPEC, record, lot, now_epoch_s=now, took_s=0.1)
    return record.polls_total, sum(late) / len(late)


@pytest.mark.parametrize("every_s", [30, 39, 60])
def test_a_producer_slower_than_us_is_asked_when_it_has_something_new(every_s: int) -> None:
    """Fewer questions than one each 20 s, and what is new is here in half of the ten seconds that chance takes."""
    polls, late_s = lived(lambda at: at // every_s * every_s)
    assert polls <= 0.85 * 4 * 3600 / 20
    assert late_s <= 6.0


@pytest.mark.parametrize(
    "header_at",
    [lambda at: at, lambda at: at // 5 * 5, lambda at: at // 20 * 20],
    ids=["now", "often", "as often"],
)
def test_a_producer_as_quick_as_we_is_asked_each_interval(header_at: Callable[[float], float]) -> None:
    """One that stamps each answer must not talk us into asking more and more seldom."""
    assert lived(header_at)[0] >= 0.98 * 4 * 3600 / 20


def test_a_producer_without_a_rhythm_is_asked_each_interval() -> None:
    lot = random.Random(5)
    ready = list(accumulate(lot.choice((23.0, 31.0, 47.0, 90.0, 160.0)) for _ in range(900)))
    assert lived(lambda at: 9_000.0 + ready[bisect_right(ready, at - 9_000.0) - 1])[0] >= 0.98 * 4 * 3600 / 20


@pytest.mark.parametrize(("failures", "seconds"), [(1, 10), (2, 20), (3, 40), (6, 300), (50, 300)])
def test_failures_back_off_exponentially(failures: int, seconds: float) -> None:
    least, most = delays(after(*[PollOutcome.TIMEOUT] * failures))
    assert 0.75 * seconds <= least < most <= seconds


def test_who_refuses_us_is_asked_slowly_and_who_is_busy_is_not() -> None:
    """401, 403, 404, 410: a person has to mend that. 408 and 429 are for later."""
    assert delays(after(PollOutcome.HTTP_4XX, status=403))[0] >= 45
    assert delays(after(PollOutcome.HTTP_4XX, status=429))[1] <= 10


def test_retry_after_is_obeyed_up_to_an_hour() -> None:
    assert delays(after(PollOutcome.HTTP_5XX, status=503), retry_after_s=120.0) == (120.0, 120.0)
    assert delays(after(PollOutcome.HTTP_5XX, status=503), retry_after_s=1e9) == (3600.0, 3600.0)


def test_a_refused_schedule_is_not_fetched_every_five_minutes() -> None:
    schedule = FeedSpec(feed_id="g", kind=FeedKind.GTFS, url="http://g.example", interval_s=21_600.0)
    assert delays(after(*[PollOutcome.NOT_THE_FORMAT] * 9), schedule)[0] >= 2700


def test_the_record_counts_every_poll_and_keeps_the_newest() -> None:
    record = after(*[PollOutcome.OK_NEW] * (HISTORY + 5), PollOutcome.TIMEOUT)
    assert (record.polls_total, len(record.history), record.consecutive_failures) == (HISTORY + 6, HISTORY, 1)
    assert dict(record.outcomes) == {"ok_new": HISTORY + 5, "timeout": 1}


def test_a_failure_keeps_what_is_known_of_the_contents() -> None:
    record = recorded(after(PollOutcome.OK_NEW), poll(PollOutcome.HTTP_5XX, 503, 200.0))
    assert (record.last_success_epoch_s, record.failing_since_epoch_s, record.header_epoch_s) == (100.0, 200.0, 90)


def test_a_specification_is_shown_without_the_values_of_its_headers() -> None:
    spec = FeedSpec(feed_id="f", kind=FeedKind.CAP, url="u", interval_s=1, headers=(("X-Key", "literal"),))
    assert "literal" not in repr(shown(spec, "http://f.example?key=***"))

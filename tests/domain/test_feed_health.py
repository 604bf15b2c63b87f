"""assess(): one judgement for riders, operators and metrics."""

from dataclasses import replace
from typing import Any

import pytest

from domain.feed import FeedKind, FeedRecord, FeedSpec, PollOutcome, PollRecord, Problem, ProblemLevel
from domain.feed_health import FeedState, assess

NOW = 1_800_000_000.0


def poll(outcome: PollOutcome, at: float) -> PollRecord:
    return PollRecord(
        at_epoch_s=at,
        outcome=outcome,
        status=200,
        duration_s=0.1,
        wire_bytes=9,
        header_epoch_s=0,
        entities=1,
        problems=0,
    )


def record(kind: FeedKind = FeedKind.TRIP_UPDATES, **changes: object) -> FeedRecord:
    spec = FeedSpec(feed_id="f", kind=kind, url="https://x.example", interval_s=15)
    healthy = FeedRecord(
        spec=spec, started_epoch_s=NOW - 3600, last_attempt_epoch_s=NOW - 5, last_success_epoch_s=NOW - 5,
        last_change_epoch_s=NOW - 5, header_epoch_s=int(NOW - 8), next_attempt_epoch_s=NOW + 10, polls_total=99,
        entities=5, history=(poll(PollOutcome.OK_NEW, NOW - 5),),
    )  # fmt: skip
    return replace(healthy, **changes)  # type: ignore[arg-type]


FAILED: dict[str, Any] = {
    "consecutive_failures": 5,
    "failing_since_epoch_s": NOW - 90,
    "history": (poll(PollOutcome.HTTP_5XX, NOW - 5),),
}


@pytest.mark.parametrize(
    ("what", "found", "state", "usable"),
    [
        ("fresh and good", record(), FeedState.OK, True),
        ("one poll failed", record(consecutive_failures=1, failing_since_epoch_s=NOW - 5, history=FAILED["history"]), FeedState.LATE, True),
        ("five polls failed, data still young", record(**FAILED), FeedState.FAILING, True),
        ("failing, data old", record(**FAILED, header_epoch_s=int(NOW - 900)), FeedState.FAILING, False),
        ("its clock stands still", record(header_epoch_s=int(NOW - 900)), FeedState.STALE, False),
        ("a little old", record(header_epoch_s=int(NOW - 120)), FeedState.LATE, True),
        ("no header time: by the last change", record(header_epoch_s=0), FeedState.OK, True),
        ("its clock is ahead", record(header_epoch_s=int(NOW + 600)), FeedState.DEGRADED, True),
        ("nothing in it", record(entities=0), FeedState.EMPTY, True),
        ("nobody polls it", record(last_attempt_epoch_s=NOW - 600, next_attempt_epoch_s=NOW - 585, header_epoch_s=int(NOW - 600)), FeedState.UNKNOWN, False),
        ("never polled", record(polls_total=0, header_epoch_s=0, last_change_epoch_s=0), FeedState.UNKNOWN, False),
        ("errors in it", record(problems=(Problem(code="x", level=ProblemLevel.ERROR, message="m"),)), FeedState.DEGRADED, True),
        ("quiet warnings are well", record(FeedKind.CAP, entities=0, last_change_epoch_s=NOW - 99_999, header_epoch_s=0), FeedState.OK, True),
        ("a schedule that ends in three days", record(FeedKind.GTFS, valid_until=20270118), FeedState.DEGRADED, True),
        ("a schedule that is over", record(FeedKind.GTFS, valid_until=20270101), FeedState.STALE, True),
    ],
)  # fmt: skip
def test_assess_judges(what: str, found: FeedRecord, state: FeedState, usable: bool) -> None:
    """State, and whether its data may be shown as live."""
    health = assess(found, NOW)
    assert (health.state, health.usable) == (state, usable), (what, health.why)
    assert health.why


def test_age_grows_while_nobody_polls() -> None:
    """A record that stays as it is gets older with the clock, and in the end is not shown as live."""
    found = record()
    assert [assess(found, NOW + later).usable for later in (0, 200, 400)] == [True, True, False]


def rhythm(*polls_of_each: int, every_s: float = 10.0) -> FeedRecord:
    """A feed polled every ten seconds, the last time now, whose headers were found so many times each."""
    total = sum(polls_of_each)
    history: list[PollRecord] = []
    for count in polls_of_each:
        for again in range(count):
            at = NOW - (total - 1 - len(history)) * every_s
            header = int(at) - 2 if not again else history[-1].header_epoch_s
            outcome = PollOutcome.OK_UNCHANGED if again else PollOutcome.OK_NEW
            history.append(replace(poll(outcome, at), header_epoch_s=header))
    found = record(header_epoch_s=history[-1].header_epoch_s, history=tuple(history), last_attempt_epoch_s=NOW)
    return replace(found, spec=replace(found.spec, interval_s=every_s), next_attempt_epoch_s=NOW + every_s)


@pytest.mark.parametrize(
    ("what", "found", "state"),
    [
        ("new with every poll, seen twice", rhythm(*[1] * 20, 2), FeedState.OK),
        ("new with every poll, seen three times", rhythm(*[1] * 20, 3), FeedState.LATE),
        ("one old hiccup excuses nothing", rhythm(*[1] * 9, 8, *[1] * 9, 3), FeedState.LATE),
        ("nor do two in half an hour", rhythm(*[1] * 20, 30, *[1] * 20, 30, *[1] * 5, 3), FeedState.LATE),
        ("but three in a row are a habit", rhythm(*[1] * 6, 5, 4, 6, *[1] * 4, 4), FeedState.OK),
        ("it is often seen twice", rhythm(*[1, 2] * 10, 3), FeedState.OK),
        ("and now four times", rhythm(*[1, 2] * 10, 4), FeedState.LATE),
        ("new every thirty seconds, polled every ten", rhythm(*[3] * 12, 4), FeedState.OK),
        ("the same, and it misses its time", rhythm(*[3] * 12, 5), FeedState.LATE),
        ("too young to have a habit", rhythm(*[1] * 8, 3), FeedState.OK),
        ("it never changes its header", rhythm(5), FeedState.OK),
    ],
)  # fmt: skip
def test_a_clock_that_stands_still_is_seen_by_the_feeds_own_habit(
    what: str, found: FeedRecord, state: FeedState
) -> None:
    """Within two or three polls where every poll used to find a new header, later where headers usually stand longer."""
    health = assess(found, NOW)
    assert (health.state, health.usable) == (state, True), (what, health.why)


def test_a_standing_clock_is_not_seen_in_polls_that_failed_or_found_an_older_dataset() -> None:
    """Neither shows what the producer's clock says; and it is well again with the first new header."""
    found = rhythm(*[1] * 20, 3)
    assert assess(found, NOW).code == "late"
    assert dict(assess(found, NOW).values)["every_s"] == 10.0
    for outcome in (PollOutcome.OLDER_THAN_BEFORE, PollOutcome.HTTP_5XX):
        *before, last = found.history
        blind = replace(found, history=(*before, replace(last, outcome=outcome)))
        assert assess(blind, NOW).state is FeedState.OK
    news = replace(found.history[-1], header_epoch_s=int(NOW) - 1, outcome=PollOutcome.OK_NEW)
    well = replace(found, history=(*found.history, news), header_epoch_s=int(NOW) - 1)
    assert assess(well, NOW).state is FeedState.OK

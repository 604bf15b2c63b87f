"""Trains without a timetable: the list of a run's calls is the agency's newest."""

import numpy as np

from backtest.readers.rapid_transit import withdrawn_calls
from backtest.readers.realtime_rows import Updates

TRIP = ("t1", "20260109")


def _updates(*lists: list[int], trip: str = "t1") -> Updates:
    """A message every six seconds, each listing the sequences of one trip."""
    sequence = np.array([it for listed in lists for it in listed], np.int64)
    n = len(sequence)
    nothing = np.full(n, np.nan)
    return Updates(
        message_s=np.repeat(np.arange(len(lists)) * 6.0, [len(it) for it in lists]),
        source=["feed"] * n,
        trip=[trip] * n,
        day=["20260109"] * n,
        route=["line"] * n,
        sequence=sequence,
        stop=[f"s{it}" for it in sequence],
        arrival_s=nothing,
        departure_s=nothing,
        arrival_delay_s=nothing,
        departure_delay_s=nothing,
        relation=np.zeros(n, np.int64),
    )


def test_a_train_sent_another_way_does_not_call_where_it_was_meant_to() -> None:
    withdrawn = withdrawn_calls(_updates([10, 20, 30, 40], [20, 30, 40], [20, 50, 60]))
    assert withdrawn[TRIP] == {30, 40}


def test_passed_calls_are_not_withdrawn() -> None:
    assert not withdrawn_calls(_updates([10, 20, 30], [20, 30], [30])).get(TRIP)


def test_a_call_that_was_only_missing_once_is_not_withdrawn() -> None:
    assert withdrawn_calls(_updates([10, 20, 30], [10, 30], [10, 20, 30]))[TRIP] == set()


def test_a_run_cut_short_does_not_call_at_its_old_end() -> None:
    """What lies behind the new end is ahead of the first call still listed."""
    assert withdrawn_calls(_updates([10, 20, 30], [10, 20]))[TRIP] == {30}

"""Hours of the day: told apart when there is enough, worth it where there is a rush hour, harmless where there is none."""

import numpy as np
import pytest

from bench.hours import DAY_S, MONDAY, PACE_S, a_day, errors, even, events, learn, rush
from domain import service_day
from predictor.learned.engine import Engine
from predictor.learned.explanation import Hour, explain
from predictor.learned.hours import HOURS, SLOTS, DayType, day_types, hour_slots
from predictor.learned.learned import FORMAT, Learned, State
from predictor.learned.runs import no_fixes
from predictor.learned.settings import Settings
from tests.predictor.learned.town import line

NEVER = Settings(hour_days=float("inf"))
EIGHT = DayType.WEEKDAY * HOURS + 8
ONE = np.zeros(1, np.int64)


def known(state: State) -> Learned:
    """What is in a state."""
    made = Learned(Settings())
    made.restore(state)
    return made


def usual_s(learned: Learned, hour: int | None) -> float:
    """By ratio, of the stop pair known best, two weeks after the first Monday."""
    pair = np.array([int(np.argmax(learned.pairs["n"]))])
    slot = None if hour is None else np.array([hour])
    return float(learned.usual_s(pair, np.array([PACE_S]), ONE, MONDAY + 14 * DAY_S, slot)[0, 0])


@pytest.fixture(scope="module")
def two_weeks() -> State:
    return learn(rush, range(14))


def test_hours_of_a_city_with_a_rush_hour_bring_errors_down(two_weeks: State) -> None:
    """In the third week all buckets are better than without, those far ahead by a fifth and more."""
    without = errors(rush, range(14, 17), two_weeks, NEVER)
    told_apart = errors(rush, range(14, 17), two_weeks)
    assert (told_apart < 0.97 * without).all()
    assert (told_apart[3:] < 0.8 * without[3:]).all()


@pytest.mark.parametrize(("days", "harm"), [(1, 0.015), (14, 0.01)])
def test_hours_of_a_city_without_a_rush_hour_do_no_harm(days: int, harm: float) -> None:
    """Nothing gets worse by more than a hundredth, in the first week one and a half: there is little to tell hours apart by."""
    seen = learn(even, range(days))
    without = errors(even, range(days, days + 7), seen, NEVER)
    told_apart = errors(even, range(days, days + 7), seen)
    assert (told_apart < (1 + harm) * without).all()


def test_hours_are_told_apart_from_the_second_day_on(two_weeks: State) -> None:
    """On the first, forecasts are the same to the bit as those of an engine that never will; then they come nearer day by day."""
    np.testing.assert_array_equal(
        errors(rush, range(1), learn(rush, range(0))), errors(rush, range(1), learn(rush, range(0)), NEVER)
    )
    first, second = learn(rush, range(1)), learn(rush, range(2))
    assert not known(first).tells_hours().any()
    assert usual_s(known(first), EIGHT) == usual_s(known(first), None)
    assert known(second).tells_hours().all()
    assert 1.05 < usual_s(known(second), EIGHT) / usual_s(known(second), None) < 1.2
    assert usual_s(known(two_weeks), EIGHT) > 1.2 * usual_s(known(two_weeks), None)
    assert (errors(rush, range(2, 5), second) < errors(rush, range(2, 5), second, NEVER)).all()


def test_hours_are_learned_on_days_of_service_only() -> None:
    """Two Saturdays a year apart are two days, not a year."""
    learned = Learned(Settings())
    habit = learned.group_slots(np.array([1]))
    for began in (MONDAY, MONDAY, MONDAY + 365 * DAY_S, MONDAY + 365 * DAY_S, MONDAY):
        learned.learn_days(habit, np.array([began]))
    assert learned.groups["days_n"].tolist() == [2.0]


def test_a_monday_without_school_is_outvoted(two_weeks: State) -> None:
    """After one of three Mondays without a rush hour, eight o'clock on weekdays has hardly moved."""
    before, after = known(two_weeks), known(learn(even, range(14, 15), state=two_weeks))
    assert usual_s(after, EIGHT) == pytest.approx(usual_s(before, EIGHT), rel=0.06)


def test_state_is_bounded_however_many_hours_are_seen() -> None:
    """All 72 hours of a stop pair and its all-day sums weigh at most 2 KB; of what was never seen nothing is kept."""
    learned = Learned(Settings())
    habit = learned.group_slots(np.array([1]))[[0, 0]]
    pair = learned.pair_slots(np.array([1, 2]), np.array([2, 3]))
    for slot in range(SLOTS):
        learned.learn_runs(
            pair, np.full(2, 90.0), np.full(2, 80.0), habit, MONDAY, np.array([slot, EIGHT]), np.zeros(2)
        )
    state = learned.state()
    assert len(state.columns["hour.n"]) == SLOTS + 1
    whole = State({
        name: column[np.flatnonzero(column == 0)] if name == "hour.pair" else column[:SLOTS]
        if name.startswith("hour.") else column[:1] if name.startswith("pair.") else column
        for name, column in state.columns.items()
    })  # fmt: skip
    assert len(whole.columns["hour.pair"]) == SLOTS
    assert whole.bytes_per_pair() <= 2_048


def test_state_with_hours_comes_back_to_the_bit(two_weeks: State) -> None:
    again = known(two_weeks).state().columns
    assert set(again) == set(two_weeks.columns)
    for name, column in two_weeks.columns.items():
        np.testing.assert_array_equal(column, again[name])
        assert column.dtype == again[name].dtype


def test_state_of_the_first_format_is_read(two_weeks: State) -> None:
    """It knew no hours: the all-day sums are there, and days are counted from now."""
    old = {
        name: column
        for name, column in two_weeks.columns.items()
        if not name.startswith(("hour.", "format", "group.day"))
    }
    learned = known(State(old))
    assert usual_s(learned, None) == usual_s(known(two_weeks), None)
    assert usual_s(learned, EIGHT) == usual_s(learned, None)
    assert learned.groups["days_n"].tolist() == [0.0]


def test_state_of_a_later_format_is_refused(two_weeks: State) -> None:
    with pytest.raises(ValueError, match=rf"format {FORMAT + 1}; this program reads up to {FORMAT}"):
        known(State({**two_weeks.columns, "format": np.array([FORMAT + 1])}))


def test_hours_fade() -> None:
    """After one half-life an observation counts half."""
    learned = Learned(Settings())
    habit = learned.group_slots(np.array([1]))
    pair = learned.pair_slots(np.array([1]), np.array([2]))
    half_life_s = learned.settings.pair_half_life_s
    learned.learn_runs(pair, np.array([90.0]), np.array([80.0]), habit, MONDAY, np.array([EIGHT]), np.zeros(1))
    n, observed, scheduled = learned.hours.of(pair, np.array([EIGHT]), MONDAY + half_life_s, half_life_s)[:, 0]
    assert (n, observed, scheduled) == pytest.approx((0.5, 45.0, 40.0))
    assert learned.hours.of(pair, np.array([EIGHT + 1]), MONDAY, half_life_s)[0, 0] == 0.0


def test_hours_are_those_of_the_service_day() -> None:
    """Half past midnight after a Friday is the Friday's; on the night that clocks go back, two o'clock comes twice."""
    friday, clocks_back = 20231103, 20231105
    began = [
        service_day.start_epoch_s(service_day.from_yyyymmdd(it), "America/New_York") for it in (friday, clocks_back)
    ]
    runs = line(2)
    runs.service_epoch_s[:], runs.day_type[:] = began, day_types(np.array([friday, clocks_back]))
    assert day_types(np.array([20231104])).tolist() == [DayType.SATURDAY]
    at = np.array([began[0] + 24.5 * 3600, began[1] + 9 * 3600])
    assert hour_slots(runs, np.array([0, 1]), at).tolist() == [0, DayType.SUNDAY * HOURS + 9]
    nine = 1_699_192_800.0  # 2023-11-05 09:00 in New York
    assert hour_slots(runs, np.array([1]), nine).tolist() == [DayType.SUNDAY * HOURS + 9]


def test_an_explanation_names_the_hour(two_weeks: State) -> None:
    """With how many running times it rests on; on the first day there is none."""
    day = a_day(14, rush, 1)
    now = MONDAY + 14 * DAY_S + 8.25 * 3600
    told = []
    for state in (two_weeks, learn(rush, range(0))):
        engine = Engine(state=state)
        plan = engine.prepare(day.runs)
        engine.observe(now, plan, no_fixes(), events(day, now - 3600, now))
        row = 8  # the eight o'clock
        why = explain(engine, now, plan, row, 20)
        assert why is not None
        told.append(why.segments[-1].hour)
    assert told[1] is None
    assert isinstance(told[0], Hour)
    assert (told[0].day, told[0].hour) == ("weekday", 8)
    assert 20 < told[0].n < 60

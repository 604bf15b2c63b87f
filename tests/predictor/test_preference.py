"""Whose time riders are told, by the score alone."""

import numpy as np
import pytest

from domain.score import FIELDS, METHODS, SHAPE, STRATA, Tally
from predictor.names import Names
from predictor.preference import ENOUGH, Preference, tallies_by_name, tallies_by_row
from tests.predictor.streets import Streets

LINE_S = 2


def scored(ours_s: float, agency_s: float, n: int = ENOUGH, stratum: str = "with_agency") -> Tally:
    """A route's tally: *n* predictions with these mean errors at one horizon."""
    tally = np.zeros(SHAPE)
    for method, mean_s in (("ours", ours_s), ("agency", agency_s)):
        cell = tally[STRATA.index(stratum), METHODS.index(method), 2]
        cell[FIELDS.index("n")], cell[FIELDS.index("absolute_s")] = n, n * mean_s
    return tally


@pytest.fixture
def preference(town: Streets) -> Preference:
    return Preference(town.schedule, Names(town.schedule, "streets"))


@pytest.mark.parametrize(
    ("tally", "before", "after"),
    [
        pytest.param(scored(60, 90), set(), {LINE_S}, id="ours is better"),
        pytest.param(scored(60, 61), set(), set(), id="hardly better is not better"),
        pytest.param(scored(61, 60), {LINE_S}, {LINE_S}, id="hardly worse is not worse"),
        pytest.param(scored(90, 60), {LINE_S}, set(), id="theirs is better again"),
        pytest.param(scored(60, 90, ENOUGH - 1), set(), set(), id="too few to tell"),
        pytest.param(scored(60, 90, stratum="without_agency"), set(), set(), id="where the agency says nothing"),
    ],
)
def test_ours_is_told_where_it_is_clearly_better(
    preference: Preference, tally: Tally, before: set[int], after: set[int]
) -> None:
    preference.book.tallies, preference.routes = {LINE_S: tally}, before
    preference.decide()
    assert preference.routes == after


def test_the_days_before_count_as_much(preference: Preference) -> None:
    """Two halves of what is enough are enough."""
    preference.book.tallies = {LINE_S: scored(60, 90, ENOUGH // 2)}
    preference.decide()
    assert preference.routes == set()
    preference.history = {LINE_S: scored(60, 90, ENOUGH // 2)}
    preference.decide()
    assert preference.routes == {LINE_S}


def test_tallies_follow_a_route_to_another_timetable_and_end_with_it(town: Streets) -> None:
    """By its raw id; a route that is no more is left out."""
    tally = scored(60, 90)
    by_name = tallies_by_name(town.schedule, {LINE_S: tally})
    assert list(by_name) == [town.bundle.route_ids[LINE_S]]
    assert list(tallies_by_row(town.schedule, {**by_name, "no more": tally})) == [LINE_S]

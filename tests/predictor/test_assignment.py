"""Everybody's best, nobody twice: against trying everything."""

from hypothesis import given
from hypothesis import strategies as st

from predictor.assignment import assign

ALONE = 3.0
costs = st.integers(0, 40).map(lambda tenths: tenths / 10)
tables = st.lists(st.dictionaries(st.integers(0, 5), costs, max_size=6), max_size=5)


def cheapest(table: list[dict[int, float]], taken: frozenset[int] = frozenset()) -> float:
    """The least total cost, by trying everything."""
    if not table:
        return 0.0
    options = [ALONE + cheapest(table[1:], taken)]
    options += [cost + cheapest(table[1:], taken | {it}) for it, cost in table[0].items() if it not in taken]
    return min(options)


@given(tables)
def test_no_other_assignment_costs_less(table: list[dict[int, float]]) -> None:
    """Of any table, nobody takes what another has, and the total is the least there is."""
    found = assign({who: list(of.items()) for who, of in enumerate(table)}, ALONE)
    assert len(set(found.values())) == len(found)
    total = sum(of[found[who]] if who in found else ALONE for who, of in enumerate(table))
    assert abs(total - cheapest(table)) < 1e-9


def test_a_chain_moves_up_for_a_newcomer() -> None:
    """The newcomer fits only what the first has; the first goes to its second choice."""
    found = assign({1: [(10, 0.2), (11, 0.5)], 2: [(10, 0.1)]}, ALONE)
    assert found == {1: 11, 2: 10}


def test_what_costs_more_than_nothing_is_not_taken() -> None:
    """Nobody is forced into a bad fit."""
    assert assign({1: [(10, 3.5)], 2: []}, ALONE) == {}

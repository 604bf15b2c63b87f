"""Which event an update or a cancel belongs to that names none."""

from dataclasses import replace

import pytest

from domain.alert import AlertMessage, AlertState, Area
from tests.predictor.feed_over_time import T0, A, Feed, message, north, on


def test_update_and_cancel_that_name_nothing() -> None:
    """The same sender, event and ground: one event, not a second warning; anything less is not enough for an end."""
    feed = Feed()
    feed.lists(A)
    feed.lists(A, message("U", 600, "Update"), at_s=660)
    assert feed.story() == [(1, "in_force", "A says"), (2, "in_force", "U says")]
    feed.lists(A, north(message("N", 700, "Cancel")), message("M", 700, "Cancel", infos=()), at_s=720)
    feed.lists(A, message("S", 700, "Cancel", sender="other@example.org"), at_s=730)
    assert len(feed.story()) == 2
    feed.lists(message("C", 800, "Cancel"), at_s=860)
    assert feed.story()[2:] == [(3, "cancelled", "C says")]


def named(one: AlertMessage, *names: str) -> AlertMessage:
    """The same for ground that is only named."""
    return on(one, tuple(Area(description=name, approximate=True) for name in names))


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(named(A, "District A"), ("District B",), id="another name"),
        pytest.param(named(A, "District A"), ("District A", "District B"), id="a name more"),
        pytest.param(named(A, ""), ("",), id="no name"),
        pytest.param(A, ("Box",), id="drawn before, now only named"),
    ],
)
def test_a_name_alone_speaks_only_of_ground_of_that_very_name(
    before: AlertMessage, after: tuple[str, ...], kind: str
) -> None:
    """Nothing is drawn that could show that it is the same."""
    feed = Feed()
    feed.lists(before)
    feed.lists(before, named(message("X", 600, kind), *after), at_s=660)
    assert feed.known[feed.told[0].alert_id].state is AlertState.IN_FORCE
    assert feed.known[feed.told[0].alert_id].infos == before.infos


def test_nobody_speaks_of_everywhere_without_a_word_on_what_is_meant() -> None:
    nowhere = on(A, (Area(description="", everywhere=True),))
    feed = Feed()
    feed.lists(nowhere)
    feed.lists(nowhere, on(message("C", 600, "Cancel"), nowhere.infos[0].areas), at_s=660)
    assert feed.only().state is AlertState.IN_FORCE


def test_a_cancel_that_names_nothing_ends_what_is_named_alike() -> None:
    feed = Feed()
    feed.lists(named(A, "District A"))
    feed.lists(named(A, "District A"), named(message("C", 600, "Cancel"), "DISTRICT A"), at_s=660)
    assert feed.only().state is AlertState.CANCELLED


def during(one: AlertMessage, *hours: tuple[int, int]) -> AlertMessage:
    """The same with a block for each time, in hours from onset to end after the first message."""
    blocks = [
        replace(block, onset_epoch_s=T0 + start * 3600, expires_epoch_s=T0 + end * 3600)
        for block in one.infos
        for start, end in hours
    ]
    return replace(one, infos=tuple(blocks))


TODAY, TOMORROW = (0, 6), (24, 30)


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([TODAY], [TOMORROW], id="tomorrow's"),
        pytest.param([TOMORROW], [TODAY], id="today's"),
        pytest.param([TODAY], [(6, 12)], id="what follows"),
        pytest.param([TODAY, TOMORROW], [TOMORROW], id="one of two"),
    ],
)
def test_what_names_nothing_speaks_only_of_its_own_time(
    before: list[tuple[int, int]], after: list[tuple[int, int]], kind: str
) -> None:
    """The end of tomorrow's warning leaves today's."""
    feed = Feed()
    feed.lists(during(A, *before))
    feed.lists(during(A, *before), during(message("X", 600, kind), *after), at_s=660)
    assert feed.known[feed.told[0].alert_id].state is AlertState.IN_FORCE
    assert feed.known[feed.told[0].alert_id].infos == during(A, *before).infos


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([TODAY], [(2, 8)], id="overlapping"),
        pytest.param([TODAY, TOMORROW], [(0, 48)], id="all of it"),
        pytest.param([TOMORROW], [(24, 0)], id="from tomorrow on"),
    ],
)
def test_a_cancel_that_names_nothing_ends_what_holds_at_its_time(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    feed = Feed()
    feed.lists(during(A, *before))
    feed.lists(during(A, *before), during(message("C", 600, "Cancel"), *after), at_s=660)
    assert feed.only().state is AlertState.CANCELLED


def test_a_cancel_that_names_nothing_ends_what_has_held_for_days() -> None:
    """Neither names an end; the warning is still listed when it is cancelled."""
    endless = during(A, (0, 0))
    feed = Feed()
    for day in range(4):
        feed.lists(endless, at_s=day * 86_400 + 60)
    feed.lists(endless, during(message("C", 3 * 86_400 + 600, "Cancel"), (73, 0)), at_s=3 * 86_400 + 660)
    assert feed.only().state is AlertState.CANCELLED


@pytest.mark.parametrize(
    ("language", "ends"),
    [pytest.param("en-US", False, id="of another event"), pytest.param("fr", True, id="in French")],
)
def test_a_cancel_that_names_nothing_ends_only_what_it_names_every_event_of(language: str, ends: bool) -> None:
    (block,) = A.infos
    two = replace(A, infos=(block, replace(block, event="Vent", language=language)))
    feed = Feed()
    feed.lists(two)
    feed.lists(two, message("C", 600, "Cancel"), at_s=660)
    assert (feed.only().state is AlertState.CANCELLED) == ends

"""What becomes of an event whose issuer changes a message without giving it a new identity."""

from dataclasses import replace

import pytest

from domain.alert import AlertMessage, AlertState, Severity
from tests.predictor.feed_over_time import A, C, Feed, message, north


def test_a_message_changed_in_place_is_read_again() -> None:
    """Without a new time or name; two servers that hold two states of it are no news every minute."""
    feed = Feed()
    feed.lists(A)
    worse = replace(A, infos=tuple(replace(it, severity=Severity.EXTREME, headline="Worse") for it in A.infos))
    for at_s, listed in ((120, worse), (180, A), (240, worse), (300, A)):
        feed.lists(listed, at_s=at_s)
    assert feed.story() == [(1, "in_force", "A says"), (2, "in_force", "Worse")]
    feed.lists(A, C, at_s=1260)
    assert feed.story()[2:] == [(3, "cancelled", "Worse")]
    feed.lists(replace(worse, infos=tuple(replace(it, headline="Much worse") for it in A.infos)), C, at_s=1320)
    assert len(feed.story()) == 3


def says(one: AlertMessage, headline: str, **changes: object) -> AlertMessage:
    return replace(one, infos=tuple(replace(it, headline=headline, **changes) for it in one.infos))  # type: ignore[arg-type]


RED, YELLOW = says(A, "Red", severity=Severity.EXTREME), says(A, "Yellow", severity=Severity.MINOR)


def test_what_goes_back_in_place_to_something_graver_is_news() -> None:
    feed = Feed()
    for minute, listed in enumerate([RED, YELLOW, YELLOW, *[RED] * 60, YELLOW, RED, YELLOW]):
        feed.lists(listed, at_s=60 * minute)
    assert [headline for _, _, headline in feed.story()] == ["Red", "Yellow", "Red"], "then what is milder is old"
    assert feed.only().infos == RED.infos


@pytest.mark.parametrize(
    "milder",
    [
        pytest.param({"certainty": "Possible"}, id="less certain"),
        pytest.param({"urgency": "Future"}, id="later"),
        pytest.param({"response_types": ("AllClear",)}, id="over"),
    ],
)
def test_what_goes_back_in_place_is_graver_for_other_reasons_too(milder: dict[str, object]) -> None:
    feed = Feed()
    for at_s, listed in ((60, A), (120, says(A, "Less", **milder)), (180, A)):
        feed.lists(listed, at_s=at_s)
    assert [headline for _, _, headline in feed.story()] == ["A says", "Less", "A says"]


@pytest.mark.parametrize(
    "over",
    [
        pytest.param(replace(A, kind="Cancel"), id="cancel"),
        pytest.param(replace(A, kind="Cancel", infos=()), id="cancel without a block"),
        pytest.param(replace(A, kind="Error", infos=()), id="error"),
        pytest.param(replace(says(A, "Past", response_types=("AllClear",)), kind="Update"), id="update that says over"),
    ],
)
def test_a_warning_that_becomes_its_own_end_in_place_is_over(over: AlertMessage) -> None:
    """And stays so, whatever another server still says; a sibling of the same event is left alone."""
    feed = Feed()
    for at_s, listed in ((60, A), (120, over), (180, A), (240, over)):
        feed.lists(listed, at_s=at_s)
    assert [(revision, state) for revision, state, _ in feed.story()] == [(1, "in_force"), (2, "cancelled")]
    split = Feed()
    east, west = message("E", 600, "Update", A), north(message("W", 600, "Update", A))
    split.lists(A)
    split.lists(east, west, at_s=660)
    split.lists(replace(east, kind="Cancel"), west, at_s=720)
    assert split.only().state is AlertState.IN_FORCE
    assert split.only().infos == west.infos


def test_an_end_that_becomes_a_warning_in_place_warns() -> None:
    """In new words; and once, where another server still has the end."""
    feed = Feed()
    cancel, worse = replace(A, kind="Cancel"), says(A, "Back and worse")
    for minute, listed in enumerate((A, cancel, A, worse, cancel, worse, A, cancel)):
        feed.lists(listed, at_s=60 * minute)
    assert [state for _, state, _ in feed.story()] == ["in_force", "cancelled"] * 2
    assert feed.story()[2][2] == "Back and worse"


def test_two_servers_that_hold_two_states_agree_on_the_graver() -> None:
    """Whichever is read first, and where both are listed at once."""
    for listed in ([[RED], [YELLOW]], [[YELLOW], [RED]], [[RED, YELLOW]], [[YELLOW, RED]]):
        feed = Feed()
        for minute in range(40):
            feed.lists(*listed[minute % len(listed)], at_s=60 * minute)
        assert feed.only().infos == RED.infos
        assert len(feed.story()) <= 3

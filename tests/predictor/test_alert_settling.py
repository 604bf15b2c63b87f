"""When an event is over, what is a revision, and who must hear of it."""

from dataclasses import replace

import pytest

from domain.alert import AlertMessage, AlertState, Area, MessageStatus
from predictor.alert_chains import EMPTY_GRACE_S, GRACE_S, Changes
from predictor.alert_folding import FORGET_AFTER_S
from tests.predictor.feed_over_time import T0, A, C, Feed, message, north


def test_nothing_new_for_a_person_is_no_revision() -> None:
    """Only the identity, the end or a telephone number changed; then the words did."""
    feed = Feed()
    feed.lists(A)
    same = tuple(replace(block, expires_epoch_s=T0 + 30_000, contact="112") for block in A.infos)
    feed.lists(A, message("U", 600, "Update", A, infos=same), at_s=660)
    assert {entry[:2] for entry in feed.story()} == {(1, "in_force")}
    assert feed.only().expires_epoch_s == T0 + 30_000
    minor = (("profile:CAP-CP:0.4:MinorChange", "text"),)
    typo = tuple(replace(block, headline="A sais", parameters=minor) for block in A.infos)
    feed.lists(message("V", 700, "Update", "U", infos=typo), at_s=760)
    assert {entry[:2] for entry in feed.story()} == {(1, "in_force")}
    assert feed.only().infos[0].headline == "A sais"
    feed.lists(message("W", 800, "Update", "V"), at_s=860)
    assert feed.story()[-1] == (2, "in_force", "W says")


def test_a_minor_change_that_reaches_others_is_news() -> None:
    """Its issuer calls it minor; whoever it reaches now was never warned."""
    feed = Feed()
    feed.lists(A)
    minor = tuple(replace(block, parameters=(("layer:SOREM:1.0:MinorChange", "text"),)) for block in A.infos)
    wider = (Area(description="Box", polygons=(((10, 50), (12, 50), (12, 51), (10, 51), (10, 50)),)),)
    larger = tuple(replace(block, areas=wider) for block in minor)
    feed.lists(A, message("U", 600, "Update", A, infos=larger), at_s=660)
    assert [entry[:2] for entry in feed.story()] == [(1, "in_force"), (2, "in_force")]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": MessageStatus.EXERCISE}, "status is Exercise, not Actual"),
        ({"status": MessageStatus.UNKNOWN}, "status is Unknown, not Actual"),
        ({"scope": "Restricted"}, "scope is Restricted, not Public"),
        ({"scope": ""}, "scope is not said, not Public"),
        ({"looks_like_test": "event code SAME RMT"}, "it is a test: event code SAME RMT"),
    ],
)
def test_what_must_not_be_pushed_is_known_but_told_to_nobody(changes: dict[str, object], why: str) -> None:
    feed = Feed()
    feed.lists(replace(A, **changes))  # type: ignore[arg-type]
    feed.lists(at_s=100_000)
    assert feed.told == []
    assert (feed.only().pushable, feed.only().why_not_pushable) == (False, why)


def test_expiry_is_told_once_and_a_longer_life_revives() -> None:
    feed = Feed()
    feed.lists(A)
    feed.lists(A, at_s=21_599)
    feed.lists(A, at_s=21_600)
    feed.lists(A, at_s=21_700)
    assert feed.story() == [(1, "in_force", "A says"), (2, "expired", "A says")]
    longer = message("U", 21_800, "Update", A)
    longer = replace(longer, infos=tuple(replace(block, expires_epoch_s=T0 + 40_000) for block in longer.infos))
    feed.lists(longer, at_s=21_860)
    assert feed.story()[2:] == [(3, "in_force", "U says")]


def test_first_seen_after_its_end_is_silent() -> None:
    feed = Feed()
    feed.lists(A, at_s=30_000)
    assert feed.story() == []
    assert feed.only().state is AlertState.EXPIRED


def test_a_silent_issuer_is_believed_while_it_lists_the_warning() -> None:
    """57 of 276 recorded German warnings name no end: they hold while listed and a day longer."""
    feed = Feed()
    endless = replace(A, infos=tuple(replace(block, expires_epoch_s=0) for block in A.infos))
    for day in range(5):
        feed.lists(endless, at_s=day * 86_000)
    assert feed.story() == [(1, "in_force", "A says")]
    feed.lists(endless, at_s=4 * 86_000 + 86_399, seen_s=4 * 86_000)
    assert feed.only().state is AlertState.IN_FORCE
    feed.lists(endless, at_s=4 * 86_000 + 86_401, seen_s=4 * 86_000 - 1)
    assert feed.story()[1:] == [(2, "expired", "A says")]


def test_leaving_the_feed_is_a_withdrawal_after_the_grace_time() -> None:
    """Not at once, not because we cannot see, later if the whole feed is empty; and it may come back."""
    feed = Feed()
    other = north(message("B"))
    feed.lists(A, other)
    for at_s in range(120, 60 + GRACE_S, 60):
        feed.lists(other, at_s=at_s)
    feed.lists(other, at_s=60 + 3 * GRACE_S, seen_s=GRACE_S)
    assert [one.state for one in feed.told] == [AlertState.IN_FORCE] * 2
    feed.lists(other, at_s=60 + GRACE_S)
    assert feed.told[-1].messages == ("A",)
    assert feed.told[-1].state is AlertState.WITHDRAWN
    feed.lists(A, other, at_s=60 + GRACE_S + 10)
    assert (feed.told[-1].state, feed.told[-1].revision) == (AlertState.IN_FORCE, 3)
    empty = Feed()
    empty.lists(A)
    for at_s in range(120, 60 + EMPTY_GRACE_S, 60):
        empty.lists(at_s=at_s)
    assert len(empty.told) == 1
    empty.lists(at_s=60 + EMPTY_GRACE_S)
    assert empty.told[-1].state is AlertState.WITHDRAWN


@pytest.mark.parametrize("others", [[], [north(message("B"))]], ids=["empty", "half empty"])
def test_a_feed_that_comes_back_without_a_warning_gives_no_all_clear_at_once(others: list[AlertMessage]) -> None:
    """An hour and a half of failures, one poll without the warning, then it is there again: nobody hears of it."""
    feed = Feed()
    feed.lists(A, *others)
    feed.lists(A, *others, at_s=5400, seen_s=60)
    feed.lists(*others, at_s=5460)
    feed.lists(*others, at_s=7200, seen_s=5460)
    feed.lists(*others, at_s=7230)
    feed.lists(A, *others, at_s=7290)
    assert {one.state for one in feed.told} == {AlertState.IN_FORCE}
    assert feed.known[feed.told[0].alert_id].absence == 0.0


def test_a_feed_that_is_polled_rarely_still_withdraws() -> None:
    """Polled every six hours: one absence is an accident, and a second; the third says that it is gone."""
    long = tuple(replace(block, expires_epoch_s=T0 + 10 * 86_400) for block in A.infos)
    feed = Feed()
    feed.lists(replace(A, infos=long), north(message("B", infos=long)))
    feed.lists(north(message("B", infos=long)), at_s=21_600)
    feed.lists(north(message("B", infos=long)), at_s=43_200)
    assert {one.state for one in feed.told} == {AlertState.IN_FORCE}
    feed.lists(north(message("B", infos=long)), at_s=64_800)
    assert feed.told[-1].state is AlertState.WITHDRAWN


def test_an_event_that_comes_back_after_it_was_forgotten_is_another() -> None:
    """Phones heard the all-clear at revision 2; a new event that begins at 1 under that id would be kept from them."""
    long = tuple(replace(block, expires_epoch_s=T0 + 10 * 86_400) for block in A.infos)
    first, other = replace(A, infos=long), replace(north(message("B")), infos=north(replace(A, infos=long)).infos)
    feed = Feed()
    feed.lists(first, other)
    for at_s in range(120, 1200, 60):
        feed.lists(other, at_s=at_s)
    assert feed.told[-1].state is AlertState.WITHDRAWN
    feed.lists(other, at_s=1200 + FORGET_AFTER_S)
    assert len(feed.known) == 1
    feed.lists(first, other, at_s=1300 + FORGET_AFTER_S)
    assert (feed.told[-1].state, feed.told[-1].messages) == (AlertState.IN_FORCE, ("A",))
    assert feed.told[-1].alert_id not in {one.alert_id for one in feed.told[:-1]}


def test_a_longer_life_is_put_before_those_who_could_not_be_reached() -> None:
    """Same words, later end: no revision, but work: whose hand-over failed until the first end is tried again."""
    feed = Feed()
    feed.lists(A)
    longer = tuple(replace(block, expires_epoch_s=T0 + 80_000) for block in A.infos)
    changes = feed.lists(A, message("U", 600, "Update", A, infos=longer), at_s=660)
    assert [(one.revision, one.expires_epoch_s) for one in changes.told] == [(1, T0 + 80_000)]
    assert feed.lists(A, message("U", 600, "Update", A, infos=longer), at_s=670) == Changes()


def test_an_event_that_takes_up_another_is_told_even_where_nothing_else_is_new() -> None:
    """Who heard only of the one taken up must be judged anew, also when the update is marked as minor."""
    feed = Feed()
    first, second = message("A"), north(message("B", 10))
    feed.lists(first, second)
    minor = tuple(replace(block, parameters=(("layer:SOREM:1.0:MinorChange", "text"),)) for block in first.infos)
    feed.lists(first, second, message("U", 600, "Update", first, second, infos=minor), at_s=660)
    assert [one.alert_id for one in feed.told[2:]] == [feed.told[0].alert_id]
    assert {one.superseded_by for one in feed.known.values()} == {"", feed.told[0].alert_id}


def test_ended_events_are_forgotten_after_a_day_unless_still_listed() -> None:
    """A warning whose cancel has left the feed must not wake anybody again."""
    feed = Feed()
    feed.lists(A)
    feed.lists(A, C, at_s=1260)
    feed.lists(A, at_s=1260 + FORGET_AFTER_S + 1)
    assert feed.only().state is AlertState.CANCELLED
    feed.lists(north(message("B")), at_s=1260 + FORGET_AFTER_S + 2)
    assert [one.messages for one in feed.known.values()] == [("B",)]

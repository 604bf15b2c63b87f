"""Messages over time become events: what a person is told, once each, whatever the order and the sloppiness."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alert import Alert, AlertMessage, AlertState, Area, MessageStatus, Reference, Severity
from feeds.formats.cap import decode
from predictor.alert_chains import EMPTY_GRACE_S, FORGET_AFTER_S, GRACE_S, Changes, advance
from tests.feeds.formats.cap_messages import alert, info, read

T0 = 1_795_435_200
"""2026-11-23T12:00:00Z, when the first message is sent; it expires six hours later."""

FIRST = read(alert())


def message(
    identifier: str, after_s: int = 0, kind: str = "Alert", *refers_to: AlertMessage | str, **changes: object
) -> AlertMessage:
    """A sound message sent *after_s* seconds after the first; references are exact, or bare identifiers."""
    references = tuple(
        Reference(identifier=one)
        if isinstance(one, str)
        else Reference(identifier=one.identifier, sender=one.sender, sent_epoch_s=one.sent_epoch_s)
        for one in refers_to
    )
    made = replace(
        FIRST,
        identifier=identifier,
        sent_epoch_s=T0 + after_s,
        kind=kind,
        references=references,
        infos=tuple(
            replace(block, headline=f"{identifier} says", effective_epoch_s=T0 + after_s) for block in FIRST.infos
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def north(one: AlertMessage) -> AlertMessage:
    """The same for ground elsewhere."""
    ground = Area(description="North", polygons=(((20, 60), (21, 60), (21, 61), (20, 61), (20, 60)),))
    return replace(one, infos=tuple(replace(block, areas=(ground,)) for block in one.infos))


class Feed:
    """A feed over time, and everything that was told of it."""

    def __init__(self) -> None:
        self.known: dict[str, Alert] = {}
        self.told: list[Alert] = []

    def lists(self, *messages: AlertMessage, at_s: float = 60, seen_s: float | None = None) -> Changes:
        """One step; *at_s* and *seen_s* (the last good poll) count from the first message."""
        changes = advance(
            self.known,
            messages,
            feed_id="civil",
            seen_epoch_s=T0 + (at_s if seen_s is None else seen_s),
            now_epoch_s=T0 + at_s,
        )
        self.known |= {one.alert_id: one for one in (*changes.told, *changes.quiet)}
        for alert_id in changes.forgotten:
            del self.known[alert_id]
        self.told += changes.told
        return changes

    def story(self) -> list[tuple[int, str, str]]:
        """What was told: revision, state, headline."""
        return [(one.revision, one.state.value, one.infos[0].headline if one.infos else "") for one in self.told]

    def only(self) -> Alert:
        (one,) = self.known.values()
        return one


A = message("A")
U = message("U", 600, "Update", A)
C = message("C", 1200, "Cancel", A, U, infos=())


def test_alert_update_cancel_is_one_event() -> None:
    """Three messages, one id, three revisions; the all-clear keeps the ground of what it ends."""
    feed = Feed()
    feed.lists(A, at_s=60)
    feed.lists(A, U, at_s=660)
    feed.lists(A, U, C, at_s=1260)
    assert feed.story() == [(1, "in_force", "A says"), (2, "in_force", "U says"), (3, "cancelled", "U says")]
    assert len({one.alert_id for one in feed.told}) == 1
    last = feed.only()
    assert (last.messages, last.ended_epoch_s, last.pushable) == (("A", "U", "C"), T0 + 1260, True)
    assert last.infos == U.infos
    assert (last.first_seen_epoch_s, last.updated_epoch_s) == (T0 + 60, T0 + 1260)


def test_a_new_alert_says_all_that_is_known() -> None:
    feed = Feed()
    feed.lists(A)
    one = feed.only()
    assert (one.feed_id, one.status, one.pushable, one.why_not_pushable) == ("civil", MessageStatus.ACTUAL, True, "")
    assert (one.expires_epoch_s, one.listed_epoch_s, one.ended_epoch_s) == (T0 + 21_600, T0 + 60, 0)


def test_all_at_once_is_told_as_it_now_stands() -> None:
    """After an outage nobody hears the history; what is over already makes no noise at all."""
    feed = Feed()
    feed.lists(A, U)
    assert feed.story() == [(1, "in_force", "U says")]
    over = Feed()
    over.lists(A, U, C)
    assert over.story() == []
    assert over.only().state is AlertState.CANCELLED


@settings(max_examples=120, deadline=None)
@given(st.permutations([A, U, C]), st.lists(st.integers(0, 2), max_size=6))
def test_any_order_ends_the_same(order: list[AlertMessage], again: list[int]) -> None:
    """Late, doubled and out of order: the event is over in the end, and is never told anew after that."""
    feed = Feed()
    for step, one in enumerate([*order, *(order[number] for number in again)]):
        feed.lists(*order[: step + 1], one, at_s=1300 + step)
    assert [one.state for one in feed.known.values()] == [AlertState.CANCELLED]
    states = [one.state for one in feed.told]
    assert states in (
        [],
        [AlertState.IN_FORCE, AlertState.CANCELLED],
        [AlertState.IN_FORCE] * 2 + [AlertState.CANCELLED],
    )


_MESSAGES = [
    A,
    U,
    C,
    message("B", 30),
    message("V", 700, "Update", "B"),
    message("W", 800, "Update", A, "B"),
    message("D", 1300, "Cancel", "V", infos=()),
    message("A", 900),
    north(message("N", 620, "Update", A)),
    message("E", 1400, "Error", "B", infos=()),
    message("K", 50, "Ack", A),
    message("X", 10, status=MessageStatus.EXERCISE),
    message("Y", 20, "Cancel", "Z", infos=()),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(_MESSAGES), max_size=6), min_size=1, max_size=5))
def test_replaying_the_same_messages_changes_nothing(batches: list[list[AlertMessage]]) -> None:
    """The law of this module: fold everything in again, in any portion, and nothing happens."""
    feed = Feed()
    everything: list[AlertMessage] = []
    for number, batch in enumerate(batches):
        everything += batch
        feed.lists(*everything, at_s=1500 + number)
    for again in (everything, everything[::-1], *([one] for one in everything)):
        changes = feed.lists(*again, at_s=1500 + len(batches))
        assert changes == Changes()
    ids = [one.alert_id for one in feed.told]
    assert all([one.revision for one in feed.told if one.alert_id == name] == sorted({one.revision for one in feed.told if one.alert_id == name}) for name in ids)  # fmt: skip


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(Reference(identifier="A"), id="identifier only"),
        pytest.param(Reference(identifier="A", sender="someone.else", sent_epoch_s=T0), id="another sender"),
        pytest.param(Reference(identifier="A", sender="w@example.org"), id="no sent time"),
        pytest.param(Reference(identifier="A", sender="w@example.org", sent_epoch_s=T0 - 43_200), id="cut to midnight"),
    ],
)
def test_sloppy_references_find_their_event(reference: Reference) -> None:
    """None of 33 recorded German references is exact."""
    feed = Feed()
    feed.lists(A)
    feed.lists(A, message("C", 600, "Cancel", infos=(), references=(reference,)), at_s=660)
    assert feed.story() == [(1, "in_force", "A says"), (2, "cancelled", "A says")]


def test_update_before_its_first_message() -> None:
    """The update opens the event under the id that the first message would have given it; that one comes in silently."""
    late, usual = Feed(), Feed()
    late.lists(U)
    late.lists(U, A, at_s=700)
    usual.lists(A)
    assert late.story() == [(1, "in_force", "U says")]
    assert late.only().alert_id == usual.only().alert_id
    assert late.only().messages == ("A", "U")


def test_cancel_of_the_unknown_is_silent_and_remembered() -> None:
    """The warning that comes after its own cancel is over."""
    feed = Feed()
    feed.lists(message("C", 600, "Cancel", A, infos=()))
    feed.lists(A, at_s=700)
    assert feed.story() == []
    assert feed.only().state is AlertState.CANCELLED
    nothing = Feed()
    nothing.lists(message("C", 600, "Cancel", infos=()))
    assert nothing.known == {}


def test_reissue_of_a_cancelled_event() -> None:
    feed = Feed()
    feed.lists(A, at_s=60)
    feed.lists(C, at_s=1260)
    feed.lists(C, message("R", 2000, "Update", A), at_s=2060)
    assert feed.story() == [(1, "in_force", "A says"), (2, "cancelled", "A says"), (3, "in_force", "R says")]
    assert feed.only().ended_epoch_s == 0


def test_error_ends_what_it_names_and_ack_does_nothing() -> None:
    feed = Feed()
    feed.lists(A)
    feed.lists(A, message("K", 100, "Ack", A), at_s=120)
    assert feed.story() == [(1, "in_force", "A says")]
    feed.lists(A, message("E", 200, "Error", A, infos=()), at_s=260)
    assert feed.story()[1:] == [(2, "cancelled", "A says")]


def test_same_identifier_with_another_sent_is_an_update() -> None:
    """Flood feeds keep one identifier for each state for years; the older of two is never news."""
    feed = Feed()
    feed.lists(message("LHP", 0))
    changed = message("LHP", 600)
    changed = replace(changed, infos=tuple(replace(block, severity=Severity.EXTREME) for block in changed.infos))
    feed.lists(changed, at_s=660)
    feed.lists(changed, message("LHP", 300), at_s=720)
    assert [(one.revision, one.infos[0].severity) for one in feed.told] == [(1, "Severe"), (2, "Extreme")]
    assert feed.only().infos == changed.infos


def test_another_sender_may_use_the_same_identifier() -> None:
    feed = Feed()
    feed.lists(message("1"), replace(message("1"), sender="other@example.org", infos=north(A).infos))
    assert len(feed.told) == 2


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


def test_the_same_words_under_another_identity_are_one_event() -> None:
    """German weather feeds: 52 messages, 44 different."""
    feed = Feed()
    twin = replace(A, identifier="A-again", sent_epoch_s=T0 + 30)
    feed.lists(A, twin, north(message("N")))
    assert len(feed.told) == 2
    feed.lists(A, replace(A, identifier="A-third", sent_epoch_s=T0 + 90), at_s=120)
    assert len(feed.told) == 2


def test_a_cancel_of_one_of_several_ends_that_one() -> None:
    feed = Feed()
    b = north(message("B"))
    feed.lists(A, b)
    feed.lists(A, b, message("C", 600, "Cancel", b, infos=()), at_s=660)
    assert [one.state for one in feed.told] == [AlertState.IN_FORCE, AlertState.IN_FORCE, AlertState.CANCELLED]
    assert feed.told[-1].messages == ("B", "C")
    both = Feed()
    both.lists(A, b)
    both.lists(A, b, message("C", 600, "Cancel", A, b, infos=()), at_s=660)
    assert [one.state for one in both.known.values()] == [AlertState.CANCELLED] * 2


def test_a_warning_split_in_two_keeps_both_parts() -> None:
    """Two updates of one alert for different ground: both hold; the end of one leaves the other."""
    feed = Feed()
    feed.lists(A)
    east, west = message("E", 600, "Update", A), north(message("W", 600, "Update", A))
    feed.lists(east, west, at_s=660)
    assert {block.headline for block in feed.only().infos} == {"E says", "W says"}
    feed.lists(west, message("C", 700, "Cancel", east, infos=()), at_s=760)
    assert [block.headline for block in feed.only().infos] == ["W says"]
    assert feed.only().state is AlertState.IN_FORCE


def test_updates_that_name_only_the_first_message_follow_each_other() -> None:
    """The newer takes the place of the older for the same ground, also when the older comes late."""
    first, second = message("U1", 600, "Update", A), message("U2", 900, "Update", A)
    for order in ((first, second), (second, first)):
        feed = Feed()
        feed.lists(A)
        for number, one in enumerate(order):
            feed.lists(A, *order[: number + 1], one, at_s=1000 + number)
        assert [block.headline for block in feed.only().infos] == ["U2 says"]


def test_an_update_of_several_events_makes_them_one() -> None:
    """The oldest goes on; the other ends without a word, for its people hear of the one that took it up."""
    feed = Feed()
    feed.lists(A)
    feed.lists(A, north(message("B", 30)), at_s=120)
    feed.lists(message("U", 600, "Update", A, "B"), at_s=660)
    assert feed.story()[2:] == [(2, "in_force", "U says")]
    (gone,) = [one for one in feed.known.values() if one.superseded_by]
    assert (gone.state, gone.superseded_by) == (AlertState.CANCELLED, feed.told[-1].alert_id)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"response_types": ("AllClear",)}, id="AllClear"),
        pytest.param({"urgency": "Past", "response_types": ("None",)}, id="past, do nothing"),
        pytest.param({"event": "Tsunami Cancellation"}, id="event says so (PAAQ)"),
        pytest.param({"parameters": (("layer:EC-MSC-SMC:1.0:Alert_Location_Status", "ended"),)}, id="Canada"),
    ],
)
def test_an_update_that_says_over_is_the_end(changes: dict[str, object]) -> None:
    feed = Feed()
    feed.lists(A)
    over = message("U", 600, "Update", A)
    over = replace(over, infos=tuple(replace(block, **changes) for block in over.infos))  # type: ignore[arg-type]
    feed.lists(over, at_s=660)
    assert feed.story() == [(1, "in_force", "A says"), (2, "cancelled", "U says")]


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


def test_an_exercise_never_touches_a_real_event() -> None:
    """Neither its update nor its cancel, though they name it."""
    feed = Feed()
    feed.lists(A)
    drill = MessageStatus.EXERCISE
    feed.lists(A, message("X", 600, "Update", A, status=drill), message("Y", 700, "Cancel", A, status=drill), at_s=760)
    assert feed.story() == [(1, "in_force", "A says")]


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


@pytest.mark.parametrize("sent_after_s", [0, 60], ids=["known to both", "never seen of this sender"])
@pytest.mark.parametrize("kind", ["Cancel", "Error", "Update"])
def test_one_authority_never_ends_the_warning_of_another(kind: str, sent_after_s: int) -> None:
    """Two authorities in one feed count from 1; the cancel of the one leaves the other's warning in force."""
    fire, water = message("1", sender="fire@x"), north(message("1", sender="water@x"))
    named = replace(fire, sent_epoch_s=T0 + sent_after_s)
    feed = Feed()
    feed.lists(*((fire, water) if not sent_after_s else (water,)))
    feed.lists(
        *((fire, water) if not sent_after_s else (water,)),
        message("2", 600, kind, named, sender="fire@x", infos=FIRST.infos if kind == "Update" else ()),
        at_s=660,
    )
    (theirs,) = [one for one in feed.known.values() if water.infos[0] in one.infos]
    assert theirs.state is AlertState.IN_FORCE
    assert theirs.revision == 1
    assert theirs.infos == water.infos


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


def test_other_feeds_are_left_alone() -> None:
    feed = Feed()
    feed.lists(A)
    changes = advance(feed.known, [], feed_id="other", seen_epoch_s=T0 + 1e6, now_epoch_s=T0 + 1e6)
    assert not changes


def test_a_chain_remembers_only_so_many_messages() -> None:
    feed = Feed()
    for number in range(230):
        feed.lists(message("LHP", number * 10), at_s=number * 10 + 5)
    assert len(feed.only().links) == 200
    assert feed.only().revision == 1, "the same words"


def test_alert_survives_being_stored(tmp_path: Path) -> None:
    """The memory is in the Alert alone: a restart in the middle changes nothing."""
    import msgspec

    feed = Feed()
    feed.lists(A, U)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(feed.known), type=dict[str, Alert])
    assert stored == feed.known
    feed.known = stored
    assert feed.lists(A, U, at_s=70) == Changes()
    feed.lists(A, U, C, at_s=1260)
    assert feed.only().state is AlertState.CANCELLED


def recorded(folder: Path, pattern: str) -> list[AlertMessage]:
    found: list[AlertMessage] = []
    for path in sorted(folder.glob(pattern)):
        found += decode(path.read_bytes(), feed_id="civil").items
    return sorted(found, key=lambda one: one.sent_epoch_s)


def replay(messages: Sequence[AlertMessage]) -> list[Alert]:
    """Each message as it is sent, the earlier ones still listed."""
    known: dict[str, Alert] = {}
    told: list[Alert] = []
    for number, one in enumerate(messages):
        now = one.sent_epoch_s + 30
        changes = advance(known, messages[: number + 1], feed_id="civil", seen_epoch_s=now, now_epoch_s=now)
        known |= {each.alert_id: each for each in (*changes.told, *changes.quiet)}
        told += changes.told
    return told


@pytest.mark.recorded
def test_recorded_tsunami_is_one_event(recordings: Path) -> None:
    """Haida Gwaii, 28 October 2012: 13 messages, one event of at most 13 revisions; the last ends it."""
    messages = recorded(recordings / "cap" / "xml_real", "capts__*WEPA41*")
    assert len(messages) == 13
    told = replay(messages)
    assert len({one.alert_id for one in told}) == 1
    assert [one.revision for one in told] == list(range(1, len(told) + 1))
    assert len(told) <= 13
    assert told[-1].state is AlertState.CANCELLED
    assert all(one.pushable for one in told)
    assert max(len(one.infos) for one in told) == 3


@pytest.mark.recorded
def test_recorded_cancels_end_what_they_name(recordings: Path) -> None:
    """German federal feed: every Cancel whose warning was recorded ends it."""
    folder = recordings / "cap" / "bbk_xml_converted"
    messages = [one for one in recorded(folder, "*.xml") if one.sender or one.identifier]
    now = max(one.sent_epoch_s for one in messages) + 60
    changes = advance({}, messages, feed_id="civil", seen_epoch_s=now, now_epoch_s=now)
    alerts = [*changes.told, *changes.quiet]
    there = {one.identifier for one in messages}
    named = {
        reference.identifier
        for one in messages
        if one.kind == "Cancel"
        for reference in one.references
        if reference.identifier in there
    }
    ended = [one for one in alerts if named & set(one.messages)]
    assert ended
    assert json.dumps(sorted({one.state.value for one in ended})) == '["cancelled"]'
    again = advance({one.alert_id: one for one in alerts}, messages, feed_id="civil", seen_epoch_s=now, now_epoch_s=now)
    assert not again


def test_info_helper_makes_what_the_decoder_reads() -> None:
    """Guards the fixture: the blocks compared above come from the real decoder."""
    assert read(alert(info(headline="x"))).infos[0].headline == "x"

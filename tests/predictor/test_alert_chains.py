"""Messages over time become events: what a person is told, once each, whatever the order and the sloppiness."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alert import Alert, AlertMessage, AlertState, MessageStatus
from feeds.formats.cap import decode
from predictor.alert_chains import Changes, advance
from tests.predictor.feed_over_time import T0, A, C, Feed, U, message, north


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


def test_other_feeds_are_left_alone() -> None:
    feed = Feed()
    feed.lists(A)
    changes = advance(feed.known, [], feed_id="other", seen_epoch_s=T0 + 1e6, now_epoch_s=T0 + 1e6)
    assert not changes


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

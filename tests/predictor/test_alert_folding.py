"""Which event a message belongs to, and what it does there, however its issuer refers to the others."""

from dataclasses import replace

import pytest

from domain.alert import AlertMessage, AlertState, Area, MessageStatus, Reference, Severity
from tests.predictor.feed_over_time import FIRST, T0, A, C, Feed, U, message, north, on


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(Reference(identifier="A"), id="identifier only"),
        pytest.param(Reference(identifier="A", sender="someone.else", sent_epoch_s=T0), id="another sender"),
        pytest.param(Reference(identifier="A", sender="w@example.org"), id="no sent time"),
        pytest.param(Reference(identifier="A", sender="W@Example.ORG", sent_epoch_s=T0), id="in capitals"),
        pytest.param(Reference(identifier="A", sender="w@example.org", sent_epoch_s=T0 - 43_200), id="cut to midnight"),
    ],
)
def test_sloppy_references_find_their_event(reference: Reference) -> None:
    """None of 33 recorded German references is exact."""
    feed = Feed()
    feed.lists(A)
    feed.lists(A, message("C", 600, "Cancel", infos=(), references=(reference,)), at_s=660)
    assert feed.story() == [(1, "in_force", "A says"), (2, "cancelled", "A says")]


def test_a_sender_who_writes_itself_in_capitals_ends_its_own() -> None:
    feed = Feed()
    feed.lists(A)
    shouted = replace(message("C", 600, "Cancel", A, infos=()), sender="W@EXAMPLE.ORG")
    reference = replace(shouted.references[0], sender="W@EXAMPLE.ORG")
    feed.lists(A, replace(shouted, references=(reference,)), at_s=660)
    assert feed.story()[1:] == [(2, "cancelled", "A says")]


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


RELAY = "relay@example.org"


@pytest.mark.parametrize("error_first", [False, True])
@pytest.mark.parametrize(
    "named",
    [
        pytest.param((A,), id="exactly"),
        pytest.param(("A",), id="by its identifier alone"),
        pytest.param(("A", message("R", sender=RELAY)), id="beside one of its own"),
    ],
)
def test_an_error_of_somebody_else_is_no_end(named: tuple[AlertMessage | str, ...], error_first: bool) -> None:
    """A relay that could not use a message says nothing about the danger."""
    feed = Feed()
    error = message("E", 200, "Error", *named, infos=(), sender=RELAY)
    feed.lists(error if error_first else A, at_s=260)
    feed.lists(A, error, at_s=320)
    feed.lists(A, error, at_s=380)
    assert feed.story() == [(1, "in_force", "A says")]


def test_an_error_of_a_sender_unknown_ends_nothing_by_a_bare_identifier() -> None:
    """Although it is as blank as the sender of a message that was only named."""
    feed = Feed()
    update = message("U", 600, "Update", "A")
    feed.lists(update)
    feed.lists(update, message("E", 700, "Error", "A", infos=(), sender=""), at_s=760)
    assert feed.story() == [(1, "in_force", "U says")]


@pytest.mark.parametrize("named", [pytest.param("A", id="by its identifier alone"), pytest.param(A, id="exactly")])
@pytest.mark.parametrize("sender", ["w@example.org", "W@Example.ORG"])
def test_an_error_of_its_own_sender_is_the_end(sender: str, named: AlertMessage | str) -> None:
    feed = Feed()
    feed.lists(A)
    feed.lists(A, message("E", 200, "Error", named, infos=(), sender=sender), at_s=260)
    assert feed.story()[1:] == [(2, "cancelled", "A says")]


@pytest.mark.parametrize("sent_epoch_s", [0, T0 - 300])
@pytest.mark.parametrize("cancel_first", [False, True])
def test_cancel_that_names_it_exactly_ends_it_whatever_its_clock_says(sent_epoch_s: int, cancel_first: bool) -> None:
    """A cancel without a usable time, or from a clock that is slow, came after what it names."""
    cancel = message("C", 0, "Cancel", A, infos=(), sent_epoch_s=sent_epoch_s)
    feed = Feed()
    feed.lists(cancel if cancel_first else A)
    feed.lists(A, cancel, at_s=120)
    assert feed.only().state is AlertState.CANCELLED


def test_identifier_used_again_after_a_cancel_that_names_no_time() -> None:
    """The cancel meant the one before it, although nobody here saw that one."""
    feed = Feed()
    feed.lists(message("C", 0, "Cancel", "ALERT-1", infos=()), message("ALERT-1", 600), at_s=660)
    assert feed.story()[-1][1:] == ("in_force", "ALERT-1 says")


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


def ground(*points: tuple[float, float]) -> tuple[Area, ...]:
    return (Area(description="", polygons=((*points, points[0]),)),)


def test_a_warning_split_along_a_slanting_border_keeps_both_parts() -> None:
    """Neighbours whose boxes overlap and who share their border; one that has moved a little is no neighbour."""
    feed = Feed()
    feed.lists(A)
    south_east = on(message("S", 600, "Update", A), ground((10, 50), (11, 50), (11, 51)))
    north_west = on(message("N", 660, "Update", A), ground((10, 50), (11, 51), (10, 51)))
    feed.lists(south_east, at_s=630)
    feed.lists(south_east, north_west, at_s=690)
    assert {block.headline for block in feed.only().infos} == {"S says", "N says"}
    moved = on(message("M", 700, "Update", A), ground((10.2, 50), (11.2, 50), (11.2, 51)))
    feed.lists(south_east, north_west, moved, at_s=730)
    assert {block.headline for block in feed.only().infos} == {"M says", "N says"}


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


def test_an_exercise_never_touches_a_real_event() -> None:
    """Neither its update nor its cancel, though they name it."""
    feed = Feed()
    feed.lists(A)
    drill = MessageStatus.EXERCISE
    feed.lists(A, message("X", 600, "Update", A, status=drill), message("Y", 700, "Cancel", A, status=drill), at_s=760)
    assert feed.story() == [(1, "in_force", "A says")]


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


def test_a_chain_remembers_only_so_many_messages() -> None:
    feed = Feed()
    for number in range(230):
        feed.lists(message("LHP", number * 10), at_s=number * 10 + 5)
    assert len(feed.only().links) == 200
    assert feed.only().revision == 1, "the same words"

"""Pieces that are kept as long as a timetable."""

from api.kept import Kept
from api.references import References
from api.shelves import Budget
from tests.api.town import Town


def piece(text: bytes) -> tuple[bytes, References]:
    references = References()
    references.stops[text] = b'{"id":"s"}'
    return text, references


def test_piece_is_made_once_and_never_changed_by_its_readers() -> None:
    """Notices of the moment go into a copy."""
    pieces, made = Kept(Budget()), []

    def make() -> tuple[bytes, References]:
        made.append(1)
        return piece(b"a")

    first, again = pieces.of("a", make), pieces.of("a", make)
    assert (first is again, len(made)) == (True, 1)
    with_notice = first.encoded_with({b'"n"': b'{"id":"n"}'})
    assert b'"situations":[{"id":"n"}]' in with_notice
    assert first.encoded_with({}) == first.encoded
    assert b'"situations":[]' in first.encoded


def test_pieces_are_forgotten_when_they_grow_too_large() -> None:
    """And made again when asked for."""
    pieces = Kept(Budget(100_000))
    large = b"x" * 50_000
    first = pieces.of(1, lambda: piece(large))
    assert pieces.of(1, lambda: piece(b"")) is first
    pieces.of(2, lambda: piece(large))
    assert pieces.of(1, lambda: piece(b"anew")).body == b"anew"


def test_kept_answers_are_the_same_again(town: Town) -> None:
    """With and without references."""
    for path in (
        "stops-for-agency/1",
        "stop-ids-for-agency/40",
        "schedule-for-route/1_r_10",
        "schedule-for-stop/1_mid",
        "block/1_b1",
    ):
        first, again = town.data(path), town.data(path)
        assert first == again
        assert not any(town.data(path, "key=test&includeReferences=false")["references"].values())
        assert town.data(path) == first

"""What is found, and in which order."""

from hypothesis import given
from hypothesis import strategies as st

from api.search_index import SearchIndex

STOPS = [
    # code, name, weight
    ("1001", "Quảng Trường Đống Đa", 1),
    ("1002", "Central Station", 9),
    ("1003", "Central Park West & W 72 St", 3),
    ("10021", "Grand Central", 5),
    ("22", "5 AV/W 42 ST", 4),
    ("23", "E 42 ST/5 AV", 2),
    ("", "Hauptstraße", 1),
    ("A-7", "中央駅前", 1),
    ("9", "1002 Main Street", 8),
    ("", "", 0),
]
INDEX = SearchIndex([code for code, _, _ in STOPS], [name for _, name, _ in STOPS], [weight for _, _, weight in STOPS])


def found(query: str, limit: int = 20) -> list[str]:
    """Names of what is found, best first."""
    return [STOPS[match.row][1] for match in INDEX.find(query, limit)]


def test_code_comes_first_then_its_beginnings_then_names() -> None:
    """A rider who reads a number off a stop means that stop."""
    assert found("1002") == ["Central Station", "Grand Central", "1002 Main Street"]
    assert found("１００２")[0] == "Central Station"
    assert found("a7") == found("A 7") == ["中央駅前"]


def test_accents_case_and_width_do_not_matter() -> None:
    """đ is d; full-width letters are letters; ß is ss."""
    for query in ("quang truong dong da", "QUẢNG trường", "đống đa", "dong Đ", "ｑｕａｎｇ"):
        assert found(query) == ["Quảng Trường Đống Đa"], query
    assert found("hauptstrasse") == found("HAUPTSTRAẞE") == ["Hauptstraße"]


def test_every_word_is_a_beginning_and_the_names_own_beginning_is_better() -> None:
    """Central Station and Central Park begin with it; Grand Central only has it; among equals the busier is first."""
    assert found("cent") == ["Central Station", "Central Park West & W 72 St", "Grand Central"]
    assert found("cent sta") == ["Central Station"]
    assert found("central nowhere") == []


def test_order_and_fillers_of_street_corners_do_not_matter() -> None:
    """Fifth Avenue at 42nd Street, however it is said; abbreviations are written out on both sides."""
    assert found("5th ave and 42nd st") == ["5 AV/W 42 ST", "E 42 ST/5 AV"]
    assert found("42 street at 5 avenue") == ["5 AV/W 42 ST", "E 42 ST/5 AV"]
    assert found("west 72 street") == ["Central Park West & W 72 St"]


def test_typing_errors_are_forgiven_when_nothing_else_fits() -> None:
    """A letter left out, doubled, wrong, or swapped; but a number is meant as typed."""
    for query in ("cetnral station", "centrl staton", "cemtral", "ccentral", "centarl sta"):
        assert found(query)[0] == "Central Station", query
    assert found("grnd centrla") == ["Grand Central"]
    assert found("truogn dgno") == []  # four letters with two errors are another word
    assert found("43 st") == []


def test_exact_words_hide_what_only_resembles_them() -> None:
    """No guessing where something was found as typed."""
    assert found("main") == ["1002 Main Street"]


def test_unspaced_scripts_are_found_from_any_letter() -> None:
    """Nobody types the first word of a name that has no spaces."""
    assert found("駅") == found("中央") == ["中央駅前"]


def test_nothing_is_found_for_nothing() -> None:
    """Signs and spaces are no query; a timetable without stops has an index too."""
    assert found("") == found(" /-& ") == []
    assert SearchIndex([], [], []).find("central", 5) == []


@given(st.text(max_size=60))
def test_find_takes_any_text(query: str) -> None:
    """It never raises, and never gives more than asked."""
    assert len(INDEX.find(query, 3)) <= 3

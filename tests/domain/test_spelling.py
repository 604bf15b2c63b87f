"""Words as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import spelling


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Quảng Trường ĐỐNG Đa", "quang truong dong da"),
        ("Ｓｔａｔｉｏｎ　１２３", "station 123"),
        ("Straße", "strasse"),
        ("Łódź Øst", "lodz ost"),
        ("٤٢", "42"),
        ("Saint-Étienne", "saint-etienne"),
        ("ﬁ", "fi"),
    ],
)
def test_fold_leaves_what_matters(typed: str, folded: str) -> None:
    """Accents, case, width, the digits of other scripts, and Vietnamese đ do not matter."""
    assert spelling.fold(typed) == folded


def test_tokens_are_words_and_numbers() -> None:
    """Signs part words; ordinals are numbers; apostrophes are nothing."""
    assert spelling.tokens("5th Ave/W 42nd ST & O'Hare_x") == ["5", "ave", "w", "42", "st", "ohare", "x"]
    assert spelling.tokens("") == spelling.tokens(" -/& ") == []


@given(st.text())
def test_fold_is_settled_after_once(text: str) -> None:
    """Folding what is folded changes nothing, and no text is too strange."""
    once = spelling.fold(text)
    assert spelling.fold(once) == once
    assert all(token for token in spelling.tokens(text))


def test_edits_allowed_grow_with_the_word_and_never_change_a_number() -> None:
    """A wrong digit is another street."""
    words = ("oak", "oaks", "central", "centrals", "12345678", "b52bomber")
    assert [spelling.edits_allowed(word) for word in words] == [0, 1, 1, 2, 0, 0]

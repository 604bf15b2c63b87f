"""Keys are the same everywhere and forever."""

from predictor.learned.runs import key_of


def test_key_of_a_name_is_pinned() -> None:
    """What was learned yesterday, by another process, is found again under the same key."""
    assert key_of("kingston", "S1") == 5755743170960100396


def test_key_of_tells_tuples_apart() -> None:
    """Where one name ends and the next begins matters."""
    assert key_of("ab", "c") != key_of("a", "bc")
    assert 0 <= key_of("x") < 2**63

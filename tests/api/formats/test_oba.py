"""What apps can read."""

import pytest

from api.formats import oba


@pytest.mark.parametrize(
    ("mode", "basic"),
    [*((n, n) for n in range(8)), (11, 3), (12, 1), (100, 2), (109, 2), (200, 3), (401, 1), (700, 3), (715, 3), (800, 3),
     (900, 0), (1000, 4), (1200, 4), (1300, 6), (1400, 7), (1501, 3), (1700, 3), (-1, 3)],
)  # fmt: skip
def test_basic_mode_is_one_that_apps_know(mode: int, basic: int) -> None:
    """Extended route types by their hundreds."""
    assert oba.basic_mode(mode) == basic


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://harbour.example/a?b=c%20d#e", "https://harbour.example/a?b=c%20d#e"),
        (" https://harbour.example/my page ", "https://harbour.example/my%20page"),
        ("", "about:blank"),
        ("https://hải.example/", "https://h%E1%BA%A3i.example/"),
    ],
)
def test_address_can_always_be_read(url: str, shown: str) -> None:
    """A blank one would make an app drop the page."""
    assert oba.address(url) == shown


@pytest.mark.parametrize("size", [10, oba.LARGE_BYTES, oba.LARGE_BYTES + 1])
def test_envelope_in_parts_says_the_same_and_shares_what_is_large(size: int) -> None:
    """Many answers with one large list hold it once."""
    data = b'"' + b"x" * (size - 2) + b'"'
    parts = oba.envelope_in_parts(1_800_000_000.5, data)
    assert b"".join(parts) == oba.envelope(1_800_000_000.5, data)
    assert any(part is data for part in parts) == (size >= oba.LARGE_BYTES)

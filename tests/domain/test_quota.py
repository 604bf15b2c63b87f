"""Quotas as operators write them."""

import pytest

from domain.quota import Quota, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20/second", Quota(requests=20, per_s=1)),
        ("600/minute", Quota(requests=600, per_s=60)),
        (" 5 / Min ", Quota(requests=5, per_s=60)),
        ("10/s", Quota(requests=10, per_s=1)),
        ("7/hours", Quota(requests=7, per_s=3600)),
        ("1000000/day", Quota(requests=1_000_000, per_s=86_400)),
    ],
)
def test_quota_as_written(text: str, expected: Quota) -> None:
    """A number and a unit, in full or short."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "20", "0/second", "20/fortnight", "-1/s", "1.5/s", "20 per second", "9999999999/s"]
)
def test_quota_that_is_none(text: str) -> None:
    """What was expected is said, with what was found."""
    with pytest.raises(ValueError, match="expected requests/unit") as raised:
        parse(text)
    assert repr(text) in str(raised.value)


def test_quota_reads_back_what_it_prints() -> None:
    """``wayside keys list`` prints what ``--quota`` takes."""
    assert [str(parse(text)) for text in ("20/second", "3/minute", "9/day")] == ["20/second", "3/minute", "9/day"]

"""A column of times reads as each of its times alone."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.formats.gtfs_times import BAD, BLANK, parse_time, parse_times

PROPER = st.builds("{:02}:{:02}:{:02}".format, st.integers(0, 240), st.integers(0, 61), st.integers(0, 61))
SPOILT = st.builds(
    lambda text, at, mark: text[:at] + mark + text[at + 1 :],
    PROPER,
    st.integers(0, 7),
    st.sampled_from("0123456789:/; aÿ"),
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("08:05:09", 29_109), ("8:05:09", 29_109), ("25:00:00", 90_000), (" 08:05:09 ", 29_109), ("", BLANK),
     ("  ", BLANK), ("08:60:00", BAD), ("08:00:60", BAD), ("99:99:99", BAD), ("0:;:00:00", BAD), ("-1:00:00", BAD),
     ("08-05-09", BAD), ("240:00:00", 864_000), ("240:00:01", BAD)],
)  # fmt: skip
def test_a_time_is_read_alone_and_among_others(text: str, seconds: int) -> None:
    """The quick way through a column and the slow way for one cell agree."""
    assert parse_time(text) == seconds
    assert parse_times(pa.array([text])).tolist() == [seconds]
    assert parse_times(pa.array(["07:00:00", text, "7:00:00"])).tolist() == [25_200, seconds, 25_200]


@given(st.lists(st.one_of(PROPER, SPOILT, st.text(max_size=9)), max_size=20))
def test_any_column_reads_as_its_cells_do(texts: list[str]) -> None:
    """Whatever stands in it."""
    assert parse_times(pa.array(texts, pa.string())).tolist() == [parse_time(text) for text in texts]

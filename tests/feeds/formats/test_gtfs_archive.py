"""Blocks of a file are cut where a line really ends."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.formats.gtfs_archive import BLOCK_BYTES, GtfsArchive, last_line_end


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (b"a,b", 0),
        (b"a,b\nc", 4),
        (b'a,"b\n', 0),
        (b'x\na,"b\nc"\nd,"e\nf', 10),
        (b'a,"say ""hi""\n', 0),
        (b'a,"say ""hi"""\nb', 15),
    ],
)
def test_last_line_end_is_never_inside_quotes(data: bytes, end: int) -> None:
    """The last line break with an even number of quotes before it."""
    assert last_line_end(data) == end


@given(st.lists(st.lists(st.text('ab"\n,', max_size=4), min_size=1, max_size=3), max_size=8), st.data())
def test_cut_anywhere_the_rows_are_the_same(rows: list[list[str]], data: st.DataObject) -> None:
    """What the csv module wrote reads the same before and after the cut as in one piece."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    whole = text.getvalue().encode()
    piece = whole[: data.draw(st.integers(0, len(whole)))]
    end = last_line_end(piece)
    parts = [list(csv.reader(io.StringIO(part.decode(), newline=""))) for part in (whole[:end], whole[end:])]
    assert parts[0] + parts[1] == list(csv.reader(io.StringIO(whole.decode(), newline="")))


def test_a_large_file_comes_in_blocks_of_whole_lines_also_with_quotes_in_it(tmp_path: Path) -> None:
    """A quote does not make the file one piece: memory stays that of a block."""
    rows = b"".join(b'%d,"two\nlines",%s\n' % (number, b"x" * 50) for number in range(900_000))
    with zipfile.ZipFile(tmp_path / "g.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        zipped.writestr("stops.txt", rows)
    blocks = list(GtfsArchive(tmp_path / "g.zip").blocks("stops.txt"))
    assert len(blocks) > 1
    assert max(map(len, blocks)) <= BLOCK_BYTES + 100
    assert all(block.endswith(b"x\n") and block.count(b'"') % 2 == 0 for block in blocks)
    assert b"".join(blocks) == rows

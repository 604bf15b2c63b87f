"""Tables of a GTFS archive as columns of text, and what was wrong while reading them."""

import bisect
import contextlib
import csv
import io
import threading
from collections.abc import Iterator, Sequence
from queue import Empty, Queue
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from domain.errors import ScheduleRefused
from domain.feed import Problem, ProblemLevel
from feeds.formats.gtfs_archive import GtfsArchive

Item = TypeVar("Item")


class Problems:
    """Problems by code: the first place of each kind, and how many there were."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Problem] = {}

    def add(
        self, code: str, where: str, message: str, *, level: ProblemLevel = ProblemLevel.WARNING, count: int = 1
    ) -> None:
        """One more (or *count* more) of that kind; *where* is file and line of the first."""
        key = (code, where.split(":", maxsplit=1)[0])
        known = self._found.get(key)
        total = count + (known.count if known else 0)
        first = known or Problem(code=code, level=level, message=message, where=where)
        self._found[key] = Problem(code=code, level=first.level, message=first.message, where=first.where, count=total)

    def all(self) -> list[Problem]:
        return list(self._found.values())


class Block:
    """Some rows of a table, every wanted column as text (blank where the file lacks it)."""

    def __init__(
        self, name: str, table: pa.Table, first_line: int, body: bytes, left_out: list[tuple[int, str]]
    ) -> None:
        """*left_out* are rows of a wrong width: how many good rows come before each, and what was wrong."""
        self.name = name
        self.table = table
        self.first_line = first_line
        self.rows: int = table.num_rows
        self.bytes = len(body)
        self.left_out = left_out
        self._body = body
        self._lines: npt.NDArray[np.int64] | None = None

    def column(self, name: str) -> pa.Array:
        """The column as one array of strings, never null."""
        chunked = self.table.column(name)
        array = chunked.combine_chunks() if chunked.num_chunks != 1 else chunked.chunk(0)
        return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array

    def texts(self, name: str) -> list[str]:
        """The column as trimmed Python texts, for small tables."""
        return [text.strip() for text in self.column(name).to_pylist()]

    def encoded(self, name: str) -> tuple[npt.NDArray[np.int32], list[str]]:
        """The column as rows of a list of its distinct texts, which are trimmed (so two of them may be the same)."""
        array = pc.dictionary_encode(self.column(name))
        codes: npt.NDArray[np.int32] = array.indices.to_numpy(zero_copy_only=False)
        return codes, [text.strip() for text in array.dictionary.to_pylist()]

    def line(self, row: int) -> int:
        """The line of the file on which a row begins."""
        if self._lines is None:
            self._lines = self._find_lines()
        return self.first_line + int(self._lines[row + bisect.bisect_right(self.left_out, row, key=lambda it: it[0])])

    def where(self, row: int) -> str:
        return f"{self.name}:{self.line(row)}"

    def _find_lines(self) -> npt.NDArray[np.int64]:
        """Lines after the first, of every row and every one left out."""
        count = self.rows + len(self.left_out)
        if count == _line_ends(self._body) + (not self._body.endswith(b"\n")):
            return np.arange(count)
        # Blank lines, or line breaks within quotes: the slow reader knows where each row begins.
        begins, before = [], 0
        reader = csv.reader(io.StringIO(self._body.decode("utf-8", "replace"), newline=""))
        for cells in reader:
            if cells:
                begins.append(before)
            before = reader.line_num
        return np.array(begins) if len(begins) == count else np.arange(count)


def read_blocks(archive: GtfsArchive, name: str, wanted: Sequence[str], problems: Problems) -> Iterator[Block]:
    """The table in blocks; unpacking and parsing run ahead, a thread each. Rows of a wrong width become Problems.

    Raises ScheduleRefused when the file has no header row or the archive is damaged.
    """
    for block in _ahead(_parsed(archive, name, wanted)):
        if block.left_out:
            before, what = block.left_out[0]
            line = block.line(before - 1) + 1 if before else block.first_line
            problems.add("row_width", f"{name}:{line}", f"{what}; row left out", count=len(block.left_out))
        yield block


def _parsed(archive: GtfsArchive, name: str, wanted: Sequence[str]) -> Iterator[Block]:
    header: list[str] = []
    line = 1
    for data in _ahead(archive.blocks(name)):
        body = data
        if not header:
            head, _, body = data.partition(b"\n")
            header = [cell.strip().strip('"').strip().lower() for cell in head.decode().rstrip("\r").split(",")]
            if not any(header):
                raise ScheduleRefused(f"{name}: expected a header row, found {head[:60]!r}")
            header += _surplus(header, body)
            line = 2
        if body and not body.isspace():
            yield _parse(name, body, header, wanted, line)
        line += _line_ends(body)
    if not header:
        raise ScheduleRefused(f"{name}: the file is empty, expected a header row")


def _line_ends(body: bytes) -> int:
    # Twice as quick as bytes.count, and other threads go on meanwhile.
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == ord("\n")))


def _surplus(header: list[str], body: bytes) -> list[str]:
    """Nameless columns at the end: some producers close every row, but not the header, with commas."""
    row = body.lstrip().partition(b"\n")[0].rstrip(b"\r")
    cells = row.split(b",")
    spare = cells[len(header) :]
    return [""] * len(spare) if b'"' not in row and not any(cell.strip() for cell in spare) else []


def read_table(
    archive: GtfsArchive, name: str, wanted: Sequence[str], problems: Problems
) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, row) for every row of a small table; nothing when the file is not there."""
    if name not in archive or not archive.size(name):
        return
    for block in read_blocks(archive, name, wanted, problems):
        columns = [block.texts(column) for column in wanted]
        for row, values in enumerate(zip(*columns, strict=True)):
            yield block.where(row), dict(zip(wanted, values, strict=True))


def _parse(name: str, body: bytes, header: list[str], wanted: Sequence[str], line: int) -> Block:
    names = [column if header.index(column) == at else f"{column}#{at}" for at, column in enumerate(header)]
    left_out: list[tuple[int, str]] = []

    def on_bad_row(row: pyarrow.csv.InvalidRow) -> str:
        what = f"expected {row.expected_columns} columns, found {row.actual_columns}" if not left_out else ""
        left_out.append((row.number - 1 - len(left_out), what))
        return "skip"

    present = [column for column in wanted if column in names]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            # One thread: the blocks before and after keep the other cores busy, and rows are numbered.
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=len(body) + 1, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=b'"' in body, invalid_row_handler=on_bad_row),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=present,
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise ScheduleRefused(f"{name}: cannot be read as a table: {error}") from error
    for column in wanted:
        if column not in present:
            table = table.append_column(column, pa.repeat(pa.scalar("", pa.string()), table.num_rows))
    return Block(name, table, line, body, left_out)


def _ahead(blocks: Iterator[Item]) -> Iterator[Item]:
    """*blocks*, made in a thread of their own, two ahead at most."""
    queue: Queue[Item | BaseException | None] = Queue(maxsize=1)
    gone = threading.Event()

    def pump() -> None:
        try:
            for block in blocks:
                if gone.is_set():
                    return
                queue.put(block)
            queue.put(None)
        except BaseException as error:
            queue.put(error)

    threading.Thread(target=pump, name="ahead", daemon=True).start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        gone.set()
        with contextlib.suppress(Empty):
            queue.get_nowait()  # lets a pump that waits for room see that nobody listens any more

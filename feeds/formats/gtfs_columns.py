"""Tables of a GTFS archive as columns of text, and what was wrong while reading them."""

import threading
from collections.abc import Iterator, Sequence
from queue import Queue

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from domain.errors import ScheduleRefused
from domain.feed import Problem, ProblemLevel
from feeds.formats.gtfs_archive import GtfsArchive


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

    def __init__(self, name: str, table: pa.Table, first_line: int) -> None:
        self.name = name
        self.table = table
        self.first_line = first_line
        self.rows: int = table.num_rows

    def column(self, name: str) -> pa.Array:
        """The column as one array of strings, never null."""
        chunked = self.table.column(name)
        array = chunked.combine_chunks() if chunked.num_chunks != 1 else chunked.chunk(0)
        return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array

    def texts(self, name: str) -> list[str]:
        """The column as trimmed Python texts, for small tables."""
        return [text.strip() for text in self.column(name).to_pylist()]

    def line(self, row: int) -> int:
        """The file's line of a row (exact unless a quoted text spans lines)."""
        return self.first_line + row

    def where(self, row: int) -> str:
        return f"{self.name}:{self.line(row)}"


def read_blocks(archive: GtfsArchive, name: str, wanted: Sequence[str], problems: Problems) -> Iterator[Block]:
    """The table in blocks; unpacking runs ahead in a thread. Rows of a wrong width become Problems.

    Raises ScheduleRefused when the file has no header row or the archive is damaged.
    """
    header: list[str] = []
    line = 1
    for data in _ahead(archive.blocks(name)):
        body = data
        if not header:
            head, _, body = data.partition(b"\n")
            header = [cell.strip().strip('"').strip().lower() for cell in head.decode().rstrip("\r").split(",")]
            if not any(header):
                raise ScheduleRefused(f"{name}: expected a header row, found {head[:60]!r}")
            line = 2
        if body.strip():
            yield Block(name, _parse(name, body, header, wanted, problems, line), line)
        line += body.count(b"\n")
    if not header:
        raise ScheduleRefused(f"{name}: the file is empty, expected a header row")


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


def _parse(name: str, body: bytes, header: list[str], wanted: Sequence[str], problems: Problems, line: int) -> pa.Table:
    names = [column if header.index(column) == at else f"{column}#{at}" for at, column in enumerate(header)]
    quoted = b'"' in body

    def on_bad_row(row: pyarrow.csv.InvalidRow) -> str:
        at = body.find(row.text.encode()[:200])
        lines_before = body.count(b"\n", 0, max(at, 0))
        where = f"{name}:{line + lines_before}"
        problems.add(
            "row_width", where, f"expected {row.expected_columns} columns, found {row.actual_columns}; row left out"
        )
        return "skip"

    present = [column for column in wanted if column in names]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=8 << 20),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=quoted, invalid_row_handler=on_bad_row),
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
    return table


def _ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    queue: Queue[bytes | BaseException | None] = Queue(maxsize=1)
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

    thread = threading.Thread(target=pump, name="unpack", daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        gone.set()


def trimmed(array: pa.Array) -> pa.Array:
    """The texts without spaces around them."""
    return pc.utf8_trim_whitespace(array)

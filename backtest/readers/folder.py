"""What a folder holds: tables (CSV, gzipped CSV, Parquet) known by their columns, archives, GTFS-realtime messages."""

import csv
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from backtest.recording import Floats, SetUnreadable

TABLES = (".csv", ".csv.gz", ".txt.gz", ".parquet")
SHOWN = 12
"""So many files are named in an error message."""
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
SPEAKS = {"vehicles": "vehicleposition", "trip_updates": "tripupdate"}
"""Parts of a message, and what names that are told apart call each."""
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError)
"""What reading a file raises that was cut short or damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table in the folder, not read yet."""

    path: Path
    columns: frozenset[str]

    def has(self, *names: tuple[str, ...]) -> bool:
        """Does it have a column by one of the spellings of each of *names*?"""
        return all(not self.columns.isdisjoint(spellings) for spellings in names)

    def read(self, **wanted: tuple[str, ...]) -> pa.Table:
        """Its columns by our names, given the spellings of each; a column it lacks is left out."""
        chosen = {}
        for name, spellings in wanted.items():
            found = next((it for it in spellings if it in self.columns), None)
            if found is not None:
                chosen[name] = found
        try:
            if self.path.suffix == ".parquet":
                table = pq.read_table(self.path, columns=sorted(set(chosen.values())))
            else:
                table = pacsv.read_csv(
                    self.path,
                    convert_options=pacsv.ConvertOptions(
                        include_columns=sorted(set(chosen.values())),
                        column_types={column: pa.string() for column in chosen.values()},
                        strings_can_be_null=True,
                    ),
                )
        except (pa.ArrowException, OSError) as error:
            raise SetUnreadable(
                f"{self.path}: expected a table with {', '.join(sorted(chosen.values()))}: {error}"
            ) from error
        return pa.table({name: table[column] for name, column in chosen.items()})


class Folder:
    """The files of one or more folders that belong together."""

    def __init__(self, *paths: Path) -> None:
        for path in paths:
            if not path.is_dir():
                raise SetUnreadable(f"{path}: expected a folder with a recording")
            inner = sorted(it.name for it in path.iterdir() if it.is_dir() and not it.name.startswith("."))
            own = [it for it in path.iterdir() if it.is_file() and it.suffix not in {".md", ".txt"}]
            if len(inner) > 1 and not own and not {"archive", "timetables"} <= set(inner):
                raise SetUnreadable(
                    f"{path}: expected one recording, found a folder of folders: {', '.join(inner[:12])}"
                )
        self.paths = paths

    @property
    def name(self) -> str:
        """The last folder's name."""
        return self.paths[-1].resolve().name

    @cached_property
    def files(self) -> list[Path]:
        """All files, also of folders within, by name."""
        return sorted(
            (
                file
                for path in self.paths
                for file in path.rglob("*")
                if file.is_file() and not file.name.startswith(".")
            ),
            key=lambda file: (file.name, str(file)),
        )

    @cached_property
    def tables(self) -> list[Table]:
        """All tables whose columns can be read."""
        return [
            Table(path=file, columns=frozenset(columns))
            for file in self.files
            if file.name.endswith(TABLES) and (columns := _columns(file))
        ]

    @cached_property
    def schedules(self) -> list[Path]:
        """The GTFS archives: any zip with stop_times.txt and trips.txt."""
        found = []
        for file in self.files:
            if file.suffix == ".zip":
                try:
                    with zipfile.ZipFile(file) as archive:
                        names = {Path(name).name for name in archive.namelist()}
                except (zipfile.BadZipFile, OSError) as error:
                    raise SetUnreadable(f"{file}: expected a whole zip archive: {error}") from error
                if {"stop_times.txt", "trips.txt"} <= names:
                    found.append(file)
        return found

    def messages(self, part: str) -> Iterator[tuple[str, bytes]]:
        """(name, bytes) of the GTFS-realtime messages; those left out whose name says that they hold another part only."""
        for file in self.files:
            if file.suffix == ".pb" and _may_hold(file.name, part):
                yield str(file), file.read_bytes()
            elif file.name.endswith(".pb.gz") and _may_hold(file.name, part):
                try:
                    yield str(file), gzip.decompress(file.read_bytes())
                except BROKEN as error:
                    raise SetUnreadable(f"{file}: expected a whole gzip file: {error}") from error
            elif file.name.endswith(ARCHIVES):
                for name, body in _members(file):
                    if name.endswith(".pb") and _may_hold(Path(name).name, part):
                        yield f"{file}:{name}", body

    def has_messages(self, part: str) -> bool:
        """Is there at least one?"""
        return next(self.messages(part), None) is not None

    def described(self) -> str:
        """What is there, for an error message."""
        lines = []
        for file in self.files[:SHOWN]:
            table = next((it for it in self.tables if it.path == file), None)
            within = ", ".join([*sorted(table.columns)[:12], "…"][: len(table.columns)]) if table else ""
            if file.name.endswith(ARCHIVES):
                members = [name for name, _ in _members(file)]
                within = ", ".join(members[:3]) + (f" and {len(members) - 3} more" if len(members) > 3 else "")
            lines.append(f"  {file.name}" + (f" ({within})" if within else ""))
        if len(self.files) > SHOWN:
            lines.append(f"  and {len(self.files) - SHOWN} more")
        return "\n".join(lines) or "  nothing"


def _may_hold(name: str, part: str) -> bool:
    """Whether a message of that name may hold the part: its name says so, or says nothing of what it holds."""
    plain = name.lower().replace("_", "").replace("-", "")
    return SPEAKS[part] in plain or not any(word in plain for word in (*SPEAKS.values(), "alert"))


def _members(file: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the files in an archive."""
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                body = archive.extractfile(member) if member.isfile() else None
                if body is not None:
                    yield member.name, body.read()
    except BROKEN as error:
        raise SetUnreadable(f"{file}: expected a whole tar archive: {error}") from error


def _columns(file: Path) -> list[str]:
    """A table's columns. One that cannot be read is not passed over in silence: what it holds would be missed."""
    try:
        if file.suffix == ".parquet":
            return list(pq.read_schema(file).names)
        whole = gzip.open if file.suffix == ".gz" else open
        with whole(file, "rt", encoding="utf-8-sig", errors="replace") as text:
            return next(csv.reader(io.StringIO(text.readline())), [])
    except (*BROKEN, pa.ArrowException) as error:
        raise SetUnreadable(f"{file}: expected a table that can be read: {error}") from error


def places_of(tables: Iterable[Table]) -> dict[str, tuple[float, float]]:
    """stop_id to degrees (lat, lon), of tables of stops."""
    places: dict[str, tuple[float, float]] = {}
    for table in tables:
        rows = table.read(stop=("stop_id",), lat=("stop_lat",), lon=("stop_lon",))
        points = zip(numbers(rows, "lat").tolist(), numbers(rows, "lon").tolist(), strict=True)
        places.update(zip(texts(rows, "stop"), points, strict=True))
    return places


def texts(table: pa.Table, name: str) -> list[str]:
    """A column as text, empty where null or absent."""
    if name not in table.column_names:
        return [""] * table.num_rows
    column = table[name]
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        if pa.types.is_floating(column.type):
            column = pc.cast(column, pa.int64(), safe=False)
        column = pc.cast(column, pa.string())
    return [it or "" for it in column.to_pylist()]


def numbers(table: pa.Table, name: str) -> Floats:
    """A column as numbers, nan where null, absent or no number."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[name]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            column = pc.cast(column, pa.float64())
        except pa.ArrowInvalid:
            return np.asarray([_number(it) for it in column.to_pylist()], np.float64)
    values: Floats = pc.cast(column, pa.float64()).combine_chunks().to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")

"""A GTFS zip, opened: which files it holds, and their bytes in blocks that end at a line.

Tolerates a top folder, other upper and lower case, a byte order mark, old Mac line ends, and Windows code pages.
"""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from isal import isal_zlib

from domain.errors import ScheduleRefused

BLOCK_BYTES = 32 * 1024 * 1024
"""Decompressed at a time: large enough that the parser's start-up does not count, small enough for any machine."""
MAX_FILE_BYTES = 8 * 1024**3
"""A file that unpacks to more than this is not a schedule: ten times the largest known."""
MAX_RATIO, RATIO_FROM_BYTES = 200, 64 * 1024**2
"""A large file that unpacks to more than so many times its packed size is a bomb; schedules reach about twenty."""
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, RuntimeError,
)  # fmt: skip
"""What reading a damaged, encrypted or unheard-of zip may raise."""
BOM = b"\xef\xbb\xbf"


class GtfsArchive:
    """The files of one GTFS zip."""

    def __init__(self, path: Path) -> None:
        """Open *path*; raises ScheduleRefused when it is no zip or holds no text file of GTFS."""
        try:
            self._zip = zipfile.ZipFile(path)
        except UNREADABLE as error:
            raise ScheduleRefused(f"{path.name}: expected a zip archive of GTFS text files: {error}") from error
        self._path = path
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in sorted(self._zip.infolist(), key=lambda info: info.filename.count("/"), reverse=True):
            name = info.filename.rsplit("/", 1)[-1].lower()
            if name.endswith(".txt") and "__macosx" not in info.filename.lower():
                self._members[name] = info
        if not self._members:
            raise ScheduleRefused(f"{path.name}: a zip archive, but without any .txt file of GTFS in it")

    def close(self) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Unpacked bytes of the file, 0 when it is not there."""
        return self._members[name].file_size if name in self._members else 0

    def read(self, name: str) -> bytes:
        """The whole file (for small ones), as UTF-8 without byte order mark."""
        return b"".join(self.blocks(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """The file as UTF-8 in blocks of whole lines, without byte order mark; the first begins with the header.

        A line break inside quotes is no end of a line: blocks are cut where the quotes before are even in number.
        Raises ScheduleRefused when it cannot be unpacked.
        """
        info = self._members[name]
        if info.file_size > MAX_FILE_BYTES:
            raise ScheduleRefused(f"{name}: unpacks to {info.file_size} bytes, more than {MAX_FILE_BYTES}")
        rest, first = b"", True
        for piece in self._inflate(info):
            data = rest + piece if rest else piece
            if first:
                data = data.removeprefix(BOM)
                first = False
            if b"\r" in data and b"\n" not in data:
                data = data.replace(b"\r", b"\n")
            end = last_line_end(data)
            if end:
                yield to_utf8(data[:end])
            rest = data[end:]
        if rest:
            yield to_utf8(rest)

    def _inflate(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        total, most = 0, min(MAX_FILE_BYTES, max(RATIO_FROM_BYTES, MAX_RATIO * info.compress_size))
        try:
            if info.compress_type == zipfile.ZIP_DEFLATED and not info.flag_bits & 1:
                pieces = self._inflate_fast(info)
            else:
                pieces = self._inflate_any(info)
            for piece in pieces:
                total += len(piece)
                if total > most:
                    raise ScheduleRefused(f"{info.filename}: unpacks to more than {most} bytes")
                yield piece
        except (isal_zlib.error, *UNREADABLE) as error:  # type: ignore[misc]  # isal is untyped
            raise ScheduleRefused(f"{info.filename}: cannot be unpacked: {error}") from error

    def _inflate_any(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._zip.open(info) as file:
            while piece := file.read(BLOCK_BYTES):
                yield piece

    def _inflate_fast(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(info.header_offset + 26)
            lengths = file.read(4)
            file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), io.SEEK_CUR)
            engine = isal_zlib.decompressobj(-15)
            left = info.compress_size
            pending = b""
            while not engine.eof:
                if not pending:
                    pending = file.read(min(left, 1 << 20))
                    left -= len(pending)
                    if not pending:
                        raise ScheduleRefused(f"{info.filename}: the archive is cut short")
                piece = engine.decompress(pending, BLOCK_BYTES)
                pending = engine.unconsumed_tail
                if piece:
                    yield piece


def last_line_end(data: bytes) -> int:
    """Just after the last line break that is not inside quotes; 0 when there is none."""
    end = data.rfind(b"\n")
    quotes = data.count(b'"', 0, end + 1)
    while end >= 0 and quotes % 2:
        before = data.rfind(b"\n", 0, end)
        quotes -= data.count(b'"', before + 1, end)
        end = before
    return end + 1


def to_utf8(data: bytes) -> bytes:
    """The text as UTF-8; what is not UTF-8 is read as Windows-1250 or 1252, whichever looks more like words."""
    if data.isascii():
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(guess_code_page(data), "replace").encode("utf-8")
    return data


def guess_code_page(data: bytes) -> str:
    """Windows-1250 (Central Europe) or 1252 (Western), by letters that only one of them would have."""
    central = sum(
        data.count(bytes([code]))
        for code in (0x8A, 0x8D, 0x8E, 0x9A, 0x9D, 0x9E, 0xE8, 0xEC, 0xF8, 0xF9, 0xB9, 0xBF, 0xB3, 0xE6)
    )
    western = sum(data.count(bytes([code])) for code in (0xE0, 0xE2, 0xEA, 0xEE, 0xF1, 0xF5, 0xE3, 0xFB, 0xE7, 0xEF))
    return "windows-1250" if central > western else "windows-1252"

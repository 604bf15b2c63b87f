"""Bytes in Redis: columnar blobs (numbers as arrays, zstd level 1) and MessagePack values.

A blob is ``b"WAY" + version byte + zstd(head length u32 + MessagePack head + column bytes)``. The head names each
column with its type and length; columns start at multiples of 8, so readers take views without copying. Whole numbers named
``departure…`` are written as what they differ from the column ``arrival…``: mostly nothing, which costs a quarter to
compress and to send.
"""

import dataclasses
import struct
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from domain.errors import BlobUnusable

MAGIC = b"WAY"
VERSION = 2
READABLE = (1, 2)
"""Layout 1 had no differences."""
MAX_BLOB_BYTES = 512 * 1024 * 1024
"""A decompressed blob larger than this is refused: 100 times the largest city measured."""

Column = npt.NDArray[Any]
T = TypeVar("T")


class _Head(msgspec.Struct):
    columns: list[tuple[str, str, int]]
    rest: msgspec.Raw
    differences: list[str] = []
    """Columns to which their :func:`_counterpart` is to be added."""


def _counterpart(name: str) -> str:
    return name.replace("departure", "arrival", 1)


def pack(value: object) -> bytes:
    """A frozen dataclass of numpy arrays (one-dimensional) and MessagePack-able fields, as one blob."""
    return MAGIC + bytes([VERSION]) + zstandard.ZstdCompressor(level=1).compress(pack_body(value))


def pack_body(value: object) -> bytes:
    """What :func:`pack` compresses; for those who compress many together."""
    names = [field.name for field in dataclasses.fields(value)]  # type: ignore[arg-type]  # any dataclass instance
    items = {name: getattr(value, name) for name in names}
    return _flat(
        {name: item for name, item in items.items() if isinstance(item, np.ndarray)},
        {name: item for name, item in items.items() if not isinstance(item, np.ndarray)},
    )


def _flat(arrays: Mapping[str, Column], rest: Mapping[str, object]) -> bytes:
    columns: list[tuple[str, str, int]] = []
    pieces: list[bytes | memoryview] = []
    differences = [name for name in arrays if _differs_little(arrays, name)]
    for name, item in arrays.items():
        column = item - arrays[_counterpart(name)] if name in differences else item
        data = np.ascontiguousarray(column).data.cast("B") if column.size else b""
        columns.append((name, item.dtype.str, len(data)))
        pieces += [data, bytes(-len(data) % 8)]
    head = msgspec.msgpack.encode(_Head(columns, msgspec.Raw(msgspec.msgpack.encode(rest)), differences))
    return b"".join([struct.pack("<I", len(head)), head, bytes(-(len(head) + 4) % 8), *pieces])


def _differs_little(arrays: Mapping[str, Column], name: str) -> bool:
    other = arrays.get(_counterpart(name)) if name.startswith("departure") else None
    here = arrays[name]
    # Whole numbers overflow the same way there and back.
    return other is not None and here.dtype.kind in "iu" and (here.dtype, here.shape) == (other.dtype, other.shape)


def unpack(blob: bytes, into: type[T]) -> T:
    """The dataclass that :func:`pack` made a blob of; arrays are read-only views.

    Raises BlobUnusable when the blob is cut short, of another layout, or not one of ours.
    """
    if blob[:3] != MAGIC or len(blob) < 5:
        raise BlobUnusable(f"expected a {into.__name__} blob, found {len(blob)} bytes that start {blob[:4]!r}")
    if blob[3] not in READABLE:
        raise BlobUnusable(f"{into.__name__} blob has layout {blob[3]}, this program reads up to {VERSION}")
    try:
        body = zstandard.ZstdDecompressor().decompress(blob[4:], max_output_size=MAX_BLOB_BYTES)
    except zstandard.ZstdError as error:
        raise BlobUnusable(f"{into.__name__} blob cannot be read: {error}") from error
    return unpack_body(body, into)


def unpack_body(body: bytes, into: type[T]) -> T:
    """The dataclass that :func:`pack_body` flattened; raises BlobUnusable."""
    try:
        (head_bytes,) = struct.unpack_from("<I", body)
        head = msgspec.msgpack.decode(body[4 : 4 + head_bytes], type=_Head)
        start = 4 + head_bytes
        return into(**_fields(body, start + -start % 8, head, into))
    except (msgspec.MsgspecError, struct.error, KeyError, ValueError, TypeError) as error:
        raise BlobUnusable(f"{into.__name__} blob cannot be read: {error}") from error


def _fields(body: bytes, start: int, head: _Head, into: type[Any]) -> dict[str, object]:
    rest_types = {
        field.name: field.type
        for field in dataclasses.fields(into)
        if field.name not in {name for name, _, _ in head.columns}
    }
    columns: dict[str, Column] = {}
    for name, dtype, size in head.columns:
        kind = np.dtype(dtype)
        if start + size > len(body):
            raise ValueError(f"column {name} ends beyond the blob")
        column = np.frombuffer(body, kind, size // kind.itemsize, start)
        if name in head.differences:
            column = column + columns[_counterpart(name)]
            column.flags.writeable = False
        columns[name] = column
        start += size + (-size % 8)
    values: dict[str, object] = dict(columns)
    for name, raw in msgspec.msgpack.decode(head.rest, type=dict[str, msgspec.Raw]).items():
        if name in rest_types:
            values[name] = msgspec.msgpack.decode(raw, type=rest_types[name], strict=False)
    return values


def pack_columns(columns: Mapping[str, Column]) -> bytes:
    """Named arrays of any shape as one blob."""
    shapes = {name: column.shape for name, column in columns.items() if column.ndim != 1}
    return MAGIC + bytes([VERSION]) + zstandard.ZstdCompressor(level=1).compress(_flat(columns, {"shapes": shapes}))


def unpack_columns(blob: bytes) -> dict[str, Column]:
    """The arrays that :func:`pack_columns` made a blob of; raises BlobUnusable."""
    found = unpack(blob, _Columns)
    try:
        return {name: column.reshape(found.shapes.get(name, -1)) for name, column in found.columns.items()}
    except ValueError as error:
        raise BlobUnusable(f"columns blob: {error}") from error


@dataclasses.dataclass(frozen=True)
class _Columns:
    shapes: dict[str, tuple[int, ...]]
    columns: dict[str, Column] = dataclasses.field(default_factory=dict)

    def __init__(self, shapes: dict[str, tuple[int, ...]], **columns: Column) -> None:
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(self, "columns", columns)


def encode(value: object) -> bytes:
    """A small value (dataclass, mapping, list) as MessagePack."""
    return msgspec.msgpack.encode(value)


def decode(data: bytes, into: type[T]) -> T:
    """A small value back; raises BlobUnusable when it is not what was expected."""
    try:
        return msgspec.msgpack.decode(data, type=into)
    except msgspec.MsgspecError as error:
        raise BlobUnusable(f"expected {into}, found {data[:40]!r}: {error}") from error

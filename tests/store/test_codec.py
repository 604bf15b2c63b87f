"""Columnar blobs come back as they went in, and anything else is one clear error."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BlobUnusable
from domain.realtime import Floats, Int32s, Int64s
from store.codec import pack, pack_columns, unpack, unpack_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    name: str
    numbers: Int32s
    places: Floats
    texts: list[str]
    extra: dict[int, dict[str, str]] = field(default_factory=dict)


@given(
    name=st.text(),
    numbers=st.lists(st.integers(-(2**31), 2**31 - 1)),
    places=st.lists(st.floats(allow_nan=False)),
    texts=st.lists(st.text()),
)
def test_unpack_returns_what_pack_was_given(
    name: str, numbers: list[int], places: list[float], texts: list[str]
) -> None:
    """Any columns, texts and nested values survive the round trip."""
    value = Sample(
        name=name,
        numbers=np.array(numbers, np.int32),
        places=np.array(places, np.float64),
        texts=texts,
        extra={3: {"a": name}},
    )
    back = unpack(pack(value), Sample)
    assert (back.name, back.texts, back.extra) == (name, texts, {3: {"a": name}})
    assert back.numbers.tolist() == numbers
    assert back.places.tolist() == places


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    arrival_epoch_s: Int64s
    other_s: Int32s
    departure_epoch_s: Int64s
    departure_share: Floats


@given(pairs=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))))
def test_departures_come_back_whatever_the_arrivals_are(pairs: list[tuple[int, int]]) -> None:
    """Departures are written as differences from arrivals; even those that overflow come back, and floats are left alone."""
    arrivals, departures = ([pair[side] for pair in pairs] for side in (0, 1))
    value = Calls(
        arrival_epoch_s=np.array(arrivals, np.int64),
        other_s=np.arange(3, dtype=np.int32),
        departure_epoch_s=np.array(departures, np.int64),
        departure_share=np.array([0.5]),
    )
    back = unpack(pack(value), Calls)
    assert back.arrival_epoch_s.tolist() == arrivals
    assert back.departure_epoch_s.tolist() == departures
    assert back.departure_share.tolist() == [0.5]
    assert not back.departure_epoch_s.flags.writeable


def test_departures_that_equal_arrivals_take_hardly_any_room() -> None:
    """A column of noise takes its room once, not twice."""
    noise = np.random.default_rng(1).integers(0, 2**62, 10_000)
    value = Calls(
        arrival_epoch_s=noise,
        other_s=np.zeros(0, np.int32),
        departure_epoch_s=noise + 1,
        departure_share=np.zeros(0),
    )
    assert len(pack(value)) < 1.3 * noise.nbytes


def test_unpack_reads_the_layout_before() -> None:
    """A blob left in Redis by the version before is read: it has no list of differences."""
    value = Sample(name="x", numbers=np.arange(5, dtype=np.int32), places=np.zeros(3), texts=["a"])
    body = zstandard.ZstdDecompressor().decompress(pack(value)[4:])
    size = int.from_bytes(body[:4], "little")
    columns, rest, _ = msgspec.msgpack.decode(body[4 : 4 + size]).values()
    head = msgspec.msgpack.encode({"columns": columns, "rest": rest})
    old = len(head).to_bytes(4, "little") + head + bytes(-(len(head) + 4) % 8) + body[4 + size + -(size + 4) % 8 :]
    back = unpack(b"WAY\x01" + zstandard.ZstdCompressor().compress(old), Sample)
    assert (back.name, back.numbers.tolist(), back.texts) == ("x", [0, 1, 2, 3, 4], ["a"])


@given(noise=st.binary(max_size=200), cut=st.integers(0, 60))
def test_unpack_raises_only_blob_unusable(noise: bytes, cut: int) -> None:
    """Strange bytes, and a blob cut anywhere, are refused with the one error."""
    whole = pack(Sample(name="x", numbers=np.arange(50, dtype=np.int32), places=np.zeros(3), texts=["a", "b"]))
    for blob in (noise, whole[:4] + noise, whole[: min(cut, len(whole) - 1)]):
        with pytest.raises(BlobUnusable):
            unpack(blob, Sample)


def test_unpack_columns_returns_what_pack_columns_was_given() -> None:
    """Names, types and shapes survive, and no columns are columns too."""
    columns = {
        "pair.n": np.array([1.5, 2.5]),
        "pair.from": np.array([7, 9], np.int64),
        "empty": np.zeros(0),
        "errors": np.arange(24.0).reshape(2, 3, 4),
        "none of many": np.zeros((0, 3, 4)),
    }
    found = unpack_columns(pack_columns(columns))
    assert list(found) == list(columns)
    for name, column in columns.items():
        assert found[name].dtype == column.dtype
        assert found[name].shape == column.shape
        np.testing.assert_array_equal(found[name], column)
    assert unpack_columns(pack_columns({})) == {}
    with pytest.raises(BlobUnusable):
        unpack_columns(pack_columns(columns)[:-3])

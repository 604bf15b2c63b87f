"""Columnar blobs come back as they went in, and anything else is one clear error."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BlobUnusable
from domain.realtime import Floats, Int32s
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

"""Writes a timetable bundle: complete or not at all, and only the newest two are kept."""

import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from domain.feed import Problem
from store.bundle_files import ARRAYS, ID_COLUMNS, LAYOUT, TEXT_COLUMNS, folder_of

KEPT = 2
"""Bundles of a feed that stay on disk: the one in force, and the one before it that others may still read."""


def write_bundle(
    home: Path, feed_id: str, generation: str, *, arrays: Mapping[str, npt.NDArray[Any]],
    texts: Mapping[str, Sequence[str]], translations: Mapping[str, Any], problems: Sequence[Problem],
    meta: Mapping[str, Any],
) -> Path:  # fmt: skip
    """Write everything beside its final place, then rename; the folder. A bundle that is already there stays.

    *arrays* and *texts* have exactly the names of ``store.bundle_files``; raises KeyError for one that is missing.
    """
    final = folder_of(home, feed_id, generation)
    if (final / "meta.json").exists():
        os.utime(final)
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".building-", dir=final.parent))
    try:
        for name, kind in ARRAYS.items():
            _save(folder / f"{name}.npy", np.ascontiguousarray(arrays[name], dtype=kind))
        for name in TEXT_COLUMNS:
            _write_texts(folder, name, texts[name])
        _write(folder / "translations.json", msgspec.json.encode(translations))
        _write(folder / "problems.json", msgspec.json.encode(problems))
        whole = {"layout": LAYOUT, "feed_id": feed_id, "generation": generation, **meta}
        _write(folder / "meta.json", json.dumps(whole, ensure_ascii=False, indent=1).encode())
        folder.chmod(0o755)
        if final.exists():
            shutil.rmtree(final)
        folder.rename(final)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return final


def keep_newest(home: Path, feed_id: str, in_force: str) -> list[str]:
    """Remove bundles of the feed but the one in force and the newest other; the generations removed."""
    parent = folder_of(home, feed_id, in_force).parent
    others = [path for path in parent.iterdir() if path.is_dir() and path.name != in_force and path.name[0] != "."]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in others[KEPT - 1 :]]


def _write_texts(folder: Path, name: str, texts: Sequence[str]) -> None:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ptr = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=ptr[1:])
    _save(folder / f"{name}_ptr.npy", ptr)
    _write(folder / f"{name}.utf8", b"".join(encoded))
    if name in ID_COLUMNS:
        digests = np.array([zlib.crc32(text) for text in encoded], np.uint32)
        order = np.argsort(digests, kind="stable").astype(np.int32)
        _save(folder / f"{name}_hash.npy", digests[order])
        _save(folder / f"{name}_hash_row.npy", order)


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

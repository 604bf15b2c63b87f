"""shapes.txt, and where stops lie along a shape."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feeds.formats.gtfs_archive import GtfsArchive
from feeds.formats.gtfs_columns import Problems, read_blocks

EARTH_M = 6_371_008.8
Floats = npt.NDArray[np.float64]
COLUMNS = ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence", "shape_dist_traveled")


class Shapes:
    """All shapes: shape ``k`` has points ``ptr[k]:ptr[k+1]``; *given* is the feed's own distance, nan where blank."""

    def __init__(self, ids: list[str], ptr: npt.NDArray[np.int64], lat: Floats, lon: Floats, given: Floats) -> None:
        self.ids, self.ptr, self.lat, self.lon, self.given = ids, ptr, lat, lon, given
        step = steps_m(lat, lon)
        step[ptr[1:-1]] = 0.0
        along = np.cumsum(step)
        self.dist_m: Floats = along - np.repeat(along[ptr[:-1]], np.diff(ptr)) if len(ids) else along


def steps_m(lat: Floats, lon: Floats) -> Floats:
    """Metres from each point to the next, entered at the next; the first is 0. Good to 0.01 % for steps of a city."""
    result = np.zeros(lat.size)
    if lat.size > 1:
        north = np.radians(np.diff(lat))
        east = np.radians((np.diff(lon) + 180.0) % 360.0 - 180.0) * np.cos(np.radians((lat[1:] + lat[:-1]) / 2))
        result[1:] = np.hypot(north, east) * EARTH_M
    return result


def _numbers(array: pa.Array) -> Floats:
    try:
        blank = pc.equal(array, "")
        return np.asarray(pc.cast(pc.if_else(blank, None, array), pa.float64()).to_numpy(zero_copy_only=False), float)
    except pa.ArrowInvalid:
        values = []
        for text in array.to_pylist():
            try:
                values.append(float(text))
            except ValueError:
                values.append(np.nan)
        return np.array(values)


def read_shapes(archive: GtfsArchive, problems: Problems) -> Shapes:
    """All shapes with two usable points or more, each by its sequence."""
    index: dict[str, int] = {}
    parts: list[tuple[npt.NDArray[np.int64], Floats, Floats, Floats, Floats]] = []
    if "shapes.txt" in archive and archive.size("shapes.txt"):
        for block in read_blocks(archive, "shapes.txt", COLUMNS, problems):
            encoded = pc.dictionary_encode(block.column("shape_id"))
            names = [text.strip() for text in encoded.dictionary.to_pylist()]
            rows = np.array([index.setdefault(name, len(index)) for name in names], np.int64)
            shape = rows[encoded.indices.to_numpy(zero_copy_only=False)]
            lat, lon, sequence, given = (_numbers(block.column(name)) for name in COLUMNS[1:])
            bad = ~((np.abs(lat) <= 90) & (np.abs(lon) <= 180)) | np.isnan(sequence)
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                problems.add("bad_shape_point", block.where(first), "expected degrees and a sequence number; point left out", count=int(bad.sum()))  # fmt: skip
            parts.append((shape[~bad], lat[~bad], lon[~bad], sequence[~bad], given[~bad]))
    if not parts:
        empty = np.zeros(0)
        return Shapes([], np.zeros(1, np.int64), empty, empty, empty)
    shape, lat, lon, sequence, given = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((sequence, shape))
    shape, lat, lon, given = shape[order], lat[order], lon[order], given[order]
    ptr = np.searchsorted(shape, np.arange(len(index) + 1))
    long_enough = np.diff(ptr) >= 2
    if not long_enough.all():
        problems.add("short_shape", "shapes.txt", "a shape of fewer than two points; left out", count=int((~long_enough).sum()))  # fmt: skip
        keep = np.repeat(long_enough, np.diff(ptr))
        lat, lon, given = lat[keep], lon[keep], given[keep]
        ptr = np.concatenate([[0], np.cumsum(np.diff(ptr)[long_enough])])
    ids = [name for name, good in zip(index, long_enough.tolist(), strict=True) if good]
    return Shapes(ids, ptr.astype(np.int64), lat, lon, given)


def along_shape(
    stop_lat: Floats, stop_lon: Floats, shape_lat: Floats, shape_lon: Floats, dist_m: Floats
) -> npt.NDArray[np.float64]:
    """Metres along the shape of each stop, never decreasing: the assignment of stops to points of the line with the
    smallest sum of squared distances (dynamic programming over segments), so loops and out-and-back lines come right.
    """
    scale = np.cos(np.radians(stop_lat.mean()))
    x, y = np.radians(shape_lon) * scale * EARTH_M, np.radians(shape_lat) * EARTH_M
    px, py = np.radians(stop_lon) * scale * EARTH_M, np.radians(stop_lat) * EARTH_M
    dx, dy = np.diff(x), np.diff(y)
    square = dx * dx + dy * dy
    part = ((px[:, None] - x[:-1]) * dx + (py[:, None] - y[:-1]) * dy) / np.where(square > 0, square, 1.0)
    part = np.clip(part, 0.0, 1.0)
    away = (px[:, None] - x[:-1] - part * dx) ** 2 + (py[:, None] - y[:-1] - part * dy) ** 2
    place = dist_m[:-1] + part * (dist_m[1:] - dist_m[:-1])
    count, segments = away.shape
    nearest: npt.NDArray[np.float64] = place[np.arange(count), away.argmin(axis=1)]
    if (nearest[1:] >= nearest[:-1]).all():
        # Each stop's own nearest point, in order: no assignment is better. (One that is as good, where the line runs
        # back over itself, is left to the search below.)
        as_near = away <= away.min(axis=1, keepdims=True) + 1e-3
        if not (as_near & (np.abs(place - nearest[:, None]) > 1.0)).any():
            return nearest
    best = np.empty((count, segments), np.int32)
    cost = away[0]
    columns = np.arange(segments)
    for row in range(1, count):
        lowest = np.minimum.accumulate(cost)
        first = np.maximum.accumulate(np.where(cost == lowest, columns, 0))
        earlier, before = np.full(segments, np.inf), np.zeros(segments, np.int64)
        earlier[1:], before[1:] = lowest[:-1], first[:-1]
        # On the same segment a stop that lies behind the one before it pays for the way back.
        same = cost + np.maximum(place[row - 1] - place[row], 0.0) ** 2
        best[row] = np.where(same <= earlier, columns, before)
        cost = np.minimum(same, earlier) + away[row]
    result = np.empty(count)
    segment = int(np.argmin(cost))
    for row in range(count - 1, -1, -1):
        result[row] = place[row, segment]
        if row:
            segment = int(best[row, segment])
    return np.maximum.accumulate(result)


def bearing_deg(lat0: float, lon0: float, lat1: float, lon1: float) -> float:
    """From the first point to the second: 0 north, clockwise."""
    east = (lon1 - lon0) * np.cos(np.radians((lat0 + lat1) / 2))
    return float(np.degrees(np.arctan2(east, lat1 - lat0)) % 360)

"""Which lines pass near a place: a grid over the lines of a timetable, for vehicles that say no trip."""

from dataclasses import dataclass, replace

import numpy as np

from domain.realtime import Floats, Int64s
from predictor.calls import ragged
from predictor.lines import METRES_PER_DEGREE, Candidates, Lines, candidates

CELL_M = 250.0
STEP_M = 120.0
"""Points are put along each segment this far apart, so that no cell is jumped over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Segments by the cells that they touch: those of ``cell[i]`` are ``segment[ptr[i]:ptr[i + 1]]``."""

    cell: Int64s
    ptr: Int64s
    segment: Int64s
    line_of_point: Int64s
    scale_x: float
    """Metres of a degree of longitude, for the whole grid."""


def grid_of(lines: Lines) -> Grid:
    """The grid of *lines*."""
    sizes = np.diff(lines.ptr)
    line = np.repeat(np.arange(len(sizes)), sizes)
    scale = METRES_PER_DEGREE * max(float(np.cos(np.radians(np.median(lines.lat)))) if len(line) else 1.0, 0.01)
    starts = np.flatnonzero(line[1:] == line[:-1])
    step = lines.along_m[starts + 1].astype(np.float64) - lines.along_m[starts]
    pieces = np.maximum(np.ceil(step / STEP_M).astype(np.int64), 1) + 1
    segment = np.repeat(starts, pieces)
    share = ragged(np.zeros(len(starts), np.int64), pieces) / np.maximum(np.repeat(pieces, pieces) - 1, 1)
    lat = lines.lat[segment] + share * (lines.lat[segment + 1] - lines.lat[segment])
    lon = lines.lon[segment] + share * (lines.lon[segment + 1] - lines.lon[segment])
    cells = _cells(lat, lon, scale)
    order = np.lexsort((segment, cells))
    cells, segment = cells[order], segment[order]
    kept = np.ones(len(cells), bool)
    kept[1:] = (cells[1:] != cells[:-1]) | (segment[1:] != segment[:-1])
    cells, segment = cells[kept], segment[kept]
    first = np.flatnonzero(np.append(True, cells[1:] != cells[:-1])) if len(cells) else np.zeros(0, np.int64)
    return Grid(
        cell=cells[first],
        ptr=np.append(first, len(cells)).astype(np.int64),
        segment=segment,
        line_of_point=line.astype(np.int64),
        scale_x=scale,
    )


def _cells(lat: Floats, lon: Floats, scale_x: float) -> Int64s:
    rows = np.floor(lat * METRES_PER_DEGREE / CELL_M).astype(np.int64)
    columns = np.floor(lon * scale_x / CELL_M).astype(np.int64)
    cells: Int64s = (rows << 32) + columns
    return cells


def near(grid: Grid, lines: Lines, *, lat: Floats, lon: Floats, within_m: float) -> tuple[Candidates, Int64s]:
    """Places on all lines within *within_m* (at most CELL_M) of each vehicle, and the line of each place."""
    centre = _cells(lat, lon, grid.scale_x)
    around = (centre[:, None] + np.array([(y << 32) + x for y in (-1, 0, 1) for x in (-1, 0, 1)])).ravel()
    vehicle = np.repeat(np.arange(len(lat)), 9)
    at = np.minimum(np.searchsorted(grid.cell, around), max(len(grid.cell) - 1, 0))
    hit = np.flatnonzero(grid.cell[at] == around) if len(grid.cell) else np.zeros(0, np.int64)
    sizes = np.diff(grid.ptr)[at[hit]]
    segment = grid.segment[ragged(grid.ptr[at[hit]], sizes)]
    both = np.sort((np.repeat(vehicle[hit], sizes) << 32) | segment)  # numpy's unique is ten times slower here
    both = both[np.append(True, both[1:] != both[:-1])] if len(both) else both
    vehicle, segment = both >> 32, both & 0xFFFFFFFF
    # Neighbouring segments of one line are one stretch; a gap begins another.
    new = np.ones(len(both), bool)
    new[1:] = (both[1:] != both[:-1] + 1) | (grid.line_of_point[segment[1:]] != grid.line_of_point[segment[:-1]])
    start = np.flatnonzero(new)
    ends = np.append(start[1:], len(both)) - 1
    first, last = segment[start], segment[ends[: len(start)]] + 1
    owner, line = vehicle[start], grid.line_of_point[first]
    found = candidates(lines, first, last, lat=lat[owner], lon=lon[owner], within_m=np.full(len(owner), within_m))
    pair = (owner << 32) | line
    apart = found.of(pair).apart()
    return replace(apart, who=apart.who >> 32), apart.who & 0xFFFFFFFF

"""Places on many lines at once: one vehicle, one stretch of its trip's line, in bulk.

Every vehicle brings a range of segments (its whole line at first, later a window around where it was). Distances are
metres on a plane that touches the Earth at the vehicle: right to a millimetre at the ranges that matter here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from domain.realtime import Bools, Float32s, Floats, Int64s
from predictor.calls import ragged

METRES_PER_DEGREE = 111_194.93
"""Of latitude, on a sphere of 6,371,008.8 m."""
APART_M = 150.0
"""Passes of a line closer to each other than this along it are one place: a vehicle cannot be told between them."""
AT_MOST = 6
"""Candidates kept for each vehicle; the figure of eight needs two, a line that a bus drives four times needs four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Polylines: points ``ptr[i]:ptr[i + 1]``, degrees WGS 84, with metres along each line, never decreasing."""

    ptr: Int64s
    lat: Floats
    lon: Floats
    along_m: Float32s
    key: Floats
    """``line * 1e8 + metres``: bisects metres within a line."""


def lines_of(ptr: Int64s, lat: Floats, lon: Floats, along_m: Float32s) -> Lines:
    """The polylines with their search key."""
    line = np.repeat(np.arange(len(ptr) - 1, dtype=np.float64), np.diff(ptr))
    return Lines(ptr=ptr, lat=lat, lon=lon, along_m=along_m, key=line * 1e8 + along_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Places where vehicles may be, a row each: by vehicle (*who*), the nearest first."""

    who: Int64s
    away_m: Floats
    along_m: Floats
    lat: Floats
    lon: Floats
    bearing_deg: Floats
    """Of the line there; nan where it does not move."""

    def __len__(self) -> int:
        return len(self.who)

    def of(self, rows: Int64s) -> "Candidates":
        """The same, said of *rows*: vehicle ``i`` becomes ``rows[i]``."""
        return replace(self, who=rows[self.who])

    def apart(self) -> "Candidates":
        """By vehicle, nearest first, without those that lie less than APART_M from a nearer one."""
        order = np.lexsort((self.away_m, self.who))
        return self.only(order[_apart(self.who[order], self.along_m[order])])

    @staticmethod
    def joined(parts: "Sequence[Candidates]") -> "Candidates":
        """All of them, by vehicle."""
        if not parts:
            return _none()
        columns = {it.name: np.concatenate([getattr(part, it.name) for part in parts]) for it in fields(Candidates)}
        return Candidates(**columns).only(np.argsort(columns["who"], kind="stable"))

    def only(self, rows: Int64s | Bools) -> "Candidates":
        """The chosen rows."""
        return Candidates(**{it.name: getattr(self, it.name)[rows] for it in fields(Candidates)})


def candidates(lines: Lines, first: Int64s, last: Int64s, *, lat: Floats, lon: Floats, within_m: Floats) -> Candidates:
    """The places on segments ``first:last`` (rows of their starting points) that each vehicle is nearest to.

    Each pass of the line within *within_m* is one place: local minima of the distance, the nearest of those that lie
    less than APART_M from each other along the line.
    """
    some = np.flatnonzero(last > first)
    if not len(some):
        return _none()
    sizes = (last - first)[some]
    segment = ragged(first[some], sizes)
    who = np.repeat(some, sizes)
    scale_x = METRES_PER_DEGREE * np.cos(np.radians(lat))
    x0 = (lines.lon[segment] - lon[who]) * scale_x[who]
    y0 = (lines.lat[segment] - lat[who]) * METRES_PER_DEGREE
    dx = (lines.lon[segment + 1] - lines.lon[segment]) * scale_x[who]
    dy = (lines.lat[segment + 1] - lines.lat[segment]) * METRES_PER_DEGREE
    length2 = dx * dx + dy * dy
    share = np.clip(-(x0 * dx + y0 * dy) / np.maximum(length2, 1e-9), 0.0, 1.0)
    px, py = x0 + share * dx, y0 + share * dy
    away2 = px * px + py * py
    # The distance is least at a foot inside a segment, or at a point that both its segments lead to.
    head = np.zeros(len(who) + 1, bool)
    head[np.cumsum(sizes) - sizes], head[-1] = True, True
    led_to = np.ones(len(who), bool)
    led_to[1:] = share[:-1] == 1.0
    least = ((share > 0.0) & (share < 1.0)) | ((share == 0.0) & (led_to | head[:-1])) | ((share == 1.0) & head[1:])
    lowest = np.flatnonzero(least & (away2 <= (within_m * within_m)[who]))
    from_m = lines.along_m[segment[lowest]].astype(np.float64)
    along = from_m + share[lowest] * (lines.along_m[segment[lowest] + 1] - from_m)
    order = np.lexsort((away2[lowest], who[lowest]))
    kept = order[_apart(who[lowest][order], along[order])]
    hit, owner = lowest[kept], who[lowest[kept]]
    bearing = np.degrees(np.arctan2(dx[hit], dy[hit])) % 360.0
    return Candidates(
        who=owner,
        away_m=np.sqrt(away2[hit]),
        along_m=along[kept],
        lat=lat[owner] + py[hit] / METRES_PER_DEGREE,
        lon=lon[owner] + px[hit] / scale_x[owner],
        bearing_deg=np.where(length2[hit] > 1e-6, bearing, np.nan),
    )


def _none() -> Candidates:
    no = np.zeros(0)
    return Candidates(who=np.zeros(0, np.int64), away_m=no, along_m=no, lat=no, lon=no, bearing_deg=no)


def _apart(who: Int64s, along_m: Floats) -> Int64s:
    """Rows to keep of places sorted by vehicle, nearest first: each at least APART_M from all that are nearer."""
    kept: list[Int64s] = []
    left = np.arange(len(who))
    for _ in range(AT_MOST):
        if not len(left):
            break
        new = np.ones(len(left), bool)
        new[1:] = who[left[1:]] != who[left[:-1]]
        chosen = left[new]
        kept.append(chosen)
        nearest = along_m[chosen][np.cumsum(new) - 1]
        left = left[np.abs(along_m[left] - nearest) >= APART_M]
    rows: Int64s = np.sort(np.concatenate(kept)) if kept else np.zeros(0, np.int64)
    return rows


def windows(lines: Lines, line: Int64s, from_m: Floats, to_m: Floats) -> tuple[Int64s, Int64s]:
    """Segment ranges of each line that cover the metres ``from_m`` to ``to_m`` along it; nan asks for the whole line."""
    first = lines.ptr[line].astype(np.int64)
    end = np.maximum(lines.ptr[line + 1].astype(np.int64) - 1, first)
    offset = line * 1e8
    whole = np.isnan(from_m) | np.isnan(to_m)
    low = np.searchsorted(lines.key, offset + np.where(whole, 0.0, np.maximum(from_m, 0.0)), "right") - 1
    high = np.searchsorted(lines.key, offset + np.where(whole, 0.0, np.maximum(to_m, 0.0)), "left")
    low = np.where(whole, first, np.clip(low, first, np.maximum(end - 1, first)))
    high = np.where(whole, end, np.clip(high, np.minimum(low + 1, end), end))
    return low.astype(np.int64), high.astype(np.int64)

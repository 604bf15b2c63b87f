"""Nearest points on many lines at once: one vehicle, one stretch of its trip's line, in bulk.

Every vehicle brings a range of segments (its whole line at first, later a window around where it was). Distances are
metres on a plane that touches the Earth at the vehicle: right to a millimetre at the ranges that matter here.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Float32s, Floats, Int64s
from predictor.calls import ragged

METRES_PER_DEGREE = 111_194.93
"""Of latitude, on a sphere of 6,371,008.8 m."""


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
class Nearest:
    """One row a vehicle; nan where its range held no segment."""

    away_m: Floats
    along_m: Floats
    lat: Floats
    lon: Floats
    bearing_deg: Floats


def nearest(
    lines: Lines, first: Int64s, last: Int64s, *, lat: Floats, lon: Floats, prior_m: Floats, prior_scale_m: Floats
) -> Nearest:
    """The point of segments ``first:last`` (rows of their starting points) that each vehicle is most likely at.

    Likely is near in space (20 m) and near *prior_m* along the line, in units of *prior_scale_m* and at most five of
    them: that decides between the passes of a loop or an out-and-back, and never outweighs 100 m of ground. A nan
    prior says nothing.
    """
    n = len(first)
    out = {name: np.full(n, np.nan) for name in ("away_m", "along_m", "lat", "lon", "bearing_deg")}
    some = np.flatnonzero(last > first)
    if not len(some):
        return Nearest(**out)
    sizes = (last - first)[some]
    segment = ragged(first[some], sizes)
    who = np.repeat(some, sizes)
    here_lat, here_lon = lat[who], lon[who]
    scale_x = (METRES_PER_DEGREE * np.cos(np.radians(lat)))[who]
    x0 = (lines.lon[segment] - here_lon) * scale_x
    y0 = (lines.lat[segment] - here_lat) * METRES_PER_DEGREE
    dx = (lines.lon[segment + 1] - lines.lon[segment]) * scale_x
    dy = (lines.lat[segment + 1] - lines.lat[segment]) * METRES_PER_DEGREE
    length2 = dx * dx + dy * dy
    share = np.clip(-(x0 * dx + y0 * dy) / np.maximum(length2, 1e-9), 0.0, 1.0)
    px, py = x0 + share * dx, y0 + share * dy
    away2 = px * px + py * py
    from_m = lines.along_m[segment].astype(np.float64)
    along = from_m + share * (lines.along_m[segment + 1] - from_m)
    off = (along - prior_m[who]) / prior_scale_m[who]
    cost = away2 / 400.0 + np.where(np.isnan(off), 0.0, np.minimum(off * off, 25.0))
    heads = np.cumsum(sizes) - sizes
    least = np.minimum.reduceat(cost, heads)
    hit = np.flatnonzero(cost == np.repeat(least, sizes))
    owner, one = np.unique(who[hit], return_index=True)
    hit = hit[one]
    out["away_m"][owner] = np.sqrt(away2[hit])
    out["along_m"][owner] = along[hit]
    out["lat"][owner] = here_lat[hit] + py[hit] / METRES_PER_DEGREE
    out["lon"][owner] = here_lon[hit] + px[hit] / scale_x[hit]
    moving = length2[hit] > 1e-6
    bearing = np.degrees(np.arctan2(dx[hit], dy[hit])) % 360.0
    out["bearing_deg"][owner] = np.where(moving, bearing, np.nan)
    return Nearest(**out)


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

"""Which running trips an Alert's ground touches.

Trips are judged by stop pattern, not one by one: thousands of trips share some hundreds of patterns. Ground that is not
drawn (everywhere, a code, a name) touches places (``domain.concern``) but no trip: it says nothing about one trip rather
than another.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from domain.alert import Area
from domain.geo import Bools, Floats, Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternLine:
    """Where trips of one stop pattern run: degrees WGS 84, metres along the shape.

    The shape's columns are empty where there is none; then trips are taken to run straight from stop to stop.
    """

    stop_lats: Floats
    stop_lons: Floats
    stop_distances_m: npt.NDArray[np.floating]
    shape_lats: Floats
    shape_lons: Floats
    shape_distances_m: npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What of a pattern lies in the ground: calls (by 0-based position), and legs (leg k runs from call k to k + 1)."""

    calls: Bools
    legs: Bools


class Patterns:
    """The lines of all patterns of a timetable, prepared to be asked about ground."""

    def __init__(self, lines: Mapping[int, PatternLine]) -> None:
        self._lines = {pattern: line for pattern, line in lines.items() if len(line.stop_lats) >= 2}
        self._rows = list(self._lines)
        self._whole = np.array([_whole(line) for line in self._lines.values()], dtype=object)
        self._legs: dict[int, npt.NDArray[np.object_]] = {}

    def touched(self, areas: Sequence[Area]) -> dict[int, Touch]:
        """Pattern to what of it lies in any of the areas, for those touched at all."""
        grounds = [ground for area in areas if (ground := Ground(area))]
        found: dict[int, Touch] = {}
        for ground in grounds:
            near = [self._rows[row] for row in np.flatnonzero(ground.crosses_lines(self._whole)).tolist()]
            if not near:
                continue
            lines = [self._lines[pattern] for pattern in near]
            ends = np.cumsum([len(line.stop_lats) for line in lines])
            calls = ground.contains_points(
                np.concatenate([line.stop_lats for line in lines]), np.concatenate([line.stop_lons for line in lines])
            )
            legs = ground.crosses_lines(np.concatenate([self._legs_of(pattern) for pattern in near]))
            for number, (pattern, end) in enumerate(zip(near, ends.tolist(), strict=True)):
                first = end - len(lines[number].stop_lats)
                touch = Touch(calls=calls[first:end], legs=legs[first - number : end - number - 1])
                if pattern in found:
                    touch = Touch(calls=touch.calls | found[pattern].calls, legs=touch.legs | found[pattern].legs)
                found[pattern] = touch
        return {pattern: touch for pattern, touch in found.items() if touch.calls.any() or touch.legs.any()}

    def _legs_of(self, pattern: int) -> npt.NDArray[np.object_]:
        if pattern not in self._legs:
            self._legs[pattern] = _legs(self._lines[pattern])
        return self._legs[pattern]


def _whole(line: PatternLine) -> shapely.MultiLineString:
    """Shape and stops together: a stop beside the shape counts, too."""
    stops = np.column_stack((line.stop_lons, line.stop_lats))
    legs = _legs(line)
    return shapely.MultiLineString([*legs, *(np.repeat(stop[None], 2, axis=0) for stop in stops)])


def _has_shape(line: PatternLine) -> bool:
    along = line.stop_distances_m
    return (
        len(line.shape_lats) >= 2
        and len(along) == len(line.stop_lats)
        and bool(np.isfinite(along).all() and np.isfinite(line.shape_distances_m).all())
        and bool((np.diff(along) >= 0).all() and (np.diff(line.shape_distances_m) >= 0).all())
    )


def _legs(line: PatternLine) -> npt.NDArray[np.object_]:
    """One line from each call to the next, along the shape where there is one. Longitudes run on over the antimeridian."""
    legs = np.empty(len(line.stop_lats) - 1, dtype=object)
    if not _has_shape(line):
        stops = np.column_stack((np.unwrap(line.stop_lons, period=360.0), line.stop_lats))
        for leg in range(len(legs)):
            legs[leg] = shapely.LineString(stops[leg : leg + 2])
        return legs
    along = line.shape_distances_m
    shape_lons = np.unwrap(line.shape_lons, period=360.0)
    lons = np.interp(line.stop_distances_m, along, shape_lons)
    lats = np.interp(line.stop_distances_m, along, line.shape_lats)
    for leg in range(len(legs)):
        start, end = line.stop_distances_m[leg : leg + 2]
        first, last = np.searchsorted(along, start, "right"), np.searchsorted(along, end, "left")
        legs[leg] = shapely.LineString(
            np.column_stack(
                (
                    np.concatenate(([lons[leg]], shape_lons[first:last], [lons[leg + 1]])),
                    np.concatenate(([lats[leg]], line.shape_lats[first:last], [lats[leg + 1]])),
                )
            )
        )
    return legs


def during(touch: Touch, passes_epoch_s: npt.NDArray[np.int64], begin_epoch_s: float, end_epoch_s: float) -> Touch:
    """What is touched while it holds: where a trip that leaves its calls at *passes_epoch_s* is between begin and end."""
    is_begun, is_before_end = passes_epoch_s >= begin_epoch_s, passes_epoch_s <= end_epoch_s
    return Touch(calls=touch.calls & is_begun & is_before_end, legs=touch.legs & is_begun[1:] & is_before_end[:-1])


def remaining(touch: Touch, next_position: int) -> tuple[int, int, tuple[int, ...]] | None:
    """First and last position between which a trip on its way to *next_position* is touched, and the calls inside.

    None when all that is touched lies behind it. The leg it is on counts.
    """
    leg_under_way = max(next_position - 1, 0)
    calls = (touch.calls[next_position:].nonzero()[0] + next_position).tolist()
    legs = (touch.legs[leg_under_way:].nonzero()[0] + leg_under_way).tolist()
    if not calls and not legs:
        return None
    first = min(*calls[:1], *legs[:1], sys.maxsize)
    return first, max(*calls[-1:], *(leg + 1 for leg in legs[-1:]), first), tuple(calls)

"""Which reported positions are believed, and which are news: what a lying receiver or a lying feed may not do.

A position that is refused does not move its vehicle: the last believed one stands, and grows old. A vehicle that keeps
reporting another place, consistently, was wrong before and is believed again.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from domain.realtime import Bools, Floats, Int64s, UInt8s
from predictor.lines import METRES_PER_DEGREE
from predictor.sanity import believable_position
from predictor.schedule import Schedule
from predictor.traces import FORGET_S, Traces

FUTURE_S = 60
"""A report dated further ahead of us, or of its feed's header, has a wrong clock."""
HEADER_AHEAD_S = 120
"""A header that far ahead of our clock is still taken for the better clock."""
JUMP_SLACK_M = 100.0
"""What a standing receiver's position may jump between tall buildings."""
CONVINCED = 3
"""Refused positions in a row that agree with each other: then the vehicle is there."""
LEAPS_FADE = 0.9
"""What is left of a refused jump after each position that is believed."""
CLOCK_BACK_S = 120
LATE_LIE = 0.1
"""What a position counts, as a lie, that is older than one already heard: relays deliver some late; only a clock that jumps does
so again and again."""
"""A report dated so long before an earlier one shows a clock that is wrong; less may be a cache that lags."""
AROUND_M = 20_000.0
"""Garages lie outside the stops' bounding box, but not further than this."""


class Distrust(IntEnum):
    """Why a position is refused; a closed set, for counting."""

    BELIEVED = 0
    NOWHERE = 1
    """No place on Earth, or the 0, 0 of a receiver without a fix."""
    OUTSIDE = 2
    """Further than AROUND_M outside the bounding box of the stops that trips call at."""
    FUTURE = 3
    BACKWARDS = 4
    """Dated before a report that the vehicle made earlier."""
    JUMPED = 5
    """Further from the last position than the vehicle can have driven since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One row a report."""

    why: UInt8s
    """Distrust."""
    news: Bools
    """It says something that its vehicle had not said before; false for a repeat of the same timestamp."""
    lies: Floats
    """It leaps, not for the second time to the same report, or is dated long before what the vehicle said earlier."""


def metres_between(lat: Floats, lon: Floats, other_lat: Floats, other_lon: Floats) -> Floats:
    """Metres as the crow flies, good to a promille over some tens of kilometres; nan where a place is nan."""
    east = (other_lon - lon + 180.0) % 360.0 - 180.0
    metres: Floats = METRES_PER_DEGREE * np.hypot(other_lat - lat, east * np.cos(np.radians((lat + other_lat) / 2)))
    return metres


def inside(schedule: Schedule, lat: Floats, lon: Floats) -> Bools:
    """Is it within AROUND_M of the box around the stops that trips call at? True when there is no such box."""
    south, west, north, east = schedule.bounds
    if not south <= north:
        return np.ones(len(lat), bool)
    up = AROUND_M / METRES_PER_DEGREE
    aside = up / max(np.cos(np.radians(max(abs(south), abs(north)))), 0.05)
    within: Bools = (lat >= south - up) & (lat <= north + up)
    if east - west < 180.0:  # a network on both sides of the antimeridian has no western edge
        within &= (lon >= west - aside) & (lon <= east + aside)
    return within


def judge(
    schedule: Schedule, before: Traces, *, lat: Floats, lon: Floats, said_epoch_s: Int64s, now_epoch_s: Floats,
    top_speed_mps: Floats,
) -> Judged:  # fmt: skip
    """Judge one report of each vehicle against what is remembered of it (*before*; its memory of refusals is updated).

    *now_epoch_s* is ours or the feed header's, whichever is to be believed, a row a report.
    """
    why = np.zeros(len(lat), np.uint8)
    known = before["seen_epoch_s"] > 0
    # A clock that once ran ahead must not silence its vehicle, nor must a replay that was started again.
    known &= (before["seen_epoch_s"] <= now_epoch_s + FUTURE_S) & (now_epoch_s - before["seen_epoch_s"] <= FORGET_S)
    elapsed_s = said_epoch_s - before["seen_epoch_s"]
    with np.errstate(invalid="ignore"):
        moved_m = metres_between(before["lat"], before["lon"], lat, lon)
        jumped = known & (elapsed_s > 0) & (moved_m > top_speed_mps * elapsed_s + JUMP_SLACK_M)
        since_s = said_epoch_s - before["refused_epoch_s"]
        stayed = metres_between(before["refused_lat"], before["refused_lon"], lat, lon)
        agrees = (before["refused"] > 0) & (since_s > 0) & (stayed <= top_speed_mps * since_s + JUMP_SLACK_M)
    repeated = jumped & (before["refused"] > 0) & (since_s == 0)
    count = np.where(agrees | repeated, before["refused"] + (~repeated), 1)
    why[jumped] = Distrust.JUMPED
    why[jumped & (count >= CONVINCED)] = Distrust.BELIEVED
    why[known & (elapsed_s < 0)] = Distrust.BACKWARDS
    why[said_epoch_s > now_epoch_s + FUTURE_S] = Distrust.FUTURE
    why[~inside(schedule, lat, lon)] = Distrust.OUTSIDE
    why[~believable_position(lat, lon)] = Distrust.NOWHERE
    refused = why == Distrust.JUMPED
    before["refused"] = np.where(refused, count, np.where((why == 0) & (elapsed_s > 0), 0, before["refused"]))
    before["refused_epoch_s"] = np.where(refused, said_epoch_s, before["refused_epoch_s"])
    before["refused_lat"] = np.where(refused, lat, before["refused_lat"])
    before["refused_lon"] = np.where(refused, lon, before["refused_lon"])
    news = (why == 0) & ~(known & (elapsed_s == 0))
    leapt = refused & ~repeated
    before["leaps"] = before["leaps"] * np.where(news, LEAPS_FADE, 1.0) + leapt
    late = (why == Distrust.BACKWARDS) & (elapsed_s < -CLOCK_BACK_S)
    lies = np.where(leapt, 1.0, np.where(late, LATE_LIE, 0.0))
    return Judged(why=why, news=news, lies=lies)

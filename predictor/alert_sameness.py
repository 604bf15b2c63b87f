"""When two warnings say the same, and when they speak of different ground."""

import hashlib

from domain.alert import SEVERITY_RANK, Alert, AlertInfo, AlertMessage, Area
from domain.geo import bounds, share_in_common
from domain.standing import ends_epoch_s, starts_epoch_s

BORDER_SHARE = 0.05
"""Neighbours share a border, and outlines are drawn by hand: less in common than this is different ground."""


def is_news(before: Alert, infos: tuple[AlertInfo, ...]) -> bool:
    """Would a person be told something else than before?"""
    return [_told(info) for info in before.infos] != [_told(info) for info in infos]


def _told(info: AlertInfo) -> tuple[object, ...]:
    """What of a block a person is told. Not when the text gets stale, nor who to phone: those change silently."""
    return (
        info.language,
        info.event,
        info.headline,
        info.description,
        info.instruction,
        SEVERITY_RANK[info.severity],
        info.urgency,
        info.certainty,
        info.onset_epoch_s,
        info.response_types,
        tuple(_ground(area) for area in info.areas),
    )


def _ground(area: Area) -> tuple[object, ...]:
    return (area.description, area.polygons, area.circles, area.geocodes, area.approximate, area.everywhere)


def is_same_ground(some: tuple[AlertInfo, ...], others: tuple[AlertInfo, ...]) -> bool:
    """Does the one surely reach exactly whom the other reaches? Names of areas may differ where ground is drawn or coded; where
    neither is, they are all there is. Where there is no name either, nobody knows."""
    here, there = _reach(some), _reach(others)
    return here == there and bool(here) and all(any(said) for said, _, _ in here)


def ground_key(infos: tuple[AlertInfo, ...]) -> int:
    """The same for the same ground."""
    return hash(_reach(infos))


def _reach(infos: tuple[AlertInfo, ...]) -> frozenset[tuple[tuple[object, ...], bool, bool]]:
    """What the areas say of whom they reach, and how well: outlines and codes, else names."""
    found = set()
    for area in (area for info in infos for area in info.areas):
        said: tuple[object, ...] = (area.polygons, area.circles, area.geocodes)
        found.add((said if any(said) else (area.description.casefold(),), area.approximate, area.everywhere))
    return frozenset(found)


def is_answered(said: AlertInfo, sent_epoch_s: int, answer: AlertInfo, answered_epoch_s: int) -> bool:
    """Does a block of a later message speak of what an earlier one said: of the same event, or in another language, and of a
    time when that one holds? The messages were sent at *sent_epoch_s* and *answered_epoch_s*; what names no end and was not
    ended until the later one lasts on from there."""
    if said.event.casefold() != answer.event.casefold() and said.language == answer.language:
        return False
    starts = (starts_epoch_s(said) or sent_epoch_s, starts_epoch_s(answer) or answered_epoch_s)
    return max(starts) < min(ends_epoch_s(said, answered_epoch_s), ends_epoch_s(answer, answered_epoch_s))


def content_of(message: AlertMessage) -> str:
    """Digest of what the message says, whatever its identity."""
    said = [(_told(info), info.expires_epoch_s) for info in message.infos]
    return hashlib.sha256(repr((message.scope, said)).encode("utf-8", "replace")).hexdigest()[:20] if said else ""


def disjoint(some: tuple[AlertInfo, ...], others: tuple[AlertInfo, ...]) -> bool:
    """Do two messages provably speak of different ground? By outline, else by codes."""
    here, there = [[area for info in infos for area in info.areas] for infos in (some, others)]
    if not here or not there or any(area.everywhere for area in (*here, *there)):
        return False
    boxes = [[box for area in areas if (box := bounds(area))] for areas in (here, there)]
    if all(len(box) == len(areas) for box, areas in zip(boxes, (here, there), strict=True)):
        if not any(_overlap(one, other) for one in boxes[0] for other in boxes[1]):
            return True
        return share_in_common(here, there) < BORDER_SHARE
    codes = [{code for area in areas for code in area.geocodes} for areas in (here, there)]
    return all(area.geocodes for area in (*here, *there)) and not codes[0] & codes[1]


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]

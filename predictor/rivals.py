"""Several feeds of one timetable that speak of the same thing: whose word counts.

The feed with the higher priority (``priority`` in its configuration) wins, unless its word is OUTDATED_S older than the
newest; among equals the newest, then the feed named first. Vehicles of two feeds that share an id but are plainly not the
same vehicle are kept apart.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from domain.realtime import Int64s
from predictor.pings import metres_between
from predictor.sightings import Seen, only

OUTDATED_S = 300
"""A word so much older than another on the same thing no longer wins by the rank of its feed."""
SAME_PLACE_M = 500.0
"""Two reports of one vehicle from two feeds are seconds apart; farther apart they are two vehicles."""


def preferred(key: Int64s, feed: Int64s, told_epoch_s: Int64s, priorities: Sequence[int]) -> Int64s:
    """Rows to keep, ascending: one of those with the same *key*; *priorities* are those of the feeds by index."""
    n = len(key)
    if not n:
        return np.zeros(0, np.int64)
    distinct, where = np.unique(key, return_inverse=True)
    newest = np.full(len(distinct), np.iinfo(np.int64).min)
    np.maximum.at(newest, where, told_epoch_s)
    rank = np.asarray(priorities, np.int64)[feed]
    rank = np.where(told_epoch_s >= newest[where] - OUTDATED_S, rank, np.iinfo(np.int64).min)
    order = np.lexsort((np.arange(n), -feed, told_epoch_s, rank, key))
    last = np.ones(n, bool)
    last[:-1] = key[order][1:] != key[order][:-1]
    kept: Int64s = np.sort(order[last])
    return kept


def settle(seen: Seen, priorities: Sequence[int]) -> Seen:
    """Each vehicle once, as the feed whose word counts has it; another vehicle with the same id as ``id@feed``."""
    if len(set(seen.feed.tolist())) < 2 or len(set(seen.ids)) == len(seen):
        return seen
    by_id: dict[str, list[int]] = {}
    for row, name in enumerate(seen.ids):
        by_id.setdefault(name, []).append(row)
    group = np.arange(len(seen))
    names = list(seen.ids)
    for rows in by_id.values():
        if len({int(seen.feed[row]) for row in rows}) < 2:
            continue
        ranked = sorted(rows, key=lambda row: (-priorities[int(seen.feed[row])], int(seen.feed[row])))
        apart: list[int] = []
        for row in ranked:
            same = next((first for first in apart if _is_same(seen, first, row)), None)
            if same is not None:
                group[row] = same
                continue
            if apart:
                names[row] = f"{names[row]}@{seen.feed_ids[seen.feed[row]]}"
            apart.append(row)
    kept = preferred(group.astype(np.int64), seen.feed.astype(np.int64), seen.seen_epoch_s, priorities)
    return only(replace(seen, ids=names), kept)


def _is_same(seen: Seen, one: int, other: int) -> bool:
    if seen.feed[one] == seen.feed[other]:
        return False
    if seen.trip[one] >= 0 and seen.trip[other] >= 0:
        return bool(seen.trip[one] == seen.trip[other] and seen.date[one] == seen.date[other])
    away_m = metres_between(seen.lat[[one]], seen.lon[[one]], seen.lat[[other]], seen.lon[[other]])
    return bool(away_m[0] <= SAME_PLACE_M)

"""Runs that are called off: by a trip update, or by the vehicle that would do them where no trip update speaks of them."""

from dataclasses import dataclass, replace

import numpy as np

from domain.realtime import Int32s, Int64s, TripRelationship, UInt8s
from predictor.runs import key_of_run
from predictor.sightings import Seen
from predictor.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellations:
    """Runs that are cancelled or deleted, a row each."""

    trip: Int32s
    date: Int32s
    feed: Int64s
    relationship: UInt8s
    updated_epoch_s: Int64s
    vehicle: Int64s
    """Row of the vehicle that names it all the same, or -1."""

    def __len__(self) -> int:
        return len(self.trip)


def cancellations(words: Words, seen: Seen) -> Cancellations:
    """The runs that a trip update calls off and, where none speaks of it, a vehicle."""
    said = words.only(words.gone & (words.trip >= 0))
    names = np.flatnonzero(seen.gone_trip >= 0)
    key = key_of_run(seen.gone_date, seen.gone_trip)
    spoken = key_of_run(words.date, words.trip)[words.trip >= 0]
    alone = names[~np.isin(key[names], spoken)]
    _, first = np.unique(key[alone], return_index=True)
    alone = alone[np.sort(first)]
    trip = np.concatenate([said.trip, seen.gone_trip[alone]]).astype(np.int32)
    date = np.concatenate([said.date, seen.gone_date[alone]]).astype(np.int32)
    vehicle_of = dict(zip(key[names][::-1].tolist(), names[::-1].tolist(), strict=True))
    return Cancellations(
        trip=trip,
        date=date,
        feed=np.concatenate([said.feed, seen.feed[alone]]).astype(np.int64),
        relationship=np.concatenate(
            [said.relationship, np.full(len(alone), TripRelationship.CANCELED, np.uint8)]
        ).astype(np.uint8),
        updated_epoch_s=np.concatenate([said.updated_epoch_s, seen.seen_epoch_s[alone]]).astype(np.int64),
        vehicle=np.array([vehicle_of.get(it, -1) for it in key_of_run(date, trip).tolist()], np.int64),
    )


def aboard_all_the_same(seen: Seen, speaking: Words) -> Seen:
    """The same with vehicles on the runs that they call cancelled while a trip update says that they run."""
    runs = (seen.gone_trip >= 0) & np.isin(
        key_of_run(seen.gone_date, seen.gone_trip), key_of_run(speaking.date, speaking.trip)
    )
    if not runs.any():
        return seen
    return replace(
        seen,
        trip=np.where(runs, seen.gone_trip, seen.trip).astype(np.int32),
        date=np.where(runs, seen.gone_date, seen.date).astype(np.int32),
        gone_trip=np.where(runs, -1, seen.gone_trip).astype(np.int32),
    )

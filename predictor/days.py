"""The service day of vehicles that write none, where two days would do: the one on which the vehicle is nearest to its time.

Rare, and wrong by a whole day when it goes wrong: a ferry or a long-distance trip that runs daily is under way for most of
the day, and in the gap between yesterday's run and today's only its place tells whether it is late or early.
"""

from dataclasses import replace

import numpy as np

from predictor.call_places import time_at
from predictor.calls import calls_of
from predictor.placing import Ground, places
from predictor.schedule import Schedule
from predictor.sightings import Seen
from predictor.trip_match import NEAR_S, away_s


def settle_days(schedule: Schedule, ground: Ground, seen: Seen, now_epoch_s: float) -> Seen:
    """*seen* with the service dates of such vehicles set to the day of the least deviation."""
    open_rows = np.flatnonzero((seen.trip >= 0) & ~seen.dated & ~seen.inferred)
    open_rows = open_rows[~schedule.is_inexact(seen.trip[open_rows])]
    if not len(open_rows):
        return seen
    rows, days = [], []
    for number in schedule.days_near(now_epoch_s):
        trip = seen.trip[open_rows]
        runs = schedule.runs_on(number)[schedule.trip_service[trip]]
        here = open_rows[runs & (away_s(schedule, trip, number, now_epoch_s) <= NEAR_S)]
        rows.append(here)
        days.append(np.full(len(here), number, np.int32))
    row, day = np.concatenate(rows), np.concatenate(days)
    several = np.isin(row, np.flatnonzero(np.bincount(row, minlength=len(seen)) > 1))
    row, day = row[several], day[several]
    if not len(row):
        return seen
    trip = seen.trip[row]
    base = schedule.starts_epoch_s(day) + schedule.trip_start_s[trip]
    calls = calls_of(schedule, trip, base)
    anywhere = np.full(len(row), np.nan)
    found = places(
        ground,
        schedule,
        calls.pattern.astype(np.int64),
        lat=seen.lat[row],
        lon=seen.lon[row],
        low_m=anywhere,
        high_m=anywhere,
    )
    low, high = time_at(schedule, calls, found.who, found.along_m)
    when = seen.seen_epoch_s[row[found.who]]
    off_s = np.abs(when - np.clip(when, low, high))
    order = np.lexsort((off_s, row[found.who]))
    head = np.ones(len(order), bool)
    head[1:] = row[found.who[order]][1:] != row[found.who[order]][:-1]
    best = found.who[order[head]]
    date, starts = seen.date.copy(), seen.base_epoch_s.copy()
    date[row[best]], starts[row[best]] = day[best], base[best]
    return replace(seen, date=date, base_epoch_s=starts)

"""Running times by the hour: below a stop pair's all-day sums, the sums of each hour of each type of day.

A timetable that is the same all day, and a mean of a whole day, both miss what the rush hour does. Hours are those of the
service day in the agency's own time, so that what runs at half past midnight on a Friday belongs to Friday.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from domain import service_day
from domain.realtime import Floats, Int32s, Int64s, UInt8s
from predictor.learned.runs import Runs

HOURS = 24


class DayType(IntEnum):
    """Days that are alike. A weekday without school or work counts as a weekday: it is outvoted by the others."""

    WEEKDAY = 0
    SATURDAY = 1
    SUNDAY = 2


SLOTS = HOURS * len(DayType)
"""An hour of a type of day: ``HOURS * DayType + hour``."""


def day_types(dates_yyyymmdd: Int32s | Int64s) -> UInt8s:
    """DayType of each date; raises ValueError for a number that is no date."""
    distinct, where = np.unique(dates_yyyymmdd, return_inverse=True)
    types = [max(service_day.from_yyyymmdd(int(it)).weekday() - 4, 0) for it in distinct]
    found: UInt8s = np.array(types, np.uint8)[where.reshape(-1)]
    return found


def hour_slots(runs: Runs, run: Int64s, epoch_s: Floats | float) -> Int64s:
    """The hour of each instant by the service day of the run in *run*. From 24:00 on it is the small hours again."""
    hour = ((epoch_s - runs.service_epoch_s[run]) // 3600.0).astype(np.int64) % HOURS
    slots: Int64s = HOURS * runs.day_type[run].astype(np.int64) + hour
    return slots


class Hours:
    """Sums by stop pair and hour slot, in single precision: they are small, and there are up to 72 of a pair."""

    def __init__(self) -> None:
        self._sums = np.zeros((3, 0, SLOTS), np.float32)
        """Number, observed seconds, scheduled seconds; then stop pair, then slot."""
        self._updated_epoch_s = np.zeros((0, SLOTS), np.uint32)

    def hold(self, n: int) -> None:
        """Make room for *n* stop pairs."""
        room = self._sums.shape[1]
        if n > room:
            more = max(n, 2 * room) - room
            self._sums = np.concatenate([self._sums, np.zeros((3, more, SLOTS), np.float32)], axis=1)
            self._updated_epoch_s = np.concatenate([self._updated_epoch_s, np.zeros((more, SLOTS), np.uint32)])

    def of(self, pair: Int64s, slot: Int64s, now_epoch_s: float, half_life_s: float) -> Floats:
        """Number, observed and scheduled seconds, a row each, of stop pairs in hours; what is old counts less."""
        cell = pair * SLOTS + slot
        elapsed = now_epoch_s - self._updated_epoch_s.reshape(-1)[cell]
        sums: Floats = self._sums.reshape(3, -1)[:, cell] * np.exp2(-np.maximum(elapsed, 0.0) / half_life_s)
        return sums

    def add(
        self,
        pair: Int64s,
        slot: Int64s,
        observed_s: Floats,
        scheduled_s: Floats,
        now_epoch_s: float,
        half_life_s: float,
    ) -> None:
        """Take running times in."""
        cell = pair * SLOTS + slot
        flat, updated = self._sums.reshape(3, -1), self._updated_epoch_s.reshape(-1)
        distinct = np.unique(cell)
        flat[:, distinct] *= np.exp2(-np.maximum(now_epoch_s - updated[distinct], 0.0) / half_life_s)
        updated[distinct] = int(now_epoch_s)
        for row, amount in enumerate((np.ones(len(cell)), observed_s, scheduled_s)):
            np.add.at(flat[row], cell, amount.astype(np.float32))

    def columns(self, pairs: Int64s) -> dict[str, npt.NDArray[Any]]:
        """What was seen of *pairs*, a row an hour: ``pair`` is a row of *pairs*."""
        pair, slot = np.nonzero(self._sums[0, pairs] > 0)
        cell = (pairs[pair], slot)
        n, observed, scheduled = (row[cell] for row in self._sums)
        return {
            "pair": pair.astype(np.uint32), "slot": slot.astype(np.uint8), "n": n, "observed_s": observed,
            "scheduled_s": scheduled, "updated_epoch_s": self._updated_epoch_s[cell],
        }  # fmt: skip

    def restore(self, pairs: Int64s, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what :meth:`columns` gave of *pairs*; raises IndexError for rows that there are not."""
        cell = pairs[columns["pair"]], columns["slot"]
        for row, name in enumerate(("n", "observed_s", "scheduled_s")):
            self._sums[row][cell] = columns[name]
        self._updated_epoch_s[cell] = columns["updated_epoch_s"]

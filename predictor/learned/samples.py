"""Forecasts kept until what they spoke of has happened: the only thing that experts and quantiles are judged by.

A sample counts no earlier than half its horizon after the time it spoke of: right after a start only what came early
has happened yet, and judging by that alone would teach to promise too soon.
"""

import numpy as np

from domain.realtime import Bools, Float32s, Floats, Int64s
from predictor.learned.errors import EXPERTS, SCALE_S, bins, knots
from predictor.learned.learned import WIDTH_MOST, Learned
from predictor.learned.settings import Settings

PATIENCE = 1.5
PATIENCE_S = 120.0
"""A sample with horizon h counts from PATIENCE * h + PATIENCE_S after it was made."""
GIVE_UP_S = 3600.0
"""Beyond that it is dropped when nothing has been heard so long after its time."""
WORST = 3.0
"""Errors count as at most this multiple of horizon + SCALE_S."""
BAND_MISSES = 0.2
"""Share of outcomes that the band of P10 to P90 is meant not to hold."""
MANY_OUTCOMES = 150.0
"""From so many in memory on, each one more moves the width by less: outcomes are known late, and what is on its way when the
width is right again must not carry it past that."""
ACTIVE_S = 60.0
"""Between two judgements at most this much time of service passes, so that nights do not make agencies forget."""


class Samples:
    """A pool, columnar."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.run_key = np.zeros(0, np.int64)
        self.mark = np.zeros(0, np.int64)
        self.made_epoch_s = np.zeros(0)
        self.actual_epoch_s = np.zeros(0)
        self.corrected = np.zeros(0, bool)
        """The band's width has been corrected by it."""
        self.place = np.zeros((3, 0), np.int64)
        """Group, cell, age."""
        self.said = np.zeros((5 + len(EXPERTS), 0), np.float32)
        """What it counts; rough horizon, blend, P10, P90, experts; seconds after the sample was made."""
        self._pending: list[tuple[Int64s, Int64s, Floats, Int64s, Float32s]] = []
        self._taken_epoch_s = -np.inf
        self._turn = 0
        self._judged_epoch_s = -np.inf

    def __len__(self) -> int:
        return len(self.mark) + sum(len(it[0]) for it in self._pending)

    def choose(self, now_epoch_s: float, rows: Int64s) -> tuple[Int64s, int]:
        """Which of *rows* to keep: all, or every so manyth, another each time; and for how many each stands."""
        settings = self.settings
        budget = min(settings.samples_per_tick, settings.samples_per_s * (now_epoch_s - self._taken_epoch_s))
        self._taken_epoch_s = now_epoch_s
        if not len(rows) or budget < 1:
            return rows[:0], 1
        stride = int(np.ceil(len(rows) / budget))
        self._turn += 1
        return rows[(self._turn * 7919) % stride :: stride], stride

    def add(
        self, now_epoch_s: float, *, run_key: Int64s, position: Int64s, group: Int64s, cell: Int64s, age: Int64s, worth: Floats,
        rough_s: Floats, blend_s: Floats, band_s: Floats, experts_s: Floats,
    ) -> None:  # fmt: skip
        """Keep forecasts."""
        said = np.concatenate([worth[None], rough_s[None], blend_s[None], band_s, experts_s]).astype(np.float32)
        place = np.stack([group, cell, age])
        self._pending.append((run_key, _mark(run_key, position), np.full(len(position), now_epoch_s), place, said))

    def _gather(self) -> None:
        if self._pending:
            keys, marks, made, places, saids = zip(*self._pending, strict=True)
            self._pending = []
            self.run_key = np.concatenate([self.run_key, *keys])
            self.mark = np.concatenate([self.mark, *marks])
            self.made_epoch_s = np.concatenate([self.made_epoch_s, *made])
            self.actual_epoch_s = np.concatenate([self.actual_epoch_s, np.full(sum(map(len, marks)), np.nan)])
            self.corrected = np.concatenate([self.corrected, np.zeros(sum(map(len, marks)), bool)])
            self.place = np.concatenate([self.place, *places], axis=1)
            self.said = np.concatenate([self.said, *saids], axis=1)

    def resolve(self, run_key: Int64s, position: Int64s, actual_epoch_s: Floats) -> None:
        """Note what happened."""
        if not len(run_key):
            return
        self._gather()
        mark = _mark(run_key, position)
        order = np.argsort(mark, kind="stable")
        mark, actual = mark[order], actual_epoch_s[order]
        at = np.minimum(np.searchsorted(mark, self.mark), len(mark) - 1)
        hit = (mark[at] == self.mark) & np.isnan(self.actual_epoch_s)
        self.actual_epoch_s[hit] = np.maximum(actual[at[hit]], self.made_epoch_s[hit])

    def forget(self, run_key: Int64s) -> None:
        """Drop what was said of runs that are not where they were thought to be."""
        if not len(run_key) or not len(self):
            return
        self._gather()
        keep = ~np.isin(self.run_key, run_key)
        self._keep(keep)

    def _keep(self, keep: Bools) -> None:
        """Drop all others."""
        if not keep.all():
            self.run_key, self.mark = self.run_key[keep], self.mark[keep]
            self.made_epoch_s, self.actual_epoch_s = self.made_epoch_s[keep], self.actual_epoch_s[keep]
            self.corrected = self.corrected[keep]
            self.place, self.said = self.place[:, keep], self.said[:, keep]

    def judge(self, now_epoch_s: float, learned: Learned) -> None:
        """Count the errors of samples whose time has come, and drop them."""
        if now_epoch_s - self._judged_epoch_s < 5.0:
            return
        self._judged_epoch_s = now_epoch_s
        self._gather()
        self._correct(now_epoch_s, learned)
        blend = self.said[2].astype(np.float64)
        due = now_epoch_s >= self.made_epoch_s + PATIENCE * blend + PATIENCE_S
        ready = due & ~np.isnan(self.actual_epoch_s)
        given_up = due & (now_epoch_s >= self.made_epoch_s + PATIENCE * blend + GIVE_UP_S)
        chosen = np.flatnonzero(ready)
        if len(chosen):
            self._count(now_epoch_s, learned, chosen)
        self._keep(~(ready | given_up))

    def _correct(self, now_epoch_s: float, learned: Learned) -> None:
        """Widen the band by what came outside it and narrow it by what it held, each once its end has passed."""
        decided = ~self.corrected & ~np.isnan(self.actual_epoch_s)
        chosen = np.flatnonzero(decided & (now_epoch_s >= self.made_epoch_s + self.said[4]))
        if not len(chosen):
            return
        self.corrected[chosen] = True
        group, cell, _ = self.place[:, chosen]
        worth, blend, soonest, latest = self.said[[0, 2, 3, 4]][:, chosen].astype(np.float64)
        took = self.actual_epoch_s[chosen] - self.made_epoch_s[chosen]
        step = self.settings.band_rate * worth * (((took < soonest) | (took > latest)) - BAND_MISSES)
        heard = learned.band_errors.sum(axis=(3, 4)) + self._waiting(learned)
        low, share = knots(blend)
        for knot, part in ((low, (1 - share) * step), (low + 1, share * step)):
            at = (group, cell, knot)
            np.add.at(learned.widths, at, part / (1.0 + heard[at] / MANY_OUTCOMES))
        np.clip(learned.widths, -WIDTH_MOST, WIDTH_MOST, out=learned.widths)
        learned.version += 1

    def _waiting(self, learned: Learned) -> Floats:
        """What all samples count that are not among the errors yet: by group, cell, knot of the predicted horizon."""
        group, cell, _ = self.place
        low, share = knots(self.said[2].astype(np.float64))
        shape = learned.widths.shape
        result = np.zeros(shape)
        for knot, part in ((low, 1 - share), (low + 1, share)):
            at = np.ravel_multi_index((group, cell, knot), shape)
            result += np.bincount(at, part * self.said[0], result.size).reshape(shape)
        return result

    def _count(self, now_epoch_s: float, learned: Learned, chosen: Int64s) -> None:
        group, cell, age = self.place[:, chosen]
        said = self.said[:, chosen].astype(np.float64)
        worth, rough, blend, experts = said[0], said[1], said[2], said[5:]
        took = self.actual_epoch_s[chosen] - self.made_epoch_s[chosen]
        stamps = learned.groups["judged_epoch_s"]
        for at in np.unique(group).tolist():
            passed = min(max(now_epoch_s - stamps[at], 0.0), ACTIVE_S)
            fade = 0.5 ** (passed / self.settings.judge_half_life_s)
            for counts in (learned.errors, learned.band_errors, learned.expert_errors):
                counts[at] *= fade
            stamps[at] = now_epoch_s
        for counts, mix in ((learned.errors, self.settings.mix), (learned.band_errors, self.settings.band_mix)):
            middle = np.maximum(blend + mix * (took - blend), 0.0)
            low, share = knots(middle)
            bin_ = bins(np.clip((took - blend) / (middle + SCALE_S), -WORST, WORST))
            for knot, weight in ((low, (1 - share) * worth), (low + 1, share * worth)):
                np.add.at(counts, (group, cell, knot, age, bin_), weight)
        middle = rough + self.settings.expert_mix * (took - rough)
        low, share = knots(middle)
        scale = middle + SCALE_S
        for number in range(len(EXPERTS)):
            there = ~np.isnan(experts[number])
            bin_ = bins(np.clip((took - experts[number])[there] / scale[there], -WORST, WORST))
            for knot, weight in ((low, (1 - share) * worth), (low + 1, share * worth)):
                np.add.at(
                    learned.expert_errors[:, :, :, number],
                    (group[there], cell[there], knot[there], bin_),
                    weight[there],
                )
        learned.version += 1


def _mark(run_key: Int64s, position: Int64s) -> Int64s:
    marks: Int64s = (run_key.astype(np.uint64) * np.uint64(4099) + position.astype(np.uint64)).astype(np.int64)
    return marks

"""Running trips seen from Alerts: which are touched, between which calls, and how badly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.alert import Alert, AlertInfo, AlertState, Area
from domain.concern import LEVELS, assess_place, assess_places, level_of
from domain.realtime import Int64s
from domain.risk import RiskLevel
from domain.standing import ends_epoch_s, public_part, starts_epoch_s
from predictor.geofence import Patterns, Touch, during, remaining

__all__ = ["Run", "RunRisk", "TripJudge", "assess_place", "assess_places"]


SLACK_S = 900.0
"""A trip that passes this long before a block begins or after it ends counts: neither is known to the minute."""


def _unknown() -> Int64s:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trip (row of the timetable) on a service day, on its way to its call at *next_position*."""

    trip: int
    """-1 for a trip that the timetable does not have."""
    service_date: int
    pattern: int
    """Its line, as the judge's patterns are numbered."""
    next_position: int
    row: int = -1
    """Among the predictions, where it lists calls of its own."""
    passes_epoch_s: Int64s = field(default_factory=_unknown, compare=False)
    """When it leaves each of its calls; empty when nobody knows: then any time may be the time."""
    skipped: frozenset[int] = frozenset()
    """Positions at which it will not call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRisk:
    """A run that an Alert touches; *calls* are the positions inside."""

    alert_id: str
    revision: int
    level: RiskLevel
    run: Run
    first_position: int
    last_position: int
    calls: tuple[int, ...]


class TripJudge:
    """Judges the running trips of one timetable; remembers which patterns each revision of an Alert touches."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._touches: dict[str, tuple[tuple[AlertInfo, ...], list[dict[int, Touch]]]] = {}

    def judge(self, alerts: Iterable[Alert], runs: Sequence[Run], now_epoch_s: float) -> list[RunRisk]:
        """For each Alert in force that may be told to people, the runs whose remaining way it touches while it holds; the
        worst of its blocks that lie ahead count for each run, together."""
        by_pattern: dict[int, list[Run]] = {}
        for run in runs:
            by_pattern.setdefault(run.pattern, []).append(run)
        risks: list[RunRisk] = []
        still: dict[str, tuple[tuple[AlertInfo, ...], list[dict[int, Touch]]]] = {}
        for alert in map(public_part, alerts):
            if alert.state is not AlertState.IN_FORCE or not alert.pushable:
                continue
            # By its blocks, not its revision: a change that is no news to people may be one of ground.
            infos, touches = self._touches.get(alert.alert_id, ((), []))
            if infos != alert.infos:
                touches = self._touched(alert)
            still[alert.alert_id] = (alert.infos, touches)
            found: dict[Run, RunRisk] = {}
            for info, touched in zip(alert.infos, touches, strict=True):
                level, end = level_of(info), ends_epoch_s(info, alert.listed_epoch_s)
                if level is RiskLevel.NONE or end <= now_epoch_s:
                    continue
                begin_s, end_s = starts_epoch_s(info) - SLACK_S, end + SLACK_S
                for pattern in touched.keys() & by_pattern.keys():
                    for run in by_pattern[pattern]:
                        touch, passes = touched[pattern], run.passes_epoch_s
                        # Most run wholly while it holds: nothing to cut.
                        if len(passes) and (passes[run.next_position] < begin_s or passes[-1] > end_s):
                            touch = during(touch, passes, begin_s, end_s)
                        _keep_worst(found, alert, level, run, touch)
            risks.extend(found.values())
        self._touches = still
        return risks

    def _touched(self, alert: Alert) -> list[dict[int, Touch]]:
        known: dict[tuple[Area, ...], dict[int, Touch]] = {}  # languages repeat the same ground
        for info in alert.infos:
            if info.areas not in known:
                known[info.areas] = self._patterns.touched(info.areas)
        return [known[info.areas] for info in alert.infos]


def _keep_worst(found: dict[Run, RunRisk], alert: Alert, level: RiskLevel, run: Run, touch: Touch) -> None:
    before = found.get(run)
    if before is not None and before.level is not level and LEVELS.index(before.level) > LEVELS.index(level):
        return
    if where := remaining(touch, run.next_position):
        first, last, calls = where
        if run.skipped:
            calls = tuple(position for position in calls if position not in run.skipped)
        if before is not None and before.level is level:
            first, last = min(first, before.first_position), max(last, before.last_position)
            calls = tuple(sorted({*calls, *before.calls}))
        found[run] = RunRisk(
            alert_id=alert.alert_id,
            revision=alert.revision,
            level=level,
            run=run,
            first_position=first,
            last_position=last,
            calls=calls,
        )

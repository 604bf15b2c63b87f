"""Running trips seen from Alerts: which are touched, between which calls, and how badly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.alert import Alert, AlertState, Area
from domain.assess import LEVELS, assess_place, assess_places, level_of
from domain.risk import RiskLevel
from domain.standing import ends_epoch_s, public_part
from predictor.geofence import Patterns, Touch, remaining

__all__ = ["Run", "RunRisk", "TripJudge", "assess_place", "assess_places"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trip (row of the timetable) on a service day, on its way to its call at *next_position*."""

    trip: int
    service_date: int
    pattern: int
    next_position: int


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
        self._touches: dict[tuple[str, int], list[dict[int, Touch]]] = {}

    def judge(self, alerts: Iterable[Alert], runs: Sequence[Run], now_epoch_s: float) -> list[RunRisk]:
        """For each Alert in force that may be told to people, the runs whose remaining way it touches; the worst of its
        blocks that lie ahead count for each run, together."""
        by_pattern: dict[int, list[Run]] = {}
        for run in runs:
            by_pattern.setdefault(run.pattern, []).append(run)
        risks: list[RunRisk] = []
        still: dict[tuple[str, int], list[dict[int, Touch]]] = {}
        for alert in map(public_part, alerts):
            if alert.state is not AlertState.IN_FORCE or not alert.pushable:
                continue
            key = (alert.alert_id, alert.revision)
            touches = still[key] = self._touches.get(key) or self._touched(alert)
            found: dict[Run, RunRisk] = {}
            for info, touched in zip(alert.infos, touches, strict=False):
                level = level_of(info)
                if level is RiskLevel.NONE or ends_epoch_s(info, alert.listed_epoch_s) <= now_epoch_s:
                    continue
                for pattern in touched.keys() & by_pattern.keys():
                    for run in by_pattern[pattern]:
                        _keep_worst(found, alert, level, run, touched[pattern])
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
    if before is not None and LEVELS.index(before.level) > LEVELS.index(level):
        return
    if where := remaining(touch, run.next_position):
        first, last, calls = where
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

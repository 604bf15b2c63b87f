"""How much an Alert concerns a place: which of its info blocks cover it, how badly, and why, in plain English.

Pure, and in the language that all rooms share, because several must say the same: the risk of trips and the push
policy. Policy and its reasons: docs/alerts.md.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from domain.alert import SEVERITY_RANK, Alert, AlertInfo, AlertState, Area, Severity
from domain.geo import Ground
from domain.risk import Risk, RiskLevel
from domain.standing import ends_epoch_s, says_over
from domain.subscription import Place

LEVELS = (RiskLevel.NONE, RiskLevel.MINOR, RiskLevel.MODERATE, RiskLevel.SEVERE, RiskLevel.EXTREME)
"""Mildest first."""

_BASE = {
    Severity.EXTREME: RiskLevel.EXTREME,
    Severity.SEVERE: RiskLevel.SEVERE,
    Severity.MODERATE: RiskLevel.MODERATE,
    Severity.UNKNOWN: RiskLevel.MODERATE,  # nobody said that it is harmless
    Severity.MINOR: RiskLevel.MINOR,
}


def level_of(info: AlertInfo) -> RiskLevel:
    """How bad a block is for whom it covers: its severity, a step milder when it is only possible or far off."""
    if says_over(info):
        return RiskLevel.NONE
    step = int(info.certainty in {"Possible", "Unlikely"} or info.urgency == "Future")
    return _milder(_BASE[info.severity], step)


def _milder(level: RiskLevel, steps: int) -> RiskLevel:
    """*steps* milder, but never from something to nothing."""
    at = LEVELS.index(level)
    return LEVELS[max(at - steps, 1)] if at else level


def is_coarse(area: Area) -> bool:
    """Nothing is drawn: only a code or a name, and no table here knows its outline. No place is provably outside."""
    return not area.everywhere and not area.polygons and not area.circles


def blocks_touching(alert: Alert, places: Sequence[Place]) -> npt.NDArray[np.int8]:
    """For each place (row) and info block (column): 0 not touched, 1 perhaps (coarse ground only), 2 touched.

    A disc is touched when its distance to the ground is at most its radius.
    """
    lats = np.array([place.lat for place in places], np.float64)
    lons = np.array([place.lon for place in places], np.float64)
    radii_m = np.array([max(place.radius_m, 0.0) for place in places], np.float64)
    found = np.zeros((len(places), len(alert.infos)), np.int8)
    known: dict[Area, npt.NDArray[np.int8]] = {}  # languages repeat the same ground
    for column, info in enumerate(alert.infos):
        for area in info.areas:
            if area not in known:
                known[area] = _touching(area, lats, lons, radii_m)
            np.maximum(found[:, column], known[area], out=found[:, column])
    return found


def _touching(
    area: Area,
    lats: npt.NDArray[np.float64],
    lons: npt.NDArray[np.float64],
    radii_m: npt.NDArray[np.float64],
) -> npt.NDArray[np.int8]:
    if area.everywhere:
        return np.full(len(lats), 2, np.int8)
    if is_coarse(area):
        return np.full(len(lats), 1, np.int8)
    return Ground(area).touches_discs(lats, lons, radii_m).astype(np.int8) * np.int8(2)


def assess_place(alert: Alert, place: Place, now_epoch_s: float) -> Risk:
    """The Alert seen from one place: the worst block that covers it now."""
    return assess_places(alert, (place,), now_epoch_s)[0]


def assess_places(alert: Alert, places: Sequence[Place], now_epoch_s: float) -> list[Risk]:
    """The Alert seen from each place; much quicker than one by one."""
    return [_risk(alert, row.tolist(), now_epoch_s) for row in blocks_touching(alert, places)]


def _risk(alert: Alert, touching: list[int], now_epoch_s: float) -> Risk:
    covering = tuple(index for index, touched in enumerate(touching) if touched)
    if not covering:
        return Risk(
            alert_id=alert.alert_id,
            revision=alert.revision,
            level=RiskLevel.NONE,
            info_indexes=(),
            reasons=("The warning's area does not reach this place.",),
        )
    levels = {index: _level_here(alert, index, touching[index], now_epoch_s) for index in covering}
    worst = max(covering, key=lambda index: (LEVELS.index(levels[index]), touching[index], -index))
    return Risk(
        alert_id=alert.alert_id,
        revision=alert.revision,
        level=levels[worst],
        info_indexes=covering,
        reasons=_reasons(alert, alert.infos[worst], touching[worst], now_epoch_s),
    )


def _level_here(alert: Alert, index: int, touched: int, now_epoch_s: float) -> RiskLevel:
    info = alert.infos[index]
    if alert.state is not AlertState.IN_FORCE or ends_epoch_s(info, alert.listed_epoch_s) <= now_epoch_s:
        return RiskLevel.NONE
    level = level_of(info)
    return level if touched == 2 or level is RiskLevel.EXTREME else _milder(level, 1)


def _reasons(alert: Alert, info: AlertInfo, touched: int, now_epoch_s: float) -> tuple[str, ...]:
    names = "; ".join(dict.fromkeys(area.description for area in info.areas if area.description))[:200]
    if touched == 1:
        where = f"The issuer names {names or 'an area'} without an outline; this place may or may not be in it."
    elif any(area.everywhere for area in info.areas):
        where = "The warning is for everywhere that its issuer speaks for."
    else:
        where = (
            f"The warning's area reaches this place: {names}." if names else "The warning's area reaches this place."
        )
    how = f"{info.severity.value} severity, {info.urgency.lower()} urgency, {info.certainty.lower()} certainty."
    end = ends_epoch_s(info, alert.listed_epoch_s)
    reasons = [where, how]
    if alert.state is not AlertState.IN_FORCE:
        reasons.append(f"The warning is over ({alert.state.value.replace('_', ' ')}).")
    elif says_over(info):
        reasons.append("The issuer says that the danger has passed.")
    elif end <= now_epoch_s:
        reasons.append(f"It ended at {_clock(end)}.")
    else:
        if info.onset_epoch_s > now_epoch_s:
            reasons.append(f"It starts at {_clock(info.onset_epoch_s)}.")
        said = "" if info.expires_epoch_s else ", unless the issuer says otherwise: it names no end"
        reasons.append(f"It holds until {_clock(end)}{said}.")
    return tuple(reasons)


def _clock(epoch_s: int) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%d %H:%M} UTC"


def worst_severity(infos: Sequence[AlertInfo]) -> Severity:
    """The worst of the blocks; Minor when there is none."""
    return max((info.severity for info in infos), key=lambda level: SEVERITY_RANK[level], default=Severity.MINOR)

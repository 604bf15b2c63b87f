"""Case rates by district (GeoJSON with polygons) to alert messages.

A feature carries its district's name or id, ``cases_7day`` and ``population`` (or the rate itself, cases per 100,000 in
seven days, as ``cases_per_100k_7day``) and its ground. A district at or above the feed's threshold is a warning; a change
of level is an Update, falling well below it a Cancel, so that the chain of messages reads like any other warning's. Newer
figures of the same level are an Update in the same words: a longer life, no news. A district that is missing, or whose
figures make no sense or are older than those before, keeps what was said of it last. Of several figures for a district the
newest count; where one is drawn in parts, all its ground, and the highest.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from domain.alert import SEVERITY_RANK, AlertInfo, AlertMessage, Area, MessageStatus, Reference, Severity
from domain.errors import NotThisFormat
from domain.feed import FeedSpec, Problem, ProblemLevel
from domain.geo import repair
from feeds.formats.cap_times import read_time
from feeds.formats.decoded import Decoded
from feeds.formats.phrases import catalogues

DEFAULT_THRESHOLD = 100.0
"""Cases per 100,000 in seven days, where the feed's configuration says nothing."""
KEEP_S = 9 * 86_400
"""A level stands until newer figures; figures are weekly at worst, so nine days."""
RENEW_S = 86_400
"""Newer figures of the same level lengthen a warning at most once a day."""
AHEAD_S = 86_400
"""A publication is at most so far ahead of us, time zones and all; a date beyond is mistyped, and as good as none."""
STICKS_TO = 0.9
"""A level once reached is left only below this share of it: rates that waver around it would call wolf every day."""
_TIMES_THRESHOLD = {Severity.MODERATE: 1, Severity.SEVERE: 2, Severity.EXTREME: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRates:
    """*messages* are what stands now; *level* is each district's last message, to chain the next one to."""

    messages: tuple[AlertMessage, ...]
    level: dict[str, AlertMessage]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    district: str
    name: str
    rate: float
    area: Area
    published_epoch_s: int
    """When they were published; 0 where neither the district nor the file says so credibly: then they are of now."""


def severity_of(rate: float, threshold: float, before: Severity | None = None) -> Severity | None:
    """Moderate from the threshold on, Severe at twice, Extreme at four times it; None below. *before* is held on to a little."""
    reached = [
        severity
        for severity, times in _TIMES_THRESHOLD.items()
        if rate >= times * threshold * (STICKS_TO if severity is before else 1.0)
    ]
    return max(reached, key=lambda severity: SEVERITY_RANK[severity], default=None)


def decode(
    data: bytes, *, spec: FeedSpec, before: Mapping[str, AlertMessage], now_epoch_s: float
) -> Decoded[CaseRates]:
    """The messages that stand; *before* is what the last decode returned as level. Raises NotThisFormat.

    Figures without a time of publication are taken to be of now.
    """
    collection = _json(data)
    if not isinstance(collection, dict) or not isinstance(collection.get("features"), list):
        raise NotThisFormat("expected a GeoJSON FeatureCollection of case rates, found other JSON")
    latest_epoch_s = int(now_epoch_s) + AHEAD_S
    of_file_epoch_s = _epoch_s(collection.get("published_at") or collection.get("updated"))
    threshold = spec.threshold_per_100k or DEFAULT_THRESHOLD
    problems: list[Problem] = []
    figures: dict[str, _Figures] = {}
    for number, feature in enumerate(collection["features"]):
        try:
            found = _read(feature)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            message = f"expected a district with cases_7day, population and a polygon: {type(error).__name__} {error}"
            problems.append(
                Problem(code="case_rate_feature", level=ProblemLevel.ERROR, message=message, where=f"feature {number}")
            )
            continue
        dates = (found.published_epoch_s, of_file_epoch_s)
        dated_epoch_s = next((one for one in dates if 0 < one <= latest_epoch_s), 0)
        found = replace(found, published_epoch_s=dated_epoch_s)
        known = figures.get(found.district)
        figures[found.district] = found if known is None else _joined(known, found)
    level: dict[str, AlertMessage] = {}
    for district, it in figures.items():
        message_now = _message(spec, it, threshold, before.get(district), int(now_epoch_s))
        if message_now is not None:
            level[district] = message_now
    missing = {
        district: message
        for district, message in before.items()
        if district not in level and message.infos[0].expires_epoch_s > now_epoch_s
    }
    if standing := sorted(district for district, message in missing.items() if message.kind != "Cancel"):
        names = ", ".join(standing)[:200]
        message = f"no usable figures of {names}: what was said of them stands"
        problems.append(Problem(code="case_rate_missing", level=ProblemLevel.WARNING, message=message))
    level |= missing
    return Decoded(
        items=CaseRates(messages=tuple(level.values()), level=level),
        problems=tuple(problems),
        header_epoch_s=min(of_file_epoch_s, latest_epoch_s),
        entity_counts={"districts": len(figures)},
    )


def _json(data: bytes) -> Any:
    """What the bytes say; numbers that are none (``NaN``, as many programs write a gap) are None, and cost one district."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        try:
            return json.loads(data, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            raise NotThisFormat(f"expected a GeoJSON FeatureCollection of case rates: {error}") from error


def _joined(one: _Figures, other: _Figures) -> _Figures:
    """Of one district: the newer, undated ones before all; of the same day, the worse on the ground of both."""
    if one.published_epoch_s != other.published_epoch_s:
        return max(one, other, key=lambda it: it.published_epoch_s or math.inf)
    polygons = tuple(dict.fromkeys((*one.area.polygons, *other.area.polygons)))
    return replace(one, rate=max(one.rate, other.rate), area=replace(one.area, polygons=polygons))


def _epoch_s(text: object) -> int:
    return read_time(str(text)).epoch_s if text else 0


def _read(feature: dict[str, Any]) -> _Figures:
    said = feature["properties"]
    district = str(said.get("district_id") or feature.get("id") or said["name"])
    name = str(said.get("name") or district)
    rate = said.get("cases_per_100k_7day", said.get("rate_per_100k_7day"))
    if rate is None:
        rate = said["cases_7day"] * 100_000 / said["population"]
    rate = float(rate)
    if not 0 <= rate <= 100_000:
        raise ValueError(f"{rate} cases per 100,000")
    geometry = feature["geometry"]
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    outlines = [[(float(lon), float(lat)) for lon, lat, *_ in polygon[0]] for polygon in polygons]
    if not all(abs(lon) <= 360 and abs(lat) <= 90 for outline in outlines for lon, lat in outline):
        raise ValueError("a point that is not on earth")
    rings = tuple(ring for outline in outlines for ring in repair(outline))
    if not rings:
        raise ValueError("no polygon that covers ground")
    area = Area(description=name, polygons=rings)
    return _Figures(
        district=district, name=name, rate=rate, area=area, published_epoch_s=_epoch_s(said.get("published_at"))
    )


def _message(
    spec: FeedSpec, figures: _Figures, threshold: float, before: AlertMessage | None, now_epoch_s: int
) -> AlertMessage | None:
    district, name, rate, dated_epoch_s = figures.district, figures.name, figures.rate, figures.published_epoch_s
    # Messages take effect at the publisher's own date, or 0: the time that we read a file makes no later one older.
    if before is not None and 0 < dated_epoch_s < before.infos[0].effective_epoch_s:
        return before
    published_epoch_s = dated_epoch_s or now_epoch_s
    standing = before is not None and before.kind != "Cancel"
    severity = severity_of(rate, threshold, before.infos[0].severity if before is not None and standing else None)
    if before is None and severity is None:
        return None
    said = before.infos if before is not None and (severity is not None) == standing else ()
    if said and severity not in {None, said[0].severity}:
        said = ()
    if before is not None and said and (severity is None or published_epoch_s - before.sent_epoch_s < RENEW_S):
        return before
    # A correction under the same date follows what it corrects all the same.
    sent_epoch_s = max(published_epoch_s, before.sent_epoch_s + 1) if before is not None else published_epoch_s
    kind = "Cancel" if severity is None else "Update" if standing else "Alert"
    digest = hashlib.sha256(f"{spec.feed_id}|{district}|{sent_epoch_s}|{kind}|{severity}".encode()).hexdigest()[:16]
    expires_epoch_s = published_epoch_s + KEEP_S
    infos = tuple(
        replace(info, effective_epoch_s=dated_epoch_s or info.effective_epoch_s, expires_epoch_s=expires_epoch_s)
        for info in said
    ) or tuple(
        AlertInfo(
            language=language, categories=("Health",), event=words["case_rate_event"], response_types=("Monitor",),
            urgency="Expected", severity=severity or Severity.MODERATE, certainty="Observed",
            effective_epoch_s=dated_epoch_s, onset_epoch_s=0 if dated_epoch_s else now_epoch_s,
            expires_epoch_s=expires_epoch_s,
            sender_name=spec.name or spec.attribution or spec.feed_id,
            headline=words["case_rate_headline"].format(district=name, rate=rate),
            description=words["case_rate_description"].format(threshold=threshold),
            instruction="", web="", contact="", event_codes=(), parameters=(), areas=(figures.area,),
        )
        for language, words in catalogues().items()
    )  # fmt: skip
    message = AlertMessage(
        feed_id=spec.feed_id, sender=spec.feed_id, identifier=f"{district}-{digest}", sent_epoch_s=sent_epoch_s,
        status=MessageStatus.ACTUAL, kind=kind, scope="Public", references=(), incidents=(), codes=(), note="", infos=infos,
    )  # fmt: skip
    if before is None or kind == "Alert":
        return message
    reference = Reference(identifier=before.identifier, sender=before.sender, sent_epoch_s=before.sent_epoch_s)
    return replace(message, references=(reference,))

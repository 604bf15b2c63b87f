"""What of an Alert stands: which of its blocks may be told to the public, still hold, and do not say that all is over.

Pure and light: phones, pages and interfaces must show the same warnings. Policy and its reasons: docs/alerts.md.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime

from domain.alert import SILENT_LIFE_S, Alert, AlertInfo, AlertState

_WARNING = r"(?:warnings?|watch(?:es)?|advisor(?:y|ies)|alerts?|orders?|statements?|notices?|bulletins?)"
_ENDED_WORDS = re.compile(
    r"(?<!\bschool )(?<!\bclass )(?<!\bevent )(?<!\btrain )(?<!\bflight )(?<!\bservice )(?<!\btransit )(?<!\bferry )"
    r"\bcancel?lation\b"
    rf"|\b{_WARNING}\b[^.;]*\bcancel?led\b|\bcancel?led\b[^.;]*\b{_WARNING}\b|^\W*cancel?led\W*$"
    r"|\b(all[- ]clear|entwarnung|aufgehoben|aufhebung|cessat[ao] allerta|fine allerta|cessato allarme|fin d['\u2019]alerte"
    r"|levée d['\u2019]alerte|fin de (la )?alerta)\b"
    r"|解除((しま?した|されま?した|のお知らせ|通知|公告)?(?=\W|$)(?!\W*(見込|見通|予定|まで|前|条件|未|待|切))"
    r"|[\u4e00-\u9fff]{0,16}(预警|預警|警报|警報|警戒|特報|信号|信號|指示)(?=\W|$))",
    re.IGNORECASE,
)
"""A warning that is cancelled is over; a train or a school day that is cancelled is what the warning is about. Of 解除, only
that it has been done: the lifting that is awaited or denied is written with the same word."""
_NOT_ENDED_WORDS = re.compile(
    r"\b(not|no|never|partially|partly|noch|keine|nicht|teilweise|pas|non|sin)(\s+(yet|been|an?|the|keine|nicht|de|la))*"
    r"\s+(cancel?led|all[- ]clear|entwarnung|aufgehoben|levée d|fin d)"
    r"|(未|没|沒|不|勿|非|待|部分|一部|順次)\w{0,8}解除|解除(之?前|後|后|时|時|条件|待|未|不)",
    re.IGNORECASE,
)
"""What says that it is not over, or not everywhere."""


def ends_epoch_s(info: AlertInfo, listed_epoch_s: int = 0) -> int:
    """When an info block no longer holds; never 0.

    The event's own end where the issuer gives one beside the text's (US National Weather Service, ``eventEndingTime``);
    where none is given, or one that is not after the start (Western Australia), SILENT_LIFE_S after it started or was last
    listed by its feed.
    """
    said = info.expires_epoch_s
    for name, value in info.parameters:
        if name == "eventEndingTime":
            said = max(said, _parameter_time(value))
    start = max(info.onset_epoch_s, info.effective_epoch_s)
    if said > start:
        return said
    return max(start, listed_epoch_s) + SILENT_LIFE_S


def starts_epoch_s(info: AlertInfo) -> int:
    """When an info block begins to hold: its onset, where that lies before its end (Western Australia writes the end
    there), else when it was put into effect; 0 when nobody says."""
    onset_is_sound = info.onset_epoch_s and (not info.expires_epoch_s or info.onset_epoch_s < info.expires_epoch_s)
    return info.onset_epoch_s if onset_is_sound else info.effective_epoch_s


def _parameter_time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def says_over(info: AlertInfo) -> bool:
    """Does the block say that nothing is (any longer) to be feared, whatever its message is called?"""
    responses = {word.lower() for word in info.response_types}
    return (
        "allclear" in responses
        or (info.urgency == "Past" and (not responses or responses == {"none"}))
        or bool(_ENDED_WORDS.search(_NOT_ENDED_WORDS.sub(" _ ", info.event)))
        or any(name.endswith("Alert_Location_Status") and value.lower() == "ended" for name, value in info.parameters)
        or any(name == "awareness_level" and value.startswith("1") for name, value in info.parameters)
    )


def public_part(alert: Alert) -> Alert:
    """The Alert with only those blocks that may reach a phone: a test that hangs on a real event stays silent.

    Where it cannot be told which block came from which message, one message that may not be pushed silences all.
    """
    live = [link for link in alert.links if link.live]
    if not live or not any(link.why_not_pushable for link in live):
        return alert
    if sum(link.info_count for link in live) != len(alert.infos):
        return replace(alert, infos=(), pushable=False)
    allowed = [not link.why_not_pushable for link in live for _ in range(link.info_count)]
    infos = tuple(info for info, may in zip(alert.infos, allowed, strict=True) if may)
    return replace(alert, infos=infos)


def shown_part(alert: Alert) -> Alert:
    """What is shown to who asks for this very Alert, over or not: in an event that phones are told of, blocks that are kept
    from them stay hidden. A mere test or exercise is shown, as what it is."""
    return public_part(alert) if alert.pushable else alert


def standing_part(alert: Alert, now_epoch_s: float) -> Alert | None:
    """The Alert with only those blocks of which a phone is told now; None when there is none."""
    if alert.state is not AlertState.IN_FORCE or not alert.pushable:
        return None
    public = public_part(alert)
    infos = tuple(
        info for info in public.infos if not says_over(info) and ends_epoch_s(info, alert.listed_epoch_s) > now_epoch_s
    )
    if not infos or not public.pushable:
        return None
    return alert if infos == alert.infos else replace(public, infos=infos, links=())

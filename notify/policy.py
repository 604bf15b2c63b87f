"""Who is told, of what, and when: decided from values alone.

``docs/alerts.md`` gives the reasons. Nothing that is not plainly meant for the public ever becomes a warning.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from domain.alert import Alert, AlertState
from domain.concern import LEVELS
from domain.notification import Notification, NotificationKind, Told, ToldState
from domain.risk import Risk, RiskLevel
from domain.subscription import Place, Subscription

ALL_CLEAR_LIFE_S = 24 * 3600
"""How long an all-clear is worth handing over; later it would only puzzle."""

RETRY_FIRST_S = 2.0
RETRY_LONGEST_S = 600.0
RETRY_ASKED_LONGEST_S = 3600.0
"""A provider that asks for a longer rest than this is asked again sooner all the same."""

UNANSWERED_WAITS_S = (0.0, 60.0, 600.0, 1800.0, 3600.0, 3600.0, 7200.0, 14400.0)
"""The least wait after each hand-over that nobody answered; after as many again it is given up. Each may ring the phone.
Why: docs/decisions/0122-a-phone-that-may-have-rung-is-not-rung-all-day.md."""

LIFE_SHARE = 3
LAST_TRIES_S = 60.0
"""No wait takes more than a third of what is left of a warning, or a minute: a warning of half an hour has tries to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Tell this, about this place. *level* is the risk, or for an all-clear the level that was told."""

    kind: NotificationKind
    level: RiskLevel
    place: Place | None
    risk: Risk | None


def worst_place(subscription: Subscription, risks: list[Risk]) -> tuple[Place, Risk] | None:
    """The place that the event concerns most, and how; None when it concerns none. *risks* in the places' order."""
    concerned = [(place, risk) for place, risk in zip(subscription.places, risks, strict=True) if risk.info_indexes]
    concerned = [pair for pair in concerned if pair[1].level is not RiskLevel.NONE]
    return max(concerned, key=lambda pair: LEVELS.index(pair[1].level), default=None)


def decide(
    alert: Alert, subscription: Subscription, risks: list[Risk], told: Told | None, *, goes_on: bool = False
) -> Decision | None:
    """What this subscription must hear of the Alert at its revision; None for nothing.

    *risks* are its places', in order; *told* is what it heard before; *goes_on* says that another Alert took this one
    up and concerns the subscription: then there is nothing to give the all-clear for.
    """
    heard = told is not None and told.kind is not NotificationKind.ALL_CLEAR
    worst = worst_place(subscription, risks) if alert.state is AlertState.IN_FORCE else None
    if worst is None:
        if told is None or not heard or goes_on:
            return None
        place = subscription.places[0] if len(subscription.places) == 1 else None
        level = RiskLevel(told.level) if told.level in set(RiskLevel) else RiskLevel.NONE
        over = next((risk for risk in risks if risk.info_indexes), None)
        return Decision(kind=NotificationKind.ALL_CLEAR, level=level, place=place, risk=over)
    if not alert.pushable:
        return None
    place, risk = worst
    if not heard:
        if LEVELS.index(risk.level) < LEVELS.index(RiskLevel(subscription.minimum_level)):
            return None
        return Decision(kind=NotificationKind.WARNING, level=risk.level, place=place, risk=risk)
    return Decision(kind=NotificationKind.UPDATE, level=risk.level, place=place, risk=risk)


def is_no_news(notification: Notification, told: Told | None) -> bool:
    """Was exactly this, or something later, told before? A claim that was never confirmed does not count as told."""
    if told is None or told.state is not ToldState.SENT:
        return False
    is_over, was_over = (kind is NotificationKind.ALL_CLEAR for kind in (notification.kind, told.kind))
    if is_over and was_over:
        return True
    if is_over != was_over:
        return told.revision > notification.revision
    return told.revision >= notification.revision or told.content == notification.content


def has_nothing_to_clear(notification: Notification, told: Told | None) -> bool:
    """Is it an all-clear for somebody who was never warned?"""
    return notification.kind is NotificationKind.ALL_CLEAR and (
        told is None or (told.kind is NotificationKind.ALL_CLEAR and told.state is ToldState.SENT)
    )


def is_superseded(notification: Notification, alert: Alert | None, now_epoch_s: float) -> bool:
    """Is what it says no longer what the Alert says? Then another notification is on its way, or nothing should be."""
    if notification.kind is NotificationKind.ALL_CLEAR:
        return alert is not None and alert.revision > notification.revision
    if alert is None or alert.revision != notification.revision or not alert.pushable:
        return True
    return alert.state is not AlertState.IN_FORCE or alert.expires_epoch_s <= now_epoch_s


def quiet_until_epoch_s(*, quiet_from: str, quiet_to: str, zone: tzinfo, level: str, now_epoch_s: float) -> float:
    """When residents may be disturbed with something of this level again; 0 for now.

    Quiet hours are local times HH:MM of the city and may go over midnight; blank for none. Extreme overrides them,
    its all-clear, too.
    """
    if not quiet_from or not quiet_to or quiet_from == quiet_to or level == RiskLevel.EXTREME.value:
        return 0.0
    local = datetime.fromtimestamp(now_epoch_s, UTC).astimezone(zone)
    start, end = time.fromisoformat(quiet_from), time.fromisoformat(quiet_to)
    at = local.time().replace(second=0, microsecond=0)
    if not (start <= at < end if start < end else at >= start or at < end):
        return 0.0
    day = local.date() if at < end else local.date() + timedelta(days=1)
    until = datetime.combine(day, end, tzinfo=zone).timestamp()
    return until if until > now_epoch_s else 0.0


def retry_at_epoch_s(
    notification: Notification, *, asked_s: float | None, is_unanswered: bool, lot: float, now_epoch_s: float
) -> float | None:
    """When to hand over again what a provider did not take; None when it is to be given up.

    What the provider asked for, else doubling; ever more seldom where nobody said whether it was taken; always as long as
    there is a warning to tell. *lot* (0 to 1) spreads.
    """
    if asked_s is not None and asked_s >= 0:
        asked_s = min(asked_s, RETRY_ASKED_LONGEST_S)
        wait_s = asked_s + lot * min(asked_s * 0.2 + 0.1, 30.0)
    else:
        wait_s = min(RETRY_FIRST_S * 2.0 ** min(notification.attempts, 20), RETRY_LONGEST_S) * (0.5 + 0.5 * lot)
    if is_unanswered:
        if notification.unanswered >= len(UNANSWERED_WAITS_S):
            return None
        wait_s = max(wait_s, UNANSWERED_WAITS_S[notification.unanswered])
    left_s = notification.expires_epoch_s - now_epoch_s
    wait_s = min(wait_s, max(left_s / LIFE_SHARE, LAST_TRIES_S))
    return now_epoch_s + wait_s if wait_s < left_s else None

"""What waited (for the end of quiet hours, or for a provider) judged again when its time has come. Pure.

Meanwhile the person may have moved the place, and the event may be over. A serious warning that began and ended while its
people slept is told as what it was: docs/decisions/0111-a-serious-warning-is-never-slept-through.md.
"""

from collections.abc import Mapping
from datetime import tzinfo

from domain.alert import Alert
from domain.concern import assess_places
from domain.notification import Notification, NotificationKind, Told
from domain.risk import RiskLevel
from domain.subscription import Subscription
from notify.compose import compose, shown_label
from notify.policy import Decision, decide

SERIOUS = frozenset({RiskLevel.SEVERE.value, RiskLevel.EXTREME.value})


def is_still_due(alert: Alert, subscription: Subscription, told: Told | None, now_epoch_s: float) -> bool:
    """Would this person be told of the Alert as it is, at the places and from the level that are asked for now?"""
    decision = decide(alert, subscription, assess_places(alert, subscription.places, now_epoch_s), told)
    return decision is not None and decision.kind is not NotificationKind.ALL_CLEAR


def owes_a_word(notification: Notification, told: Told | None) -> bool:
    """Is it a serious warning that quiet hours kept back, to somebody who never heard of it?"""
    is_heard = told is not None and told.kind is not NotificationKind.ALL_CLEAR
    is_warning = notification.kind is NotificationKind.WARNING
    return notification.waited_quietly and is_warning and not is_heard and notification.level in SERIOUS


def word_of(
    notification: Notification,
    known: Mapping[str, Alert],
    subscription: Subscription,
    *,
    zone: tzinfo,
    fallback: str,
    now_epoch_s: float,
) -> Notification | None:
    """That there was a warning, and that it is over; None where nothing is to be said.

    Nothing: where the place is no longer asked for, where the event turned out to be a test, and where what goes on (the
    event, or another that took it up) still concerns the person: then that is told.
    """
    alert = known.get(notification.alert_id)
    place = next((one for one in subscription.places if shown_label(one) in {"", notification.place_label}), None)
    if alert is None or place is None or not alert.pushable:
        return None
    for going_on in (alert, known.get(alert.superseded_by)):
        if going_on is not None and is_still_due(going_on, subscription, None, now_epoch_s):
            return None
    risk = assess_places(alert, (place,), now_epoch_s)[0]
    decision = Decision(
        kind=NotificationKind.ALL_CLEAR,
        level=RiskLevel(notification.level),
        place=place,
        risk=risk if risk.info_indexes else None,
    )
    return compose(
        alert, decision, subscription, zone=zone, fallback=fallback, now_epoch_s=now_epoch_s, was_unheard=True
    )

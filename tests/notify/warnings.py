"""Alerts and residents of tests: a square of ground around (50.5, 9.5) and people in and out of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.alert import Alert, AlertInfo, AlertState, Area, MessageStatus, Severity
from domain.subscription import Device, Place, Platform, Subscription
from runtime.settings import NotifySettings, Settings

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW = AT.timestamp()
SQUARE = Area(description="The valley", polygons=(((9.0, 50.0), (10.0, 50.0), (10.0, 51.0), (9.0, 51.0), (9.0, 50.0)),))
FAR_SQUARE = replace(
    SQUARE, polygons=(((19.0, 50.0), (20.0, 50.0), (20.0, 51.0), (19.0, 51.0), (19.0, 50.0)),), description="Far away"
)


def block(**said: Any) -> AlertInfo:
    """A severe flood warning for the square until 18:00 UTC, but for what is *said*."""
    base = AlertInfo(
        language="en",
        categories=("Met",),
        event="Flood Warning",
        response_types=(),
        urgency="Immediate",
        severity=Severity.SEVERE,
        certainty="Observed",
        effective_epoch_s=int(NOW) - 600,
        onset_epoch_s=0,
        expires_epoch_s=int(NOW) + 6 * 3600,
        sender_name="Water Office",
        headline="The river is over its banks",
        description="The river has left its bed between the mill and the bridge.",
        instruction="Move to higher ground. Do not drive through water.",
        web="",
        contact="",
        event_codes=(),
        parameters=(),
        areas=(SQUARE,),
    )
    return replace(base, **said)


def flood(*infos: AlertInfo, **said: Any) -> Alert:
    """The event, in force at revision 1, but for what is *said*."""
    base = Alert(
        alert_id="civil|flood-1",
        feed_id="civil",
        revision=1,
        state=AlertState.IN_FORCE,
        status=MessageStatus.ACTUAL,
        pushable=True,
        why_not_pushable="",
        first_seen_epoch_s=int(NOW) - 60,
        updated_epoch_s=int(NOW),
        expires_epoch_s=int(NOW) + 6 * 3600,
        messages=("m1",),
        infos=infos or (block(),),
    )
    return replace(base, **said)


def over(alert: Alert, state: AlertState = AlertState.CANCELLED) -> Alert:
    """The event's next revision, ended now."""
    return replace(alert, state=state, revision=alert.revision + 1, ended_epoch_s=int(NOW), updated_epoch_s=int(NOW))


HOME = Place(label="Home", lat=50.5, lon=9.5, radius_m=500.0)
ELSEWHERE = Place(label="Cottage", lat=10.0, lon=10.0, radius_m=500.0)


def resident(name: str = "r1", *places: Place, **said: Any) -> Subscription:
    """Somebody at home in the square, reached by FCM, in English, who wants to hear everything."""
    base = Subscription(
        subscription_id=name,
        device=Device(platform=Platform.FCM, token=f"token-{name}"),
        language="en",
        places=places or (HOME,),
        minimum_level="minor",
        created_epoch_s=int(NOW),
        seen_epoch_s=int(NOW),
    )
    return replace(base, **said)


def settings(home: Path, redis_url: str = "", **notify: Any) -> Settings:
    """A deployment with nothing but push."""
    return Settings(home=home, redis_url=redis_url, redis_is_embedded=False, notify=NotifySettings(**notify))

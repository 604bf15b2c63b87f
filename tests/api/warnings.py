"""Warnings that are in force in the town, everywhere."""

from domain.alert import Alert, AlertInfo, AlertState, Area, MessageStatus, Severity
from tests.api.town import at


def info(language: str, headline: str, *, expires: int = 0) -> AlertInfo:
    return AlertInfo(
        language=language, categories=("Met",), event="Flood", response_types=(), urgency="Immediate",
        severity=Severity.SEVERE, certainty="Observed", effective_epoch_s=at(7), onset_epoch_s=0,
        expires_epoch_s=expires, sender_name="City", headline=headline, description="Water rises.",
        instruction="Go up.", web="https://city.example/flood", contact="", event_codes=(), parameters=(),
        areas=(Area(description="Harbour", everywhere=True),),
    )  # fmt: skip


def warning(alert_id: str, infos: tuple[AlertInfo, ...], *, pushable: bool = True, updated: int = 0) -> Alert:
    return Alert(
        alert_id=alert_id, feed_id="city", revision=1, state=AlertState.IN_FORCE, status=MessageStatus.ACTUAL,
        pushable=pushable, why_not_pushable="" if pushable else "test", first_seen_epoch_s=at(7),
        updated_epoch_s=updated, expires_epoch_s=at(20), messages=("m",), infos=infos,
    )  # fmt: skip

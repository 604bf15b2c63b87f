"""How far an instant is from now, as people speak of it: phones and pages choose between the same three ways to say it."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

NEAR_DAYS = 6
"""A weekday is clear for so many days; beyond them it could be last week's or next week's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenTime:
    """*way* is ``time`` (today), ``time_on_day`` (near) or ``time_on_date``; *weekday* counts from Monday (0), *month* from 1."""

    way: str
    hour: int
    minute: int
    weekday: int
    day: int
    month: int


def spoken_time(epoch_s: float, now_epoch_s: float, zone: tzinfo) -> SpokenTime:
    """The instant as it is told at *now* in *zone*."""
    local = datetime.fromtimestamp(epoch_s, UTC).astimezone(zone)
    days = abs((local.date() - datetime.fromtimestamp(now_epoch_s, UTC).astimezone(zone).date()).days)
    return SpokenTime(
        way="time" if days == 0 else "time_on_day" if days < NEAR_DAYS else "time_on_date",
        hour=local.hour, minute=local.minute, weekday=local.weekday(), day=local.day, month=local.month,
    )  # fmt: skip

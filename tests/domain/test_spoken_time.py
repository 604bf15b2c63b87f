"""How an instant is told: today, near, or with its date."""

from datetime import datetime

import pytest

from domain.service_day import zone
from domain.spoken_time import SpokenTime, spoken_time

HALIFAX = zone("America/Halifax")
NOW = datetime(2026, 11, 23, 23, 30, tzinfo=HALIFAX)


@pytest.mark.parametrize(
    ("then", "way"),
    [
        (datetime(2026, 11, 23, 0, 0, tzinfo=HALIFAX), "time"),
        (datetime(2026, 11, 24, 0, 10, tzinfo=HALIFAX), "time_on_day"),
        (datetime(2026, 11, 28, 23, 59, tzinfo=HALIFAX), "time_on_day"),
        (datetime(2026, 11, 29, 0, 0, tzinfo=HALIFAX), "time_on_date"),
        (datetime(2026, 11, 17, 12, 0, tzinfo=HALIFAX), "time_on_date"),
    ],
)
def test_days_are_counted_on_the_citys_calendar(then: datetime, way: str) -> None:
    told = spoken_time(then.timestamp(), NOW.timestamp(), HALIFAX)
    assert told == SpokenTime(
        way=way, hour=then.hour, minute=then.minute, weekday=then.weekday(), day=then.day, month=then.month
    )

"""Service days: the only place that knows time zones and "noon minus 12 h".

A ServiceTime counts seconds after *noon minus 12 hours* of its ServiceDay, and may pass 86,400: 25:30:00 is 91,800. On days when
clocks change that start is not midnight. Source: GTFS reference, field type "Time".
"""

from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone *name*; raises zoneinfo.ZoneInfoNotFoundError if there is none."""
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def start_epoch_s(day: date, zone_name: str) -> int:
    """Epoch seconds of ServiceTime 0 on *day*: local noon, converted to UTC first, minus 12 h."""
    noon = datetime.combine(day, time_of_day(12), tzinfo=zone(zone_name)).astimezone(UTC)
    return int((noon - timedelta(hours=12)).timestamp())


@lru_cache(maxsize=4096)
def _local_date(quarter_hour: int, zone_name: str) -> date:
    return datetime.fromtimestamp(quarter_hour * 900, UTC).astimezone(zone(zone_name)).date()


def local_date(epoch_s: float, zone_name: str) -> date:
    """The calendar date at *epoch_s* in the zone (all zones in use change date on a quarter hour)."""
    return _local_date(int(epoch_s // 900), zone_name)


def yyyymmdd(day: date) -> int:
    """A date as the integer GTFS writes, 20261123."""
    return day.year * 10000 + day.month * 100 + day.day


def from_yyyymmdd(number: int) -> date:
    """The date of an integer such as 20261123; raises ValueError if there is no such day."""
    return date(number // 10000, number // 100 % 100, number % 100)

"""How long everybody learns, where whole days are recorded."""

from collections import Counter
from datetime import date, datetime
from datetime import time as time_of_day

from backtest.recording import Runs, after_recorded
from domain import service_day

NIGHT_ENDS = time_of_day(3)
"""Service after midnight belongs to the day before."""
AFTERNOON = time_of_day(14)
A_DAY = 0.1
"""With a smaller share of the busiest day's runs it is no day of the recording: the night before it, or stray clocks."""


def days_of(runs: Runs) -> list[int]:
    """The service days (yyyymmdd) that are recorded, in order."""
    count = Counter(runs.service_days)
    least = A_DAY * max(count.values(), default=0)
    return sorted(day for day, runs_then in count.items() if runs_then >= least)


def until_later_days(runs: Runs, time_zone: str) -> float | None:
    """The first half of the service days is for learning (of three days two); None where there is only one."""
    days = days_of(runs)
    if len(days) < 2:
        return None
    return _local(service_day.from_yyyymmdd(days[(len(days) + 1) // 2]), NIGHT_ENDS, time_zone)


def until_afternoon_or_later_days(runs: Runs, time_zone: str, pieces: tuple[tuple[float, float], ...]) -> float:
    """The same; of a single day up to 14:00, or 40 % of what is recorded where that does not lie well inside it."""
    later = until_later_days(runs, time_zone)
    if later is not None:
        return later
    start_s, end_s = pieces[0][0], pieces[-1][1]
    noonish = _local(service_day.from_yyyymmdd(days_of(runs)[0]), AFTERNOON, time_zone)
    if start_s + 7200.0 <= noonish <= end_s - 7200.0:
        return noonish
    return after_recorded(pieces, 0.4 * sum(end - start for start, end in pieces))


def _local(day: date, clock: time_of_day, time_zone: str) -> float:
    moment = datetime.combine(day, clock, tzinfo=service_day.zone(time_zone))
    return moment.timestamp()

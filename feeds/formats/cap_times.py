"""Times as issuers of warnings write them, which is more ways than the standard knows.

Source: OASIS CAP 1.2 §3.3.2 (``2002-05-24T16:49:00-07:00``; UTC is ``-00:00``); RFC 5322 for RSS.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(Z|UTC|GMT|[-+,]\s*\d{1,2}(?::?\d{2})?)?",
    re.IGNORECASE,
)
_MINUS = str.maketrans("\u2212\u2010\u2011\u2013", "----")
"""Dashes that word processors make of a minus."""
MAX_TEXT = 100
BUDDHIST_YEARS = 543
"""Thailand's calendar is this far ahead."""


class Instant(NamedTuple):
    """*epoch_s* is 0 when the text says no time at all; *fault* says what was unusual, blank when nothing."""

    epoch_s: int
    fault: str = ""


def read_time(text: str) -> Instant:
    """The instant that *text* means. A time without a zone is taken for UTC."""
    text = text.strip().translate(_MINUS)
    if not text:
        return Instant(0)
    if len(text) > MAX_TEXT:
        return Instant(0, f"not a time: {text[:40]!r}")
    found = _ISO.fullmatch(text)
    if not found:
        return _from_mail(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    faults = [] if found.group(7) else ["no time zone, taken for UTC"]
    if 2400 <= year <= 2800:
        year -= BUDDHIST_YEARS
        faults.append("year of the Buddhist calendar")
    try:
        next_day = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta()
        moment = datetime(year, month, day, 0 if next_day else hour, minute, min(second, 59), tzinfo=_zone(found[7]))
        return _within_reason(moment + next_day, text, "; ".join(faults))
    except (ValueError, OverflowError):
        return Instant(0, f"not a time: {text[:40]!r}")


def _zone(text: str | None) -> timezone:
    if text is None or text[0] not in "+-,":
        return UTC
    digits = text[1:].replace(":", "").strip()
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(offset if text[0] == "+" else -offset)


def _from_mail(text: str) -> Instant:
    try:
        moment = parsedate_to_datetime(text)
        fault = "written as in mail, not as in ISO 8601"
        return _within_reason(moment if moment.tzinfo else moment.replace(tzinfo=UTC), text, fault)
    except (ValueError, OverflowError, TypeError, IndexError):
        return Instant(0, f"not a time: {text[:40]!r}")


def _within_reason(moment: datetime, text: str, fault: str) -> Instant:
    if not 1990 <= moment.year <= 2200:
        return Instant(0, f"not a time of our days: {text[:40]!r}")
    return Instant(int(moment.timestamp()), fault)

"""Parameters of a request: read, checked, and refused with what was expected. Pure.

Times in the API are epoch milliseconds, or ``yyyy-MM-dd_HH-mm-ss`` on the agency's clock. Unknown parameters
(``app_uid``, ``app_ver`` …) are ignored.
"""

import math
import re
from datetime import UTC, date, datetime
from functools import lru_cache
from urllib.parse import parse_qsl

from api.errors import RequestRefused, invalid
from domain import service_day

MAX_QUERY_BYTES = 8192
MAX_EPOCH_MS = 253_402_300_799_000
"""The last second of the year 9999."""
MAX_LON = 3600.0
"""Ten worlds away; beyond it is a mistake."""
MAX_WHOLE = 2**31 - 1
"""The largest whole number that OneBusAway's own server reads."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def escaped(query: bytes) -> bytes:
    """The query string with every byte beyond ASCII percent-encoded, which some clients send as it is."""
    return query if query.isascii() else re.sub(rb"[^\x00-\x7f]", lambda byte: b"%%%02X" % ord(byte[0]), query)


@lru_cache(maxsize=1024)
def parse_query(query: bytes) -> dict[str, str]:
    """The query string as a mapping; the first of repeated names counts. Never to be changed by its reader."""
    if len(query) > MAX_QUERY_BYTES:
        raise RequestRefused(414, f"query: expected at most {MAX_QUERY_BYTES} bytes, found {len(query)}")
    try:
        pairs = parse_qsl(escaped(query).decode(), keep_blank_values=True, max_num_fields=100, errors="replace")
    except ValueError as error:
        raise invalid("query", "at most 100 parameters") from error
    return dict(reversed(pairs))


def text(query: dict[str, str], name: str) -> str:
    """The parameter, or blank."""
    return query.get(name, "").strip()


def integer(query: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number from *low* to *high*; absent or blank means *default*."""
    given = query.get(name)
    if given is None or not (given := given.strip()):
        return default
    try:
        number = int(given) if len(given) <= 20 else high + 1
    except ValueError:
        raise invalid(name, f"expected a whole number from {low} to {high}, found {given[:40]!r}") from None
    if not low <= number <= high:
        raise invalid(name, f"expected a whole number from {low} to {high}, found {given[:40]}")
    return number


def longitude(query: dict[str, str], name: str, *, required: bool = False) -> float | None:
    """Degrees within ±180, or None when absent. Maps that repeat the world send them some turns off."""
    take = required_number if required else optional_number
    given = take(query, name, -MAX_LON, MAX_LON)
    return given if given is None or -180 <= given <= 180 else (given + 180) % 360 - 180


def optional_number(query: dict[str, str], name: str, low: float, high: float) -> float | None:
    """A decimal number from *low* to *high*, or None when absent or blank."""
    given = text(query, name)
    if not given:
        return None
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise invalid(name, f"expected a number from {low:g} to {high:g}, found {given[:40]!r}")
    return number


def required_number(query: dict[str, str], name: str, low: float, high: float) -> float:
    """A decimal number from *low* to *high* that must be there."""
    number = optional_number(query, name, low, high)
    if number is None:
        raise invalid(name, f"required: a number from {low:g} to {high:g}")
    return number


def boolean(query: dict[str, str], name: str, default: bool) -> bool:
    """``true`` or ``false`` (also 1, 0, yes, no); absent or blank means *default*."""
    given = text(query, name).lower()
    if not given:
        return default
    if given in ("true", "1", "yes"):
        return True
    if given in ("false", "0", "no"):
        return False
    raise invalid(name, f"expected true or false, found {given[:40]!r}")


def instant_epoch_s(query: dict[str, str], name: str, time_zone: str) -> float | None:
    """An instant (milliseconds, local ``yyyy-MM-dd_HH-mm-ss`` or ``yyyy-MM-dd``, or ISO 8601) as epoch seconds, or None.

    ISO 8601 is what SDKs send whose language has a type for instants; without an offset it is on the agency's clock.
    """
    given = text(query, name)
    if not given:
        return None
    if given.isascii() and given.isdigit():  # also eight digits: to apps, any number counts milliseconds
        milliseconds = int(given) if len(given) <= 15 else MAX_EPOCH_MS + 1
        if milliseconds > MAX_EPOCH_MS:
            raise invalid(name, "expected epoch milliseconds before the year 10000")
        return milliseconds / 1000
    for pattern in ("%Y-%m-%d_%H-%M-%S", "%Y-%m-%d"):
        try:
            local = datetime.strptime(given, pattern).replace(tzinfo=service_day.zone(time_zone))
            return local.astimezone(UTC).timestamp()
        except (ValueError, OverflowError):
            continue
    if "T" in given and len(given) <= 40:
        try:
            at = datetime.fromisoformat(given.replace(" ", "+"))  # a plus sign that nobody encoded
            at = at if at.tzinfo else at.replace(tzinfo=service_day.zone(time_zone))
            return at.astimezone(UTC).timestamp()
        except (ValueError, OverflowError):
            pass
    raise invalid(name, f"expected epoch milliseconds, yyyy-MM-dd or yyyy-MM-dd_HH-mm-ss, found {given[:40]!r}")


def service_date(query: dict[str, str], name: str, time_zone: str) -> date | None:
    """A service day, given as milliseconds of its start or ``yyyy-MM-dd``; None when absent."""
    given = text(query, name)
    if not given:
        return None
    if _DATE.fullmatch(given):
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise invalid(name, f"expected epoch milliseconds or yyyy-MM-dd, found {given!r}") from None
    epoch_s = instant_epoch_s(query, name, time_zone)
    if epoch_s is None:
        return None
    # The day's start is noon minus 12 h: on days when clocks change it lies an hour off midnight, either side.
    return service_day.local_date(epoch_s + 3600, time_zone)


def box(query: dict[str, str]) -> tuple[float, float, float, float]:
    """``bbox=west,south,east,north`` in degrees (the order of GeoJSON), as (south, west, north, east)."""
    given = text(query, "bbox")
    parts = given.split(",")
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError:
        raise _bad_box(given) from None
    if not (-90 <= south <= north <= 90 and -180 <= west <= east <= 180):
        raise _bad_box(given)
    return south, west, north, east


def _bad_box(given: str) -> RequestRefused:
    return invalid("bbox", f"expected west,south,east,north in degrees, found {given[:60]!r}")

"""``current-time``: the city's present."""

from datetime import UTC, datetime

from api.formats import oba
from api.where import Ask
from domain import service_day


def current_time(ask: Ask) -> bytes:
    """The present, as milliseconds and readable on the city's clock."""
    served = next(iter(ask.replica.served.values()), None)
    zone = service_day.zone(served.bundle.time_zone if served is not None else ask.settings.time_zone)
    local = datetime.fromtimestamp(int(ask.now_epoch_s), UTC).astimezone(zone)
    return ask.entry(oba.encode({"readableTime": local.isoformat(), "time": int(ask.now_epoch_s * 1000)}))

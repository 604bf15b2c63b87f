"""The model town's health office: a case rate for each district, as GeoJSON. The format is in docs/formats.md.

New figures come every morning, and one set a little after the town is opened, in which one district rises past the
threshold. The figures depend on the seed and on the date they speak of, counted from the day the town was built for.
"""

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from domain.service_day import local_date, start_epoch_s
from simulator.city import City
from simulator.specials import lot
from simulator.streets import COLUMNS, ROWS, ground, lat_lon

SOURCE = "Larkhaven Health Office (invented)"
PUBLISHED_AT_S = 6 * 3600
"""Figures of a day are published at this ServiceTime of the day."""
FIRST_FIGURES_AFTER_S = 120.0
"""The day's figures of the day the town is opened come this much later, so that one can watch a district rise."""

_ACROSS, _UP = 4, 3
_NAMES = (
    "Cedar Heights", "Old Fort", "Harbour", "Saltmarsh", "Westbrook", "Old Town", "Tanners Row", "Ironworks",
    "Pinehurst", "Northgate", "Larkfield", "Aerodrome",
)  # fmt: skip
_RISING = 5
"""Old Town: the district that crosses the threshold."""
_RISING_RATES = {-7: 21.0, -6: 24.0, -5: 28.0, -4: 33.0, -3: 38.0, -2: 44.0, -1: 57.0, 0: 118.0, 1: 131.0, 2: 139.0}
"""Cases per 100,000 in 7 days by day, counted from the day the town was built for."""


@dataclass(frozen=True, slots=True)
class District:
    """A part of town; *ring* is closed, (lon, lat) degrees as GeoJSON writes, counter-clockwise."""

    district_id: str
    name: str
    population: int
    ring: tuple[tuple[float, float], ...]


def districts(seed: int) -> tuple[District, ...]:
    """Twelve districts that tile the town: neighbours share their borders point by point."""
    found = []
    for number, name in enumerate(_NAMES):
        up, across = divmod(number, _ACROSS)
        west, east = (_edge(part, _ACROSS, COLUMNS) for part in (across, across + 1))
        south, north = (_edge(part, _UP, ROWS) for part in (up, up + 1))
        corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
        ring: list[tuple[float, float]] = []
        for (column, row), (to_column, to_row) in pairwise(corners):
            for part in range(8):
                place = ground(column + (to_column - column) * part / 8, row + (to_row - row) * part / 8)
                latitude, longitude = lat_lon(place)
                ring.append((longitude, latitude))
        population = 5_000 + round(lot(seed, "population", number) * 14_000)
        found.append(District(f"D{number + 1:02d}", name, population, (*ring, ring[0])))
    return tuple(found)


def _edge(part: int, parts: int, blocks: int) -> float:
    """Borders lie half a block outside the outermost streets."""
    return -0.5 + blocks * part / parts


def newest_data_date(city: City, now: datetime, started_at: datetime) -> date:
    """The day the newest published figures speak of."""
    today = local_date(now.timestamp(), city.timezone)
    opened_on = local_date(started_at.timestamp(), city.timezone)
    if today == opened_on:
        fresh = (now - started_at).total_seconds() >= FIRST_FIGURES_AFTER_S
    else:
        fresh = now.timestamp() >= start_epoch_s(today, city.timezone) + PUBLISHED_AT_S
    return today if fresh else today - timedelta(days=1)


def published_epoch_s(city: City, data_date: date, started_at: datetime) -> int:
    """When the figures that speak of *data_date* were published."""
    if data_date == local_date(started_at.timestamp(), city.timezone):
        return int(started_at.timestamp() + FIRST_FIGURES_AFTER_S)
    return start_epoch_s(data_date, city.timezone) + PUBLISHED_AT_S


def cases_7day(city: City, number: int, population: int, data_date: date) -> int:
    """Cases reported in the seven days that end on *data_date* in the district *number* (from 0)."""
    day = (data_date - city.built_for).days
    if number == _RISING:
        rate = _RISING_RATES.get(day, 18.0 if day < 0 else max(140.0 - 6.0 * (day - 2), 20.0))
    else:
        base = 12 + 22 * lot(city.seed, "cases", number)
        rate = base * (1 + 0.3 * math.sin(math.tau * (data_date.toordinal() / 28 + lot(city.seed, "wave", number))))
    return round(rate * population / 100_000)


def case_rates(city: City, now: datetime, started_at: datetime, frozen_at: datetime | None = None) -> bytes:
    """The feed as published at an instant; *frozen_at* is the instant a stuck publisher's clock shows."""
    clock = min(now, frozen_at) if frozen_at else now
    data_date = newest_data_date(city, clock, started_at)
    published_at = _iso(published_epoch_s(city, data_date, started_at))
    features = []
    for number, district in enumerate(districts(city.seed)):
        cases = cases_7day(city, number, district.population, data_date)
        features.append(
            {
                "type": "Feature",
                "id": district.district_id,
                "geometry": {"type": "Polygon", "coordinates": [district.ring]},
                "properties": {
                    "district_id": district.district_id,
                    "name": district.name,
                    "data_date": data_date.isoformat(),
                    "cases_7day": cases,
                    "population": district.population,
                    "cases_per_100k_7day": round(cases * 100_000 / district.population, 1),
                    "published_at": published_at,
                },
            }
        )
    collection = {
        "type": "FeatureCollection",
        "published_at": published_at,
        "source": SOURCE,
        "features": features,
    }
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _iso(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

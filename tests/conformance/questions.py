"""Everything that can be asked of a city: every endpoint, for every kind of thing it has, many of each.

A question is (path of the contract, path and id, query).
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from api.formats import oba
from api.status import trip_ids_of_row
from domain import service_day
from domain.ids import qualify
from tests.conformance.cities import City

Item = TypeVar("Item")


class Question(NamedTuple):
    """One question; *endpoint* is the path's first part."""

    endpoint: str
    path: str
    query: str = ""

    def __str__(self) -> str:
        return f"{self.path}?{self.query}"


def questions(city: City, seed: int = 1) -> Iterator[Question]:
    """Deterministic for one *seed*."""
    pick = _Picker(city, seed)
    for endpoint in ("agencies-with-coverage", "config", "current-time"):
        yield Question(endpoint, endpoint)
    for code in pick.agencies:
        for endpoint in (
            "agency", "route-ids-for-agency", "routes-for-agency", "stop-ids-for-agency", "stops-for-agency",
            "trips-for-agency", "shape-ids-for-agency", "vehicles-for-agency",
        ):  # fmt: skip
            yield Question(endpoint, f"{endpoint}/{code}")
    yield from _of_stops(city, pick)
    yield from _of_routes(pick)
    yield from _of_trips(city, pick)
    yield from _around(city, pick)


def _of_stops(city: City, pick: "_Picker") -> Iterator[Question]:
    day = service_day.local_date(city.now_epoch_s, city.bundle.time_zone)
    for number, stop_id in enumerate(pick.stops):
        yield Question("stop", f"stop/{stop_id}")
        yield Question("arrivals-and-departures-for-stop", f"arrivals-and-departures-for-stop/{stop_id}")
        if number % 4 == 0:
            yield Question("schedule-for-stop", f"schedule-for-stop/{stop_id}", f"date={day}")
            wide = "minutesBefore=60&minutesAfter=240"
            yield Question("arrivals-and-departures-for-stop", f"arrivals-and-departures-for-stop/{stop_id}", wide)
            later = f"time={(city.now_epoch_s + 86_400) * 1000}&minutesAfter=180"
            yield Question("arrivals-and-departures-for-stop", f"arrivals-and-departures-for-stop/{stop_id}", later)
            bare = "includeReferences=false"
            yield Question("arrivals-and-departures-for-stop", f"arrivals-and-departures-for-stop/{stop_id}", bare)


def _of_routes(pick: "_Picker") -> Iterator[Question]:
    for number, route_id in enumerate(pick.routes):
        yield Question("route", f"route/{route_id}")
        yield Question("trips-for-route", f"trips-for-route/{route_id}")
        if number < 12:
            yield Question("stops-for-route", f"stops-for-route/{route_id}")
            yield Question("stops-for-route", f"stops-for-route/{route_id}", "includePolylines=false")
        if number < 4:
            yield Question("schedule-for-route", f"schedule-for-route/{route_id}")
    for shape_id in pick.shapes:
        yield Question("shape", f"shape/{shape_id}")
    for block_id in pick.blocks:
        yield Question("block", f"block/{block_id}")


def _of_trips(city: City, pick: "_Picker") -> Iterator[Question]:
    for trip_id in pick.trips:
        yield Question("trip", f"trip/{trip_id}")
        yield Question("trip-details", f"trip-details/{trip_id}")
    for trip_id, date, stop_id, position in pick.told:
        start_ms = city.bundle.day_start_epoch_s(service_day.from_yyyymmdd(date)) * 1000
        yield Question("trip-details", f"trip-details/{trip_id}", f"serviceDate={start_ms}")
        yield Question("trip", f"trip/{trip_id}")
        if stop_id:
            asked = f"tripId={_quoted(trip_id)}&serviceDate={start_ms}"
            yield Question("arrivals-and-departures-for-stop", f"arrivals-and-departures-for-stop/{stop_id}")
            yield Question("arrival-and-departure-for-stop", f"arrival-and-departure-for-stop/{stop_id}",
                           f"{asked}&stopSequence={position}")  # fmt: skip
    for vehicle_id in pick.vehicles:
        yield Question("trip-for-vehicle", f"trip-for-vehicle/{vehicle_id}")
        yield Question("vehicle", f"vehicle/{vehicle_id}")


def _around(city: City, pick: "_Picker") -> Iterator[Question]:
    bundle = city.bundle
    platforms = [row for row in range(len(bundle.stop_ids)) if bundle.stop_parent[row] >= 0]
    for row in (*pick.sample(range(len(bundle.stop_ids)), 6), *pick.sample(platforms, 2)):
        lat, lon = bundle.stop_lat[row], bundle.stop_lon[row]
        here = f"lat={lat:.5f}&lon={lon:.5f}"
        box = f"{here}&latSpan=0.02&lonSpan=0.02"
        for endpoint in ("stops-for-location", "routes-for-location", "arrivals-and-departures-for-location"):
            yield Question(endpoint, endpoint, here)
            yield Question(endpoint, endpoint, f"{box}&radius=0")
            yield Question(endpoint, endpoint, f"{here}&radius=2000&maxCount=20")
        everything = "includeStatus=true&includeSchedule=true"
        yield Question("trips-for-location", "trips-for-location", f"{box}&includeStatus=true")
        yield Question("trips-for-location", "trips-for-location", f"{here}&radius=1500&{everything}")
        yield Question("trips-for-location", "trips-for-location", box)
        yield Question("search", "search/stop", f"input={_quoted(bundle.texts[bundle.stop_name[row]])}")
    for row in pick.sample(range(len(bundle.route_ids)), 3):
        name = bundle.texts[bundle.route_short_name[row]] or bundle.texts[bundle.route_long_name[row]]
        yield Question("search", "search/route", f"input={_quoted(name)}")
    for endpoint in ("stops-for-location", "routes-for-location", "arrivals-and-departures-for-location"):
        yield Question(endpoint, endpoint, "lat=0&lon=0")


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


class _Picker:
    def __init__(self, city: City, seed: int) -> None:
        self._random = random.Random(seed)
        bundle = city.bundle
        (served,) = city.application.replica.served.values()
        fragments = served.fragments
        live, usable = served.live_at(city.now_epoch_s)
        assert live is not None
        assert all(usable)
        self.agencies = [agency.code for agency in bundle.agencies]
        stations = [row for row in range(len(bundle.stop_ids)) if bundle.stop_location_type[row] == 1]
        told = [row for row in range(len(live.trip)) if trip_ids_of_row(served, live, row)[2] >= 0]
        calls = [(row, call) for row in told for call in range(live.ptr[row], live.ptr[row + 1]) if live.told[call]]
        busy = [live.call_stop[call] for _, call in self.sample(calls, 25) if live.call_stop[call] >= 0]
        rows = dict.fromkeys([*self.sample(range(len(bundle.stop_ids)), 40), *self.sample(stations, 8), *busy])
        self.stops = [qualify(bundle.code, bundle.stop_ids[row]) for row in rows]
        self.routes = [fragments.route(row).route_id for row in self.sample(range(len(bundle.route_ids)), 30)]
        shapes = self.sample(range(len(bundle.shape_ids)), 5)
        self.shapes = [qualify(bundle.code, bundle.shape_ids[row]) for row in shapes]
        blocks = self.sample(range(len(bundle.block_ids)), 5)
        self.blocks = [qualify(bundle.code, bundle.block_ids[row]) for row in blocks]
        self.trips = [fragments.trip_id(row) for row in self.sample(range(len(bundle.trip_ids)), 20)]
        special = [row for row in told if live.relationship[row]]
        self.told: list[tuple[str, int, str, int]] = []
        for row in dict.fromkeys([*self.sample(told, 25), *self.sample(special, 25)]):
            trip_id = oba.decode_text(trip_ids_of_row(served, live, row)[0])
            position = self._random.randrange(max(live.calls(row), 1))
            stop = live.stop_at(bundle, row, position)
            stop_id = qualify(bundle.code, bundle.stop_ids[stop]) if stop >= 0 else ""
            self.told.append((trip_id, live.service_date[row], stop_id, position))
        vehicles = self.sample(range(len(live.vehicle_ids)), 25)
        self.vehicles = [qualify(bundle.code, live.vehicle_ids[row]) for row in vehicles]

    def sample(self, items: Iterable[Item], most: int) -> Sequence[Item]:
        """At most so many of them, the same ones every time."""
        known = list(items)
        return known if len(known) <= most else self._random.sample(known, most)

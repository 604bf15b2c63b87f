"""The model town as one value, and its schedule as a GTFS zip. Same seed and day: same town, same bytes."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from domain.service_day import local_date
from simulator.gtfs_files import write_zip
from simulator.network import Network, Pattern, Stop, lay_network
from simulator.timetable import Calendar, Trip, calendar_around, make_trips
from simulator.town_plan import ROUTES, TIMEZONE, RoutePlan


@dataclass(frozen=True)
class City:
    """Everything that stays the same while the town runs."""

    seed: int
    built_for: date
    network: Network
    trips: tuple[Trip, ...]
    calendar: Calendar
    timezone: str = TIMEZONE
    routes: tuple[RoutePlan, ...] = field(default=ROUTES)

    @property
    def stops(self) -> tuple[Stop, ...]:
        return self.network.stops

    @property
    def patterns(self) -> dict[str, Pattern]:
        return self.network.patterns

    @cached_property
    def trips_by_service(self) -> dict[str, tuple[Trip, ...]]:
        """Trips of each service in order of their start."""
        services: dict[str, list[Trip]] = {}
        for trip in sorted(self.trips, key=lambda trip: (trip.start_s, trip.trip_id)):
            services.setdefault(trip.service_id, []).append(trip)
        return {service: tuple(trips) for service, trips in services.items()}

    @cached_property
    def closed_stop(self) -> Stop:
        """A stop out of use, which vehicles pass: near the middle of route 5, and no route begins or ends there."""
        ends = {stop.stop_id for pattern in self.patterns.values() for stop in (pattern.stops[0], pattern.stops[-1])}
        stops = self.patterns["5-1"].stops
        return next(stop for stop in stops[len(stops) // 2 :] if stop.stop_id not in ends and not stop.parent_station)

    @cached_property
    def gtfs_zip(self) -> bytes:
        """The schedule as a zip; made on first use (about a second), then kept."""
        return write_zip(self.network, self.trips, self.calendar, f"larkhaven-{self.seed}-{self.built_for:%Y%m%d}")


def build_city(seed: int, day: date) -> City:
    """The town of one *seed*, with a calendar around *day*."""
    network = lay_network(seed)
    return City(seed, day, network, make_trips(network), calendar_around(day))


def build_city_at(seed: int, instant: datetime) -> City:
    """The town as it is at an aware *instant*: built for the date on the town's own calendar."""
    return build_city(seed, local_date(instant.timestamp(), TIMEZONE))

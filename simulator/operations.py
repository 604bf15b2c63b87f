"""How the model town's vehicles really run: a pure function of seed, service day and instant.

Nothing here remembers when it was asked, so a town restarted shows the same vehicles in the same places. Within a
block a late vehicle starts its next trip late.
"""

import math
import random
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from domain.service_day import local_date, start_epoch_s, yyyymmdd
from simulator.city import City
from simulator.network import Pattern
from simulator.specials import Specials, choose_specials, lot
from simulator.streets import METRES_PER_DEGREE_LAT, METRES_PER_DEGREE_LON, Path, lat_lon
from simulator.timetable import Trip
from simulator.town_plan import BUNCHING_ROUTES, Mode

REPORT_EVERY_S = 15
"""A vehicle reports its position this often, each at its own phase."""
GPS_NOISE_M = 6.0
SHOWS_UP_S = 240
"""A vehicle reports its next trip from this long before its scheduled start."""
LEAVES_AFTER_S = 20
LONGEST_DELAY_S = 45 * 60
"""No run is looked for beyond this long after its scheduled end."""
DAYS_KEPT = 4

_NUMBERS = {Mode.BUS: 2000, Mode.TRAM: 8000, Mode.FERRY: 9000}


@dataclass(frozen=True, slots=True)
class Run:
    """One trip on one service day, as operated."""

    trip: Trip
    day: date
    zero_epoch_s: int
    """Epoch seconds of ServiceTime 0 on *day*."""
    vehicle_id: str
    cancelled: bool = False
    added: bool = False
    skipped: int | None = None
    """Index of a stop the vehicle passes without stopping."""
    silent_from_s: int | None = None
    """ServiceTime after which the vehicle reports no more."""
    closed_stop_id: str = ""

    @property
    def pattern(self) -> Pattern:
        return self.trip.pattern

    @property
    def detoured(self) -> bool:
        return self.pattern.detour is not None and not self.cancelled

    @property
    def missed(self) -> frozenset[int]:
        """Indexes of stops that this run does not serve."""
        missed = set(self.pattern.detour.missed) if self.pattern.detour else set()
        missed.update(i for i, stop in enumerate(self.pattern.stops) if stop.stop_id == self.closed_stop_id)
        return frozenset(missed | ({self.skipped} if self.skipped is not None else set()))

    @property
    def key(self) -> tuple[date, str, int]:
        return (self.day, self.trip.trip_id, self.trip.start_s)


@dataclass(frozen=True, slots=True)
class Passage:
    """When a vehicle really was at a stop, in epoch seconds."""

    arrived: float
    departed: float


Passages = tuple[Passage | None, ...]
"""One a stop of the pattern; None where the vehicle did not stop."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a vehicle reports of itself."""

    reported_epoch_s: int
    latitude: float
    longitude: float
    bearing: float
    speed_mps: float
    odometer_m: float
    """Metres driven since the trip's first stop."""
    index: int
    """The stop it is at, or drives to."""
    at_stop: bool


class _Day:
    """The runs of one service day."""

    def __init__(self, city: City, day: date) -> None:
        services = city.calendar.services_on(day)
        trips = tuple(trip for service in sorted(services) for trip in city.trips_by_service.get(service, ()))
        self.specials = choose_specials(trips, city.seed, yyyymmdd(day))
        zero = start_epoch_s(day, city.timezone)
        runs = _runs(trips, self.specials, city.seed, day, zero)
        self.runs = tuple(replace(run, closed_stop_id=city.closed_stop.stop_id) for run in runs)
        self.blocks: dict[str, list[Run]] = {}
        for run in self.runs:
            if not run.cancelled:
                self.blocks.setdefault(run.vehicle_id, []).append(run)
        self.passages: dict[tuple[date, str, int], Passages] = {}


class Operations:
    """The town in motion."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._days: OrderedDict[date, _Day] = OrderedDict()
        self._drives: dict[str, tuple[Path, tuple[float, ...]]] = {}

    def runs_on(self, day: date) -> tuple[Run, ...]:
        """Every run of the service day, cancelled and added ones included."""
        return self._day(day).runs

    def runs_near(self, epoch_s: float, ahead_s: float = 0.0) -> list[Run]:
        """Runs scheduled to be under way at an instant, or to start within *ahead_s*, or that may still be late."""
        today = local_date(epoch_s, self.city.timezone)
        near = []
        for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
            for run in self._day(day).runs:
                starts = run.zero_epoch_s + run.trip.start_s
                if starts - max(ahead_s, SHOWS_UP_S) <= epoch_s <= run.zero_epoch_s + run.trip.end_s + LONGEST_DELAY_S:
                    near.append(run)
        return near

    def on_the_road(self, epoch_s: float) -> list[Run]:
        """Runs whose vehicle is at work at an instant: from showing up at the first stop to leaving the last."""
        return [run for run in self.runs_near(epoch_s) if not run.cancelled and self._works(run, epoch_s)]

    def _works(self, run: Run, epoch_s: float) -> bool:
        since, until = self.working_hours(run)
        return since <= epoch_s < until

    def working_hours(self, run: Run) -> tuple[float, float]:
        """Epoch seconds between which the run's vehicle reports this trip."""
        passages = self.passages(run)
        first, last = passages[0], passages[-1]
        assert first is not None
        assert last is not None
        return max(first.arrived, run.zero_epoch_s + run.trip.start_s - SHOWS_UP_S), last.arrived + LEAVES_AFTER_S

    def passages(self, run: Run) -> Passages:
        """When the run's vehicle is at each stop; raises KeyError for a cancelled run."""
        day = self._day(run.day)
        if run.key not in day.passages:
            ready_s = -math.inf
            for worked in day.blocks[run.vehicle_id]:
                passages = self._drive(worked, ready_s)
                day.passages[worked.key] = passages
                last = passages[-1]
                assert last is not None
                ready_s = last.arrived
        return day.passages[run.key]

    def whereabouts(self, run: Run, epoch_s: float) -> Whereabouts | None:
        """The newest report at an instant of a run's vehicle, or None while it is not at work on it."""
        since, until = self.working_hours(run)
        if not since <= epoch_s < until:
            return None
        phase = int(lot(run.vehicle_id) * REPORT_EVERY_S)
        reported = epoch_s - (epoch_s - phase) % REPORT_EVERY_S
        if run.silent_from_s is not None:
            reported = min(reported, run.zero_epoch_s + run.silent_from_s)
        return self._report(run, max(reported, since))

    def _report(self, run: Run, epoch_s: float) -> Whereabouts:
        path, at_m = self._drive_path(run.pattern)
        passages = self.passages(run)
        driven_m, speed_mps, heading_for, at_stop = 0.0, 0.0, 0, True
        before: tuple[int, Passage] | None = None
        for index, passage in enumerate(passages):
            if passage is None:
                continue
            if epoch_s < passage.arrived and before is not None:
                was, left = before
                part = (epoch_s - left.departed) / max(passage.arrived - left.departed, 1.0)
                driven_m = at_m[was] + (at_m[index] - at_m[was]) * _eased(part)
                speed_mps = (at_m[index] - at_m[was]) / max(passage.arrived - left.departed, 1.0)
                at_stop = False
                heading_for = next(k for k in range(was + 1, index + 1) if at_m[k] >= driven_m)
                break
            heading_for = index
            driven_m = at_m[index]
            if epoch_s <= passage.departed:
                break
            before = (index, passage)
        place, bearing = path.place(driven_m)
        noise = random.Random(f"gps:{self.city.seed}:{run.vehicle_id}:{int(epoch_s)}")
        latitude, longitude = lat_lon(place)
        return Whereabouts(
            reported_epoch_s=int(epoch_s),
            latitude=latitude + noise.gauss(0, GPS_NOISE_M) / METRES_PER_DEGREE_LAT,
            longitude=longitude + noise.gauss(0, GPS_NOISE_M) / METRES_PER_DEGREE_LON,
            bearing=bearing,
            speed_mps=speed_mps,
            odometer_m=driven_m,
            index=heading_for,
            at_stop=at_stop,
        )

    def _drive_path(self, pattern: Pattern) -> tuple[Path, tuple[float, ...]]:
        """The way really driven and where its stops lie along it: the shape, but for a detour."""
        if pattern.pattern_id not in self._drives:
            detour, path = pattern.detour, pattern.path
            if detour is None:
                self._drives[pattern.pattern_id] = (path, pattern.stop_at_m)
            else:
                before = tuple(p for p, at in zip(path.points, path.at_m, strict=True) if at < detour.leaves_m)
                after = tuple(p for p, at in zip(path.points, path.at_m, strict=True) if at > detour.returns_m)
                closed_m = detour.returns_m - detour.leaves_m
                longer_m = detour.path.length_m - closed_m
                at_m = tuple(
                    at if at <= detour.leaves_m
                    else at + longer_m if at >= detour.returns_m
                    else detour.leaves_m + (at - detour.leaves_m) * (1 + longer_m / closed_m)
                    for at in pattern.stop_at_m
                )  # fmt: skip
                self._drives[pattern.pattern_id] = (Path((*before, *detour.path.points, *after)), at_m)
        return self._drives[pattern.pattern_id]

    def _drive(self, run: Run, ready_epoch_s: float) -> Passages:
        """Drive a whole run, starting when its vehicle is ready, and note when it is at each stop."""
        trip, pattern, zero = run.trip, run.pattern, run.zero_epoch_s
        rng = random.Random(f"drive:{self.city.seed}:{run.day}:{trip.trip_id}:{trip.start_s}")
        leader, follower = _bunching(trip)
        _, drive_at_m = self._drive_path(pattern)
        start_s = zero + trip.start_s
        arrived = max(start_s - SHOWS_UP_S, ready_epoch_s + LEAVES_AFTER_S)
        departed = max(start_s + max(rng.gauss(12, 22), 0.0), ready_epoch_s + 60) + (300 if leader else 0)
        passages: list[Passage | None] = [Passage(arrived, departed)]
        pace = rng.gauss(0.985, 0.045) + (0.24 if leader else -0.18 if follower else 0.0)
        missed = run.missed
        planned_s = 0.0
        last = len(pattern.stops) - 1
        since_index = 0
        for index in range(1, last + 1):
            planned_s += (trip.run.arrivals[index] - trip.run.departures[index - 1]) * rng.lognormvariate(0.0, 0.12)
            if index in missed:
                passages.append(None)
                continue
            metres = pattern.stop_at_m[index] - pattern.stop_at_m[since_index]
            longer = (drive_at_m[index] - drive_at_m[since_index]) / metres if metres else 1.0
            arrived = departed + max(planned_s * pace * _rush(departed - zero) * longer, 8.0)
            planned_dwell_s = 12 if index == last else trip.run.departures[index] - trip.run.arrivals[index]
            dwell_s = min(planned_dwell_s, 20) * rng.lognormvariate(0.0, 0.35)
            if rng.random() < 0.03:
                dwell_s += rng.uniform(20, 55)
            departed = arrived + dwell_s
            if pattern.timepoints[index] and not follower:
                departed = max(departed, zero + trip.departure_s(index))
            passages.append(Passage(arrived, departed))
            planned_s, since_index = 0.0, index
        return tuple(passages)

    def _day(self, day: date) -> _Day:
        if day not in self._days:
            self._days[day] = _Day(self.city, day)
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        self._days.move_to_end(day)
        return self._days[day]


def _eased(part: float) -> float:
    """Distance driven after *part* of the time between two stops: vehicles speed up and brake."""
    part = min(max(part, 0.0), 1.0)
    return 0.75 * part + 0.25 * part * part * (3 - 2 * part)


def _rush(service_time_s: float) -> float:
    """How much longer driving takes than the schedule knows, by time of day."""
    hour = service_time_s / 3600
    return 1 + 0.13 * math.exp(-(((hour - 8.2) / 0.9) ** 2)) + 0.16 * math.exp(-(((hour - 17.2) / 1.1) ** 2))


def _bunching(trip: Trip) -> tuple[bool, bool]:
    """(is the late leader of a bunch, is the follower that catches up)."""
    if trip.route_id not in BUNCHING_ROUTES or not trip.block_id:
        return False, False
    even = int(trip.trip_id[-3:]) % 2 == 0
    return even, not even


def _runs(trips: tuple[Trip, ...], specials: Specials, seed: int, day: date, zero: int) -> Iterator[Run]:
    """The runs in order of start; a block's vehicle has the same number all day, another the next day."""
    odd_day = 1000 * (day.toordinal() % 2)
    numbers: dict[tuple[Mode, str], str] = {}

    def vehicle(mode: Mode, work: str) -> str:
        if (mode, work) not in numbers:
            numbers[mode, work] = str(_NUMBERS[mode] + (odd_day if mode is Mode.BUS else odd_day // 2) + len(numbers))
        return numbers[mode, work]

    runs = []
    for trip in trips:
        mode = trip.pattern.route.mode
        if trip.headway:
            for start_s in _departures(trip, seed, day):
                timed = replace(trip, start_s=start_s, headway=())
                runs.append(Run(timed, day, zero, vehicle(mode, f"{trip.trip_id}@{start_s}")))
        else:
            runs.append(
                Run(
                    trip, day, zero, vehicle(mode, trip.block_id),
                    cancelled=trip.trip_id in specials.cancelled,
                    skipped=specials.skipped.get(trip.trip_id),
                    silent_from_s=specials.silent.get(trip.trip_id),
                )
            )  # fmt: skip
    runs += [Run(trip, day, zero, vehicle(Mode.BUS, trip.trip_id), added=True) for trip in specials.added]
    return iter(sorted(runs, key=lambda run: (run.trip.start_s, run.trip.trip_id)))


def _departures(template: Trip, seed: int, day: date) -> Iterator[int]:
    """When a frequency-based trip really starts (``exact_times`` 0): about every headway."""
    for since, until, every in template.headway:
        for planned_s in range(since, until, every):
            yield planned_s + round((lot(seed, day, template.trip_id, planned_s) - 0.5) * 90)

"""The stops, routes and patterns of the model town, laid over its streets."""

import itertools
import math
from dataclasses import dataclass

from simulator.streets import (
    Leg,
    Metres,
    Node,
    Path,
    Streets,
    ground,
    leg_along,
    river_column,
)
from simulator.town_plan import (
    AVENUES,
    DETOUR_ROUTES,
    HARBOUR_FERRIES,
    PLACES,
    ROUTES,
    STATIONS,
    STREETS,
    TOWN_TRANSIT,
    Agency,
    Mode,
    RoutePlan,
)

STOP_GAP_M = 250.0
"""A new stop is put where the last one lies at least this far behind."""
SHARED_GAP_M = 190.0
"""An existing stop of another route is used from this distance on."""
EXPRESS_GAP_M = 1_700.0
KERB_M = 7.0
"""Stops lie this far right of the middle of the street."""
BEFORE_CROSSING_M = 22.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A row of stops.txt: a place to board (0), a station (1) or an entrance (2) by *location_type*."""

    stop_id: str
    name: str
    place: Metres
    location_type: int = 0
    parent_station: str = ""
    platform_code: str = ""
    wheelchair_boarding: int = 1


@dataclass(frozen=True, slots=True)
class Detour:
    """Where a route leaves its shape: from *leaves_m* to *returns_m* along it, over *path* instead."""

    leaves_m: float
    returns_m: float
    path: Path
    missed: tuple[int, ...]
    """Indexes of the stops that are not served."""
    street: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way a route runs: its stops in order, and where along the shape each lies."""

    pattern_id: str
    route: RoutePlan
    direction: int
    headsign: str
    stops: tuple[Stop, ...]
    stop_at_m: tuple[float, ...]
    path: Path
    timepoints: tuple[bool, ...]
    ends: tuple[Node, Node]
    """The crossings where it begins and ends: where a vehicle may change to another trip."""
    detour: Detour | None = None

    @property
    def route_id(self) -> str:
        return self.route.short_name

    def pickup_type(self, index: int) -> int:
        """GTFS ``pickup_type`` at the stop *index*."""
        if index == len(self.stops) - 1:
            return 1
        if self.route.on_request and index:
            return 2
        return 1 if self.route.express and index > len(self.stops) // 2 else 0

    def drop_off_type(self, index: int) -> int:
        """GTFS ``drop_off_type`` at the stop *index*."""
        if index == 0:
            return 1
        return 3 if self.route.ask_driver and index < len(self.stops) - 1 else 0


@dataclass(frozen=True, slots=True)
class Network:
    """All stops (in order of their ids) and all patterns, by id."""

    stops: tuple[Stop, ...]
    patterns: dict[str, Pattern]


def agency_of(route: RoutePlan) -> Agency:
    """Who runs a route."""
    return HARBOUR_FERRIES if route.mode is Mode.FERRY else TOWN_TRANSIT


def lay_network(seed: int) -> Network:
    """The network of one seed; the same seed gives the same network."""
    return _Surveyor(seed).survey()


class _Surveyor:
    def __init__(self, seed: int) -> None:
        self.streets = Streets(seed)
        self.places = {name: self.streets.nearest(*at) for name, at in PLACES.items()}
        self.stations = {self.places[name]: name for name in STATIONS}
        self.names_at = {node: name for name, node in self.places.items()}
        self.stops: dict[tuple[Node, str], Stop] = {}
        self.others: list[Stop] = []
        self.patterns: dict[str, Pattern] = {}
        self.next_number = 1001

    def survey(self) -> Network:
        for number, name in enumerate(STATIONS, start=1):
            east, north = ground(*self.places[name])
            self.others.append(Stop(f"ST{number}", name, (east, north), location_type=1))
        east, north = ground(*self.places["Central Station"])
        self.others.append(
            Stop("ST1-E", "Central Station, Oak Avenue entrance", (east + 46, north - 12), 2, "ST1", "", 1)
        )
        for route in ROUTES:
            if route.mode is Mode.FERRY:
                self._lay_ferry(route)
            else:
                self._lay_street_route(route)
        stops = sorted((*self.stops.values(), *self.others), key=lambda stop: (len(stop.stop_id), stop.stop_id))
        return Network(tuple(stops), self.patterns)

    def _lay_street_route(self, route: RoutePlan) -> None:
        there = self.streets.walk([self.places[name] for name in route.via])
        self.streets.spread(there)
        self._lay(route, 0, route.via[-1], there)
        if not route.is_loop:
            self._lay(route, 1, route.via[0], leg_along(list(there.nodes[::-1])))

    def _lay(self, route: RoutePlan, direction: int, headsign: str, leg: Leg) -> None:
        path = Path(leg.points)
        sites = self._sites(route, direction, leg, path)
        stops = tuple(stop for stop, _ in sites)
        at_m = tuple(at for _, at in sites)
        detour = None
        if direction == 0 and route.short_name in DETOUR_ROUTES:
            detour = self._detour(leg, path, at_m)
        pattern = Pattern(
            pattern_id=f"{route.short_name}-{direction}",
            route=route,
            direction=direction,
            headsign=headsign if not route.is_loop else f"{route.long_name} via {route.via[1]}",
            stops=stops,
            stop_at_m=at_m,
            path=path,
            timepoints=_timepoints(stops),
            ends=(leg.nodes[0], leg.nodes[-1]),
            detour=detour,
        )
        self.patterns[pattern.pattern_id] = pattern
        if route.short_turn and direction == 0:
            self._shorten(pattern, leg)

    def _shorten(self, pattern: Pattern, leg: Leg) -> None:
        """The same pattern, ending at two thirds of its stops."""
        keep = len(pattern.stops) * 2 // 3
        end_m = pattern.stop_at_m[keep - 1]
        last = next(index for index, at in enumerate(pattern.path.at_m) if at >= end_m)
        ends_at = next(index for index, point in enumerate(leg.node_points) if point >= last)
        stops = pattern.stops[:keep]
        self.patterns[f"{pattern.pattern_id}s"] = Pattern(
            pattern_id=f"{pattern.pattern_id}s",
            route=pattern.route,
            direction=pattern.direction,
            headsign=stops[-1].name,
            stops=stops,
            stop_at_m=pattern.stop_at_m[:keep],
            path=Path(leg.points[: leg.node_points[ends_at] + 1]),
            timepoints=_timepoints(stops),
            ends=(pattern.ends[0], leg.nodes[ends_at]),
        )

    def _sites(self, route: RoutePlan, direction: int, leg: Leg, path: Path) -> list[tuple[Stop, float]]:
        gap_m = EXPRESS_GAP_M if route.express else STOP_GAP_M
        last = len(leg.nodes) - 1
        sites: list[tuple[Stop, float]] = []
        for index, node in enumerate(leg.nodes):
            node_m = path.at_m[leg.node_points[index]]
            at_m = min(max(node_m - BEFORE_CROSSING_M, 0.0), path.length_m)
            if index == last:
                at_m = path.length_m
            key = self._key(leg, index, route, direction)
            behind_m = at_m - sites[-1][1] if sites else math.inf
            ahead_m = path.length_m - at_m
            if 0 < index < last:
                named = node in self.names_at and self.names_at[node] in route.via
                wanted = named or behind_m >= gap_m or (not route.express and key in self.stops)
                if not wanted or behind_m < SHARED_GAP_M or ahead_m < SHARED_GAP_M:
                    continue
            if key not in self.stops:
                self.stops[key] = self._found(key, path, at_m)
            sites.append((self.stops[key], round(at_m, 1)))
        return sites

    def _key(self, leg: Leg, index: int, route: RoutePlan, direction: int) -> tuple[Node, str]:
        """What makes a stop one stop: the crossing and the way one faces; at a station, the platform."""
        node = leg.nodes[index]
        if node in self.stations:
            name = self.stations[node]
            if route.mode is Mode.TRAM:
                return node, f"platform {1 + direction}"
            order = [plan.short_name for plan in ROUTES].index(route.short_name)
            return node, f"platform {3 + (order * 2 + (0 if route.is_loop else direction)) % (STATIONS[name] - 2)}"
        before, after = (leg.nodes[index - 1], node) if index else (node, leg.nodes[1])
        return node, f"facing {after[0] - before[0]} {after[1] - before[1]}"

    def _found(self, key: tuple[Node, str], path: Path, at_m: float) -> Stop:
        node, side = key
        stop_id = str(self.next_number)
        self.next_number += 1
        wheelchair = (1, 1, 1, 2, 1, 1, 0, 1, 1, 1, 1, 1)[self.next_number % 12]
        if node in self.stations:
            name = self.stations[node]
            platform = side.removeprefix("platform ")
            angle = math.tau * int(platform) / STATIONS[name]
            east, north = ground(*node)
            place = (east + 24 * math.sin(angle), north + 24 * math.cos(angle))
            parent = f"ST{list(STATIONS).index(name) + 1}"
            return Stop(stop_id, f"{name}, platform {platform}", place, 0, parent, platform, 1)
        (east, north), bearing = path.place(at_m)
        right = math.radians(bearing + 90.0)
        place = (east + KERB_M * math.sin(right), north + KERB_M * math.cos(right))
        street, avenue = f"{STREETS[node[1]]} Street", f"{AVENUES[node[0]]} Avenue"
        along_street = side.endswith(" 0")
        name = f"{street} at {avenue}" if along_street else f"{avenue} at {street}"
        if node in self.names_at:
            name = self.names_at[node]
        return Stop(stop_id, name, place, wheelchair_boarding=wheelchair)

    def _detour(self, leg: Leg, path: Path, stop_at_m: tuple[float, ...]) -> Detour:
        """Close a stretch of three blocks around the middle of *leg* and drive around it.

        The stretch is moved along until a way around exists that misses at least one stop.
        """
        middle = len(leg.nodes) // 2
        for shift in sorted(range(-middle + 2, middle - 4), key=abs):
            first = middle + shift
            nodes = leg.nodes[first : first + 4]
            closed = frozenset(frozenset(pair) for pair in itertools.pairwise(nodes))
            leaves_m, returns_m = (path.at_m[leg.node_points[index]] for index in (first, first + 3))
            missed = tuple(index for index, at in enumerate(stop_at_m) if leaves_m < at < returns_m)
            if not missed or 0 in missed or len(stop_at_m) - 1 in missed:
                continue
            try:
                around = Path(self.streets.walk([nodes[0], nodes[-1]], closed).points)
            except ValueError:
                continue
            if around.length_m < 3_000 and _strays_m(around, path) > 180:
                street = STREETS[nodes[0][1]] if nodes[0][1] == nodes[1][1] else AVENUES[nodes[0][0]]
                kind = "Street" if nodes[0][1] == nodes[1][1] else "Avenue"
                return Detour(leaves_m, returns_m, around, missed, f"{street} {kind}")
        raise ValueError("no street of the detour route can be closed")

    def _lay_ferry(self, route: RoutePlan) -> None:
        west, east = river_column(1.4) - 2.3, river_column(1.4) + 2.3
        landings = {"Harbour Landing": (west, 1.4), "East Quay Landing": (east, 1.4), "Breakwater": (east - 0.4, -2.2)}
        course = [
            landings["Harbour Landing"],
            (west + 1.2, 0.8),
            (west + 2.6, 0.5),
            (west + 3.8, 1.0),
            landings["East Quay Landing"],
            (east - 1.0, 0.3),
            (east - 1.3, -0.9),
            landings["Breakwater"],
        ]
        stops = {
            name: Stop(f"F{number}", name, ground(*landings[name])) for number, name in enumerate(route.via, start=1)
        }
        self.others.extend(stops.values())
        for direction, (line, names) in enumerate(((course, route.via), (course[::-1], route.via[::-1]))):
            path = Path(tuple(ground(*at) for at in line))
            quay = 4 if direction == 0 else 3
            self.patterns[f"F1-{direction}"] = Pattern(
                pattern_id=f"F1-{direction}",
                route=route,
                direction=direction,
                headsign=names[-1],
                stops=tuple(stops[name] for name in names),
                stop_at_m=(0.0, round(path.at_m[quay], 1), round(path.length_m, 1)),
                path=path,
                timepoints=(True, True, True),
                ends=((-1, direction), (-1, 1 - direction)),
            )


def _timepoints(stops: tuple[Stop, ...]) -> tuple[bool, ...]:
    last = len(stops) - 1
    return tuple(index in {0, last} or bool(stop.parent_station) or index % 6 == 0 for index, stop in enumerate(stops))


def _strays_m(around: Path, path: Path) -> float:
    """How far the middle of *around* lies from every point of *path*."""
    middle, _ = around.place(around.length_m / 2)
    return min(math.dist(middle, point) for point in path.points)

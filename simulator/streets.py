"""The ground of the model town: bending streets, a river with few bridges, a harbour.

Places are given on the *street grid* as (column, row), columns west to east and rows south to north; :func:`ground`
bends that grid into metres, so that no street is straight. Metres are east and north of the town's middle.
"""

import heapq
import itertools
import math
import random
from dataclasses import dataclass
from functools import lru_cache

Node = tuple[int, int]
"""A crossing on the street grid: (column, row)."""

Metres = tuple[float, float]
"""(east, north) of the town's middle, in metres."""

COLUMNS = 34
ROWS = 28
BLOCK_M = 270.0
"""Mean distance between two parallel streets."""

MIDDLE_LAT, MIDDLE_LON = 44.2300, -65.4100
"""Uninhabited forest: an invented town there can be mistaken for no real one."""

METRES_PER_DEGREE_LAT = 111_195.0
METRES_PER_DEGREE_LON = METRES_PER_DEGREE_LAT * math.cos(math.radians(MIDDLE_LAT))

BRIDGE_ROWS = frozenset({5, 9, 14, 19, 24})
HARBOUR_ROWS = 3
"""South of this row the river is a harbour, two blocks wide on each side of its middle."""

SERVED_ALREADY = 1.06
"""How much dearer a street becomes for the next route once a route runs through it."""

EDGE_PARTS = 4
"""Points along one street block, so that shapes bend between crossings."""


def ground(column: float, row: float) -> Metres:
    """Where a (possibly fractional) grid place lies: the bend that makes the streets irregular."""
    x = (column - (COLUMNS - 1) / 2) * BLOCK_M
    y = (row - (ROWS - 1) / 2) * BLOCK_M
    east = x + 150 * math.sin(0.31 * row + 0.7) + 48 * math.sin(0.9 * row + 0.45 * column + 1.1)
    north = y + 130 * math.sin(0.27 * column + 0.4) + 44 * math.sin(0.8 * column - 0.5 * row + 2.3)
    return east, north


def lat_lon(place: Metres) -> tuple[float, float]:
    """(latitude, longitude) in degrees, WGS 84, to a tenth of a metre."""
    east, north = place
    return (
        round(MIDDLE_LAT + north / METRES_PER_DEGREE_LAT, 6),
        round(MIDDLE_LON + east / METRES_PER_DEGREE_LON, 6),
    )


def river_column(row: float) -> float:
    """The (fractional) column of the river's middle at *row*."""
    return 19.4 + 2.6 * math.sin(0.4 * row)


def river_bank(row: float, side: int, width: float) -> Metres:
    """A point *width* columns west (side -1) or east (+1) of the river's middle."""
    return ground(river_column(row) + side * width, row)


def is_water(node: Node) -> bool:
    """True for grid places in the harbour, where there is no street."""
    column, row = node
    return row < HARBOUR_ROWS and abs(column - river_column(row)) < 2.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A walk along streets: *nodes* in order and the *points* between, with the index of each node's point."""

    nodes: tuple[Node, ...]
    points: tuple[Metres, ...]
    node_points: tuple[int, ...]


class Streets:
    """The town's street network for one seed."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"streets:{seed}")
        self._neighbours: dict[Node, dict[Node, float]] = {}
        for row in range(ROWS):
            for column in range(COLUMNS):
                here = (column, row)
                for there in ((column + 1, row), (column, row + 1)):
                    park = rng.random() < 0.05
                    mood = rng.uniform(0.8, 1.3)
                    if there[0] >= COLUMNS or there[1] >= ROWS or is_water(here) or is_water(there):
                        continue
                    if self._crosses_river(here, there):
                        if here[1] != there[1] or row not in BRIDGE_ROWS:
                            continue
                    elif park and row not in BRIDGE_ROWS:
                        continue
                    artery = (
                        0.6 if (here[1] == there[1] and row in BRIDGE_ROWS) or self._is_avenue(here, there) else 1.0
                    )
                    cost = math.dist(ground(*here), ground(*there)) * artery * mood
                    self._neighbours.setdefault(here, {})[there] = cost
                    self._neighbours.setdefault(there, {})[here] = cost

    @staticmethod
    def _crosses_river(here: Node, there: Node) -> bool:
        return (here[0] < river_column(here[1])) != (there[0] < river_column(there[1]))

    @staticmethod
    def _is_avenue(here: Node, there: Node) -> bool:
        return here[0] == there[0] and here[0] % 6 == 1

    def nearest(self, column: float, row: float) -> Node:
        """The crossing nearest to a grid place that has streets."""
        return min(self._neighbours, key=lambda node: (node[0] - column) ** 2 + (node[1] - row) ** 2)

    def walk(self, waypoints: list[Node], avoiding: frozenset[frozenset[Node]] = frozenset()) -> Leg:
        """The cheapest way through *waypoints* in order, never over a street in *avoiding*, never doubling back.

        Raises ValueError when a waypoint cannot be reached.
        """
        nodes = [waypoints[0]]
        for goal in waypoints[1:]:
            came_from = nodes[-2] if len(nodes) > 1 else None
            nodes.extend(self._cheapest(nodes[-1], goal, avoiding, came_from)[1:])
        return leg_along(nodes)

    def spread(self, leg: Leg) -> None:
        """Make the streets of *leg* dearer, so that the next route is laid through other quarters."""
        for here, there in zip(leg.nodes, leg.nodes[1:], strict=False):
            self._neighbours[here][there] *= SERVED_ALREADY
            self._neighbours[there][here] *= SERVED_ALREADY

    def _cheapest(
        self, start: Node, goal: Node, avoiding: frozenset[frozenset[Node]], came_from: Node | None
    ) -> list[Node]:
        best: dict[Node, float] = {start: 0.0}
        previous: dict[Node, Node] = {}
        queue = [(0.0, start)]
        while queue:
            cost, node = heapq.heappop(queue)
            if node == goal:
                path = [goal]
                while path[-1] != start:
                    path.append(previous[path[-1]])
                return path[::-1]
            if cost > best[node]:
                continue
            for neighbour, step in self._neighbours[node].items():
                if avoiding and frozenset((node, neighbour)) in avoiding:
                    continue
                if node == start and neighbour == came_from and len(self._neighbours[node]) > 1:
                    continue
                total = cost + step
                if total < best.get(neighbour, math.inf):
                    best[neighbour] = total
                    previous[neighbour] = node
                    heapq.heappush(queue, (total, neighbour))
        raise ValueError(f"no street leads from {start} to {goal}")


@lru_cache(maxsize=4096)
def _edge_points(here: Node, there: Node) -> tuple[Metres, ...]:
    """The bending points between two crossings, without the first, with the last."""
    return tuple(
        ground(
            here[0] + (there[0] - here[0]) * part / EDGE_PARTS,
            here[1] + (there[1] - here[1]) * part / EDGE_PARTS,
        )
        for part in range(1, EDGE_PARTS + 1)
    )


def leg_along(nodes: list[Node]) -> Leg:
    """The walk over *nodes*, each a neighbour of the one before."""
    points = [ground(*nodes[0])]
    node_points = [0]
    for here, there in itertools.pairwise(nodes):
        points.extend(_edge_points(here, there))
        node_points.append(len(points) - 1)
    return Leg(tuple(nodes), tuple(points), tuple(node_points))


class Path:
    """A line on the ground that can be asked where one is after so many metres."""

    __slots__ = ("at_m", "length_m", "points")

    def __init__(self, points: tuple[Metres, ...]) -> None:
        self.points = points
        travelled = 0.0
        at_m = [0.0]
        for here, there in itertools.pairwise(points):
            travelled += math.dist(here, there)
            at_m.append(travelled)
        self.at_m = tuple(at_m)
        self.length_m = travelled

    def place(self, distance_m: float) -> tuple[Metres, float]:
        """The point *distance_m* along (clamped to the ends) and the bearing there, degrees clockwise from north."""
        distance_m = min(max(distance_m, 0.0), self.length_m)
        low, high = 0, len(self.at_m) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if self.at_m[middle] <= distance_m:
                low = middle
            else:
                high = middle
        here, there = self.points[low], self.points[high]
        span = self.at_m[high] - self.at_m[low]
        part = (distance_m - self.at_m[low]) / span if span else 0.0
        east, north = there[0] - here[0], there[1] - here[1]
        bearing = math.degrees(math.atan2(east, north)) % 360.0
        return (here[0] + east * part, here[1] + north * part), bearing

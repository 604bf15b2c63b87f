"""What answers refer to: routes, stops and trips as pieces encoded once, and the list of those that one answer needs."""

from typing import NamedTuple


class RoutePiece(NamedTuple):
    """A route. *row_part* are the three route members of an arrival."""

    route_id: str
    id: bytes
    reference: bytes
    row_part: bytes
    agency: int


class StopPiece(NamedTuple):
    """A stop, with all that is referred to when it is: its routes, their agencies, its station."""

    stop: int
    stop_id: str
    id: bytes
    reference: bytes
    stops: dict[bytes, bytes]
    routes: dict[bytes, bytes]
    agencies: dict[bytes, bytes]


class Guest(NamedTuple):
    """A route of another timetable that calls at a stop, and its agency's id and object."""

    route: RoutePiece
    agency_id: bytes
    agency: bytes


class TripPiece(NamedTuple):
    """A trip: what every row about it needs, so that it is looked up once."""

    trip_id: str
    id: bytes
    reference: bytes
    headsign: bytes
    route: int
    calls: int
    call_row: int
    time_row: int
    start_s: int
    block: int
    frequency: int
    """Row of its window where it has no published times, else -1."""


class References:
    """The objects an answer refers to, each once."""

    __slots__ = ("agencies", "routes", "situations", "stops", "trips")

    def __init__(self) -> None:
        self.agencies: dict[bytes, bytes] = {}
        self.routes: dict[bytes, bytes] = {}
        self.situations: dict[bytes, bytes] = {}
        self.stops: dict[bytes, bytes] = {}
        self.trips: dict[bytes, bytes] = {}

    def add_stop(self, piece: StopPiece) -> None:
        if piece.id not in self.stops:
            self.stops.update(piece.stops)
            self.routes.update(piece.routes)
            self.agencies.update(piece.agencies)

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in self.__slots__)

    def copy(self) -> "References":
        """The same, to be added to."""
        made = References()
        for name in self.__slots__:
            setattr(made, name, dict(getattr(self, name)))
        return made

    def encode(self) -> bytes:
        return b'{"agencies":[%b],"routes":[%b],"situations":[%b],"stopTimes":[],"stops":[%b],"trips":[%b]}' % (
            b",".join(self.agencies.values()),
            b",".join(self.routes.values()),
            b",".join(self.situations.values()),
            b",".join(self.stops.values()),
            b",".join(self.trips.values()),
        )


NO_REFERENCES = References().encode()

"""Pieces of answers that stay the same as long as one timetable is in force, encoded once, on first need.

A :class:`Fragments` belongs to one bundle and goes away with it. Its memory is bounded: a cache that is full is
emptied, because building a piece again costs some ten microseconds.
"""

from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from api.directions import Direction, directions_of, headsign_of
from api.formats import oba
from api.plane import stops_within
from api.references import Guest, References, RoutePiece, StopPiece, TripPiece
from api.shelves import Budget, Shelf
from domain.ids import qualify
from domain.timetable import Agency, PickupType
from store.timetable import Bundle

NO_PICKUP = int(PickupType.NONE)
"""Nobody may board here; of a drop-off type, nobody may get off."""
NEARBY_M = 100.0
"""How far a stop may be to count as nearby. Source: OneBusAway, nearbyStopIds."""
MAX_PIECES = 20_000
"""Small pieces of a kind (routes, blocks, lists of platforms) kept: they are not weighed, and take 2 MB at most."""
STOP_BYTES, TRIP_BYTES = 750, 480
"""Of memory for a piece, beside the object that answers refer to."""

Value = TypeVar("Value")


class Fragments:
    """The pieces of one timetable."""

    def __init__(self, bundle: Bundle, budget: Budget) -> None:
        self.bundle = bundle
        self.code = bundle.code
        self.agencies = [(oba.encode(agency.code), oba.agency(agency)) for agency in bundle.agencies]
        self._guests: dict[int, tuple[Guest, ...]] = {}
        self._routes: dict[int, RoutePiece] = {}
        self._stops: Shelf[int, StopPiece] = Shelf(budget)
        self._trips: Shelf[int, TripPiece] = Shelf(budget)
        self._together: dict[tuple[int, ...], tuple[dict[bytes, bytes], dict[bytes, bytes]]] = {}
        self._nearby: dict[int, tuple[bytes, tuple[int, ...]]] = {}
        self._blocks: dict[tuple[int, date], dict[int, int]] = {}
        self._platforms: dict[int, tuple[int, ...]] = {}
        self._headsigns: dict[int, bytes] = {}
        self._directions: dict[int, tuple[Direction, ...]] = {}
        self._polylines: dict[int, bytes] = {}
        self._service_ids: dict[int, bytes] = {}
        self._bounds: dict[int, tuple[float, float, float, float]] = {}

    @cached_property
    def max_dwell_s(self) -> int:
        """The longest stay of any trip at any call, at most an hour: how much wider a window by departure must be."""
        arrivals, departures = self.bundle.array("profile_arrival_s"), self.bundle.array("profile_departure_s")
        return min(3600, max(0, int((departures - arrivals).max()))) if len(arrivals) else 0

    @cached_property
    def trip_end_s(self) -> npt.NDArray[np.int32]:
        """ServiceTime of every trip's last arrival; before its start for a trip without calls."""
        bundle = self.bundle
        starts, profiles, pointers = (bundle.array(name) for name in ("trip_start_s", "trip_profile", "profile_ptr"))
        if not len(bundle.array("profile_arrival_s")):
            return np.asarray(starts - 1, np.int32)
        last = pointers[profiles + 1] - 1
        empty = last < pointers[profiles]
        return np.asarray(starts + np.where(empty, -1, bundle.array("profile_arrival_s")[last]), np.int32)

    def agency(self, row: int) -> Agency:
        return self.bundle.agencies[row]

    def routes_of(self, agency: int) -> list[int]:
        """Rows of the agency's routes, in the order in which it wants them shown; those that no trip runs on come last."""
        bundle = self.bundle
        rows = [row for row in range(len(bundle.route_ids)) if bundle.route_agency[row] == agency]
        return sorted(rows, key=lambda row: (not len(bundle.route_trip_rows(row)), bundle.route_sort[row], row))

    def route(self, row: int) -> RoutePiece:
        """The route's piece."""
        return self._routes.get(row) or _keep(self._routes, row, self._make_route)

    def refer_to_route(self, references: References, row: int) -> None:
        """Add the route, with its agency."""
        piece = self.route(row)
        references.routes[piece.id] = piece.reference
        agency_id, agency = self.agencies[piece.agency]
        references.agencies[agency_id] = agency

    def stop(self, row: int) -> StopPiece:
        """The stop's piece."""
        found = self._stops.get(row)
        if found is None:
            found = self._make_stop(row)
            self._stops.put(row, found, STOP_BYTES + sum(map(len, found.stops.values())))
        return found

    def trip(self, row: int) -> TripPiece:
        """The trip's piece."""
        found = self._trips.get(row)
        if found is None:
            found = self._make_trip(row)
            self._trips.put(row, found, TRIP_BYTES + len(found.reference))
        return found

    def routes_together(self, rows: tuple[int, ...]) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """The routes and their agencies, to refer to: many stops and visits share them, so nobody changes them."""
        found = self._together.get(rows)
        if found is None:
            pieces = [self.route(row) for row in rows]
            agencies = sorted({piece.agency for piece in pieces} or {self.bundle.main_agency})
            found = (
                {piece.id: piece.reference for piece in pieces},
                dict(self.agencies[agency] for agency in agencies),
            )
            if len(self._together) >= MAX_PIECES:
                self._together.clear()
            self._together[rows] = found
        return found

    def nearby(self, row: int) -> tuple[bytes, tuple[int, ...]]:
        """Ids (as a JSON array) and rows of other stops within 100 m, nearest first."""
        return self._nearby.get(row) or _keep(self._nearby, row, self._make_nearby)

    def platforms(self, row: int) -> tuple[int, ...]:
        """Stops whose calls count as the stop's: itself, and all platforms of a station."""
        return self._platforms.get(row) or _keep(self._platforms, row, self._make_platforms)

    def block_sequence(self, trip: int, block: int, day: date) -> int:
        """0-based place of the trip among those of its block that run on *day*; 0 without a block."""
        if block < 0:
            return 0
        return self.block_day(block, day).get(trip, 0)

    def block_day(self, block: int, day: date) -> dict[int, int]:
        """Trip rows of the block that run on *day*, by start, each with its 0-based place."""
        found = self._blocks.get((block, day))
        if found is None:
            active, service = self.bundle.active(day), self.bundle.trip_service
            running = (trip for trip in self.bundle.block_rows(block) if active[service[trip]])
            found = {trip: place for place, trip in enumerate(running)}
            if len(self._blocks) >= MAX_PIECES:
                self._blocks.clear()
            self._blocks[(block, day)] = found
        return found

    def headsign_text(self, row: int) -> bytes:
        """The text of a call's own headsign, as JSON."""
        found = self._headsigns.get(row)
        if found is None:
            found = self._headsigns[row] = oba.encode(self.bundle.texts[row])
        return found

    def service_id(self, row: int) -> bytes:
        """The service's qualified id, as JSON."""
        found = self._service_ids.get(row)
        if found is None:
            found = self._service_ids[row] = oba.encode(qualify(self.code, self.bundle.service_ids[row]))
        return found

    def stop_id(self, row: int) -> bytes:
        """The stop's qualified id, as JSON."""
        return self.stop(row).id

    def directions(self, route: int) -> tuple[Direction, ...]:
        """The route's directions."""
        return self._directions.get(route) or _keep(
            self._directions, route, lambda row: directions_of(self.bundle, row)
        )

    def bounds(self, trip: int) -> tuple[float, float, float, float]:
        """(south, west, north, east) of the trip's shape, or of its stops where it has none."""
        pattern = self.bundle.trip_pattern(trip)
        return self._bounds.get(pattern) or _keep(self._bounds, pattern, lambda _: self._make_bounds(trip))

    def _make_bounds(self, trip: int) -> tuple[float, float, float, float]:
        bundle, shape = self.bundle, self.bundle.trip_shape(trip)
        if shape >= 0:
            lats, lons, _ = bundle.shape(shape)
        else:
            stops = bundle.trip_stops(trip)
            lats, lons = bundle.array("stop_lat")[stops], bundle.array("stop_lon")[stops]
        if not len(lats):
            return 90.0, 180.0, -90.0, -180.0
        return float(lats.min()), float(lons.min()), float(lats.max()), float(lons.max())

    def polyline(self, shape: int) -> bytes:
        """The shape's line, encoded."""
        return self._polylines.get(shape) or _keep(self._polylines, shape, self._make_polyline, most=1000)

    def _make_polyline(self, shape: int) -> bytes:
        lats, lons, _ = self.bundle.shape(shape)
        return oba.polyline(lats.tolist(), lons.tolist())

    def trip_id(self, row: int) -> str:
        """Qualified with the code of its route's agency."""
        bundle = self.bundle
        return qualify(self.bundle.agency_of_route(bundle.trip_route[row]).code, bundle.trip_ids[row])

    def _make_route(self, row: int) -> RoutePiece:
        it = self.bundle.route(row)
        route_id = qualify(it.agency_code, it.raw_id)
        return RoutePiece(
            route_id=route_id,
            id=oba.encode(route_id),
            reference=oba.route(it),
            row_part=b'"routeId":%b,"routeLongName":%b,"routeShortName":%b'
            % (oba.encode(route_id), oba.encode(it.long_name), oba.encode(it.short_name or it.long_name)),
            agency=self.bundle.route_agency[row],
        )

    def _make_platforms(self, row: int) -> tuple[int, ...]:
        bundle = self.bundle
        if bundle.stop_location_type[row] != 1:
            return (row,)
        children = (child for child in bundle.stop_child_rows(row) if bundle.stop_location_type[child] in (0, 4))
        return (row, *children)

    def routes_at(self, row: int) -> list[int]:
        """Rows of the routes that call at the stop, or anywhere in the station."""
        rows: set[int] = set()
        for platform in self.platforms(row):
            rows.update(self.bundle.stop_route_rows(platform))
        return sorted(rows)

    def guests_at(self, row: int) -> tuple[Guest, ...]:
        """The routes that call at the stop, for another timetable that knows the same place."""
        pieces = (self.route(route) for route in self.routes_at(row))
        return tuple(Guest(piece, *self.agencies[piece.agency]) for piece in pieces)

    def host(self, guests: dict[int, tuple[Guest, ...]]) -> None:
        """From now on those routes call at those stops, too."""
        self._guests = guests
        self._stops.clear()

    def _encode_stop(self, row: int) -> tuple[bytes, bytes]:
        it = self.bundle.stop(row)
        route_ids = [self.route(route).route_id for route in self.routes_at(row)]
        route_ids += [it.route.route_id for it in self._guests.get(row, ())]
        stop_id = oba.encode(qualify(self.code, it.raw_id))
        return stop_id, oba.stop(it, self.code, list(dict.fromkeys(route_ids)))

    def _make_stop(self, row: int) -> StopPiece:
        bundle = self.bundle
        stop_id, reference = self._encode_stop(row)
        stops, rows = {stop_id: reference}, dict.fromkeys(self.routes_at(row))
        guests = list(self._guests.get(row, ()))
        parent = bundle.stop_parent[row]
        while parent >= 0 and len(stops) < 3:  # platform in a station, boarding area on a platform: never deeper
            parent_id, stops_reference = self._encode_stop(parent)
            stops[parent_id] = stops_reference
            rows.update(dict.fromkeys(self.routes_at(parent)))
            guests += self._guests.get(parent, ())
            parent = bundle.stop_parent[parent]
        routes, agencies = self.routes_together(tuple(rows))
        if guests:
            routes = routes | {guest.route.id: guest.route.reference for guest in guests}
            agencies = agencies | {guest.agency_id: guest.agency for guest in guests}
        return StopPiece(
            stop=row,
            stop_id=qualify(self.code, bundle.stop_ids[row]),
            id=stop_id,
            reference=reference,
            stops=stops,
            routes=routes,
            agencies=agencies,
        )

    def _make_trip(self, row: int) -> TripPiece:
        bundle = self.bundle
        it = bundle.trip(row)
        route = bundle.trip_route[row]
        trip_id, calls = self.trip_id(row), bundle.trip_length(row)
        headsign = headsign_of(bundle, row)
        window = bundle.trip_frequency[row]
        return TripPiece(
            trip_id=trip_id,
            id=oba.encode(trip_id),
            reference=oba.trip(
                it, trip_id=trip_id, route_id=self.route(route).route_id, code=self.code, headsign=headsign
            ),
            headsign=oba.encode(headsign),
            route=route,
            calls=calls,
            call_row=bundle.call_row(row),
            time_row=bundle.time_row(row),
            start_s=bundle.trip_start_s[row],
            block=bundle.trip_block[row],
            frequency=-1 if window < 0 or bundle.frequency_exact[window] else window,
        )

    def _make_nearby(self, row: int) -> tuple[bytes, tuple[int, ...]]:
        found, _ = stops_within(self.bundle, self.bundle.stop_lat[row], self.bundle.stop_lon[row], NEARBY_M)
        rows = tuple(other for other in found if other != row and self.bundle.stop_location_type[other] == 0)
        ids = oba.encode([qualify(self.code, self.bundle.stop_ids[other]) for other in rows])
        return ids, rows


def _keep(cache: dict[int, Value], row: int, make: Callable[[int], Value], most: int = MAX_PIECES) -> Value:
    made = make(row)
    if len(cache) >= most:
        cache.clear()
    cache[row] = made
    return made

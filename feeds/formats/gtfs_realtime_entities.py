"""TripUpdates and VehiclePositions into columns, entity by entity, as the bindings' generated classes read them.

The thorough way, for whatever ``gtfs_realtime_columns`` leaves as irregular; both ways must give the same.
"""

from array import array
from typing import Any

import numpy as np

from domain.feed import Problem, ProblemLevel
from domain.realtime import NO_VALUE, OCCUPANCY_NAMES, StopRelationship, TripRelationship, TripUpdates, Vehicles
from feeds.formats.gtfs_realtime_columns import date_number, properties_of, stamp_s, time_s

NAN = float("nan")
_TRIP_RELATIONSHIPS = frozenset(TripRelationship)
_STOP_RELATIONSHIPS = frozenset(StopRelationship)


def note(problems: dict[str, Problem], code: str, where: str, message: str) -> None:
    """One more of a kind of problem; the first is described."""
    known = problems.get(code)
    problems[code] = Problem(
        code=code, level=ProblemLevel.WARNING, where=known.where if known else where,
        message=known.message if known else message, count=known.count + 1 if known else 1,
    )  # fmt: skip


class _Descriptors:
    """The columns that TripUpdates and Vehicles share: which trip is meant."""

    def __init__(self) -> None:
        self.trip_ids: list[str] = []
        self.route_ids: list[str] = []
        self.direction = array("i")
        self.start_date = array("i")
        self.start_time_s = array("i")
        self.relationship = array("B")

    def describe(self, trip: Any, where: str, problems: dict[str, Problem]) -> None:
        """Take one TripDescriptor in."""
        relationship = trip.schedule_relationship
        if relationship not in _TRIP_RELATIONSHIPS:
            note(problems, "rt_trip_relationship", where, f"schedule_relationship {relationship} is unknown; ignored")
            relationship = 2
        self.trip_ids.append(trip.trip_id)
        self.route_ids.append(trip.route_id)
        self.direction.append(trip.direction_id if trip.HasField("direction_id") and trip.direction_id < 2 else NO_VALUE)  # fmt: skip
        self.start_date.append(date_number(trip.start_date))
        self.start_time_s.append(time_s(trip.start_time) if trip.start_time else NO_VALUE)
        self.relationship.append(relationship)

    def shared(self) -> dict[str, Any]:
        """What both have, by the names of its columns."""
        return {
            "trip_ids": self.trip_ids,
            "route_ids": self.route_ids,
            "direction": np.array(self.direction, np.int32),
            "start_date": np.array(self.start_date, np.int32),
            "start_time_s": np.array(self.start_time_s, np.int32),
            "relationship": np.array(self.relationship, np.uint8),
        }


class TripColumns(_Descriptors):
    """Trip updates, entity by entity."""

    def __init__(self) -> None:
        super().__init__()
        self.vehicle_ids: list[str] = []
        self.vehicle_labels: list[str] = []
        self.timestamp = array("q")
        self.delay = array("i")
        self.ptr = array("i", [0])
        self.sequence = array("i")
        self.stop_rows: dict[str, int] = {}
        self.stop_ref = array("i")
        self.stop_relationship = array("B")
        self.events = (array("q"), array("i"), array("i"), array("q"), array("i"), array("i"))
        self.properties: dict[int, dict[str, str]] = {}
        self.stop_properties: dict[int, dict[str, str]] = {}

    def add(self, entity: Any, problems: dict[str, Problem]) -> None:
        """Take one entity in; what is wrong with it goes into *problems*, by code."""
        update = entity.trip_update
        self.describe(update.trip, entity.id, problems)
        self.vehicle_ids.append(update.vehicle.id)
        self.vehicle_labels.append(update.vehicle.label)
        self.timestamp.append(stamp_s(update.timestamp))
        self.delay.append(update.delay if update.HasField("delay") else NO_VALUE)
        if update.HasField("trip_properties"):
            self.properties[len(self.trip_ids) - 1] = properties_of(update.trip_properties)
        stop_rows = self.stop_rows
        for stop in update.stop_time_update:
            relationship = stop.schedule_relationship
            if relationship not in _STOP_RELATIONSHIPS:
                note(problems, "rt_stop_relationship", entity.id, f"schedule_relationship {relationship} is unknown; taken as no data")  # fmt: skip
                relationship = 2
            self.sequence.append(min(stop.stop_sequence, 2**31 - 1) if stop.HasField("stop_sequence") else NO_VALUE)
            stop_id = stop.stop_id
            self.stop_ref.append(stop_rows.setdefault(stop_id, len(stop_rows)) if stop_id else -1)
            self.stop_relationship.append(relationship)
            self._event(stop.arrival if stop.HasField("arrival") else None, 0)
            self._event(stop.departure if stop.HasField("departure") else None, 3)
            if stop.HasField("stop_time_properties"):
                self.stop_properties[len(self.sequence) - 1] = properties_of(stop.stop_time_properties)
        self.ptr.append(len(self.sequence))

    def _event(self, event: Any, first: int) -> None:
        times, delays, uncertainties = self.events[first : first + 3]
        if event is None:
            times.append(0)
            delays.append(NO_VALUE)
            uncertainties.append(NO_VALUE)
            return
        times.append(event.time if 0 < event.time < 2**32 else 0)
        delays.append(event.delay if event.HasField("delay") else NO_VALUE)
        uncertainties.append(event.uncertainty if event.HasField("uncertainty") else NO_VALUE)

    def done(self, header_epoch_s: int) -> TripUpdates:
        """All that were taken in, as columns."""
        arrival, arrival_delay, arrival_wide, departure, departure_delay, departure_wide = self.events
        return TripUpdates(
            header_epoch_s=header_epoch_s,
            vehicle_ids=self.vehicle_ids,
            vehicle_labels=self.vehicle_labels,
            timestamp_epoch_s=np.array(self.timestamp, np.int64),
            delay_s=np.array(self.delay, np.int32),
            ptr=np.array(self.ptr, np.int32),
            stop_sequence=np.array(self.sequence, np.int32),
            stop_ids=list(self.stop_rows),
            stop_ref=np.array(self.stop_ref, np.int32),
            stop_relationship=np.array(self.stop_relationship, np.uint8),
            arrival_epoch_s=np.array(arrival, np.int64),
            arrival_delay_s=np.array(arrival_delay, np.int32),
            arrival_uncertainty_s=np.array(arrival_wide, np.int32),
            departure_epoch_s=np.array(departure, np.int64),
            departure_delay_s=np.array(departure_delay, np.int32),
            departure_uncertainty_s=np.array(departure_wide, np.int32),
            properties=self.properties,
            stop_properties=self.stop_properties,
            **self.shared(),
        )


class VehicleColumns(_Descriptors):
    """Vehicle positions, entity by entity; those without a believable position are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.vehicle_ids: list[str] = []
        self.labels: list[str] = []
        self.stop_ids: list[str] = []
        self.rows: list[tuple[float, float, float, float, float]] = []
        self.whole: list[tuple[int, int, int, int, int, int]] = []
        self.carriages: dict[int, list[dict[str, str | int]]] = {}

    def add(self, entity: Any, problems: dict[str, Problem]) -> None:
        """Take one entity in; what is wrong with it goes into *problems*, by code."""
        vehicle = entity.vehicle
        if not vehicle.HasField("position"):
            note(problems, "rt_no_position", entity.id, "a vehicle without a position; left out")
            return
        at = vehicle.position
        if not (abs(at.latitude) <= 90 and abs(at.longitude) <= 180) or (at.latitude == 0 and at.longitude == 0):
            note(problems, "rt_bad_position", entity.id, f"{at.latitude}, {at.longitude} is nowhere on earth a bus runs; left out")  # fmt: skip
            return
        self.describe(vehicle.trip, entity.id, problems)
        self.vehicle_ids.append(vehicle.vehicle.id or entity.id)
        self.labels.append(vehicle.vehicle.label)
        self.stop_ids.append(vehicle.stop_id)
        self.rows.append(
            (
                at.latitude,
                at.longitude,
                at.bearing if at.HasField("bearing") else NAN,
                at.speed if at.HasField("speed") else NAN,
                at.odometer if at.HasField("odometer") else NAN,
            )
        )
        occupancy = vehicle.occupancy_status if vehicle.HasField("occupancy_status") else NO_VALUE
        self.whole.append(
            (
                min(vehicle.current_stop_sequence, 2**31 - 1)
                if vehicle.HasField("current_stop_sequence")
                else NO_VALUE,
                vehicle.current_status,
                stamp_s(vehicle.timestamp),
                vehicle.congestion_level if vehicle.HasField("congestion_level") else NO_VALUE,
                occupancy if 0 <= occupancy < len(OCCUPANCY_NAMES) else NO_VALUE,
                vehicle.occupancy_percentage
                if vehicle.HasField("occupancy_percentage") and vehicle.occupancy_percentage < 1000
                else NO_VALUE,
            )
        )
        if vehicle.multi_carriage_details:
            self.carriages[len(self.vehicle_ids) - 1] = [
                {name.name: value for name, value in carriage.ListFields() if isinstance(value, (str, int))}
                for carriage in vehicle.multi_carriage_details
            ]

    def done(self, header_epoch_s: int) -> Vehicles:
        """All that were taken in, as columns."""
        lat, lon, bearing, speed, odometer = np.array(self.rows, float).T
        sequence, status, stamp, congestion, occupancy, percentage = np.array(self.whole, np.int64).T
        return Vehicles(
            header_epoch_s=header_epoch_s,
            vehicle_ids=self.vehicle_ids,
            labels=self.labels,
            stop_ids=self.stop_ids,
            lat=lat.copy(),
            lon=lon.copy(),
            bearing_deg=bearing.astype(np.float32),
            speed_mps=speed.astype(np.float32),
            odometer_m=odometer.copy(),
            current_stop_sequence=sequence.astype(np.int32),
            current_status=np.clip(status, 0, 2).astype(np.uint8),
            timestamp_epoch_s=stamp.copy(),
            congestion=congestion.astype(np.int32),
            occupancy=occupancy.astype(np.int32),
            occupancy_percentage=percentage.astype(np.int32),
            carriages=self.carriages,
            **self.shared(),
        )

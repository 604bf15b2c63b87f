"""What the model town's operators say of their vehicles, as GTFS-realtime 2.0 messages.

The predictions are an ordinary agency's: the delay at the last stop passed, carried forward and pulled in where a
timepoint absorbs it, with a little error. They are not the truth; the truth is ``Operations.passages``.
Source: GTFS Realtime reference, gtfs.org/realtime/reference.
"""

from typing import Any

from google.transit import gtfs_realtime_pb2 as pb

from simulator.gtfs_files import clock_text
from simulator.network import Pattern
from simulator.operations import Operations, Run, Whereabouts
from simulator.specials import lot
from simulator.town_plan import AGENCIES, DETOUR_ROUTES, Mode

AHEAD_S = 45 * 60
"""Trips are announced from this long before they start."""
CANCELLED_AHEAD_S = 60 * 60
FORGOTTEN_AFTER_S = 60
"""A stop passed longer ago than this is left out."""

# The bindings are generated at run time, so their messages have no static type.
Message = Any

_ADDED = pb.TripDescriptor.ScheduleRelationship.Value("ADDED")
_CANCELED = pb.TripDescriptor.ScheduleRelationship.Value("CANCELED")
_UNSCHEDULED = pb.TripDescriptor.ScheduleRelationship.Value("UNSCHEDULED")
_SKIPPED = pb.TripUpdate.StopTimeUpdate.ScheduleRelationship.Value("SKIPPED")
_STOPPED_AT = pb.VehiclePosition.VehicleStopStatus.Value("STOPPED_AT")
_IN_TRANSIT_TO = pb.VehiclePosition.VehicleStopStatus.Value("IN_TRANSIT_TO")


def _message(epoch_s: float) -> Message:
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.incrementality = pb.FeedHeader.FULL_DATASET
    message.header.timestamp = int(epoch_s)
    return message


def _describe(trip: Message, run: Run) -> None:
    trip.trip_id = run.trip.trip_id
    trip.route_id = run.trip.route_id
    trip.direction_id = run.pattern.direction
    trip.start_date = f"{run.day:%Y%m%d}"
    if run.added:
        trip.schedule_relationship = _ADDED
        trip.start_time = clock_text(run.trip.start_s)
    elif run.cancelled:
        trip.schedule_relationship = _CANCELED
    elif not run.trip.block_id:
        trip.schedule_relationship = _UNSCHEDULED
        trip.start_time = clock_text(run.trip.start_s)


def _describe_vehicle(vehicle: Message, run: Run) -> None:
    vehicle.id = run.vehicle_id
    vehicle.label = run.vehicle_id


def trip_updates(operations: Operations, epoch_s: float) -> Message:
    """A FeedMessage with a TripUpdate for every run under way or soon to start."""
    message = _message(epoch_s)
    for run in operations.runs_near(epoch_s, max(AHEAD_S, CANCELLED_AHEAD_S)):
        starts = run.zero_epoch_s + run.trip.start_s
        if run.cancelled:
            if epoch_s <= run.zero_epoch_s + run.trip.end_s:
                entity = message.entity.add(id=_entity_id(run))
                _describe(entity.trip_update.trip, run)
                entity.trip_update.timestamp = int(epoch_s) - 20
            continue
        if starts - AHEAD_S > epoch_s:
            continue
        since, until = operations.working_hours(run)
        if epoch_s >= until:
            continue
        entity = message.entity.add(id=_entity_id(run))
        update = entity.trip_update
        _describe(update.trip, run)
        report = operations.whereabouts(run, epoch_s) if epoch_s >= since else None
        if report is not None:
            _describe_vehicle(update.vehicle, run)
            update.timestamp = report.reported_epoch_s
        else:
            update.timestamp = int(epoch_s)
        _predict(update, operations, run, report)
    return message


def _entity_id(run: Run) -> str:
    suffix = "" if run.trip.block_id else f"-{run.trip.start_s}"
    return f"{run.day:%m%d}-{run.trip.trip_id}{suffix}"


def _predict(update: Message, operations: Operations, run: Run, report: Whereabouts | None) -> None:
    """Fill the stop time updates, from the last stop the operator knows to be passed."""
    passages, trip, zero = operations.passages(run), run.trip, run.zero_epoch_s
    known_s = float(report.reported_epoch_s) if report else 0.0
    soonest_s = known_s + 5
    delay_s = 0.0
    for index, passage in enumerate(passages):
        stop_id = run.pattern.stops[index].stop_id
        if passage is None:
            # Passed or not: else a reader would take the trip's delay for a call that never was.
            skipped = update.stop_time_update.add(stop_sequence=index + 1, stop_id=stop_id)
            skipped.schedule_relationship = _SKIPPED
            continue
        planned_departure = zero + trip.departure_s(index)
        waits_for_time = run.pattern.timepoints[index]
        if report and passage.arrived <= known_s:
            arrival = passage.arrived
            departure = passage.departed if passage.departed <= known_s else known_s + 10
            if waits_for_time and passage.departed > known_s:
                departure = max(departure, planned_departure)
            delay_s = departure - planned_departure
            if departure < known_s - FORGOTTEN_AFTER_S and index < report.index - 1:
                continue
        else:
            drawn = lot(operations.city.seed, trip.trip_id, run.day, index, int(known_s) // 60) if report else 0.5
            arrival = max(zero + trip.arrival_s(index) + delay_s + (drawn - 0.5) * 24, soonest_s)
            dwell_s = trip.run.departures[index] - trip.run.arrivals[index]
            departure = max(planned_departure, arrival + min(dwell_s, 12)) if waits_for_time else arrival + dwell_s
            delay_s = departure - planned_departure
        soonest_s = max(soonest_s, departure + 8)
        call = update.stop_time_update.add(stop_sequence=index + 1, stop_id=stop_id)
        if index:
            call.arrival.time = int(arrival)
        if index < len(passages) - 1:
            call.departure.time = int(departure)
    update.delay = round(delay_s)


def vehicle_positions(operations: Operations, epoch_s: float) -> Message:
    """A FeedMessage with the newest report of every vehicle at work."""
    message = _message(epoch_s)
    for run in operations.on_the_road(epoch_s):
        report = operations.whereabouts(run, epoch_s)
        if report is None:
            continue
        entity = message.entity.add(id=run.vehicle_id)
        vehicle = entity.vehicle
        _describe(vehicle.trip, run)
        _describe_vehicle(vehicle.vehicle, run)
        vehicle.position.latitude = report.latitude
        vehicle.position.longitude = report.longitude
        vehicle.position.bearing = report.bearing
        vehicle.position.speed = report.speed_mps
        vehicle.position.odometer = report.odometer_m
        vehicle.timestamp = report.reported_epoch_s
        vehicle.current_stop_sequence = report.index + 1
        vehicle.stop_id = run.pattern.stops[report.index].stop_id
        vehicle.current_status = _STOPPED_AT if report.at_stop else _IN_TRANSIT_TO
        percentage = _occupancy(operations, run, report)
        vehicle.occupancy_percentage = percentage
        vehicle.occupancy_status = _occupancy_status(percentage)
        if run.pattern.route.mode is Mode.TRAM:
            for carriage in (1, 2):
                share = min(round(percentage * (1.2 if carriage == 1 else 0.8)), 100)
                vehicle.multi_carriage_details.add(
                    id=f"{run.vehicle_id}-{carriage}",
                    label=f"Car {carriage}",
                    carriage_sequence=carriage,
                    occupancy_percentage=share,
                    occupancy_status=_occupancy_status(share),
                )
    return message


def _occupancy(operations: Operations, run: Run, report: Whereabouts) -> int:
    """How full the vehicle is, per cent: fullest in the middle of its trip and in the rush hours."""
    part = report.index / max(len(run.pattern.stops) - 1, 1)
    hour = (report.reported_epoch_s - run.zero_epoch_s) / 3600
    busy = 55 if 7 <= hour < 9.5 or 15.5 <= hour < 18.5 else 25
    drawn = lot(operations.city.seed, run.day, run.trip.trip_id, report.index // 3)
    return round(min(4 * part * (1 - part) * busy + 45 * drawn, 100))


def _occupancy_status(percentage: int) -> int:
    statuses = pb.VehiclePosition.OccupancyStatus
    for limit, status in (
        (5, "EMPTY"), (45, "MANY_SEATS_AVAILABLE"), (65, "FEW_SEATS_AVAILABLE"), (85, "STANDING_ROOM_ONLY"),
        (97, "CRUSHED_STANDING_ROOM_ONLY"),
    ):  # fmt: skip
        if percentage < limit:
            return int(statuses.Value(status))
    return int(statuses.Value("FULL"))


def alerts(operations: Operations, epoch_s: float, started_epoch_s: float) -> Message:
    """A FeedMessage with the operators' notices; *started_epoch_s* is when the town was opened.

    Active periods begin some days before the town was opened, so that the notices read the same all day.
    """
    message = _message(epoch_s)
    for route_id in sorted(DETOUR_ROUTES):
        _detour_notice(message, operations.city.patterns[f"{route_id}-0"], started_epoch_s)
    _closed_stop_notice(message, operations, started_epoch_s)
    _cancelled_trip_notices(message, operations, epoch_s)
    notice = _notice(message, "holiday-timetable", "OTHER_CAUSE", "OTHER_EFFECT", "INFO")
    notice.active_period.add(start=int(started_epoch_s) - 6 * 86_400, end=int(started_epoch_s) + 30 * 86_400)
    for agency in AGENCIES:
        notice.informed_entity.add(agency_id=agency.agency_id)
    _say(notice.header_text, "Weekend timetable on Fair Friday", "Thứ Sáu Hội chợ: chạy theo lịch cuối tuần")
    _say(
        notice.description_text,
        "On the second Friday of every month, the day of the Larkhaven Fair, all routes follow the weekend timetable. "
        "Trams run every half hour until 1 in the morning.",
        "Vào thứ Sáu thứ hai của mỗi tháng, ngày Hội chợ Larkhaven, mọi tuyến chạy theo lịch cuối tuần. "
        "Xe điện chạy nửa giờ một chuyến đến 1 giờ sáng.",
    )
    return message


def _notice(message: Message, entity_id: str, cause: str, effect: str, severity: str) -> Message:
    alert = message.entity.add(id=entity_id).alert
    alert.cause = pb.Alert.Cause.Value(cause)
    alert.effect = pb.Alert.Effect.Value(effect)
    alert.severity_level = pb.Alert.SeverityLevel.Value(severity)
    return alert


def _say(text: Message, english: str, vietnamese: str) -> None:
    text.translation.add(text=english, language="en")
    text.translation.add(text=vietnamese, language="vi")


def _detour_notice(message: Message, pattern: Pattern, started_epoch_s: float) -> None:
    detour = pattern.detour
    assert detour is not None
    notice = _notice(message, f"detour-{pattern.route_id}", "CONSTRUCTION", "DETOUR", "WARNING")
    notice.active_period.add(start=int(started_epoch_s) - 3 * 86_400, end=int(started_epoch_s) + 11 * 86_400)
    notice.informed_entity.add(route_id=pattern.route_id, direction_id=pattern.direction)
    for index in detour.missed:
        notice.informed_entity.add(route_id=pattern.route_id, stop_id=pattern.stops[index].stop_id)
    names = "; ".join(pattern.stops[index].name for index in detour.missed)
    _say(
        notice.header_text,
        f"Route {pattern.route_id} to {pattern.headsign}: detour around {detour.street}",
        f"Tuyến {pattern.route_id} đi {pattern.headsign}: đi vòng tránh {detour.street}",
    )
    _say(
        notice.description_text,
        f"{detour.street} is closed for work on the water main. These stops are not served: {names}.",
        f"{detour.street} đóng để sửa ống nước chính. Các trạm không phục vụ: {names}.",
    )
    notice.url.translation.add(text=f"https://transit.larkhaven.example/detours/{pattern.route_id}", language="en")


def _closed_stop_notice(message: Message, operations: Operations, started_epoch_s: float) -> None:
    stop = operations.city.closed_stop
    notice = _notice(message, f"closed-{stop.stop_id}", "MAINTENANCE", "NO_SERVICE", "WARNING")
    notice.active_period.add(start=int(started_epoch_s) - 2 * 86_400, end=int(started_epoch_s) + 5 * 86_400)
    notice.informed_entity.add(stop_id=stop.stop_id)
    _say(notice.header_text, f"Stop closed: {stop.name}", f"Trạm tạm đóng: {stop.name}")
    _say(
        notice.description_text,
        f"{stop.name} ({stop.stop_id}) is closed while its shelter is renewed. Please use the next stop.",
        f"{stop.name} ({stop.stop_id}) đóng để thay nhà chờ. Xin dùng trạm kế tiếp.",
    )


def _cancelled_trip_notices(message: Message, operations: Operations, epoch_s: float) -> None:
    for run in operations.runs_near(epoch_s, CANCELLED_AHEAD_S):
        ends = run.zero_epoch_s + run.trip.end_s
        if not run.cancelled or ends < epoch_s:
            continue
        notice = _notice(message, f"cancelled-{_entity_id(run)}", "TECHNICAL_PROBLEM", "NO_SERVICE", "WARNING")
        notice.active_period.add(start=run.zero_epoch_s + run.trip.start_s - CANCELLED_AHEAD_S, end=ends)
        _describe(notice.informed_entity.add().trip, run)
        clock = clock_text(run.trip.start_s % 86_400)[:5]
        _say(
            notice.header_text,
            f"Route {run.trip.route_id}: the {clock} to {run.pattern.headsign} is cancelled",
            f"Tuyến {run.trip.route_id}: chuyến {clock} đi {run.pattern.headsign} bị hủy",
        )
        _say(
            notice.description_text,
            f"The {clock} from {run.pattern.stops[0].name} cannot run because its vehicle has broken down.",
            f"Chuyến {clock} từ {run.pattern.stops[0].name} không chạy được vì xe hỏng.",
        )

"""The door between a timetable with its predictions and the geofence: lines of patterns, and who is running where."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from domain import service_day
from domain.ids import qualify
from domain.predictions import CallFlag, Predictions
from domain.realtime import Int32s, Int64s, TripRelationship
from domain.risk import TripRisk
from predictor.geofence import PatternLine, Patterns
from predictor.risk import Run, RunRisk
from store.timetable import Bundle

SOON_S = 3600
"""A trip that starts within this time is judged as running: its riders are on their way to the stop."""

_GONE = (TripRelationship.CANCELED, TripRelationship.DELETED)


def patterns_of(bundle: Bundle) -> Patterns:
    """The lines of all stop patterns of the timetable."""
    stops, along = bundle.array("pattern_stop"), bundle.array("pattern_distance_m")
    nothing = np.zeros(0)
    lines: dict[int, PatternLine] = {}
    for pattern in range(len(bundle.pattern_ptr) - 1):
        rows = slice(int(bundle.pattern_ptr[pattern]), int(bundle.pattern_ptr[pattern + 1]))
        shape = bundle.pattern_shape[pattern]
        shape_lats, shape_lons, shape_m = bundle.shape(shape) if shape >= 0 else (nothing, nothing, nothing)
        lines[pattern] = replace(
            _straight(bundle, stops[rows]),
            stop_distances_m=along[rows],
            shape_lats=shape_lats,
            shape_lons=shape_lons,
            shape_distances_m=shape_m,
        )
    return Patterns(lines)


def own_ways(bundle: Bundle, predictions: Predictions | None, now_epoch_s: float) -> tuple[Patterns, list[Run]]:
    """Trips with calls of their own (added, replacement and duplicated ones): nobody draws their way, so they are taken to
    run straight from call to call. Each run's pattern is its row."""
    if predictions is None or predictions.generation != bundle.generation:
        return Patterns({}), []
    lines: dict[int, PatternLine] = {}
    runs: list[Run] = []
    times = np.maximum(predictions.departure_epoch_s, predictions.arrival_epoch_s).astype(np.int64)
    own = (predictions.own_calls != 0) & ~np.isin(predictions.relationship, [int(kind) for kind in _GONE])
    for row in np.flatnonzero(own).tolist():
        calls = slice(int(predictions.ptr[row]), int(predictions.ptr[row + 1]))
        passes = np.where(times[calls] > 0, times[calls], predictions.scheduled_epoch_s[calls])
        known = passes > 0
        if not known.any():
            continue
        # A call without a time is passed between its neighbours.
        passes = np.maximum.accumulate(np.interp(np.arange(len(passes)), np.flatnonzero(known), passes[known]))
        ahead = np.flatnonzero(passes >= now_epoch_s)
        if len(ahead) and passes[0] <= now_epoch_s + SOON_S:
            lines[row] = _straight(bundle, predictions.call_stop[calls])
            runs.append(
                Run(
                    trip=int(predictions.trip[row]), service_date=int(predictions.service_date[row]), pattern=row,
                    next_position=int(ahead[0]), row=row, passes_epoch_s=passes.astype(np.int64),
                    skipped=_skipped(predictions, calls),
                )
            )  # fmt: skip
    return Patterns(lines), runs


def _straight(bundle: Bundle, stops: Int32s) -> PatternLine:
    nothing = np.zeros(0)
    return PatternLine(
        stop_lats=bundle.array("stop_lat")[stops].astype(np.float64),
        stop_lons=bundle.array("stop_lon")[stops].astype(np.float64),
        stop_distances_m=nothing,
        shape_lats=nothing,
        shape_lons=nothing,
        shape_distances_m=nothing,
    )


def _skipped(predictions: Predictions, calls: slice) -> frozenset[int]:
    return frozenset(np.flatnonzero(predictions.flags[calls] & CallFlag.SKIPPED).tolist())


def runs_now(bundle: Bundle, predictions: Predictions | None, now_epoch_s: float) -> list[Run]:
    """Trips under way or about to start, each with the call it is on its way to: by prediction, else by timetable."""
    if predictions is None or predictions.generation != bundle.generation:
        return list(_by_timetable(bundle, now_epoch_s, frozenset()))
    # Neither a copy of a trip nor a row that says nothing of its calls stands for the trip.
    gone = np.isin(predictions.relationship, [int(kind) for kind in _GONE])
    replaced = predictions.relationship == TripRelationship.REPLACEMENT
    spoken_for = np.where(predictions.own_calls == 0, gone | (np.diff(predictions.ptr) > 0), replaced)
    rows = np.flatnonzero(spoken_for)
    known = frozenset(zip(predictions.trip[rows].tolist(), predictions.service_date[rows].tolist(), strict=True))
    return [*_by_prediction(bundle, predictions, now_epoch_s), *_by_timetable(bundle, now_epoch_s, known)]


def _by_prediction(bundle: Bundle, predictions: Predictions, now_epoch_s: float) -> Iterator[Run]:
    leaves = np.maximum(predictions.departure_epoch_s, predictions.arrival_epoch_s)
    gone = np.isin(predictions.relationship, [int(kind) for kind in _GONE])
    usable = (predictions.trip >= 0) & (predictions.own_calls == 0) & ~gone
    for row in np.flatnonzero(usable).tolist():
        trip, date = int(predictions.trip[row]), int(predictions.service_date[row])
        calls = slice(int(predictions.ptr[row]), int(predictions.ptr[row + 1]))
        times = leaves[calls]
        if len(times) != bundle.trip_length(trip):
            continue
        late_s = int(predictions.deviation_s[row])
        planned = _departures(bundle, trip, date) + (late_s if abs(late_s) < 86_400 else 0)
        times = np.where(times > 0, times, planned)
        ahead = np.flatnonzero(times >= now_epoch_s)
        if len(ahead) and times[0] <= now_epoch_s + SOON_S:
            yield Run(
                trip=trip, service_date=date, pattern=bundle.trip_pattern(trip), next_position=int(ahead[0]),
                passes_epoch_s=times.astype(np.int64), skipped=_skipped(predictions, calls),
            )  # fmt: skip


def _departures(bundle: Bundle, trip: int, date: int) -> Int64s:
    start = bundle.day_start_epoch_s(service_day.from_yyyymmdd(date))
    return bundle.trip_departures_s(trip).astype(np.int64) + start


def _by_timetable(bundle: Bundle, now_epoch_s: float, known: frozenset[tuple[int, int]]) -> Iterator[Run]:
    """What nobody predicts: scheduled trips of the days around now."""
    profile = bundle.array("trip_profile")
    ptr = bundle.array("profile_ptr")
    starts = bundle.array("trip_start_s")
    first = starts + bundle.array("profile_departure_s")[ptr[profile]]
    last = starts + bundle.array("profile_arrival_s")[ptr[profile + 1] - 1]
    for day in bundle.service_days_around(now_epoch_s, now_epoch_s + SOON_S):
        active = np.frombuffer(bundle.active(day), np.uint8).astype(bool)
        if not len(active):
            continue
        now_s = now_epoch_s - bundle.day_start_epoch_s(day)
        date = service_day.yyyymmdd(day)
        chosen = active[bundle.array("trip_service")] & (first <= now_s + SOON_S) & (last >= now_s)
        for trip in np.flatnonzero(chosen).tolist():
            if (trip, date) not in known:
                ahead = np.flatnonzero(bundle.trip_departures_s(trip) >= now_s)
                position = int(ahead[0]) if len(ahead) else bundle.trip_length(trip) - 1
                yield Run(
                    trip=trip, service_date=date, pattern=bundle.trip_pattern(trip), next_position=position,
                    passes_epoch_s=_departures(bundle, trip, date),
                )  # fmt: skip


def trip_risk(bundle: Bundle, predictions: Predictions | None, risk: RunRisk) -> TripRisk | None:
    """In the house's words, with qualified ids; None for a trip of a route that the timetable does not know."""
    trip, row = risk.run.trip, risk.run.row
    own = predictions if row >= 0 else None
    names = own.named.get(row, {}) if own is not None else {}
    route = bundle.trip_route[trip] if trip >= 0 else -1
    if names.get("route_id"):
        named = bundle.route_ids.index(names["route_id"])
        route = route if named is None else named
    if route < 0:
        return None
    code = bundle.agency_of_route(route).code
    stops = bundle.trip_stops(trip) if own is None else own.call_stop[int(own.ptr[row]) : int(own.ptr[row + 1])]
    return TripRisk(
        alert_id=risk.alert_id,
        revision=risk.revision,
        level=risk.level,
        trip_id=qualify(code, names.get("trip_id") or bundle.trip_ids[trip]),
        route_id=qualify(code, bundle.route_ids[route]),
        service_date=risk.run.service_date,
        first_position=risk.first_position,
        last_position=risk.last_position,
        stop_ids=tuple(qualify(bundle.code, bundle.stop_ids[int(stops[position])]) for position in risk.calls),
    )

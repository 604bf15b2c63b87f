"""Why a rider sees what they see of one arrival: what the timetable has, what which feed said and when, how that was put
together, and what came of it.

The facts are those that the answer itself was made of: the timetable in force, the tick of predictions in this process and
the judgement on feeds. What the feed said in its own words is read from the hall.
"""

from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import params
from api.auth import operator_of
from api.endpoints.answers import answer, limit
from api.errors import invalid, unknown
from api.formats import oba
from api.live import NO_ROW, REPLACED, Live
from api.replica import Replica
from api.served import MAX_PREDICTIONS_AGE_S, Served
from api.status import trip_ids_of_row
from api.visit_asked import Asked, visits_asked, visits_by_timetable
from api.visits import Visit, encode_visit
from api.where import Ask
from domain import service_day
from domain.arrival import SOURCE_CODES, Source
from domain.errors import BlobUnusable
from domain.ids import qualify
from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, StopRelationship, TripRelationship, TripUpdates
from store import explanations, realtime
from store.hall import AWAY, Hall
from store.streams import REFUSED

SOURCES = {code: source for source, code in SOURCE_CODES.items()}
MAX_UPDATES = 60
"""Stop time updates of the trip that are shown, those around the call."""

DECISIONS = {
    "told_live": "The prediction is shown.",
    "nothing_live": "No feed says anything of this trip on this day: the timetable is shown.",
    "silent_at_stop": "The trip is known live, but of this call nothing is said: the timetable is shown.",
    "feed_not_usable": "The feed that spoke of it cannot be believed now: the timetable is shown.",
    "no_predictions": "There are no predictions for this timetable: the timetable is shown.",
    "predictions_too_old": "Predictions have not been renewed for too long: the timetable is shown.",
    "in_the_past": "A time in the past is asked about: the timetable is shown.",
    "cancelled": "The trip is cancelled: it is shown where it was scheduled, marked so.",
    "deleted": "The trip was taken back: it is not shown.",
    "replaced": "Another course of the trip replaces the timetable's: this call is not shown.",
    "skipped": "The vehicle will not call here: it is not shown.",
}
RULES = {
    "time_of_call": "The feed gives a time for this call.",
    "delay_of_call": "The feed gives a delay for this call.",
    "delay_carried_on": "The feed gives a delay for an earlier call, which carries on to this one.",
    "delay_of_trip": "The feed gives one delay for the whole trip.",
    "skipped": "The feed says that this call is skipped.",
    "no_data": "The feed says that it knows nothing here.",
    "nothing_said": "The feed names the trip, but says nothing that reaches this call.",
    "own_calls": "The feed lists this trip's calls itself.",
    "cancelled": "The feed says that the trip does not run.",
    "vehicle_position": "No agency predicts it: its vehicle's position and lateness do.",
    "learned": "Its vehicle's position and what was learned of travel times say it.",
    "not_at_hand": "What the feed said then is no longer at hand.",
}
MATCHES = {
    "trip_id": "The feed names the trip by the timetable's id.",
    "trip_id_with_prefix": "The feed names the trip by the timetable's id with something before it.",
    "route_and_time": "The feed names route and start time, and only this trip fits.",
    "vehicle": "No feed's trip update speaks of it: a vehicle does.",
}


async def explain_arrival(request: Request) -> Response:
    """GET /api/v1/explain/arrival?stop=&trip=&serviceDate=&stopSequence=: see the module."""
    limit(request)
    body, _, _ = await facts(request)
    return answer(request, msgspec.json.encode(body), public=True)


async def facts(request: Request) -> tuple[dict[str, Any], Served, Visit]:
    """What there is to say of the call that the query names, and the call; raises RequestRefused."""
    state = request.app.state
    query = params.parse_query(request.scope["query_string"])
    stop_id, trip_id = params.text(query, "stop"), params.text(query, "trip")
    for name, given in (("stop", stop_id), ("trip", trip_id)):
        if not given:
            raise invalid(name, f"required: agency code, underscore, {name} id")
    wanted: dict[str, str] = {"tripId": trip_id}
    wanted |= {name: query[name] for name in ("serviceDate", "stopSequence") if name in query}
    now_epoch_s: float = state.clock.now_epoch_s()
    ask = Ask(replica=state.replica, settings=state.settings, query=wanted, id=stop_id, now_epoch_s=now_epoch_s)
    asked = visits_asked(ask)
    visit = next((one for one in asked.visits if encode_visit(ask, asked.served, one, asked.when) is not None), None)
    planned = visit or next(iter(visits_by_timetable(asked)), None)
    if planned is None:
        raise unknown()
    row = _row_of(asked.served, planned)
    live = asked.served.newest
    shown = encode_visit(ask, asked.served, visit, asked.when) if visit is not None else None
    because = _because(asked, visit, planned, row, now_epoch_s)
    body: dict[str, Any] = {
        "arrival": None if shown is None else msgspec.Raw(shown),
        "decision": {"because": because, "text": DECISIONS[because]},
        "timetable": _timetable(asked.served, planned),
        "realtime": None,
        "vehicle": None,
        "prediction": None,
    }
    if live is not None and row >= 0:
        call = _call_of(live, row, planned)
        told = await _realtime(state.hall, state.replica, asked.served, live, row, planned, now_epoch_s)
        # Why a feed is as it is may name addresses that are nobody's business.
        body["realtime"] = told if operator_of(request) is not None else told | {"why": ""}
        body["vehicle"] = _vehicle(asked.served, live, row)
        body["prediction"] = await _prediction(state.hall, asked.served, live, row, call, planned)
    return {"currentTime": int(now_epoch_s * 1000), **body}, asked.served, planned


def _row_of(served: Served, visit: Visit) -> int:
    """The live row that speaks of the trip on that day, believed or not; negative when none does."""
    if visit.row >= 0 or served.newest is None or visit.trip < 0:
        return visit.row
    return served.newest.row_of(visit.trip, service_day.yyyymmdd(visit.day))


def _call_of(live: Live, row: int, visit: Visit) -> int:
    """The live call of the visit, or -1."""
    if visit.call >= 0:
        return visit.call
    call = live.ptr[row] + visit.position
    return call if call < live.ptr[row + 1] else -1


def _because(asked: Asked, visit: Visit | None, planned: Visit, row: int, now_epoch_s: float) -> str:
    served, live = asked.served, asked.served.newest
    if visit is not None and visit.call >= 0:
        return "told_live"
    if visit is not None and visit.cancelled:
        return "cancelled"
    if asked.when.epoch_s < now_epoch_s - 60:
        return "in_the_past"
    if live is None:
        return "no_predictions"
    if now_epoch_s - live.computed_epoch_s > MAX_PREDICTIONS_AGE_S:
        return "predictions_too_old"
    if row == REPLACED:
        return "replaced"
    if row == NO_ROW:
        return "nothing_live"
    usable = served.live_at(now_epoch_s)[1]
    if not usable or not usable[live.trip_feed[row]]:
        return "feed_not_usable"
    if live.relationship[row] == TripRelationship.DELETED:
        return "deleted"
    if live.relationship[row] == TripRelationship.CANCELED:
        return "cancelled"
    return "skipped" if live.is_skipped(row, planned.position) else "silent_at_stop"


# --- sections


def _timetable(served: Served, visit: Visit) -> dict[str, Any]:
    bundle, fragments = served.bundle, served.fragments
    found: dict[str, Any] = {
        "feed": bundle.feed_id,
        "generation": bundle.generation,
        "importedAt": int(bundle.meta["imported_epoch_s"] * 1000),
        "stopId": fragments.stop(visit.stop).stop_id,
        "serviceDate": bundle.day_start_epoch_s(visit.day) * 1000,
        "stopSequence": visit.position,
        "trip": None,
    }
    if visit.trip >= 0:
        start = bundle.day_start_epoch_s(visit.day)
        piece = fragments.trip(visit.trip)
        known = visit.position < piece.calls
        found["trip"] = {
            "tripId": piece.trip_id,
            "routeId": fragments.route(piece.route).route_id,
            "agency": bundle.agency_of_route(piece.route).name,
            "service": bundle.service_ids[bundle.trip_service[visit.trip]],
            "arrivalTime": (start + bundle.arrival_s(visit.trip, visit.position)) * 1000 if known else 0,
            "departureTime": (start + bundle.departure_s(visit.trip, visit.position)) * 1000 if known else 0,
        }
    return found


async def _realtime(
    hall: Hall, replica: Replica, served: Served, live: Live, row: int, visit: Visit, now_epoch_s: float
) -> dict[str, Any]:
    feed_id = live.feed_ids[live.trip_feed[row]]
    spec = next((one for one in replica.settings.feeds if one.feed_id == feed_id), None)
    said = await _words(hall, feed_id, served, live, row, visit)
    rule, match = _rule(live, row, said)
    return {
        **_feed(replica, feed_id, now_epoch_s),
        "headerAt": live.feed_header_epoch_s[live.trip_feed[row]] * 1000,
        "reportedAt": live.updated_epoch_s[row] * 1000,
        "priority": spec.priority_of("trip_updates") if spec is not None else 0,
        "relationship": TripRelationship(live.relationship[row]).name,
        "match": match,
        "matchText": MATCHES[match],
        "rule": rule,
        "ruleText": RULES[rule],
        "said": said,
    }


def _feed(replica: Replica, feed_id: str, now_epoch_s: float) -> dict[str, Any]:
    record = replica.records.get(feed_id)
    health = replica.health(record, now_epoch_s) if record is not None else None
    return {
        "feed": feed_id,
        "name": record.spec.name if record is not None else "",
        "kind": record.spec.kind.value if record is not None else "",
        "polledAt": int(record.last_success_epoch_s * 1000) if record is not None else 0,
        "changedAt": int(record.last_change_epoch_s * 1000) if record is not None else 0,
        "state": health.state.value if health is not None else "unknown",
        "usable": health.usable if health is not None else False,
        "why": health.why if health is not None else "",
    }


def _vehicle(served: Served, live: Live, row: int) -> dict[str, Any] | None:
    vehicle = live.vehicle[row]
    if vehicle < 0:
        return None
    on = live.vehicle_trip[vehicle]
    return {
        "feed": live.feed_ids[live.vehicle_feed[vehicle]],
        "vehicleId": qualify(served.fragments.code, live.vehicle_ids[vehicle]),
        "locatedAt": live.located_epoch_s[vehicle] * 1000,
        "lat": live.lat[vehicle],
        "lon": live.lon[vehicle],
        "isOnThisTrip": on == row,
        "tripId": oba.decode_text(trip_ids_of_row(served, live, on)[0]) if on >= 0 else "",
        "nextStopSequence": live.next_position[vehicle],
    }


async def _prediction(hall: Hall, served: Served, live: Live, row: int, call: int, visit: Visit) -> dict[str, Any]:
    source = SOURCES.get(live.source[row], Source.NONE)
    deviation = live.deviation_s[row]
    found: dict[str, Any] = {
        "source": source.value,
        "computedAt": live.computed_epoch_s * 1000,
        "version": live.version,
        "deviationSeconds": None if deviation == NO_VALUE else deviation,
        "arrivalTime": 0,
        "departureTime": 0,
        "earlySeconds": 0,
        "lateSeconds": 0,
        "flags": [],
        "learned": None,
    }
    if call >= 0:
        found |= {
            "arrivalTime": live.arrival_epoch_s[call] * 1000,
            "departureTime": live.departure_epoch_s[call] * 1000,
            "earlySeconds": live.early_s[call],
            "lateSeconds": live.late_s[call],
            "flags": [flag.name for flag in CallFlag if live.flags[call] & flag],
        }
    # Where the agency's time is told, ours is made too: the sum says what it would have been.
    if visit.trip >= 0 and (source is Source.LEARNED or (source is Source.AGENCY and live.vehicle[row] >= 0)):
        found["learned"] = await _learned(hall, served, visit)
    return found


async def _learned(hall: Hall, served: Served, visit: Visit) -> object:
    """The sum that the predictor itself makes up its prediction of; null when it makes none or does not answer."""
    try:
        told = await explanations.ask(
            hall,
            feed_id=served.bundle.feed_id,
            trip=served.bundle.trip_ids[visit.trip],
            service_date=service_day.yyyymmdd(visit.day),
            position=visit.position,
        )
    except (*AWAY, *REFUSED):
        return None
    return None if told is None else msgspec.Raw(told)


# --- in the feed's own words


async def _words(hall: Hall, feed_id: str, served: Served, live: Live, row: int, visit: Visit) -> dict[str, Any] | None:
    """What the feed says of the trip now, as it writes it; None when it is not at hand."""
    try:
        dataset = await realtime.get(hall, feed_id)
    except (*AWAY, *REFUSED, BlobUnusable):
        return None
    updates = dataset.trip_updates if dataset is not None else None
    found = _row_in_feed(served, updates, live, row, visit.day) if updates is not None else None
    if updates is None or found is None or dataset is None:
        return None
    first, last = int(updates.ptr[found]), int(updates.ptr[found + 1])
    rows = [_update(updates, at) for at in range(first, last)]
    position = _place_of(served, visit)
    near = next((at for at, one in enumerate(rows) if _is_here(one, position)), len(rows) // 2)
    begin = max(0, min(near - MAX_UPDATES // 2, len(rows) - MAX_UPDATES))
    return {
        "fetchedAt": int(dataset.at_epoch_s * 1000),
        "tripId": updates.trip_ids[found],
        "routeId": updates.route_ids[found],
        "startDate": int(updates.start_date[found]) or None,
        "startTimeSeconds": _known(updates.start_time_s[found]),
        "delaySeconds": _known(updates.delay_s[found]),
        "timestamp": int(updates.timestamp_epoch_s[found]) * 1000,
        "vehicleId": updates.vehicle_ids[found],
        "timetableTripId": _named(served, live, row),
        "ofThisCall": _speaking(rows, position),
        "stopTimeUpdates": rows[begin : begin + MAX_UPDATES],
    }


def _row_in_feed(served: Served, updates: TripUpdates, live: Live, row: int, day: date) -> int | None:
    """The feed's trip update that the live row rests on: by its trip id, then the service day where that is said."""
    trip, raw = live.trip[row], _named(served, live, row)
    route = served.bundle.route_ids[served.bundle.trip_route[trip]] if trip >= 0 else ""
    number = service_day.yyyymmdd(day)

    def fit(at: int) -> int:
        name = updates.trip_ids[at]
        named = 3 if name == raw else 2 if raw and name.endswith(raw) else 0
        if not named and not name and route and updates.route_ids[at] == route:
            named = int(updates.start_time_s[at] != NO_VALUE
                        and int(updates.start_time_s[at]) == served.bundle.trip_start_s[trip])  # fmt: skip
        said = int(updates.start_date[at])
        return 0 if not named else 2 * named + (said in (0, number))

    best = max(range(len(updates.trip_ids)), key=fit, default=None)
    return best if best is not None and fit(best) else None


def _named(served: Served, live: Live, row: int) -> str:
    """The raw trip id of the row."""
    trip = live.trip[row]
    return live.named.get(row, {}).get("trip_id", "") or (served.bundle.trip_ids[trip] if trip >= 0 else "")


def _update(updates: TripUpdates, at: int) -> dict[str, Any]:
    ref = int(updates.stop_ref[at])
    return {
        "stopSequence": _known(updates.stop_sequence[at]),
        "stopId": updates.stop_ids[ref] if ref >= 0 else "",
        "relationship": StopRelationship(int(updates.stop_relationship[at])).name,
        "arrivalTime": int(updates.arrival_epoch_s[at]) * 1000,
        "arrivalDelaySeconds": _known(updates.arrival_delay_s[at]),
        "departureTime": int(updates.departure_epoch_s[at]) * 1000,
        "departureDelaySeconds": _known(updates.departure_delay_s[at]),
    }


def _known(value: Any) -> int | None:
    return None if int(value) == NO_VALUE else int(value)


def _place_of(served: Served, visit: Visit) -> tuple[int | None, str, dict[str, int]]:
    """(stop_sequence as the feed writes it, raw stop id, raw stop id to the last sequence it has before the call)."""
    bundle = served.bundle
    here = bundle.stop_ids[visit.stop]
    if visit.trip < 0 or visit.position >= bundle.trip_length(visit.trip):
        return None, here, {}
    sequences, stops = bundle.trip_sequences(visit.trip).tolist(), bundle.trip_stops(visit.trip).tolist()
    before = {bundle.stop_ids[stops[at]]: sequences[at] for at in range(visit.position)}
    return sequences[visit.position], bundle.stop_ids[stops[visit.position]], before


def _is_here(update: dict[str, Any], place: tuple[int | None, str, dict[str, int]]) -> bool:
    sequence, stop_id, _ = place
    if update["stopSequence"] is not None and sequence is not None:
        return bool(update["stopSequence"] == sequence)
    return bool(update["stopId"] == stop_id)


def _speaking(rows: list[dict[str, Any]], place: tuple[int | None, str, dict[str, int]]) -> dict[str, Any] | None:
    """The update that reaches the call: its own, else the last one before it."""
    own = next((one for one in rows if _is_here(one, place)), None)
    if own is not None:
        return {"is": "own", **own}
    sequence, _, before = place
    earlier = [
        one
        for one in rows
        if one["relationship"] != StopRelationship.SKIPPED.name
        and (
            one["stopSequence"] < sequence
            if one["stopSequence"] is not None and sequence is not None
            else one["stopId"] in before
        )
    ]
    return {"is": "earlier", **earlier[-1]} if earlier else None


def _rule(live: Live, row: int, said: dict[str, Any] | None) -> tuple[str, str]:
    """(how the words became the call's time, how they came to this trip): keys of RULES and MATCHES."""
    source = SOURCES.get(live.source[row], Source.NONE)
    if said is None:
        match = "vehicle" if source in (Source.POSITION, Source.LEARNED) else "trip_id"
    else:
        match = "trip_id" if said["tripId"] == said["timetableTripId"] else "trip_id_with_prefix"
        if not said["tripId"]:
            match = "route_and_time"
    if live.relationship[row] in (TripRelationship.CANCELED, TripRelationship.DELETED):
        return "cancelled", match
    if source is Source.LEARNED:
        return "learned", match
    if source is Source.POSITION:
        return "vehicle_position", match
    if live.own_calls[row]:
        return "own_calls", match
    if said is None:
        return "not_at_hand", match
    return _rule_of_words(said), match


def _rule_of_words(said: dict[str, Any]) -> str:
    told = said["ofThisCall"]
    if told is None:
        return "delay_of_trip" if said["delaySeconds"] is not None else "nothing_said"
    if told["relationship"] == StopRelationship.NO_DATA.name:
        return "no_data"
    if told["is"] == "earlier":
        return "delay_carried_on"
    if told["relationship"] == StopRelationship.SKIPPED.name:
        return "skipped"
    if told["arrivalTime"] or told["departureTime"]:
        return "time_of_call"
    if told["arrivalDelaySeconds"] is not None or told["departureDelaySeconds"] is not None:
        return "delay_of_call"
    return "delay_of_trip" if said["delaySeconds"] is not None else "nothing_said"

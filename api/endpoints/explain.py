"""Why a rider sees what they see of one arrival: what the timetable has, what which feed said and when, how that was put
together, and what came of it.

The facts are those that the answer itself was made of: the timetable in force, the tick of predictions in this process and
the judgement on feeds. What the feed said in its own words is read from the hall.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import params
from api.auth import operator_of
from api.endpoints.answers import answer, limit
from api.errors import invalid, unknown
from api.feed_words import MATCHES, RULES, rule_and_match, source_of, words_of
from api.formats import oba
from api.live import NO_ROW, REPLACED, Live
from api.replica import Replica
from api.served import MAX_PREDICTIONS_AGE_S, Served
from api.status import trip_ids_of_row
from api.visit_asked import Asked, visits_asked, visits_by_timetable
from api.visit_rows import encode_visit
from api.visits import Visit
from api.where import Ask
from domain import service_day
from domain.arrival import Source
from domain.ids import qualify
from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, TripRelationship
from store import explanations
from store.hall import AWAY, Hall
from store.streams import REFUSED

DECISIONS = {
    "told_live": "The prediction is shown.",
    "nothing_live": "No feed says anything of this trip on this day: the timetable is shown.",
    "silent_at_stop": "The trip is known live, but of this call nothing is said: the timetable is shown.",
    "feed_not_usable": "What would speak of it cannot be believed now: the timetable is shown.",
    "no_predictions": "There are no predictions for this timetable: the timetable is shown.",
    "predictions_too_old": "Predictions have not been renewed for too long: the timetable is shown.",
    "cancelled": "The trip is cancelled: it is shown where it was scheduled, marked so.",
    "deleted": "The trip was taken back: it is not shown.",
    "replaced": "Another course of the trip replaces the timetable's: this call is not shown.",
    "skipped": "The vehicle will not call here: it is not shown.",
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
    if because == "nothing_live" and state.replica.nobody_speaks(asked.served.bundle.feed_id, now_epoch_s):
        because = "feed_not_usable"
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
    said = await words_of(hall, feed_id, served, live, row, visit)
    rule, match = rule_and_match(live, row, said)
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
    source = source_of(live, row)
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

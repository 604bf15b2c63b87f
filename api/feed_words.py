"""What a feed says of one trip, in its own words, and how they became the time of one of its calls.

The words are read from the hall; what became of them from the tick of predictions in this process.
"""

from datetime import date
from typing import Any, NamedTuple

from api.live import Live
from api.served import Served
from api.visits import Visit
from domain import service_day
from domain.arrival import SOURCE_CODES, Source
from domain.errors import BlobUnusable
from domain.realtime import NO_VALUE, StopRelationship, TripRelationship, TripUpdates
from store import realtime
from store.hall import AWAY, Hall
from store.streams import REFUSED

MAX_UPDATES = 60
"""Stop time updates of the trip that are shown, those around the call."""
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
"""How words become the time of a call."""
MATCHES = {
    "trip_id": "The feed names the trip by the timetable's id.",
    "trip_id_with_prefix": "The feed names the trip by the timetable's id with something before it.",
    "route_and_time": "The feed names route and start time, and only this trip fits.",
    "vehicle": "No feed's trip update speaks of it: a vehicle does.",
}
"""How the words come to the trip."""
SOURCES = {code: source for source, code in SOURCE_CODES.items()}


class _Place(NamedTuple):
    """A call, as feeds name it."""

    sequence: int | None
    """Its stop_sequence; None where the timetable does not have the call."""
    stop_id: str
    before: dict[str, int]
    """Raw stop id to the last sequence that it has before the call."""


async def words_of(
    hall: Hall, feed_id: str, served: Served, live: Live, row: int, visit: Visit
) -> dict[str, Any] | None:
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


def _place_of(served: Served, visit: Visit) -> _Place:
    bundle = served.bundle
    here = bundle.stop_ids[visit.stop]
    if visit.trip < 0 or visit.position >= bundle.trip_length(visit.trip):
        return _Place(None, here, {})
    sequences, stops = bundle.trip_sequences(visit.trip).tolist(), bundle.trip_stops(visit.trip).tolist()
    before = {bundle.stop_ids[stops[at]]: sequences[at] for at in range(visit.position)}
    return _Place(sequences[visit.position], bundle.stop_ids[stops[visit.position]], before)


def _is_here(update: dict[str, Any], place: _Place) -> bool:
    sequence, stop_id, _ = place
    if update["stopSequence"] is not None and sequence is not None:
        return bool(update["stopSequence"] == sequence)
    return bool(update["stopId"] == stop_id)


def _speaking(rows: list[dict[str, Any]], place: _Place) -> dict[str, Any] | None:
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


def source_of(live: Live, row: int) -> Source:
    """Who made the times of a live row."""
    return SOURCES.get(live.source[row], Source.NONE)


def rule_and_match(live: Live, row: int, said: dict[str, Any] | None) -> tuple[str, str]:
    """(how the words became the call's time, how they came to this trip): keys of RULES and MATCHES."""
    source = source_of(live, row)
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

"""JSON in OneBusAway's words. Pure: values in, bytes out.

Everything is encoded to bytes piece by piece, so that a piece (a stop, a route, a trip's status) is encoded once per
timetable or tick and joined into many answers. Keys come in alphabetical order, as OneBusAway's own server writes
them. Blank texts are ``""``; null appears only for ``frequency`` and the four intervals. Instants are epoch
milliseconds, spans seconds, distances metres, and angles degrees counter-clockwise from east.
Source: OneBusAway REST API, https://developer.onebusaway.org/api/where
"""

import math
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import msgspec

from domain.ids import qualify
from domain.realtime import TripRelationship
from domain.situation import Selector, Situation, Translation, in_language
from domain.timetable import Agency, Route, Stop, Trip, WheelchairBoarding

encode = msgspec.json.encode
"""Any plain value as JSON."""

LARGE_BYTES = 128 * 1024
"""From here on a body is not copied to put its envelope around it."""
TRUE, FALSE, NULL, BLANK, NONE = b"true", b"false", b"null", b'""', b"[]"

_WHEELCHAIR = {
    WheelchairBoarding.UNKNOWN: "UNKNOWN",
    WheelchairBoarding.ACCESSIBLE: "ACCESSIBLE",
    WheelchairBoarding.NOT_ACCESSIBLE: "NOT_ACCESSIBLE",
}

TRIP_STATUS = {
    TripRelationship.SCHEDULED: "SCHEDULED",
    TripRelationship.ADDED: "ADDED",
    TripRelationship.UNSCHEDULED: "ADDED",
    TripRelationship.CANCELED: "CANCELED",
    TripRelationship.REPLACEMENT: "SCHEDULED",
    TripRelationship.DUPLICATED: "DUPLICATED",
    TripRelationship.DELETED: "CANCELED",
    TripRelationship.NEW: "ADDED",
}
"""``tripStatus.status`` of a trip with live data; ``default`` is the word for one without."""

_SEVERITY = {"INFO": "noImpact", "WARNING": "normal", "SEVERE": "severe"}
"""GTFS-realtime's severity_level in the words of TPEG, which OneBusAway uses."""


def basic_mode(mode: int) -> int:
    """A GTFS route type as one of the eight basic ones, which are all that apps know.

    Source: GTFS reference, routes.txt; extended route types, https://developers.google.com/transit/gtfs/reference/extended-route-types
    """
    if 0 <= mode <= 7:
        return mode
    for first, last, basic in _EXTENDED_MODES:
        if first <= mode <= last:
            return basic
    return BUS


BUS = 3
_EXTENDED_MODES = (
    (12, 12, 1),  # monorail: a railway of its own within the city
    (100, 199, 2),  # railway
    (300, 399, 2),  # suburban railway
    (400, 699, 1),  # urban railway, metro, underground
    (900, 999, 0),  # tram
    (1000, 1099, 4),  # water
    (1200, 1299, 4),  # ferry
    (1300, 1399, 6),  # aerial lift
    (1400, 1499, 7),  # funicular
)  # everything else (coaches 200, buses 700, trolleybuses 11 and 800, taxis 1500 …) is shown as a bus


def address(url: str) -> str:
    """*url* as one that apps can read: never blank, and without characters that no address has."""
    return quote(url.strip(), safe=":/?#[]@!$&'()*+,;=%-._~") or "about:blank"


def boolean(value: bool) -> bytes:
    return TRUE if value else FALSE


def decimal(value: float) -> bytes:
    """A number of metres or degrees to the centimetre; 0 for what is not a number."""
    return b"%.2f" % value if math.isfinite(value) else b"0.0"


def array(items: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def orientation_deg(bearing_deg: float) -> float:
    """A compass bearing (0 north, clockwise) as OneBusAway's angle (0 east, counter-clockwise); 0 when unknown."""
    return (90.0 - bearing_deg) % 360.0 if math.isfinite(bearing_deg) else 0.0


def envelope(now_epoch_s: float, data: bytes) -> bytes:
    """A whole answer around its ``data``."""
    return b'{"code":200,"currentTime":%d,"data":%b,"text":"OK","version":2}' % (int(now_epoch_s * 1000), data)


def envelope_in_parts(now_epoch_s: float, data: bytes) -> tuple[bytes, ...]:
    """The same; *data* that is large is not copied."""
    if len(data) < LARGE_BYTES:
        return (envelope(now_epoch_s, data),)
    head, tail = envelope(now_epoch_s, b"|").split(b"|")
    return head, data, tail


def refusal(now_epoch_s: float, code: int, text: str, field_errors: dict[str, list[str]] | None) -> bytes:
    """A whole answer that says why there is none; ``data`` only carries the errors of fields."""
    value: dict[str, Any] = {"code": code, "currentTime": int(now_epoch_s * 1000)}
    if field_errors:
        value["data"] = {"fieldErrors": field_errors}
    value |= {"text": text, "version": 2}
    return encode(value)


def entry(piece: bytes, references: bytes) -> bytes:
    return b'{"entry":%b,"references":%b}' % (piece, references)


def listing(
    items: Iterable[bytes], references: bytes, *, limit_exceeded: bool = False, out_of_range: bool | None = None
) -> bytes:
    """A list; *out_of_range* None leaves the word out, as OneBusAway does where no place was asked for."""
    range_part = b"" if out_of_range is None else b'"outOfRange":%b,' % boolean(out_of_range)
    return b'{"limitExceeded":%b,"list":[%b],%b"references":%b}' % (
        boolean(limit_exceeded),
        b",".join(items),
        range_part,
        references,
    )


def agency(it: Agency) -> bytes:
    return encode(
        {
            "disclaimer": "",
            "email": it.email,
            "fareUrl": it.fare_url,
            "id": it.code,
            "lang": it.language,
            "name": it.name,
            "phone": it.phone,
            "privateService": False,
            "timezone": it.time_zone,
            "url": address(it.url),
        }
    )


def route(it: Route) -> bytes:
    return encode(
        {
            "agencyId": it.agency_code,
            "color": it.color,
            "description": it.description,
            "id": qualify(it.agency_code, it.raw_id),
            "longName": it.long_name,
            "nullSafeShortName": it.short_name or it.long_name or it.raw_id,
            "shortName": it.short_name,
            "textColor": it.text_color,
            "type": basic_mode(it.mode),
            "url": it.url,
        }
    )


def stop(it: Stop, code: str, route_ids: list[str]) -> bytes:
    """*code* prefixes the stop's id and its parent's; *route_ids* are qualified."""
    return encode(
        {
            "code": it.code,
            "direction": it.compass,
            "id": qualify(code, it.raw_id),
            "lat": it.lat,
            "locationType": it.location_type,
            "lon": it.lon,
            "name": it.name,
            "parent": qualify(code, it.parent_raw_id),
            "routeIds": route_ids,
            "staticRouteIds": route_ids,
            "wheelchairBoarding": _WHEELCHAIR[it.wheelchair_boarding],
        }
    )


def trip(it: Trip, *, trip_id: str, route_id: str, code: str, headsign: str) -> bytes:
    """*code* prefixes blocks, services and shapes; *headsign* is the trip's, or its last stop where it has none."""
    return encode(
        {
            "blockId": qualify(code, it.block_raw_id),
            "directionId": "" if it.direction is None else str(it.direction),
            "id": trip_id,
            "peakOffpeak": 0,
            "routeId": route_id,
            "routeShortName": "",
            "serviceId": qualify(code, it.service_raw_id),
            "shapeId": qualify(code, it.shape_raw_id),
            "timeZone": "",
            "tripHeadsign": headsign,
            "tripShortName": it.short_name,
        }
    )


def added_trip(names: dict[str, str]) -> Trip:
    """A trip that no timetable has, from what its feed says of it (see ``domain.predictions.Predictions.named``)."""
    direction = names.get("direction", "")
    return Trip(
        raw_id=names.get("trip_id", ""),
        route_raw_id=names.get("route_id", ""),
        service_raw_id="",
        headsign=names.get("headsign", ""),
        short_name=names.get("short_name", ""),
        direction=int(direction) if direction in ("0", "1") else None,
        block_raw_id="",
        shape_raw_id="",
    )


def decode_text(piece: bytes) -> str:
    """A JSON string back as text."""
    return msgspec.json.decode(piece, type=str)


def frequency(start_epoch_s: int, end_epoch_s: int, headway_s: int) -> bytes:
    """A trip that runs every *headway_s* seconds without published times."""
    return b'{"endTime":%d,"exactTimes":0,"headway":%d,"startTime":%d}' % (
        end_epoch_s * 1000,
        headway_s,
        start_epoch_s * 1000,
    )


def interval(from_epoch_s: int, to_epoch_s: int) -> bytes:
    """From one instant to another."""
    return b'{"from":%d,"to":%d}' % (from_epoch_s * 1000, to_epoch_s * 1000)


ARRIVAL = (
    b'{"actualTrack":"","arrivalEnabled":%b,"blockTripSequence":%d,"departureEnabled":%b,"distanceFromStop":%b,'
    b'"frequency":%b,"historicalOccupancy":"%b","lastUpdateTime":%d,"numberOfStopsAway":%d,"occupancyStatus":%b,'
    b'"predicted":%b,"predictedArrivalInterval":null,"predictedArrivalTime":%d,"predictedDepartureInterval":null,'
    b'"predictedDepartureTime":%d,"predictedOccupancy":"",%b,"scheduledArrivalInterval":null,'
    b'"scheduledArrivalTime":%d,"scheduledDepartureInterval":null,"scheduledDepartureTime":%d,"scheduledTrack":"",'
    b'"serviceDate":%d,"situationIds":%b,"status":%b,"stopId":%b,"stopSequence":%d,"totalStopsInTrip":%d,'
    b'"tripHeadsign":%b,"tripId":%b,%b"vehicleId":%b}'
)
"""One arrival and departure, to be filled with ``%``; the piece before ``vehicleId`` is ``"tripStatus":…,`` or none."""

STATUS = (
    b'{"activeTripId":%b,"blockTripSequence":%d,"closestStop":%b,"closestStopTimeOffset":%d,"distanceAlongTrip":%b,'
    b'"frequency":null,"lastKnownDistanceAlongTrip":%d,%b"lastKnownOrientation":%b,"lastLocationUpdateTime":%d,'
    b'"lastUpdateTime":%d,"nextStop":%b,"nextStopTimeOffset":%d,"occupancyCapacity":-1,"occupancyCount":-1,'
    b'"occupancyStatus":%b,"orientation":%b,"phase":%b,"position":{"lat":%b,"lon":%b},"predicted":%b,'
    b'"scheduleDeviation":%d,"scheduledDistanceAlongTrip":%b,"serviceDate":%d,"situationIds":%b,"status":%b,'
    b'"totalDistanceAlongTrip":%b,"vehicleFeatures":%b,"vehicleId":%b}'
)
"""A trip's status, to be filled with ``%``; after ``lastKnownDistanceAlongTrip`` comes ``location()`` or nothing."""


VEHICLE_FEATURES = tuple(
    encode([name for name, has in (("WHEELCHAIR_ACCESSIBLE", wheelchair), ("BIKES_ALLOWED", bikes)) if has])
    for wheelchair in (False, True)
    for bikes in (False, True)
)
"""What a vehicle has, by ``2 * wheelchair + bikes``."""


def location(name: bytes, lat: float, lon: float) -> bytes:
    """``"name":{"lat":…,"lon":…},``, or nothing where the place is not known."""
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return b""
    return b'"%b":{"lat":%.6f,"lon":%.6f},' % (name, lat, lon)


def polyline(lats: Iterable[float], lons: Iterable[float], levels: str = "") -> bytes:
    """Points as ``{length, levels, points}``.

    Source: Encoded Polyline Algorithm Format, https://developers.google.com/maps/documentation/utilities/polylinealgorithm
    """
    letters: list[str] = []
    before_lat = before_lon = count = 0
    for lat, lon in zip(lats, lons, strict=True):
        here_lat, here_lon = round(lat * 1e5), round(lon * 1e5)
        _letters(here_lat - before_lat, letters)
        _letters(here_lon - before_lon, letters)
        before_lat, before_lon = here_lat, here_lon
        count += 1
    return encode({"length": count, "levels": levels, "points": "".join(letters)})


def _letters(difference: int, into: list[str]) -> None:
    number = ~(difference << 1) if difference < 0 else difference << 1
    while number >= 0x20:
        into.append(chr((0x20 | (number & 0x1F)) + 63))
        number >>= 5
    into.append(chr(number + 63))


def _text(translations: tuple[Translation, ...], language: str) -> dict[str, str]:
    best = in_language(translations, language)
    return {"lang": best.language or (language if translations else ""), "value": best.text}


def affected(
    it: Selector, *, agency_code: str, route_id: str = "", stop_id: str = "", trip_id: str = ""
) -> dict[str, str]:
    """What one selector names, with qualified ids; blank where it names nothing."""
    return {
        "agencyId": agency_code,
        "applicationId": "",
        "directionId": "" if it.direction is None else str(it.direction),
        "routeId": route_id,
        "stopId": stop_id,
        "tripId": trip_id,
    }


def camel(name: str) -> str:
    """``NO_SERVICE`` as ``noService``."""
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def situation(it: Situation, *, situation_id: str, affects: list[dict[str, str]], language: str) -> bytes:
    """A notice; *affects* are its selectors as :func:`affected` writes them, *language* the one to prefer."""
    windows = []
    for period in it.periods:
        window = {"from": period.start_epoch_s * 1000}
        if period.end_epoch_s:
            window["to"] = period.end_epoch_s * 1000
        windows.append(window)
    diversion = {"diversionPath": {"length": 0, "levels": "", "points": ""}, "diversionStopIds": []}
    value: dict[str, Any] = {
        "activeWindows": windows,
        "allAffects": affects,
        "consequenceMessage": "",
        "consequences": [{"condition": camel(it.effect) if it.effect else "", "conditionDetails": diversion}],
        "creationTime": it.created_epoch_s * 1000,
        "description": _text(it.description, language),
        "id": situation_id,
        "publicationWindows": [],
        "reason": it.cause or "UNKNOWN_CAUSE",
        "severity": _SEVERITY.get(it.severity, "unknown"),
        "summary": _text(it.header, language),
        "url": _text(it.url, language),
    }
    return encode(value)

"""The rider's pages: stops nearby, a stop's departures, a warning; and the map's data."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.alerts import in_force
from api.endpoints.answers import answer, limit
from api.errors import invalid
from api.formats import geojson
from api.formats.geojson import alert_feature, alert_properties
from api.live import vehicle_rows_in
from api.pages import board, words
from api.pages.names import name_in
from api.pages.render import language_of, moment_text, page, time_zone_of
from api.replica import Replica
from api.served import Served
from api.status import trip_ids_of_row
from domain.alert import SEVERITY_RANK, Alert, AlertState
from domain.ids import qualify
from domain.situation import in_language
from domain.standing import shown_part
from runtime.settings import Settings

NEARBY_M = 800
NEARBY_MOST = 12
FOUND_MOST = 30
GROUND_STOPS_MOST = 1500
WARNINGS_MOST = 5
GRAVE = frozenset({"Extreme", "Severe"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    lat: float
    lon: float
    zoom: float
    stop: str = ""
    aims: bool = False
    """Is the list beside the map about the map's middle?"""


def _parts(request: Request) -> tuple[Replica, Settings, float, str]:
    state = request.app.state
    return state.replica, state.settings, state.clock.now_epoch_s(), language_of(request)


def _phone(settings: Settings, language: str) -> dict[str, str] | None:
    if settings.demo is None or not settings.demo.phone_token:
        return None
    return {"token": settings.demo.phone_token, "url": f"{settings.demo.base_url}/phone?lang={language}"}


def _warning(request: Request, alert: Alert) -> dict[str, Any]:
    replica, _, now, language = _parts(request)
    said = alert_properties(alert, language)
    return {
        "alert_id": alert.alert_id,
        "headline": said["headline"] or said["event"],
        "where": ", ".join(said["areas"][:4]),
        "until": moment_text(language, alert.expires_epoch_s, now, time_zone_of(request)),
        "language": said["language"] or language,
        "grave": said["severity"] in GRAVE,
        "trips": len({risk.trip_id for risk in replica.trip_risks if risk.alert_id == alert.alert_id}),
        "sender": said["sender"],
        "instruction": said["instruction"],
        "description": said["description"],
        "web": said["web"],
        "ended": alert.state is not AlertState.IN_FORCE or alert.expires_epoch_s <= now,
        "exercise": alert.status.value != "Actual",
    }


def _warnings(request: Request) -> list[dict[str, Any]]:
    """Warnings in force, the gravest first, then the newest: where there are too many, the mildest are left out."""
    replica, _, now, _ = _parts(request)
    gravest_first = sorted(
        in_force(replica, now), key=lambda alert: -max(SEVERITY_RANK[it.severity] for it in alert.infos)
    )
    shown = [_warning(request, alert) for alert in gravest_first[:WARNINGS_MOST]]
    return sorted(shown, key=lambda warning: not warning["grave"])


def _not_ready(request: Request) -> Response | None:
    replica, _, _, language = _parts(request)
    if not replica.reasons_not_ready():
        return None
    heading, text = words.say(language, "not_ready.title"), words.say(language, "not_ready.text")
    return page(request, "message.html", 503, heading=heading, text=text, again_s=2)


def _coordinate(text: str | None, most: float) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and -most <= value <= most else None


def not_found(request: Request, key: str = "not_found.text", **values: object) -> Response:
    """A page that says so, with a search."""
    language = language_of(request)
    heading, text = words.say(language, "not_found.title"), words.say(language, key, **values)
    return page(request, "message.html", 404, heading=heading, text=text, again_s=0)


async def home(request: Request) -> Response:
    """GET /: the map, warnings, favourites, stops nearby (``?lat=&lon=``) or found (``?q=``)."""
    limit(request)
    refused = _not_ready(request)
    if refused:
        return refused
    replica, settings, now, language = _parts(request)
    part = request.query_params.get("part", "")
    if part == "warnings":
        return page(request, "_warnings.html", warnings=_warnings(request))
    query = request.query_params.get("q", "").strip()[:80]
    lat, lon = _coordinate(request.query_params.get("lat"), 90), _coordinate(request.query_params.get("lon"), 180)
    if lat is None or lon is None:
        lat, lon = board.centre_of(replica)
    rows: list[tuple[Served, int, int | None]]
    if query:
        rows = [(served, row, None) for served, row in board.search(replica, query, language, most=FOUND_MOST)]
    else:
        rows = [*board.near(replica, lat, lon, radius_m=NEARBY_M, most=NEARBY_MOST)]
    stops = [
        board.stop_view(
            served, row, language, distance_m=away,
            departures=board.departures_at(replica, served, row, now, minutes=60, language=language, most=3, with_cancelled=False),
        )
        for served, row, away in rows
    ]  # fmt: skip
    values: dict[str, Any] = {"stops": stops, "query": query, "radius_m": NEARBY_M, "now": round(now, 1)}
    if part == "nearby":
        return page(request, "_nearby.html", **values)
    if query and stops:
        lat, lon = stops[0].lat, stops[0].lon
    view = _View(lat=lat, lon=lon, zoom=14, aims=not query)
    return page(
        request, "rider.html", **values, warnings=_warnings(request), map=view, phone=_phone(settings, language)
    )


def _notices(served: Served, stop: int, now_epoch_s: float, minutes: int, language: str) -> list[dict[str, Any]]:
    """What the stop's page tells of notices: those about the stop itself (*here*), then those about what calls there."""
    concerned = board.notices_at(served, stop, now_epoch_s, minutes=minutes)
    here = served.notices.of_stop(stop, now_epoch_s).references
    found: list[dict[str, Any]] = []
    for situation in served.notices.situations if concerned else ():
        encoded = msgspec.json.encode(qualify(served.fragments.code, situation.raw_id))
        if encoded in concerned:
            header, told, url = (
                in_language(part, language) for part in (situation.header, situation.description, situation.url)
            )
            found.append(
                {
                    "here": encoded in here,
                    "grave": situation.effect == "NO_SERVICE" or situation.severity == "SEVERE",
                    "header": header.text or told.text[:80],
                    "text": told.text,
                    "language": header.language or language,
                    "url": url.text if url.text.startswith(("http://", "https://")) else "",
                }
            )
    return sorted(found, key=lambda one: (not one["here"], not one["grave"]))


async def stop(request: Request) -> Response:
    """GET /stops/{id}: departures counting down; ``?part=arrivals`` is the board alone."""
    limit(request)
    refused = _not_ready(request)
    if refused:
        return refused
    replica, settings, now, language = _parts(request)
    stop_id = request.path_params["stop_id"]
    found = board.find_stop(replica, stop_id)
    if found is None:
        return not_found(request, "not_found.stop", id=stop_id[:80])
    served, row = found
    asked = request.query_params.get("minutes", "")
    minutes = min(max(int(asked), 5), 360) if asked.isdigit() and len(asked) < 5 else 60
    rows = board.departures_at(replica, served, row, now, minutes=minutes, language=language)
    live, usable = served.live_at(now)
    silent = replica.nobody_speaks(served.bundle.feed_id, now)
    stale = silent or (bool(served.newest and served.newest.feed_ids) and (live is None or not any(usable)))
    values: dict[str, Any] = {"rows": rows, "minutes": minutes, "now": round(now, 1), "stale": stale}
    if request.query_params.get("part") == "arrivals":
        return page(request, "_arrivals.html", **values)
    view = board.stop_view(served, row, language)
    place = _View(lat=view.lat, lon=view.lon, zoom=15.6, stop=view.stop_id)
    return page(
        request,
        "stop.html",
        **values,
        stop=view,
        notices=_notices(served, row, now, minutes, language),
        warnings=_warnings(request),
        map=place,
        phone=_phone(settings, language),
    )


async def warning(request: Request) -> Response:
    """GET /warnings/{id}: one warning in the reader's language."""
    limit(request)
    replica, settings, _, language = _parts(request)
    alert = replica.alerts.get(request.path_params["alert_id"])
    if alert is None:
        return not_found(request)
    alert = shown_part(alert)
    points = [point for info in alert.infos for area in info.areas for ring in area.polygons for point in ring]
    points += [(circle.lon, circle.lat) for info in alert.infos for area in info.areas for circle in area.circles]
    if points:
        lon, lat = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    else:
        lat, lon = board.centre_of(replica)
    view = _View(lat=lat, lon=lon, zoom=12.5)
    phone = _phone(settings, language)
    return page(request, "warning.html", warning=_warning(request, alert), map=view, phone=phone)


def _box(request: Request) -> tuple[float, float, float, float] | None:
    try:
        west, south, east, north = (float(part) for part in request.query_params.get("bbox", "").split(","))
    except ValueError:
        return None
    return (south, west, north, east) if -90 <= south <= north <= 90 and -180 <= west <= east <= 180 else None


async def ground(request: Request) -> Response:
    """GET /map/ground.json?bbox=west,south,east,north&language=: lines of routes and stops inside."""
    limit(request)
    replica = request.app.state.replica
    language = request.query_params.get("language", "")[:35] or language_of(request)
    box = _box(request)
    routes: list[dict[str, Any]] = []
    stops: list[dict[str, Any]] = []
    if box is None:
        raise invalid("bbox", "expected west,south,east,north in degrees")
    for served in replica.served.values():
        bundle, seen = served.bundle, set[int]()
        for row in bundle.stops_within(*box).tolist():
            if bundle.stop_route_ptr[row + 1] > bundle.stop_route_ptr[row]:
                seen.update(bundle.stop_route_rows(row))
                if len(stops) < GROUND_STOPS_MOST:
                    raw_id, name = bundle.stop_ids[row], bundle.texts[bundle.stop_name[row]]
                    name = name_in(language, bundle, "stops.stop_name", name, raw_id)
                    lat, lon = bundle.stop_lat[row], bundle.stop_lon[row]
                    stops.append({"id": qualify(bundle.code, raw_id), "name": name, "lat": lat, "lon": lon})
        for route in sorted(seen):
            it = bundle.route(route)
            shapes = sorted({way.shapes[0] for way in served.fragments.directions(route) if way.shapes})
            lines = [msgspec.json.decode(served.fragments.polyline(shape))["points"] for shape in shapes]
            routes.append({"color": f"#{it.color}" if it.color else "", "lines": lines})
    return answer(request, msgspec.json.encode({"routes": routes, "stops": stops}))


async def live(request: Request) -> Response:
    """GET /map/live.json?bbox=&language=: vehicles inside, and the ground of the warnings in force."""
    limit(request)
    replica, _, now, _ = _parts(request)
    language = request.query_params.get("language", "")[:35] or language_of(request)
    box = _box(request)
    vehicles: list[dict[str, Any]] = []
    if box is None:
        raise invalid("bbox", "expected west,south,east,north in degrees")
    for served in replica.served.values():
        told, usable = served.live_at(now)
        if told is None:
            continue
        for number in vehicle_rows_in(told, box):
            row = told.vehicle_trip[number]
            if not usable[told.vehicle_feed[number]] or row < 0:
                continue
            route_row = trip_ids_of_row(served, told, row)[2]
            if route_row < 0:
                continue
            it = served.bundle.route(route_row)
            on_line = isfinite(told.snapped_lat[number])
            bearing = told.bearing_deg[number]
            vehicles.append(
                {
                    "id": qualify(served.fragments.code, told.vehicle_ids[number]),
                    "lat": round(told.snapped_lat[number] if on_line else told.lat[number], 6),
                    "lon": round(told.snapped_lon[number] if on_line else told.lon[number], 6),
                    "bearing": round(bearing) if isfinite(bearing) else None,
                    "name": it.short_name or it.long_name,
                    "color": f"#{it.color}" if it.color else "",
                    "textColor": f"#{it.text_color}" if it.text_color else "",
                    "old": now - told.located_epoch_s[number] > board.MOVED_ON_S,
                }
            )
    features = [feature for alert in in_force(replica, now) if (feature := alert_feature(alert, language))["geometry"]]
    warnings = msgspec.json.decode(geojson.collection(features))
    return answer(request, msgspec.json.encode({"vehicles": vehicles, "warnings": warnings}))

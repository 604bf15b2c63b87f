"""Areas of alerts and places of vehicles as GeoJSON. Pure. Positions are [lon, lat], WGS 84. Source: RFC 7946."""

from math import asin, atan2, cos, degrees, pi, radians, sin
from typing import Any

import msgspec

from domain.alert import SEVERITY_RANK, Alert, AlertInfo, Area, Circle

EARTH_RADIUS_M = 6_371_008.8
CIRCLE_CORNERS = 48
CONTENT_TYPE = "application/geo+json"


def ring_of(circle: Circle) -> list[list[float]]:
    """A closed ring around the disc, counter-clockwise: its edges touch it, none cuts into it. Longitudes may pass 180°, so
    that a disc across the antimeridian stays in one piece."""
    lat, lon = radians(circle.lat), radians(circle.lon)
    angle = min(circle.radius_m / EARTH_RADIUS_M / cos(pi / CIRCLE_CORNERS), pi)
    ring = []
    for corner in range(CIRCLE_CORNERS):
        bearing = -2 * pi * corner / CIRCLE_CORNERS
        north = asin(sin(lat) * cos(angle) + cos(lat) * sin(angle) * cos(bearing))
        east = lon + atan2(sin(bearing) * sin(angle) * cos(lat), cos(angle) - sin(lat) * sin(north))
        ring.append([round(degrees(east), 6), round(degrees(north), 6)])
    return [*ring, ring[0]]


def geometry_of(areas: tuple[Area, ...]) -> dict[str, Any] | None:
    """All ground of the areas as one MultiPolygon; None when no geometry is known (a code, or everywhere)."""
    polygons = [[[list(point) for point in ring]] for area in areas for ring in area.polygons]
    polygons += [[ring_of(circle)] for area in areas for circle in area.circles]
    return {"type": "MultiPolygon", "coordinates": polygons} if polygons else None


def info_in(alert: Alert, language: str) -> AlertInfo | None:
    """The info block for a reader of *language*: in it, else in English, else the first; the worst among equals."""
    if not alert.infos:
        return None

    def rank(info: AlertInfo) -> tuple[int, int]:
        tag, wanted = info.language.lower(), language.lower()
        if tag == wanted:
            nearness = 0
        elif tag.partition("-")[0] == wanted.partition("-")[0]:
            nearness = 1
        else:
            nearness = 2 if tag.startswith("en") or not tag else 3
        return nearness, -SEVERITY_RANK[info.severity]

    return min(alert.infos, key=rank)


def alert_properties(alert: Alert, language: str) -> dict[str, Any]:
    """What a page says about an alert, in one language."""
    info = info_in(alert, language)
    said = alert.infos if info is None else tuple(other for other in alert.infos if other.language == info.language)
    return {
        "id": alert.alert_id,
        "feed": alert.feed_id,
        "revision": alert.revision,
        "state": alert.state.value,
        "status": alert.status.value,
        "pushable": alert.pushable,
        "whyNotPushable": alert.why_not_pushable,
        "updatedAt": alert.updated_epoch_s * 1000,
        "expiresAt": alert.expires_epoch_s * 1000,
        "onsetAt": (info.onset_epoch_s or info.effective_epoch_s) * 1000 if info else 0,
        "languages": sorted({other.language for other in alert.infos}),
        "language": info.language if info else "",
        "event": info.event if info else "",
        "severity": info.severity.value if info else "Unknown",
        "urgency": info.urgency if info else "",
        "certainty": info.certainty if info else "",
        "headline": info.headline if info else "",
        "description": info.description if info else "",
        "instruction": info.instruction if info else "",
        "sender": info.sender_name if info else "",
        "web": info.web if info else "",
        "areas": [area.description for other in said for area in other.areas if area.description],
        "approximate": any(area.approximate for other in said for area in other.areas),
        "everywhere": any(area.everywhere for other in said for area in other.areas),
    }


def alert_feature(alert: Alert, language: str) -> dict[str, Any]:
    """An alert with all ground that any of its info blocks covers."""
    areas = tuple(dict.fromkeys(area for info in alert.infos for area in info.areas))
    return {
        "type": "Feature",
        "id": alert.alert_id,
        "geometry": geometry_of(areas),
        "properties": alert_properties(alert, language),
    }


def point(lat: float, lon: float, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
        "properties": properties,
    }


def collection(features: list[dict[str, Any]]) -> bytes:
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})

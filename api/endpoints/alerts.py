"""Our own JSON for alerts: where warnings are in force, one warning in full, and the trips that run through them."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.answers import answer, limit
from api.errors import unknown
from api.formats import geojson
from api.replica import Replica
from domain.alert import Alert
from domain.risk import TripRisk
from domain.standing import shown_part, standing_part


def in_force(replica: Replica, now_epoch_s: float) -> list[Alert]:
    """Alerts in force now, the newest first, as phones are told of them: only the blocks that may be told and still hold.
    A test or an exercise is none."""
    found = [one for alert in replica.alerts.values() if (one := standing_part(alert, now_epoch_s)) is not None]
    return sorted(found, key=lambda alert: (-alert.updated_epoch_s, alert.alert_id))


def language_of(request: Request) -> str:
    """``?language=``, else what the browser prefers, else the deployment's language."""
    given = request.query_params.get("language", "").strip()
    if not given:
        given = request.headers.get("accept-language", "").split(",")[0].partition(";")[0].strip()
    language: str = request.app.state.settings.language
    return given[:35] if given and given != "*" else language


async def alerts_geojson(request: Request) -> Response:
    """GET /api/v1/alerts.geojson?language=: alerts in force, with the ground they cover."""
    limit(request)
    state = request.app.state
    language = language_of(request)
    features = [geojson.alert_feature(it, language) for it in in_force(state.replica, state.clock.now_epoch_s())]
    return answer(request, geojson.collection(features), geojson.CONTENT_TYPE, public=True)


async def alert(request: Request) -> Response:
    """GET /api/v1/alerts/{id}: one alert in every language, in force or not."""
    limit(request)
    found = request.app.state.replica.alerts.get(request.path_params["alert_id"])
    if found is None:
        raise unknown()
    found = shown_part(found)
    body = {"alert": geojson.alert_properties(found, language_of(request)), "infos": found.infos}
    return answer(request, msgspec.json.encode(body), public=True)


def _trip_risk(risk: TripRisk) -> dict[str, object]:
    return {
        "alertId": risk.alert_id,
        "revision": risk.revision,
        "level": risk.level.value,
        "tripId": risk.trip_id,
        "routeId": risk.route_id,
        "serviceDate": risk.service_date,
        "firstPosition": risk.first_position,
        "lastPosition": risk.last_position,
        "stopIds": risk.stop_ids,
    }


async def trip_risks(request: Request) -> Response:
    """GET /api/v1/trip-risks?tripId=&routeId=: running trips that pass through the area of an alert in force."""
    limit(request)
    state = request.app.state
    replica: Replica = state.replica
    trip_id, route_id = request.query_params.get("tripId", ""), request.query_params.get("routeId", "")
    standing = {it.alert_id for it in in_force(replica, state.clock.now_epoch_s())}
    found = [
        _trip_risk(risk)
        for risk in replica.trip_risks
        if risk.alert_id in standing and trip_id in ("", risk.trip_id) and route_id in ("", risk.route_id)
    ]
    return answer(request, msgspec.json.encode({"tripRisks": found}), public=True)

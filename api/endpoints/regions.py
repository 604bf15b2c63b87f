"""``/regions-v3.json``: this deployment as the apps' directory of regions lists one; and the region's warnings.

Source: OneBusAway sidecar specification, version 1.0, §1.2 and §3; no key is asked for.
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from api.around import middle_lon
from api.endpoints.alerts import in_force
from api.endpoints.answers import answer, limit
from api.formats import gtfs_realtime, oba
from api.formats.gtfs_realtime import AlertSaid, Informed
from api.replica import Replica
from domain.alert import SEVERITY_RANK, Alert, AlertInfo, AlertState, Severity
from domain.situation import Period, Translation
from runtime.settings import Settings

MOST_ALERTS = 20
OPEN_END_S = 8 * 3600
"""How long a warning without an end is shown: the contract's figure."""
SEVERITY = {
    Severity.EXTREME: "SEVERE",
    Severity.SEVERE: "SEVERE",
    Severity.MODERATE: "WARNING",
    Severity.MINOR: "INFO",
    Severity.UNKNOWN: "UNKNOWN_SEVERITY",
}
CAUSE = {"Met": "WEATHER", "Health": "MEDICAL_EMERGENCY", "Fire": "OTHER_CAUSE", "Security": "POLICE_ACTIVITY"}
"""By CAP category; everything else has another cause."""


async def regions_v3(request: Request) -> Response:
    """GET /regions-v3.json: one region, with the ground that its agencies serve."""
    settings: Settings = request.app.state.settings
    replica: Replica = request.app.state.replica
    bounds = []
    for served in replica.served.values():
        for box in served.bundle.meta["agency_bounds"]:
            if box is not None:
                south, west, north, east = box
                bounds.append(
                    {
                        "lat": (south + north) / 2,
                        "lon": middle_lon(west, east),
                        "latSpan": north - south,
                        "lonSpan": east - west,
                    }
                )
    base_url = settings.public_url or str(request.base_url)
    region = {
        "active": True,
        "bounds": bounds,
        "contactEmail": settings.contact_email,
        "enrollParticipantsInStudy": False,
        "experimental": False,
        "facebookUrl": None,
        "id": settings.region_id,
        "language": settings.language,
        "obaBaseUrl": base_url,
        "obaVersionInfo": "",
        "open311Servers": [],
        "otpBaseUrl": None,
        "otpContactEmail": None,
        "paymentAndroidAppId": None,
        "paymentWarningBody": None,
        "paymentWarningTitle": None,
        "paymentiOSAppStoreIdentifier": None,
        "paymentiOSAppUrlScheme": None,
        "regionName": settings.city,
        "sidecarBaseUrl": None,
        "siriBaseUrl": None,
        "stopInfoUrl": None,
        "supportsEmbeddedSocial": False,
        "supportsObaDiscoveryApis": True,
        "supportsObaRealtimeApis": True,
        "supportsOtpBikeshare": False,
        "supportsSiriRealtimeApis": False,
        "travelBehaviorDataCollectionEnabled": False,
        "twitterUrl": "",
    }
    body = oba.encode({"code": 200, "data": {"list": [region]}, "text": "OK", "version": 3})
    response = answer(request, body, public=True)
    response.headers["cache-control"] = "public, max-age=300"
    return response


async def alerts(request: Request) -> Response:
    """GET /api/v1/regions/{id}/alerts, .pb and .pbtext (protocol buffer JSON): warnings in force, the newest first.

    ``?test=1`` also shows what is only a test or an exercise.
    """
    limit(request)
    state = request.app.state
    replica: Replica = state.replica
    settings: Settings = state.settings
    number = re.match(r"\d+", request.path_params["region_id"])
    if number is None or int(number[0][:18]) != settings.region_id:
        return answer(request, oba.encode({"error": "Couldn't find Region"}), status=404, public=True)
    now_epoch_s: float = state.clock.now_epoch_s()
    shown = in_force(replica, now_epoch_s)
    if request.query_params.get("test", "").strip():
        shown += [
            one
            for one in replica.alerts.values()
            if not one.pushable and one.state is AlertState.IN_FORCE and one.expires_epoch_s > now_epoch_s
        ]
    said = sorted((_said(one, _agency_id(replica), settings.language) for one in shown), key=_newest_first)
    feed = gtfs_realtime.alerts(now_epoch_s, said[:MOST_ALERTS], version="1.0")
    as_json = request.url.path.endswith(".pbtext")
    body = gtfs_realtime.json(feed) if as_json else gtfs_realtime.binary(feed)
    media_type = gtfs_realtime.JSON_TYPE if as_json else gtfs_realtime.CONTENT_TYPE
    return answer(request, body, media_type, public=True)


def _newest_first(said: AlertSaid) -> tuple[int, str]:
    return -said.periods[0].start_epoch_s, said.entity_id


def _agency_id(replica: Replica) -> str:
    served = next(iter(replica.served.values()), None)
    return served.fragments.code if served is not None else ""


def _said(alert: Alert, agency_id: str, language: str) -> AlertSaid:
    """One warning, in every language it was given in: English first, then the deployment's own."""
    infos: dict[str, AlertInfo] = {}
    for info in alert.infos:
        infos.setdefault(info.language, info)

    def rank(info: AlertInfo) -> int:
        tag = info.language.lower().partition("-")[0]
        return 0 if tag == "en" else 1 if tag == language.lower().partition("-")[0] else 2

    ordered = sorted(infos.values(), key=rank)
    starts = [info.onset_epoch_s or info.effective_epoch_s for info in alert.infos]
    start = min((at for at in starts if at), default=alert.first_seen_epoch_s)
    ends = [info.expires_epoch_s for info in alert.infos]
    end = alert.expires_epoch_s if ends and all(ends) else start + OPEN_END_S
    worst = max((info.severity for info in alert.infos), key=SEVERITY_RANK.__getitem__, default=Severity.UNKNOWN)
    categories = [category for info in alert.infos for category in info.categories]
    return AlertSaid(
        entity_id=f"Alert_{alert.alert_id}",
        periods=(Period(start_epoch_s=start, end_epoch_s=end),),
        informed=(Informed(agency_id=agency_id),),
        cause=next((CAUSE[one] for one in categories if one in CAUSE), "OTHER_CAUSE"),
        effect="OTHER_EFFECT",
        severity=SEVERITY[worst],
        header=[Translation(text=one.headline or one.event, language=one.language) for one in ordered],
        description=[
            Translation(text="\n\n".join(filter(None, (one.description, one.instruction))), language=one.language)
            for one in ordered
        ],
        url=[Translation(text=one.web, language=one.language) for one in ordered if one.web][:1],
    )

"""``report-problem-with-stop``, ``report-problem-with-trip``, and the same read back by who keeps the service right.

The id stands in the path, or in ``stopId`` or ``tripId`` as older apps send it; the code in ``code``, or in the JSON of
``data``. Nothing of a report says who sent it.
"""

import msgspec

from api import params
from api.auth import require_protected
from api.errors import invalid, unknown
from api.formats import oba
from api.where import Ask
from domain.problem_report import STOP_CODES, TRIP_CODES, ProblemReport
from store import problem_reports
from store.hall import Hall

MAX_COMMENT_CHARACTERS = 1000
MAX_NAME_CHARACTERS = 128
MAX_LISTED = 250
DECIMALS = 3
"""Of a rider's place, in degrees: some 100 m."""


async def report_stop(ask: Ask, hall: Hall) -> bytes:
    """Keep what is wrong with a stop that there is."""
    stop_id = ask.id or params.text(ask.query, "stopId")
    served, raw_id = ask.split("id" if ask.id else "stopId", stop_id)
    if served.bundle.stop_ids.index(raw_id) is None:
        raise unknown()
    await problem_reports.add(hall, _report(ask, "stop", stop_id, STOP_CODES))
    return b"{}"


async def report_trip(ask: Ask, hall: Hall) -> bytes:
    """Keep what is wrong with a trip; it may be one that was only told live and is gone again."""
    trip_id = ask.id or params.text(ask.query, "tripId")
    ask.split("id" if ask.id else "tripId", trip_id)
    await problem_reports.add(hall, _report(ask, "trip", trip_id, TRIP_CODES))
    return b"{}"


async def reports_for_stop(ask: Ask, hall: Hall) -> bytes:
    """What was reported about a stop, the newest first; only for protected keys."""
    return await _listed(ask, hall, "stop")


async def reports_for_trip(ask: Ask, hall: Hall) -> bytes:
    """What was reported about a trip, the newest first; only for protected keys."""
    return await _listed(ask, hall, "trip")


async def _listed(ask: Ask, hall: Hall, kind: str) -> bytes:
    require_protected(ask.query, ask.replica.api_keys)
    ask.split("id", ask.id)
    found = await problem_reports.about(hall, kind, ask.id, MAX_LISTED + 1)
    rows = [oba.encode(_encoded(report)) for report in found[:MAX_LISTED]]
    return oba.listing(rows, ask.encoded_references(), limit_exceeded=len(found) > MAX_LISTED)


def _encoded(report: ProblemReport) -> dict[str, object]:
    shown: dict[str, object] = {
        "code": report.code,
        "createdAt": report.reported_epoch_s * 1000,
        f"{report.kind}Id": report.subject_id,
        "userComment": report.comment,
    }
    if report.lat is not None and report.lon is not None:
        shown |= {"userLat": report.lat, "userLon": report.lon}
    if report.accuracy_m is not None:
        shown["userLocationAccuracy"] = report.accuracy_m
    if report.kind == "trip":
        shown |= {
            "serviceDate": report.service_date_epoch_s * 1000,
            "stopId": report.stop_id,
            "userOnVehicle": bool(report.on_vehicle),
            "userVehicleNumber": report.vehicle_number,
            "vehicleId": report.vehicle_id,
        }
    return shown


def _report(ask: Ask, kind: str, subject_id: str, codes: tuple[str, ...]) -> ProblemReport:
    query = ask.query
    code = params.text(query, "code") or _legacy_code(params.text(query, "data"))
    if code and code not in codes:
        raise invalid("code", f"expected one of {', '.join(codes)}, found {code[:40]!r}")
    lat, lon = params.optional_number(query, "userLat", -90, 90), params.longitude(query, "userLon")
    accuracy_m = params.optional_number(query, "userLocationAccuracy", 0, 1e7)
    on_vehicle = params.boolean(query, "userOnVehicle", False) if params.text(query, "userOnVehicle") else None
    service_date = params.instant_epoch_s(query, "serviceDate", ask.settings.time_zone)
    return ProblemReport(
        kind=kind,
        subject_id=subject_id,
        reported_epoch_s=int(ask.now_epoch_s),
        code=code,
        comment=_short(ask, ("userComment",), MAX_COMMENT_CHARACTERS),
        service_date_epoch_s=int(service_date or 0),
        vehicle_id=_short(ask, ("vehicleId", "vehicleID"), MAX_NAME_CHARACTERS),
        stop_id=_short(ask, ("stopId", "stopID"), MAX_NAME_CHARACTERS) if kind == "trip" else "",
        on_vehicle=on_vehicle,
        vehicle_number=_short(ask, ("userVehicleNumber",), MAX_NAME_CHARACTERS),
        lat=None if lat is None else round(lat, DECIMALS),
        lon=None if lon is None else round(lon, DECIMALS),
        accuracy_m=accuracy_m,
    )


def _short(ask: Ask, names: tuple[str, ...], most: int) -> str:
    """The first of those parameters that is there, cut: a rider's words are not refused for their length."""
    found = next((text for name in names if (text := params.text(ask.query, name))), "")
    return "".join(letter for letter in found[:most] if letter.isprintable() or letter == "\n")


def _legacy_code(document: str) -> str:
    """``data={"code":"other"}``: how apps of before 2014 say it."""
    if not document:
        return ""
    try:
        return str(msgspec.json.decode(document, type=dict[str, object]).get("code", ""))
    except msgspec.MsgspecError:
        raise invalid("data", f"expected a JSON object with code, found {document[:40]!r}") from None

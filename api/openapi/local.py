"""Example requests of the running city: the ids of the small town whose answers are printed mean nothing anywhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from api.endpoints.alerts import in_force
from api.openapi.operation import Operation
from api.pages import board
from api.replica import Replica
from api.served import Served
from domain.ids import qualify, split
from domain.service_day import local_date
from runtime.settings import Settings

LOOK_M = 4_000
"""How far from the middle a stop is looked for that has a departure now."""
LOOK_MOST = 60
SOON_MINUTES = 60
PLACEHOLDER_KEY = "KEY"
REPORTS = ("/report-problem-with-", "/problem-reports-for-")
"""In the path of addresses that change something, or that only a key with more rights opens."""


NAMING = frozenset(
    {"id", "agency_id", "alert_id", "route_id", "stopId", "tripId", "stops", "stop", "trip", "route", "input", "q"}
)
"""Parameters that name something of the city."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """What stands here for what the test town's requests name; None: there is nothing of the kind just now."""

    ids: Mapping[str, str | None]
    """An id of the test town to one of this city."""
    parameters: Mapping[str, str | None]
    """A query parameter's name to its value here."""

    def given(self, name: str, value: str) -> str | None:
        """What the parameter of that name has here, where *value* is the test town's."""
        if name in self.parameters:
            return self.parameters[name]
        return self.ids.get(value, value) if name in NAMING else value


def local(replica: Replica, settings: Settings, now_epoch_s: float) -> Local | None:
    """Around the middle of the city, at a stop where something departs; None before there is a timetable."""
    lat, lon = board.centre_of(replica)
    stops = board.near(replica, lat, lon, radius_m=LOOK_M, most=LOOK_MOST)
    if not stops:
        return None
    best: tuple[Served, int, board.Departure | None] = (*stops[0][:2], None)
    for served, row, _ in stops:
        soon = board.departures_at(
            replica, served, row, now_epoch_s, minutes=SOON_MINUTES, language=settings.language, with_cancelled=False
        )
        timetabled = [it for it in soon if it.predicted and _trip_row(served, it.trip_id) is not None]
        if timetabled:
            best = (served, row, timetabled[0])
            break
    return _local(replica, settings, now_epoch_s, *best)


def _trip_row(served: Served, trip_id: str) -> int | None:
    rows = served.bundle.trip_rows(split(trip_id)[1])
    return rows[0] if len(rows) else None


def _local(
    replica: Replica, settings: Settings, now_epoch_s: float, served: Served, stop: int, soon: board.Departure | None
) -> Local:
    bundle, code = served.bundle, served.fragments.code
    view = board.stop_view(served, stop, settings.language)
    trip = _trip_row(served, soon.trip_id) if soon is not None else None
    if trip is None:
        trip = next((row for route in bundle.stop_route_rows(stop) for row in bundle.route_trip_rows(route)), 0)
    route = bundle.trip_route[trip]
    today = local_date(now_epoch_s, bundle.time_zone).isoformat()
    visit = dict(parse_qsl(soon.why)) if soon is not None else {"serviceDate": today}
    it, line = bundle.trip(trip), bundle.route(route)
    route_id = served.fragments.route(route).route_id
    agency = bundle.agency_of_route(route).code
    alerts, situations = in_force(replica, now_epoch_s), served.notices.situations
    box = (view.lon - 0.01, view.lat - 0.01, view.lon + 0.01, view.lat + 0.01)
    return Local(
        ids={
            "1": agency,
            "40": agency,
            "1_mid": view.stop_id,
            "1_mid,1_nowhere": view.stop_id,
            "1_t1": served.fragments.trip_id(trip),
            "1_r_10": route_id,
            "40_hill": route_id,
            "1_b1": qualify(code, it.block_raw_id) if it.block_raw_id else None,
            "1_north": qualify(code, it.shape_raw_id) if it.shape_raw_id else None,
            "1_bus7": _vehicle(served, now_epoch_s),
            "1_moved": qualify(code, situations[0].raw_id) if situations else None,
            "civil|flood-1": alerts[0].alert_id if alerts else None,
            "centrl": view.name,
            "midle": view.name,
            "10": line.short_name or line.long_name,
        },
        parameters={
            "region_id": str(settings.region_id),
            "key": "test" if settings.accept_test_key else PLACEHOLDER_KEY,
            "serviceDate": visit["serviceDate"],
            "stopSequence": visit.get("stopSequence"),
            "date": today,
            "lat": f"{view.lat:.5f}",
            "lon": f"{view.lon:.5f}",
            "bbox": ",".join(f"{edge:.4f}" for edge in box),
        },
    )


def _vehicle(served: Served, now_epoch_s: float) -> str | None:
    """One that runs a trip and may be believed."""
    told, usable = served.live_at(now_epoch_s)
    for number, row in enumerate(told.vehicle_trip if told is not None else ()):
        if told is not None and row >= 0 and usable[told.vehicle_feed[number]] and told.vehicle_ids[number]:
            return qualify(served.fragments.code, told.vehicle_ids[number])
    return None


def request_here(it: Operation, given: Mapping[str, str], here: Local) -> str | None:
    """The operation's example request with what this city has; *given* is what stands in its path; None: it has not all."""
    path, _, query = it.example.partition("?")
    path = it.path
    for name, value in given.items():
        found = here.given(name, value)
        if found is None:
            return None
        path = path.replace(f"{{{name}}}", quote(found, safe=""))
    asked: dict[str, str] = {}
    for name, value in parse_qsl(query):
        found = here.given(name, value)
        if found is None:
            return None
        asked[name] = found
    return f"{path}?{urlencode(asked)}" if asked else path


def to_be_followed(it: Operation) -> bool:
    """May a reader of the description simply try the example?"""
    return it.method == "get" and not any(part in it.path for part in REPORTS)


def parameters_here(described: list[dict[str, Any]], here: Local) -> list[dict[str, Any]]:
    """The described parameters with this city's examples; what it has none of has no example."""
    made = []
    for it in described:
        example = it.get("example")
        text = str(example[0] if isinstance(example, list) else example)
        found = here.given(it["name"], text) if example is not None else text
        if found == text:
            made.append(it)
            continue
        kept = {key: value for key, value in it.items() if key != "example"}
        if found is not None:
            kept["example"] = (
                [found] if isinstance(example, list) else float(found) if isinstance(example, float) else found
            )
        made.append(kept)
    return made

"""The checks by which OneBusAway judges a server, done again from their description: seven groups, four verdicts.

A check compares what a server answers with the schedule and the feeds that it is said to serve. Ids are compared with or
without an agency's prefix. Source: OneBusAway server-validator, 2026-06, its list of checks.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote

from google.transit import gtfs_realtime_pb2

from tests.conformance.cities import City

SKEW_S = 3600
STALE_S = 300
BOX_DEG = 0.01


class Verdict(StrEnum):
    """How a check ended."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Check(NamedTuple):
    """One check of a group."""

    group: str
    name: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Server:
    city: City

    def data(self, path: str, query: str = "") -> Any:
        """``data`` of the answer; None unless it is 200."""
        status, body = self.city.ask(path, query)
        return json.loads(body)["data"] if status == 200 else None


def validate(city: City, schedule: bytes, sample_size: int = 3) -> list[Check]:
    """Every check, on at most *sample_size* vehicles, trips and notices."""
    server = _Server(city)
    messages = [_parsed(data) for data in city.feeds]
    return [
        *_basic_endpoints(server),
        *_agency_union(server, schedule),
        *_gtfs_sanity(schedule),
        *_freshness(city, messages),
        *_vehicle_positions(server, messages, sample_size),
        *_trip_updates(server, messages, sample_size),
        *_service_alerts(server, messages, sample_size),
    ]


def _parsed(data: bytes) -> Any:
    message = gtfs_realtime_pb2.FeedMessage()
    message.ParseFromString(data)
    return message


def same(ours: str, theirs: str) -> bool:
    """One id with a prefix, the other without?"""
    return ours == theirs or ours.partition("_")[2] == theirs or ours.partition("_")[2] == theirs.partition("_")[2]


def _basic_endpoints(server: _Server) -> Iterator[Check]:
    group, now = "basic-endpoints", server.city.now_epoch_s
    time = server.data("current-time")
    skew = abs(time["entry"]["time"] / 1000 - now)
    yield Check(group, "current-time", Verdict.PASS if skew <= SKEW_S else Verdict.WARN, f"{skew:.0f} s")
    agencies = server.data("agencies-with-coverage")["list"]
    yield Check(group, "agencies-with-coverage", Verdict.PASS if agencies else Verdict.FAIL)
    routes = server.data(f"routes-for-agency/{agencies[0]['agencyId']}")["list"]
    yield Check(group, "routes-for-agency", Verdict.PASS if routes else Verdict.FAIL)
    stop_ids = server.data(f"stops-for-route/{routes[0]['id']}")["entry"]["stopIds"]
    yield Check(group, "stops-for-route", Verdict.PASS if stop_ids else Verdict.FAIL)
    stop = server.data(f"stop/{stop_ids[0]}")["entry"]
    yield Check(group, "stop", Verdict.PASS if stop["id"] == stop_ids[0] else Verdict.FAIL)
    near = server.data("stops-for-location", f"lat={stop['lat']}&lon={stop['lon']}")
    good = near["list"] and not near["outOfRange"]
    yield Check(group, "stops-for-location", Verdict.PASS if good else Verdict.FAIL)
    arrivals = server.data(f"arrivals-and-departures-for-stop/{stop_ids[0]}")["entry"]["arrivalsAndDepartures"]
    yield Check(group, "arrivals-and-departures-for-stop", Verdict.PASS if arrivals else Verdict.WARN)


def _table(schedule: bytes, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(schedule)) as archive, archive.open(name) as file:
        return list(csv.DictReader(io.TextIOWrapper(file, "utf-8-sig")))


def _agency_union(server: _Server, schedule: bytes) -> Iterator[Check]:
    served = {row["agencyId"] for row in server.data("agencies-with-coverage")["list"]}
    wanted = {row.get("agency_id", "") for row in _table(schedule, "agency.txt")}
    codes = {agency.raw_id: agency.code for agency in server.city.bundle.agencies}
    for raw_id in sorted(wanted):
        yield Check("agency-union", raw_id, Verdict.PASS if codes.get(raw_id) in served else Verdict.FAIL)
    extra = served - set(codes.values())
    yield Check("agency-union", "extra", Verdict.WARN if extra else Verdict.PASS, ", ".join(sorted(extra)))


def _gtfs_sanity(schedule: bytes) -> Iterator[Check]:
    for name in ("agency", "routes", "stops", "trips"):
        yield Check("gtfs-sanity", name, Verdict.PASS if _table(schedule, f"{name}.txt") else Verdict.FAIL)


def _freshness(city: City, messages: Iterable[Any]) -> Iterator[Check]:
    for number, message in enumerate(messages):
        age_s = city.now_epoch_s - int(message.header.timestamp)
        verdict = Verdict.PASS if 0 <= age_s <= STALE_S else Verdict.WARN if age_s < 0 else Verdict.FAIL
        yield Check("rt-freshness", f"feed {number}", verdict, f"{age_s} s")


def _vehicle_positions(server: _Server, messages: Iterable[Any], sample_size: int) -> Iterator[Check]:
    group = "vehicle-positions-sampling"
    vehicles = [entity.vehicle for message in messages for entity in message.entity if entity.HasField("vehicle")]
    if not vehicles:
        yield Check(group, "feed", Verdict.SKIP, "no vehicles")
        return
    served = [
        row
        for agency in server.city.bundle.agencies
        for row in server.data(f"vehicles-for-agency/{agency.code}")["list"]
    ]
    yield Check(group, "vehicles-for-agency", Verdict.PASS if served else Verdict.FAIL, f"{len(served)} vehicles")
    for vehicle in [one for one in vehicles if one.trip.trip_id and one.HasField("position")][:sample_size]:
        name = vehicle.vehicle.id or vehicle.vehicle.label
        listed = [row["vehicleId"] for row in served if same(row["vehicleId"], name)]
        yield Check(group, f"{name} listed", Verdict.PASS if listed else Verdict.WARN)
        on_trip = server.data(f"trip-for-vehicle/{listed[0]}") if listed else None
        if on_trip is None:
            yield Check(group, f"{name} on a trip", Verdict.WARN)
            continue
        trip_id = on_trip["entry"]["tripId"]
        right = same(trip_id, vehicle.trip.trip_id)
        yield Check(group, f"{name} on its trip", Verdict.PASS if right else Verdict.FAIL, trip_id)
        box = f"lat={vehicle.position.latitude}&lon={vehicle.position.longitude}&latSpan={BOX_DEG}&lonSpan={BOX_DEG}"
        around = [row["tripId"] for row in server.data("trips-for-location", box)["list"]]
        found = any(same(one, vehicle.trip.trip_id) for one in around)
        yield Check(group, f"{name} on the map", Verdict.PASS if found else Verdict.WARN)


def _trip_updates(server: _Server, messages: Iterable[Any], sample_size: int) -> Iterator[Check]:
    group, now = "trip-update-sampling", server.city.now_epoch_s
    kind = gtfs_realtime_pb2.TripUpdate.StopTimeUpdate
    done = 0
    for message in messages:
        for entity in message.entity:
            if done >= sample_size or not entity.HasField("trip_update"):
                continue
            update = entity.trip_update
            first = next(
                (
                    one
                    for one in update.stop_time_update
                    if one.stop_id
                    and one.schedule_relationship == kind.SCHEDULED
                    and now - 300 <= (one.arrival.time or one.departure.time) <= now + 2100
                ),
                None,
            )
            if first is None:
                continue
            done += 1
            stop_id = f"{server.city.bundle.code}_{first.stop_id}"
            answer = server.data(f"arrivals-and-departures-for-stop/{quote(stop_id, safe='_')}")
            rows = answer["entry"]["arrivalsAndDepartures"] if answer else []
            names = {update.trip.trip_id, update.trip_properties.trip_id} - {""}
            found = any(same(row["tripId"], name) for row in rows for name in names)
            verdict = Verdict.PASS if found else Verdict.FAIL
            yield Check(group, update.trip.trip_id, verdict, f"at {first.stop_id}")
    if not done:
        yield Check(group, "feed", Verdict.SKIP, "no trip has a time that can be looked for")


def _service_alerts(server: _Server, messages: Iterable[Any], sample_size: int) -> Iterator[Check]:
    group = "service-alert-crossref"
    alerts = [
        entity
        for message in messages
        for entity in message.entity
        if entity.HasField("alert") and any(one.stop_id for one in entity.alert.informed_entity)
    ]
    if not alerts:
        yield Check(group, "feed", Verdict.SKIP, "no notice names a stop")
        return
    found = 0
    for entity in alerts[:sample_size]:
        stop_id = next(one.stop_id for one in entity.alert.informed_entity if one.stop_id)
        answer = server.data(f"arrivals-and-departures-for-stop/{server.city.bundle.code}_{stop_id}")
        named: set[str] = set()
        if answer is not None:
            named |= {one for row in answer["entry"]["arrivalsAndDepartures"] for one in row["situationIds"]}
            named |= {one["id"] for one in answer["references"]["situations"]}
        is_there = any(same(one, entity.id) for one in named)
        found += is_there
        yield Check(group, entity.id, Verdict.PASS if is_there else Verdict.WARN, f"at {stop_id}")
    yield Check(group, "any", Verdict.PASS if found else Verdict.FAIL)

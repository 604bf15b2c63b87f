"""The walks on a real city's recorded hour: ``wayside up --replay``, asked over HTTP, against a plain reading of the files."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from feeds.formats import cap
from simulator.replay import open_recording
from tests.feeds.formats.cap_messages import alert, info
from tests.walks.house import House, eventually, running
from tests.walks.plainly import CANCELED, Call, Plainly, message_of

pytestmark = pytest.mark.recorded
ASIDE_S = 60
"""Calls this near to the edge of what is asked for may or may not be listed."""
AHEAD_S = 3600
CODE = "Halifax"


@dataclass(frozen=True)
class Replay:
    house: House
    plainly: Plainly
    starts: int
    aboard: frozenset[str]
    """Trips that a vehicle is on."""
    answers: dict[str, dict[str, Any]]
    """Every stop's answer, asked at once."""


def _folder(recordings: Path, into: Path, *names: str) -> Path:
    into.mkdir()
    for name in names:
        shutil.copy(recordings / "gtfsrt" / "halifax" / name, into / name)
    return into


def _ask_everywhere(house: House, plainly: Plainly, code: str = CODE) -> dict[str, dict[str, Any]]:
    stops = sorted({row["stop_id"] for row in plainly.tables["stop_times"]})
    query = f"key=test&minutesBefore=0&minutesAfter={AHEAD_S // 60}"

    def ask(stop: str) -> dict[str, Any]:
        answer = house.get(f"/api/where/arrivals-and-departures-for-stop/{code}_{stop}.json?{query}")
        return {
            "now": answer["currentTime"] / 1000,
            **answer["data"]["entry"],
            "references": answer["data"]["references"],
        }

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(stops, pool.map(ask, stops), strict=True))


@pytest.fixture(scope="module")
def live(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The whole recording, and a warning that was in force at no end; asked everywhere as soon as it is live."""
    folder = _folder(
        recordings, tmp_path_factory.mktemp("replay") / "halifax",
        "gtfs.zip", "TripUpdates.pb", "VehiclePositions.pb", "Alerts.pb", "combined.pb",
    )  # fmt: skip
    shutil.copy(next((recordings / "cap" / "xml_real").glob("fpas__45ba79__*.xml")), folder / "warning.xml")
    _write_floods(folder, open_recording(folder).starts_epoch_s)
    plainly = Plainly(folder, [entity.trip_update for entity in message_of(folder / "TripUpdates.pb").entity])
    vehicles = [entity.vehicle for entity in message_of(folder / "VehiclePositions.pb").entity]
    # Two report from trips that they themselves call cancelled.
    aboard = frozenset(vehicle.trip.trip_id for vehicle in vehicles if vehicle.trip.schedule_relationship != CANCELED)
    starts = open_recording(folder).starts_epoch_s
    with running(tmp_path_factory.mktemp("home"), "up", "--replay", str(folder)) as house:
        eventually(
            lambda: house.ready() and all(row["record"]["polls_total"] for row in house.feeds().values()),
            60,
            "all is read",
        )
        eventually(lambda: any(row["predicted"] for row in house.arrivals(f"{CODE}_{_busiest(plainly)}")), 60, "live")
        yield Replay(house, plainly, starts, aboard, _ask_everywhere(house, plainly))


FLOOD = ((44.645, -63.63), (44.645, -63.60), (44.665, -63.60), (44.665, -63.63))
"""(lat, lon) around the west end of Halifax; nobody else in these tests lives there."""


def _write_floods(folder: Path, starts_epoch_s: int) -> None:
    """The same ground three times: flooded now for six hours, tonight, and for an exercise."""

    def stamp(after_s: int) -> str:
        return datetime.fromtimestamp(starts_epoch_s + after_s, UTC).isoformat()

    points = " ".join(f"{lat},{lon}" for lat, lon in (*FLOOD, FLOOD[0]))
    area = f"<area><areaDesc>West end</areaDesc><polygon>{points}</polygon></area>"
    for name, onset_s, status in (
        ("now", -300, "Actual"),
        ("tonight", 4 * 3600, "Actual"),
        ("exercise", -300, "Exercise"),
    ):
        said = info(area, event=f"Flood {name}", onset=stamp(onset_s), expires=stamp(6 * 3600))
        (folder / f"{name}.cap").write_bytes(alert(said, identifier=name, sent=stamp(-600), status=status))


@pytest.fixture(scope="module")
def scheduled(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The same city without a word of where its buses are."""
    folder = _folder(recordings, tmp_path_factory.mktemp("replay") / "halifax", "gtfs.zip", "Alerts.pb")
    plainly = Plainly(folder)
    with running(tmp_path_factory.mktemp("home"), "up", "--replay", str(folder)) as house:
        eventually(house.ready, 60, "the timetable is in force")
        yield Replay(
            house, plainly, open_recording(folder).starts_epoch_s, frozenset(), _ask_everywhere(house, plainly)
        )


def _busiest(plainly: Plainly) -> str:
    counts: dict[str, int] = {}
    for row in plainly.tables["stop_times"]:
        counts[row["stop_id"]] = counts.get(row["stop_id"], 0) + 1
    return max(counts, key=lambda stop: counts[stop])


def _differences(replay: Replay) -> tuple[int, int, list[str]]:
    """(calls compared, of them predicted, what is not as the plain reading has it)."""
    expected = replay.plainly.expected(replay.starts)
    by_position = replay.aboard - {update.trip.trip_id for update in replay.plainly.updates}
    compared, predicted, wrong = 0, 0, []
    by_stop: dict[str, list[Call]] = {}
    for call in expected.values():
        by_stop.setdefault(call.stop, []).append(call)
    for stop, answer in replay.answers.items():
        rows = {}
        for row in answer["arrivalsAndDepartures"]:
            key = row["tripId"].partition("_")[2], row["scheduledDepartureTime"] // 1000
            rows[key] = row
            found = expected.get((stop, key[0], key[1]))
            if found is None:
                if key[0] in replay.plainly.trips:
                    wrong.append(f"{stop}: {key} is in no timetable")
                continue
            compared += 1
            if found.cancelled:
                wrong += [f"{stop}: {key} is cancelled, shown {row['status']}"] * (row["status"] != "CANCELED")
            elif found.skipped:
                wrong.append(f"{stop}: {key} is skipped, and listed")
            elif found.predicted:
                predicted += 1
                if not row["predicted"] or row["predictedDepartureTime"] // 1000 != found.predicted:
                    told = row["predictedDepartureTime"] // 1000
                    wrong.append(f"{stop}: {key} should be told {found.predicted}, is {told}")
        low, high = answer["now"] + ASIDE_S, answer["now"] + AHEAD_S - ASIDE_S
        for due in by_stop.get(stop, ()):
            when = due.predicted or due.scheduled
            listed = low < when < high and low < due.scheduled < high and not (due.skipped or due.cancelled)
            listed &= due.trip not in by_position  # its vehicle may have passed already
            if listed and (due.trip, due.scheduled) not in rows:
                wrong.append(f"{stop}: {due.trip} at {due.scheduled} is missing")
    return compared, predicted, wrong


def test_arrivals_at_all_stops_are_the_agencys_own(live: Replay) -> None:
    """Every stop at once: each call told at the second that the agency's words come to, none missing, none made up."""
    compared, predicted, wrong = _differences(live)
    print(f"{len(live.answers)} stops, {compared} calls compared, {predicted} of them predicted by the agency")
    assert not wrong, wrong[:9]
    assert len(live.answers) > 2000
    assert predicted > 5000


def test_arrivals_at_all_stops_fall_back_to_the_schedule(scheduled: Replay) -> None:
    compared, predicted, wrong = _differences(scheduled)
    print(f"{len(scheduled.answers)} stops, {compared} calls compared")
    assert (wrong, predicted) == ([], 0)
    assert compared > 10_000
    rows = [row for answer in scheduled.answers.values() for row in answer["arrivalsAndDepartures"]]
    assert not any(row["predicted"] or row["predictedDepartureTime"] for row in rows)


def test_trips_on_the_road_have_their_updates_and_vehicles(live: Replay) -> None:
    """216 trips are under way at the header's time, 210 of them with updates, 188 with vehicles."""
    header = message_of(live.plainly.folder / "TripUpdates.pb").header.timestamp
    vehicles = {e.vehicle.trip.trip_id for e in message_of(live.plainly.folder / "VehiclePositions.pb").entity}
    active = live.plainly.active_trips(header)
    updated = active & {update.trip.trip_id for update in live.plainly.updates}
    assert (len(active), len(updated), len(active & vehicles)) == (216, 210, 188)
    seen = {}
    for trip in active:
        entry = live.house.get(f"/api/where/trip-details/{CODE}_{trip}.json?key=test&includeSchedule=false")
        seen[trip] = entry["data"]["entry"]["status"]
    cancelled = {trip for trip, status in seen.items() if status and status["status"] == "CANCELED"}
    assert {trip for trip, status in seen.items() if status and status["predicted"]} | cancelled >= updated
    assert {trip for trip, status in seen.items() if status and status["vehicleId"]} == active & vehicles


def test_every_notice_is_attached_where_it_belongs(live: Replay) -> None:
    """46 notices: each at every call that a selector of it names, and at no other."""
    notices = message_of(live.plainly.folder / "Alerts.pb").entity
    assert len(notices) == 46
    named: dict[tuple[str, str], set[str]] = {
        (selector.route_id, selector.stop_id): set() for entity in notices for selector in entity.alert.informed_entity
    }
    for entity in notices:
        for selector in entity.alert.informed_entity:
            named[selector.route_id, selector.stop_id].add(f"{CODE}_{entity.id}")
    shown: set[str] = set()
    for stop, answer in live.answers.items():
        periods = {
            f"{CODE}_{entity.id}" for entity in notices
            if any(period.start <= answer["now"] < period.end for period in entity.alert.active_period)
        }  # fmt: skip
        for row in answer["arrivalsAndDepartures"]:
            route = row["routeId"].partition("_")[2]
            assert set(row["situationIds"]) == named.get((route, stop), set()) & periods, (stop, row["tripId"])
            shown |= set(row["situationIds"])
        assert {one["id"] for one in answer["references"]["situations"]} >= {
            one for row in answer["arrivalsAndDepartures"] for one in row["situationIds"]
        }
    for entity in notices:
        if f"{CODE}_{entity.id}" in shown:
            continue
        calls = 0
        for selector in entity.alert.informed_entity:
            if selector.stop_id in live.answers:
                rows = live.house.arrivals(f"{CODE}_{selector.stop_id}", minutes_after=1440)
                rows = [row for row in rows if row["routeId"] == f"{CODE}_{selector.route_id}"]
                calls += len(rows)
                assert all(f"{CODE}_{entity.id}" in row["situationIds"] for row in rows), entity.id
        print(f"{entity.id}: {calls} calls of the next day")


def test_a_real_warning_reaches_a_subscribed_place(live: Replay) -> None:
    message = cap.decode((live.plainly.folder / "warning.xml").read_bytes(), feed_id="cap").items[0]
    ring = message.infos[0].areas[0].polygons[0]
    lon, lat = (sum(point[axis] for point in ring) / len(ring) for axis in (0, 1))
    asked = {
        "device": {"platform": "fcm", "token": "resident"}, "language": "de",
        "places": [{"label": "Zuhause", "lat": lat, "lon": lon, "radius_m": 500}],
    }  # fmt: skip
    live.house.post("/api/v1/subscriptions", asked)
    told = eventually(lambda: live.house.inbox("resident"), 30, "the phone is told")
    assert len(told) == 1
    print(told[0]["message"]["notification"])
    far = {**asked, "device": {"platform": "fcm", "token": "far-away"}}
    far["places"] = [{"label": "Home", "lat": 44.65, "lon": -63.57, "radius_m": 500}]
    live.house.post("/api/v1/subscriptions", far)
    time.sleep(2)  # what must not come cannot be awaited
    assert live.house.inbox("far-away") == []


def test_trips_through_a_flood_are_named_and_no_others(live: Replay) -> None:
    """Who surely calls in it within the hour is named; who is named surely runs through it. Nobody, for tonight's."""
    events = {
        one["properties"]["id"]: one["properties"]["event"]
        for one in live.house.get("/api/v1/alerts.geojson")["features"]
    }
    risks = eventually(lambda: live.house.get("/api/v1/trip-risks")["tripRisks"], 30, "trips are judged")
    by_event: dict[str, set[str]] = {}
    for risk in risks:
        by_event.setdefault(events[risk["alertId"]], set()).add(risk["tripId"].partition("_")[2])
    asked = live.house.get("/api/where/current-time.json?key=test")["currentTime"] / 1000
    ground = shapely.Polygon([(lon, lat) for lat, lon in FLOOD])
    places = {row["stop_id"]: (float(row["stop_lon"]), float(row["stop_lat"])) for row in live.plainly.tables["stops"]}
    flooded = {stop for stop, place in places.items() if ground.contains(shapely.Point(place))}
    calls: dict[str, list[Call]] = {}
    for call in live.plainly.expected(live.starts).values():
        if abs(call.scheduled - asked) < 6 * 3600:  # not yesterday's or tomorrow's run of it
            calls.setdefault(call.trip, []).append(call)
    surely, possibly = set(), set()
    lines = live.plainly.lines()
    for trip, theirs in calls.items():
        times = [call.predicted or call.scheduled for call in theirs if not call.skipped]
        if not times or theirs[0].cancelled or min(times) > asked + AHEAD_S + ASIDE_S:
            continue
        row = live.plainly.trips[trip]
        way = shapely.LineString(lines[row["shape_id"]]) if row.get("shape_id") in lines else None
        touches = way is None or way.intersects(ground.buffer(1e-4)) or any(call.stop in flooded for call in theirs)
        if touches and (max(times) > asked - ASIDE_S or trip in live.aboard):
            possibly.add(trip)
        inside = [call.predicted or call.scheduled for call in theirs if call.stop in flooded and not call.skipped]
        begins_soon = min(times) < asked + AHEAD_S - ASIDE_S
        if trip not in live.aboard and begins_soon and any(when > asked + ASIDE_S for when in inside):
            surely.add(trip)
    assert set(by_event) == {"Flood now"}
    named = by_event["Flood now"]
    print(f"{len(named)} trips named, {len(surely)} of them surely, of {len(possibly)} that may")
    assert surely <= named, sorted(surely - named)[:9]
    # Three more are in no timetable: their updates list the calls.
    added = {update.trip.trip_id for update in live.plainly.updates} - set(live.plainly.trips)
    assert named <= possibly | added, sorted(named - possibly - added)[:9]
    assert len(surely) > 50


def test_a_sick_feed_turns_red(live: Replay) -> None:
    """503s: failing, why and what to do; the other feeds do not notice."""
    house = live.house
    house.post(f"{house.outside}/sick/vehicle_positions/503")

    def failing() -> dict[str, Any] | None:
        health: dict[str, Any] = house.feeds()["vehicle-positions"]["health"]
        return health if health["state"] == "failing" else None

    health = eventually(failing, 90, "the feed is failing")
    assert "server has an error" in health["why"]
    assert health["todo"]
    assert house.feeds()["trip-updates"]["health"]["state"] != "failing"
    assert house.said().count("event=feed_failing feed=vehicle-positions") == 1


def test_another_citys_recording_needs_nothing_else(recordings: Path, tmp_path: Path) -> None:
    """A railway, with files of its own names put into a folder: its arrivals, too, are the agency's own."""
    folder = tmp_path / "caltrain"
    folder.mkdir()
    named = {
        "gtfs.zip": "gtfs.zip", "ct-trip-updates.pb": "TripUpdates.pb", "ct-vehicle-positions.pb": "VehiclePositions.pb",
        "ct-service-alerts.pb": "Alerts.pb",
    }  # fmt: skip
    for name, here in named.items():
        shutil.copy(recordings / "gtfsrt" / "caltrain" / name, folder / here)
    plainly = Plainly(folder, [entity.trip_update for entity in message_of(folder / "TripUpdates.pb").entity])
    with running(tmp_path / "home", "up", "--replay", str(folder)) as house:
        eventually(lambda: house.ready() and any(row["predicted"] for row in house.arrivals("CT_70012")), 60, "live")
        answers = _ask_everywhere(house, plainly, "CT")
    compared, predicted, wrong = _differences(
        Replay(house, plainly, open_recording(folder).starts_epoch_s, frozenset(), answers)
    )
    assert not wrong, wrong[:9]
    assert (compared > 50, predicted > 50) == (True, True)

"""Where other servers tell riders something wrong: one crisp question each, from a feed's bytes to the answer.

A feed is written as protocol buffer text, decoded, predicted on and asked about, at 08:05 of a Monday in the town.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2

from api.app import Application
from api.auth import digest_of
from api.replica import Replica
from domain.feed import FeedKind, FeedRecord, FeedSpec
from domain.quota import Quota
from feeds.formats import gtfs_realtime
from predictor.placing import Ground
from predictor.schedule import Schedule
from predictor.tick import predict
from predictor.traces import Memory
from predictor.words import Heard
from tests.api.asgi import answer, get
from tests.api.town import DAY, GTFS, Bus, Key, StillHall, Town, at, import_bundle, predictions_of

ALL_DAY = "minutesBefore=1440&minutesAfter=1440"


def ms(hours: int, minutes: int = 0, seconds: int = 0) -> int:
    return at(hours, minutes, seconds) * 1000


async def hear(town: Town, entities: str) -> None:
    """Have the town hear a feed of those entities, now."""
    now = int(town.clock.now_epoch_s())
    header = f'header {{ gtfs_realtime_version: "2.0" timestamp: {now} }}\n'
    message = text_format.Parse(header + entities, gtfs_realtime_pb2.FeedMessage())
    items = gtfs_realtime.decode(message.SerializeToString(), feed_id="live", now_epoch_s=now).items
    schedule = Schedule(town.bundle)
    heard = Heard(feed_id="live", header_epoch_s=now, updates=items.trip_updates, vehicles=items.vehicles)
    made, _ = predict(schedule, Ground(schedule), [heard], float(now), Memory())
    town.hall.live["town"] = (await town.hall.predictions_version("town") + 1, made)
    town.hall.notices["notices"] = (town.hall.notices.get("notices", (0, ()))[0] + 1, items.situations)
    await town.replica.refresh()


def arrivals(town: Town, stop: str, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = town.data(f"arrivals-and-departures-for-stop/1_{stop}", f"key=test&{query}")["entry"][
        "arrivalsAndDepartures"
    ]
    return rows


def of_trip(rows: list[dict[str, Any]], trip_id: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["tripId"] == trip_id]


def update(trip: str, calls: str, *, date: str = "20261123", more: str = "") -> str:
    """One trip update; *more* goes into its trip."""
    return f'entity {{ id: "{trip}{date}" trip_update {{ trip {{ trip_id: "{trip}" start_date: "{date}" {more} }} {calls} }} }}\n'


def call(stop: str, arrival: int, more: str = "") -> str:
    return f'stop_time_update {{ stop_id: "{stop}" arrival {{ time: {arrival} }} departure {{ time: {arrival} }} {more} }} '


# --- 1 to 3: what does not run, and what runs beside the timetable


async def test_cancelled_trip_is_shown_as_cancelled(town: Town) -> None:
    """Where it was scheduled, with nothing predicted; on its status too."""
    await hear(town, update("t1", "", more="schedule_relationship: CANCELED"))
    (row,) = of_trip(arrivals(town, "mid"), "1_t1")
    assert (row["status"], row["predicted"], row["predictedArrivalTime"]) == ("CANCELED", False, 0)
    assert row["scheduledArrivalTime"] == ms(8, 10)
    assert town.data("trip-details/1_t1")["entry"]["status"]["status"] == "CANCELED"


async def test_skipped_stop_is_not_promised(town: Town) -> None:
    """Neither by its time nor by a delay that is carried on; the next stop is."""
    skipped = 'stop_time_update { stop_id: "mid" schedule_relationship: SKIPPED } '
    await hear(town, update("t1", call("pier_1", at(8, 6)) + skipped + call("top", at(8, 26))))
    assert of_trip(arrivals(town, "mid"), "1_t1") == []
    (row,) = of_trip(arrivals(town, "top"), "1_t1")
    assert (row["predicted"], row["predictedArrivalTime"]) == (True, ms(8, 26))


async def test_added_trip_appears(town: Town) -> None:
    """With its route, its headsign and its own times."""
    more = 'schedule_relationship: ADDED route_id: "r_10" start_time: "08:15:00"'
    await hear(town, update("extra", call("pier_1", at(8, 15)) + call("C1", at(8, 35)), more=more))
    (row,) = of_trip(arrivals(town, "C1"), "1_extra")
    assert (row["predictedArrivalTime"], row["routeId"], row["status"]) == (ms(8, 35), "1_r_10", "ADDED")
    assert row["stopSequence"] == 1


async def test_duplicated_trip_appears_beside_the_original(town: Town) -> None:
    """Two runs, each with its own times."""
    copied = (
        f'entity {{ id: "d" trip_update {{ trip {{ trip_id: "t1" start_date: "20261123" schedule_relationship: DUPLICATED }} '
        f'trip_properties {{ trip_id: "t1-again" start_date: "20261123" start_time: "08:20:00" }} '
        f"{call('pier_1', at(8, 20))} {call('mid', at(8, 31))} }} }}"
    )
    await hear(town, copied)
    rows = arrivals(town, "mid")
    assert [row["predictedArrivalTime"] for row in of_trip(rows, "1_t1-again")] == [ms(8, 31)]
    assert [row["scheduledArrivalTime"] for row in of_trip(rows, "1_t1")] == [ms(8, 10)]


async def test_replacement_trip_stands_for_the_original(town: Town) -> None:
    """Its stops count, those of the timetable do not."""
    calls = call("pier_1", at(8, 7)) + call("C2", at(8, 33))
    await hear(town, update("t1", calls, more="schedule_relationship: REPLACEMENT"))
    assert of_trip(arrivals(town, "mid"), "1_t1") == []
    assert [row["predictedArrivalTime"] for row in of_trip(arrivals(town, "C2"), "1_t1")] == [ms(8, 33)]


# --- 4 to 8: which run, which call, at what time


@pytest.mark.parametrize(("minutes_past", "away"), [(25, 15), (39, 1), (50, -10)])
async def test_night_trip_is_tonights_where_no_day_is_named(town: Town, minutes_past: int, away: int) -> None:
    """At 00:25 the trip that yesterday's timetable has at 24:40 comes in a quarter of an hour, not in a day and a quarter."""
    await town.clock.advance_s(15 * 3600 + 55 * 60 + minutes_past * 60)
    entry = town.data("arrival-and-departure-for-stop/1_mid", "key=test&tripId=1_late")["entry"]
    assert entry["serviceDate"] == ms(0)
    assert entry["scheduledArrivalTime"] / 1000 - town.clock.now_epoch_s() == away * 60
    tomorrow = town.data("arrival-and-departure-for-stop/1_mid", "key=test&tripId=1_late&serviceDate=2026-11-24")[
        "entry"
    ]
    assert tomorrow["serviceDate"] == ms(24)


async def test_day_trip_is_todays_where_no_day_is_named(town: Town) -> None:
    """At 00:25 that of eight o'clock is today's, though yesterday's is as near as tomorrow's."""
    await town.clock.advance_s(15 * 3600 + 80 * 60)
    entry = town.data("arrival-and-departure-for-stop/1_mid", "key=test&tripId=1_t1")["entry"]
    assert entry["serviceDate"] == ms(24)


async def test_todays_time_is_not_tomorrows(town: Town) -> None:
    """The same trip a day later is a day later, not 1,440 minutes early."""
    await town.clock.advance_s(300)  # 08:10, so that tomorrow's is within a day
    await hear(town, update("t1", call("mid", at(8, 14))))
    today, tomorrow = of_trip(arrivals(town, "mid", "minutesAfter=1440"), "1_t1")
    assert (today["predicted"], today["predictedArrivalTime"]) == (True, ms(8, 14))
    assert (tomorrow["predicted"], tomorrow["predictedArrivalTime"]) == (False, 0)
    assert tomorrow["scheduledArrivalTime"] == ms(32, 10)
    assert tomorrow["serviceDate"] == (DAY + 86_400) * 1000


async def test_update_for_tomorrow_leaves_today_alone(town: Town) -> None:
    """start_date says which."""
    await town.clock.advance_s(300)  # 08:10, so that tomorrow's is within a day
    await hear(town, update("t1", call("mid", at(32, 9)), date="20261124"))
    today, tomorrow = of_trip(arrivals(town, "mid", "minutesAfter=1440"), "1_t1")
    assert today["predicted"] is False
    assert tomorrow["predictedArrivalTime"] == ms(32, 9)


def test_stop_sequence_counts_from_nought(town: Town) -> None:
    """Whatever the feed counts: t1 says 5, 7, 8, 20."""
    found = [of_trip(arrivals(town, stop), "1_t1")[0]["stopSequence"] for stop in ("pier_1", "mid", "top", "C1")]
    assert found == [0, 1, 2, 3]


LOOP = GTFS | {
    "stop_times.txt": GTFS["stop_times.txt"]
    + """loop,08:00:00,08:00:00,pier_1,1,0,0,
loop,08:10:00,08:10:00,mid,2,0,0,
loop,08:20:00,08:20:00,top,3,0,0,
loop,08:40:00,08:40:00,pier_1,4,0,0,
""",
    "trips.txt": GTFS["trips.txt"] + "r_10,WK,loop,Round trip,0,,\n",
}


async def test_loop_trip_keeps_its_calls_at_one_stop_apart(tmp_path: Path) -> None:
    """The end of the loop is predicted; its start, at the same stop, is not told that time."""
    town = Town(tmp_path, files=LOOP)
    await town.replica.refresh()
    end = f'stop_time_update {{ stop_sequence: 4 stop_id: "pier_1" arrival {{ time: {at(8, 44)} }} }} '
    await hear(town, update("loop", f"stop_time_update {{ stop_sequence: 1 departure {{ time: {at(8, 4)} }} }} {end}"))
    first, last = of_trip(arrivals(town, "pier_1", "minutesAfter=60"), "1_loop")
    assert (first["stopSequence"], first["predictedDepartureTime"]) == (0, ms(8, 4))
    assert (last["stopSequence"], last["predictedArrivalTime"]) == (3, ms(8, 44))
    one = town.data("arrival-and-departure-for-stop/1_pier_1", "key=test&tripId=1_loop&stopSequence=3")["entry"]
    assert one["predictedArrivalTime"] == ms(8, 44)


async def test_time_without_delay_is_carried_on(town: Town) -> None:
    """Six minutes late at Middle Street means six minutes late at the Top."""
    await hear(town, update("t1", f'stop_time_update {{ stop_id: "mid" arrival {{ time: {at(8, 16)} }} }}'))
    (row,) = of_trip(arrivals(town, "top"), "1_t1")
    assert (row["predicted"], row["predictedArrivalTime"]) == (True, ms(8, 26))


CLOCK_CHANGE = GTFS | {
    "calendar.txt": """
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
WK,1,1,1,1,1,1,1,20260301,20261231
"""
}


@pytest.mark.parametrize(
    ("date", "at_eight_utc", "starts_utc"),
    [
        ("2026-03-07", "12:00", "04:00"),
        ("2026-03-08", "11:00", "03:00"),  # clocks go forward at 02:00: 08:00 is 3 h from UTC, the day starts at 23:00
        ("2026-11-01", "12:00", "04:00"),  # back at 02:00: 08:00 is 4 h from UTC, the day starts at 01:00 summer time
        ("2026-11-02", "12:00", "04:00"),
    ],
)
async def test_on_days_when_clocks_change_eight_is_eight(
    tmp_path: Path, date: str, at_eight_utc: str, starts_utc: str
) -> None:
    """A service day starts at noon minus twelve hours, so that times after the change are right."""
    from datetime import datetime

    town = Town(tmp_path, files=CLOCK_CHANGE)
    await town.replica.refresh()
    eight, start = (
        int(datetime.fromisoformat(f"{date}T{clock}:00+00:00").timestamp()) * 1000
        for clock in (at_eight_utc, starts_utc)
    )
    rows = arrivals(town, "pier_1", f"time={eight}&minutesBefore=0&minutesAfter=1")
    (row,) = of_trip(rows, "1_t1")
    assert (row["scheduledDepartureTime"], row["serviceDate"]) == (eight, start)
    schedule = town.data("schedule-for-stop/1_pier_1", f"key=test&date={date}")["entry"]["stopRouteSchedules"][0]
    first = schedule["stopRouteDirectionSchedules"][0]["scheduleStopTimes"][0]
    assert first["departureTime"] == eight


# --- 9 to 11: what apps cannot do without


async def test_nothing_is_left_out_for_being_nought(town: Town) -> None:
    """lastUpdateTime is 0 rather than absent, lastKnownDistanceAlongTrip whole, nearbyStopIds a list."""
    assert [row["lastUpdateTime"] for row in arrivals(town, "pier_1")] == [0] * 3
    assert town.data("arrivals-and-departures-for-stop/1_pier_1")["entry"]["nearbyStopIds"] == []
    bus = 'vehicle { id: "7" } position { latitude: 44.6031 longitude: -63.5 }'
    where = f'entity {{ id: "v" vehicle {{ trip {{ trip_id: "t1" start_date: "20261123" }} {bus} timestamp: {at(8, 5)} }} }}'
    await hear(town, update("t1", call("mid", at(8, 11))) + where)
    (row,) = of_trip(arrivals(town, "mid"), "1_t1")
    assert isinstance(row["tripStatus"]["lastKnownDistanceAlongTrip"], int)
    assert row["tripStatus"]["lastKnownDistanceAlongTrip"] == 344  # metres from the pier, whole


async def test_ids_with_spaces_and_slashes_are_ids(town: Town) -> None:
    """Percent-encoded as apps send them, or as they are."""
    for written in ("1_mid%20b%2F2", "1_mid%20b/2"):
        answer = await get(town.application, f"/api/where/stop/{written}.json?key=test")
        assert answer.json()["data"]["entry"]["id"] == "1_mid b/2"
        answer = await get(town.application, f"/api/where/arrivals-and-departures-for-stop/{written}.json?key=test")
        assert answer.json()["data"]["entry"]["stopId"] == "1_mid b/2"


def test_a_week_ahead_is_answered_as_far_as_a_day(town: Town) -> None:
    """As far as we look, rather than not at all."""
    most, more = (
        town.data("arrivals-and-departures-for-stop/1_mid", f"key=test&minutesAfter={it}") for it in (1440, 10_080)
    )
    assert more == most
    assert most["entry"]["arrivalsAndDepartures"]


async def test_plus_signs_are_read_either_way(tmp_path: Path) -> None:
    """Ids put in a query as they are, and spaces of a path written as in a query; the usual reading comes first."""
    files = dict(GTFS)
    for name in ("trips.txt", "stop_times.txt"):
        files[name] = files[name].replace("t1,", "t+1,").replace("t3,", "t 1,")
    files = {name: text.replace("top b", "top+b") for name, text in files.items()}
    town = Town(tmp_path, files=files)
    await town.replica.refresh()
    at_pier = f"key=test&serviceDate={DAY * 1000}&tripId="

    def trip(path: str, query: str) -> str:
        return str(town.data(f"arrival-and-departure-for-stop/{path}", query)["entry"]["tripId"])

    assert trip("1_pier_1", at_pier + "1_t%2B1") == "1_t+1"
    assert trip("1_pier_1", at_pier + "1_t+1") == "1_t 1"
    assert trip("1_top+b", at_pier + "1_t2") == "1_t2"
    assert town.data("trip-details/1_t+1")["entry"]["tripId"] == "1_t+1"
    assert town.data("stop/1_mid+b/2")["entry"]["id"] == "1_mid b/2"
    assert trip("1_mid+b/2", at_pier + "1_t2") == "1_t2"
    for name in ("trips.txt", "stop_times.txt"):
        files[name] = files[name].replace("t 1,", "t3,")
    other_home = tmp_path / "without"
    other_home.mkdir()
    without = Town(other_home, files=files)
    await without.replica.refresh()
    found = without.data("arrival-and-departure-for-stop/1_pier_1", at_pier + "1_t+1")
    assert found["entry"]["tripId"] == "1_t+1"
    assert without.ask("arrival-and-departure-for-stop/1_pier_1", at_pier + "1_no+1")[0] == 404


def test_nobody_is_told_to_board_where_nobody_may(town: Town) -> None:
    """pickup_type and drop_off_type; the last stop of t1 takes nobody up, its first sets nobody down."""
    (first,), (last,) = (of_trip(arrivals(town, stop), "1_t1") for stop in ("pier_1", "C1"))
    assert (first["arrivalEnabled"], first["departureEnabled"]) == (False, True)
    assert (last["arrivalEnabled"], last["departureEnabled"]) == (True, False)


def test_frequencies_are_told(town: Town) -> None:
    """A shuttle every 15 minutes without published times says so; a trip with times says null."""
    rows = arrivals(town, "pier_1", f"time={ms(12)}&minutesBefore=0&minutesAfter=0")
    assert rows[0]["frequency"] == {"startTime": ms(12), "endTime": ms(12, 30), "headway": 900, "exactTimes": 0}
    assert arrivals(town, "mid")[0]["frequency"] is None


# --- 12 and 13: what stock apps ask for


@pytest.mark.parametrize(
    "target",
    [
        "/api/where/vehicle/1_7.json",
        "/api/where/trip-for-vehicle/1_7.json",
        "/api/where/arrivals-and-departures-for-location.json?lat=44.61&lon=-63.5",
        "/api/where/trips-for-location.json?lat=44.61&lon=-63.5&radius=5000",
        "/api/gtfs_realtime/trip-updates-for-agency/1.pb",
        "/api/gtfs_realtime/vehicle-positions-for-agency/1.pb",
        "/api/gtfs_realtime/alerts-for-agency/1.pb",
        "/onebusaway-api-webapp/api/where/current-time.json",
        "/api/where/current-time",
    ],
)
async def test_what_stock_apps_ask_is_answered(town: Town, target: str) -> None:
    """With what they add: key, app_uid, app_ver, version."""
    bus = 'vehicle { id: "7" } position { latitude: 44.6031 longitude: -63.5 }'
    await hear(town, f'entity {{ id: "v" vehicle {{ trip {{ trip_id: "t1" }} {bus} timestamp: {at(8, 5)} }} }}')
    query = f"{'&' if '?' in target else '?'}key=test&app_uid=0f&app_ver=20.1&version=2"
    assert (await get(town.application, target + query)).status_code == 200


def test_trips_without_a_vehicle_are_on_the_map_too(town: Town) -> None:
    """By the clock."""
    listed = town.data("trips-for-location", "key=test&lat=44.606&lon=-63.5&latSpan=0.01&lonSpan=0.01")["list"]
    assert [row["tripId"] for row in listed] == ["1_t1"]


# --- 14: notices


def notice(name: str, period: str, more: str = 'informed_entity { route_id: "r_10" }') -> str:
    return (
        f'entity {{ id: "{name}" alert {{ {period} {more} effect: DETOUR cause: CONSTRUCTION '
        'header_text { translation { text: "Umleitung" language: "de" } translation { text: "Detour" language: "en" } } '
        'description_text { translation { text: "Nur deutsch" language: "de" } } } }\n'
    )


async def test_notices_are_told_in_their_time_and_language(town: Town) -> None:
    """Not before, not after; in the city's language, else in the first there is; ids qualified; when it was first seen."""
    await hear(
        town,
        notice("now", f"active_period {{ start: {at(8)} end: {at(9)} }}")
        + notice("over", f"active_period {{ end: {at(8)} }}")
        + notice("coming", f"active_period {{ start: {at(9)} }}"),
    )
    data = town.data("arrivals-and-departures-for-stop/1_mid")
    (row,) = of_trip(data["entry"]["arrivalsAndDepartures"], "1_t1")
    assert row["situationIds"] == ["1_now"]
    (told,) = data["references"]["situations"]
    assert told["summary"] == {"lang": "en", "value": "Detour"}
    assert told["description"] == {"lang": "de", "value": "Nur deutsch"}
    assert told["activeWindows"] == [{"from": ms(8), "to": ms(9)}]
    assert told["creationTime"] == ms(8, 5)
    assert (told["reason"], told["consequences"][0]["condition"]) == ("CONSTRUCTION", "detour")
    assert told["allAffects"][0]["routeId"] == "1_r_10"
    await town.clock.advance_s(3600)
    assert [told["id"] for told in town.data("route/1_r_10")["references"]["situations"]] == ["1_coming"]


# --- 15 to 17: what may be kept, and who may ask


async def test_what_is_live_is_never_kept(town: Town) -> None:
    """Pull to refresh must refresh."""
    for path in (
        "arrivals-and-departures-for-stop/1_mid",
        "vehicles-for-agency/1",
        "trip-details/1_t1",
        "current-time",
    ):
        answer = await get(town.application, f"/api/where/{path}.json?key=test")
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


async def test_etags_are_of_one_address_and_one_day(town: Town) -> None:
    """Quoted; not the same for two stops; and no 304 across midnight."""
    tags = []
    for path in ("stop/1_mid", "stop/1_top", "schedule-for-stop/1_mid"):
        answer = await get(town.application, f"/api/where/{path}.json?key=test")
        tags.append(answer.headers["etag"])
        assert answer.headers["etag"].removeprefix("W/")[0] == '"'
    assert len(set(tags)) == 3
    asked = {"if-none-match": tags[2]}
    path = "/api/where/schedule-for-stop/1_mid.json?key=test"
    assert (await get(town.application, path, headers=asked)).status_code == 304
    await town.clock.advance_s(86_400)
    assert (await get(town.application, path, headers=asked)).status_code == 200


async def test_limits_are_of_one_key(town: Town) -> None:
    """One app that asks too much is told when to come back; another is not."""
    quota = Quota(requests=60, per_s=3600)
    town.hall.keys |= {digest_of(key): Key("rider", quota=quota) for key in ("greedy", "modest")}
    await town.replica.refresh()
    answers = [answer(town.application, "current-time", query=b"key=greedy") for _ in range(70)]
    status, headers, _ = answers[-1]
    assert (status, int(dict(headers)[b"retry-after"]) > 0) == (429, True)
    assert town.ask("current-time", "key=modest")[0] == 200


def test_unknown_versions_are_refused_as_a_client_s_error(town: Town) -> None:
    """400, not 500; 2 and none are good."""
    status, body = town.ask("current-time", "key=test&version=3")
    assert (status, body["text"], list(body["data"]["fieldErrors"])) == (400, "unknown version: 3", ["version"])
    assert town.ask("current-time", "key=test&version=2")[0] == 200


# --- 18 and 19: whose it is


def test_stops_that_two_agencies_share_have_one_id(town: Town) -> None:
    """That of the feed's main agency, whoever asks and by whichever way."""
    by_agency = {stop["id"] for code in ("1", "40") for stop in town.data(f"stops-for-agency/{code}")["list"]}
    assert {stop_id for stop_id in by_agency if stop_id.endswith("pier_1")} == {"1_pier_1"}
    (express,) = of_trip(arrivals(town, "pier_1"), "40_express")
    assert express["stopId"] == "1_pier_1"
    assert town.ask("stop/40_pier_1")[0] in (200, 404)
    assert "40_pier_1" not in json.dumps(town.data("trip-details/40_express"))


async def test_ids_that_two_feeds_share_are_kept_apart(tmp_path: Path) -> None:
    """The same trip and the same vehicle in two cities of one deployment: each with its own."""
    from tests.api.town import Row

    plain = Town(tmp_path)
    bundles = {
        "town": plain.bundle,
        "other": import_bundle(tmp_path, feed_id="other", codes={"": "2", "H": "2", "B": "41"}),
    }
    hall = StillHall()
    hall.generations = {feed_id: bundle.generation for feed_id, bundle in bundles.items()}
    for feed_id, minutes in (("town", 3), ("other", 9)):
        calls = [
            (stop, at(8, m + minutes), at(8, m + minutes), 0)
            for stop, m in (("pier_1", 0), ("mid", 10), ("top", 20), ("C1", 30))
        ]
        rows = [Row(trip="t1", calls=calls, vehicle=0, updated=at(8, 5))]
        bus = Bus(name="7", row=0, lat=44.60 + minutes / 1000, next_position=1, located=at(8, 5))
        hall.live[feed_id] = (1, predictions_of(bundles[feed_id], rows, [bus], computed=at(8, 5)))
    specs = tuple(FeedSpec(feed_id=feed_id, kind=FeedKind.GTFS, url="http://x", interval_s=3600) for feed_id in bundles)
    live = FeedSpec(feed_id="live", kind=FeedKind.COMBINED, url="http://x", interval_s=15, schedule=tuple(bundles))
    hall.all_records = {"live": FeedRecord(spec=live, started_epoch_s=DAY)}
    import dataclasses

    settings = dataclasses.replace(plain.settings, feeds=(*specs, live))
    replica = Replica(settings, plain.clock, hall, plain._judge)
    plain.replica, plain.application = replica, Application(settings, plain.clock, replica, None)
    await replica.refresh()
    said = {
        code: (
            plain.data(f"arrival-and-departure-for-stop/{code}_mid", f"key=test&tripId={code}_t1")["entry"][
                "predictedArrivalTime"
            ],
            plain.data(f"vehicle/{code}_7")["entry"]["location"]["lat"],
        )
        for code in ("1", "2")
    }
    assert said == {"1": (ms(8, 13), 44.603), "2": (ms(8, 19), 44.609)}

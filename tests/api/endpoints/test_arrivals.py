"""Which calls are shown at a stop: of which run, on which day, at what time, and with what an app needs to show them.

Where other servers tell riders something wrong, one question each, from a feed's bytes to the answer.
"""

from datetime import datetime
from pathlib import Path

import pytest

from tests.api.live_feed import arrivals, call, hear, of_trip, update
from tests.api.town import DAY, GTFS, Town, at, ms


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


def test_a_week_ahead_is_answered_as_far_as_a_day(town: Town) -> None:
    """As far as we look, rather than not at all."""
    most, more = (
        town.data("arrivals-and-departures-for-stop/1_mid", f"key=test&minutesAfter={it}") for it in (1440, 10_080)
    )
    assert more == most
    assert most["entry"]["arrivalsAndDepartures"]


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

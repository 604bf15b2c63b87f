"""Where on its trip a vehicle is: passes of one street told apart, detours, layovers, and the end of a trip."""

from pathlib import Path

import numpy as np
import pytest

from bench import places
from domain.predictions import CallFlag, Predictions
from feeds.schedule import build
from predictor.schedule import Schedule
from store.timetable import Bundle
from tests.predictor.streets import (
    EAST,
    LOLLIPOP,
    OUT_AND_BACK,
    WEST,
    Place,
    Report,
    Streets,
    along,
    at,
)


def drive(town: Streets, trip: str, line: list[Place], *, start: int, metres: range, every_s: int = 20) -> np.ndarray:
    """Report along the line at 5 m/s with noise of 12 m; the errors of the distances found."""
    random = np.random.default_rng(7)
    errors = []
    for distance in metres:
        now = start + distance // 5
        x, y = along(line, distance)
        noise = random.normal(0, 12, 2)
        made = town.tick(now, Report(place=(x + noise[0], y + noise[1]), when=now, trip=trip))
        errors.append(float(made.distance_m[0]) - distance)
    return np.array(errors)


@pytest.mark.parametrize(("trip", "line", "length"), [("out1", OUT_AND_BACK, 6000), ("lolli1", LOLLIPOP, 8000)])
@pytest.mark.parametrize("late_s", [0, 420])
def test_a_drive_along_a_line_that_meets_itself_is_followed(
    town: Streets, trip: str, line: list[Place], length: int, late_s: int
) -> None:
    """On time or seven minutes late, out and back: never on the other pass, within noise of the place."""
    errors = drive(town, trip, line, start=at(8) + late_s, metres=range(100, length - 80, 100))
    # Less than 75 m from the turn both ways are one place; elsewhere it is the noise.
    assert np.abs(errors).max() < 160
    assert np.percentile(np.abs(errors), 90) < 40


def test_the_way_back_is_not_believed_without_time_for_it(town: Streets) -> None:
    """A bus that stands 1 km out for a long time is not moved to the same place on the way back by its lateness."""
    for now in range(at(8, 3), at(8, 16), 30):
        made = town.tick(now, Report(place=(1000, 4), when=now, trip="out1"))
    assert made.distance_m[0] == pytest.approx(1000, abs=5)


def test_a_first_sight_is_placed_by_the_timetable(town: Streets) -> None:
    """At 08:15 the bus is due 4,500 m along: the way back."""
    made = town.tick(at(8, 15), Report(place=(1400, 0), when=at(8, 15), trip="out1"))
    assert made.distance_m[0] == pytest.approx(4600, abs=5)


def test_a_first_sight_is_placed_by_the_call_it_names(town: Streets) -> None:
    """The same place and time, but the vehicle says that it goes to its third call: it is late, on the way out."""
    made = town.tick(at(8, 15), Report(place=(1400, 0), when=at(8, 15), trip="out1", sequence=21))
    assert made.distance_m[0] == pytest.approx(1400, abs=5)
    assert made.next_position[0] == 2
    assert made.deviation_s[0] == pytest.approx(900 - 280, abs=2)


def test_a_call_that_geometry_contradicts_is_not_believed(town: Streets) -> None:
    """A sequence that stands still while the bus drives on counts for nothing 300 m past it."""
    drive(town, "out1", OUT_AND_BACK, start=at(8), metres=range(100, 1900, 100))
    now = at(8, 6, 40)
    made = town.tick(now, Report(place=(1950, 0), when=now, trip="out1", sequence=11))
    assert made.next_position[0] == 2


def test_the_bearing_tells_ways_apart(town: Streets) -> None:
    """Half way in time, out or back by the way the bus points."""
    now = at(8, 10)
    out = town.tick(now, Report(place=(2400, 0), when=now, trip="out1", bearing=90, vehicle="a"))
    back = town.tick(now, Report(place=(2400, 0), when=now, trip="out1", bearing=270, vehicle="b"))
    assert out.distance_m[0] == pytest.approx(2400, abs=5)
    assert back.distance_m[0] == pytest.approx(3600, abs=5)


def test_a_stop_served_twice_lies_at_two_distances(town: Streets) -> None:
    """The stops of the way back are those of the way out."""
    metres = town.bundle.trip_distances_m(town.bundle.trip_rows("out1")[0])
    assert metres.tolist() == pytest.approx([0, 1000, 2000, 3000, 4000, 5000, 6000], abs=2)


def test_without_a_shape_the_line_runs_through_the_stops(town: Streets) -> None:
    """200 m beside the straight line is still on it."""
    made = town.tick(at(8, 5), Report(place=(1500, 6200), when=at(8, 5), trip="plain1"))
    assert made.distance_m[0] == pytest.approx(1500, abs=5)
    assert made.deviation_s[0] == pytest.approx(0, abs=2)


def call_flags(town: Streets, made: Predictions, trip: str) -> np.ndarray:
    row = town.row(made, trip)
    return made.flags[made.ptr[row] : made.ptr[row + 1]]


def test_one_report_off_the_route_is_noise_and_two_are_a_detour(town: Streets) -> None:
    """The last place stands; from the second on, the calls ahead are marked."""
    town.tick(at(7, 5), Report(place=(1500, 3000), when=at(7, 5), trip="east0"))
    town.tick(at(7, 5, 30), Report(place=(1650, 3000), when=at(7, 5, 30), trip="east0"))
    one = town.tick(at(7, 6), Report(place=(1700, 3180), when=at(7, 6), trip="east0"))
    assert one.distance_m[0] == pytest.approx(1650, abs=5)
    assert not (call_flags(town, one, "east0") & CallFlag.DETOUR).any()
    two = town.tick(at(7, 6, 30), Report(place=(1800, 3300), when=at(7, 6, 30), trip="east0"))
    assert two.distance_m[0] == pytest.approx(1650, abs=5)
    assert np.isnan(two.snapped_lat[0])
    assert (call_flags(town, two, "east0") & CallFlag.DETOUR).all()
    row = town.row(two, "east0")
    assert (two.arrival_epoch_s[two.ptr[row] : two.ptr[row + 1]] > 0).all()
    back = town.tick(at(7, 9), Report(place=(2700, 3010), when=at(7, 9), trip="east0"))
    assert back.distance_m[0] == pytest.approx(2700, abs=5)
    assert not (call_flags(town, back, "east0") & CallFlag.DETOUR).any()


def test_after_five_minutes_off_the_route_only_the_last_stop_is_told(town: Streets) -> None:
    """Nobody knows where the bus will come back: the stops between show the timetable."""
    town.tick(at(7, 5), Report(place=(1500, 3000), when=at(7, 5), trip="east0"))
    for minute in range(6, 13):
        now = at(7, minute)
        made = town.tick(now, Report(place=(1500 + minute * 10, 3400), when=now, trip="east0"))
    row = town.row(made, "east0")
    told = made.arrival_epoch_s[made.ptr[row] : made.ptr[row + 1]] > 0
    flags = call_flags(town, made, "east0")
    assert told.tolist() == [True, True, False, False, False, False, True]
    assert ((flags & CallFlag.NO_DATA) != 0).tolist() == [False, False, True, True, True, True, False]
    assert flags[-1] & CallFlag.UNCERTAIN


def test_a_vehicle_that_drives_against_its_line_is_not_on_its_trip(town: Streets) -> None:
    """The sign says west, the bus drives east: from 400 m on it counts as off its route; turned round, it is believed."""
    marked = []
    for second in range(0, 240, 30):
        now = at(7, 33, second)
        made = town.tick(now, Report(place=along(EAST, 3000 + second * 5), when=now, trip="west0"))
        marked.append(bool((call_flags(town, made, "west0") & CallFlag.DETOUR).any()))
    assert marked == [False, False, False, False, True, True, True, True]
    for second in range(0, 240, 30):
        now = at(7, 37, second)
        made = town.tick(now, Report(place=along(WEST, 1950 + second * 5), when=now, trip="west0"))
    assert not (call_flags(town, made, "west0") & CallFlag.DETOUR).any()
    assert made.distance_m[0] == pytest.approx(3000, abs=5)


def test_a_trip_that_was_switched_early_waits_for_its_departure(town: Streets) -> None:
    """Still a kilometre from the end of the trip before, on the street that the next trip drives back: nothing is early."""
    for second in range(0, 940, 30):
        now = at(7, 0, second)
        made = town.tick(now, Report(place=along(EAST, second * 5), when=now, trip="east0"))
    for second in range(960, 1200, 30):
        now = at(7, 0, second)
        made = town.tick(now, Report(place=along(EAST, second * 5), when=now, trip="west0"))
        row = town.row(made, "west0")
        departures = made.departure_epoch_s[made.ptr[row] : made.ptr[row + 1]].astype(int)
        assert departures[0] == at(7, 25)
        assert departures[-1] == at(7, 45)
        assert made.next_position[0] == 0
    now = at(7, 22)
    made = town.tick(now, Report(place=(6000, 3000), when=now, trip="west0"))
    assert made.deviation_s[town.row(made, "west0")] == 0
    for second in range(0, 200, 20):
        now = at(7, 28, second)
        made = town.tick(now, Report(place=along(WEST, second * 5), when=now, trip="west0"))
    assert made.deviation_s[town.row(made, "west0")] == pytest.approx(180, abs=10)


def test_a_vehicle_in_a_bay_along_its_line_waits_for_its_departure(town: Streets) -> None:
    """It passes its first stop, stands 600 m on from half an hour before its time, and drives off five minutes late."""
    for second in range(0, 150, 30):
        now = at(7, 0, second)
        town.tick(now, Report(place=along(WEST, min(second * 5, 600)), when=now, trip="west0"))
    for minute in range(3, 30):
        now = at(7, minute)
        made = town.tick(now, Report(place=along(WEST, 600), when=now, trip="west0"))
        assert made.next_position[0] == 0
        assert made.deviation_s[town.row(made, "west0")] == max(0, now - at(7, 25))
    for second in range(0, 90, 30):
        now = at(7, 30, second)
        made = town.tick(now, Report(place=along(WEST, 600 + second * 5), when=now, trip="west0"))
    assert made.distance_m[0] == pytest.approx(900, abs=5)
    assert made.deviation_s[town.row(made, "west0")] == pytest.approx(180, abs=5)


def test_a_vehicle_that_joins_its_trip_on_the_way_is_believed_when_it_drives_along(town: Streets) -> None:
    """First seen before the departure and far along: doubted, then proved by 150 m of driving."""
    first = town.tick(at(7, 22), Report(place=along(WEST, 2000), when=at(7, 22), trip="west0"))
    assert first.deviation_s[town.row(first, "west0")] == 0
    for second in range(20, 80, 20):
        now = at(7, 22, second)
        made = town.tick(now, Report(place=along(WEST, 2000 + second * 5), when=now, trip="west0"))
    assert made.deviation_s[town.row(made, "west0")] == pytest.approx(-180 - 400, abs=10)


def test_a_vehicle_at_its_end_stays_there_whatever_trip_it_still_names(town: Streets) -> None:
    """It drives back over the same street with the old trip: nobody is promised that trip again."""
    for second in range(0, 1230, 30):
        now = at(7, 0, second)
        made = town.tick(now, Report(place=along(EAST, second * 5), when=now, trip="east0"))
    for second in range(0, 600, 30):
        now = at(7, 25, second)
        made = town.tick(now, Report(place=along(WEST, second * 5), when=now, trip="east0"))
        assert (call_flags(town, made, "east0") & CallFlag.PASSED).all()
    assert made.deviation_s[town.row(made, "east0")] == pytest.approx(0, abs=30)


def test_of_two_vehicles_on_one_trip_the_one_further_along_counts(town: Streets) -> None:
    """The other predicts nothing, and a newer report of it changes nothing."""
    for second in range(0, 120, 30):
        now = at(7, 8, second)
        made = town.tick(
            now,
            Report(place=along(EAST, 2400 + second * 5), when=now - 20, trip="east0", vehicle="ahead"),
            Report(place=along(EAST, 1000 + second * 5), when=now, trip="east0", vehicle="behind"),
        )
        assert made.vehicle_ids[made.vehicle[town.row(made, "east0")]] == "ahead"
    # Two minutes without the one ahead: the other is the trip's vehicle.
    now = at(7, 12)
    made = town.tick(
        now,
        Report(place=along(EAST, 2850), when=at(7, 9, 10), trip="east0", vehicle="ahead"),
        Report(place=along(EAST, 2000), when=now, trip="east0", vehicle="behind"),
    )
    assert made.vehicle_ids[made.vehicle[town.row(made, "east0")]] == "behind"


def test_a_vehicle_that_came_to_its_end_gives_way_to_one_still_driving(town: Streets) -> None:
    """A relief bus took over; the broken one was towed to the terminal with the trip still on its sign."""
    for second in range(0, 1230, 30):
        now = at(7, 0, second)
        made = town.tick(
            now,
            Report(place=along(EAST, second * 5), when=now, trip="east0", vehicle="first"),
            Report(place=along(EAST, second * 3), when=now, trip="east0", vehicle="second"),
        )
    assert made.vehicle_ids[made.vehicle[town.row(made, "east0")]] == "second"


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["wmata-bus-2026-02-16", "kingston-transit-2026-01"])
def test_vehicles_of_a_recorded_day_are_where_they_say(recordings: Path, tmp_path: Path, name: str) -> None:
    """Their stops are not told to us: the next call is the one they name or its neighbour, and who has stopped is there."""
    folder = recordings / "prediction" / name
    schedule = Schedule(Bundle(Path(build(folder / "gtfs.zip", feed_id="set", home=tmp_path).folder)))
    found = places.measure(schedule, folder, 30)
    off = np.abs(np.array(found.stops_off))
    assert len(off) > 3000
    assert np.mean(off <= 1) >= 0.99
    metres = np.abs(np.array(found.stopped_m))
    assert len(metres) > 500
    assert np.mean(metres <= 100) >= 0.97

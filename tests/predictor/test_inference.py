"""Vehicles that name no trip are put to the run that they drive, or to none."""

from pathlib import Path

import pytest

from bench import recorded_vehicles, trip_inference
from domain.arrival import SOURCE_CODES, Source
from domain.predictions import CallFlag
from feeds.schedule import build
from predictor.placing import Ground
from predictor.schedule import Schedule
from store.timetable import Bundle
from tests.predictor.streets import EAST, WEST, Report, Streets, along, at


def silent(line: list[tuple[float, float]], metres: float, when: int, vehicle: str = "bus", route: str = "S") -> Report:
    return Report(place=along(line, metres), when=when, vehicle=vehicle, route=route)


def test_a_vehicle_without_a_trip_is_put_to_the_run_it_drives_after_three_reports(town: Streets) -> None:
    """Two minutes late on the 07:10 east: told from the third report on, and marked as told by inference."""
    found = []
    for second in range(120, 240, 30):
        now = at(7, 12, second - 60)
        made = town.tick(now, silent(EAST, (second - 60) * 5, now))
        found.append(town.aboard(made))
    assert found == ["", "", "east1", "east1"]
    row = town.row(made, "east1")
    assert made.source[row] == SOURCE_CODES[Source.POSITION]
    assert made.deviation_s[row] == pytest.approx(120, abs=5)
    flags = made.flags[made.ptr[row] : made.ptr[row + 1]]
    assert ((flags & CallFlag.INFERRED) != 0).all()
    assert ((flags & CallFlag.UNCERTAIN) != 0).all()
    assert town.counts.inferred == 1


def test_the_way_it_drives_decides_between_two_directions_of_one_street(town: Streets) -> None:
    """West along the street at a time when buses of both ways are about there."""
    for second in range(0, 240, 30):
        now = at(7, 30, second)
        made = town.tick(now, silent(WEST, 1500 + second * 5, now))
    assert town.aboard(made) == "west0"


def test_of_two_buses_in_a_bunch_the_first_is_the_late_one(town: Streets) -> None:
    """Both fit the 07:10 best; together it is likelier that the first is the 07:00, than the second the 07:20."""
    for second in range(0, 240, 30):
        now = at(7, 20, second)
        made = town.tick(
            now,
            silent(EAST, 2250 + second * 5, now, "second"),
            silent(EAST, 2700 + second * 5, now, "first"),
        )
    assert town.aboard(made, "first") == "east0"
    assert town.aboard(made, "second") == "east1"


def test_a_vehicle_goes_on_with_the_next_trip_of_its_block(town: Streets) -> None:
    """East, the layover, and west again: block b0 all along, with no gap between the trips."""
    seen = []
    for second in range(120, 1200, 30):
        now = at(7, 0, second)
        seen.append(town.aboard(town.tick(now, silent(EAST, second * 5, now))))
    for second in range(1200, 2100, 30):
        now = at(7, 0, second)
        made = town.tick(now, silent(WEST, max(0, second - 1500) * 5, now))
        seen.append(town.aboard(made))
    assert seen[:2] == ["", ""]
    assert seen == sorted(seen)  # no gap, and not back again
    assert seen.index("west0") in range(35, 40)


def test_a_vehicle_far_from_every_line_has_no_trip(town: Streets) -> None:
    """A kilometre beside the street."""
    for second in range(0, 300, 30):
        now = at(7, 5, second)
        made = town.tick(now, Report(place=(second * 5, 1500), when=now, route="S"))
    assert town.aboard(made) == ""
    assert not made.source.any()


def test_a_vehicle_against_all_times_has_no_trip(town: Streets) -> None:
    """At three in the night nothing runs here."""
    for second in range(0, 300, 30):
        now = at(3, 5, second)
        made = town.tick(now, silent(EAST, second * 5, now))
    assert town.aboard(made) == ""


def test_a_route_that_the_vehicle_names_is_kept_to(town: Streets) -> None:
    """On the street of line S with the sign of line O: neither."""
    for second in range(0, 300, 30):
        now = at(7, 2, second)
        made = town.tick(now, silent(EAST, 600 + second * 5, now, route="O"))
    assert town.aboard(made) == ""


def test_a_nameless_vehicle_among_named_ones_is_out_of_service(town: Streets) -> None:
    """The feed names the others' trips: one that has neither trip nor route drives to its garage on the same street."""
    for second in range(0, 300, 30):
        now = at(7, 12, second)
        made = town.tick(
            now,
            Report(place=along(EAST, 600 + second * 5), when=now, trip="east1", vehicle="named"),
            silent(EAST, 3600 + second * 5, now, "nameless", route=""),
        )
    assert town.aboard(made, "named") == "east1"
    assert town.aboard(made, "nameless") == ""


def test_a_vehicle_that_stops_naming_its_trip_goes_on_with_its_block_only(town: Streets) -> None:
    """Its sign goes blank at the terminal: the next trip of its block, not the one that fits the time better."""
    for second in range(0, 1200, 30):
        now = at(7, 0, second)
        town.tick(
            now,
            Report(place=along(EAST, second * 5), when=now, trip="east0", vehicle="bus"),
            Report(place=along(EAST, second * 5 - 3000), when=now, trip="east1", vehicle="other"),
        )
    for second in range(1200, 1800, 30):
        now = at(7, 0, second)
        made = town.tick(
            now,
            silent(WEST, max(0, second - 1500) * 5, now, route=""),
            Report(place=along(EAST, second * 5 - 3000), when=now, trip="east1", vehicle="other"),
        )
    assert town.aboard(made) == "west0"


def test_a_duty_that_a_vehicle_names_is_not_given_to_another(town: Streets) -> None:
    """The 07:10 is named; the nameless one beside it, with the route on its sign, does not get it too."""
    for second in range(0, 240, 30):
        now = at(7, 13, second)
        made = town.tick(
            now,
            Report(place=along(EAST, 900 + second * 5), when=now, trip="east1", vehicle="named"),
            silent(EAST, 1000 + second * 5, now, "nameless"),
        )
    assert town.aboard(made, "named") == "east1"
    assert town.aboard(made, "nameless") != "east1"


def test_a_week_of_vehicles_leaves_nothing_behind(town: Streets) -> None:
    """Every morning other vehicles: what is remembered is what drove this morning."""
    sizes = []
    for day in range(7):
        for second in range(0, 600, 60):
            now = at(24 * day + 7, 10, second)
            town.tick(now, *[silent(EAST, 600 * n + second * 5, now, f"{day}-{n}") for n in range(3)])
        evidence = town.memory.evidence
        sizes.append((len(town.memory), len(evidence.states), len(evidence.pair), len(evidence.duties.numbers)))
    assert all(vehicles == states == 3 for vehicles, states, _, _ in sizes)
    assert max(pairs for _, _, pairs, _ in sizes) <= 3 * 12
    assert max(numbers for _, _, _, numbers in sizes) <= 1100


@pytest.mark.recorded
def test_hidden_trips_of_a_recorded_day_are_found(recordings: Path, tmp_path: Path) -> None:
    """Five hours of 31 buses: the right pattern for 89 % of all reports, the very trip for 75 %, and rather more."""
    folder = recordings / "prediction" / "wmata-bus-2026-02-16"
    schedule = Schedule(Bundle(Path(build(folder / "gtfs.zip", feed_id="set", home=tmp_path).folder)))
    score = trip_inference.measure(schedule, recorded_vehicles.read(folder), route=False, every_s=30)
    assert Ground(schedule).stops is None
    assert score.reports > 15_000
    assert score.pattern / score.reports >= 0.92
    assert score.trip / score.reports >= 0.85

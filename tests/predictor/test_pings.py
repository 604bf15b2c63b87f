"""What a lying receiver or a lying feed may not do to riders."""

import numpy as np
import pytest

from domain.predictions import CallFlag
from predictor.foresight import Foresight
from predictor.pings import Distrust
from tests.predictor.streets import EAST, WEST, Report, Streets, along, at


def start(town: Streets) -> None:
    """Two minutes of an honest drive on the first trip east; the last report is 600 m along."""
    for second in range(60, 121, 30):
        now = at(7, 0, second)
        town.tick(now, Report(place=along(EAST, second * 5), when=now, trip="east0"))


def test_a_position_of_zero_degrees_is_refused_and_the_last_one_stands(town: Streets) -> None:
    """The vehicle stays where it was, and grows old: five minutes later nothing is predicted from it."""
    start(town)
    for second in range(150, 480, 30):
        now = at(7, 0, second)
        made = town.tick(now, Report(place=(0, 0), latlon=(0.0, 0.0), when=now, trip="east0"))
        assert town.counts.distrusted == {Distrust.NOWHERE: 1}
        assert made.distance_m[0] == pytest.approx(600, abs=5)
        assert made.located_epoch_s[0] == at(7, 2)
        row = town.row(made, "east0")
        assert bool(made.source[row]) == (second <= 420)


def test_a_vehicle_that_never_had_a_place_is_not_shown(town: Streets) -> None:
    """Every vehicle of a feed at 0, 0: no vehicles, no predictions, and nothing remembered of their places."""
    now = at(7, 2)
    made = town.tick(now, *[Report(place=(0, 0), latlon=(0.0, 0.0), when=now, trip=f"east{n}", vehicle=f"v{n}") for n in range(3)])  # fmt: skip
    assert made.vehicle_ids == []
    assert not made.source.any()
    assert town.counts.distrusted == {Distrust.NOWHERE: 3}


def test_a_position_far_outside_the_network_is_refused(town: Streets) -> None:
    """50 km from any stop is another city's bus, or a swapped sign."""
    start(town)
    now = at(7, 2, 30)
    made = town.tick(now, Report(place=(50_000, 3000), when=now, trip="east0"))
    assert town.counts.distrusted == {Distrust.OUTSIDE: 1}
    assert made.distance_m[0] == pytest.approx(600, abs=5)


def test_a_jump_is_refused_until_three_reports_agree(town: Streets) -> None:
    """4 km in 30 s cannot be driven; from the third report at the new place on it is believed."""
    start(town)
    found = []
    for number in range(4):
        now = at(7, 2, 30 + 30 * number)
        made = town.tick(now, Report(place=(4600 + 150 * number, 3000), when=now, trip="east0"))
        found.append(float(made.distance_m[0]))
    assert found == pytest.approx([600, 600, 4900, 5050], abs=5)


def test_jumps_to_and_fro_are_never_believed(town: Streets) -> None:
    """A receiver that leaps about: the last honest place stands, as long as nothing could have driven there."""
    start(town)
    for number in range(4):
        now = at(7, 2, 30 + 30 * number)
        made = town.tick(now, Report(place=(4600 if number % 2 else -9000, 3000), when=now, trip="east0"))
        assert made.distance_m[0] == pytest.approx(600, abs=5)


def test_a_receiver_that_leaps_about_is_not_on_its_route(town: Streets) -> None:
    """Now and then a leap could have been driven; by then the vehicle's places count for nothing, and its calls say so."""
    start(town)
    marked = []
    for number in range(20):
        now = at(7, 2, 30 + 30 * number)
        made = town.tick(now, Report(place=along(EAST, [5800, 100, 3000, 4000][number % 4]), when=now, trip="east0"))
        row = town.row(made, "east0")
        flags = made.flags[made.ptr[row] : made.ptr[row + 1]]
        marked.append(bool((flags & CallFlag.DETOUR).any()) or not made.source[row])
    assert all(marked[12:])


def test_a_repeat_of_one_timestamp_is_no_news(town: Streets) -> None:
    """A frozen clock: whatever the position does, the vehicle stands where it was then and grows old."""
    start(town)
    for second in range(150, 480, 30):
        now = at(7, 0, second)
        made = town.tick(now, Report(place=along(EAST, second * 5), when=at(7, 2), trip="east0"))
        assert made.distance_m[0] == pytest.approx(600, abs=5)
        assert bool(made.source[town.row(made, "east0")]) == (second <= 420)


def test_a_repeated_place_with_a_new_timestamp_is_a_standing_vehicle(town: Streets) -> None:
    """It grows late, and stays fresh."""
    start(town)
    for second in range(150, 780, 30):
        now = at(7, 0, second)
        made = town.tick(now, Report(place=along(EAST, 600), when=now, trip="east0"))
    assert made.distance_m[0] == pytest.approx(600, abs=5)
    assert made.deviation_s[town.row(made, "east0")] == pytest.approx(630, abs=10)


def test_a_report_from_the_future_is_refused(town: Streets) -> None:
    """61 s ahead of our clock; 50 s ahead is a clock like any other."""
    start(town)
    now = at(7, 2, 30)
    made = town.tick(now, Report(place=along(EAST, 750), when=now + 61, trip="east0"))
    assert town.counts.distrusted == {Distrust.FUTURE: 1}
    assert made.distance_m[0] == pytest.approx(600, abs=5)
    made = town.tick(now, Report(place=along(EAST, 750), when=now + 50, trip="east0"))
    assert made.distance_m[0] == pytest.approx(750, abs=5)


def test_a_report_that_goes_back_in_time_is_refused(town: Streets) -> None:
    """Two servers of one feed disagree: the newer report stands."""
    start(town)
    now = at(7, 2, 10)
    made = town.tick(now, Report(place=along(EAST, 450), when=at(7, 1, 30), trip="east0"))
    assert town.counts.distrusted == {Distrust.BACKWARDS: 1}
    assert made.distance_m[0] == pytest.approx(600, abs=5)


def test_a_report_that_comes_late_is_hardly_a_lie(town: Streets) -> None:
    """Relays deliver one minutes after its time: a tenth of what a leap counts."""
    foresight = Foresight(town.schedule, "streets")
    heard = Streets(town.bundle, town.schedule, town.ground, foresight=foresight)
    start(heard)
    tracks = foresight.engine.tracks

    def doubt(now: int) -> float:
        return float(tracks.doubt(np.arange(len(tracks)), now).max())

    other = Report(place=along(WEST, 100), when=at(7, 2, 10), trip="west0", vehicle="w")
    heard.tick(at(7, 2, 10), Report(place=along(EAST, 450), when=at(6, 59), trip="east0"), other)
    assert 0 < doubt(at(7, 2, 10)) <= 0.1


def test_a_replay_that_starts_again_is_not_held_to_the_time_before(town: Streets) -> None:
    """The clock of the whole city went back an hour: the memory of the future is dropped."""
    for second in range(0, 120, 30):
        now = at(8, 0, second)
        town.tick(now, Report(place=along(EAST, second * 5), when=now, trip="east6"))
    made = town.tick(at(7, 2), Report(place=along(EAST, 600), when=at(7, 2), trip="east0"))
    assert made.distance_m[0] == pytest.approx(600, abs=5)


def test_a_wrong_trip_far_from_its_line_predicts_nothing(town: Streets) -> None:
    """The sign says east, the bus drives on another street, with a stop sequence of the sign's trip."""
    for second in range(0, 300, 30):
        now = at(7, 2, second)
        made = town.tick(now, Report(place=(second * 5, 0), when=now, trip="east0", sequence=11))
    assert made.source[town.row(made, "east0")] == 0
    assert np.isnan(made.distance_m[0])


def test_two_vehicles_of_one_id_do_not_share_a_memory(town: Streets) -> None:
    """A feed that calls every vehicle the same: each is followed by its place in the feed."""
    for second in range(60, 300, 30):
        now = at(7, 0, second)
        made = town.tick(
            now,
            Report(place=along(EAST, second * 5), when=now, trip="east0", vehicle=""),
            Report(place=along(EAST, 3000 + second * 5), when=now, trip="east1", vehicle=""),
        )
    assert made.distance_m.tolist() == pytest.approx([1350, 4350], abs=5)


def test_vehicles_unheard_of_are_forgotten(town: Streets) -> None:
    """Half an hour later their rows are free for others."""
    for number in range(3000):
        town.memory.slots_of([("v", f"bus{number}")], float(at(7)))
    assert len(town.memory) == 3000
    town.tick(at(7, 40), Report(place=(0, 3000), when=at(7, 40), trip="east4"))
    assert len(town.memory) == 1


def test_a_start_date_of_the_calendar_day_after_midnight_is_corrected(town: Streets) -> None:
    """00:15 on Tuesday: the trip of 24:10 is Monday's, whatever date the vehicle writes; it runs every day."""
    now = at(24, 15)
    made = town.tick(now, Report(place=along(EAST, 1500), when=now, trip="night1", date=20261124))
    assert made.service_date[town.row(made, "night1")] == 20261123
    assert made.deviation_s[town.row(made, "night1")] == pytest.approx(0, abs=5)

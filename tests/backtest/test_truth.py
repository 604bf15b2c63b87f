"""What happened, on roads where it can be told by hand."""

import numpy as np

from backtest.recording import Line
from backtest.tracks import candidates, line_through, stops_along, tracks_of
from backtest.truth import crossings, leaders, main_vehicles, truth_of
from tests.backtest import made
from tests.backtest.folders import lat_at


def test_a_call_is_passed_15_m_before_its_stop_between_two_reports() -> None:
    """From 900 m at 100 s to 1,100 m at 140 s: 985 m at 117 s. The first call is left at 60 m: 6 s of 900 m in 90 s."""
    recording = made.recording(made.runs(), reports=made.fixes((0, 0, 0), (90, 0, 900), (100, 0, 900), (140, 0, 1100)))
    truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
    assert np.allclose(truth.at_s[:2], [6.0, 117.0], atol=0.1)
    assert np.isnan(truth.at_s[2])
    assert truth.of == 3
    assert truth.coverage == 2 / 3


def test_calls_ahead_at_the_end_are_still_open_and_those_of_who_fell_silent_before_are_not() -> None:
    """A bus has passed its second call when the recording ends at 200 s: nobody came to the third before that."""
    reports = made.fixes((0, 0, 0), (90, 0, 900), (140, 0, 1100))
    for end_s, still_open in ((200.0, 200.0), (400.0, np.nan)):
        recording = made.recording(made.runs(), reports=reports, pieces=((0.0, end_s),))
        truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
        assert np.array_equal(truth.open_s[:3], [np.nan, np.nan, still_open], equal_nan=True)


def test_no_call_is_open_that_was_passed_in_a_silence() -> None:
    """Nobody knows when: it was seen short of its second call and, 200 s later, beyond it."""
    reports = made.fixes((0, 0, 0), (60, 0, 600), (260, 0, 1400))
    recording = made.recording(made.runs(), reports=reports, pieces=((0.0, 60.0), (260.0, 300.0)))
    truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
    assert np.isfinite(truth.at_s[0])
    assert np.array_equal(truth.open_s, [np.nan, np.nan, 300.0], equal_nan=True)


def test_no_call_is_open_for_a_vehicle_off_its_line_or_for_another_one() -> None:
    """A detour's end nobody knows; who only bears the run's name is on no way to its calls."""
    reports = made.fixes((0, 0, 0), (90, 0, 900), (140, 0, 1100), (330, 0, 1500))
    for stranger in (True, False):
        if stranger:
            reports.vehicle[3] = 1
        else:
            reports.vehicle[3], reports.lon[3] = 0, -75.1
        recording = made.recording(made.runs(), reports=reports, pieces=((0.0, 400.0),))
        truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
        assert np.isnan(truth.open_s).all()


def test_at_a_feed_of_five_minutes_a_report_of_four_minutes_ago_is_the_newest() -> None:
    """Its vehicle is under way at the end."""
    reports = made.fixes((0, 0, 0), (200, 0, 1100))
    recording = made.recording(made.runs(), reports=reports, pieces=((0.0, 440.0),), interval_s=300.0)
    truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
    assert np.array_equal(truth.open_s, [np.nan, np.nan, 440.0], equal_nan=True)


def test_inside_a_silence_nobody_knows() -> None:
    """151 s between two reports are too long at a 30 s feed, and not at one of 240 s."""
    reports = made.fixes((0, 0, 100), (151, 0, 1100), (181, 0, 2000))
    quick = made.recording(made.runs(), reports=reports)
    tracks = tracks_of(quick.runs, quick.lines, quick.fixes)
    assert np.isnan(truth_of(quick, tracks).at_s[1])
    assert np.isfinite(truth_of(quick, tracks).at_s[2])
    slow = made.recording(made.runs(), reports=reports, interval_s=240.0)
    assert np.isfinite(truth_of(slow, tracks).at_s[1])


def test_a_crossing_is_known_when_the_report_that_proves_it_is_received() -> None:
    """Not when the stop was passed."""
    recording = made.recording(made.runs(), reports=made.fixes((0, 0, 0), (60, 0, 600), (120, 0, 1200), delay_s=9.0))
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    found = crossings(recording, tracks.causal_m, leaders(recording, tracks), hindsight=False)
    assert found.call.tolist() == [0, 1]
    assert found.known_s.tolist() == [69.0, 129.0]
    assert np.allclose(found.at_s, [6.0, 98.5], atol=0.1)


def test_backing_up_does_not_cross_twice_and_noise_does_not_move_the_first_time() -> None:
    """A bus that rolls over its stop, is thrown back by GPS noise and comes again was there the first time."""
    recording = made.recording(
        made.runs(), reports=made.fixes((0, 0, 0), (60, 0, 960), (70, 0, 1000), (80, 0, 970), (110, 0, 1010))
    )
    truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
    assert abs(truth.at_s[1] - 66.25) < 0.1


def test_who_waits_in_a_bay_along_the_line_has_not_departed() -> None:
    """990 m along, a few minutes, and back to the first stop: it departs afterwards, and passes nothing before."""
    bay = ((0, 0, 0), (60, 0, 990), (120, 0, 990), (180, 0, 400), (240, 0, 0), (300, 0, 0))
    trip = ((360, 0, 600), (420, 0, 1200), (480, 0, 1800))
    recording = made.recording(made.runs(), reports=made.fixes(*bay, *trip))
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    truth = truth_of(recording, tracks)
    assert np.allclose(truth.at_s[:2], [306.0, 398.5], atol=0.2)


def test_who_comes_back_at_the_end_has_made_the_trip() -> None:
    """A vehicle that still bears the trip when it is back at its start passed its stops the first time."""
    reports = ((0, 0, 0), (60, 0, 600), (120, 0, 1200), (180, 0, 1900), (240, 0, 1990), (300, 0, 1000), (360, 0, 0))
    recording = made.recording(made.runs(), reports=made.fixes(*reports))
    truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
    assert np.allclose(truth.at_s[:2], [6.0, 98.5], atol=0.2)


def test_reported_events_are_taken_as_they_are() -> None:
    """The arrival, but the departure at the first call; a second arrival at one call does not count."""
    happened = made.events((10, 0, 2, np.nan), (12, 0, 2, 12), (111, 1, 111, np.nan), (130, 1, 130, np.nan))
    recording = made.recording(made.runs(), happened=happened)
    truth = truth_of(recording, tracks_of(recording.runs, recording.lines, recording.fixes))
    assert truth.at_s[:2].tolist() == [12.0, 111.0]


def test_on_a_road_there_and_back_hindsight_knows_the_way() -> None:
    """500 m out and back on one road: at 300 m from the start on the way back, the vehicle is at 700 m."""
    lat = np.asarray([lat_at(0), lat_at(500), lat_at(0)])
    line = line_through(lat, np.full(3, -75.0), 100.0)
    runs = made.runs()
    there_and_back = made.fixes((0, 0, 0), (60, 0, 300), (120, 0, 480), (170, 0, 300), (220, 0, 20))
    tracks = tracks_of(runs, (line,), there_and_back)
    assert np.allclose(tracks.hindsight_m, [0, 300, 480, 700, 980], atol=25.0)


def test_stops_of_a_line_there_and_back_are_in_order() -> None:
    """The stop across the road at 100 m is called at twice: after 100 m and after 900 m."""
    lat = np.asarray([lat_at(0), lat_at(500), lat_at(0)])
    line = line_through(lat, np.full(3, -75.0), 100.0)
    there = np.asarray([lat_at(it) for it in (0, 100, 400, 100, 0)])
    assert np.allclose(stops_along(line, there, np.full(5, -75.0)), [0, 100, 400, 900, 1000], atol=1.0)


def test_a_report_off_the_line_has_no_place() -> None:
    """Nor has any on a line of one point."""
    line = line_through(np.asarray([40.0, 40.1]), np.asarray([-75.0, -75.0]), 100.0)
    owner, along, away = candidates(line, np.asarray([40.05, 40.05]), np.asarray([-75.0, -75.01]))
    assert owner.tolist() == [0]
    assert np.allclose(along, 0.05 * 111_195.0, atol=1.0)
    assert np.allclose(away, 0.0, atol=1e-6)
    point = Line(lat=np.asarray([40.0]), lon=np.asarray([-75.0]), along_m=np.zeros(1), tolerance_m=100.0)
    assert len(candidates(point, np.asarray([40.0]), np.asarray([-75.0]))[0]) == 0


def test_of_two_vehicles_on_one_run_the_one_with_more_reports_is_its_vehicle() -> None:
    """The other's reports are no truth."""
    both = made.fixes((0, 0, 0), (30, 0, 300), (60, 0, 600), (45, 0, 2000))
    both.vehicle[3] = 1
    recording = made.recording(made.runs(), reports=both)
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    assert main_vehicles(recording, tracks).tolist() == [0]
    assert np.isnan(truth_of(recording, tracks).at_s[2])

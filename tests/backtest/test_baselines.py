"""What others would have said, on runs where it can be said by hand."""

import numpy as np

from backtest import baselines
from backtest.recording import Recording
from backtest.sampling import EN_ROUTE, NEXT_TRIP, Samples, crossings_of_events, observed, samples_of
from backtest.tracks import tracks_of
from backtest.truth import crossings, leaders
from tests.backtest import made

NAN = float("nan")


def _samples(recording: Recording) -> Samples:
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    return samples_of(recording, tracks, leaders(recording, tracks))


def _habits(recording: Recording) -> baselines.Habits:
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    found = (
        crossings(recording, tracks.causal_m, leaders(recording, tracks), hindsight=False)
        if len(recording.fixes)
        else None
    )
    return baselines.Habits(recording, observed(recording, found))


def test_constant_delay_adds_the_lateness_at_the_last_position() -> None:
    """At 50 s the bus is 300 m along, where it should have been at 30 s (of 985 m to the marks: 30.46): 20 s late."""
    recording = made.recording(made.runs(), reports=made.fixes((0, 0, 0), (50, 0, 300)))
    samples = _samples(recording)
    row = int(np.flatnonzero(samples.seen_s == 50.0)[0])
    ahead = baselines.ahead_of(recording, samples, np.asarray([row]))
    assert ahead.call.tolist() == [1, 2]
    told = baselines.constant_delay(recording, samples, ahead)
    due = 100.0 * (1 - (1000 - 15 - 300) / 1000)
    assert np.allclose(told, [100.0 + 50.0 - due, 200.0 + 50.0 - due])


def test_constant_delay_of_an_early_vehicle_never_lies_before_now() -> None:
    """A bus that is at 900 m after 10 s is told for now, not for the past."""
    recording = made.recording(made.runs(), reports=made.fixes((0, 0, 0), (10, 0, 500), (20, 0, 950)))
    samples = _samples(recording)
    ahead = baselines.ahead_of(recording, samples, np.arange(len(samples)))
    told = baselines.constant_delay(recording, samples, ahead)
    assert np.all(told >= samples.now_s[ahead.sample])


def test_history_is_the_mean_and_transitclock_leans_to_the_last_vehicle() -> None:
    """Two buses took 90 s and 130 s from a to b: 110 s, and 0.618 x 110 + 0.382 x 130 = 117.64 s."""
    happened = made.events(
        (0, 0, NAN, 0.0), (90, 1, 90, NAN), (600, 3, NAN, 600.0), (730, 4, 730, NAN), (1200, 6, NAN, 1200.0)
    )
    recording = made.recording(made.runs(3), happened=happened)
    samples, habits = _samples(recording), _habits(recording)
    row = np.flatnonzero(samples.run == 2)
    ahead = baselines.ahead_of(recording, samples, row)
    habits.learn(1200.0)
    assert np.allclose(habits.arrivals(samples, ahead, 1.0), [1310.0, 1410.0])
    assert np.allclose(habits.arrivals(samples, ahead, baselines.HISTORY_SHARE), [1317.64, 1417.64])


def test_what_is_not_known_yet_is_not_learned() -> None:
    """At 89 s nobody knows that the bus came at 90 s: the timetable's 100 s count."""
    happened = made.events((0, 0, NAN, 0.0), (50, 3, NAN, 50.0), (90, 1, 90, NAN))
    recording = made.recording(made.runs(2), happened=happened)
    samples, habits = _samples(recording), _habits(recording)
    ahead = baselines.ahead_of(recording, samples, np.flatnonzero(samples.run == 1))
    habits.learn(89.0)
    assert habits.arrivals(samples, ahead, 1.0)[0] == 150.0
    habits.learn(90.0)
    assert habits.arrivals(samples, ahead, 1.0)[0] == 140.0


def test_a_breakdown_is_no_habit() -> None:
    """500 s where 100 s are planned are more than four times that."""
    happened = made.events((0, 0, NAN, 0.0), (500, 1, 500, NAN), (600, 3, NAN, 600.0))
    recording = made.recording(made.runs(2), happened=happened)
    samples, habits = _samples(recording), _habits(recording)
    habits.learn(600.0)
    ahead = baselines.ahead_of(recording, samples, np.flatnonzero(samples.run == 1))
    assert habits.arrivals(samples, ahead, 1.0)[0] == 700.0


def test_the_rest_of_the_way_is_taken_by_its_share() -> None:
    """485 m to the mark of b, of 1,000 m that take 100 s: 48.5 s from when it was seen."""
    recording = made.recording(made.runs(), reports=made.fixes((0, 0, 0), (30, 0, 300), (60, 0, 500)))
    samples, habits = _samples(recording), _habits(recording)
    row = np.flatnonzero(samples.seen_s == 60.0)[:1]
    ahead = baselines.ahead_of(recording, samples, row)
    assert np.allclose(habits.arrivals(samples, ahead, 1.0), [108.5, 208.5], atol=0.1)


def test_a_next_trip_starts_when_its_vehicle_comes_but_not_before_its_time() -> None:
    """Of one block: the first trip ends at 200 s as planned; the next leaves at 600 s, or when a late vehicle is free."""
    for left_s, leaves in ((0.0, 600.0), (500.0, 700.0)):
        happened = made.events((left_s, 0, NAN, left_s))
        recording = made.recording(made.runs(2, block="b"), happened=happened)
        samples, habits = _samples(recording), _habits(recording)
        assert samples.kind.tolist() == [EN_ROUTE, NEXT_TRIP]
        assert samples.of.tolist() == [0, 0]
        ahead = baselines.ahead_of(recording, samples, np.arange(2))
        assert habits.arrivals(samples, ahead, 1.0)[2:].tolist() == [leaves, leaves + 100.0, leaves + 200.0]
        late = baselines.constant_delay(recording, samples, ahead)
        assert late[2:].tolist() == [600.0 + left_s, 700.0 + left_s, 800.0 + left_s]


def test_events_are_known_when_received() -> None:
    """Arrivals and departures of a call come apart; the stretch is known with the arrival."""
    happened = made.events((5, 0, NAN, 4.0), (96, 1, 95.0, NAN), (116, 1, 95.0, 115.0), (205, 2, 204.0, NAN))
    recording = made.recording(made.runs(), happened=happened)
    found = crossings_of_events(recording)
    assert found.call.tolist() == [0, 1, 2]
    assert found.known_s.tolist() == [5.0, 96.0, 205.0]
    seen = observed(recording, None)
    assert seen.run_s.tolist() == [91.0, 89.0]
    assert seen.whole_s.tolist() == [91.0, 109.0]

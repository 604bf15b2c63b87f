"""When predictions are asked for."""

from backtest.sampling import BEFORE_DEPARTURE, EN_ROUTE, samples_of
from backtest.tracks import tracks_of
from backtest.truth import leaders
from tests.backtest import made


def _of(
    *reports: tuple[float, int, float], delay_s: float = 0.0, interval_s: float = 30.0
) -> tuple[list[float], list[int]]:
    recording = made.recording(made.runs(), reports=made.fixes(*reports, delay_s=delay_s), interval_s=interval_s)
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    samples = samples_of(recording, tracks, leaders(recording, tracks))
    return samples.now_s.tolist(), samples.kind.tolist()


def test_a_run_is_asked_about_once_a_cell_at_the_first_tick_after_news() -> None:
    """Reports at 3, 8 and 14 s are one question at 10 s; the one at 31 s is one at 40 s; then the cells' last ticks."""
    now, _ = _of((3, 0, 100), (8, 0, 150), (14, 0, 200), (31, 0, 300))
    assert now[:4] == [10.0, 40.0, 80.0, 110.0]
    assert now[-1] <= 40.0 + 300.0
    assert len(set(now)) == len(now)


def test_news_count_from_their_receipt() -> None:
    """A report of 3 s that is received at 21 s is asked about at 30 s, in the next cell."""
    now, _ = _of((3, 0, 100), delay_s=18.0)
    assert now[0] == 30.0


def test_a_slow_feed_has_slow_cells() -> None:
    """A report every 240 s: one question each, at ticks of 30 s."""
    now, _ = _of(*((240.0 * n + 1, 0, 100.0 * n) for n in range(8)), interval_s=240.0)
    assert now[:8] == [240.0 * n + 30.0 for n in range(8)]


def test_a_vehicle_at_its_first_stop_is_not_under_way() -> None:
    """Until it was seen 60 m beyond."""
    _, kind = _of((10, 0, 0), (40, 0, 55), (70, 0, 65))
    assert kind[:3] == [BEFORE_DEPARTURE, BEFORE_DEPARTURE, EN_ROUTE]


def test_where_only_events_are_known_departures_are_asked_at() -> None:
    """Arrivals are not; of two departures within a tick the later call counts."""
    nan = float("nan")
    happened = made.events((1, 0, nan, 1.0), (95, 1, 95.0, nan), (102, 1, 95.0, 102.0), (108, 2, 108.0, 108.0))
    recording = made.recording(made.runs(), happened=happened)
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    samples = samples_of(recording, tracks, leaders(recording, tracks))
    assert samples.now_s.tolist() == [10.0, 110.0]
    assert samples.next_call.tolist() == [1, 3]

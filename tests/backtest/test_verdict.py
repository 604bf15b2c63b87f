"""From answers to figures, on answers whose figures can be worked out by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from backtest.recording import Floats, Runs, pieces_of, warm_up
from backtest.replay import Answers, Bands, everybody_spoke
from backtest.sampling import BEFORE_DEPARTURE, EN_ROUTE
from backtest.truth import Truth
from backtest.verdict import Verdict, as_json, verdict_of
from tests.backtest import made

NAN = float("nan")


def _verdict(
    *, now: list[float], horizon: list[float], told: dict[str, list[float]], kind: int = EN_ROUTE, ends_s: float = 1e6,
    run: list[int] | None = None, call: list[int] | None = None, bands: dict[str, Bands] | None = None,
    of: Runs | None = None,
) -> Verdict:  # fmt: skip
    """Of questions with these horizons to the actual arrival; *told* are horizons too."""
    at = np.asarray(now, np.float64)
    n = len(now)
    answers = Answers(
        now_s=at,
        run=np.asarray(run if run is not None else range(n), np.int64),
        call=np.asarray(call if call is not None else range(n), np.int64),
        kind=np.full(n, kind),
        actual_s=at + np.asarray(horizon),
        arrival_s={name: at + np.asarray(values) for name, values in told.items()},
        bands=bands or {},
    )
    recording = made.recording(of or made.runs(max(n, 1)), pieces=((0.0, ends_s),))
    return verdict_of(recording, answers, Truth(at_s=np.full(3, NAN), open_s=np.full(3, NAN), of=3))


def test_errors_are_those_of_the_bucket_of_the_actual_arrival() -> None:
    """Actual 100, 150, 200 s ahead; told 90, 170, 260: errors +10, -20, -60, in 0-3, 0-3 and 3-6 minutes."""
    it = _verdict(now=[0, 0, 0], horizon=[100, 150, 200], told={"m": [90, 170, 260]}).main.methods["m"]
    assert it.mae_s[:2].tolist() == [15.0, 60.0]
    assert it.median_s[:2].tolist() == [-5.0, -60.0]
    assert np.isnan(it.mae_s[2:]).all()
    assert it.eta_buckets[:2].tolist() == [100.0, 100.0]
    assert it.eta == 100.0
    assert it.mbta[:2].tolist() == [100.0, 100.0]
    assert it.early60 == 0.0


def test_mbta_bins_are_those_of_the_predicted_arrival() -> None:
    """Told for 170 s, it came after 250 s: 80 s late is too late for the first bin (strictly 60), by prediction."""
    it = _verdict(now=[0], horizon=[250], told={"m": [170]}).main.methods["m"]
    assert it.mbta[0] == 0.0
    assert np.isnan(it.mbta[1])
    assert it.eta_buckets[1] == 100.0


def test_all_methods_are_judged_on_what_all_of_them_answered() -> None:
    """One said nothing of the second question: it counts for nobody, but for how often each says something."""
    part = _verdict(now=[0, 0], horizon=[100, 150], told={"a": [100, 150], "b": [100, NAN]}).main
    assert part.samples == 1
    assert part.methods["a"].availability == 100.0
    assert part.methods["b"].availability == 50.0


def test_kinds_are_never_mixed() -> None:
    """Vehicles that have not left are a part of their own."""
    verdict = _verdict(now=[0], horizon=[100], told={"m": [100]}, kind=BEFORE_DEPARTURE)
    assert verdict.main.samples == 0
    assert verdict.parts["before departure"].samples == 1


def test_a_bucket_counts_only_what_would_have_been_seen_whole() -> None:
    """Of a recording that ends at 1,000 s, questions of 0-3 minutes count up to 820 s."""
    part = _verdict(now=[0, 820, 821], horizon=[100, 100, 100], told={"m": [100, 100, 100]}, ends_s=1000.0).main
    assert part.samples == 2
    assert part.truncated.tolist() == [False] * 5


def test_a_bucket_of_which_little_would_be_left_counts_whole_and_is_marked() -> None:
    """None of four questions of 6-10 minutes could be seen whole before the end at 700 s."""
    part = _verdict(now=[150] * 4, horizon=[400] * 4, told={"m": [400] * 4}, ends_s=700.0).main
    assert part.samples == 4
    assert part.truncated.tolist() == [False, False, True, False, False]


def test_coverage_is_by_predicted_horizon() -> None:
    """Two of three actual arrivals lie in their bands; the bands are 100 s wide."""
    now = np.zeros(3)
    bands = {"m": Bands(p10_s=now + np.array([50.0, 50.0, 200.0]), p90_s=now + np.array([150.0, 150.0, 300.0]))}
    it = _verdict(now=[0, 0, 0], horizon=[100, 170, 250], told={"m": [100, 100, 250]}, bands=bands).main.methods["m"]
    assert it.coverage[:2].tolist() == [0.5, 1.0]
    assert it.width_s[:2].tolist() == [100.0, 100.0]


def test_wobble_is_the_change_of_the_clock_time_from_one_question_to_the_next() -> None:
    """Told for 300 s at 0 s, for 310 s at 30 s, for 310 s at 60 s; the question at 600 s is no neighbour."""
    it = _verdict(
        now=[0, 30, 60, 600],
        horizon=[500, 470, 440, 100],
        told={"m": [300, 280, 250, 100]},
        call=[1, 1, 1, 1],
        run=[0] * 4,
    ).main.methods["m"]
    assert it.wobble_s == 5.0


def test_predictions_before_now_are_counted() -> None:
    """The timetable of a late bus speaks of the past."""
    assert _verdict(now=[0], horizon=[100], told={"schedule": [-20]}).main.methods["schedule"].before_now == 1


def test_intervals_are_drawn_by_trip_and_always_the_same() -> None:
    """Ten trips, each right or wrong as a whole: wide, around 50; twice the same to the last bit. One trip has none."""
    told = [100.0 if run % 2 else 500.0 for run in range(10) for _ in range(50)]
    run = [trip for trip in range(10) for _ in range(50)]
    one = _verdict(now=[0.0] * 500, horizon=[100.0] * 500, told={"m": told}, run=run)
    two = _verdict(now=[0.0] * 500, horizon=[100.0] * 500, told={"m": told}, run=run)
    low, high = one.main.methods["m"].eta_ci95
    assert (low, high) == two.main.methods["m"].eta_ci95
    assert 10.0 <= low < 35.0
    assert 65.0 < high <= 90.0
    alone = _verdict(now=[0.0] * 5, horizon=[100.0] * 5, told={"m": [100.0] * 5}, run=[0] * 5)
    assert np.isnan(alone.main.methods["m"].eta_ci95).all()


def test_json_has_the_promised_keys_and_null_where_there_is_nothing() -> None:
    """And only finite numbers."""
    tree = as_json(_verdict(now=[0, 0], horizon=[100, 200], told={"schedule": [90, 150], "ours_p50": [100, 200]}))
    text = json.dumps(tree, allow_nan=False)
    assert json.loads(text) == tree
    assert {"set", "samples", "trips", "methods"} <= tree.keys()
    method = tree["methods"]["ours_p50"]
    assert [len(method[name]) for name in ("mae", "median", "eta_buckets", "mbta", "coverage")] == [5, 5, 4, 4, 5]
    assert method["mae"] == [0.0, 0.0, None, None, None]
    assert method["coverage"] == [None] * 5
    assert method["ci95"]["eta"] == [100.0, 100.0]
    assert isinstance(method["early60"], float)
    assert isinstance(method["availability"], float)


def test_days_are_shown_apart_where_several_are_judged() -> None:
    """And not where it is only one."""
    two = replace(made.runs(2), service_days=[20260109, 20260110])
    verdict = _verdict(now=[0, 0], horizon=[100, 100], told={"m": [90, 150]}, of=two)
    assert {day: part.methods["m"].mae_s[0] for day, part in verdict.days.items()} == {20260109: 10.0, 20260110: 50.0}
    assert as_json(verdict)["days"]["20260110"]["samples"] == 1
    assert _verdict(now=[0, 0], horizon=[100, 100], told={"m": [90, 150]}).days == {}


def test_nothing_to_judge_is_a_verdict_of_nothing() -> None:
    """Not a crash."""
    verdict = _verdict(now=[], horizon=[], told={"m": []})
    assert verdict.main.samples == 0
    assert as_json(verdict)["methods"]["m"]["eta"] is None


def test_everybody_spoke_needs_every_method() -> None:
    """A nan of any method excludes the question."""
    answers = Answers(
        now_s=np.zeros(2), run=np.zeros(2, np.int64), call=np.zeros(2, np.int64), kind=np.zeros(2, np.int64),
        actual_s=np.ones(2), arrival_s={"a": np.array([1.0, NAN]), "b": np.array([1.0, 1.0])},
    )  # fmt: skip
    assert everybody_spoke(answers).tolist() == [True, False]


@pytest.mark.parametrize(
    ("instants", "pieces"),
    [
        ([], ()),
        ([0.0, 150.0, 301.0], ((0.0, 150.0), (301.0, 301.0))),
        ([0.0, 100.0, 200.0], ((0.0, 200.0),)),
    ],
)
def test_a_silence_cuts_a_recording_in_pieces(instants: list[float], pieces: tuple[tuple[float, float], ...]) -> None:
    """Of more than 150 s."""
    at: Floats = np.asarray(instants, np.float64)
    assert pieces_of(at) == pieces


def test_the_warm_up_counts_what_is_recorded_not_the_silence() -> None:
    """40 % of 100 + 200 s are 120 s: all of the first piece and 20 s of the second; at most so long."""
    pieces = ((0.0, 100.0), (1000.0, 1200.0))
    assert warm_up(pieces, share=0.4, longest_s=7200.0) == 1020.0
    assert warm_up(pieces, share=0.4, longest_s=60.0) == 60.0


def test_a_band_that_ends_before_the_recording_has_held_or_not_whoever_came() -> None:
    """Of four bands of 10 to 15 minutes that end at 1,000 s, one held; one came later, two were still awaited when the
    recording ended. The band that ends after the recording says nothing."""
    now = [0.0] * 5
    bands = {"m": Bands(p10_s=np.full(5, 600.0), p90_s=np.array([1000.0] * 4 + [1300.0]))}
    told = {"m": [700.0] * 5}
    horizon = [800.0, 1100.0, np.inf, np.inf, 900.0]
    it = _verdict(now=now, horizon=horizon, told=told, bands=bands, ends_s=1200.0).main
    assert it.methods["m"].coverage[3] == 0.25
    assert it.samples == 3, "errors are of what happened"


def test_bands_that_all_end_after_the_recording_are_judged_by_who_came() -> None:
    bands = {"m": Bands(p10_s=np.full(3, 600.0), p90_s=np.full(3, 1000.0))}
    told = {"m": [700.0] * 3}
    it = _verdict(now=[0.0] * 3, horizon=[800.0, 500.0, np.inf], told=told, bands=bands, ends_s=900.0).main
    assert it.methods["m"].coverage[3] == 0.5

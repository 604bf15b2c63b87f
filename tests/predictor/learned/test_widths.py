"""The band keeps what it promises when errors change, and does not run away where outcomes are few."""

import numpy as np

from predictor.learned.engine import ALIKE_CALLS
from predictor.learned.errors import QUANTILES, SCALE_S, judge, knots
from predictor.learned.learned import WIDTH_MOST, Learned, State
from predictor.learned.samples import Samples
from predictor.learned.settings import Settings

HORIZON_S = 600.0
STEP_S = 10.0


def offsets(learned: Learned, settings: Settings) -> tuple[float, float]:
    """P10 and P90 of a forecast of buses under way, HORIZON_S ahead: relative errors."""
    judged = judge(learned.errors, learned.band_errors, learned.expert_errors, learned.widths, settings)
    low, share = (it[0] for it in knots(np.array([HORIZON_S])))
    table = judged.quantile[0, 0, :, 0]
    row = table[low] * (1 - share) + table[low + 1] * share
    return float(row[QUANTILES.index(0.1)]), float(row[QUANTILES.index(0.9)])


class City:
    """One horizon of one agency: a forecast every STEP_S seconds, and errors as large as it is told."""

    def __init__(self, worth: float = 1.0) -> None:
        self.worth = worth
        self.settings = Settings()
        self.learned = Learned(self.settings)
        self.learned.group_slots(np.array([1], np.int64))
        self.samples = Samples(self.settings)
        self.rng = np.random.default_rng(3)
        self.now, self.made = 1_000_000.0, 0
        self.band = (0.0, 0.0)
        self.coming: list[tuple[float, int]] = []

    def live(self, outcomes: int, spread: float) -> float:
        """So many forecasts; the share of their outcomes that lay in the band."""
        held = 0
        for _ in range(outcomes):
            self.now += STEP_S
            self.made += 1
            if self.made % 10 == 1:
                self.band = offsets(self.learned, self.settings)
            low, high = self.band
            scale = HORIZON_S + SCALE_S
            error = float(self.rng.laplace(0.0, spread))
            held += low <= error <= high
            blend = np.array([HORIZON_S])
            self.samples.add(
                self.now,
                run_key=np.array([self.made], np.int64),
                position=np.zeros(1, np.int64),
                worth=np.array([self.worth]),
                group=np.zeros(1, np.int64),
                cell=np.zeros(1, np.int64),
                age=np.zeros(1, np.int64),
                rough_s=blend,
                blend_s=blend,
                band_s=blend + np.array([[low], [high]]) * scale,
                experts_s=np.full((6, 1), HORIZON_S),
            )
            self.coming.append((self.now + HORIZON_S + error * scale, self.made))
            happened = [it for it in self.coming if it[0] <= self.now]
            self.coming = [it for it in self.coming if it[0] > self.now]
            if happened:
                moments, keys = zip(*happened, strict=True)
                self.samples.resolve(np.array(keys, np.int64), np.zeros(len(keys), np.int64), np.array(moments))
            self.samples.judge(self.now, self.learned)
        return held / outcomes


def test_band_holds_again_after_errors_have_doubled_and_halved() -> None:
    """600 outcomes after each change it holds 0.75 to 0.85 of the next 600."""
    city = City()
    city.live(800, 0.1)
    for spread in (0.2, 0.1):
        city.live(600, spread)
        assert 0.75 <= city.live(600, spread) <= 0.85, spread


def test_band_is_the_general_shapes_while_outcomes_are_few() -> None:
    """Eleven outcomes, all of them outside, each as one of a run's that are alike, move it by a tenth at most."""
    city = City(worth=1.0 / ALIKE_CALLS)
    before = offsets(city.learned, city.settings)
    city.live(10, 0.1)
    city.samples.said[3:5] = HORIZON_S
    city.live(1, 0.1)
    city.now += 3_000.0
    keys = np.arange(1, 12)
    city.samples.resolve(keys, np.zeros(11, np.int64), np.full(11, city.now))
    city.samples.judge(city.now, city.learned)
    city.learned.band_errors[:] = 0.0
    after = offsets(city.learned, city.settings)
    assert 0.0 < (after[1] - after[0]) / (before[1] - before[0]) - 1.0 <= 0.1


def test_width_never_leaves_its_bounds() -> None:
    """However long outcomes stay outside."""
    city = City()
    city.live(1_500, 1.0)
    assert np.abs(city.learned.widths).max() <= WIDTH_MOST


def test_widths_outlive_a_restart_and_an_older_state_has_none() -> None:
    """What the band was corrected by is part of the state."""
    city = City()
    city.live(600, 0.2)
    assert city.learned.widths.any()
    state = city.learned.state()
    again = Learned(city.settings)
    again.restore(state)
    assert np.array_equal(again.widths, city.learned.widths)
    older = Learned(city.settings)
    older.restore(State({name: column for name, column in state.columns.items() if name != "group.widths"}))
    assert not older.widths.any()
    assert np.array_equal(older.band_errors, city.learned.band_errors)


def test_a_big_citys_first_outcomes_do_not_swing_the_band() -> None:
    """Hundreds of outcomes are on their way when the first ones are known; the width follows all of them, not each by itself."""
    city = City(worth=100.0)
    widths = []
    for _ in range(20):
        city.live(15, 0.15)
        widths.append(np.abs(city.learned.widths).max())
    assert max(widths) <= 0.25


def test_a_width_beyond_its_bounds_is_not_restored() -> None:
    """Of a state that was tampered with."""
    city = City()
    columns = dict(city.learned.state().columns)
    columns["group.widths"] = np.full_like(columns["group.widths"], 800.0)
    again = Learned(city.settings)
    again.restore(State(columns))
    assert np.abs(again.widths).max() <= WIDTH_MOST

"""Real recordings, where there are some: what others measured on them is what we measure, and we are sane on all.

The figures of baselines were worked out elsewhere by another program, with its own truth and sampling; ours lie near them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtest import readers
from backtest.ours import Ours
from backtest.readers.folder import Folder
from backtest.replay import History, Predictor, Setting, replay
from backtest.verdict import Verdict, verdict_of

pytestmark = pytest.mark.recorded


def _judged(folder: Path, *, ours: bool) -> Verdict:
    recording = readers.read(Folder(folder))

    def learners(setting: Setting) -> list[Predictor]:
        return [History(setting), Ours(setting)] if ours else [History(setting)]

    answers, truth = replay(recording, learners, lambda _step, _share: None)
    return verdict_of(recording, answers, truth)


def _is_near(verdict: Verdict, method: str, mae_s: list[float], eta: float) -> None:
    found = verdict.main.methods[method]
    assert np.allclose(found.mae_s, mae_s, rtol=0.12, atol=3.0), (method, found.mae_s)
    assert abs(found.eta - eta) <= 3.0, (method, found.eta)


def test_buses_every_thirty_seconds(recordings: Path) -> None:
    """Three routes of Washington on a holiday: the timetable and constant delay as measured elsewhere.

    Beyond ten minutes we find less: vehicles that wait in a bay along their line were taken to be under way there.
    """
    verdict = _judged(recordings / "prediction" / "wmata-bus-2026-02-16", ours=False)
    _is_near(verdict, "schedule", [255, 255, 257, 261, 266], 32.7)
    constant = verdict.main.methods["constant_delay"]
    assert np.allclose(constant.mae_s[:4], [36, 65, 95, 135], rtol=0.12)
    assert abs(constant.eta - 67.4) <= 3.0
    assert verdict.main.methods["historical"].mae_s[3] < 115.0
    assert verdict.truth_known / verdict.truth_of > 0.7


def test_a_whole_network_at_its_timepoints(recordings: Path) -> None:
    """Boston's buses on a Sunday: all four baselines as measured elsewhere."""
    verdict = _judged(recordings / "prediction" / "mbta-bus-stop-crossings-2024-08-11", ours=False)
    _is_near(verdict, "schedule", [399, 408, 435, 461, 518], 28.9)
    _is_near(verdict, "constant_delay", [69, 77, 100, 125, 186], 59.2)
    _is_near(verdict, "historical", [34, 61, 93, 127, 184], 67.1)
    _is_near(verdict, "transitclock", [33, 58, 85, 116, 167], 68.1)


def test_learning_one_day_and_judging_the_next(recordings: Path) -> None:
    """Two routes of New York: raw history loses to constant delay, as measured elsewhere."""
    verdict = _judged(recordings / "prediction" / "nyc-s78-b42-2017-05", ours=False)
    _is_near(verdict, "constant_delay", [32, 56, 73, 92, 121], 73.7)
    _is_near(verdict, "historical", [35, 73, 115, 168, 261], 63.6)
    _is_near(verdict, "transitclock", [31, 61, 89, 124, 189], 68.8)


def test_trains_with_the_official_predictions(recordings: Path) -> None:
    """Boston's rapid transit: the official predictions are as good as they are known to be; ours say nothing of the past."""
    verdict = _judged(recordings / "prediction" / "mbta-rapid-transit-2023-05-08", ours=True)
    found = verdict.main.methods
    assert set(found) == {"agency", "historical", "transitclock", "ours_p50", "ours_published"}
    assert np.allclose(found["agency"].mae_s[:3], [17, 37, 56], rtol=0.1, atol=2.0)
    assert found["agency"].eta > 90.0
    assert found["ours_p50"].before_now == 0
    assert found["ours_p50"].availability > 99.0


def test_a_small_city_and_its_agency_the_same_in_every_process(recordings: Path) -> None:
    """Kingston, twice, with hashes seeded otherwise: the same to the last digit; better than its agency where it counts."""
    folder = recordings / "prediction" / "kingston-transit-2026-01"
    outputs = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "wayside", "backtest", str(folder), "--json"]
        done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    methods: dict[str, Any] = json.loads(outputs[0])["methods"]
    assert methods["ours_published"]["eta"] > methods["agency"]["eta"] + 5.0
    assert methods["ours_p50"]["mae"][0] < methods["agency"]["mae"][0]
    assert all(it["before_now"] == 0 for name, it in methods.items() if name != "schedule")

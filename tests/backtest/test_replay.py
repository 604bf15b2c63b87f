"""Nothing in a replay knows what has not been received: what comes later changes no earlier answer."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from backtest import readers
from backtest.ours import Ours
from backtest.readers.folder import Folder
from backtest.recording import Recording
from backtest.replay import Answers, History, replay
from tests.backtest import made


def _cut(recording: Recording, at_s: float) -> Recording:
    """The recording as it was at an instant."""
    fixes, events = recording.fixes, recording.events
    early, known = fixes.received_s <= at_s, events.received_s <= at_s
    return replace(
        recording,
        fixes=type(fixes)(**{it.name: getattr(fixes, it.name)[early] for it in fields(fixes)}),
        events=type(events)(**{it.name: getattr(events, it.name)[known] for it in fields(events)}),
        said=tuple(
            replace(
                feed,
                message_s=feed.message_s[feed.message_s <= at_s],
                **{
                    name: getattr(feed, name)[feed.message_s[feed.message] <= at_s]
                    for name in ("message", "call", "arrival_s")
                },
            )
            for feed in recording.said
        ),
    )


def _answers(recording: Recording) -> Answers:
    return replay(recording, lambda setting: [History(setting), Ours(setting)], lambda _step, _share: None)[0]


def _knows_nothing_of_the_future(recording: Recording, at_s: float) -> None:
    recording = replace(recording, warm_until_s=0.0)
    whole, early = _answers(recording), _answers(_cut(recording, at_s))
    rows_of = {
        (now, call): row for row, (now, call) in enumerate(zip(whole.now_s.tolist(), whole.call.tolist(), strict=True))
    }  # fmt: skip
    shared = [
        (row, rows_of[key])
        for row, key in enumerate(zip(early.now_s.tolist(), early.call.tolist(), strict=True))
        if key in rows_of and key[0] <= at_s
    ]
    assert len(shared) > 0.9 * np.count_nonzero(early.now_s <= at_s)
    mine, theirs = np.asarray(shared).T
    for name, values in early.arrival_s.items():
        np.testing.assert_array_equal(values[mine], whole.arrival_s[name][theirs], err_msg=name)
    for name, band in early.bands.items():
        np.testing.assert_array_equal(band.p90_s[mine], whole.bands[name].p90_s[theirs], err_msg=name)


def test_reports_that_come_later_change_nothing_before() -> None:
    """Ten buses on one road, some of which turn out to be reported by two vehicles, cut in the middle."""
    random = np.random.default_rng(3)
    reports = []
    for run in range(10):
        pace = random.uniform(6.0, 11.0)
        for step in range(12):
            at = run * 600.0 + 30.0 * step
            reports.append((at, run, min(max(0.0, pace * 30.0 * (step - 1) + random.normal(0, 5)), 1990.0)))
    reports.sort()
    fixes = made.fixes(*reports, delay_s=7.0)
    fixes.vehicle[::7] = 1
    recording = made.recording(made.runs(10), reports=fixes)
    _knows_nothing_of_the_future(recording, 2815.0)


def test_who_comes_back_to_its_first_stop_changes_nothing_before() -> None:
    """A bus on its way to a bay passes the second stop; when it comes back, that had been no trip, but nobody knew."""
    reports = [
        (0, 0, 0), (30, 0, 0), (60, 0, 400), (90, 0, 1000), (120, 0, 600), (150, 0, 0), (180, 0, 0),
        (210, 0, 300), (240, 0, 600), (270, 0, 1000), (300, 0, 1500), (330, 0, 1990),
        (60, 1, 0), (90, 1, 500), (110, 1, 800), (125, 1, 1000), (150, 1, 1400), (180, 1, 1990),
    ]  # fmt: skip
    recording = made.recording(made.runs(2, apart_s=60.0), reports=made.fixes(*sorted(reports)))
    _knows_nothing_of_the_future(recording, 130.0)


def test_events_that_come_later_change_nothing_before() -> None:
    """The same where only arrivals and departures are known."""
    random = np.random.default_rng(4)
    rows = []
    for run in range(12):
        at = 600.0 * run + random.uniform(0, 100)
        for position in range(3):
            call = 3 * run + position
            stands = random.uniform(5, 40)
            if position:
                rows.append((at, call, at, float("nan")))
            rows.append((at + stands, call, at if position else float("nan"), at + stands))
            at += stands + random.uniform(70, 150)
    recording = made.recording(made.runs(12, block="b"), happened=made.events(*sorted(rows)))
    _knows_nothing_of_the_future(recording, 3333.0)


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("name", "share"),
    [("kingston-transit-2026-01", 0.35), ("mbta-rapid-transit-2023-05-08", 0.6), ("wmata-bus-2026-02-16", 0.1)],
)
def test_a_real_day_that_goes_on_changes_nothing_before(recordings: Path, name: str, share: float) -> None:
    """With agencies' predictions, several vehicles on one run, reports out of order."""
    recording = readers.read(Folder(recordings / "prediction" / name))
    start_s, end_s = recording.pieces[0]
    _knows_nothing_of_the_future(recording, start_s + share * (end_s - start_s))

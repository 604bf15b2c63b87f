"""A verdict as a person reads it: a table in the terminal."""

from datetime import datetime

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from backtest.verdict import Figures, Part, Verdict
from domain import service_day
from predictor.accuracy import ETA_BUCKETS, HORIZON_NAMES, MBTA_BINS, Bin

TITLES = {
    "schedule": "timetable",
    "constant_delay": "constant delay",
    "historical": "historical mean",
    "transitclock": "TransitClock, emulated",
    "agency": "agency",
    "ours_p50": "ours, P50",
    "ours_published": "ours, published",
}
SHORT = {
    "constant_delay": "const. delay",
    "historical": "hist. mean",
    "transitclock": "TransitClock",
    "ours_p50": "P50",
    "ours_published": "published",
    "schedule": "timetable",
}
NOTHING = "–"


WIDTH = 112
"""Columns that the tables take where the terminal does not say."""


def show(verdict: Verdict, console: Console) -> None:
    """Print the verdict."""
    from_at, to_at = (_clock(it, verdict.time_zone) for it in (verdict.warm_until_s, verdict.judged_to_s))
    share = verdict.truth_known / verdict.truth_of if verdict.truth_of else float("nan")
    lines = [
        f"{verdict.name}: {verdict.form}",
        f"judged from {from_at} to {to_at}; vehicles report every {verdict.interval_s:.0f} s",
        f"true times of {verdict.truth_known:,} of {verdict.truth_of:,} calls ({share:.0%})",
        *(f"  {note}" for note in verdict.notes),
    ]
    console.print(*lines, sep="\n", highlight=False)
    console.print(_errors("en route", verdict.main), _scores(verdict.main))
    console.print(
        "error = actual − predicted; a median above 0: vehicles came later than promised. Horizons are times to the\n"
        "actual arrival, but predicted times for MBTA and P10–P90. ~ the recording ends too early to see all of it.",
        style="dim",
        highlight=False,
    )
    for day, part in verdict.days.items():
        console.print(_errors(f"en route, {service_day.from_yyyymmdd(day):%a %d %b %Y}", part))
    for name, part in verdict.parts.items():
        if part is not verdict.main:
            console.print(_errors(name, part))


def _errors(name: str, part: Part) -> Table:
    table = Table(
        title=f"{name}: {part.samples:,} predictions, {part.trips:,} trips", title_justify="left", box=SIMPLE_HEAD
    )  # fmt: skip
    table.add_column("mean error (median), s\npredictions", no_wrap=True)
    for number, bucket in enumerate(HORIZON_NAMES):
        mark = "~" if part.truncated[number] else ""
        table.add_column(f"{mark}{bucket} min\n{part.counts[number]:,}", justify="right", no_wrap=True)
    table.add_column("ETA score\n(95 %)", justify="right", no_wrap=True)
    for method, it in part.methods.items():
        cells = [f"{_whole(mae)} ({_signed(bias)})" for mae, bias in zip(it.mae_s, it.median_s, strict=True)]
        table.add_row(TITLES.get(method, method), *cells, _score(it))
    return table


def _scores(part: Part) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("the same predictions, %", no_wrap=True)
    for method in part.methods:
        table.add_column(SHORT.get(method, method), justify="right", no_wrap=True)
    every = list(part.methods.values())

    def row(label: str, *values: str) -> None:
        if any(value != NOTHING for value in values):
            table.add_row(label, *values)

    for number, it in enumerate(ETA_BUCKETS):
        row(f"ETA score {_minutes(it)}", *(_tenth(one.eta_buckets[number]) for one in every))
    for number, it in enumerate(MBTA_BINS):
        row(f"MBTA {_minutes(it)}", *(_tenth(one.mbta[number]) for one in every))
    row("reliable (Cal-ITP)", *(_tenth(one.reliable) for one in every))
    row("more than 60 s early", *(_tenth(one.early60) for one in every))
    row("says something", *(_tenth(one.availability) for one in every))
    for number, name in enumerate(HORIZON_NAMES):
        row(f"P10–P90 holds, {name}", *(_tenth(100.0 * one.coverage[number]) for one in every))
    for number, name in enumerate(HORIZON_NAMES):
        row(f"its width, {name}, s", *(_whole(one.width_s[number]) for one in every))
    row("wobble, s", *(_tenth(one.wobble_s) for one in every))
    row("before now, count", *(f"{one.before_now:,}" for one in every))
    return table


def _score(it: Figures) -> str:
    low, high = it.eta_ci95
    return f"{_tenth(it.eta)} ({_whole(low)}–{_whole(high)})"


def _minutes(it: Bin) -> str:
    return f"{it.from_s / 60:.0f}–{it.to_s / 60:.0f} min"


def _tenth(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else NOTHING


def _whole(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else NOTHING


def _signed(value: float) -> str:
    return f"{value:+.0f}" if np.isfinite(value) else NOTHING


def _clock(epoch_s: float, time_zone: str) -> str:
    return datetime.fromtimestamp(epoch_s, service_day.zone(time_zone)).strftime("%a %d %b %Y %H:%M")

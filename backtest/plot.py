"""The error by horizon as a drawing: one line a method, SVG, no library."""

from html import escape
from pathlib import Path

import numpy as np

from backtest.recording import Floats
from backtest.report import TITLES
from backtest.verdict import Verdict
from predictor.accuracy import HORIZON_NAMES

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 190, 50, 60
LOOKS = {
    "schedule": ("#8a8a8a", "2 4"),
    "constant_delay": ("#b3611a", "6 3"),
    "historical": ("#7b5ea7", "8 3 2 3"),
    "transitclock": ("#2a7f62", "4 2"),
    "agency": ("#c2185b", "10 3"),
    "ours_p50": ("#0b57d0", ""),
    "ours_published": ("#0b57d0", "3 2"),
}
"""Colour and dashes: lines are told apart without colour too."""


def draw(verdict: Verdict, folder: Path) -> Path:
    """Write ``<set>.svg`` into *folder*; its path."""
    path = folder / f"{verdict.name}.svg"
    path.write_text(svg(verdict), encoding="utf-8")
    return path


def svg(verdict: Verdict) -> str:
    """Mean absolute error of vehicles under way against time to arrival."""
    part = verdict.main
    shown = {
        name: it.mae_s for name, it in part.methods.items() if np.isfinite(it.mae_s).any() and name != "ours_published"
    }
    # The timetable of a late day would press all other lines together.
    others = [values for name, values in shown.items() if name != "schedule"] or list(shown.values())
    top = max((float(np.nanmax(values)) for values in others), default=60.0) * 1.08
    step = _step(top)
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(bucket: int) -> float:
        return LEFT + width * (bucket + 0.5) / len(HORIZON_NAMES)

    def y(seconds: float) -> float:
        return TOP + height * (1 - min(seconds, top) / top)

    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" '
            f'font-size="12"><title>{escape(verdict.name)}: error by horizon</title>'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
            f'<text x="{LEFT}" y="24" font-size="15">{escape(verdict.name)}: mean absolute error, vehicles under way '
            f"({part.samples:,} predictions, {part.trips:,} trips)</text>"
        )
    ]
    out.extend(
        f'<line x1="{LEFT}" x2="{LEFT + width}" y1="{y(seconds):.1f}" y2="{y(seconds):.1f}" stroke="#ddd"/>'
        f'<text x="{LEFT - 8}" y="{y(seconds) + 4:.1f}" text-anchor="end">{seconds:.0f} s</text>'
        for seconds in np.arange(0.0, top, step)
    )
    out.extend(
        f'<text x="{x(number):.1f}" y="{HEIGHT - 36}" text-anchor="middle">{"~" if part.truncated[number] else ""}{name} min</text>'
        for number, name in enumerate(HORIZON_NAMES)
    )
    out.append(f'<text x="{LEFT + width / 2}" y="{HEIGHT - 14}" text-anchor="middle">time to the actual arrival</text>')
    taken: list[float] = []
    for name, values in sorted(shown.items(), key=lambda it: -float(np.nan_to_num(it[1][-1]))):
        colour, dashes = LOOKS.get(name, ("#000", ""))
        rows = [number for number in range(len(values)) if np.isfinite(values[number])]
        points = " ".join(f"{x(number):.1f},{y(float(values[number])):.1f}" for number in rows)
        heavy = 2.6 if name.startswith("ours") else 1.6
        out.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{heavy}" stroke-dasharray="{dashes}"/>'
        )
        for number in rows:
            value = float(values[number])
            if value <= top:
                out.append(
                    f'<circle cx="{x(number):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}">'
                    f"<title>{escape(TITLES.get(name, name))}, {HORIZON_NAMES[number]} min: {value:.0f} s</title></circle>"
                )
        label = max(y(float(values[rows[-1]])), *(it + 15 for it in taken)) if taken else y(float(values[rows[-1]]))
        taken.append(label)
        out.append(
            f'<line x1="{LEFT + width - 4}" x2="{LEFT + width + 22}" y1="{label:.1f}" y2="{label:.1f}" stroke="{colour}" '
            f'stroke-width="{heavy}" stroke-dasharray="{dashes}"/>'
            f'<text x="{LEFT + width + 28}" y="{label + 4:.1f}" fill="{colour}">{escape(TITLES.get(name, name))}{_off(values, top)}</text>'
        )
    out.append("</svg>\n")
    return "".join(out)


def _off(values: Floats, top: float) -> str:
    """How far above the drawing a line goes that is drawn along its upper edge there."""
    most = float(np.nanmax(values))
    return f" ↑ {most:.0f} s" if most > top else ""


def _step(top: float) -> float:
    return next((it for it in (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0) if top / it <= 8), 1000.0)

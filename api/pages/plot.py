"""Lines over a few steps as a picture: told apart by dashes and marks as well as by colour, with the numbers beside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 360, 230
"""Near the pixels that a phone has for it, so that its words are as large as those around it."""
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 12, 30
TICKS = 4
LABELS_MOST = 6
RADII = (6.0, 4.5, 3.0)
"""Of the marks: each line's are smaller than those of the line under it, so that lines that run together are all seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; None is a gap. *key* is its class in the style."""

    name: str
    key: str
    values: tuple[float | None, ...]


def plot(
    lines: Sequence[Line], steps: Sequence[str], label: str, *, floor: float | None = None, ceiling: float | None = None
) -> Markup:
    """An SVG with axes and a legend; blank where there is nothing to draw."""
    known = [value for line in lines for value in line.values if value is not None]
    if not known or not steps:
        return Markup("")
    low = min(known) if floor is None else floor
    high = _round_up(max(known)) if ceiling is None else ceiling
    high = high if high > low else low + 1.0

    def x(step: int) -> float:
        room = WIDTH - LEFT - RIGHT
        return LEFT + room * (step + 0.5) / len(steps)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (min(value, high) - low) / (high - low))

    parts = []
    for tick in range(TICKS + 1):
        value = low + (high - low) * tick / TICKS
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="end" x="{LEFT - 6}" y="{y(value) + 4:.1f}">{value:g}</text>')
    every = max(1, ceil(len(steps) / LABELS_MOST))
    parts += [
        f'<text class="middle" x="{x(at):.1f}" y="{HEIGHT - 8}">{escape(name)}</text>'
        for at, name in enumerate(steps)
        if at % every == 0
    ]
    radii = [RADII[min(number, len(RADII) - 1)] for number in range(len(lines))]
    for line, radius in zip(lines, radii, strict=True):
        parts.append(f'<g class="line {escape(line.key)}">{_strokes(line, x, y, radius)}</g>')
    legend = "".join(
        f'<li class="{escape(line.key)}"><svg viewBox="0 0 32 14" aria-hidden="true"><path d="M0 7H32"/>'
        f'<circle cx="16" cy="7" r="{radius:g}"/></svg>{escape(line.name)}</li>'
        for line, radius in zip(lines, radii, strict=True)
    )
    return Markup(  # noqa: S704  # numbers of our own, and escaped names
        f'<figure class="plot"><figcaption>{escape(label)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
        f'<ul class="plain legend">{legend}</ul></figure>'
    )


def _strokes(line: Line, x: Callable[[int], float], y: Callable[[float], float], radius: float) -> str:
    path, marks, pen = [], [], "M"
    for at, value in enumerate(line.values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{x(at):.1f} {y(value):.1f}")
        marks.append(f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="{radius:g}"/>')
        pen = "L"
    return f'<path d="{"".join(path)}"/>{"".join(marks)}'


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8, 10 times a power of ten."""
    if value <= 0:
        return 1.0
    scale = 10.0 ** int(log10(value)) if value >= 1 else 1.0
    return next(scale * step for step in (1, 2, 4, 5, 6, 8, 10) if value <= scale * step)

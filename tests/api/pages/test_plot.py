"""Lines as a picture."""

import re

from api.pages.plot import Line, plot


def test_lines_that_run_together_are_all_seen() -> None:
    """A line on top has smaller marks than the one under it; the legend shows them as they are drawn."""
    values = (10.0, 20.0, None)
    drawn = plot([Line(name=name, key=name, values=values) for name in ("a", "b", "c")], ["1", "2", "3"], "errors")
    radii = [[float(r) for r in re.findall(r'r="([\d.]+)"', part)] for part in re.split(r'<g class="line', drawn)[1:]]
    assert [part[:2] for part in radii] == [[6.0, 6.0], [4.5, 4.5], [3.0, 3.0]]
    assert radii[-1][2:] == [6.0, 4.5, 3.0]


def test_steps_beyond_what_has_room_are_not_all_named() -> None:
    steps = [f"{day} Nov" for day in range(1, 15)]
    drawn = plot([Line(name="a", key="a", values=(1.0,) * 14)], steps, "by day")
    assert re.findall(r">(\d+ Nov)<", drawn) == ["1 Nov", "4 Nov", "7 Nov", "10 Nov", "13 Nov"]

"""The colours of the pages against each other: WCAG 2.2 §1.4.3, 4.5 : 1 for text, where axe cannot see through."""

import re
from importlib.resources import files

import pytest

STYLE = (files("api.pages") / "static" / "style.css").read_text("utf-8")
INKS = ("text", "soft", "accent", "good", "warn", "bad", "idle")
TOGETHER = [(ink, ground) for ink in INKS for ground in ("ground", "card")] + [
    ("good", "good-ground"), ("warn", "warn-ground"), ("bad", "bad-ground"), ("idle", "idle-ground"),
    ("text", "warn-ground"), ("text", "bad-ground"), ("text", "idle-ground"), ("accent", "warn-ground"),
    ("accent", "bad-ground"), ("accent-ink", "accent"), ("text", "map-ground"),
]  # fmt: skip


def colours(scheme: int) -> dict[str, str]:
    """The names of ``:root``: 0 is light, 1 is dark."""
    block = re.findall(r":root\s*\{(.*?)\}", STYLE, re.DOTALL)[scheme]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2, definitions."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_stands_out_from_its_ground(scheme: int) -> None:
    named = colours(scheme)
    pale = {}
    for ink, ground in TOGETHER:
        lighter, darker = sorted((luminance(named[ink]), luminance(named[ground])), reverse=True)
        if (ratio := (lighter + 0.05) / (darker + 0.05)) < 4.5:
            pale[ink, ground] = round(ratio, 2)
    assert pale == {}

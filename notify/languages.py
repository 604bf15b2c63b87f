"""Which of the languages at hand a reader gets. Source: BCP 47 (RFC 4647 §3.4, lookup), and its blind spots."""

from collections.abc import Sequence

_SCRIPTS = {
    "zh-cn": "zh-hans",
    "zh-sg": "zh-hans",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
}
"""Regions that stand for a script: apps report the one, issuers write the other."""


def _normal(tag: str) -> str:
    return tag.strip().replace("_", "-").lower()


def _chain(tag: str) -> list[str]:
    """The tag, then ever more general ones: zh-Hant-TW, zh-Hant, zh."""
    parts = _normal(tag).split("-")
    chain = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return [wider for one in chain for wider in ([one, _SCRIPTS[one]] if one in _SCRIPTS else [one]) if wider]


def match(wanted: str, there: Sequence[str]) -> int | None:
    """The place in *there* of the language nearest to *wanted*; None when none is the same language."""
    known = [_normal(tag) for tag in there]
    for one in _chain(wanted):
        if one in known:
            return known.index(one)
        if one in _SCRIPTS.values():
            for number, tag in enumerate(known):
                if _SCRIPTS.get(tag) == one:
                    return number
    primary = _normal(wanted).split("-")[0]
    return next((number for number, tag in enumerate(known) if primary and tag.split("-")[0] == primary), None)


def best(wanted: Sequence[str], there: Sequence[str]) -> int:
    """The place in *there* (not empty) of the first language of *wanted* that is there; else 0."""
    for tag in wanted:
        found = match(tag, there)
        if found is not None:
            return found
    return 0

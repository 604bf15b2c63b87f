"""The message catalogue: one JSON file a language in ``messages/``; English is complete and stands in for gaps.

How a feed is comes in English from :func:`domain.feed_health.assess`; other languages have ``why.`` and ``todo.`` with its codes.
"""

import json
from functools import cache
from importlib.resources import files

DEFAULT = "en"


@cache
def catalogues() -> dict[str, dict[str, str]]:
    """Language code to messages, by the name of the file; adding a language is adding a file."""
    folder = files("api.pages") / "messages"
    return {
        entry.name.removesuffix(".json"): json.loads(entry.read_text("utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".json")
    }


def languages() -> list[tuple[str, str]]:
    """(code, own name) of every language, English first."""
    named = [(code, messages["language"]) for code, messages in catalogues().items()]
    return sorted(named, key=lambda entry: (entry[0] != DEFAULT, entry[0]))


def say(language: str, key: str, **values: object) -> str:
    """The message in that language with its ``{values}`` filled in. Raises KeyError for a key that English lacks."""
    text = catalogues().get(language, {}).get(key) or catalogues()[DEFAULT][key]
    return text.format(**values)


def say_if(language: str, key: str, **values: object) -> str:
    """The message where that language itself has it, else nothing."""
    text = catalogues().get(language, {}).get(key, "")
    return text.format(**values) if text else ""


def plural(language: str, key: str, count: int) -> str:
    """The message for that *count*: ``key_one`` for one where the language has it, else ``key``."""
    if count == 1 and f"{key}_one" in catalogues()[DEFAULT]:
        return say(language, f"{key}_one", count=count)
    return say(language, key, count=count)


def choose(wanted: str, accept_language: str, fallback: str) -> str:
    """The best language we have: the one asked for, then the browser's by weight, then the deployment's, then English.

    *accept_language* is the header of RFC 9110, such as ``vi-VN,vi;q=0.9,en;q=0.5``.
    """
    known = catalogues()
    if wanted in known:
        return wanted
    weighted: list[tuple[float, str]] = []
    for part in accept_language[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighted.append((float(weight or 1), tag.lower()))
        except ValueError:
            continue
    for share, tag in sorted(weighted, key=lambda entry: -entry[0]):
        primary = tag.split("-")[0]
        if share > 0 and (tag in known or primary in known):
            return tag if tag in known else primary
    return fallback if fallback in known else DEFAULT


def count(language: str, number: int) -> str:
    """A whole number as the language groups its thousands."""
    return f"{number:,}".replace(",", say(language, "number.thousands"))


def age(language: str, seconds: float) -> str:
    """A duration as people say it, one unit."""
    if seconds < 90:
        return say(language, "age.seconds", count=max(0, round(seconds)))
    if seconds < 5400:
        return say(language, "age.minutes", count=round(seconds / 60))
    if seconds < 172800:
        return say(language, "age.hours", count=round(seconds / 3600))
    return say(language, "age.days", count=round(seconds / 86400))


def for_scripts(language: str) -> dict[str, str]:
    """The messages that scripts in the browser use."""
    prefixes = (
        "age.",
        "offline",
        "favourite.",
        "places.",
        "near.denied",
        "arrivals.now",
        "arrivals.minutes",
        "arrivals.last_known",
    )
    return {key: say_raw(language, key) for key in catalogues()[DEFAULT] if key.startswith(prefixes)}


def say_raw(language: str, key: str) -> str:
    """The message with its placeholders left in."""
    return catalogues().get(language, {}).get(key) or catalogues()[DEFAULT][key]

"""Reads a deployment's TOML file and the environment into Settings; tells every fault at once.

The file says which feeds, regions and channels exist and holds no secrets: those come from the environment by name
(``${NAME}`` in an address or a header). ``docs/configuration.md`` describes every key. Tables that are there once are read
in ``tables``, ``[[feeds]]`` and ``[[same_stops]]`` in ``feeds``; ``reader`` collects the faults.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.errors import SettingsInvalid
from runtime.configuration.environment import read_environment
from runtime.configuration.feeds import FEED_KEYS, SAME_STOPS_KEYS, read_feeds, read_same_stops
from runtime.configuration.reader import Faults
from runtime.configuration.tables import READERS
from runtime.settings import Settings

TABLES = {
    **{name: keys for name, (keys, _) in READERS.items()},
    "feeds": FEED_KEYS,
    "same_stops": SAME_STOPS_KEYS,
}
"""Every table that a file may have, with its keys."""


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of the file at *path* (none: no feeds) and the environment; raises SettingsInvalid with all faults."""
    faults = Faults(str(path) if path else "(no configuration file)", environment)
    document = _document(path)
    for name in document:
        if name not in TABLES:
            faults.add(name, f"no such table; {faults.hint(name, tuple(TABLES))}")
    found: dict[str, Any] = {}
    for name, (keys, read) in READERS.items():
        found |= read(faults.table(name, document.get(name, {}), keys))
    found |= read_environment(faults, found)
    found["feeds"] = read_feeds(faults, document.get("feeds", []))
    found["same_stops"] = read_same_stops(faults, document.get("same_stops", []))
    if faults.found:
        raise SettingsInvalid(faults.found)
    return Settings(**found, secrets=faults.secrets)


def _document(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsInvalid([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid([f"{path}: expected TOML: {error}"]) from error

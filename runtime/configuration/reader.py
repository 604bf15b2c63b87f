"""Takes values out of a file's tables and collects what is wrong with them, so that all of it can be told at once."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from runtime.redaction import redact

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_IN_WORDS: dict[type | tuple[type, ...], str] = {
    str: "a text in quotes", int: "a whole number", bool: "true or false", list: "a list", dict: "a table",
    (int, float): "a number", (int, dict): "a whole number or a table",
}  # fmt: skip


class Faults:
    """What is wrong with one file and its environment, and the secrets that it asks for."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        self.file, self.environment = file, environment
        self.found: list[str] = []
        self.secrets: dict[str, str] = {}

    def add(self, key: str, message: str) -> None:
        self.found.append(f"{self.file}: {key}: {redact(message, {})}")

    def add_of_environment(self, name: str, expected: str, found: str) -> None:
        self.found.append(f"environment: {name}: expected {expected}, found {redact(repr(found), {})}")

    @staticmethod
    def hint(name: str, names: tuple[str, ...]) -> str:
        """What was probably meant by *name*, or what there is."""
        near = difflib.get_close_matches(name, names, 1)
        return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(names)}"

    def table(self, name: str, found: Any, keys: tuple[str, ...]) -> "Table":
        """The table ``[name]``; an empty one where there is something else."""
        if not isinstance(found, dict):
            self.add(name, f"expected a table [{name}], found {found!r}")
            found = {}
        table = Table(self, f"{name}.", found)
        table.knows(keys)
        return table

    def entries(self, name: str, found: Any, keys: tuple[str, ...]) -> "Iterator[Table]":
        """The tables ``[[name]]``, in order; those that are none are left out."""
        if not isinstance(found, list):
            self.add(name, f"expected [[{name}]] entries")
            return
        for number, entry in enumerate(found):
            if not isinstance(entry, dict):
                self.add(f"{name}[{number}]", f"expected a [[{name}]] table, found {entry!r}")
                continue
            table = Table(self, f"{name}[{number}].", entry)
            table.knows(keys)
            yield table


class Table:
    """One table of the file: *where* is what its keys start with in a fault, ``web.`` or ``feeds[0].``."""

    def __init__(self, faults: Faults, where: str, found: Mapping[str, Any]) -> None:
        self.faults, self.where, self.found = faults, where, found

    def knows(self, keys: tuple[str, ...]) -> None:
        for key in self.found:
            if key not in keys:
                self.fault(key, f"no such key; {Faults.hint(key, keys)}")

    def fault(self, key: str, message: str) -> None:
        self.faults.add(f"{self.where}{key}", message)

    def value(self, key: str, kind: type | tuple[type, ...], default: Any) -> Any:
        """What *key* says; *default* where it says nothing, or nothing of that *kind*."""
        if key not in self.found:
            return default
        found = self.found[key]
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            self.fault(key, f"expected {_IN_WORDS[kind]}, found {found!r}")
            return default
        return found

    def text(self, key: str, default: str = "") -> str:
        return str(self.value(key, str, default))

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        found = int(self.value(key, int, default))
        self.within(key, found, least, most)
        return found

    def number(self, key: str, default: float, least: float, most: float, unit: str = "") -> float:
        found = float(self.value(key, (int, float), default))
        self.within(key, found, least, most, unit)
        return found

    def within(self, key: str, value: float, least: float, most: float, unit: str = "") -> None:
        if not least <= value <= most:
            self.fault(key, f"expected {least:.15g} to {most:.15g}{unit}, found {value:.15g}")

    def uses(self, key: str, text: str) -> None:
        """*text* may name secrets of the environment, ``${NAME}``: they are taken along."""
        for name in _PLACEHOLDER.findall(text):
            if name in self.faults.environment:
                self.faults.secrets[name] = self.faults.environment[name]
            else:
                self.fault(key, f"environment variable {name} is not set")


def is_web_address(text: str) -> bool:
    """Http or https, and a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

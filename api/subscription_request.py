"""What a device asks for, read from JSON; every fault is told at once, by the path of the field."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.errors import RequestRefused
from domain.risk import RiskLevel
from domain.subscription import Place, Platform

MAX_TOKEN_CHARACTERS = 4096
MAX_PLACES = 20
MAX_LABEL_CHARACTERS = 80
MAX_RADIUS_M = 100_000.0
DEFAULT_RADIUS_M = 500.0
LEVELS = tuple(level.value for level in RiskLevel if level is not RiskLevel.NONE)
_TOKEN = re.compile(rf"[!-~]{{1,{MAX_TOKEN_CHARACTERS}}}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for; None for what was not said. *token* is secret."""

    platform: Platform | None
    token: str | None = field(repr=False)
    language: str | None
    places: tuple[Place, ...] | None = field(repr=False)
    """As they were given: not yet rounded."""
    minimum_level: str | None


class _Faults:
    def __init__(self) -> None:
        self.by_field: dict[str, list[str]] = {}

    def add(self, path: str, expected: str) -> None:
        self.by_field.setdefault(path, []).append(expected)

    def unknown(self, path: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
        for name in given:
            if name not in known:
                self.add(f"{path}{name[:40]}", f"no such field; expected {', '.join(known)}")


def read(document: Any, *, platforms: Sequence[Platform], partial: bool) -> Wanted:
    """What *document* asks for. *partial*: everything may be left out, but not all.

    Raises RequestRefused (400) with every fault.
    """
    faults = _Faults()
    if not isinstance(document, dict):
        raise RequestRefused(400, "expected a JSON object with device, language, places and minimum_level")
    faults.unknown("", document, ("device", "language", "places", "minimum_level"))
    if partial and not document:
        raise RequestRefused(400, "expected at least one of device, language, places, minimum_level")
    platform, token = _device(document, platforms, faults, partial=partial)
    language = document.get("language")
    if "language" in document and not (isinstance(language, str) and _LANGUAGE.fullmatch(language)):
        faults.add("language", "expected a language tag (BCP 47) such as en, vi or zh-Hant")
    level = document.get("minimum_level")
    if "minimum_level" in document and level not in LEVELS:
        faults.add("minimum_level", f"expected one of {', '.join(LEVELS)}")
    places = _places(document, faults, partial=partial)
    if faults.by_field:
        text = "; ".join(f"{path}: {said}" for path, all_said in faults.by_field.items() for said in all_said)
        raise RequestRefused(400, text[:500], field_errors=faults.by_field)
    return Wanted(platform=platform, token=token, language=language, places=places, minimum_level=level)


def _device(
    document: Mapping[str, Any], platforms: Sequence[Platform], faults: _Faults, *, partial: bool
) -> tuple[Platform | None, str | None]:
    if "device" not in document and partial:
        return None, None
    device = document.get("device")
    if not isinstance(device, dict):
        faults.add("device", "expected an object with platform and token")
        return None, None
    faults.unknown("device.", device, ("platform", "token"))
    names = [platform.value for platform in platforms]
    name = device.get("platform")
    platform = Platform(name) if isinstance(name, str) and name in names else None
    if platform is None and not (partial and "platform" not in device):
        faults.add("device.platform", f"expected one of {', '.join(names)}" if names else "no channel is set up here")
    token = device.get("token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        most = MAX_TOKEN_CHARACTERS
        faults.add("device.token", f"expected 1 to {most} printable ASCII characters without spaces")
        return platform, None
    return platform, token


def _places(document: Mapping[str, Any], faults: _Faults, *, partial: bool) -> tuple[Place, ...] | None:
    if "places" not in document and partial:
        return None
    given = document.get("places")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_PLACES:
        faults.add("places", f"expected a list of 1 to {MAX_PLACES} places")
        return None
    return tuple(_place(f"places[{number}]", one, faults) for number, one in enumerate(given))


def _place(path: str, given: Any, faults: _Faults) -> Place:
    if not isinstance(given, dict):
        faults.add(path, "expected an object with label, lat, lon and radius_m")
        given = {"lat": 0, "lon": 0}
    faults.unknown(f"{path}.", given, ("label", "lat", "lon", "radius_m"))
    label = given.get("label", "")
    if not isinstance(label, str) or len(label) > MAX_LABEL_CHARACTERS:
        faults.add(f"{path}.label", f"expected text of at most {MAX_LABEL_CHARACTERS} characters")
        label = ""
    return Place(
        label=label.strip(),
        lat=_number(f"{path}.lat", given.get("lat"), -90, 90, "degrees north", faults),
        lon=_number(f"{path}.lon", given.get("lon"), -180, 180, "degrees east", faults),
        radius_m=_number(
            f"{path}.radius_m", given.get("radius_m", DEFAULT_RADIUS_M), 0, MAX_RADIUS_M, "metres", faults
        ),
    )


def _number(path: str, given: Any, least: float, most: float, unit: str, faults: _Faults) -> float:
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not is_number or not math.isfinite(given) or not least <= given <= most:
        faults.add(path, f"expected {least:g} to {most:g} {unit}")
        return 0.0
    return float(given)

"""Small CAP messages for tests: one sound message, and the means to make it nasty."""

from domain.alert import AlertMessage
from domain.feed import Problem
from feeds.formats.cap import decode

BOX = "50.0,10.0 50.0,11.0 51.0,11.0 51.0,10.0 50.0,10.0"
AREA = f"<area><areaDesc>Box</areaDesc><polygon>{BOX}</polygon></area>"


def info(areas: str = AREA, **fields: str) -> str:
    """An info block; a field given as blank is left out, one that starts with ``<`` stands for itself."""
    said = {
        "language": "en-US",
        "category": "Met",
        "event": "Flood",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Observed",
        "expires": "2026-11-23T18:00:00+00:00",
        "headline": "Flood at the river",
        "description": "The river rises.",
    } | fields
    return f"<info>{_elements(said)}{areas}</info>"


def alert(*infos: str, namespace: str = "urn:oasis:names:tc:emergency:cap:1.2", **fields: str) -> bytes:
    """A message with *infos* (one sound info block when none is given)."""
    said = {
        "identifier": "A-1",
        "sender": "w@example.org",
        "sent": "2026-11-23T12:00:00+00:00",
        "status": "Actual",
        "msgType": "Alert",
        "scope": "Public",
    } | fields
    body = _elements(said) + "".join(infos or (info(),))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{namespace}">{body}</alert>'.encode()


def _elements(said: dict[str, str]) -> str:
    return "".join(text if text.startswith("<") else f"<{name}>{text}</{name}>" for name, text in said.items() if text)


def read(data: bytes) -> AlertMessage:
    """The one message in *data*."""
    (message,) = decode(data, feed_id="civil").items
    return message


def problems(data: bytes) -> tuple[Problem, ...]:
    return decode(data, feed_id="civil").problems


def codes(data: bytes) -> list[str]:
    return [problem.code for problem in problems(data)]


def area(inside: str) -> str:
    return f"<area><areaDesc>Here</areaDesc>{inside}</area>"


def polygon(points: str) -> str:
    return area(f"<polygon>{points}</polygon>")


def geocode(name: str, value: str) -> str:
    return f"<geocode><valueName>{name}</valueName><value>{value}</value></geocode>"

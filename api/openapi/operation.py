"""One address as it is described, and the answers that many share."""

from dataclasses import dataclass, field
from typing import Any

from api.openapi.parameters import Parameter
from api.openapi.schemas import Schema, reference

JSON, GEOJSON, HTML, EVENTS = "application/json", "application/geo+json", "text/html", "text/event-stream"
HTML_OR_JSON = f"{HTML}|{JSON}"
"""A page for people, or the refusal that every address has."""
PROTOBUF, TEXT = "application/x-protobuf", "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address. *example* is a request's target, as the town of the tests answers it."""

    path: str
    summary: str
    tag: str
    method: str = "get"
    parameters: list[Parameter] = field(default_factory=list)
    answers: dict[str, tuple[str, Schema | None]] = field(default_factory=dict)
    """Status to media type (blank: none; with HTML_OR_JSON both) and schema."""
    example: str = ""
    needs_key: bool = False
    is_operators: bool = False
    body: Schema | None = None
    body_example: Any = None


REFUSAL: tuple[str, Schema | None] = (JSON, reference("Refusal"))
REFUSED = dict.fromkeys(("400", "401", "404", "405", "414", "429", "500", "503"), REFUSAL)
OPEN = dict.fromkeys(("400", "404", "405", "414", "429", "500", "503"), REFUSAL)
_EVENT: Schema = {
    "type": "object",
    "description": "One event; id, event and data as an EventSource hands them over.",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}


def ok(media: str, kind: str = "", *, kept: bool = False) -> dict[str, tuple[str, Schema | None]]:
    plain = {"type": "string"} if media in (HTML, TEXT) else _EVENT if media == EVENTS else None
    schema = reference(kind) if kind else plain
    unchanged: dict[str, tuple[str, Schema | None]] = {"304": ("", None)} if kept else {}
    return {"200": (media, schema), **unchanged, **OPEN}

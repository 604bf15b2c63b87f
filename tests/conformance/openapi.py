"""OneBusAway's OpenAPI document as JSON Schema, with its known faults mended; see ``docs/api.md`` for the table of them."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

FREQUENCY = {
    "type": ["object", "null"],
    "properties": {
        "startTime": {"type": "integer"},
        "endTime": {"type": "integer"},
        "headway": {"type": "integer"},
        "exactTimes": {"type": "integer"},
    },
    "required": ["startTime", "endTime", "headway"],
}
STOP_GROUPING = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "ordered": {"type": "boolean"},
        "stopGroups": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "name": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string"},
                            "names": {"type": "array", "items": {"type": "string"}},
                            "type": {"type": "string"},
                        },
                        "required": ["name", "names", "type"],
                    },
                    "stopIds": {"type": "array", "items": {"type": "string"}},
                    "polylines": {"type": "array", "items": {"$ref": "#/components/schemas/Polylines"}},
                },
                "required": ["id", "name", "stopIds", "polylines"],
            },
        },
    },
    "required": ["type", "ordered", "stopGroups"],
}
OPTIONAL_DETAILS = ("schedule", "status")


@lru_cache(maxsize=2)
def contract(path: Path) -> dict[str, Any]:
    """The document with its faults mended."""
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    schemas = document["components"]["schemas"]
    _nullable(document)
    for schema in schemas.values():
        if "frequency" in schema.get("properties", {}):
            schema["properties"]["frequency"] = FREQUENCY
    schemas["StopGrouping"] = STOP_GROUPING
    for name in ("TripDetails", "TripEntry", "TripDetailsEntry"):
        if name in schemas:
            schemas[name]["required"] = [one for one in schemas[name]["required"] if one not in OPTIONAL_DETAILS]
    return document


def _nullable(node: Any) -> None:
    """OpenAPI 3.0 says ``nullable: true`` where JSON Schema lists the type null."""
    if isinstance(node, dict):
        if node.pop("nullable", False) and isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        for value in node.values():
            _nullable(value)
    elif isinstance(node, list):
        for value in node:
            _nullable(value)


def operations(document: dict[str, Any]) -> dict[str, str]:
    """First part of the path (``search/stop`` for searches) to the whole path."""
    found = {}
    for path in document["paths"]:
        name = path.removeprefix("/api/where/").removesuffix(".json")
        found[name if name.startswith("search/") else name.partition("/")[0]] = path
    return found


@lru_cache(maxsize=64)
def validator(contract_path: Path, path: str) -> jsonschema.Draft202012Validator:
    """What a good answer to *path* must look like."""
    document = contract(contract_path)
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def faults(contract_path: Path, path: str, answer: Any) -> list[str]:
    """What is wrong with an answer; empty when it conforms."""
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator(contract_path, path).iter_errors(answer)
    ]

"""The description as one document, at ``/openapi.json``, and as a page to read, at ``/docs``."""

import re
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.endpoints.answers import limit, schedule_answer
from api.openapi import schemas
from api.openapi.local import Local, local, parameters_here, request_here, to_be_followed
from api.openapi.operation import HTML, Operation
from api.openapi.operations import operations
from api.openapi.parameters import Parameter
from api.pages.render import page

WORDS = {
    "200": "As asked.", "201": "It is new.", "204": "Done.", "303": "Go on there.", "304": "What you have is still right.",
    "400": "A parameter or the id is not what it must be.", "401": "No key, or not one that may.",
    "403": "It does not come from our own page.", "404": "Nothing has that id.", "405": "This address does not take that method.",
    "413": "Too large.", "414": "The query is beyond 8 KiB.", "429": "Asked too often; Retry-After says when to come back.", "500": "Our fault.",
    "503": "Not ready, or not right now.",
}  # fmt: skip
ABOUT = """Real-time arrivals, warnings and everything behind the pages.

What stands under /api/where is OneBusAway's API: any of its apps and SDKs can be pointed here. Ids are an agency's code,
an underscore and the agency's own id, to be percent-encoded in a path. Times are epoch milliseconds unless said otherwise.
Answers come zstd- or gzip-compressed where asked; what only changes with the timetable has an ETag. Every refusal has the
same JSON, whose code is the HTTP status. Examples of answers are real ones of a small test town."""


@lru_cache(maxsize=1)
def examples() -> dict[str, Any]:
    """``METHOD path`` to a real request and its answer: {request, status, body}."""
    found: dict[str, Any] = msgspec.json.decode((files("api.openapi") / "examples.json").read_bytes())
    return found


def _parameter(it: Parameter, example: Any) -> dict[str, Any]:
    found = {
        "name": it.name, "in": "query", "description": it.description, "required": it.required, "schema": it.schema,
    }  # fmt: skip
    return found if example is None else found | {"example": _as_typed(example, it.schema)}


def _as_typed(text: str, schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    return text == "true" if kind == "boolean" else [text] if kind == "array" else text


def _operation(it: Operation) -> dict[str, Any]:
    example = examples().get(f"{it.method.upper()} {it.path}")
    asked = dict(parse_qsl(urlsplit(it.example).query))
    given = path_values(it)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 512}}
        | ({"example": given[name]} if name in given else {})
        for name in re.findall(r"\{(\w+)\}", it.path)
    ]
    parameters += [_parameter(parameter, asked.get(parameter.name)) for parameter in it.parameters]
    responses: dict[str, Any] = {}
    for status, (media, schema) in sorted(it.answers.items()):
        content: dict[str, Any] = {}
        for kind in filter(None, media.split("|")):
            content[kind] = {} if schema is None else {"schema": {"type": "string"} if kind == HTML else schema}
        if media and example is not None and str(example["status"]) == status:
            content[media]["example"] = example["body"]
        responses[status] = {"description": WORDS[status]} | ({"content": content} if content else {})
    found: dict[str, Any] = {
        "operationId": operation_id(it),
        "summary": it.summary,
        "tags": [it.tag],
        "parameters": parameters,
        "responses": responses,
        "security": [{"key": []}] if it.needs_key else [{"operator": []}] if it.is_operators else [],
    }
    if it.body is not None:
        media = "application/x-www-form-urlencoded" if it.tag == "Pages" else "application/json"
        content = {"schema": it.body} | ({"example": it.body_example} if it.body_example is not None else {})
        found["requestBody"] = {"required": True, "content": {media: content}}
    return found


def path_values(it: Operation) -> dict[str, str]:
    """What stands in the path of the operation's example request."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(it.path))
    match = re.fullmatch(pattern, urlsplit(it.example).path)
    return {name: unquote(value) for name, value in match.groupdict().items()} if match else {}


def operation_id(it: Operation) -> str:
    """A name for programs: letters, digits and underscores."""
    return f"{it.method}_{re.sub(r'[^A-Za-z0-9]+', '_', it.path).strip('_') or 'home'}"


@lru_cache(maxsize=4)
def document(base_url: str = "", *, needs_keys: bool = True) -> dict[str, Any]:
    """The whole document; *base_url* is where the API is reached from outside, if that is known.

    Where the deployment lets everybody in (not *needs_keys*), a key is described as welcome: none is asked for.
    """
    paths: dict[str, dict[str, Any]] = {}
    for it in operations():
        described = _operation(it)
        if it.needs_key and not needs_keys:
            described["security"] = [*described["security"], {}]
        paths.setdefault(it.path, {})[it.method] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Wayside", "version": version("wayside"), "description": ABOUT, "license": {
            "name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": base_url.rstrip("/") or "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(it.tag for it in operations())],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "query", "name": "key", "description": "From whoever runs this deployment."},
                "operator": {"type": "http", "scheme": "bearer", "description": "An operator's token."},
            },
        },
    }  # fmt: skip


def _here(request: Request) -> Local | None:
    state = request.app.state
    return local(state.replica, state.settings, state.clock.now_epoch_s())


def _described(request: Request) -> dict[str, Any]:
    settings = request.app.state.settings
    return document(settings.public_url, needs_keys=settings.require_api_key)


async def openapi(request: Request) -> Response:
    """GET /openapi.json: this description, its parameters' examples taken from the running city."""
    limit(request)
    described, here = _described(request), _here(request)
    if here is not None:
        paths = {
            path: {
                method: {**it, "parameters": parameters_here(it["parameters"], here)} for method, it in methods.items()
            }
            for path, methods in described["paths"].items()
        }
        described = {**described, "paths": paths}
    return schedule_answer(request, msgspec.json.encode(described))


async def docs(request: Request) -> Response:
    """GET /docs: the same, to read."""
    limit(request)
    described, here = _described(request), _here(request)
    by_tag: dict[str, list[dict[str, Any]]] = {}
    for it in operations():
        said = described["paths"][it.path][it.method]
        by_tag.setdefault(it.tag, []).append(
            {"path": it.path, "method": it.method.upper(), **said, **_shown(said, it.path, it.method),
             "request_here": request_here(it, path_values(it), here) if here is not None and it.example else None,
             "to_be_followed": to_be_followed(it)}
        )  # fmt: skip
    return page(request, "docs.html", described=described, by_tag=by_tag, release_of_api=described["info"]["version"])


def _shown(it: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """What the page needs beside the operation: its example, printed."""
    example = examples().get(f"{method.upper()} {path}")
    body = ""
    if example is not None:
        body = example["body"] if isinstance(example["body"], str) else msgspec.json.format(
            msgspec.json.encode(example["body"]), indent=2).decode()  # fmt: skip
    anchor = it["operationId"].replace("_", "-")
    return {"anchor": anchor, "example_request": example["request"] if example else "", "example_body": body}


ROUTES: tuple[Route, ...] = (Route("/openapi.json", openapi), Route("/docs", docs))
"""What the application serves of this."""

"""Styles, scripts and icons: named by what is in all of them, so that browsers may keep them for good."""

from functools import cache
from hashlib import blake2b
from importlib.resources import files

from api import compression

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "webmanifest": "application/manifest+json"}
WORKER = "service-worker.js"


@cache
def _contents() -> dict[str, bytes]:
    folder = files("api.pages") / "static"
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.rsplit(".", 1)[-1] in TYPES}


@cache
def stamp() -> str:
    """A short name for the contents of all assets; scripts that import each other are renewed together."""
    digest = blake2b(digest_size=6)
    for name, body in sorted(_contents().items()):
        digest.update(name.encode() + body)
    return digest.hexdigest()


def address(name: str) -> str:
    """Where a page finds the asset."""
    return f"/static/{stamp()}/{name}"


@cache
def encoded(name: str, encoding: bytes) -> bytes | None:
    """The asset in a content encoding (none when empty); None when there is no such asset."""
    body = _contents().get(name)
    return compression.compress_well(body, encoding) if body is not None and encoding else body


def media_type(name: str) -> str:
    """By the ending of the name."""
    return TYPES[name.rsplit(".", 1)[-1]]

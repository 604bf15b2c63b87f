"""Where the embedded server of a home listens."""

import hashlib
import tempfile
from pathlib import Path


def embedded_url(home: Path) -> str:
    """The address of the embedded server that belongs to *home*."""
    return f"unix://{socket_path(home)}"


def socket_path(home: Path) -> Path:
    """Its private socket: under *home*, or in a short folder of its own where that path is too long for a socket."""
    path = home / "redis" / "redis.sock"
    if len(str(path)) < 100:
        return path
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"wayside-{digest}" / "redis.sock"

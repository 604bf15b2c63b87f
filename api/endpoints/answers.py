"""Answers of our own JSON endpoints: compressed, never kept, open to no other site."""

from starlette.requests import Request
from starlette.responses import Response

from api import compression
from api.auth import RateLimit


def answer(request: Request, body: bytes, media_type: str = "application/json", status: int = 200) -> Response:
    """*body* as the request wants it encoded."""
    headers = {"cache-control": "no-store", "vary": "accept-encoding"}
    if len(body) >= compression.MIN_BYTES:
        encoding = compression.choose(request.headers.get("accept-encoding", "").encode("latin-1"))
        if encoding:
            body = compression.compress(body, encoding)
            headers["content-encoding"] = encoding.decode()
    return Response(body, status, headers=headers, media_type=media_type)


def limit(request: Request) -> None:
    """Count the request against its address; raises RequestRefused (429) when that asks too often."""
    rate_limit: RateLimit = request.app.state.rate_limit
    rate_limit.take(request.client.host if request.client else "unknown")

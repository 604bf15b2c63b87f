"""Answers of our own JSON endpoints: compressed, never kept, and open to other sites where they are public."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from api import compression, params, validators
from api.auth import LEASES_AWAITED, RateLimit, digest_of
from api.errors import RequestRefused

HEADERS = {
    "cache-control": "no-store",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def answer(
    request: Request, body: bytes, media_type: str = "application/json", status: int = 200, *, public: bool = False
) -> Response:
    """*body* as the request wants it encoded; pages of any site may read what is *public*."""
    headers = dict(HEADERS)
    if public:
        headers["access-control-allow-origin"] = "*"
    if len(body) >= compression.MIN_BYTES:
        encoding = compression.choose(request.headers.get("accept-encoding", "").encode("latin-1"))
        if encoding:
            body = compression.compress(body, encoding)
            headers["content-encoding"] = encoding.decode()
    return Response(body, status, headers=headers, media_type=media_type)


def schedule_answer(request: Request, body: bytes) -> Response:
    """*body*, which only changes with the timetable, or 304 when the client has it already; public."""
    state = request.app.state
    now_epoch_s: float = state.clock.now_epoch_s()
    known: validators.Validators = state.validators
    address = f"{request.url.path}?".encode() + request.scope["query_string"]
    etag = known.etag(state.replica, address, now_epoch_s)
    has_it = validators.matches(validators.given_by(request.scope["headers"]), etag)
    response = answer(request, b"", status=304, public=True) if has_it else answer(request, body, public=True)
    response.headers["etag"] = etag.decode()
    response.headers["cache-control"] = known.cache_control(state.replica, body, now_epoch_s).decode()
    if has_it:
        del response.headers["content-type"]
    return response


async def key_admitted(request: Request) -> dict[str, str]:
    """The query of a request that needs a key as ``/api/where`` does; raises RequestRefused (401, 429)."""
    state = request.app.state
    query = params.parse_query(request.scope["query_string"])
    address = request.client.host if request.client else ""
    for _ in range(LEASES_AWAITED):
        try:
            state.doors.admit(query, state.replica.api_keys, address)
            return query
        except RequestRefused as refused:
            if refused.code != HTTPStatus.TOO_MANY_REQUESTS or not state.doors.quotas.leasing:
                raise
            await state.doors.quotas.settled()
    state.doors.admit(query, state.replica.api_keys, address)
    return query


def limit(request: Request) -> None:
    """Count the request against its key, else its address; raises RequestRefused (429) when that asks too often."""
    state = request.app.state
    key = request.query_params.get("key", "")
    record = state.replica.api_keys.get(digest_of(key)) if key else None
    if record is not None:
        state.doors.quotas.take(digest_of(key), record)
        return
    rate_limit: RateLimit = state.rate_limit
    rate_limit.take(request.client.host if request.client else "unknown")

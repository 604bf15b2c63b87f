"""THE TABLE of pages."""

from functools import cache
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.pages import operations, rider

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "webmanifest": "application/manifest+json"}


@cache
def _static(name: str) -> bytes | None:
    entry = files("api.pages") / "static" / name
    return entry.read_bytes() if "/" not in name and not name.startswith(".") and entry.is_file() else None


async def static(request: Request) -> Response:
    """GET /static/{name}: styles, scripts, icons; kept by browsers, renewed with each release."""
    name = request.path_params.get("name") or "service-worker.js"
    body = _static(name)
    if body is None:
        raise HTTPException(404)
    kept = "no-cache" if name == "service-worker.js" else "public, max-age=3600"
    headers = {"cache-control": kept, "x-content-type-options": "nosniff"}
    return Response(body, headers=headers, media_type=TYPES.get(name.rsplit(".", 1)[-1], "application/octet-stream"))


ROUTES: tuple[Route, ...] = (
    Route("/", rider.home),
    Route("/stops/{stop_id:path}", rider.stop),
    Route("/warnings/{alert_id:path}", rider.warning),
    Route("/map/ground.json", rider.ground),
    Route("/map/live.json", rider.live),
    Route("/operations", operations.operations),
    Route("/operations/sign-in", operations.sign_in, methods=["POST"]),
    Route("/operations/sign-out", operations.sign_out, methods=["POST"]),
    Route("/operations/feeds/{feed_id}", operations.feed),
    Route("/static/{name}", static),
    Route("/service-worker.js", static),
)

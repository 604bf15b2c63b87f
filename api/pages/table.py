"""THE TABLE of pages."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import compression
from api.pages import accuracy, assets, operations, rider, why


async def static(request: Request) -> Response:
    """GET /static/{stamp}/{name}: styles, scripts, icons; kept by browsers for good, renewed when any of them changes."""
    name = request.path_params.get("name") or assets.WORKER
    encoding = compression.choose(request.headers.get("accept-encoding", "").encode("latin-1"))
    body = assets.encoded(name, encoding)
    if body is None:
        raise HTTPException(404)
    current = request.path_params.get("stamp") == assets.stamp()
    kept = "public, max-age=31536000, immutable" if current else "no-cache"
    headers = {"cache-control": kept, "x-content-type-options": "nosniff", "vary": "accept-encoding"}
    if encoding:
        headers["content-encoding"] = encoding.decode()
    return Response(body, headers=headers, media_type=assets.media_type(name))


ROUTES: tuple[Route, ...] = (
    Route("/", rider.home),
    Route("/stops/{stop_id:path}", rider.stop),
    Route("/warnings/{alert_id:path}", rider.warning),
    Route("/accuracy", accuracy.accuracy),
    Route("/why", why.why),
    Route("/map/ground.json", rider.ground),
    Route("/map/live.json", rider.live),
    Route("/operations", operations.operations),
    Route("/operations/sign-in", operations.sign_in, methods=["POST"]),
    Route("/operations/sign-out", operations.sign_out, methods=["POST"]),
    Route("/operations/feeds/{feed_id}", operations.feed),
    Route("/static/{stamp}/{name}", static),
    Route("/service-worker.js", static),
)

"""Asks an application over ASGI: everything but the socket."""

import httpx

from api.app import Application


async def get(
    application: Application, target: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> httpx.Response:
    """The answer to a request for *target*: path and query as they go over the wire."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://wayside.example") as client:
        return await client.request(method, target, headers=headers)

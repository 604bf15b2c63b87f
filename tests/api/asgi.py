"""Asks an application: over ASGI, which is everything but the socket, or the answering of ``/api/where`` alone."""

import httpx

from api.answering import Question
from api.app import Application
from api.replies import Headers


async def get(
    application: Application, target: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> httpx.Response:
    """The answer to a request for *target*: path and query as they go over the wire."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://wayside.example") as client:
        return await client.request(method, target, headers=headers)


def answer(
    application: Application, endpoint: str, given_id: str = "", query: bytes = b"key=test", *,
    method: str = "GET", address: str = "",
) -> tuple[int, Headers, bytes]:  # fmt: skip
    """(status, headers, body) of one question to ``/api/where``."""
    question = Question(method=method, endpoint=endpoint, id=given_id, query=query, address=address)
    status, headers, parts = application.where.answer(question)
    return status, headers, b"".join(parts)

"""Write the examples of the description from real answers: ``python -m tests.api.examples``."""

import asyncio
import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from api.openapi.operations import operations
from runtime.embedded_address import embedded_url
from runtime.embedded_redis import EmbeddedRedis
from tests.api.asgi import get
from tests.api.described import described_town

PLACE = Path(__file__).parents[2] / "api" / "openapi" / "examples.json"


async def examples(home: Path, redis_url: str) -> dict[str, Any]:
    """``METHOD path`` to {request, status, body} of every operation that has an example request."""
    found: dict[str, Any] = {}
    async with described_town(home, redis_url) as application:
        for it in operations():
            if not it.example or it.method != "get":
                continue
            headers = {"authorization": "Bearer operator"} if it.is_operators else {}
            answer = await get(application, it.example, headers={"accept-encoding": "identity", **headers})
            kind = answer.headers["content-type"]
            body: Any
            if "json" in kind:
                body = answer.json()
            else:
                body = answer.text if kind.startswith("text/") else base64.b64encode(answer.content).decode()
            found[f"{it.method.upper()} {it.path}"] = {
                "request": it.example,
                "status": answer.status_code,
                "body": body,
            }
    return found


def written(found: dict[str, Any]) -> str:
    """As it lies in the file."""
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Replace the file."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with EmbeddedRedis(home):
            text = written(asyncio.run(examples(home, embedded_url(home))))
    PLACE.write_text(text, "utf-8")
    failed = {name for name, one in json.loads(text).items() if one["status"] != 200}
    sys.stdout.write(f"{PLACE}: {len(json.loads(text))} examples, not answered 200: {sorted(failed) or 'none'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

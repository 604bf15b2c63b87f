"""Our own JSON for operators: every feed and how it is, worst first."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.auth import require_operator
from api.endpoints.answers import answer
from api.replica import Replica
from domain.feed import FeedRecord
from domain.feed_health import FeedHealth, FeedState

_WORST_FIRST = {state: rank for rank, state in enumerate(FeedState)}


def worst_first(replica: Replica, now_epoch_s: float) -> list[tuple[FeedRecord, FeedHealth]]:
    """Every feed that was ever polled with the judgement on it, worst first, then by id."""
    judged = [(record, replica.health(record, now_epoch_s)) for record in replica.records.values()]
    return sorted(judged, key=lambda item: (_WORST_FIRST[item[1].state], item[0].spec.feed_id))


def _row(record: FeedRecord, health: FeedHealth) -> dict[str, Any]:
    # Headers may carry keys, and addresses too: the poller blanks them, and here they are not shown at all.
    facts = msgspec.to_builtins(record)
    facts["spec"] = {"feed_id": record.spec.feed_id, "kind": record.spec.kind.value, "name": record.spec.name}
    return {"record": facts, "health": msgspec.to_builtins(health)}


async def feeds(request: Request) -> Response:
    """GET /api/v1/feeds: for operators."""
    require_operator(request)
    state = request.app.state
    rows = [_row(record, health) for record, health in worst_first(state.replica, state.clock.now_epoch_s())]
    return answer(request, msgspec.json.encode({"feeds": rows}))

"""Several stops in one answer: what a phone on a slow network asks instead of one request a stop."""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from api import params
from api.endpoints.answers import answer, limit
from api.endpoints.arrivals import entry_of_stop
from api.errors import RequestRefused, invalid
from api.formats import oba
from api.where import Ask

MAX_STOPS = 50
STOPS_A_REQUEST = 10
"""So many stops count as one request towards what a key or an address may ask."""


async def arrivals_of_stops(request: Request) -> Response:
    """GET /api/v1/arrivals?stops=a,b&stop=c: the arrivals of up to 50 stops, with everything referred to once.

    Each entry is that of OneBusAway's ``arrivals-and-departures-for-stop``, whose parameters are taken too. Ids that hold
    a comma come one by one as ``stop``. Unknown stops are named in ``notFound`` and do not spoil the others.
    """
    limit(request)
    state = request.app.state
    query = params.parse_query(request.scope["query_string"])
    wanted = _wanted(request.scope["query_string"])
    for _ in range(STOPS_A_REQUEST, len(wanted), STOPS_A_REQUEST):
        limit(request)
    now_epoch_s = state.clock.now_epoch_s()
    ask = Ask(replica=state.replica, settings=state.settings, query=query, id="", now_epoch_s=now_epoch_s)
    ask.served()
    entries, not_found = [], []
    for stop_id in wanted:
        ask.id = stop_id
        try:
            served, stop = ask.stop()
        except RequestRefused as refused:
            if refused.code not in (400, 404):
                raise
            not_found.append(stop_id)
            continue
        entries.append(entry_of_stop(ask, served, stop, every_run=True))
    data = b'{"list":%b,"notFound":%b,"references":%b}' % (
        oba.array(entries),
        oba.encode(not_found),
        ask.encoded_references(),
    )
    return answer(request, oba.envelope(now_epoch_s, data), public=True)


def _wanted(query_string: bytes) -> list[str]:
    """The ids asked for, each once, in order."""
    pairs = parse_qsl(query_string.decode("latin-1"), errors="replace")
    ids = [part.strip() for name, value in pairs if name == "stops" for part in value.split(",")]
    ids += [value.strip() for name, value in pairs if name == "stop"]
    found = list(dict.fromkeys(stop_id for stop_id in ids if stop_id))
    if not found:
        raise invalid("stops", "required: ids of stops with commas between, such as 1_75403,1_75414")
    if len(found) > MAX_STOPS:
        raise invalid("stops", f"expected at most {MAX_STOPS} stops, found {len(found)}")
    return found

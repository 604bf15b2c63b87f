"""Questions that make no sense: each parameter of each endpoint, and whatever else can be sent over ASGI."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.app import HALL_WHERE, ROUTES, WHERE
from api.tables import MORE_ROUTES
from tests.api.asgi import answer
from tests.api.town import CALLS_OF_T1, Bus, Row, Town, at

DOCUMENTED = {200, 204, 304, 400, 401, 404, 405, 414, 429, 503}
NONSENSE = ("", " ", "NaN", "nan", "inf", "-Infinity", "-1", "1e309", "9" * 400, "0x10", "1_0", "١٢", "null", "true ", "[]",
            "2026-02-30", "2026-13-01_99-99-99", "99999999999999", "-99999999999999", "%", "\x00", "ÿ", "'; --", "../../etc")  # fmt: skip

REFUSED = [
    # endpoint, id, query, the field that is named
    ("arrivals-and-departures-for-stop", "1_mid", "minutesBefore=-1", "minutesBefore"),
    ("arrivals-and-departures-for-stop", "1_mid", "minutesAfter=2147483648", "minutesAfter"),
    ("arrivals-and-departures-for-stop", "1_mid", "minutesAfter=99999999999999999999999", "minutesAfter"),
    ("arrivals-and-departures-for-stop", "1_mid", "minutesAfter=NaN", "minutesAfter"),
    ("arrivals-and-departures-for-stop", "1_mid", "minutesAfter=1.5", "minutesAfter"),
    ("arrivals-and-departures-for-stop", "1_mid", "time=yesterday", "time"),
    ("arrivals-and-departures-for-stop", "1_mid", "time=-1", "time"),
    ("arrivals-and-departures-for-stop", "1_mid", "time=99999999999999999", "time"),
    ("arrivals-and-departures-for-stop", "1_mid", "time=2026-02-30_08-00-00", "time"),
    ("arrivals-and-departures-for-stop", "1_mid", "includeReferences=perhaps", "includeReferences"),
    ("arrivals-and-departures-for-stop", "1_mid", "includeIntervals=2", "includeIntervals"),
    ("arrivals-and-departures-for-stop", "mid", "", "id"),
    ("arrivals-and-departures-for-stop", "_mid", "", "id"),
    ("arrivals-and-departures-for-stop", "1_", "", "id"),
    ("arrivals-and-departures-for-stop", "", "", "id"),
    ("arrivals-and-departures-for-stop", "1_" + "x" * 600, "", "id"),
    ("arrival-and-departure-for-stop", "1_mid", "", "tripId"),
    ("arrival-and-departure-for-stop", "1_mid", "tripId=t1", "tripId"),
    ("arrival-and-departure-for-stop", "1_mid", "tripId=1_t1&stopSequence=-2", "stopSequence"),
    ("arrival-and-departure-for-stop", "1_mid", "tripId=1_t1&serviceDate=x", "serviceDate"),
    ("arrivals-and-departures-for-location", "", "lat=44.6", "lon"),
    ("arrivals-and-departures-for-location", "", "lat=44.6&lon=-63.5&maxCount=0", "maxCount"),
    ("stops-for-location", "", "lat=NaN&lon=-63.5", "lat"),
    ("stops-for-location", "", "lat=91&lon=-63.5", "lat"),
    ("stops-for-location", "", "lat=44.6&lon=3601", "lon"),
    ("stops-for-location", "", "lat=44.6&lon=-63.5&radius=-1", "radius"),
    ("stops-for-location", "", "lat=44.6&lon=-63.5&radius=inf", "radius"),
    ("stops-for-location", "", "lat=44.6&lon=-63.5&latSpan=-1&lonSpan=1", "latSpan"),
    ("stops-for-location", "", "lat=44.6&lon=-63.5&latSpan=1&lngSpan=1e9", "lngSpan"),
    ("stops-for-location", "", "lat=44.6&lon=-63.5&maxCount=-5", "maxCount"),
    ("stops-for-location", "", "lat=44.6&lon=-63.5&routeType=bus", "routeType"),
    ("stops-for-location", "", "lat=44.6&lon=-63.5&routeType=" + ",".join("1" * 101), "routeType"),
    ("trips-for-location", "", "lat=44.6&lon=-63.5&includeStatus=si", "includeStatus"),
    ("trips-for-route", "1_r_10", "maxCount=x", "maxCount"),
    ("trip-details", "1_t1", "serviceDate=99999999999999999999", "serviceDate"),
    ("trip-for-vehicle", "7", "", "id"),
    ("vehicles-for-agency", "1", "ageInSeconds=-1", "ageInSeconds"),
    ("schedule-for-stop", "1_mid", "date=2026-11-31", "date"),
    ("schedule-for-route", "1_r_10", "date=soon", "date"),
    ("stops-for-route", "1_r_10", "includePolylines=maybe", "includePolylines"),
    ("current-time", "", "version=1", "version"),
    ("current-time", "", "version=3", "version"),
]


@pytest.mark.parametrize(("endpoint", "given_id", "query", "field"), REFUSED)
def test_nonsense_is_refused_by_name(town: Town, endpoint: str, given_id: str, query: str, field: str) -> None:
    """400, the field, and what was expected of it."""
    status, _, body = answer(town.application, endpoint, given_id, f"key=test&{query}".encode())
    document = json.loads(body)
    assert (status, document["code"], list(document["data"]["fieldErrors"])) == (400, 400, [field])
    assert document["text"].startswith((f"{field}: ", "unknown version: "))
    assert len(body) < 600


@pytest.mark.parametrize(
    ("endpoint", "given_id"),
    [("stop", "1_none"), ("stop", "9_mid"), ("route", "1_none"), ("trip", "1_none"), ("trip-details", "1_none"),
     ("shape", "1_none"), ("block", "1_none"), ("situation", "1_none"), ("vehicle", "1_none"), ("agency", "9"),
     ("no-such-endpoint", ""), ("", ""), ("current-time", "1_x"), ("stop", "1_mid/1_top"), ("search", "vehicle")],
)  # fmt: skip
def test_what_is_not_there_is_not_found(town: Town, endpoint: str, given_id: str) -> None:
    """404, and not a word more."""
    status, _, body = answer(town.application, endpoint, given_id, b"key=test&input=x")
    assert (status, json.loads(body)["text"]) == (404, "resource not found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW", ""])
def test_other_methods_are_not_allowed(town: Town, method: str) -> None:
    """405 with those that are."""
    status, headers, _ = answer(town.application, "current-time", method=method)
    assert (status, dict(headers)[b"allow"]) == (405, b"GET, HEAD, OPTIONS")


def test_key_is_never_said_nor_logged(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """Not in a refusal, and not when something breaks."""
    secret = "rk-SECRET"
    town.replica.by_code = None  # type: ignore[assignment]  # so that a question breaks
    with caplog.at_level(logging.DEBUG):
        status, _, body = answer(town.application, "stop", "1_mid", f"key=test&other={secret}".encode())
        refused = answer(town.application, "stop", "1_mid", f"key={secret}".encode())
    assert (status, json.loads(body)) == (500, json.loads(body) | {"text": "internal server error"})
    assert refused[0] == 401
    assert secret not in caplog.text + body.decode() + refused[2].decode()
    assert b"Traceback" not in body


async def test_nothing_loaded_is_not_ready(tmp_path: Path) -> None:
    """503 and when to come again, before there is a timetable; the time is told all the same."""
    town = Town(tmp_path)
    for endpoint, given_id in (
        ("stop", "1_mid"),
        ("agencies-with-coverage", ""),
        ("stops-for-location", ""),
        ("agency", "1"),
    ):
        status, headers, _ = answer(town.application, endpoint, given_id)
        assert (status, dict(headers)[b"retry-after"]) == (503, b"5")
    assert answer(town.application, "current-time")[0] == 200


# --- whatever else

NAMES = sorted({name for query in (case[2] for case in REFUSED) for name in re.findall(r"(\w+)=", query)} | {
    "tripId", "vehicleId", "stopId", "query", "input", "data", "code", "userLat", "includeTrip", "app_uid", "callback"})  # fmt: skip
VALUES = st.one_of(st.sampled_from(NONSENSE), st.text(max_size=30), st.integers().map(str), st.floats().map(str))
IDS = st.one_of(
    st.sampled_from(
        ["1_mid", "1_t1", "1_r_10", "40_hill", "1_b1", "1_north", "1_7", "1", "40", "1_mid b/2", "1_CENTRAL"]
    ),
    st.text(max_size=40),
    st.sampled_from(NONSENSE),
)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town with something live."""
    import asyncio

    town = Town(tmp_path_factory.mktemp("busy"))
    rows = [Row(trip="t1", calls=CALLS_OF_T1, vehicle=0, updated=at(8, 5), deviation=120)]
    asyncio.run(town.tell(rows, [Bus(name="7", row=0, lat=44.603, next_position=1, located=at(8, 5))]))
    return town


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    endpoint=st.sampled_from(sorted(WHERE)),
    given_id=IDS,
    query=st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=10)), VALUES, max_size=6),
)
def test_any_question_is_answered_or_refused(busy: Town, endpoint: str, given_id: str, query: dict[str, str]) -> None:
    """Never 500; always JSON; the code is the status."""
    from urllib.parse import urlencode

    asked = urlencode({"key": "test", **query}, errors="surrogatepass").encode("latin-1", "replace")
    status, _, body = answer(busy.application, endpoint, given_id, asked)
    assert status in DOCUMENTED - {429, 503}
    assert json.loads(body)["code"] == status


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(max_size=20), given_id=st.text(max_size=20), query=st.binary(max_size=200), method=st.text(max_size=8)
)
def test_any_bytes_are_answered_or_refused(busy: Town, name: str, given_id: str, query: bytes, method: str) -> None:
    """A query of any bytes; any method."""
    for one in ("GET", method):
        status, _, body = answer(busy.application, name, given_id, b"key=test&" + query, method=one)
        assert status in DOCUMENTED - {429, 503}
        assert not body or json.loads(body)["code"] == status


PREFIXES = sorted({re.sub(r"\{.*", "", route.path) for route in (*ROUTES, *MORE_ROUTES)} | {
    f"/api/where/{name}/" for name in HALL_WHERE} | {"/base/api/where/", "/api/gtfs_realtime/"})  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(prefix="/api/v1/shapes/", rest="1_r_10", query=b"\x80", method="GET", headers=[])
@given(
    prefix=st.sampled_from(PREFIXES), rest=IDS, query=st.binary(max_size=120),
    method=st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT", "TRACE"]),
    headers=st.lists(st.tuples(st.sampled_from([b"accept-encoding", b"if-none-match", b"accept-language", b"cookie", b"authorization"]), st.binary(max_size=40)), max_size=3),
)  # fmt: skip
async def test_any_address_is_answered_or_refused(
    busy: Town, prefix: str, rest: str, query: bytes, method: str, headers: list[tuple[bytes, bytes]]
) -> None:
    """Over ASGI, through both doors, with headers of any bytes: no exception, no undocumented status."""
    if "/stream" in prefix or "events" in prefix:
        return  # has no end
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": prefix + rest, "raw_path": (prefix + rest).encode("utf-8", "surrogatepass"), "query_string": query, "root_path": "",
        "headers": headers, "client": ("192.0.2.1", 5), "server": ("x", 80),
    }  # fmt: skip
    busy.application.starlette.state.rate_limit._buckets.clear()
    await busy.application(scope, receive, send)
    status = sent[0]["status"]
    assert status in DOCUMENTED | {307, 302, 303, 421, 500} - {500}
    assert b"Traceback" not in b"".join(message.get("body", b"") for message in sent[1:])

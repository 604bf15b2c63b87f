"""What clients may keep: ETags per address, 304, and no stale day, notice or arrival."""

import dataclasses
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import zstandard

from api import validators
from domain.situation import Period, Selector, Situation, Translation
from tests.api.asgi import get
from tests.api.town import GTFS, Town, at, import_bundle

STOP = "/api/where/stop/1_mid.json?key=test"
SCHEDULE = "/api/where/schedule-for-stop/1_mid.json?key=test"


@pytest.fixture
async def client(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=town.application)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://town", headers={"accept-encoding": "identity"}
    ) as client:
        yield client


async def etag_of(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


def notice(header: str = "Stop moved") -> Situation:
    return Situation(
        raw_id="s1",
        feed_id="notices",
        cause="",
        effect="",
        severity="",
        header=(Translation(text=header, language="en"),),
        description=(),
        url=(),
        periods=(),
        selectors=(Selector(stop_raw_id="mid"),),
        created_epoch_s=0,
    )


async def test_unchanged_schedule_data_is_not_sent_again(client: httpx.AsyncClient, town: Town) -> None:
    """304 without a body, for any of the ETags the client names; the age limits are the same."""
    etag = await etag_of(client, STOP)
    for given in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        answer = await client.get(STOP, headers={"if-none-match": given})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag), given
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.headers["access-control-allow-origin"] == "*"
    await town.clock.advance_s(200)
    assert (await client.get(STOP, headers={"if-none-match": etag})).status_code == 304
    assert (await client.get(STOP, headers={"if-none-match": '"other"'})).status_code == 200


async def test_every_address_has_an_etag_of_its_own(client: httpx.AsyncClient) -> None:
    """Another stop, endpoint or parameter is another answer."""
    paths = [
        STOP, STOP.replace("1_mid", "1_top"), STOP + "&includeReferences=false", SCHEDULE, SCHEDULE + "&date=2026-11-24",
        "/api/where/search/stop.json?key=test&input=mid", "/api/where/search/route.json?key=test&input=mid",
        "/api/v1/search?q=mid", "/api/v1/search?q=top", "/api/v1/shapes/1_r_10",
    ]  # fmt: skip
    etags = [await etag_of(client, path) for path in paths]
    assert len(set(etags)) == len(paths)
    for path, etag in zip(paths, etags, strict=True):
        assert (await client.get(path, headers={"if-none-match": etag})).status_code == 304, path


async def test_another_day_is_another_answer(client: httpx.AsyncClient, town: Town) -> None:
    """What is asked for "today" at 23:58 is neither confirmed nor used from a cache after midnight."""
    await town.clock.advance_s(at(23, 58) - town.clock.now_epoch_s())
    answer = await client.get(SCHEDULE)
    assert answer.headers["cache-control"] == "public, max-age=120"
    await town.clock.advance_s(180)
    later = await client.get(SCHEDULE, headers={"if-none-match": answer.headers["etag"]})
    assert (later.status_code, later.headers["cache-control"]) == (200, "public, max-age=300")


async def test_another_timetable_is_another_answer(client: httpx.AsyncClient, town: Town) -> None:
    """The ETag goes with the bundle in force."""
    etag = await etag_of(client, STOP)
    import_bundle(town.home, {**GTFS, "stops.txt": GTFS["stops.txt"].replace("Middle", "Centre")}, generation="g2")
    town.hall.generations["town"] = "g2"
    await town.replica.refresh()
    answer = await client.get(STOP, headers={"if-none-match": etag})
    assert (answer.status_code, answer.json()["data"]["entry"]["name"]) == (200, "Centre Street")


async def test_notice_is_never_kept_unasked(client: httpx.AsyncClient, town: Town) -> None:
    """An answer with a notice in it must be confirmed; a notice that comes, changes or ends is another answer."""
    quiet = await etag_of(client, STOP)
    seen = [quiet]
    for version, said in enumerate([(notice(),), (notice("Stop closed"),), ()], 1):
        town.hall.notices["notices"] = (version, said)
        await town.replica.refresh()
        answer = await client.get(STOP, headers={"if-none-match": seen[-1]})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == ("no-cache" if said else "public, max-age=300")
        seen.append(answer.headers["etag"])
    assert len(set(seen[:3])) == 3
    assert seen[3] == quiet


async def test_notice_that_begins_by_itself_is_another_answer(client: httpx.AsyncClient, town: Town) -> None:
    """Its period starts while nothing else changes."""
    begins = int(town.clock.now_epoch_s()) + 60
    later = dataclasses.replace(notice(), periods=(Period(start_epoch_s=begins, end_epoch_s=0),))
    town.hall.notices["notices"] = (1, (later,))
    await town.replica.refresh()
    etag = await etag_of(client, STOP)
    await town.clock.advance_s(120)
    assert (await client.get(STOP, headers={"if-none-match": etag})).status_code == 200


async def test_etag_is_the_same_in_every_process(town: Town, tmp_path: Path) -> None:
    """A client may be answered by any of them."""
    (tmp_path / "other").mkdir()
    other = Town(tmp_path / "other")
    for one in (town, other):
        one.hall.notices["notices"] = (1, (notice(),))
        await one.replica.refresh()
    now = town.clock.now_epoch_s()
    assert validators.Validators().etag(town.replica, b"x", now) == validators.Validators().etag(
        other.replica, b"x", now
    )


async def test_live_data_is_never_kept(client: httpx.AsyncClient) -> None:
    """No ETag, no-store: nobody shows a minute-old arrival as live."""
    for path in (
        "arrivals-and-departures-for-stop/1_mid",
        "trip-details/1_t1",
        "vehicles-for-agency/1",
        "current-time",
    ):
        answer = await client.get(f"/api/where/{path}.json?key=test", headers={"if-none-match": "*"})
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), path
        assert "etag" not in answer.headers
    answer = await client.get("/api/v1/arrivals?stops=1_mid", headers={"if-none-match": "*"})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_refusals_are_never_kept(client: httpx.AsyncClient) -> None:
    """A stop that does not exist today may exist tomorrow; a wrong key is refused whatever the client has."""
    for path, status in (("/api/where/stop/1_none.json?key=test", 404), ("/api/where/stop/1_mid.json?key=no", 401)):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")
    assert (await client.get("/api/where/stop/1_mid.json?key=no", headers={"if-none-match": "*"})).status_code == 401


async def test_bodies_are_compressed_as_asked(client: httpx.AsyncClient) -> None:
    """zstd where offered, else gzip; the same ETag, because it is a weak one; small bodies stay as they are."""
    path = "/api/where/arrivals-and-departures-for-stop/1_mid.json?key=test&minutesAfter=600"
    plain = await client.get(path)
    assert "content-encoding" not in plain.headers
    async with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
        body = b"".join([part async for part in answer.aiter_raw()])
        assert (answer.headers["content-encoding"], gzip.decompress(body)) == ("gzip", plain.content)
        assert len(body) == int(answer.headers["content-length"]) < len(plain.content) / 3
    async with client.stream("GET", path, headers={"accept-encoding": "gzip, br, zstd"}) as answer:
        body = b"".join([part async for part in answer.aiter_raw()])
        unpacked = zstandard.ZstdDecompressor().decompress(body, max_output_size=1 << 20)
        assert (answer.headers["content-encoding"], unpacked) == ("zstd", plain.content)
    small = await client.get("/api/where/current-time.json?key=test", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers


async def test_what_is_live_is_never_kept(town: Town) -> None:
    """Pull to refresh must refresh."""
    for path in (
        "arrivals-and-departures-for-stop/1_mid",
        "vehicles-for-agency/1",
        "trip-details/1_t1",
        "current-time",
    ):
        answer = await get(town.application, f"/api/where/{path}.json?key=test")
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


async def test_etags_are_of_one_address_and_one_day(town: Town) -> None:
    """Quoted; not the same for two stops; and no 304 across midnight."""
    tags = []
    for path in ("stop/1_mid", "stop/1_top", "schedule-for-stop/1_mid"):
        answer = await get(town.application, f"/api/where/{path}.json?key=test")
        tags.append(answer.headers["etag"])
        assert answer.headers["etag"].removeprefix("W/")[0] == '"'
    assert len(set(tags)) == 3
    asked = {"if-none-match": tags[2]}
    path = "/api/where/schedule-for-stop/1_mid.json?key=test"
    assert (await get(town.application, path, headers=asked)).status_code == 304
    await town.clock.advance_s(86_400)
    assert (await get(town.application, path, headers=asked)).status_code == 200

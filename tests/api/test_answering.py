"""Questions to ``/api/where`` as clients put them: ids however escaped, versions, and how often each may ask."""

from pathlib import Path

from api.auth import digest_of
from domain.quota import Quota
from tests.api.asgi import answer, get
from tests.api.town import DAY, GTFS, Key, Town


async def test_ids_with_spaces_and_slashes_are_ids(town: Town) -> None:
    """Percent-encoded as apps send them, or as they are."""
    for written in ("1_mid%20b%2F2", "1_mid%20b/2"):
        answer = await get(town.application, f"/api/where/stop/{written}.json?key=test")
        assert answer.json()["data"]["entry"]["id"] == "1_mid b/2"
        answer = await get(town.application, f"/api/where/arrivals-and-departures-for-stop/{written}.json?key=test")
        assert answer.json()["data"]["entry"]["stopId"] == "1_mid b/2"


async def test_plus_signs_are_read_either_way(tmp_path: Path) -> None:
    """Ids put in a query as they are, and spaces of a path written as in a query; the usual reading comes first."""
    files = dict(GTFS)
    for name in ("trips.txt", "stop_times.txt"):
        files[name] = files[name].replace("t1,", "t+1,").replace("t3,", "t 1,")
    files = {name: text.replace("top b", "top+b") for name, text in files.items()}
    town = Town(tmp_path, files=files)
    await town.replica.refresh()
    at_pier = f"key=test&serviceDate={DAY * 1000}&tripId="

    def trip(path: str, query: str) -> str:
        return str(town.data(f"arrival-and-departure-for-stop/{path}", query)["entry"]["tripId"])

    assert trip("1_pier_1", at_pier + "1_t%2B1") == "1_t+1"
    assert trip("1_pier_1", at_pier + "1_t+1") == "1_t 1"
    assert trip("1_top+b", at_pier + "1_t2") == "1_t2"
    assert town.data("trip-details/1_t+1")["entry"]["tripId"] == "1_t+1"
    assert town.data("stop/1_mid+b/2")["entry"]["id"] == "1_mid b/2"
    assert trip("1_mid+b/2", at_pier + "1_t2") == "1_t2"
    for name in ("trips.txt", "stop_times.txt"):
        files[name] = files[name].replace("t 1,", "t3,")
    other_home = tmp_path / "without"
    other_home.mkdir()
    without = Town(other_home, files=files)
    await without.replica.refresh()
    found = without.data("arrival-and-departure-for-stop/1_pier_1", at_pier + "1_t+1")
    assert found["entry"]["tripId"] == "1_t+1"
    assert without.ask("arrival-and-departure-for-stop/1_pier_1", at_pier + "1_no+1")[0] == 404


async def test_limits_are_of_one_key(town: Town) -> None:
    """One app that asks too much is told when to come back; another is not."""
    quota = Quota(requests=60, per_s=3600)
    town.hall.keys |= {digest_of(key): Key("rider", quota=quota) for key in ("greedy", "modest")}
    await town.replica.refresh()
    answers = [answer(town.application, "current-time", query=b"key=greedy") for _ in range(70)]
    status, headers, _ = answers[-1]
    assert (status, int(dict(headers)[b"retry-after"]) > 0) == (429, True)
    assert town.ask("current-time", "key=modest")[0] == 200


def test_unknown_versions_are_refused_as_a_client_s_error(town: Town) -> None:
    """400, not 500; 2 and none are good."""
    status, body = town.ask("current-time", "key=test&version=3")
    assert (status, body["text"], list(body["data"]["fieldErrors"])) == (400, "unknown version: 3", ["version"])
    assert town.ask("current-time", "key=test&version=2")[0] == 200

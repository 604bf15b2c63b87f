"""Warnings as they are written around the world, end to end: issued over HTTP, handed to a push provider, shown.

Every story has ground of its own and two residents: one inside, one some way off. All are played at once, a step at a time.
"""

import html
import math
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.feeds.formats.cap_messages import alert, info
from tests.walks.house import House, eventually, running
from tests.walks.outside import FEED_KEY, Outside

STEPS = 3
QUIET_S = 3.0
"""So long after the last expected word nothing more may come."""


@dataclass(frozen=True)
class Story:
    """*steps* are what is listed at each step, by name; *told* what the resident inside hears by the end of each step."""

    name: str
    lat: float
    lon: float
    steps: tuple[dict[str, bytes], ...]
    told: tuple[tuple[str, ...], ...]
    away_lat: float = 3.0
    language: str = "en"
    words: str = ""
    """Must stand in the first word that the resident is told."""


def ring(lat: float, lon: float, half: float = 0.2, digits: int = 3) -> str:
    corners = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    return " ".join(f"{lat + half * up:.{digits}f},{lon + half * right:.{digits}f}" for up, right in corners)


def drawn(lat: float, lon: float, /, **said: str) -> str:
    return info(f"<area><areaDesc>Here</areaDesc><polygon>{ring(lat, lon)}</polygon></area>", **said)


def area(inside: str) -> str:
    return f"<area><areaDesc>Here</areaDesc>{inside}</area>"


def stories(now: datetime) -> list[Story]:
    """All of them, around *now*."""

    def at(minutes: float, zone: timezone = UTC) -> str:
        moment = (now + timedelta(minutes=minutes)).astimezone(zone)
        return moment.replace(microsecond=0).isoformat()

    def issued(name: str, block: str = "", *more: str, sent: Any = 0, **said: str) -> bytes:
        fields = {"identifier": name, "sender": "office@example.org", "sent": at(sent), **said}
        return alert(*(it for it in (block, *more) if it), **fields) if block else bare(fields)

    def bare(fields: dict[str, str]) -> bytes:
        whole = alert("<info/>", **fields).decode()
        return whole.replace("<info/>", "").encode()

    end = {"expires": at(120)}
    found: list[Story] = []

    def tell(name: str, *steps: dict[str, bytes], told: tuple[tuple[str, ...], ...], **more: Any) -> None:
        lat, lon = place(name)
        found.append(Story(name, lat, lon, steps, told, **more))

    places: dict[str, tuple[float, float]] = {}

    def place(name: str) -> tuple[float, float]:
        return places.setdefault(name, (-60.0 + 9.0 * (len(places) % 13), -170.0 + 22.0 * (len(places) // 13)))

    def here(name: str, **said: str) -> str:
        return drawn(*place(name), **{"event": f"Event of {name}", "headline": f"Headline of {name}", **end, **said})

    def refers(name: str, sent: float = 0) -> str:
        return f"office@example.org,{name},{at(sent)}"

    warned, over = (("warning",),), ("warning", "all_clear")

    # Canada: two languages, an update that says the same, a cancel that names both.
    name = "canada"
    both = (here(name, language="en-CA"), here(name, language="vi-VN", headline="Tin bão"))
    first, again = issued("c1", *both), issued("c2", *both, sent=0.1, msgType="Update", references=refers("c1"))
    ends = issued("c3", *both, sent=0.2, msgType="Cancel", references=f"{refers('c2', 0.1)} {refers('c1')}")
    tell(
        name,
        {"c1": first},
        {"c1": first, "c2": again},
        {"c2": again, "c3": ends},
        told=(warned[0], warned[0], over),
        language="vi",
        words="Tin bão",
    )

    # Germany: a sloppy reference, an update that says that all is over.
    name = "germany"
    first = issued("g1", here(name))
    ends = issued(
        "g2",
        here(name, event="Aufhebung der Warnung", responseType="AllClear"),
        sent=0.1,
        msgType="Update",
        references="g1",
    )
    tell(name, {"g1": first}, {"g2": ends}, {"g2": ends}, told=(warned[0], over, over))

    # Nepal's zone, over the turn of a day; a geometry of three corners.
    name = "nepal"
    lat, lon = place(name)
    corners = f"{lat - 0.3:.3f},{lon - 0.3:.3f} {lat - 0.3:.3f},{lon + 0.3:.3f} {lat + 0.3:.3f},{lon:.3f} {lat - 0.3:.3f},{lon - 0.3:.3f}"
    nepal = timezone(timedelta(hours=5, minutes=45))
    block = info(
        area(f"<polygon>{corners}</polygon>"),
        event="Flood",
        expires=at(60, nepal),
        effective=at(-1, nepal),
    )
    first = alert(block, identifier="n1", sender="office@example.org", sent=at(-1, nepal))
    tell(name, {"n1": first}, {"n1": first}, {"n1": first}, told=(warned[0],) * 3)

    # Australia and sailors: hemispheres, nautical miles.
    name = "circle"
    lat, lon = place(name)
    south, west = f"{abs(lat)}{'S' if lat < 0 else 'N'}", f"{abs(lon)}{'W' if lon < 0 else 'E'}"
    first = issued("o1", info(area(f"<circle>{south} {west} 10 NM</circle>"), **end))
    ends = issued("o2", "", sent=0.1, msgType="Cancel", references=refers("o1"))
    tell(name, {"o1": first}, {"o1": first, "o2": ends}, {"o2": ends}, told=(warned[0], over, over), away_lat=0.25)

    # A point with no radius is 5 km around.
    name = "point"
    lat, lon = place(name)
    first = issued("p1", info(area(f"<circle>{lat},{lon} 0</circle>"), **end))
    tell(name, {"p1": first}, {"p1": first}, {"p1": first}, told=(warned[0],) * 3, away_lat=0.2)

    # A ring of 20,000 points; a bow tie.
    name = "rugged"
    lat, lon = place(name)
    steps = [2 * math.pi * row / 20_000 for row in range(20_000)]
    rugged = " ".join(
        f"{lat + 0.3 * math.sin(it):.5f},{lon + (0.3 + 0.01 * (row % 2)) * math.cos(it):.5f}"
        for row, it in enumerate(steps)
    )
    first = issued("r1", info(area(f"<polygon>{rugged}</polygon>"), **end))
    tell(name, {"r1": first}, {"r1": first}, {"r1": first}, told=(warned[0],) * 3)
    name = "bowtie"
    lat, lon = place(name)
    crossed = f"{lat - 0.2},{lon - 0.2} {lat + 0.2},{lon + 0.2} {lat + 0.2},{lon - 0.2} {lat - 0.2},{lon + 0.2} {lat - 0.2},{lon - 0.2}"
    first = issued("b1", info(area(f"<polygon>{crossed}</polygon>"), **end))
    tell(name, {"b1": first}, {"b1": first}, {"b1": first}, told=(warned[0],) * 3)

    # Nothing of this may reach a phone, nor a page.
    for row, said in enumerate(
        (
            {"status": "Test"}, {"status": "Exercise"}, {"status": "Draft"}, {"status": "System"}, {"status": ""},
            {"scope": "Private"}, {"scope": "Restricted"}, {"scope": ""}, {"msgType": "Ack"}, {"msgType": "Error"},
            {"msgType": "Cancel"},
        )
    ):  # fmt: skip
        name = f"silent-{row}"
        first = issued(f"s{row}", here(name), references=refers("unknown", -5) if "msgType" in said else "", **said)
        tell(name, {f"s{row}": first}, {f"s{row}": first}, {f"s{row}": first}, told=((),) * 3)
    for row, words in enumerate(("IT-alert TEST TEST", "【訓練】津波警報", "Warntag: Probewarnung")):
        name = f"drill-{row}"
        first = issued(f"d{row}", here(name, headline=words))
        tell(name, {f"d{row}": first}, {f"d{row}": first}, {f"d{row}": first}, told=((),) * 3)

    # Two authorities that both count from 1; one ends its own.
    for name, sender in (("ours", "a@example.org"), ("theirs", "b@example.org")):
        first = issued("1", here(name), sender=sender)
        ends = issued("2", "", sender=sender, sent=0.1, msgType="Cancel", references=f"{sender},1,{at(0)}")
        if name == "ours":
            tell(name, {"one-a": first}, {"one-a": first, "two-a": ends}, {"two-a": ends}, told=(warned[0], over, over))
        else:
            tell(name, {"one-b": first}, {"one-b": first}, {"one-b": first}, told=(warned[0],) * 3)

    # An update and a cancel without a word on what they follow; one of a relay that failed; one whose clock is slow.
    name = "nameless"
    first, worse = (
        issued("w1", here(name)),
        issued("w2", here(name, headline="It is worse"), sent=0.1, msgType="Update"),
    )
    ends = issued("w3", here(name), sent=0.2, msgType="Cancel")
    tell(
        name,
        {"w1": first},
        {"w2": worse},
        {"w2": worse, "w3": ends},
        told=(warned[0], ("warning", "update"), ("warning", "update", "all_clear")),
    )
    name = "relay"
    first = issued("y1", here(name))
    failed = issued("y2", "", sender="relay@example.org", sent=0.1, msgType="Error", references=refers("y1"))
    slow = issued("y3", "", sent=-30, msgType="Cancel", references=refers("y1"))
    tell(name, {"y1": first}, {"y1": first, "y2": failed}, {"y1": first, "y3": slow}, told=(warned[0], warned[0], over))

    # No end given; an onset to come; put into effect after its end.
    for row, said in enumerate(({"expires": ""}, {"onset": at(30)}, {"effective": at(180)})):
        name = f"times-{row}"
        first = issued(f"t{row}", here(name, **said))
        ends = issued(f"t{row}c", "", sent=0.1, msgType="Cancel", references=refers(f"t{row}"))
        tell(name, {f"t{row}": first}, {f"t{row}": first}, {f"t{row}c": ends}, told=(warned[0], warned[0], over))

    # A warning that grows beyond its first residents' ground, and leaves it.
    name = "moves"
    lat, lon = place(name)
    first = issued("m1", here(name))
    moved = issued(
        "m2", drawn(lat, lon + 1.5, event="Moves", **end), sent=0.1, msgType="Update", references=refers("m1")
    )
    tell(name, {"m1": first}, {"m2": moved}, {"m2": moved}, told=(warned[0], over, over))

    # Several taken up by one.
    name = "joins"
    lat, lon = place(name)
    first, other = issued("j1", here(name)), issued("j2", drawn(lat, lon + 3, event="Another", **end), sent=0.05)
    one = issued(
        "j3",
        here(name),
        drawn(lat, lon + 3),
        sent=0.1,
        msgType="Update",
        references=f"{refers('j1')} {refers('j2', 0.05)}",
    )
    ends = issued("j4", "", sent=0.2, msgType="Cancel", references=refers("j3", 0.1))
    told = (warned[0], warned[0], over)  # the same words for the first: no news to them
    tell(name, {"j1": first}, {"j1": first, "j2": other, "j3": one}, {"j3": one, "j4": ends}, told=told)
    return found


@pytest.fixture(scope="module")
def world() -> Iterator[Outside]:
    with Outside() as outside:
        outside.phones.takes_up_to_s = 0.0
        yield outside


def test_the_right_people_are_told_once_and_told_when_it_is_over(
    world: Outside, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    told_at = datetime.fromtimestamp(int(world.clock.now_epoch_s()), UTC)
    played = stories(told_at)
    config = world.config(home)
    with running(home, "up", "--config", str(config), FEED_KEY=FEED_KEY) as house:
        eventually(house.ready, 60, "it is up")
        for story in played:
            _subscribe(house, f"in-{story.name}", story.lat, story.lon, story.language)
            _subscribe(house, f"out-{story.name}", story.lat + story.away_lat, story.lon, story.language)
        for step in range(STEPS):
            world.warnings = {name: data for story in played for name, data in story.steps[step].items()}
            wanted = {f"in-{story.name}": list(story.told[step]) for story in played if story.told[step]}
            _wait(world, wanted)
            in_force = {story.name for story in played if story.told[step] and story.told[step][-1] != "all_clear"}
            shown = _in_force(house, played)
            assert shown == in_force
        for story in played:
            heard = [
                entry["message"] for entry in world.phones.inbox if entry["message"]["token"] == f"in-{story.name}"
            ]
            assert len({message["data"]["replaces"] for message in heard}) <= 1, story.name
            if story.words:
                assert story.words in heard[0]["notification"]["body"]
            if story.told[-1][-1:] == ("warning",):
                assert [message["data"]["kind"] for message in heard] == ["warning"]
        page = _page(house)
        assert "data-warning=" in page  # a few of them: which, is a matter of room
        assert not any(f"of {story.name}" in page for story in played if story.told[-1][-1:] != ("warning",))
        assert "TEST" not in page
        assert "訓練" not in page


def _page(house: House) -> str:
    with urllib.request.urlopen(f"{house.base}/", timeout=10) as answer:
        return html.unescape(answer.read().decode())


def _subscribe(house: House, token: str, lat: float, lon: float, language: str) -> None:
    house.post(
        "/api/v1/subscriptions",
        {
            "device": {"platform": "fcm", "token": token},
            "language": language,
            "places": [{"lat": lat, "lon": lon, "radius_m": 200}],
        },
    )


def _heard(world: Outside) -> dict[str, list[str]]:
    heard: dict[str, list[str]] = {}
    for entry in list(world.phones.inbox):
        heard.setdefault(entry["message"]["token"], []).append(entry["message"]["data"]["kind"])
    return heard


def _wait(world: Outside, wanted: dict[str, list[str]]) -> None:
    """Until all is told, and a little longer: then nothing more has come."""
    end_s = time.monotonic() + 60
    while _heard(world) != wanted and time.monotonic() < end_s:
        time.sleep(0.2)
    time.sleep(QUIET_S)
    assert _heard(world) == wanted


def _in_force(house: House, played: list[Story]) -> set[str]:
    """Stories on whose ground a warning is drawn on the map that everybody sees."""
    features = house.get("/api/v1/alerts.geojson")["features"]
    corners = [
        point for feature in features if feature["geometry"] for point in _points(feature["geometry"]["coordinates"])
    ]
    return {
        story.name
        for story in played
        if any(abs(lon - story.lon) < 0.6 and abs(lat - story.lat) < 0.6 for lon, lat in corners)
    }


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    if isinstance(coordinates[0], (int, float)):
        yield (coordinates[0], coordinates[1])
    else:
        for part in coordinates:
            yield from _points(part)

"""The ways a route goes, where the timetable says and where it does not."""

from itertools import pairwise
from pathlib import Path

import pytest

from api.app import Application
from api.directions import ways
from api.pages import table
from tests.api.asgi import get
from tests.api.town import GTFS, Town


def line(stops: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(stops))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["ABCDE"], [0]),
        (["ABCDE", "EDCBA"], [0, 1]),
        (["ABCDE", "BCD", "EDCBA", "ABXDE"], [0, 0, 1, 0]),
        # Only the termini are the same.
        (["ABCDE", "EVWXA"], [0, 1]),
        # Three of ten legs are enough, of the shorter; two are not.
        (["ABCDEFGHIJK", "ABCDstuvwxy"], [0, 0]),
        (["ABCDEFGHIJK", "ABCstuvwxyz"], [0, 1]),
        # What shares nothing with the first shares it with one that does.
        (["ABCD", "WXYZ", "CDEWX"], [0, 0, 0]),
        # A trip of one call, or of none, goes nowhere of its own.
        (["ABC", "A", "", "CBA"], [0, 0, 0, 1]),
        (["A", "ABC", "CBA"], [0, 1, 2]),
    ],
)
def test_lines_that_share_legs_go_one_way(lines: list[str], expected: list[int]) -> None:
    """As OneBusAway's own server has it."""
    stops = {stop: number for number, stop in enumerate(sorted(set("".join(lines))))}
    assert ways([frozenset((stops[a], stops[b]) for a, b in line(it)) for it in lines]) == expected


def _without_directions() -> dict[str, str]:
    header, *rows = GTFS["trips.txt"].strip().splitlines()
    place = header.split(",").index("direction_id")
    cells = [row.split(",") for row in rows]
    return {**GTFS, "trips.txt": "\n".join([header, *(",".join([*it[:place], "", *it[place + 1 :]]) for it in cells)])}


@pytest.mark.parametrize("path", ["stops-for-route/1_r_10", "schedule-for-route/1_r_10"])
async def test_both_ways_are_told_apart_where_the_timetable_does_not_say(town: Town, tmp_path: Path, path: str) -> None:
    """A route out and back answers as if its directions were written."""
    (tmp_path / "silent").mkdir()
    silent = Town(tmp_path / "silent", files=_without_directions())
    await silent.replica.refresh()
    assert silent.data(path)["entry"] == town.data(path)["entry"]


async def test_directions_in_part_are_no_directions(town: Town, tmp_path: Path) -> None:
    """One trip without a direction: it is with those whose legs it shares."""
    (tmp_path / "part").mkdir()
    trips = GTFS["trips.txt"].replace("late,Central,0", "late,Central,")
    part = Town(tmp_path / "part", files={**GTFS, "trips.txt": trips})
    await part.replica.refresh()
    groups = part.data("schedule-for-route/1_r_10")["entry"]["stopTripGroupings"]
    assert [group["tripIds"] for group in groups] == [["1_t1", "1_t3", "1_late"], ["1_t2"]]


async def test_the_map_draws_the_ways_out_and_back(tmp_path: Path) -> None:
    """A line for each, though the timetable names no directions."""
    files = _without_directions()
    files["trips.txt"] = files["trips.txt"].replace("r_10,WK,t2,,,b1,", "r_10,WK,t2,,,b1,south")
    files["shapes.txt"] += "south,44.63,-63.499,1\nsouth,44.61,-63.4995,2\n"
    silent = Town(tmp_path, files=files)
    await silent.replica.refresh()
    application = Application(silent.settings, silent.clock, silent.replica, None, table.ROUTES)
    drawn = (await get(application, "/map/ground.json?bbox=-63.6,44.5,-63.4,44.7")).json()
    assert sorted(len(route["lines"]) for route in drawn["routes"]) == [0, 2]

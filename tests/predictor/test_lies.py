"""A feed that lies must not poison what was learned: riders of honest buses are told the same, to the second."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from predictor.foresight import Foresight
from tests.predictor.streets import EAST, WEST, Report, Streets, along, at

HONEST_MPS = 4.0
"""Slower than the timetable's 5: there is something to learn."""
SINCE, LIES_FROM, UNTIL = at(6, 55), at(8, 20), at(8, 50)
LIARS = ("east6", "west5", "east7", "west6")
"""Trips that nobody honest drives."""
Lie = Callable[[int, int], Report]
"""What the n-th liar says at an instant."""


def honest(now: int) -> list[Report]:
    """Every bus of line S but the liars', a little slower than the timetable."""
    found = []
    for number in range(12):
        for way, line in (("east", EAST), ("west", WEST)):
            trip = f"{way}{number}"
            driven = (now - at(7) - number * 600 - (1500 if way == "west" else 0)) * HONEST_MPS
            if trip not in LIARS and 0 <= driven <= 6000:
                found.append(Report(place=along(line, driven), when=now, trip=trip, vehicle=trip))
    return found


def told(town: Streets, lie: Lie | None) -> dict[str, list[int]]:
    """Honest trip to the arrivals told at the end of a morning with or without lies."""
    heard = Streets(town.bundle, town.schedule, town.ground, foresight=Foresight(town.schedule, "streets"))
    made = heard.tick(SINCE)
    for now in range(SINCE, UNTIL, 30):
        lies = [lie(now, n) for n in range(len(LIARS))] if lie is not None and now >= LIES_FROM else []
        made = heard.tick(now, *honest(now), *lies)
    arrivals = {}
    for report in honest(UNTIL - 30):
        row = heard.row(made, report.trip)
        arrivals[report.trip] = made.arrival_epoch_s[made.ptr[row] : made.ptr[row + 1]].tolist()
    return arrivals


def zero(now: int, n: int) -> Report:
    return Report(place=(0, 0), latlon=(0.0, 0.0), when=now, trip=LIARS[n], vehicle=f"liar{n}")


def teleport(now: int, n: int) -> Report:
    """About the whole line, at random, every half minute."""
    metres = float(np.random.default_rng(now + n).uniform(0, 6000))
    return Report(place=along(EAST if n % 2 == 0 else WEST, metres), when=now, trip=LIARS[n], vehicle=f"liar{n}")


def frozen_clock(now: int, n: int) -> Report:
    """It drives ten times too fast by a clock that stands still."""
    place = along(EAST if n % 2 == 0 else WEST, (now - LIES_FROM) * 50.0 % 6000)
    return Report(place=place, when=LIES_FROM, trip=LIARS[n], vehicle=f"liar{n}")


def wrong_way(now: int, n: int) -> Report:
    """The trips of the other direction."""
    place = along(WEST if n % 2 == 0 else EAST, (now - LIES_FROM) * 20.0 % 6000)
    return Report(place=place, when=now, trip=LIARS[n], vehicle=f"liar{n}")


def wrong_line(now: int, n: int) -> Report:
    """Another street."""
    return Report(place=((now - LIES_FROM) * 15.0 % 3000, 0), when=now, trip=LIARS[n], vehicle=f"liar{n}")


def future(now: int, n: int) -> Report:
    """Ten minutes ahead, and fast."""
    place = along(EAST if n % 2 == 0 else WEST, (now - LIES_FROM) * 25.0 % 6000)
    return Report(place=place, when=now + 600, trip=LIARS[n], vehicle=f"liar{n}")


def time_jumping(now: int, n: int) -> Report:
    """Where a bus would be, dated up to ten minutes ago, at random."""
    place = along(EAST if n % 2 == 0 else WEST, (now - LIES_FROM) * HONEST_MPS % 6000)
    return Report(
        place=place, when=now - int(np.random.default_rng(now + n).integers(0, 600)), trip=LIARS[n], vehicle=f"liar{n}"
    )


def agreed(now: int, n: int) -> Report:
    """For four minutes at a time at another place, where it drives on as a bus would."""
    turn, passed = divmod(now - LIES_FROM, 240)
    start = float(np.random.default_rng(turn + n).uniform(0, 5000))
    return Report(
        place=along(EAST if n % 2 == 0 else WEST, start + passed * HONEST_MPS),
        when=now,
        trip=LIARS[n],
        vehicle=f"liar{n}",
    )


def swapped(now: int, n: int) -> Report:
    """Two vehicles a direction that exchange their trips every three minutes."""
    other = (n + 2 * ((now - LIES_FROM) // 180 % 2)) % 4
    metres = 300 + 1500 * (n // 2) + (now - LIES_FROM) * HONEST_MPS
    return Report(
        place=along(EAST if n % 2 == 0 else WEST, metres % 6000), when=now, trip=LIARS[other], vehicle=f"liar{n}"
    )


def stuck(now: int, n: int) -> Report:
    """At one place for five minutes, then on to where it ought to be."""
    metres = (now - LIES_FROM) // 300 * 300 * HONEST_MPS
    return Report(place=along(EAST if n % 2 == 0 else WEST, metres % 6000), when=now, trip=LIARS[n], vehicle=f"liar{n}")


@pytest.fixture(scope="module")
def truth(_streets: Streets) -> dict[str, list[int]]:
    """What riders are told without lies."""
    return told(_streets, None)


@pytest.mark.parametrize(
    "lie",
    [zero, teleport, frozen_clock, wrong_way, wrong_line, future, time_jumping, agreed, swapped, stuck],
)
def test_lies_do_not_change_what_riders_of_honest_buses_are_told(
    town: Streets, truth: dict[str, list[int]], lie: Lie
) -> None:
    """Half an hour in which half of all vehicles lie, on trips of their own."""
    found = told(town, lie)
    assert set(found) == set(truth)
    assert len(found) >= 4
    for trip, arrivals in truth.items():
        assert np.abs(np.array(found[trip]) - np.array(arrivals)).max() <= 2, trip


def test_something_was_learned(truth: dict[str, list[int]]) -> None:
    """The honest buses' slowness is expected ahead: 250 s a kilometre rather than the timetable's 200."""
    now = UNTIL - 30
    legs = [b - a for arrivals in truth.values() for a, b in pairwise(arrivals) if a > now]
    assert np.median(legs) == pytest.approx(250, abs=20)

"""Which trips a warning's ground touches; trips by pattern, along their shapes."""

from dataclasses import replace

import numpy as np
import pytest

from domain.alert import Alert, AlertInfo, AlertState, Area, Circle
from domain.risk import RiskLevel
from predictor.alert_chains import advance
from predictor.geofence import PatternLine, Patterns, Touch, remaining
from predictor.risk import Run, TripJudge
from tests.feeds.formats.cap_messages import alert, info, read

NOW = 1_795_435_260
NOTHING = np.zeros(0)


def line(*stops: tuple[float, float], shape: tuple[tuple[float, float], ...] = ()) -> PatternLine:
    """Stops and shape as (lat, lon); the k-th stop lies at the shape point nearest to it in sequence."""
    shape_lats, shape_lons = (np.array(column) for column in zip(*shape, strict=True)) if shape else (NOTHING, NOTHING)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(shape_lats), np.diff(shape_lons))))) * 111_000
    at = [min(range(len(shape)), key=lambda n: abs(shape[n][0] - a) + abs(shape[n][1] - b)) for a, b in stops if shape]
    return PatternLine(
        stop_lats=np.array([lat for lat, _ in stops]),
        stop_lons=np.array([lon for _, lon in stops]),
        stop_distances_m=along[at] if shape else np.full(len(stops), np.nan),
        shape_lats=shape_lats,
        shape_lons=shape_lons,
        shape_distances_m=along if shape else NOTHING,
    )


def box(south: float, west: float, north: float, east: float) -> Area:
    return Area(description="", polygons=(((west, south), (east, south), (east, north), (west, north), (west, south)),))


STRAIGHT = line((50, 10), (50, 11), (50, 12), (50, 13))
BENT = line((50, 10), (50, 12), shape=((50, 10), (51, 11), (50, 12)))
FLOOD = box(49.9, 10.9, 50.1, 12.4)


def touched(areas: list[Area], **lines: PatternLine) -> dict[str, tuple[list[int], list[int]]]:
    names = list(lines)
    found = Patterns(dict(enumerate(lines.values()))).touched(areas)
    return {
        names[row]: (np.flatnonzero(touch.calls).tolist(), np.flatnonzero(touch.legs).tolist())
        for row, touch in found.items()
    }


def test_calls_and_legs_inside() -> None:
    """Stops 1 and 2 lie in the flood; the legs before, between and after run through it. The bend goes round it."""
    assert touched([FLOOD], straight=STRAIGHT, bent=BENT) == {"straight": ([1, 2], [0, 1, 2]), "bent": ([1], [0])}
    assert touched([box(50.9, 10.9, 51.1, 11.1)], straight=STRAIGHT, bent=BENT) == {"bent": ([], [0])}
    assert touched([box(60, 10, 61, 11)], straight=STRAIGHT) == {}


def test_a_stop_beside_the_shape_counts() -> None:
    """The stop lies in the ground although the drawn way passes outside."""
    beside = line((50, 10), (50.02, 11), (50, 12), shape=((50, 10), (50, 11), (50, 12)))
    assert touched([box(50.01, 10.9, 50.03, 11.1)], beside=beside) == {"beside": ([1], [])}


def test_circles_and_several_areas_are_united() -> None:
    areas = [box(49.9, 9.9, 50.1, 10.1), Area(description="", circles=(Circle(lat=50, lon=13, radius_m=500),))]
    assert touched(areas, straight=STRAIGHT) == {"straight": ([0, 3], [0, 2])}


def test_ground_that_is_not_drawn_touches_no_trip() -> None:
    areas = [Area(description="", everywhere=True), Area(description="", geocodes=(("UGC", "X"),), approximate=True)]
    assert touched(areas, straight=STRAIGHT) == {}


def test_a_broken_shape_falls_back_to_straight_lines() -> None:
    """Distances that go backwards cannot be trusted."""
    broken = replace(BENT, stop_distances_m=np.array([5.0, 1.0]))
    assert touched([box(49.9, 10.9, 50.1, 11.1)], broken=broken) == {"broken": ([], [0])}


@pytest.mark.parametrize(
    ("next_position", "expected"),
    [
        (0, (0, 3, (1, 2))),
        pytest.param(1, (0, 3, (1, 2)), id="on the first leg, which counts"),
        pytest.param(2, (1, 3, (2,)), id="the call behind it no longer counts"),
        pytest.param(3, (2, 3, ()), id="only the way out"),
        pytest.param(4, None, id="behind it"),
    ],
)
def test_only_what_lies_ahead(next_position: int, expected: tuple[int, int, tuple[int, ...]] | None) -> None:
    touch = Touch(calls=np.array([False, True, True, False, False]), legs=np.array([True, True, True, False]))
    assert remaining(touch, next_position) == expected


def event(*infos: str) -> Alert:
    (made,) = advance({}, [read(alert(*infos))], feed_id="civil", seen_epoch_s=NOW, now_epoch_s=NOW).told
    return made


def with_areas(made: Alert, *areas: tuple[Area, ...]) -> Alert:
    infos: tuple[AlertInfo, ...] = made.infos
    return replace(made, infos=tuple(replace(one, areas=ground) for one, ground in zip(infos, areas, strict=True)))


def test_runs_are_judged_by_their_worst_block_ahead() -> None:
    """Moderate all along the line, Extreme at its end: the trip past the end has nothing ahead."""
    made = event(info(severity="Moderate"), info(severity="Extreme"))
    made = with_areas(made, (FLOOD,), (box(49.9, 12.9, 50.1, 13.1),))
    judge = TripJudge(Patterns({7: STRAIGHT}))
    runs = [Run(trip=trip, service_date=20261123, pattern=7, next_position=trip) for trip in range(5)]
    risks = {risk.run.trip: risk for risk in judge.judge([made], runs, NOW)}
    assert {
        trip: (risk.level, risk.first_position, risk.last_position, risk.calls) for trip, risk in risks.items()
    } == dict.fromkeys(range(4), (RiskLevel.EXTREME, 2, 3, (3,)))
    assert judge.judge([made], runs, NOW) == judge.judge([made], runs, NOW)


def test_blocks_as_bad_as_each_other_count_together() -> None:
    """One warning, a block for each valley: the trip runs through both, and its riders hear of both."""
    made = with_areas(event(info(), info()), (box(49.9, 9.9, 50.1, 10.1),), (box(49.9, 12.9, 50.1, 13.1),))
    (risk,) = TripJudge(Patterns({7: STRAIGHT})).judge(
        [made], [Run(trip=1, service_date=20261123, pattern=7, next_position=0)], NOW
    )
    assert (risk.first_position, risk.last_position, risk.calls) == (0, 3, (0, 3))


def test_what_must_not_be_told_touches_no_trip() -> None:
    """Over, an exercise, an all-clear, or a block that has ended."""
    sound = with_areas(event(), (FLOOD,))
    runs = [Run(trip=1, service_date=20261123, pattern=7, next_position=0)]

    def judged(made: Alert, now: float = NOW) -> int:
        return len(TripJudge(Patterns({7: STRAIGHT})).judge([made], runs, now))

    assert judged(sound) == 1
    assert judged(replace(sound, state=AlertState.CANCELLED)) == 0
    assert judged(replace(sound, pushable=False)) == 0
    assert judged(with_areas(event(info(urgency="Past")), (FLOOD,))) == 0
    assert judged(sound, NOW + 86_400) == 0


def test_a_line_over_the_antimeridian_does_not_run_around_the_world() -> None:
    """A ferry from Taveuni to the far side of 180°: Fiji's warning touches it on both sides, Africa's does not."""
    stops = ((-16.9, 179.9), (-16.9, -179.9))
    ferry, drawn = line(*stops), line(*stops, shape=((-16.9, 179.9), (-16.8, -179.95), (-16.9, -179.9)))
    east, west = box(-17, -179.97, -16.7, -179.92), box(-17, 179.92, -16.7, 179.97)
    for area in (east, west):
        assert touched([area], ferry=ferry, drawn=drawn) == {"ferry": ([], [0]), "drawn": ([], [0])}
    assert touched([box(-18, -10, -16, 40)], ferry=ferry, drawn=drawn) == {}


def test_a_change_of_ground_that_is_no_news_is_judged_anew() -> None:
    """A change that its issuer calls minor has no revision of its own."""
    judge, made = TripJudge(Patterns({7: STRAIGHT})), event(info(), info())
    runs = [Run(trip=1, service_date=20261123, pattern=7, next_position=0)]
    assert judge.judge([with_areas(made, (box(60, 10, 61, 11),), (box(60, 10, 61, 11),))], runs, NOW) == []
    smaller = replace(made, infos=made.infos[:1])
    assert len(judge.judge([with_areas(smaller, (FLOOD,))], runs, NOW)) == 1


def test_a_new_revision_is_judged_anew() -> None:
    judge = TripJudge(Patterns({7: STRAIGHT}))
    runs = [Run(trip=1, service_date=20261123, pattern=7, next_position=0)]
    made = with_areas(event(), (box(60, 10, 61, 11),))
    assert judge.judge([made], runs, NOW) == []
    larger = with_areas(replace(made, revision=2), (FLOOD,))
    assert [risk.revision for risk in judge.judge([larger], runs, NOW)] == [2]

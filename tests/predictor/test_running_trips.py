"""Trips as riders will find them, seen from a warning: replaced, added, cancelled, skipping stops, and on time or not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.alert import Alert
from domain.predictions import CallFlag
from domain.realtime import TripRelationship
from domain.risk import RiskLevel, TripRisk
from predictor.alert_chains import advance
from predictor.risk import TripJudge
from predictor.running_trips import own_ways, patterns_of, runs_now, trip_risk
from store.timetable import Bundle
from tests.api.town import Row, import_bundle, predictions_of
from tests.feeds.formats.cap_messages import alert, info, read

NOON = 1_795_435_200  # 2026-11-23T12:00:00Z
DATE = 20261123
GTFS = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,Town,https://x.example,Etc/UTC\n",
    # A line along 50.5 north, 9.5 to 11.5 east: s1 to s3 lie in the flood of the sound message (10 to 11 east). The
    # stops d1 to d3 lie north of it.
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n"
    + "".join(f"s{n},Stop {n},50.5,{9.5 + n / 2}\n" for n in range(5))
    + "".join(f"d{n},Detour {n},51.5,{9.5 + n / 2}\n" for n in (1, 2, 3)),
    "routes.txt": "route_id,agency_id,route_short_name,route_type\nr1,A,1,3\nr2,A,2,3\n",
    "trips.txt": "route_id,service_id,trip_id\nr1,w,t\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "w,1,1,1,1,1,1,1,20261101,20261231\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    + "".join(f"t,12:{10 * n + 10:02}:00,12:{10 * n + 10:02}:00,s{n},{n + 1}\n" for n in range(5)),
}
ON_TIME = [(f"s{n}", NOON + 600 * (n + 1), NOON + 600 * (n + 1), 0) for n in range(5)]
DETOUR = [
    (stop, NOON + 600 * (n + 1), NOON + 600 * (n + 1), 0) for n, stop in enumerate(("s0", "d1", "d2", "d3", "s4"))
]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return import_bundle(tmp_path, GTFS, codes={"": "1"})


Judge = Callable[..., list[TripRisk]]


@pytest.fixture
def judge(bundle: Bundle) -> Judge:
    """What is said of running trips when *rows* are predicted and the warning consists of *infos*."""

    def judged(rows: list[Row], *infos: str, now_epoch_s: float = NOON) -> list[TripRisk]:
        said = predictions_of(bundle, rows, computed=NOON) if rows else None
        known = [event(*infos)]
        found = TripJudge(patterns_of(bundle)).judge(known, runs_now(bundle, said, now_epoch_s), now_epoch_s)
        ways, runs = own_ways(bundle, said, now_epoch_s)
        found += TripJudge(ways).judge(known, runs, now_epoch_s)
        return [one for risk in found if (one := trip_risk(bundle, said, risk)) is not None]

    return judged


def event(*infos: str) -> Alert:
    (made,) = advance({}, [read(alert(*infos))], feed_id="civil", seen_epoch_s=NOON, now_epoch_s=NOON).told
    return made


def test_a_trip_runs_through_with_or_without_predictions(judge: Judge) -> None:
    (plain,), (predicted,) = judge([]), judge([Row(trip="t", calls=ON_TIME, date=DATE)])
    assert plain == predicted
    assert (plain.trip_id, plain.first_position, plain.last_position) == ("1_t", 0, 4)
    assert plain.stop_ids == ("1_s1", "1_s2", "1_s3")


def test_a_cancelled_trip_runs_through_nothing(judge: Judge) -> None:
    cancelled = Row(trip="t", date=DATE, relationship=TripRelationship.CANCELED, source=0)
    assert judge([cancelled]) == []


def test_a_trip_of_which_nothing_is_predicted_runs_as_planned(judge: Judge) -> None:
    (risk,) = judge([Row(trip="t", date=DATE, source=0)])
    assert (risk.trip_id, risk.stop_ids) == ("1_t", ("1_s1", "1_s2", "1_s3"))


def test_a_trip_that_is_led_around_the_ground_is_not_in_it(judge: Judge) -> None:
    """A replacement with stops north of the flood; one that is led through it although its timetable is not."""
    around = Row(trip="t", calls=DETOUR, date=DATE, relationship=TripRelationship.REPLACEMENT, own=True)
    through = Row(trip="t", calls=ON_TIME, date=DATE, relationship=TripRelationship.REPLACEMENT, own=True)
    north = "<area><areaDesc>N</areaDesc><polygon>51.4,9.9 51.4,11.1 51.6,11.1 51.6,9.9 51.4,9.9</polygon></area>"
    assert judge([around]) == []
    assert [risk.stop_ids for risk in judge([through])] == [("1_s1", "1_s2", "1_s3")]
    assert [risk.stop_ids for risk in judge([around], info(north))] == [("1_d1", "1_d2", "1_d3")]


def test_a_trip_that_no_timetable_has_is_named_as_its_feed_names_it(judge: Judge) -> None:
    """Added, and a second copy of a planned trip; one of an unknown route has no name among ours."""
    names = {"trip_id": "extra", "route_id": "r2"}
    added = Row(calls=ON_TIME, date=DATE, relationship=TripRelationship.ADDED, own=True, names=names)
    lost = Row(calls=ON_TIME, date=DATE, relationship=TripRelationship.ADDED, own=True, names={"trip_id": "x"})
    copy = Row(
        trip="t", calls=ON_TIME, date=DATE, relationship=TripRelationship.DUPLICATED, own=True,
        names={"trip_id": "copy", "route_id": ""},
    )  # fmt: skip
    found = {(risk.trip_id, risk.route_id, risk.stop_ids) for risk in judge([added, lost, copy])}
    names_of_routes = {"1_extra": "1_r2", "1_copy": "1_r1", "1_t": "1_r1"}
    assert found == {(name, route, ("1_s1", "1_s2", "1_s3")) for name, route in names_of_routes.items()}


def test_skipped_stops_are_not_among_those_in_the_ground(judge: Judge) -> None:
    """The bus may still drive past: the trip stays named."""
    calls = [(stop, a, d, CallFlag.SKIPPED if stop in {"s1", "s2"} else 0) for stop, a, d, _ in ON_TIME]
    (risk,) = judge([Row(trip="t", calls=calls, date=DATE)])
    assert (risk.first_position, risk.last_position, risk.stop_ids) == (0, 4, ("1_s3",))


@pytest.mark.parametrize(
    ("said", "stops"),
    [
        pytest.param({"onset": "2026-11-23T20:00:00Z", "expires": "2026-11-24T06:00:00Z"}, None, id="tonight"),
        pytest.param({"onset": "2026-11-30T00:00:00Z", "expires": "2026-12-01T00:00:00Z"}, None, id="next week"),
        pytest.param({"onset": "2026-11-23T12:52:00Z"}, ("s3",), id="begins when it is nearly through"),
        pytest.param({"onset": "2026-11-23T12:10:00Z"}, ("s1", "s2", "s3"), id="begins before it is there"),
        pytest.param({"expires": "2026-11-23T12:10:00Z"}, ("s1",), id="ends soon after it enters"),
        pytest.param({"expires": "2026-11-23T12:02:00Z", "onset": ""}, (), id="ends before it enters, by a little"),
        pytest.param(
            {"onset": "2026-11-23T18:00:00Z", "expires": "2026-11-23T18:00:00Z"}, ("s1", "s2", "s3"), id="onset is the end"
        ),
    ],
)  # fmt: skip
def test_only_who_passes_while_it_holds_runs_through(
    judge: Judge, said: dict[str, str], stops: tuple[str, ...] | None
) -> None:
    """With a quarter of an hour to spare on both sides; the trip is in the ground from 12:15 to 12:45."""
    found = judge([], info(**said))
    assert [risk.stop_ids for risk in found] == ([] if stops is None else [tuple(f"1_{stop}" for stop in stops)])


def test_the_delayed_bus_meets_what_the_punctual_one_does_not(judge: Judge) -> None:
    """Two hours late, it drives into the evening's warning."""
    evening = info(onset="2026-11-23T14:10:00Z")
    late = [(stop, a + 7200, d + 7200, 0) for stop, a, d, _ in ON_TIME]
    assert judge([], evening) == []
    assert judge([Row(trip="t", calls=late, date=DATE)], evening, now_epoch_s=NOON + 7200) != []


def test_a_tiny_area_between_two_stops_touches_the_leg_alone(judge: Judge) -> None:
    """A circle of 30 m at the road between s1 and s2; its neighbour 60 m beside the road touches nobody."""
    at = "<area><areaDesc>x</areaDesc><circle>{},10.25 0.03</circle></area>"
    on_it, beside = at.format(50.5), at.format(50.5006)
    (risk,) = judge([], info(on_it))
    assert (risk.first_position, risk.last_position, risk.stop_ids) == (1, 2, ())
    assert judge([], info(beside)) == []


def test_the_worst_that_lies_ahead_while_it_holds_counts(judge: Judge) -> None:
    """Extreme tonight, Moderate now: this afternoon's trip is told of what it meets."""
    (risk,) = judge([], info(severity="Extreme", onset="2026-11-23T17:00:00Z"), info(severity="Moderate"))
    assert risk.level is RiskLevel.MODERATE

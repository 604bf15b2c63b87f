"""What we know, as a GTFS-realtime feed, read back by our own decoder and by the bindings."""

import json
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

from domain.predictions import CallFlag
from domain.situation import Period, Selector, Situation, Translation
from tests.api.asgi import get
from tests.api.town import DAY, Bus, Row, Town, at

CALLS = [("pier_1", at(8, 2), at(8, 2), int(CallFlag.PASSED)), ("mid", at(8, 12), at(8, 12), 0),
         ("top", 0, 0, int(CallFlag.SKIPPED)), ("C1", at(8, 32), at(8, 32), 0)]  # fmt: skip


async def message(town: Town, path: str, query: str = "key=test") -> Any:
    answer = await get(town.application, f"/api/gtfs_realtime/{path}?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert answer.headers["cache-control"] == "no-store"
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.ParseFromString(answer.content)
    assert len({entity.id for entity in feed.entity}) == len(feed.entity)
    return feed


async def tell(town: Town) -> None:
    """t1 two minutes late with a band, t3 cancelled, an added trip, a bus on each of t1 and t3 and one on none."""
    await town.tell(
        [
            Row(trip="t1", calls=CALLS, vehicle=0, updated=at(8, 4), deviation=120, bands=[(0, 0), (-30, 90), (0, 0), (-60, 240)]),
            Row(trip="t3", relationship=3, source=0, vehicle=1, updated=at(8, 4)),
            Row(calls=[("pier_1", at(8, 10), at(8, 10), 0), ("C1", at(8, 30), at(8, 30), 0)], relationship=1, own=True,
                names={"trip_id": "extra", "route_id": "r_10", "headsign": "Extra"}, updated=at(8, 5)),
            Row(trip="express", calls=[("pier_1", at(8, 6), at(8, 6), 0), ("C2", at(8, 26), at(8, 26), 0)], updated=at(8, 5)),
        ],
        [
            Bus(name="7", row=0, lat=44.603, bearing=0.0, next_position=1, located=at(8, 5), occupancy=2),
            Bus(name="8", row=1, lat=44.60, located=at(8, 5)),
            Bus(name="9", row=-1, lat=44.61, located=at(8, 3)),
        ],
    )  # fmt: skip


async def test_trip_updates_hold_our_predictions_with_their_bands(town: Town) -> None:
    """Passed calls are left out, skipped ones said; sequences are the feed's own; uncertainty is the wider side."""
    await tell(town)
    feed = await message(town, "trip-updates-for-agency/1.pb")
    assert feed.header.timestamp == at(8, 5)
    by_trip = {entity.trip_update.trip.trip_id: entity.trip_update for entity in feed.entity}
    assert sorted(by_trip) == ["extra", "t1", "t3"]
    t1 = by_trip["t1"]
    assert (t1.trip.start_date, t1.trip.route_id, t1.trip.direction_id) == ("20261123", "r_10", 0)
    assert (t1.vehicle.id, t1.vehicle.label, t1.delay, t1.timestamp) == ("7", "7", 120, at(8, 4))
    mid, top, central = t1.stop_time_update
    assert (mid.stop_sequence, mid.stop_id) == (7, "mid")
    assert (mid.arrival.time, mid.arrival.uncertainty) == (at(8, 12), 90)
    assert (top.schedule_relationship, top.HasField("arrival")) == (1, False)
    assert (central.departure.time, central.departure.uncertainty) == (at(8, 32), 240)
    added = by_trip["extra"]
    assert added.trip.schedule_relationship == gtfs_realtime_pb2.TripDescriptor.ADDED
    assert not added.stop_time_update[0].arrival.HasField("uncertainty")


async def test_a_cancelled_trip_is_never_exported_as_running(town: Town) -> None:
    """Neither as a trip nor under the vehicle that is on it."""
    await tell(town)
    updates = await message(town, "trip-updates-for-agency/1.pb")
    (t3,) = [entity.trip_update for entity in updates.entity if entity.trip_update.trip.trip_id == "t3"]
    assert t3.trip.schedule_relationship == gtfs_realtime_pb2.TripDescriptor.CANCELED
    assert not t3.stop_time_update
    vehicles = await message(town, "vehicle-positions-for-agency/1.pb")
    (bus,) = [entity.vehicle for entity in vehicles.entity if entity.vehicle.trip.trip_id == "t3"]
    assert bus.trip.schedule_relationship == gtfs_realtime_pb2.TripDescriptor.CANCELED


async def test_vehicle_positions_tell_where_and_what_next(town: Town) -> None:
    """Those on no trip belong to the main agency."""
    await tell(town)
    feed = await message(town, "vehicle-positions-for-agency/1.pb")
    by_id = {entity.vehicle.vehicle.id: entity.vehicle for entity in feed.entity}
    assert sorted(by_id) == ["7", "8", "9"]
    bus = by_id["7"]
    assert (round(bus.position.latitude, 4), bus.position.bearing) == (44.603, 0.0)
    assert (bus.stop_id, bus.current_stop_sequence, bus.timestamp) == ("mid", 7, at(8, 5))
    assert bus.occupancy_status == 2
    assert not by_id["9"].HasField("trip")


async def test_export_is_of_one_agency_and_one_route(town: Town) -> None:
    """Qualified ids where they are wanted."""
    await tell(town)
    hill = await message(town, "trip-updates-for-agency/40.pb", "key=test&removeAgencyIds=false")
    (express,) = [entity.trip_update for entity in hill.entity]
    assert (express.trip.trip_id, express.trip.route_id) == ("40_express", "40_hill")
    assert express.stop_time_update[0].stop_id == "1_pier_1"
    none = await message(town, "trip-updates-for-agency/1.pb", "key=test&routeFilterId=40_hill")
    assert not none.entity
    some = await message(town, "trip-updates-for-agency/1.pb", "key=test&routeFilterId=1_r_10")
    assert len(some.entity) == 3


async def test_export_of_a_stale_feed_says_nothing(town: Town) -> None:
    """A full dataset without a single promise."""
    await tell(town)
    town.usable = False
    await town.clock.advance_s(1)
    for path in ("trip-updates-for-agency/1.pb", "vehicle-positions-for-agency/1.pb"):
        assert not (await message(town, path)).entity


async def test_alerts_are_those_that_concern_the_agency_and_are_not_over(town: Town) -> None:
    """By route, by stop, by agency; texts in every language."""

    def notice(raw_id: str, selector: Selector, *, end: int = 0) -> Situation:
        return Situation(
            raw_id=raw_id, feed_id="notices", created_epoch_s=DAY, selectors=(selector,), cause="CONSTRUCTION",
            effect="DETOUR", severity="WARNING", periods=(Period(start_epoch_s=DAY, end_epoch_s=end),),
            header=(Translation(text="Detour", language="en"), Translation(text="Đường vòng", language="vi")),
            description=(), url=(),
        )  # fmt: skip

    town.hall.notices["notices"] = (
        1,
        (
            notice("by-route", Selector(route_raw_id="r_10")),
            notice("other-route", Selector(route_raw_id="hill")),
            notice("by-stop", Selector(stop_raw_id="C2")),
            notice("by-agency", Selector(agency_raw_id="B")),
            notice("over", Selector(route_raw_id="r_10"), end=DAY + 60),
        ),
    )
    await town.replica.refresh()
    own, other = await message(town, "alerts-for-agency/1.pb"), await message(town, "alerts-for-agency/40.pb")
    assert [entity.id for entity in own.entity] == ["by-route", "by-stop"]
    assert [entity.id for entity in other.entity] == ["other-route", "by-stop", "by-agency"]
    alert = own.entity[0].alert
    assert [(text.language, text.text) for text in alert.header_text.translation] == [
        ("en", "Detour"),
        ("vi", "Đường vòng"),
    ]
    assert (alert.informed_entity[0].route_id, alert.active_period[0].start) == ("r_10", DAY)
    assert not alert.active_period[0].HasField("end")
    enums = gtfs_realtime_pb2.Alert
    assert (alert.cause, alert.effect, alert.severity_level) == (enums.CONSTRUCTION, enums.DETOUR, 3)


@pytest.mark.parametrize("more", ["", "&removeAgencyIds=false"])
async def test_alerts_name_agencies_as_the_api_does(town: Town, more: str) -> None:
    """By their code, each its own: apps drop an alert of an agency that they do not know."""
    both = Situation(
        raw_id="both", feed_id="notices", created_epoch_s=DAY, periods=(), cause="", effect="", severity="",
        selectors=tuple(Selector(agency_raw_id=raw_id) for raw_id in ("B", "H", "elsewhere")),
        header=(Translation(text="Strike", language="en"),), description=(), url=(),
    )  # fmt: skip
    town.hall.notices["notices"] = (1, (both,))
    await town.replica.refresh()
    known = {one["agencyId"] for one in town.data("agencies-with-coverage")["list"]}
    for agency in known:
        (entity,) = (await message(town, f"alerts-for-agency/{agency}.pb", f"key=test{more}")).entity
        assert [one.agency_id for one in entity.alert.informed_entity] == ["40", "1", "elsewhere"]
        assert {"1", "40"} == known


async def test_export_as_text_is_readable(town: Town) -> None:
    """For people; under any base path."""
    await tell(town)
    answer = await get(town.application, "/base/path/api/gtfs_realtime/trip-updates-for-agency/1.pbtext?key=test")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'trip_id: "extra"' in answer.text


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("trip-updates-for-agency/1.pb", 401),
        ("trip-updates-for-agency/1.pb?key=nobody", 401),
        ("trip-updates-for-agency/99.pb?key=test", 404),
        ("trip-updates-for-agency/1.json?key=test", 404),
        ("trip-updates-for-agency/1?key=test", 404),
        ("nothing-for-agency/1.pb?key=test", 404),
        ("trip-updates-for-agency/1.pb?key=test&routeFilterId=r", 400),
        ("trip-updates-for-agency/1.pb?key=test&routeFilterId=1_none", 404),
        ("trip-updates-for-agency/1.pb?key=test&removeAgencyIds=perhaps", 400),
    ],
)
async def test_export_refuses_as_everything_does(town: Town, target: str, status: int) -> None:
    """JSON that says why."""
    answer = await get(town.application, f"/api/gtfs_realtime/{target}")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (status, status)

"""This deployment in the apps' directory of regions, and its warnings in the apps' own contract."""

from typing import Any

from google.transit import gtfs_realtime_pb2

from tests.api.asgi import get
from tests.api.town import Town, at
from tests.api.warnings import info, warning


async def alerts(town: Town, path: str = "1/alerts.pb") -> Any:
    answer = await get(town.application, f"/api/v1/regions/{path}")
    assert answer.status_code == 200
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.ParseFromString(answer.content)
    return feed


async def test_regions_v3_describes_this_deployment(town: Town) -> None:
    """The address is the one that was asked, unless the configuration knows better."""
    answer = await get(town.application, "/regions-v3.json")
    document = answer.json()
    assert (document["version"], document["code"], document["text"]) == (3, 200, "OK")
    (region,) = document["data"]["list"]
    assert (region["id"], region["active"], region["obaBaseUrl"]) == (1, True, "http://wayside.example/")
    assert region["sidecarBaseUrl"] is None
    assert region["supportsObaRealtimeApis"] is True
    first = region["bounds"][0]
    assert round(first["lat"], 6) == 44.615
    assert round(first["latSpan"], 6) == 0.03


async def test_region_alerts_are_warnings_in_force_in_every_language(town: Town) -> None:
    """English first; an end that nobody said is eight hours after the start; one agency each."""
    town.hall.all_alerts = {"flood": warning("flood", (info("vi", "Lũ"), info("en-CA", "Flood warning")))}
    town.hall.alert_version = 1
    await town.replica.refresh()
    feed = await alerts(town)
    assert feed.header.gtfs_realtime_version == "1.0"
    (entity,) = feed.entity
    assert entity.id == "Alert_flood"
    alert = entity.alert
    assert [(text.language, text.text) for text in alert.header_text.translation] == [
        ("en-CA", "Flood warning"),
        ("vi", "Lũ"),
    ]
    assert alert.description_text.translation[0].text == "Water rises.\n\nGo up."
    (period,) = alert.active_period
    assert (period.start, period.end) == (at(7), at(15))
    assert [one.agency_id for one in alert.informed_entity] == ["1"]
    assert alert.severity_level == gtfs_realtime_pb2.Alert.SEVERE
    assert alert.cause == gtfs_realtime_pb2.Alert.WEATHER


async def test_region_alerts_keep_an_end_that_was_said_and_show_tests_only_when_asked(town: Town) -> None:
    """``?test=1`` and nothing else shows exercises; any region number's own spelling is understood."""
    town.hall.all_alerts = {
        "real": warning("real", (info("en", "Flood", expires=at(20)),)),
        "drill": warning("drill", (info("en", "Drill"),), pushable=False),
    }
    town.hall.alert_version = 1
    await town.replica.refresh()
    plain = await alerts(town, "1-harbour/alerts")
    assert [entity.id for entity in plain.entity] == ["Alert_real"]
    assert plain.entity[0].alert.active_period[0].end == at(20)
    tests = await alerts(town, "1/alerts.pb?test=1")
    assert {entity.id for entity in tests.entity} == {"Alert_real", "Alert_drill"}


async def test_region_alerts_are_at_most_twenty(town: Town) -> None:
    """The apps' figure."""
    town.hall.all_alerts = {f"a{n}": warning(f"a{n}", (info("en", f"Warning {n}"),)) for n in range(25)}
    town.hall.alert_version = 1
    await town.replica.refresh()
    assert len((await alerts(town)).entity) == 20


async def test_region_alerts_as_text_are_json_and_other_regions_are_not_found(town: Town) -> None:
    """The contract's own error."""
    text = await get(town.application, "/some/base/api/v1/regions/1/alerts.pbtext")
    assert text.json()["header"]["gtfs_realtime_version"] == "1.0"
    for region in ("2", "x", "12-harbour"):
        unknown = await get(town.application, f"/api/v1/regions/{region}/alerts.pb")
        assert (unknown.status_code, unknown.json()) == (404, {"error": "Couldn't find Region"})

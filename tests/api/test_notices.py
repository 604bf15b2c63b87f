"""Whom a notice concerns, and when: every kind of selector and of period that GTFS-realtime has."""

import pytest

from tests.api.live_feed import arrivals, call, hear, of_trip, update
from tests.api.town import Town, at, ms

ALL_DAY = "minutesBefore=1440&minutesAfter=1440"

STOPS = ("pier_1", "mid", "top", "C1", "C2", "top b")


def notice(name: str, period: str, more: str = 'informed_entity { route_id: "r_10" }') -> str:
    return (
        f'entity {{ id: "{name}" alert {{ {period} {more} effect: DETOUR cause: CONSTRUCTION '
        'header_text { translation { text: "Umleitung" language: "de" } translation { text: "Detour" language: "en" } } '
        'description_text { translation { text: "Nur deutsch" language: "de" } } } }\n'
    )


def told(town: Town) -> set[str]:
    """``trip@stop`` of today's calls that bear a notice."""
    return {
        f"{row['tripId'].partition('_')[2]}@{stop}"
        for stop in STOPS
        for row in arrivals(town, stop, ALL_DAY)
        if row["situationIds"] and row["serviceDate"] == at(0) * 1000
    }


R_10 = {f"{trip}@{stop}" for trip in ("t1", "t3") for stop in ("pier_1", "mid", "top", "C1")}
R_10 |= {f"late@{stop}" for stop in ("pier_1", "mid", "C1")}
BACK = {"t2@C2", "t2@top b"}
HILL = {"express@pier_1", "express@C2", "shuttle@pier_1", "shuttle@mid"}


@pytest.mark.parametrize(
    ("selectors", "concerns"),
    [
        pytest.param(['agency_id: "H"'], R_10 | BACK, id="an agency"),
        pytest.param(['agency_id: "nobody"'], set(), id="an agency of elsewhere"),
        pytest.param(['route_id: "r_10"'], R_10 | BACK, id="a route"),
        pytest.param(['agency_id: "B" route_id: "r_10"'], set(), id="a route of another agency"),
        pytest.param(['route_id: "r_10" direction_id: 1'], BACK, id="one way of a route"),
        pytest.param(["route_type: 3"], R_10 | BACK | HILL, id="all buses"),
        pytest.param(["route_type: 1"], set(), id="the underground that there is not"),
        pytest.param(['stop_id: "mid"'], {"t1@mid", "t3@mid", "late@mid", "shuttle@mid"}, id="a stop"),
        pytest.param(['stop_id: "CENTRAL"'], {"t1@C1", "t3@C1", "late@C1", "t2@C2", "express@C2"}, id="a station"),
        pytest.param(['stop_id: "C2" route_id: "hill"'], {"express@C2"}, id="a route at a stop"),
        pytest.param(['trip { trip_id: "t1" }'], {it for it in R_10 if it.startswith("t1")}, id="a trip"),
        pytest.param(
            ['trip { trip_id: "t1" direction_id: 1 }'],
            {it for it in R_10 if it.startswith("t1")},
            id="a trip, its way numbered otherwise",
        ),
        pytest.param(['trip { trip_id: "t1" start_date: "20261123" } stop_id: "top"'], {"t1@top"}, id="its call today"),
        pytest.param(['trip { trip_id: "t1" start_date: "20261124" }'], set(), id="a trip tomorrow"),
        pytest.param(['trip { route_id: "r_10" direction_id: 1 }'], BACK, id="trips of one way"),
        pytest.param(
            ['trip { route_id: "r_10" start_time: "08:30:00" start_date: "20261123" }'],
            {it for it in R_10 if it.startswith("t3")},
            id="a trip by its start",
        ),
        pytest.param(['stop_id: "gone"', 'route_id: "hill"'], HILL, id="one of two is known"),
        pytest.param([""], set(), id="nothing at all"),
    ],
)
async def test_notice_concerns_what_its_selectors_name(town: Town, selectors: list[str], concerns: set[str]) -> None:
    """No more, and no less."""
    await hear(town, notice("n", "", " ".join(f"informed_entity {{ {it} }}" for it in selectors)))
    assert told(town) == concerns


async def test_notice_about_an_added_trip_may_name_its_direction(town: Town) -> None:
    """The timetable knows no way of a trip that it does not have."""
    more = 'schedule_relationship: ADDED route_id: "r_10" start_time: "08:15:00"'
    added = update("extra", call("pier_1", at(8, 15)) + call("C1", at(8, 35)), more=more)
    about = notice("n", "", 'informed_entity { trip { trip_id: "extra" route_id: "r_10" direction_id: 1 } }')
    await hear(town, added + about)
    assert told(town) == {"extra@pier_1", "extra@C1"}


@pytest.mark.parametrize(
    ("periods", "holds"),
    [
        pytest.param("", True, id="none: for as long as it is told"),
        pytest.param("active_period { }", True, id="open on both sides"),
        pytest.param(f"active_period {{ start: {at(8)} end: 0 }}", True, id="end 0 is open"),
        pytest.param(f"active_period {{ end: {at(8, 4)} }}", False, id="over"),
        pytest.param(f"active_period {{ start: {at(9)} }}", False, id="to come"),
        pytest.param(f"active_period {{ start: {at(7)}000 end: {at(9)}000 }}", True, id="milliseconds"),
        pytest.param(f"active_period {{ start: {at(9)}000 }}", False, id="milliseconds, to come"),
        pytest.param(
            f"active_period {{ start: {at(7)} end: {at(9)} }} active_period {{ start: {at(8)} end: {at(10)} }}",
            True,
            id="overlapping",
        ),
        pytest.param(
            f"active_period {{ start: {at(6)} end: {at(7)} }} active_period {{ start: {at(9)} }}",
            False,
            id="between two",
        ),
        pytest.param(f"active_period {{ start: {at(9)} end: {at(7)} }}", False, id="ends before it begins"),
    ],
)
async def test_notice_holds_in_its_periods(town: Town, periods: str, holds: bool) -> None:
    """At 08:05."""
    await hear(town, notice("n", periods))
    assert bool(told(town)) is holds


@pytest.mark.parametrize(
    ("translations", "summary"),
    [
        pytest.param('translation { text: "Detour" }', {"lang": "en", "value": "Detour"}, id="no language"),
        pytest.param(
            'translation { text: "" language: "en" } translation { text: "Umleitung" language: "de" }',
            {"lang": "de", "value": "Umleitung"},
            id="blank in the city's language",
        ),
        pytest.param(
            'translation { text: "<b>Detour</b>" language: "en-html" } translation { text: "Detour" language: "en" }',
            {"lang": "en", "value": "Detour"},
            id="marked up and plain",
        ),
        pytest.param(
            'translation { text: "One" language: "en" } translation { text: "Two" language: "en" }',
            {"lang": "en", "value": "One"},
            id="said twice",
        ),
    ],
)
async def test_notice_is_told_in_plain_words(town: Town, translations: str, summary: dict[str, str]) -> None:
    await hear(
        town,
        f'entity {{ id: "n" alert {{ informed_entity {{ route_id: "r_10" }} header_text {{ {translations} }} }} }}\n',
    )
    (situation,) = town.data("route/1_r_10")["references"]["situations"]
    assert situation["summary"] == summary


async def test_notices_are_told_in_their_time_and_language(town: Town) -> None:
    """Not before, not after; in the city's language, else in the first there is; ids qualified; when it was first seen."""
    await hear(
        town,
        notice("now", f"active_period {{ start: {at(8)} end: {at(9)} }}")
        + notice("over", f"active_period {{ end: {at(8)} }}")
        + notice("coming", f"active_period {{ start: {at(9)} }}"),
    )
    data = town.data("arrivals-and-departures-for-stop/1_mid")
    (row,) = of_trip(data["entry"]["arrivalsAndDepartures"], "1_t1")
    assert row["situationIds"] == ["1_now"]
    (told,) = data["references"]["situations"]
    assert told["summary"] == {"lang": "en", "value": "Detour"}
    assert told["description"] == {"lang": "de", "value": "Nur deutsch"}
    assert told["activeWindows"] == [{"from": ms(8), "to": ms(9)}]
    assert told["creationTime"] == ms(8, 5)
    assert (told["reason"], told["consequences"][0]["condition"]) == ("CONSTRUCTION", "detour")
    assert told["allAffects"][0]["routeId"] == "1_r_10"
    await town.clock.advance_s(3600)
    assert [told["id"] for told in town.data("route/1_r_10")["references"]["situations"]] == ["1_coming"]

"""What of an Alert stands, and that phones, pages and trips see the same of it."""

from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from api.formats.geojson import alert_feature, ring_of
from domain.alert import Alert, AlertInfo, AlertState, ChainLink, Circle
from domain.concern import assess_place
from domain.geo import distance_m
from domain.risk import RiskLevel
from domain.standing import shown_part, standing_part
from domain.subscription import Place
from notify.policy import decide
from tests.notify.warnings import FAR_SQUARE, NOW, block, flood, resident

THERE = Place(label="Far", lat=50.5, lon=19.5, radius_m=500.0)


def mixed(*blocks: tuple[AlertInfo, str]) -> Alert:
    """An event of one message for each block; a message with a reason may not be pushed."""
    links = tuple(
        ChainLink(identifier=f"m{number}", seen=True, live=True, why_not_pushable=why, info_count=1)
        for number, (_, why) in enumerate(blocks)
    )
    return flood(*(one for one, _ in blocks), links=links)


@pytest.mark.parametrize(
    "second",
    [
        (block(areas=(FAR_SQUARE,), expires_epoch_s=int(NOW) - 60), ""),
        (block(areas=(FAR_SQUARE,), response_types=("AllClear",)), ""),
        (block(areas=(FAR_SQUARE,), urgency="Past"), ""),
        (block(areas=(FAR_SQUARE,), headline="Monthly test"), "it is a test: headline"),
        (block(areas=(FAR_SQUARE,)), "scope is Restricted, not Public"),
    ],
    ids=["ended", "all clear", "past", "test", "restricted"],
)
def test_a_block_that_is_told_to_nobody_is_on_no_map(second: tuple[AlertInfo, str]) -> None:
    """One block of two does not hold (any more): a phone in its ground stays silent, and the map leaves it out."""
    alert = mixed((block(), ""), second)
    standing = standing_part(alert, NOW)
    assert standing is not None
    assert standing.infos == alert.infos[:1]
    there = resident("r", THERE)
    risks = [assess_place(standing, THERE, NOW)]
    assert risks[0].level is RiskLevel.NONE
    assert decide(standing, there, risks, None) is None
    assert len(alert_feature(standing, "en")["geometry"]["coordinates"]) == 1


@pytest.mark.parametrize(
    "alert",
    [
        flood(state=AlertState.CANCELLED),
        flood(pushable=False),
        flood(block(response_types=("AllClear",))),
        flood(block(expires_epoch_s=int(NOW))),
        mixed((block(), "it is a test")),
        replace(mixed((block(), "it is a test")), infos=(block(), block())),
    ],
)
def test_what_is_no_warning_stands_nowhere(alert: Alert) -> None:
    assert standing_part(alert, NOW) is None


def test_who_asks_for_an_event_sees_what_phones_may_be_told_of_it() -> None:
    """Also when it is over; an exercise is shown as what it is."""
    alert = mixed((block(), ""), (block(headline="For the staff"), "scope is Restricted, not Public"))
    assert shown_part(alert).infos == alert.infos[:1]
    assert shown_part(replace(alert, state=AlertState.EXPIRED)).infos == alert.infos[:1]
    exercise = replace(mixed((block(), "status is Exercise, not Actual")), pushable=False)
    assert shown_part(exercise) is exercise


def test_what_stands_whole_is_the_same_alert() -> None:
    alert = flood(block(), block(language="fr"))
    assert standing_part(alert, NOW) is alert


@pytest.mark.parametrize(("lat", "lon"), [(50.0, 10.0), (-17.0, 179.99), (60.0, -179.9), (0.0, 0.0)])
@pytest.mark.parametrize("radius_m", [500.0, 40_000.0, 400_000.0])
def test_a_drawn_circle_holds_the_disc_in_one_piece(lat: float, lon: float, radius_m: float) -> None:
    """No edge cuts into the disc, no corner lies on the other side of the world."""
    ring = ring_of(Circle(lat=lat, lon=lon, radius_m=radius_m))
    assert ring[0] == ring[-1]
    for (west, south), (east, north) in pairwise(ring):
        assert abs(east - west) < 90
        assert distance_m(lat, lon, (south + north) / 2, (west + east) / 2) >= radius_m * 0.999
        assert distance_m(lat, lon, south, west) <= radius_m * 1.01
    assert msgspec.json.encode(ring)

"""What a warning means for a place: which blocks cover it, how badly, and in which words."""

from dataclasses import replace
from typing import Any

import pytest

from domain.alert import Alert, AlertState, Area, Circle
from domain.concern import assess_place, assess_places, blocks_touching, level_of
from domain.risk import RiskLevel
from domain.standing import ends_epoch_s, says_over
from domain.subscription import Place
from predictor.alert_chains import advance
from tests.feeds.formats.cap_messages import alert, info, read

T0 = 1_795_435_200
NOW = T0 + 60
BLOCK = read(alert()).infos[0]
INSIDE = Place(label="home", lat=50.5, lon=10.5, radius_m=100)
BESIDE = Place(label="work", lat=50.5, lon=11.01, radius_m=800)
FAR = Place(label="away", lat=52.0, lon=13.0, radius_m=1_000)


def event(*infos: str, **changes: Any) -> Alert:
    (made,) = advance({}, [read(alert(*infos))], feed_id="civil", seen_epoch_s=NOW, now_epoch_s=NOW).told
    return replace(made, **changes)


def block(**changes: Any) -> Any:
    return replace(BLOCK, **changes)


def areas(inside: str) -> str:
    return f"<area><areaDesc>Zone 26</areaDesc>{inside}</area>"


CODE = areas("<geocode><valueName>UGC</valueName><value>AKZ026</value></geocode>")


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"severity": "Extreme"}, RiskLevel.EXTREME),
        ({"severity": "Severe"}, RiskLevel.SEVERE),
        ({"severity": "Moderate"}, RiskLevel.MODERATE),
        ({"severity": "Minor"}, RiskLevel.MINOR),
        pytest.param({"severity": "Unknown"}, RiskLevel.MODERATE, id="nobody said that it is harmless"),
        pytest.param({"severity": "Severe", "certainty": "Possible"}, RiskLevel.MODERATE, id="possible"),
        pytest.param({"severity": "Severe", "certainty": "Unlikely"}, RiskLevel.MODERATE, id="unlikely"),
        pytest.param({"severity": "Severe", "certainty": "Unknown"}, RiskLevel.SEVERE, id="certainty unknown"),
        pytest.param({"severity": "Extreme", "urgency": "Future"}, RiskLevel.SEVERE, id="future"),
        pytest.param(
            {"severity": "Extreme", "urgency": "Future", "certainty": "Possible"}, RiskLevel.SEVERE, id="only one step"
        ),
        pytest.param({"severity": "Minor", "certainty": "Possible"}, RiskLevel.MINOR, id="never to nothing"),
        pytest.param({"urgency": "Past"}, RiskLevel.NONE, id="past"),
        pytest.param({"urgency": "Past", "response_types": ("Shelter",)}, RiskLevel.SEVERE, id="past, but act"),
        pytest.param({"response_types": ("AllClear",)}, RiskLevel.NONE, id="all clear"),
        pytest.param(
            {"parameters": (("awareness_level", "1; green; Minor"),)}, RiskLevel.NONE, id="green is no warning"
        ),
    ],
)
def test_level(changes: dict[str, Any], level: RiskLevel) -> None:
    assert level_of(block(**changes)) is level


@pytest.mark.parametrize(
    ("event", "is_over"),
    [
        ("Tsunami Cancellation", True),
        ("Flood Warning Cancelled", True),
        ("Evacuation order canceled", True),
        ("Cancelled: Severe Thunderstorm Warning", True),
        ("Cancelled", True),
        ("All Clear", True),
        ("Entwarnung", True),
        ("Cessata allerta", True),
        ("Fin d'alerte", True),
        ("大雨警報 解除", True),
        ("大雨警報（解除）", True),
        ("大雨警報を解除しました", True),
        ("警報は解除されました。", True),
        ("津波警報 解除のお知らせ", True),
        ("解除暴雨蓝色预警信号", True),
        ("大雨特報解除", True),
        ("避難指示 一部解除", False),
        ("一部地域の避難指示を解除", False),
        ("部分的に解除", False),
        ("部分地区解除", False),
        ("警報尚未解除", False),
        ("警报还没有解除", False),
        ("预警未解除", False),
        ("大雨警報（未解除）", False),
        ("警報は解除されていません", False),
        ("解除されません", False),
        ("解除されず", False),
        ("解除しない", False),
        ("解除できない", False),
        ("解除の見込みなし", False),
        ("解除（見込み）", False),
        ("解除されたわけではない", False),
        ("解除前预警", False),
        ("等待解除警报", False),
        ("警戒レベル4 解除までとどまること", False),
        ("Tsunami warning not cancelled", False),
        ("Warning not yet cancelled", False),
        ("Warning partially cancelled", False),
        ("No all-clear yet", False),
        ("Noch keine Entwarnung", False),
        ("Warnung noch nicht aufgehoben", False),
        ("Pas de levée d'alerte", False),
        ("Warnung aufgehoben", True),
        ("Trains cancelled because of storm", False),
        ("School Cancellation", False),
        ("Events cancelled; avoid the river", False),
        ("Flood Warning", False),
    ],
)
def test_a_cancelled_train_is_no_cancelled_warning(event: str, is_over: bool) -> None:
    assert says_over(block(event=event)) is is_over


def test_says_over_reads_words_of_the_event_only() -> None:
    """A headline may say that a school is cancelled."""
    assert says_over(block(event="Tsunami Cancellation"))
    assert not says_over(block(headline="School cancelled because of snow"))


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"expires_epoch_s": T0 + 100}, T0 + 100),
        pytest.param({"expires_epoch_s": 0}, T0 + 86_400, id="silent"),
        pytest.param({"expires_epoch_s": T0 - 5}, T0 + 86_400, id="ends before it is sent"),
        pytest.param({"expires_epoch_s": T0 + 50, "onset_epoch_s": T0 + 50}, T0 + 50 + 86_400, id="ends as it starts"),
        pytest.param(
            {"expires_epoch_s": T0 + 10, "parameters": (("eventEndingTime", "2026-11-23T20:00:00+00:00"),)},
            T0 + 8 * 3600,
            id="NWS: expires is the text's",
        ),
        pytest.param(
            {"expires_epoch_s": T0 + 10, "parameters": (("eventEndingTime", "soon"),)}, T0 + 10, id="unreadable"
        ),
    ],
)
def test_end_of_a_block(changes: dict[str, Any], end: int) -> None:
    assert ends_epoch_s(block(**changes)) == end


def test_a_silent_end_moves_on_while_listed() -> None:
    assert ends_epoch_s(block(expires_epoch_s=0), T0 + 50_000) == T0 + 50_000 + 86_400


def test_inside_beside_and_far() -> None:
    """Beside the line counts when the place's radius reaches over it (0.7 km away)."""
    inside, beside, far = assess_places(event(), (INSIDE, BESIDE, FAR), NOW)
    assert (inside.level, inside.info_indexes, beside.level) == (RiskLevel.SEVERE, (0,), RiskLevel.SEVERE)
    assert inside.reasons == (
        "The warning's area reaches this place: Box.",
        "Severe severity, immediate urgency, observed certainty.",
        "It holds until 2026-11-23 18:00 UTC.",
    )
    assert (far.level, far.info_indexes) == (RiskLevel.NONE, ())
    assert far.reasons == ("The warning's area does not reach this place.",)
    assert assess_place(event(), replace(BESIDE, radius_m=600), NOW).level is RiskLevel.NONE


def test_the_worst_block_that_covers_the_place_counts() -> None:
    """Three blocks of one language with ground and severity of their own (as in tsunami messages)."""
    north = areas("<polygon>52.5,12.5 52.5,13.5 51.5,13.5 51.5,12.5</polygon>")
    both = event(info(severity="Moderate"), info(severity="Extreme", areas=north), info(language="vi"))
    near, far = assess_places(both, (INSIDE, FAR), NOW)
    assert (near.level, near.info_indexes) == (RiskLevel.SEVERE, (0, 2))
    assert (far.level, far.info_indexes) == (RiskLevel.EXTREME, (1,))


def test_ground_without_outline_touches_everywhere_but_counts_a_step_less() -> None:
    """A code that no table here can draw: no place is provably outside. Extreme stays Extreme."""
    risk = assess_place(event(info(CODE)), FAR, NOW)
    assert (risk.level, risk.info_indexes) == (RiskLevel.MODERATE, (0,))
    assert risk.reasons[0] == "The issuer names Zone 26 without an outline; this place may or may not be in it."
    assert assess_place(event(info(CODE, severity="Extreme")), FAR, NOW).level is RiskLevel.EXTREME
    both = blocks_touching(event(info(CODE), info()), (INSIDE, FAR))
    assert both.tolist() == [[1, 2], [1, 0]]


def test_blocks_touch_only_the_places_in_their_ground() -> None:
    """Every block that touches, in each language; no place at all is fine."""
    assert blocks_touching(event(info(), info(language="fr")), (INSIDE, FAR)).tolist() == [[2, 2], [0, 0]]
    assert blocks_touching(event(), ()).shape == (0, 1)


def test_everywhere_is_everywhere() -> None:
    risk = assess_place(event(info(areas="")), FAR, NOW)
    assert (risk.level, risk.reasons[0]) == (
        RiskLevel.SEVERE,
        "The warning is for everywhere that its issuer speaks for.",
    )


def test_a_widened_point_is_ground() -> None:
    risk = assess_place(event(info(areas("<circle>50.5,10.5 0</circle>"))), INSIDE, NOW)
    assert risk.level is RiskLevel.SEVERE
    assert assess_place(event(info(areas("<circle>50.5,10.5 0</circle>"))), FAR, NOW).level is RiskLevel.NONE


def test_what_is_over_is_no_risk_and_says_so() -> None:
    over = assess_place(event(state=AlertState.CANCELLED), INSIDE, NOW)
    assert (over.level, over.info_indexes, over.reasons[-1]) == (
        RiskLevel.NONE,
        (0,),
        "The warning is over (cancelled).",
    )
    late = assess_place(event(), INSIDE, T0 + 21_600)
    assert (late.level, late.reasons[-1]) == (RiskLevel.NONE, "It ended at 2026-11-23 18:00 UTC.")
    passed = assess_place(event(info(urgency="Past")), INSIDE, NOW)
    assert (passed.level, passed.reasons[-1]) == (RiskLevel.NONE, "The issuer says that the danger has passed.")


def test_each_block_ends_at_its_own_time() -> None:
    """The Extreme part is over; the Moderate part of the same event holds on."""
    two = event(info(severity="Extreme", expires="2026-11-23T13:00:00Z"), info(severity="Moderate"))
    assert assess_place(two, INSIDE, NOW).level is RiskLevel.EXTREME
    assert assess_place(two, INSIDE, T0 + 3_600).level is RiskLevel.MODERATE


def test_what_is_to_come_says_when() -> None:
    risk = assess_place(event(info(onset="2026-11-23T14:00:00Z", expires="")), INSIDE, NOW)
    assert risk.reasons[2:] == (
        "It starts at 2026-11-23 14:00 UTC.",
        "It holds until 2026-11-24 14:00 UTC, unless the issuer says otherwise: it names no end.",
    )


def test_no_places_and_many_places() -> None:
    """Ten thousand places are a matter of milliseconds, and each gets its own answer."""
    assert assess_places(event(), (), NOW) == []
    many = [replace(INSIDE, lon=9.5 + number / 5_000, radius_m=0) for number in range(10_000)]
    risks = assess_places(event(), many, NOW)
    assert sum(risk.level is RiskLevel.SEVERE for risk in risks) == 5_001


def test_circles_count_as_discs() -> None:
    ground = Area(description="", circles=(Circle(lat=50.0, lon=9.0, radius_m=5_000),))
    made = event()
    made = replace(made, infos=(replace(made.infos[0], areas=(ground,)),))
    corner = Place(label="", lat=50.043, lon=9.066, radius_m=0)
    assert assess_place(made, corner, NOW).level is RiskLevel.NONE
    assert assess_place(made, replace(corner, radius_m=2_000), NOW).level is RiskLevel.SEVERE

"""Warnings that come while the city sleeps: which wake, which wait, and that no serious one is slept through unheard."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.alert import Alert, AlertState, Severity
from domain.subscription import Subscription
from runtime.clock import FakeClock
from store import alerts, subscriptions
from tests.notify.at_work import all_released, refused, settled, until, waiting, working
from tests.notify.phones import Phones
from tests.notify.warnings import AT, ELSEWHERE, FAR_SQUARE, HOME, NOW, block, flood, over, resident

NIGHT = ("11:00", "13:00")  # it is noon
UNHEARD = "During quiet hours there was a warning for Home: serious danger. "


async def slept(
    home: Path, redis_url: str, phones: Phones, first: Alert, then: list[Alert], who: Subscription | None = None
) -> None:
    """A night in which *first* comes, then *then*; returns in the morning, when all is told."""
    clock = FakeClock(AT)
    async with working(home, redis_url, phones, clock, NIGHT) as hall:
        await subscriptions.put(hall, who or resident())
        await alerts.put_alerts(hall, [first], NOW)
        await waiting(hall, 1)
        for alert in then:
            await alerts.put_alerts(hall, [alert], NOW)
            await settled(hall)
        assert phones.titles("token-r1") == []
        await clock.advance_s(timedelta(hours=1, minutes=1).total_seconds())
        await all_released(hall)


async def test_a_serious_warning_waits_and_an_extreme_one_does_not(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    clock = FakeClock(AT)
    extreme = flood(block(severity=Severity.EXTREME, event="Dam failure"), alert_id="dam")
    async with working(tmp_path, redis_url, phones, clock, NIGHT) as hall:
        await subscriptions.put(hall, resident())
        await alerts.put_alerts(hall, [flood(), extreme], NOW)
        await until(lambda: bool(phones.handed("token-r1")))
        await waiting(hall, 1)
        assert phones.titles("token-r1") == ["Dam failure"]
        await alerts.put_alerts(hall, [over(extreme)], NOW)
        await until(lambda: len(phones.handed("token-r1")) == 2)
        await clock.advance_s(timedelta(hours=1, minutes=1).total_seconds())
        await all_released(hall)
    assert phones.titles("token-r1") == ["Dam failure", "All clear: Dam failure", "Flood Warning"]


SERIOUS, MODERATE = flood(), flood(block(severity=Severity.MODERATE))
GONE = flood(block(areas=(FAR_SQUARE,)), revision=2)
MILDER = flood(block(severity=Severity.MINOR), revision=2)


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        pytest.param(
            SERIOUS, [over(SERIOUS)],
            [("All clear: Flood Warning", UNHEARD + "Home: the issuer has cancelled this warning.")], id="cancelled",
        ),
        pytest.param(
            SERIOUS, [over(SERIOUS, AlertState.EXPIRED)],
            [("Ended: Flood Warning", UNHEARD + "Home: this warning has run out. The issuer has not renewed it.")],
            id="ran out",
        ),
        pytest.param(
            SERIOUS, [GONE], [("Ended: Flood Warning", UNHEARD + "Home: this warning no longer covers it.")], id="moved on",
        ),
        pytest.param(
            SERIOUS, [flood(pushable=False, revision=2, why_not_pushable="it is a test")], [], id="it was a test",
        ),
        pytest.param(MODERATE, [over(MODERATE)], [], id="moderate, and over: it is not worth a word"),
        pytest.param(
            SERIOUS, [flood(block(event="Flash Flood Warning"), revision=2)],
            [("Flash Flood Warning", "Home: serious danger. Until 18:00. The river is over its banks. Move to higher ground. Do not drive through water.")],
            id="another word for it: told once, as it is",
        ),
    ],
)  # fmt: skip
async def test_what_became_of_a_warning_in_the_night_is_told_in_the_morning(
    tmp_path: Path, redis_url: str, phones: Phones, first: Alert, then: list[Alert], told: list[tuple[str, str]]
) -> None:
    await slept(tmp_path, redis_url, phones, first, then)
    found = [(one["notification"]["title"], one["notification"]["body"]) for one in phones.handed("token-r1")]
    assert found == told


async def test_a_warning_that_became_milder_than_asked_for_is_told_as_what_it_was(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """Who wants to hear of serious danger alone slept through some."""
    await slept(tmp_path, redis_url, phones, SERIOUS, [MILDER], resident(minimum_level="severe"))
    (one,) = phones.handed("token-r1")
    assert one["notification"]["body"] == UNHEARD + "Home: it goes on, milder than before."
    assert one["notification"]["title"] == "Update: Flood Warning"


async def test_a_warning_that_ran_out_by_itself_in_the_night_is_told(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """Its own end lies before the morning, and nobody has looked at it since."""
    brief = flood(block(expires_epoch_s=int(NOW) + 600), expires_epoch_s=int(NOW) + 600)
    await slept(tmp_path, redis_url, phones, brief, [])
    (one,) = phones.handed("token-r1")
    assert one["notification"]["title"] == "Ended: Flood Warning"
    assert one["notification"]["body"] == UNHEARD + "Home: this warning has run out. The issuer has not renewed it."


async def test_the_word_in_the_morning_outlives_a_provider_out_of_breath(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    clock = FakeClock(AT)
    async with working(tmp_path, redis_url, phones, clock, NIGHT) as hall:
        await subscriptions.put(hall, resident())
        await alerts.put_alerts(hall, [SERIOUS], NOW)
        await waiting(hall, 1)
        await alerts.put_alerts(hall, [over(SERIOUS)], NOW)
        await settled(hall)
        phones.double.fault_status, phones.double.fault_left, phones.double.fault_retry_after_s = 429, 1, 30
        await clock.advance_s(3660)
        await refused(hall, phones, 0)
        await clock.advance_s(60)
        await until(lambda: bool(phones.handed("token-r1")))
        await all_released(hall)
    assert phones.titles("token-r1") == ["All clear: Flood Warning"]


async def test_who_moved_the_place_away_in_the_night_is_told_nothing(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """Neither the warning nor that it was: neither is about a place that is still asked for."""
    clock = FakeClock(AT)
    async with working(tmp_path, redis_url, phones, clock, NIGHT) as hall:
        kept = (await subscriptions.put(hall, resident())).subscription
        await alerts.put_alerts(hall, [SERIOUS, flood(alert_id="b")], NOW)
        await waiting(hall, 2)
        await subscriptions.edit(hall, kept.subscription_id, lambda now: replace(now, places=(ELSEWHERE,)))
        await settled(hall)
        await alerts.put_alerts(hall, [over(flood(alert_id="b"))], NOW)
        await settled(hall)
        await clock.advance_s(3660)
        await all_released(hall)
    assert phones.handed("token-r1") == []
    assert HOME.label != ELSEWHERE.label

"""Residents who move, change or leave while a warning holds."""

from dataclasses import replace
from pathlib import Path

from runtime.clock import FakeClock
from store import alerts, deliveries, subscriptions
from store.hall import Hall
from tests.notify.at_work import all_released, settled, until, waiting, working
from tests.notify.phones import Phones
from tests.notify.warnings import AT, ELSEWHERE, HOME, NOW, block, flood, over, resident


async def moves_out_once_warned(hall: Hall, phones: Phones) -> None:
    """A resident who is told of the flood, and then moves elsewhere."""
    kept = (await subscriptions.put(hall, resident())).subscription
    await alerts.put_alerts(hall, [flood()], NOW)
    await until(lambda: bool(phones.handed("token-r1")))
    await subscriptions.edit(hall, kept.subscription_id, lambda now: replace(now, places=(ELSEWHERE,)))
    await settled(hall)


async def test_who_moves_out_of_the_ground_is_told_of_the_end_alone(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """Silence at the move: an all-clear would say that the danger there is over."""
    async with working(tmp_path, redis_url, phones) as hall:
        await moves_out_once_warned(hall, phones)
        assert phones.titles("token-r1") == ["Flood Warning"]
        await alerts.put_alerts(hall, [over(flood())], NOW)
        await until(lambda: len(phones.handed("token-r1")) == 2)
        await settled(hall)
    assert phones.titles("token-r1") == ["Flood Warning", "All clear: Flood Warning"]


async def test_who_moved_out_is_told_that_an_update_no_longer_covers_them_and_no_more(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """What stands on their screen is put right once; the end that follows is no news."""
    async with working(tmp_path, redis_url, phones) as hall:
        await moves_out_once_warned(hall, phones)
        update = flood(block(instruction="Leave the valley."), revision=2)
        await alerts.put_alerts(hall, [update], NOW)
        await until(lambda: len(phones.handed("token-r1")) == 2)
        await alerts.put_alerts(hall, [over(update)], NOW)
        await settled(hall)
    assert phones.titles("token-r1") == ["Flood Warning", "Ended: Flood Warning"]


async def test_who_moves_into_the_ground_is_warned_and_who_comes_back_sees_it_once(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    async with working(tmp_path, redis_url, phones) as hall:
        kept = (await subscriptions.put(hall, resident("r1", ELSEWHERE))).subscription
        await alerts.put_alerts(hall, [flood()], NOW)
        await settled(hall)
        assert phones.handed("token-r1") == []
        for places in ((HOME,), (ELSEWHERE,), (HOME,)):
            await subscriptions.edit(hall, kept.subscription_id, lambda now, to=places: replace(now, places=to))  # type: ignore[misc]
            await settled(hall)
    assert phones.titles("token-r1") == ["Flood Warning"]


async def test_who_leaves_hears_nothing_any_more_not_even_what_waits(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """Deleted while a provider out of breath had put one warning off, and before the all-clear of another."""
    clock = FakeClock(AT)
    async with working(tmp_path, redis_url, phones, clock) as hall:
        kept = (await subscriptions.put(hall, resident())).subscription
        await alerts.put_alerts(hall, [flood()], NOW)
        await until(lambda: bool(phones.handed("token-r1")))
        phones.double.fault_status, phones.double.fault_left = 429, 1
        await alerts.put_alerts(hall, [flood(alert_id="b")], NOW)
        await waiting(hall, 1)
        await subscriptions.delete(hall, kept.subscription_id)
        await alerts.put_alerts(hall, [over(flood())], NOW)
        await clock.advance_s(120)
        await all_released(hall)
        (latest, *_) = await deliveries.recent(hall)
    assert (latest["outcome"], latest["detail"]) == ("refused", "no such subscription any more")
    assert phones.titles("token-r1") == ["Flood Warning"]

"""The notify process on a real Redis-compatible server and a real socket to the FCM double."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.alert import AlertState, MessageStatus
from domain.notification import ToldState
from domain.subscription import Subscription
from runtime.clock import FakeClock
from store import alerts, deliveries, keys, subscriptions
from store.hall import Hall
from tests.notify.at_work import refused, rested, settled, until, waiting, working
from tests.notify.phones import Phones
from tests.notify.warnings import AT, ELSEWHERE, FAR_SQUARE, NOW, block, flood, over, resident


async def test_a_warning_its_update_and_its_end_are_one_notification(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """Who lives there is warned once, sees the update in its place, then the all-clear; who lives elsewhere, nothing."""
    async with working(tmp_path, redis_url, phones) as hall:
        here = (await subscriptions.put(hall, resident())).subscription
        await subscriptions.put(hall, resident("r2", ELSEWHERE))
        await settled(hall)
        first = flood()
        await alerts.put_alerts(hall, [first], NOW)
        await until(lambda: bool(phones.titles("token-r1")))
        second = flood(block(instruction="Leave the valley now."), revision=2)
        await alerts.put_alerts(hall, [second], NOW)
        await until(lambda: len(phones.titles("token-r1")) == 2)
        await alerts.put_alerts(hall, [over(second)], NOW)
        await until(lambda: len(phones.titles("token-r1")) == 3)
        await settled(hall)
        told = await deliveries.all_told(hall, first.alert_id)
        counts = await deliveries.counts(hall)
    assert phones.titles("token-r1") == ["Flood Warning", "Update: Flood Warning", "All clear: Flood Warning"]
    assert [one["title"] for one in phones.on_screen("token-r1")] == ["All clear: Flood Warning"]
    assert phones.handed("token-r2") == []
    assert {name: one.kind.value for name, one in told.items()} == {here.subscription_id: "all_clear"}
    assert {outcome.value: count for outcome, count in counts.items()} == {"sent": 3}


async def test_a_newcomer_gets_what_is_in_force_once(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    """Who subscribes during a warning gets it; who subscribes again is not told again."""
    async with working(tmp_path, redis_url, phones) as hall:
        await alerts.put_alerts(hall, [flood()], NOW)
        await settled(hall)
        await subscriptions.put(hall, resident())
        await until(lambda: bool(phones.titles("token-r1")))
        again = await subscriptions.put(hall, resident(language="vi"))
        await settled(hall)
    assert not again.is_new
    assert phones.titles("token-r1")[0] == "Flood Warning"
    assert len(phones.on_screen("token-r1")) == 1


async def test_an_exercise_is_never_pushed(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    """Neither the exercise nor its end, nor what hangs as a test on a real event, reaches a phone."""
    exercise = flood(
        status=MessageStatus.EXERCISE, pushable=False, why_not_pushable="status is Exercise, not Actual", alert_id="x"
    )
    async with working(tmp_path, redis_url, phones) as hall:
        await subscriptions.put(hall, resident())
        await alerts.put_alerts(hall, [exercise], NOW)
        await settled(hall)
        await alerts.put_alerts(hall, [over(exercise), flood()], NOW)
        await until(lambda: bool(phones.handed("token-r1")))
        await settled(hall)
    assert phones.titles("token-r1") == ["Flood Warning"]


async def test_who_is_left_by_a_shrinking_area_gets_the_all_clear(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    async with working(tmp_path, redis_url, phones) as hall:
        await subscriptions.put(hall, resident())
        await alerts.put_alerts(hall, [flood()], NOW)
        await until(lambda: bool(phones.handed("token-r1")))
        await alerts.put_alerts(hall, [flood(block(areas=(FAR_SQUARE,)), revision=2)], NOW)
        await until(lambda: len(phones.handed("token-r1")) == 2)
    (shown,) = phones.on_screen("token-r1")
    assert (shown["title"], shown["body"]) == ("Ended: Flood Warning", "Home: this warning no longer covers it.")


async def test_the_same_news_again_is_silent(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    """A revision that changes nothing for a person is not pushed; planning twice does not push twice."""
    async with working(tmp_path, redis_url, phones) as hall:
        await subscriptions.put(hall, resident())
        await alerts.put_alerts(hall, [flood()], NOW)
        await until(lambda: bool(phones.handed("token-r1")))
        elsewhere = block(areas=(FAR_SQUARE,), event="Flood Watch")
        await alerts.put_alerts(hall, [flood(block(), elsewhere, revision=2)], NOW)
        await alerts.put_alerts(hall, [flood(block(), elsewhere, revision=2)], NOW)
        await settled(hall)
    assert phones.titles("token-r1") == ["Flood Warning"]


async def test_an_event_taken_up_by_another_gives_no_all_clear_where_the_danger_goes_on(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """One update replaced two events: who is in its area hears of it, who is not gets the all-clear."""
    north = flood(block(areas=(FAR_SQUARE,)), alert_id="north")
    async with working(tmp_path, redis_url, phones) as hall:
        there = resident("there", replace(ELSEWHERE, lat=50.5, lon=19.5))
        both = resident("both", replace(ELSEWHERE, lat=50.5, lon=19.5), replace(ELSEWHERE, lat=50.5, lon=9.5))
        await subscriptions.put(hall, there)
        await subscriptions.put(hall, both)
        await alerts.put_alerts(hall, [north], NOW)
        await until(lambda: bool(phones.handed("token-there") and phones.handed("token-both")))
        gone = replace(over(north), superseded_by="civil|flood-1")
        await alerts.put_alerts(hall, [flood(revision=2)], NOW, quiet=[gone])
        await until(lambda: len(phones.handed("token-there")) == 2 and len(phones.handed("token-both")) == 2)
        await settled(hall)
    assert phones.titles("token-there") == ["Flood Warning", "Ended: Flood Warning"]
    assert phones.titles("token-both") == ["Flood Warning", "Flood Warning"]


async def test_a_provider_out_of_breath_is_asked_again(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    """429 and 503 put it off; nothing is lost, nobody is told twice."""
    clock = FakeClock(AT)
    phones.double.fault_status, phones.double.fault_left, phones.double.fault_retry_after_s = 429, 2, 30
    async with working(tmp_path, redis_url, phones, clock) as hall:
        await subscriptions.put(hall, resident())
        await settled(hall)
        await alerts.put_alerts(hall, [flood()], NOW)
        for left in (1, 0):
            await refused(hall, phones, left)
            assert phones.handed("token-r1") == []
            assert await deliveries.all_told(hall, flood().alert_id) == {}
            await clock.advance_s(40)
        await until(lambda: bool(phones.handed("token-r1")))
        await settled(hall)
    assert phones.titles("token-r1") == ["Flood Warning"]


async def test_a_provider_that_mumbles_all_day_rings_a_phone_a_few_times(
    tmp_path: Path, redis_url: str, phones: Phones
) -> None:
    """Each hand-over may have rung: ever more seldom, nine at most; the end is told all the same."""
    clock = FakeClock(AT)
    phones.double.mumbles = True
    day = block(expires_epoch_s=int(NOW) + 48 * 3600)
    alert = flood(day, expires_epoch_s=int(NOW) + 48 * 3600)
    async with working(tmp_path, redis_url, phones, clock) as hall:
        await subscriptions.put(hall, resident())
        await settled(hall)
        await alerts.put_alerts(hall, [alert], NOW)
        await rested(hall, clock)
        rung = []
        for _ in range(15 * 2):
            await clock.advance_s(1800)
            await rested(hall, clock)
            rung.append(len(phones.handed("token-r1")))
        assert 2 <= rung[1] <= 5
        assert (rung[5] <= 7, rung[-1]) == (True, 9)
        assert len({message["android"]["notification"]["tag"] for message in phones.handed("token-r1")}) == 1
        phones.double.mumbles = False
        gone = replace(over(alert), ended_epoch_s=int(clock.now_epoch_s()))
        await alerts.put_alerts(hall, [gone], clock.now_epoch_s())
        await until(lambda: len(phones.handed("token-r1")) == 10)
        await rested(hall, clock)
    assert phones.titles("token-r1")[9:] == ["All clear: Flood Warning"]


async def test_once_a_provider_speaks_again_nothing_is_repeated(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    """The next hand-over is the last."""
    clock = FakeClock(AT)
    phones.double.mumbles = True
    async with working(tmp_path, redis_url, phones, clock) as hall:
        await subscriptions.put(hall, resident())
        await settled(hall)
        await alerts.put_alerts(hall, [flood()], NOW)
        await rested(hall, clock)
        phones.double.mumbles = False
        for _ in range(12):
            await clock.advance_s(900)
            await rested(hall, clock)
    assert phones.titles("token-r1") == ["Flood Warning"] * 2


@pytest.mark.parametrize(("life_min", "silent_min"), [(10, 5), (40, 12), (60, 45), (90, 45)])
async def test_a_short_warning_outlives_a_silent_provider(
    tmp_path: Path, redis_url: str, phones: Phones, life_min: int, silent_min: int
) -> None:
    """No wait reaches beyond the warning's end while much of its life is left."""
    clock, until_epoch_s = FakeClock(AT), int(NOW) + life_min * 60
    phones.double.mumbles = True
    async with working(tmp_path, redis_url, phones, clock) as hall:
        await subscriptions.put(hall, resident())
        await settled(hall)
        brief = flood(block(expires_epoch_s=until_epoch_s), expires_epoch_s=until_epoch_s)
        await alerts.put_alerts(hall, [brief], NOW)
        await rested(hall, clock)
        for step in range(1, 30):
            await clock.advance_s(life_min * 2)
            phones.double.mumbles = step * life_min / 30 < silent_min
            await rested(hall, clock)
        told = await deliveries.all_told(hall, brief.alert_id)
        assert await hall.redis.xlen(keys.pushes_dead()) == 0
    assert [one.state for one in told.values()] == [ToldState.SENT]
    assert len(phones.handed("token-r1")) <= 9


@pytest.mark.parametrize("life_min", [10, 40])
async def test_a_warning_that_no_provider_takes_to_its_end_is_given_up_in_sight(
    tmp_path: Path, redis_url: str, phones: Phones, caplog: pytest.LogCaptureFixture, life_min: int
) -> None:
    """Tried into its last third, then logged and kept for an operator to look at."""
    clock, until_epoch_s = FakeClock(AT), int(NOW) + life_min * 60
    phones.double.mumbles = True
    rung = []
    async with working(tmp_path, redis_url, phones, clock) as hall:
        await subscriptions.put(hall, resident())
        await settled(hall)
        await alerts.put_alerts(hall, [flood(block(expires_epoch_s=until_epoch_s), expires_epoch_s=until_epoch_s)], NOW)
        await rested(hall, clock)
        for _ in range(30):
            rung.append(len(phones.handed("token-r1")))
            await clock.advance_s(life_min * 2)
            await rested(hall, clock)
        ((_, given_up),) = await hall.redis.xrange(keys.pushes_dead())
    assert b"without a message name" in given_up[b"reason"]
    assert rung[20] < rung[-1] <= 9
    assert [record.levelname for record in caplog.records if "push_given_up" in record.getMessage()] == ["ERROR"]


async def test_a_dead_token_is_forgotten(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    dead = resident(device=replace(resident().device, token="unregistered-1"))
    async with working(tmp_path, redis_url, phones) as hall:
        kept = (await subscriptions.put(hall, dead)).subscription
        await settled(hall)
        await alerts.put_alerts(hall, [flood()], NOW)
        async with asyncio.timeout(20):
            while await subscriptions.get(hall, kept.subscription_id):
                await asyncio.sleep(0.02)
        await settled(hall)
        (receipt,) = await deliveries.recent(hall)
    assert receipt["outcome"] == "refused"
    assert "unregistered-1" not in str(receipt)
    assert kept.subscription_id not in str(receipt)


async def test_wrong_credentials_do_not_empty_a_small_town(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    """Every token is called dead, as with another project's key: some are believed, the others kept and tried again."""
    async with working(tmp_path, redis_url, phones) as hall:
        for number in range(12):
            device = replace(resident().device, token=f"unregistered-{number}")
            await subscriptions.put(hall, resident(f"r{number}", device=device))
        await settled(hall)
        await alerts.put_alerts(hall, [flood()], NOW)
        await waiting(hall, 7)
        left = [one async for page in _all(hall) for one in page]
    assert len(left) == 7


async def _all(hall: Hall) -> AsyncIterator[list[Subscription]]:
    for shard in range(keys.SUBSCRIPTION_SHARDS):
        async for page in subscriptions.in_shard(hall, shard):
            yield page


async def test_what_ran_out_is_not_pushed_and_its_end_is_told(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    async with working(tmp_path, redis_url, phones) as hall:
        await subscriptions.put(hall, resident())
        await alerts.put_alerts(hall, [flood(block(expires_epoch_s=int(NOW) - 1), expires_epoch_s=int(NOW) - 1)], NOW)
        await settled(hall)
        assert phones.handed("token-r1") == []
        await alerts.put_alerts(hall, [flood(alert_id="b")], NOW)
        await until(lambda: bool(phones.handed("token-r1")))
        await alerts.put_alerts(hall, [over(flood(alert_id="b"), AlertState.EXPIRED)], NOW)
        await until(lambda: len(phones.handed("token-r1")) == 2)
    assert phones.titles("token-r1") == ["Flood Warning", "Ended: Flood Warning"]


async def test_the_worker_says_that_it_is_alive(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    async with working(tmp_path, redis_url, phones) as hall:
        async with asyncio.timeout(20):
            while not (beat := await hall.redis.get(keys.heartbeat("notify"))):
                await asyncio.sleep(0.02)
    assert float(beat) == NOW


async def test_work_goes_on_after_the_server_lost_everything(tmp_path: Path, redis_url: str, phones: Phones) -> None:
    """Groups that are gone are made again."""
    async with working(tmp_path, redis_url, phones) as hall:
        await alerts.put_alerts(hall, [flood()], NOW)
        await settled(hall)
        await hall.redis.flushall()
        await subscriptions.put(hall, resident())
        fire = flood(block(event="Wildfire"), alert_id="fire")  # the first again: its version is that of the flood
        await alerts.put_alerts(hall, [fire], NOW)
        await until(lambda: bool(phones.handed("token-r1")))
    assert phones.titles("token-r1") == ["Wildfire"]

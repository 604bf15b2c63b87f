"""Random stories of a warning, a resident, a night and a provider out of breath: what must hold whatever happens."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from domain.alert import Alert, AlertState, Severity
from runtime.clock import FakeClock
from store import alerts, keys, subscriptions
from tests.notify.at_work import rested, working
from tests.notify.phones import Phones
from tests.notify.warnings import AT, ELSEWHERE, FAR_SQUARE, HOME, NOW, SQUARE, block, flood, resident

NIGHT = ("12:40", "13:40")
STEP_S = 1200
STEPS = 9
ANY = ("here", "here", "far", "over", "milder", "extreme", "move", "fault", "nothing")
BY_NIGHT, BY_DAY = ("here", "here", "far", "over", "milder", "nothing"), ("far", "over", "fault", "nothing")
"""Of every other story: all that reaches the resident begins in the night, and most of it ends there."""
OVER = ("All clear: ", "Ended: ")


@pytest.mark.parametrize("seed", range(10))
async def test_nobody_is_left_with_a_warning_that_is_over_or_without_one_that_holds(
    tmp_path: Path, redis_url: str, phones: Phones, seed: int
) -> None:
    """In the end the screen shows no warning; every serious one that held here was told, or that it was; none elsewhere."""
    lot, clock = random.Random(seed), FakeClock(AT)
    story: list[str] = []
    owed = slept_through = False
    alert: Alert = flood(block(areas=(FAR_SQUARE,)))
    async with working(tmp_path, redis_url, phones, clock, NIGHT) as hall:
        kept = (await subscriptions.put(hall, resident())).subscription
        at_home = True
        await alerts.put_alerts(hall, [alert], NOW)
        for _ in range(STEPS):
            now = clock.now_epoch_s()
            is_night = NIGHT[0] <= f"{clock.now():%H:%M}" < NIGHT[1]
            what = lot.choice(BY_NIGHT if seed % 2 and is_night else BY_DAY if seed % 2 else ANY)
            story.append(f"{clock.now():%H:%M} {what}")
            if what in {"here", "milder", "extreme", "far"}:
                severity = {"milder": Severity.MINOR, "extreme": Severity.EXTREME}.get(what, Severity.SEVERE)
                areas = (FAR_SQUARE,) if what == "far" else (SQUARE,)
                said = block(severity=severity, areas=areas, instruction=f"Step {len(story)}.")
                alert = replace(flood(said), revision=alert.revision + 1, updated_epoch_s=int(now))
            elif what == "over" and alert.state is AlertState.IN_FORCE:
                alert = replace(alert, state=AlertState.CANCELLED, revision=alert.revision + 1, ended_epoch_s=int(now))
            elif what == "move":
                at_home = not at_home
                place = HOME if at_home else ELSEWHERE
                await subscriptions.edit(hall, kept.subscription_id, lambda one, to=place: replace(one, places=(to,)))  # type: ignore[misc]
            elif what == "fault":
                phones.double.fault_status, phones.double.fault_left, phones.double.fault_retry_after_s = 429, 1, 60
            await alerts.put_alerts(hall, [alert], now)
            await rested(hall, clock)
            is_here = alert.state is AlertState.IN_FORCE and alert.infos[0].areas == (SQUARE,) and at_home
            if is_here and not phones.double.fault_left:
                waits = await hall.redis.zcard(keys.pushes_later())
                assert waits or phones.handed("token-r1"), story
                owed |= not is_night and not waits
            slept_through |= is_here and is_night and alert.infos[0].severity is not Severity.MINOR
            await clock.advance_s(STEP_S)
            await rested(hall, clock)
        if alert.state is AlertState.IN_FORCE:
            now = clock.now_epoch_s()
            alert = replace(alert, state=AlertState.CANCELLED, revision=alert.revision + 1, ended_epoch_s=int(now))
            await alerts.put_alerts(hall, [alert], now)
        for _ in range(4):
            await rested(hall, clock)
            await clock.advance_s(STEP_S)
        await rested(hall, clock)
        assert await hall.redis.zcard(keys.pushes_later()) == 0, story
    titles = phones.titles("token-r1")
    assert titles or not owed, story
    assert titles or not slept_through or any("move" in step for step in story), story
    screen = phones.on_screen("token-r1")
    assert len(screen) <= 1, story
    assert all(one["title"].startswith(OVER) for one in screen), (story, titles)

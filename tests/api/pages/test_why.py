"""The page that says why: for what is learned, for the agency's word, for the bare timetable, and for nonsense."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from api.app import Application
from api.pages import table
from api.pages.board import PASSED_S
from predictor.learned.explanation import Explanation, Hour, Opinion, Segment
from store import explanations
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import DAY, Bus, Row, Town, at

CALLS = [("pier_1", at(8), at(8), 4), ("mid", at(8, 13), at(8, 13), 0), ("top", at(8, 24), at(8, 25), 0),
         ("C1", at(8, 34), at(8, 34), 0)]  # fmt: skip
TOP = f"/why?stop=1_top&trip=1_t1&serviceDate={DAY * 1000}&stopSequence=2"


def explanation() -> Explanation:
    """Of t1's arrival at Top: it is half way to Middle Street."""
    return Explanation(
        now_epoch_s=at(8, 5), kind="en_route", located_epoch_s=at(8, 4, 50), age_s=10.0, delay_s=180.0, next_position=1,
        stands=False, network_ratio=1.12, today=1.05, gap=-0.7, gap_ratio=0.97,
        segments=[
            Segment(to_position=1, part=0.5, scheduled_s=600, expected_s=690, ratio=1.15, n=12, dwell_s=20, held=0),
            Segment(to_position=2, part=1.0, scheduled_s=600, expected_s=650, ratio=1.083, n=9, dwell_s=15, held=0,
                    hour=Hour(day="weekday", hour=8, n=4.2)),
        ],
        experts=[
            Opinion(expert="ratio", says_s=1005, bias_s=-4, weight=0.7),
            Opinion(expert="ratio_today", says_s=1011, bias_s=0, weight=0.1),
            Opinion(expert="constant_delay", says_s=1080, bias_s=0, weight=0.2),
        ],
        blend_s=1025, quantiles_s={"p10": -90, "p30": -20, "p50": 0, "p90": 160, "published": -15},
        times_epoch_s={"p10": at(8, 20, 35), "p30": at(8, 21, 45), "p50": at(8, 22, 5), "p90": at(8, 24, 45), "published": at(8, 21, 50)},
    )  # fmt: skip


@pytest.fixture
async def town(tmp_path: Path, redis_url: str) -> AsyncIterator[Town]:
    hall = Hall.connect(redis_url)
    town = Town(tmp_path, hall=hall)
    town.application = Application(town.settings, town.clock, town.replica, hall, table.ROUTES)
    await town.replica.refresh()
    yield town
    await hall.close()


async def explained(town: Town, redis_url: str, told: Explanation) -> str:
    """The page of t1's arrival at Top, while the predictor says *told*."""
    predictor = Hall.connect(redis_url)

    async def answer() -> None:
        question = await explanations.next_question(predictor, 10.0)
        assert question is not None
        await explanations.answer(predictor, question, msgspec.json.encode(told))

    answering = asyncio.create_task(answer())
    page = await get(town.application, TOP)
    await answering
    await predictor.close()
    assert page.status_code == 200, page.text
    return page.text


@pytest.mark.parametrize(
    ("language", "words", "hour"),
    [
        ("en", "In 8 of 10 such cases", "on weekdays from 8 to 9 h: 4"),
        ("vi", "Trong 8 trên 10", "ngày thường 8–9 giờ: 4"),
    ],
)
async def test_a_learned_arrival_is_explained_with_a_picture(
    town: Town, redis_url: str, language: str, words: str, hour: str
) -> None:
    """The predictor is asked over the hall; every segment and expert is named, and the hour where one was told apart."""
    await town.tell([Row(trip="t1", calls=CALLS, source=3, vehicle=0)], [Bus(name="7", row=0, lat=44.605)])
    predictor = Hall.connect(redis_url)

    async def answer() -> None:
        question = await explanations.next_question(predictor, 10.0)
        assert question is not None
        assert (question.trip, question.position) == ("t1", 2)
        await explanations.answer(predictor, question, msgspec.json.encode(explanation()))

    answering = asyncio.create_task(answer())
    page = await get(town.application, f"{TOP}&lang={language}")
    await answering
    await predictor.close()
    assert page.status_code == 200, page.text
    assert '<svg class="whyway"' in page.text
    assert page.text.count('<circle class="stop"') == 2
    assert "Middle Street" in page.text
    assert "× 1.15" in page.text
    assert "70 %" in page.text
    assert "× 0.30" in page.text
    assert page.text.count(hour) == 1
    assert "because." not in page.text.split("</header>")[1].split('<script type="application/json"')[0]


async def test_where_the_agencys_time_is_told_ours_is_explained_beside_it(town: Town, redis_url: str) -> None:
    """The page gives the agency's time, and says what we would have said and how that is made up."""
    await town.tell([Row(trip="t1", calls=CALLS, source=1, vehicle=0)], [Bus(name="7", row=0, lat=44.605)])
    said = await explained(town, redis_url, explanation())
    assert "The agency predicts it." in said
    assert re.search(r"We ourselves would say \d\d:21:50", said)
    assert "Riders are told the agency" in said
    assert "earlier than the middle" not in said
    assert said.count('<circle class="stop"') == 2


async def test_the_band_is_that_of_the_arrival_not_moved_by_the_stay(town: Town, redis_url: str) -> None:
    """It arrives at 8:24 or up to two minutes around that, and leaves a minute later: it comes between :22 and :26."""
    bands = [(-120, 120)] * len(CALLS)
    await town.tell([Row(trip="t1", calls=CALLS, source=3, vehicle=0, bands=bands)], [Bus(name="7", row=0, lat=44.605)])
    said = await explained(town, redis_url, explanation())
    assert re.search(r"Why \d\d:25\?", said)
    assert re.search(r"the vehicle comes between \d\d:22 and \d\d:26\.", said)


async def test_what_is_the_middle_is_not_called_earlier_than_it(town: Town, redis_url: str) -> None:
    """And a correction by nothing has no sign of its own."""
    whole = explanation()
    times = {**whole.times_epoch_s, "published": whole.times_epoch_s["p50"]}
    experts = [Opinion(expert="ratio", says_s=1005, bias_s=-0.4, weight=1.0)]
    await town.tell([Row(trip="t1", calls=CALLS, source=3, vehicle=0)], [Bus(name="7", row=0, lat=44.605)])
    said = await explained(town, redis_url, replace(whole, times_epoch_s=times, experts=experts))
    assert re.search(r"Riders are told \d\d:22:05, the middle", said)
    assert "earlier than the middle" not in said
    assert "+0 s" in said
    assert "-0 s" not in said


@pytest.mark.parametrize(("after_s", "live"), [(20, True), (PASSED_S + 1, False)])
async def test_what_the_board_no_longer_lists_is_not_called_live(town: Town, after_s: int, live: bool) -> None:
    """Also where the agency goes on naming the time that is over."""
    await town.clock.advance_s(20 * 60 + after_s)
    await town.tell([Row(trip="t1", calls=CALLS, vehicle=0)], [Bus(name="7", row=0, lat=44.605)])
    page = (await get(town.application, TOP)).text
    assert ("A live prediction is shown." in page, 'class="live"' in page) == (live, live)
    assert ("Its time has passed" in page) == (not live)
    board = (await get(town.application, "/stops/1_top")).text
    assert ("trip=1_t1&" in board) == live


async def test_a_time_that_is_not_told_is_nobodys_word(town: Town, redis_url: str) -> None:
    """Predictions are too old to be shown: neither the agency nor we are said to tell riders a time."""
    await town.tell([Row(trip="t1", calls=CALLS, vehicle=0)], [Bus(name="7", row=0, lat=44.605)])
    assert "The agency predicts it." in await explained(town, redis_url, explanation())
    await town.clock.advance_s(120)
    said = await explained(town, redis_url, explanation())
    assert "Predictions have not been renewed for too long: the timetable is shown." in said
    assert "The agency predicts it." not in said
    assert "Riders are told" not in said


async def test_the_agencys_word_and_the_timetable_are_said_so(town: Town) -> None:
    planned = await get(town.application, TOP)
    assert "Nothing live is known" in planned.text or "no predictions" in planned.text
    await town.tell([Row(trip="t1", calls=CALLS)])
    told = await get(town.application, TOP)
    assert "The agency predicts it." in told.text
    assert "Why 04:25?" in told.text or "Why 08:25?" in told.text


@pytest.mark.parametrize("query", ["stop=1_top", "stop=1_none&trip=1_t1", "stop=1_top&trip=nonsense", ""])
async def test_nonsense_is_a_page_that_says_so(town: Town, query: str) -> None:
    page = await get(town.application, f"/why?{query}")
    assert page.status_code in {400, 404}
    assert "<h1" in page.text


async def test_the_board_links_to_why(town: Town) -> None:
    await town.tell([Row(trip="t1", calls=CALLS)])
    board = await get(town.application, "/stops/1_top")
    assert "/why?stop=1_top&amp;trip=1_t1&amp;serviceDate=" in board.text


async def test_the_part_that_is_renewed_is_the_page_without_its_frame(town: Town) -> None:
    """What a script asks for again is the same sentences, and asks for the same call."""
    await town.tell([Row(trip="t1", calls=CALLS)])
    page, part = await get(town.application, TOP), await get(town.application, f"{TOP}&part=why")
    assert (page.status_code, part.status_code) == (200, 200)
    assert "<html" not in part.text
    assert part.text in page.text
    assert f'data-source="{TOP.replace("&", "&amp;")}&amp;part=why"' in page.text
    assert (await get(town.application, "/why?stop=1_top&trip=1_none&part=why")).status_code == 404

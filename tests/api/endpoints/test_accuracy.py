"""Our own score, open to all."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from api.app import Application
from api.pages import table
from domain.score import FIELDS, METHODS, SHAPE, STRATA, ScoreDay, Tally
from store import scores
from store.hall import Hall
from tests.api.asgi import get
from tests.api.town import Town


def tally(**errors_s: float) -> Tally:
    """200 predictions each 3-6 minutes ahead of calls that the agency predicted too, all that wrong."""
    made = np.zeros(SHAPE)
    for method, error_s in errors_s.items():
        cell = made[STRATA.index("with_agency"), METHODS.index(method), 1]
        for name, value in (("n", 1), ("error_s", error_s), ("absolute_s", abs(error_s)), ("eta_n", 1)):
            cell[FIELDS.index(name)] = 200 * value
        cell[FIELDS.index("eta_good")] = 200 * (-60 <= error_s <= 150)
    return made


def with_pages(town: Town) -> Application:
    return Application(town.settings, town.clock, town.replica, town.application.starlette.state.hall, table.ROUTES)


@pytest.fixture
async def town(tmp_path: Path, redis_url: str) -> AsyncIterator[Town]:
    """Two days: on the 10 ours was better on both, on the hill route the agency."""
    hall = Hall.connect(redis_url)
    town = Town(tmp_path, hall=hall)
    await town.replica.refresh()
    ours, theirs = tally(published=30, ours=30, agency=200), tally(published=90, ours=90, agency=20)
    await scores.put(hall, "town", 20261122, ScoreDay.of({"r_10": ours}), 0.0)
    await scores.put(hall, "town", 20261123, ScoreDay.of({"r_10": ours, "hill": theirs, "gone": ours}), 0.0)
    yield town
    await hall.close()


async def test_accuracy_by_route_says_who_is_better(town: Town) -> None:
    body = (await get(town.application, "/api/v1/accuracy?days=2")).json()
    found = body["feeds"]["town"]
    assert {it["routeId"]: (it["name"], it["better"]) for it in found["routes"]} == {
        "1_r_10": ("10", "ours"),
        "1_gone": ("gone", "ours"),
        "40_hill": ("Hill Express", "agency"),
    }
    assert found["overall"]["with_agency"]["published"]["n"] == 800
    assert found["overall"]["with_agency"]["published"]["mae_s"][1] == 45.0
    assert [day["date"] for day in found["days"]] == ["2026-11-22", "2026-11-23"]
    assert "without_agency" not in found["overall"]


async def test_accuracy_of_one_day_and_one_route(town: Town) -> None:
    body = (await get(town.application, "/api/v1/accuracy?days=1&route=40_hill")).json()
    (route,) = body["feeds"]["town"]["routes"]
    assert route["with_agency"]["agency"]["bias_s"] == [None, 20.0, None, None, None]


@pytest.mark.parametrize(
    ("query", "status"), [("days=0", 400), ("days=36", 400), ("days=x", 400), ("route=1_none", 404), ("", 200)]
)
async def test_accuracy_refuses_what_it_cannot_answer(town: Town, query: str, status: int) -> None:
    assert (await get(town.application, f"/api/v1/accuracy?{query}")).status_code == status


@pytest.mark.parametrize("language", ["en", "vi"])
async def test_the_page_shows_score_plots_and_routes(town: Town, language: str) -> None:
    answer = await get(with_pages(town), f"/accuracy?days=2&lang={language}")
    assert answer.status_code == 200
    assert "<strong>100 %" in answer.text or "<strong>100 % " in answer.text
    assert answer.text.count('<figure class="plot">') == 2
    assert "Hill Express" in answer.text
    since = {"en": "Since 22 Nov: 800 predictions.", "vi": "Từ ngày 22/11: 800 dự báo."}
    assert since[language] in answer.text


async def test_the_page_of_a_first_day_speaks_of_today_alone(town: Town) -> None:
    """However many days are asked about; a single day has no picture of days."""
    await scores.put(town.application.starlette.state.hall, "town", 20261122, ScoreDay(), 0.0)
    answer = await get(with_pages(town), "/accuracy?days=7&lang=en")
    assert "Today so far: 600 predictions." in answer.text
    assert answer.text.count('<figure class="plot">') == 1


async def test_the_page_before_anything_was_scored(tmp_path: Path, redis_url: str) -> None:
    hall = Hall.connect(redis_url)
    town = Town(tmp_path, hall=hall)
    await town.replica.refresh()
    answer = await get(with_pages(town), "/accuracy")
    await hall.close()
    assert answer.status_code == 200
    assert "Nothing has been scored yet" in answer.text


async def test_metrics_say_how_good_today_is(town: Town) -> None:
    text = (await get(town.application, "/metrics")).text
    labels = 'feed="town",calls="with_agency",method="published"'
    assert f"wayside_predictions_scored_count{{{labels}}} 600" in text
    assert f'wayside_prediction_error_seconds{{{labels},minutes="3-6"}} 50' in text
    assert f"wayside_prediction_eta_percent{{{labels}}} 100" in text
    told = (await get(town.application, "/api/v1/accuracy?days=1")).json()["feeds"]["town"]["overall"]["with_agency"]
    assert f"wayside_prediction_reliable_percent{{{labels}}} {told['published']['reliable']:g}" in text
    for minutes, accurate in zip(("0-3", "3-6", "6-12", "12-30"), told["published"]["mbta"], strict=True):
        line = f'wayside_prediction_mbta_percent{{{labels},minutes="{minutes}"}}'
        assert (line in text) == (accurate is not None)

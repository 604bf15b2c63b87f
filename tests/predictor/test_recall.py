"""What was learned survives the process, a new timetable, and goes on from what somebody else put there."""

from dataclasses import replace

import numpy as np

from domain.score import SHAPE
from predictor.learned.settings import Settings
from predictor.recall import KEEP_EVERY_S, Recall
from store import learned, scores
from store.hall import Hall
from tests.predictor.driven import run
from tests.predictor.streets import Streets, at

NOW = float(at(8, 31))


async def learned_town(town: Streets, hall: Hall) -> Recall:
    recall = Recall(hall, "streets", Settings())
    town.foresight = await recall.begin(town.schedule, None, NOW)
    run(town, 91)
    await recall.keep(town.foresight, NOW)
    return recall


async def test_another_process_goes_on_from_what_was_learned(town: Streets, hall: Hall) -> None:
    await learned_town(town, hall)
    assert town.foresight is not None
    other = await Recall(hall, "streets", Settings()).begin(town.schedule, None, NOW)
    was, now = town.foresight.engine.state().columns, other.engine.state().columns
    assert len(was["pair.n"]) == 12
    assert list(was) == list(now)
    for name, column in was.items():
        np.testing.assert_array_equal(now[name], column)
    assert sorted(other.preference.book.tallies) == sorted(town.foresight.preference.book.tallies)


async def test_yesterdays_scores_count_and_todays_begin_anew_at_midnight(town: Streets, hall: Hall) -> None:
    recall = await learned_town(town, hall)
    assert town.foresight is not None
    count = sum(tally.sum() for tally in town.foresight.preference.book.tallies.values())
    assert count > 0
    await recall.keep(town.foresight, at(25))
    assert town.foresight.preference.book.tallies == {}
    assert sum(tally.sum() for tally in town.foresight.preference.history.values()) == count
    assert (await scores.get(hall, "streets", 20261123)).routes == ["S"]


async def test_an_import_is_taken_over_and_not_written_over(town: Streets, hall: Hall) -> None:
    recall = await learned_town(town, hall)
    assert town.foresight is not None
    columns = {name: column.copy() for name, column in town.foresight.engine.state().columns.items()}
    columns["pair.n"] = columns["pair.n"] + 1000
    await learned.put(hall, "streets", columns, NOW)
    await recall.keep(town.foresight, NOW + KEEP_EVERY_S)
    assert (town.foresight.engine.state().columns["pair.n"] > 1000).all()
    found = await learned.get(hall, "streets")
    assert found is not None
    assert (found[2]["pair.n"] > 1000).all()


async def test_what_cannot_be_read_is_begun_anew(town: Streets, hall: Hall) -> None:
    await learned.put(hall, "streets", {"something": np.zeros(3)}, NOW)
    foresight = await Recall(hall, "streets", Settings()).begin(town.schedule, None, NOW)
    assert len(foresight.engine.state().columns["pair.n"]) == 0


async def test_a_new_timetable_keeps_what_was_learned(town: Streets, hall: Hall) -> None:
    recall = await learned_town(town, hall)
    before = town.foresight
    assert before is not None
    after = await recall.begin(town.schedule, before, NOW)
    assert after.engine is before.engine
    assert {route: tally.shape for route, tally in after.preference.book.tallies.items()} == dict.fromkeys(
        before.preference.book.tallies, SHAPE
    )
    assert replace(after.preference.book).tallies.keys() == before.preference.book.tallies.keys()

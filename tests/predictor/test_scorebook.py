"""Our own score: by hand-checked predictions."""

import numpy as np
import pytest

from domain.score import FIELDS, METHODS, STRATA, score_of
from predictor.scorebook import Came, Scorebook, Told, crossings

NOW = 1_795_406_400.0
NAN = float("nan")


def told(*rows: tuple[int, int, float, float, float, float]) -> Told:
    """(run, position, published, ours, agency, scheduled): seconds from now."""
    run, position, *times = zip(*rows, strict=True)
    published, ours, agency, scheduled = (NOW + np.array(column) for column in times)
    return Told(
        run=np.array(run), position=np.array(position), route=np.array(run) // 100, published_epoch_s=published,
        ours_epoch_s=ours, agency_epoch_s=agency, scheduled_epoch_s=scheduled, early_epoch_s=published - 30,
        late_epoch_s=published + 60,
    )  # fmt: skip


def came(*rows: tuple[int, int, float]) -> Came:
    run, position, at = zip(*rows, strict=True)
    return Came(run=np.array(run), position=np.array(position), at_epoch_s=NOW + np.array(at))


def test_a_prediction_is_scored_when_its_vehicle_comes() -> None:
    """Ours 20 s, the agency 200 s, the timetable 260 s wrong, five minutes ahead."""
    book = Scorebook()
    book.note(NOW, told((101, 3, 300, 310, 120, 60)))
    assert book.score(came((101, 2, 100))) == 0
    assert book.score(came((101, 3, 320))) == 1
    assert book.score(came((101, 3, 320))) == 0
    tally = book.tallies[1][STRATA.index("with_agency")]
    scores = {method: score_of(tally[at]) for at, method in enumerate(METHODS)}
    assert scores["published"].mae_s == [None, 20.0, None, None, None]
    assert scores["ours"].mae_s == [None, 10.0, None, None, None]
    assert scores["agency"].bias_s == [None, 200.0, None, None, None]
    assert scores["schedule"].mae_s == [None, 260.0, None, None, None]
    assert [scores[method].eta for method in METHODS] == [100.0, 100.0, 0.0, 0.0]
    assert scores["published"].mbta == [None, 100.0, None, None]
    assert scores["published"].coverage == 100.0
    assert scores["agency"].coverage is None
    assert scores["published"].missed == 0.0


def test_a_bus_that_left_before_its_promise_is_missed() -> None:
    book = Scorebook()
    book.note(NOW, told((101, 3, 300, 300, NAN, 300), (102, 3, 300, 300, NAN, 300)))
    book.score(came((101, 3, 239), (102, 3, 241)))
    published = score_of(book.tallies[1][STRATA.index("without_agency"), METHODS.index("published")])
    assert (published.n, published.missed, published.coverage) == (2, 50.0, 0.0)
    assert book.tallies[1][STRATA.index("with_agency")].sum() == 0


def test_routes_are_tallied_apart() -> None:
    book = Scorebook()
    book.note(NOW, told((101, 3, 300, 300, NAN, 300), (202, 3, 300, 300, NAN, 300)))
    book.score(came((101, 3, 300), (202, 3, 400)))
    sums = {route: tally[1, 0, :, FIELDS.index("absolute_s")].sum() for route, tally in book.tallies.items()}
    assert sums == {1: 0.0, 2: 100.0}


def test_predictions_are_written_down_once_a_minute() -> None:
    book = Scorebook()
    for seconds in range(0, 180, 10):
        book.note(NOW + seconds, told((101, 3, 600, 600, NAN, 600)))
    assert len(book.waiting["key"]) == 3


def test_who_never_comes_is_forgotten() -> None:
    book = Scorebook()
    book.note(NOW, told((101, 3, 300, 300, NAN, 300)))
    later = NOW + 3_600 + 301
    book.note(later, told((102, 3, later - NOW + 10, 0, NAN, 0)))
    assert len(book.waiting["key"]) == 1


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((400.0, 0.0), (600.0, 40.0), [(1, 17.0)]),  # the mark is at 485 m
        ((400.0, 0.0), (1100.0, 100.0), [(1, 85 / 7), (2, 585 / 7)]),
        ((400.0, 0.0), (600.0, 151.0), []),  # too long ago to say when
        ((600.0, 0.0), (400.0, 30.0), []),
        ((NAN, NAN), (600.0, 30.0), []),
        ((0.0, 0.0), (20.0, 30.0), []),
    ],
)
def test_crossings(before: tuple[float, float], now: tuple[float, float], expected: list[tuple[int, float]]) -> None:
    """A run with calls at 0, 500 and 1,000 m."""
    found = crossings(
        run=np.array([7]), ptr=np.array([0, 3]), distance_m=np.array([0.0, 500.0, 1000.0]),
        before_m=np.array([before[0]]), before_epoch_s=np.array([before[1]]),
        now_m=np.array([now[0]]), now_epoch_s=np.array([now[1]]),
    )  # fmt: skip
    assert found.position.tolist() == [position for position, _ in expected]
    np.testing.assert_allclose(found.at_epoch_s, [at for _, at in expected])

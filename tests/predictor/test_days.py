"""Two service days would do: the place decides."""

import pytest

from tests.predictor.streets import EAST, Report, Streets, along, at


@pytest.mark.parametrize(("metres", "date", "late_s"), [(5990, 20261123, 2 * 3600), (50, 20261124, 0)])
def test_a_daily_ferry_in_the_gap_between_its_runs(town: Streets, metres: int, date: int, late_s: int) -> None:
    """02:00 at night: at its end it is Monday's, two hours late; at its start it waits for Tuesday's departure at 04:00."""
    now = at(26)
    made = town.tick(now, Report(place=along(EAST, metres), when=now, trip="ferry1"))
    row = town.row(made, "ferry1")
    assert made.service_date[row] == date
    assert made.deviation_s[row] == pytest.approx(late_s, abs=130)


def test_a_date_that_is_written_is_kept(town: Streets) -> None:
    """The vehicle says that it is Monday's, early for Tuesday's or not."""
    now = at(26)
    made = town.tick(now, Report(place=along(EAST, 50), when=now, trip="ferry1", date=20261123))
    assert made.service_date[town.row(made, "ferry1")] == 20261123

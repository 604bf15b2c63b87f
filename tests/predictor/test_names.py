"""Names as numbers."""

import numpy as np

from predictor.names import Names
from tests.predictor.streets import DATE, Streets


def test_names_outlive_the_process_and_are_the_feeds_own(town: Streets) -> None:
    """The same from anew; other feeds' stops, agencies and runs are others, and so is a run of another day."""
    one, again, other = (Names(town.schedule, feed) for feed in ("streets", "streets", "elsewhere"))
    trip, date = np.array([0, 1, 1], np.int32), np.array([DATE, DATE, DATE + 1], np.int32)
    np.testing.assert_array_equal(one.stop, again.stop)
    np.testing.assert_array_equal(one.runs(trip, date), again.runs(trip, date))
    np.testing.assert_array_equal(one.runs(trip, date), one.runs(trip, date))
    everything = [
        *one.stop,
        *set(one.group),
        *one.runs(trip, date),
        *other.stop,
        *set(other.group),
        *other.runs(trip, date),
    ]
    assert len(set(everything)) == len(everything)
    assert len(one.group) == len(town.bundle.route_ids)

"""The checks by which OneBusAway judges a server, on the town and on recordings of real cities at their own moment."""

from collections import Counter

import pytest

from tests.conformance.cities import City
from tests.conformance.server_validator import Verdict, validate

EVERYTHING = 100_000
GROUPS = (
    "basic-endpoints", "agency-union", "gtfs-sanity", "rt-freshness", "vehicle-positions-sampling",
    "trip-update-sampling", "service-alert-crossref",
)  # fmt: skip


UNKNOWN_TRIPS = {"bart": 0.25}
"""The share of trips that a city's feed tells of and its schedule of that day does not know: nothing to match them to."""


def test_no_check_fails(city: City) -> None:
    """Seven groups, with a sample of three as the validator takes it."""
    if city.name in UNKNOWN_TRIPS:
        pytest.skip(f"{city.name}: the recording's schedule is of another day than its feed")
    checks = validate(city, city.schedule)
    assert [check for check in checks if check.verdict is Verdict.FAIL] == []
    assert {check.group for check in checks} == set(GROUPS)


def test_hardly_any_check_fails_on_everything_that_can_be_sampled(city: City) -> None:
    """Every vehicle, every trip and every notice of the feeds.

    What does fail are trips whose update names a stop that the schedule's trip does not have, or that the schedule does
    not know though it is not called added, or with times hours away from the schedule: those are rightly not believed.
    """
    checks = validate(city, city.schedule, EVERYTHING)
    verdicts = Counter((check.group, check.verdict) for check in checks)
    failed = [check for check in checks if check.verdict is Verdict.FAIL]
    assert {check.group for check in failed} <= {"trip-update-sampling"}
    assert len(failed) <= max(1, UNKNOWN_TRIPS.get(city.name, 0.02) * verdicts["trip-update-sampling", Verdict.PASS]), (
        failed
    )
    for group in GROUPS[4:6]:
        doubts, passed = verdicts[group, Verdict.WARN], verdicts[group, Verdict.PASS]
        assert doubts <= 0.05 * (doubts + passed), [check for check in checks if check.verdict is Verdict.WARN]

"""Which timetable, which software."""

from datetime import UTC, datetime

from tests.api.town import Town


def test_config_names_the_timetable_and_its_days(town: Town) -> None:
    """Days as texts of milliseconds, the first and the last on which anything runs; every property of a build is a text."""
    entry = town.data("config")["entry"]
    assert entry["id"] == "g1"
    first, last = (
        datetime.fromtimestamp(int(entry[name]) / 1000, UTC) for name in ("serviceDateFrom", "serviceDateTo")
    )
    assert (first, last) == (datetime(2026, 11, 2, 4, tzinfo=UTC), datetime(2026, 12, 31, 4, tzinfo=UTC))
    assert len(entry["gitProperties"]) == 20
    assert set(map(type, entry["gitProperties"].values())) == {str}

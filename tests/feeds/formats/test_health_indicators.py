"""Case rates become a chain of messages for each district that says neither too much nor too little."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alert import Alert, AlertMessage, AlertState, Severity
from domain.feed import FeedKind, FeedSpec
from feeds.formats.health_indicators import KEEP_S, CaseRates, decode
from predictor.alert_chains import advance

SPEC = FeedSpec(feed_id="cases", kind=FeedKind.CASE_RATES, url="http://health.example/rates.json", interval_s=60)
DAY_0 = datetime(2026, 11, 1, 6, tzinfo=UTC)
SQUARE = [[[10.0, 50.0], [10.1, 50.0], [10.1, 50.1], [10.0, 50.1], [10.0, 50.0]]]


def feature(rate: object, name: str = "D1", **said: object) -> dict[str, object]:
    ground = {"type": "Polygon", "coordinates": SQUARE}
    return {"type": "Feature", "properties": {"name": name, "cases_per_100k_7day": rate, **said}, "geometry": ground}


def document(*features: object, published: object = DAY_0.isoformat()) -> bytes:
    said = {"type": "FeatureCollection", "features": features, "published_at": published}
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


class Office:
    """A health office over time, and what people are told of it."""

    def __init__(self) -> None:
        self.level: dict[str, AlertMessage] = {}
        self.known: dict[str, Alert] = {}
        self.told: list[tuple[str, Severity]] = []
        self.problems: tuple[str, ...] = ()

    def publishes(self, data: bytes, now: datetime) -> CaseRates:
        decoded = decode(data, spec=SPEC, before=self.level, now_epoch_s=now.timestamp())
        self.level = decoded.items.level
        self.problems = tuple(problem.code for problem in decoded.problems)
        for after_s in (0, 600, 1200, 1800):
            at = now.timestamp() + after_s
            changes = advance(self.known, decoded.items.messages, feed_id="cases", seen_epoch_s=at, now_epoch_s=at)
            self.known |= {one.alert_id: one for one in (*changes.told, *changes.quiet)}
            for alert_id in changes.forgotten:
                del self.known[alert_id]
            # A longer life is put before those who could not be reached; whoever was told hears nothing of it.
            said = [(one.state.value, one.infos[0].severity, one.revision) for one in changes.told]
            self.told += [(state, severity) for state, severity, _ in said if self.told[-1:] != [(state, severity)]]
        return decoded.items

    def day(self, number: int, *rates: float) -> None:
        now = DAY_0 + timedelta(days=number)
        features = [feature(rate, f"D{row}") for row, rate in enumerate(rates, 1)]
        self.publishes(document(*features, published=now.isoformat()), now)


def test_a_level_that_holds_for_weeks_is_neither_repeated_nor_ended() -> None:
    """Thirty mornings above the threshold: one warning, and it is still in force."""
    office = Office()
    for number in range(30):
        office.day(number, 120.0 + number)
    assert office.told == [("in_force", Severity.MODERATE)]
    (alert,) = office.known.values()
    assert alert.expires_epoch_s == int((DAY_0 + timedelta(days=29)).timestamp()) + KEEP_S


def test_rates_that_waver_around_the_threshold_do_not_call_wolf() -> None:
    """95, 104, 99, 101 …: the warning stands until the rate is well below."""
    office = Office()
    for number, rate in enumerate([95, 104, 99, 101, 98, 100, 92, 103, 199, 201, 198, 202, 185]):
        office.day(number, float(rate))
    assert office.told == [("in_force", Severity.MODERATE), ("in_force", Severity.SEVERE)]
    office.day(13, 170.0)
    office.day(14, 89.0)
    office.day(15, 99.0)
    assert office.told[2:] == [("in_force", Severity.MODERATE), ("cancelled", Severity.MODERATE)]
    office.day(16, 100.0)
    assert office.told[4:] == [("in_force", Severity.MODERATE)]


@pytest.mark.parametrize(
    "published",
    ["2026-11-01", "2026-11-01T06:00:00", "2026-11-01 06:00:00", "Sun, 01 Nov 2026 06:00:00 GMT", None, "soon", 7],
)
def test_a_warning_needs_no_tidy_time_of_publication(published: object) -> None:
    office = Office()
    office.publishes(document(feature(500.0), published=published), DAY_0)
    assert office.told == [("in_force", Severity.EXTREME)]


@pytest.mark.parametrize(
    "broken",
    [
        [],
        [feature(-3.0)],
        [feature("many")],
        [feature(None, cases_7day=5, population=0)],
        [feature(None, cases_7day=None, population=5)],
        [{"type": "Feature", "properties": None, "geometry": None}],
        [{"properties": {"name": "D1", "cases_per_100k_7day": 5}, "geometry": {"type": "Polygon", "coordinates": []}}],
        [7],
    ],
)
def test_a_district_without_usable_figures_keeps_what_was_said_of_it(broken: list[object]) -> None:
    """A hole in the table is no all-clear, and does not silence the districts beside it."""
    office = Office()
    office.day(0, 150.0, 50.0)
    for number in range(1, 4):
        now = DAY_0 + timedelta(days=number)
        office.publishes(document(*broken, feature(130.0, "D2"), published=now.isoformat()), now)
    assert {one.state for one in office.known.values()} == {AlertState.IN_FORCE}
    assert sorted(one.infos[0].areas[0].description for one in office.known.values()) == ["D1", "D2"]
    assert "case_rate_missing" in office.problems


def test_figures_that_stop_end_the_warning_after_nine_days() -> None:
    office = Office()
    office.day(0, 150.0, 10.0)
    for number in range(1, 12):
        now = DAY_0 + timedelta(days=number)
        office.publishes(document(feature(10.0, "D2"), published=now.isoformat()), now)
    assert office.told == [("in_force", Severity.MODERATE), ("expired", Severity.MODERATE)]


def test_ground_is_repaired() -> None:
    """A bow tie, and a district across the antimeridian."""
    bow_tie = [[[10.0, 50.0], [10.1, 50.1], [10.1, 50.0], [10.0, 50.1], [10.0, 50.0]]]
    fiji = [[[179.9, -17.0], [-179.9, -17.0], [-179.9, -16.9], [179.9, -16.9], [179.9, -17.0]]]
    features = [feature(150.0, "bow"), feature(150.0, "fiji")]
    features[0]["geometry"] = {"type": "Polygon", "coordinates": bow_tie}
    features[1]["geometry"] = {"type": "MultiPolygon", "coordinates": [fiji]}
    items = decode(document(*features), spec=SPEC, before={}, now_epoch_s=DAY_0.timestamp()).items
    assert [len(message.infos[0].areas[0].polygons) for message in items.messages] == [2, 2]


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=25))
def test_what_is_told_follows_the_rates(rates: list[float]) -> None:
    """At or above the threshold a warning is in force; below nine tenths of it none is; nothing is told twice."""
    office = Office()
    for number, rate in enumerate(rates):
        office.day(number, rate)
        standing = [one for one in office.known.values() if one.state is AlertState.IN_FORCE]
        assert len(standing) <= 1
        if rate >= 100:
            assert standing
        if rate < 90:
            assert not standing


def test_a_warning_of_ours_is_told_in_every_language_of_the_pages() -> None:
    """Figures have no language: English and Vietnamese say the same of them, a renewal too."""
    office = Office()
    for day in (0, 2):
        office.day(day, 250.4)
        (message,) = office.level.values()
        assert [(info.language, info.event, info.headline, info.description) for info in message.infos] == [
            (
                "en",
                "High case rate",
                "D1: 250 cases per 100,000 people in seven days",
                "The level for warnings is 100.",
            ),
            ("vi", "Tỷ lệ ca bệnh cao", "D1: 250 ca trên 100.000 dân trong bảy ngày", "Mức cảnh báo là 100."),
        ]
        assert {info.effective_epoch_s for info in message.infos} == {message.sent_epoch_s}


def test_gaps_written_as_nan_cost_their_district_only() -> None:
    """Programs write NaN, which is not JSON; all other districts still count."""
    office = Office()
    office.publishes(document(feature(float("nan"), "D1"), feature(150.0, "D2")), DAY_0)
    assert office.told == [("in_force", Severity.MODERATE)]
    assert office.problems == ("case_rate_feature",)


def test_figures_older_than_those_before_change_nothing() -> None:
    """A cache that serves last week's file neither ends a warning nor calls it up again."""
    office = Office()
    office.day(0, 50)
    office.day(7, 150)
    office.publishes(document(feature(50), published=DAY_0.isoformat()), DAY_0 + timedelta(days=8))
    assert office.told == [("in_force", Severity.MODERATE)]
    office.day(9, 50)
    assert office.told[1:] == [("cancelled", Severity.MODERATE)]
    office.publishes(
        document(feature(150), published=(DAY_0 + timedelta(days=7)).isoformat()), DAY_0 + timedelta(days=9, hours=1)
    )
    assert len(office.told) == 2


def test_corrections_under_the_same_date_count() -> None:
    """Down, and up again: each correction is believed, however often the office changes its mind."""
    office = Office()
    for hour, rate in enumerate((150, 50, 150, 250, 150, 50)):
        office.publishes(document(feature(rate)), DAY_0 + timedelta(hours=hour))
    states = [("in_force", "Moderate"), ("cancelled", "Moderate"), ("in_force", "Moderate"), ("in_force", "Severe")]
    assert office.told == [*states, ("in_force", "Moderate"), ("cancelled", "Moderate")]


def test_date_in_the_far_future_does_not_outlast_those_that_follow() -> None:
    office = Office()
    office.publishes(document(feature(150), published="2062-11-01T06:00:00Z"), DAY_0)
    office.day(2, 50)
    assert office.told == [("in_force", Severity.MODERATE), ("cancelled", Severity.MODERATE)]


def test_of_several_figures_of_one_district_the_newest_count() -> None:
    """Tables over time come in any order; a district drawn in parts is warned on all its ground."""
    other = [[[12.0, 50.0], [12.1, 50.0], [12.1, 50.1], [12.0, 50.1], [12.0, 50.0]]]
    old, new = ((DAY_0 - timedelta(days=days)).isoformat() for days in (7, 0))
    series = Office()
    series.publishes(document(feature(150, published_at=new), feature(10, published_at=old)), DAY_0)
    assert series.told == [("in_force", Severity.MODERATE)]
    parts = Office()
    second = feature(150) | {"geometry": {"type": "Polygon", "coordinates": other}}
    (message,) = parts.publishes(document(feature(150), second), DAY_0).messages
    assert len(message.infos[0].areas[0].polygons) == 2


@pytest.mark.parametrize("mistaken", [None, "2027-11-02"])
@pytest.mark.parametrize(
    ("rate", "then"), [(1000.0, ("in_force", Severity.EXTREME)), (0.0, ("cancelled", Severity.MODERATE))]
)
def test_a_date_that_was_missing_or_mistyped_bars_none_of_those_that_follow(
    mistaken: str | None, rate: float, then: tuple[str, Severity]
) -> None:
    """The time at which we read a file is not its date: what follows with an earlier one counts at once."""
    office = Office()
    for hours in (28, 52, 76):
        office.publishes(document(feature(150.0), published=mistaken), DAY_0 + timedelta(hours=hours))
    office.publishes(document(feature(rate), published="2026-11-02"), DAY_0 + timedelta(hours=77))
    assert office.told == [("in_force", Severity.MODERATE), then]
    office.publishes(document(feature(500.0), published="2026-11-01"), DAY_0 + timedelta(hours=78))
    assert len(office.told) == 2

"""How instants may be written."""

from datetime import date

import pytest

from api import params
from api.errors import RequestRefused

ZONE = "America/Halifax"
NOON_UTC = 1_795_521_600.0
"""2026-11-24 12:00 UTC, 08:00 in Halifax."""


@pytest.mark.parametrize(
    "written",
    ["1795521600000", "2026-11-24_08-00-00", "2026-11-24T08:00:00", "2026-11-24T08:00", "2026-11-24T12:00:00Z",
     "2026-11-24T12:00:00+00:00", "2026-11-24T12:00:00.000 00:00", "2026-11-24T05:00:00-07:00", " 1795521600000 "],
)  # fmt: skip
def test_instant_is_understood_however_clients_write_it(written: str) -> None:
    """Without an offset it is on the agency's clock."""
    assert params.instant_epoch_s({"time": written}, "time", ZONE) == NOON_UTC


@pytest.mark.parametrize("written", ["T", "2026-11-24T", "2026-11-24T25:00", "2026-11-24T12:00+99:00", "T" * 50, "١٢"])
def test_what_is_no_instant_is_refused(written: str) -> None:
    """With the parameter's name."""
    with pytest.raises(RequestRefused) as refused:
        params.instant_epoch_s({"time": written}, "time", ZONE)
    assert list(refused.value.field_errors or {}) == ["time"]


@pytest.mark.parametrize("written", ["2026-11-24", "1795492800000", "1795521600000", " 2026-11-24 "])
def test_service_day_is_a_date_or_an_instant_in_it(written: str) -> None:
    """Midnight in Halifax is 04:00 UTC."""
    assert params.service_date({"date": written}, "date", ZONE) == date(2026, 11, 24)


def test_any_number_counts_milliseconds() -> None:
    """Eight digits are no date: the day and the moment that an answer speaks of must not differ."""
    assert params.service_date({"date": "20261124"}, "date", ZONE) == date(1970, 1, 1)
    assert params.instant_epoch_s({"date": "20261124"}, "date", ZONE) == 20_261.124


@pytest.mark.parametrize("written", ["2026-02-30", "2026-W48-2", "26-11-24", "2026-11-24x", "tomorrow"])
def test_what_is_no_service_day_is_refused(written: str) -> None:
    """Also what only looks like one."""
    with pytest.raises(RequestRefused) as refused:
        params.service_date({"date": written}, "date", ZONE)
    assert list(refused.value.field_errors or {}) == ["date"]


@pytest.mark.parametrize(
    ("sent", "read"), [("query=Hôtel".encode(), "Hôtel"), (b"query=H%C3%B4tel", "Hôtel"), (b"query=\x80", "\ufffd")]
)
def test_query_may_be_sent_without_escaping(sent: bytes, read: str) -> None:
    """Bytes that are no text at all are read as such, not refused with an error of ours."""
    assert params.parse_query(sent)["query"] == read
    assert params.escaped(sent).isascii()

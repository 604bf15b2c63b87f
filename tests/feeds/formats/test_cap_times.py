"""Times as issuers write them."""

import pytest

from feeds.formats.cap_times import read_time

SENT = 1_795_435_200


@pytest.mark.parametrize(
    ("text", "epoch_s"),
    [
        ("2026-11-23T12:00:00+00:00", SENT),
        ("2026-11-23T12:00:00-00:00", SENT),
        ("2026-11-23T12:00:00Z", SENT),
        ("2026-11-23T12:00:00.123456Z", SENT),
        ("2026-11-23T19:00:00+07:00", SENT),
        ("2026-11-23 19:00:00 +0700", SENT),
        pytest.param("2026-11-23T21:00:00+09", SENT, id="hours only"),
        pytest.param("2026-11-23T17:45:00+05:45", SENT, id="Nepal"),
        pytest.param("2026/11/23 21:00:00+0900", SENT, id="slashes"),
        pytest.param("2026-11-23T09:00:00\u221203:00", SENT, id="a minus of typesetters"),
        pytest.param("2026-11-23T11:00:00,01:00", SENT, id="the schema's pattern lets a comma through"),
        pytest.param("2569-11-23T19:00:00+07:00", SENT, id="Buddhist year"),
        pytest.param("2026-11-23T12:00:00", SENT, id="no zone"),
        pytest.param("2026-11-22T36:00:00Z", 0, id="hour 36"),
        pytest.param("2026-11-22T24:00:00Z", SENT - 43_200, id="hour 24"),
        pytest.param("Mon, 23 Nov 2026 12:00:00 GMT", SENT, id="as in mail"),
        ("2026-02-30T00:00:00Z", 0),
        ("yesterday", 0),
        ("0001-01-01T00:00:00Z", 0),
        ("2026-11-23T12:00:00+99:99", 0),
        ("", 0),
    ],
)
def test_times_however_written(text: str, epoch_s: int) -> None:
    instant = read_time(text)
    assert instant.epoch_s == epoch_s
    assert bool(instant.fault) or instant.epoch_s or not text

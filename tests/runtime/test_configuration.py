"""What a deployment's file says of ranks, places and quotas; every fault is told at once."""

from pathlib import Path

import pytest

from domain.errors import SettingsInvalid
from domain.quota import Quota
from runtime.configuration import load
from runtime.settings import Settings

FEEDS = """
[[feeds]]
id = "town"
kind = "gtfs"
url = "http://x.example/gtfs.zip"
[[feeds]]
id = "live"
kind = "combined"
url = "http://x.example/rt"
"""


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "city.toml"
    path.write_text(text)
    return load(path, {})


def faults_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as raised:
        read(tmp_path, text)
    return [fault.split("city.toml: ", 1)[1] for fault in raised.value.faults]


def test_priority_of_a_feed(tmp_path: Path) -> None:
    """One rank for all it says, or one a kind; none is 0."""
    kinds = ("trip_updates", "vehicles", "situations")
    for text, expected in (
        ("", (0, 0, 0)),
        ("priority = 3", (3, 3, 3)),
        ("priority = { vehicles = -2, situations = 1 }", (0, -2, 1)),
    ):
        spec = read(tmp_path, FEEDS + text).feed("live")
        assert tuple(spec.priority_of(kind) for kind in kinds) == expected


def test_priority_that_is_none(tmp_path: Path) -> None:
    """Other kinds, other values, and feeds that say nothing live."""
    assert faults_of(tmp_path, FEEDS + "priority = { trains = 1 }") == [
        "feeds[1].priority.trains: expected a whole number from -100 to 100 for one of trip_updates, vehicles, situations, found 1"
    ]
    assert "found 101" in faults_of(tmp_path, FEEDS + "priority = 101")[0]
    assert "found True" in faults_of(tmp_path, FEEDS + "priority = { vehicles = true }")[0]
    first = FEEDS.replace('kind = "gtfs"', 'kind = "gtfs"\npriority = 1')
    assert faults_of(tmp_path, first) == ["feeds[0].priority: only realtime feeds are ranked, not gtfs"]


def test_same_stops(tmp_path: Path) -> None:
    """Groups of ids that are one place."""
    text = '[[same_stops]]\nstops = ["1_75403", "40_C_12"]\n[[same_stops]]\nstops = ["1_a", "1_b", "2_c"]\n'
    assert read(tmp_path, text + FEEDS).same_stops == (("1_75403", "40_C_12"), ("1_a", "1_b", "2_c"))
    assert read(tmp_path, FEEDS).same_stops == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[[same_stops]]\nstops = ["1_a"]', "same_stops[0].stops: expected two or more ids such as 1_75403, found ['1_a']"),
        ('[[same_stops]]\nstops = ["1_a", "b"]', "same_stops[0].stops: expected two or more ids such as 1_75403, found ['1_a', 'b']"),
        ('[[same_stops]]\nstops = "1_a"', "same_stops[0].stops: expected a list, found '1_a'"),
        ('[[same_stops]]\nstop = []', "same_stops[0].stop: no such key; did you mean stops?"),
        ('[same_stops]\nstops = []', "same_stops: expected [[same_stops]] entries"),
    ],
)  # fmt: skip
def test_same_stops_that_are_none(tmp_path: Path, text: str, fault: str) -> None:
    """What, where, and what was expected."""
    assert fault in faults_of(tmp_path, text)


def test_stop_of_two_groups(tmp_path: Path) -> None:
    """A stop is at one place."""
    text = '[[same_stops]]\nstops = ["1_a", "2_a"]\n[[same_stops]]\nstops = ["1_a", "3_a"]\n'
    assert faults_of(tmp_path, text) == ["same_stops[1].stops: '1_a' is already said to be the same as others"]


def test_quotas(tmp_path: Path) -> None:
    """Of keys and of addresses without one."""
    settings = read(tmp_path, '[web]\nkey_quota = "600/minute"\nanonymous_quota = "5/s"\n')
    assert settings.key_quota == Quota(requests=600, per_s=60)
    assert settings.anonymous_quota == Quota(requests=5, per_s=1)
    assert faults_of(tmp_path, '[web]\nkey_quota = "many"\n') == [
        "web.key_quota: expected requests/unit such as 20/second or 600/minute, found 'many'"
    ]

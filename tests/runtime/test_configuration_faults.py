"""Reading a deployment's configuration: every fault at once, in words, without secrets."""

from pathlib import Path

import pytest

from domain.errors import SettingsInvalid
from domain.feed import FeedKind
from runtime.configuration import load

ROOT = Path(__file__).parents[2]
BAD = """
[city]
nam = "x"
time_zone = "Mars/Base"
[web]
port = "a"
processes = 0
[tiles]
url = 5
[notify]
quiet_from = "25:00"
[[feeds]]
id = "A b"
kind = "gtfs"
url = "ftp://x?api_key=hunter22"
max_bytes = -5
ca_file = "/nowhere.pem"
[[feeds]]
id = "r"
kind = "trip_updates"
url = "https://x.example/${NOPE}"
headers = { "X-Key" = 5 }
interval_s = 0
[[feeds]]
id = "r"
kind = "nope"
url = "https://[::1"
agencies = { a = "x_y" }
[bogus]
"""


def faults_of(path: Path | None, **environment: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load(path, environment)
    return caught.value.faults


def test_every_fault_is_told_at_once_with_file_key_and_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_text(BAD)
    found = [fault.removeprefix(f"{path}: ") for fault in faults_of(path)]
    assert found == [
        "bogus: no such table; expected one of city, web, notify, predictor, archive, tiles, demo, feeds, same_stops",
        "city.nam: no such key; did you mean name?",
        "city.time_zone: expected an IANA time zone such as America/Halifax, found 'Mars/Base'",
        "web.port: expected a whole number, found 'a'",
        "web.processes: expected 1 to 64, found 0",
        "notify.quiet_from: expected a local time HH:MM, found '25:00'",
        "tiles.url: expected a text in quotes, found 5",
        "feeds[0].id: expected small letters, digits and hyphens, found 'A b'",
        "feeds[0].url: expected an http or https address, found 'ftp://x?api_key=***'",
        "feeds[0].max_bytes: expected 1 to 1099511627776, found -5",
        "feeds[0].ca_file: expected a file of certificates (PEM), found '/nowhere.pem': [Errno 2] No such file or directory",
        "feeds[1].url: environment variable NOPE is not set",
        "feeds[1].headers.X-Key: expected a text in quotes, found 5",
        "feeds[1].interval_s: expected 1 to 604800 seconds, found 0",
        "feeds[2].kind: expected one of " + ", ".join(FeedKind) + ", found 'nope'",
        "feeds[2].url: expected an http or https address, found 'https://[::1'",
        "feeds[2].agencies.a: expected letters, digits, '.' and '-' (no underscore), found 'x_y'",
        "feeds[2].id: 'r' is the id of two feeds",
    ]


def test_faults_of_the_environment_are_told_with_those_of_the_file() -> None:
    faults = faults_of(
        None, REDIS_URL="http://:hunter22@x", WAYSIDE_PORT="eighty", WAYSIDE_LOG_LEVEL="loud", WAYSIDE_LOG_FORMAT="xml",
        WAYSIDE_CLOCK_OFFSET_S="soon",
    )  # fmt: skip
    assert sorted(fault.split(":")[1].strip() for fault in faults) == [
        "REDIS_URL", "WAYSIDE_CLOCK_OFFSET_S", "WAYSIDE_LOG_FORMAT", "WAYSIDE_LOG_LEVEL", "WAYSIDE_PORT",
    ]  # fmt: skip
    assert "hunter22" not in "".join(faults)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("x = [")
    assert "expected TOML" in faults_of(tmp_path / "broken.toml")[0]
    assert "No such file" in faults_of(tmp_path / "absent.toml")[0]


def test_the_environment_overrides_the_file_and_names_the_home(tmp_path: Path) -> None:
    """Listening only on loopback, on an embedded server, unless told otherwise."""
    (tmp_path / "c.toml").write_text("[web]\nport = 8001\n")
    plain = load(tmp_path / "c.toml", {"WAYSIDE_HOME": str(tmp_path)})
    told = load(tmp_path / "c.toml", {"WAYSIDE_PORT": "9", "WAYSIDE_HOST": "0.0.0.0", "REDIS_URL": "redis://r.example"})
    assert (plain.host, plain.port, plain.redis_is_embedded, plain.home) == ("127.0.0.1", 8001, True, tmp_path)
    assert (told.host, told.port, told.redis_is_embedded, told.redis_url) == ("0.0.0.0", 9, False, "redis://r.example")


def test_secrets_come_from_the_environment_by_name(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        '[[feeds]]\nid = "w"\nkind = "cap"\nurl = "https://w.example/?key=${WEATHER_KEY}"\nheaders = { X = "${OTHER}" }\n'
    )
    found = load(tmp_path / "c.toml", {"WEATHER_KEY": "hunter22", "OTHER": "hunter33", "THIRD": "not-asked-for"})
    assert found.secrets == {"WEATHER_KEY": "hunter22", "OTHER": "hunter33"}
    assert "hunter" not in repr(found)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.stem)
def test_an_example_is_a_configuration_without_faults(path: Path) -> None:
    found = load(path, {})
    assert {spec.kind for spec in found.feeds} >= {FeedKind.GTFS}
    assert not found.secrets

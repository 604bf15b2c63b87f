"""The command line as a user meets it: helpful, and plain about what is wrong."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from google.transit import gtfs_realtime_pb2

from runtime.embedded_redis import EmbeddedRedis
from tests.feeds.schedules import zip_of
from tests.walks.house import eventually, running
from wayside.cli import parser, run


def wayside(*arguments: str, home: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    given = {name: value for name, value in os.environ.items() if not name.startswith(("WAYSIDE_", "REDIS_"))}
    return subprocess.run(
        [sys.executable, "-m", "wayside", *arguments], capture_output=True, text=True, timeout=120, check=False,
        env={**given, "WAYSIDE_HOME": str(home), **environment}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def commands() -> list[str]:
    actions = [action for action in parser()._actions if action.dest == "command"]
    return sorted(actions[0].choices or ())


def test_help_names_every_command_with_a_word_about_it() -> None:
    lines = parser().format_help().splitlines()
    for command in commands():
        line = next(line for line in lines if line.split()[:1] == [command])
        assert len(line.split()) > 1 or lines[lines.index(line) + 1].startswith(" " * 10), command


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run([command, "--help"])
    assert (ended.value.code, capsys.readouterr().out.startswith(f"usage: wayside {command}")) == (0, True)


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(tmp_path: Path) -> None:
    """As `| head -1` does: no traceback."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("WAYSIDE_", "REDIS_"))}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "wayside", "archive", "--home", str(tmp_path), "show"], stdout=writer, stderr=subprocess.PIPE, text=True,
        timeout=120, check=False, env=given, cwd=tmp_path,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_schedule_is_imported_and_told_of(tmp_path: Path) -> None:
    """Redis need not run: the bundle is there for when it does."""
    found = wayside("import", str(zip_of(tmp_path / "g.zip")), "--feed", "line", home=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "2 trips" in found.stdout
    assert len(list((tmp_path / "timetables" / "line").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.zip", None, "there is no such file"),
        ("noise.zip", os.urandom(5000), "expected a zip archive"),
        ("page.zip", b"<html>", "expected a zip archive"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    found = wayside("import", str(tmp_path / name), "--feed", "line", home=tmp_path)
    assert found.returncode != 0
    assert words in " ".join((found.stdout + found.stderr).split())
    assert "Traceback" not in found.stdout + found.stderr


def test_a_schedule_without_stops_is_refused_by_name(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "g.zip", without=("stops.txt",))
    found = wayside("import", str(path), "--feed", "line", home=tmp_path)
    assert found.returncode == 1
    assert "stops.txt" in found.stdout


def test_a_feeds_name_cannot_leave_its_folder(tmp_path: Path) -> None:
    found = wayside("import", str(zip_of(tmp_path / "g.zip")), "--feed", "../../elsewhere", home=tmp_path / "home")
    assert found.returncode == 2
    assert "small letters" in found.stderr


def test_a_second_house_in_one_home_is_told_who_is_there(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path):
        found = wayside("up", home=tmp_path)
    assert found.returncode == 1
    assert f"process {os.getpid()} runs here already" in found.stderr


def test_keys_are_made_listed_and_forgotten(tmp_path: Path) -> None:
    """A key is shown once, when it is made."""
    with EmbeddedRedis(tmp_path):
        made = wayside("keys", "add", "ops", "--role", "operator", home=tmp_path)
        listed = wayside("keys", "list", home=tmp_path)
        revoked = wayside("keys", "revoke", "ops", home=tmp_path)
        empty = wayside("keys", "list", home=tmp_path)
    assert made.stdout.startswith("op-")
    assert [line.split("\t")[:2] for line in listed.stdout.splitlines()] == [["NAME", "ROLE"], ["ops", "operator"]]
    assert made.stdout.strip() not in listed.stdout
    assert (revoked.returncode, empty.stdout) == (0, "")
    assert "no keys yet" in empty.stderr


def test_keys_say_when_redis_is_away(tmp_path: Path) -> None:
    found = wayside("keys", "list", home=tmp_path)
    assert found.returncode == 1
    assert f"Redis does not answer in {tmp_path}: start `wayside up`, or name the home" in found.stderr


def test_doctor_says_in_words_what_is_wrong(tmp_path: Path) -> None:
    """A feed nobody serves, and a Redis that does not answer."""
    config = tmp_path / "c.toml"
    config.write_text(
        '[[feeds]]\nid = "w"\nkind = "cap"\nurl = "http://127.0.0.1:9/?key=${KEY}"\nallow_private_hosts = true\n'
    )
    environment = {"REDIS_URL": "redis://127.0.0.1:9", "KEY": "hunter22hunter22"}
    found = wayside("doctor", "--config", str(config), home=tmp_path, **environment)
    said = " ".join(found.stdout.split())
    assert found.returncode == 1
    assert "wrong Redis: REDIS_URL does not answer → Start the server" in said
    assert "wrong feed w (cap): ConnectError" in said
    assert "→ Check the address and the network." in said
    assert "2 thing(s) to mend" in said
    assert "hunter22" not in found.stdout + found.stderr


def test_doctor_says_whose_clock_is_wrong(tmp_path: Path) -> None:
    """When the feeds' servers agree on another time, it is this machine's."""

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(b'{"features": []}')

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True).start()
    config = tmp_path / "c.toml"
    url = f"http://127.0.0.1:{server.server_port}/"
    config.write_text(f'[[feeds]]\nid = "w"\nkind = "case_rates"\nurl = "{url}"\nallow_private_hosts = true\n')
    found = wayside("doctor", "--config", str(config), home=tmp_path)
    server.shutdown()
    server.server_close()
    assert "ahead of what the feeds' servers say → Set this machine's clock" in " ".join(found.stdout.split())
    assert found.returncode == 1


def test_faults_end_every_command_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[web]\nporrt = 1\n")
    found = wayside("up", "--config", str(tmp_path / "c.toml"), home=tmp_path)
    assert found.returncode == 2
    assert "web.porrt: no such key; did you mean port?" in found.stderr


def test_the_release_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"wayside {version('wayside')}\n")


def recording(folder: Path, *, without: str = "") -> Path:
    """A poll without trips, and a schedule that may lack a file."""
    folder.mkdir()
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = 1_700_000_000
    (folder / "TripUpdates.pb").write_bytes(message.SerializeToString())
    zip_of(folder / "gtfs.zip", without=(without,))
    return folder


def test_a_replay_without_a_recording_says_what_it_expected(tmp_path: Path) -> None:
    """No folder, an empty one, one without a schedule, and a schedule that is no archive: each ends, with one reason."""
    (tmp_path / "empty").mkdir()
    (recording(tmp_path / "bare") / "gtfs.zip").unlink()
    (recording(tmp_path / "broken") / "gtfs.zip").write_bytes(b"<html>")
    for name, words in (
        ("absent", "absent: expected a folder of recorded feeds"),
        ("empty", "empty: expected gtfs.zip in it, and at least one of TripUpdates*.pb"),
        ("bare", "bare: expected gtfs.zip in it"),
        ("broken", "gtfs.zip: expected a zip archive with a GTFS schedule"),
    ):
        found = wayside("up", "--replay", str(tmp_path / name), home=tmp_path / "home")
        assert (found.returncode, words in found.stderr, len(found.stderr.splitlines())) == (2, True, 2), found.stderr


def test_a_replay_whose_schedule_cannot_be_served_ends_before_anything_starts(tmp_path: Path) -> None:
    """It says why, as an import does, and waits for nothing."""
    folder = recording(tmp_path / "recorded", without="stops.txt")
    found = wayside("up", "--replay", str(folder), home=tmp_path / "home", WAYSIDE_PORT="0")
    assert found.returncode == 1
    assert "not imported: required files are missing: stops.txt" in found.stdout
    assert "event=" not in found.stdout


def test_any_free_port_is_taken_once_and_said(tmp_path: Path) -> None:
    """With WAYSIDE_PORT=0 the addresses that are printed are those that answer, and a healthy start speaks of no trouble."""
    with running(tmp_path / "home", "up", "--replay", str(recording(tmp_path / "recorded")), WAYSIDE_PORT="0") as house:
        said = eventually(lambda: house.said() if "riders " in house.said() else None, 60, "it is up")
        found = re.search(r"riders +(http://127.0.0.1:([1-9]\d*))/", said)
        assert found is not None
        with urllib.request.urlopen(f"{found[1]}/readyz", timeout=10) as answer:
            assert json.loads(answer.read()) == {"ready": True, "reasons": [], "missing": []}
        assert f"port={found[2]}\n" in said
        assert "redis_away" not in said


@pytest.mark.parametrize("at", ["noon", "2026-13-01"])
def test_an_instant_that_is_none_is_explained(tmp_path: Path, at: str) -> None:
    found = wayside("up", "--at", at, home=tmp_path)
    assert found.returncode == 2
    assert "expected an instant such as" in found.stderr


def test_a_taken_port_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The likeliest fault of a first run."""
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("WAYSIDE_PORT", str(other.getsockname()[1]))
        monkeypatch.setenv("WAYSIDE_HOME", str(tmp_path))
        assert run(["up"]) == 1
    assert "set WAYSIDE_PORT" in capsys.readouterr().err


def test_the_configuration_may_be_named_before_or_after_the_action() -> None:
    for arguments in (["learn", "--config", "a.toml", "show"], ["learn", "show", "--config", "a.toml"]):
        assert parser().parse_args(arguments).config == "a.toml"

"""Opening a folder of recorded feeds: which files are polls of what, in which order, and when."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

from simulator.replay import RecordingUnusable, open_recording, town_of
from tests.feeds.schedules import zip_of

START = 1_700_000_000
CAP = "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{}</identifier><sent>{}</sent></alert>"


def poll(path: Path, header_epoch_s: int, entity: str = "e") -> Path:
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    if header_epoch_s:
        message.header.timestamp = header_epoch_s
    message.entity.add(id=entity).trip_update.trip.trip_id = entity
    path.write_bytes(message.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    zip_of(tmp_path / "gtfs.zip")
    return tmp_path


def names(folder: Path) -> dict[str, list[str]]:
    return {kind: [path.name for _, path in polls] for kind, polls in open_recording(folder).polls.items()}


def test_successive_polls_go_by_their_headers_not_by_their_names(folder: Path) -> None:
    poll(folder / "TripUpdates-b.pb", START)
    poll(folder / "TripUpdates-a.pb", START + 30)
    poll(folder / "TripUpdates.pb", START + 60)
    recording = open_recording(folder)
    assert names(folder) == {"trip_updates": ["TripUpdates-b.pb", "TripUpdates-a.pb", "TripUpdates.pb"]}
    served = [recording.at("trip_updates", START + later).name for later in (-5, 0, 29, 30, 61, 9999)]
    assert served == [f"TripUpdates{which}.pb" for which in ("-b", "-b", "-b", "-a", "", "")]


def test_the_clock_starts_at_the_earliest_header_of_any_kind(folder: Path) -> None:
    poll(folder / "TripUpdates.pb", START + 60)
    poll(folder / "VehiclePositions.pb", START + 20)
    poll(folder / "Alerts.pb", START + 90)
    assert open_recording(folder).starts_epoch_s == START + 20


@pytest.mark.parametrize(
    ("present", "kinds"),
    [
        (("TripUpdates", "VehiclePositions", "combined"), {"trip_updates", "vehicle_positions"}),
        (("VehiclePositions", "combined"), {"vehicle_positions"}),
        (("TripUpdates", "combined"), {"trip_updates"}),
        (("Alerts", "combined"), {"situations", "combined"}),
        (("combined",), {"combined"}),
    ],
)
def test_combined_is_read_only_where_neither_separate_kind_is_there(
    folder: Path, present: tuple[str, ...], kinds: set[str]
) -> None:
    for name in present:
        poll(folder / f"{name}.pb", START)
    assert set(names(folder)) == kinds


def test_a_damaged_poll_is_left_out_and_said(folder: Path) -> None:
    poll(folder / "TripUpdates-1.pb", START)
    (folder / "TripUpdates-2.pb").write_bytes(b"<html>")
    recording = open_recording(folder)
    assert [path.name for _, path in recording.polls["trip_updates"]] == ["TripUpdates-1.pb"]
    assert ["TripUpdates-2.pb" in reason for reason in recording.left_out] == [True]


def test_a_poll_without_a_timestamp_stands_before_the_others(folder: Path) -> None:
    poll(folder / "Alerts.pb", 0)
    poll(folder / "TripUpdates.pb", START)
    recording = open_recording(folder)
    assert (recording.starts_epoch_s, recording.at("situations", START).name) == (START, "Alerts.pb")


def test_what_cannot_be_replayed_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnusable, match=r"expected gtfs\.zip in it"):
        open_recording(tmp_path)
    zip_of(tmp_path / "gtfs.zip")
    with pytest.raises(RecordingUnusable, match=r"at least one of TripUpdates\*\.pb"):
        open_recording(tmp_path)
    poll(tmp_path / "TripUpdates.pb", 0)
    with pytest.raises(RecordingUnusable, match="with a header timestamp"):
        open_recording(tmp_path)


AGENCIES = (
    "agency_id,agency_name,agency_url,agency_timezone\nA,{},https://a.example,UTC\nB,Ferries,https://b.example,UTC\n"
)
INFO = "feed_publisher_name,feed_publisher_url,feed_lang\n Region of  Larch ,https://r.example,en\n"


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "Larch Transit"),
        ({"feed_info": INFO}, "Larch Transit"),
        ({"agency": AGENCIES.format("Buses"), "feed_info": INFO}, "Region of Larch"),
        ({"agency": AGENCIES.format("Buses")}, "Buses"),
        ({"agency": AGENCIES.format("")}, "Ferries"),
        ({"agency": "nothing\n"}, ""),
    ],
)
def test_a_recorded_city_is_called_by_its_schedule(tmp_path: Path, changed: Any, name: str) -> None:
    """By its only agency; where there are several, by who published them all."""
    assert town_of(zip_of(tmp_path / "g.zip", **changed)) == name


def test_it_is_served_over_http_as_on_the_day(folder: Path, tmp_path: Path) -> None:
    """Polls come as the clock reaches them, and warnings when they are sent; damaged warnings are there from the start."""
    poll(folder / "TripUpdates-1.pb", START, "first")
    poll(folder / "TripUpdates-2.pb", START + 2, "second")
    (folder / "now.CAP").write_text(CAP.format("now", "2023-11-14T22:13:20+00:00"))
    (folder / "tomorrow.xml").write_text(CAP.format("tomorrow", "2023-11-15T22:13:20+00:00"))
    (folder / "damaged.xml").write_text("<alert>")
    announcement = tmp_path / "out" / "announced.json"
    command = [sys.executable, "-m", "wayside", "replay", str(folder), "--announce", str(announcement)]
    replay = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        end_s = time.monotonic() + 60
        while not announcement.exists() and time.monotonic() < end_s:
            time.sleep(0.02)
        said = json.loads(announcement.read_text())

        def get(url: str) -> bytes:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return bytes(answer.read())

        found: set[bytes] = set()
        while found != {b"first", b"second"} and time.monotonic() < end_s:
            body = get(said["feeds"]["trip_updates"])
            found.add(b"second" if b"second" in body else b"first")
            time.sleep(0.05)
        assert found == {b"first", b"second"}
        index = get(said["feeds"]["cap"]).decode()
        assert [name in index for name in ("now.CAP", "damaged.xml", "tomorrow.xml")] == [True, True, False]
        assert get(said["feeds"]["gtfs"]) == (folder / "gtfs.zip").read_bytes()
        assert (said["time_zone"], said["town"]) == ("America/Halifax", "Larch Transit")
        assert said["recorded_until_epoch_s"] == START + 2
    finally:
        replay.terminate()
        replay.wait(20)

"""The archive: what is written is read back, crashes and foreign files cost little, and it does not grow for ever."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from domain.realtime import TripUpdates, Vehicles
from store import archive
from store.archive import Kind, Recorder

AT = 1_795_406_400.0 + 4 * 3600
"""Monday 2026-11-23, 08:00 UTC."""


def vehicles(count: int, header_epoch_s: int) -> Vehicles:
    ids, numbers = [f"bus-{row}" for row in range(count)], np.arange(count, dtype=np.int32)
    return Vehicles(
        header_epoch_s=header_epoch_s, vehicle_ids=ids, labels=ids, trip_ids=ids, route_ids=ids, stop_ids=ids,
        direction=numbers, start_date=numbers, start_time_s=numbers, relationship=np.zeros(count, np.uint8),
        lat=np.linspace(44.6, 44.7, count), lon=np.linspace(-63.6, -63.5, count),
        bearing_deg=np.zeros(count, np.float32), speed_mps=np.zeros(count, np.float32),
        odometer_m=np.full(count, np.nan), current_stop_sequence=numbers, current_status=np.zeros(count, np.uint8),
        timestamp_epoch_s=np.full(count, header_epoch_s, np.int64), congestion=numbers, occupancy=numbers,
        occupancy_percentage=numbers,
    )  # fmt: skip


def written(home: Path, *instants: float, feed: str = "bus") -> None:
    recorder = Recorder(home, feed, Kind.VEHICLES)
    for instant in instants:
        recorder.append(instant, vehicles(50, int(instant)))
    recorder.close()


def test_read_gives_what_was_written_in_order(tmp_path: Path) -> None:
    """Over two hours and two processes."""
    written(tmp_path, AT, AT + 30, AT + 3600)
    written(tmp_path, AT + 3630)
    found = list(archive.read(tmp_path, "bus", Vehicles))
    assert [instant for instant, _ in found] == [AT, AT + 30, AT + 3600, AT + 3630]
    assert found[1][1].vehicle_ids == vehicles(50, 0).vehicle_ids
    np.testing.assert_array_equal(found[1][1].lat, np.linspace(44.6, 44.7, 50))
    assert found[1][1].header_epoch_s == AT + 30


def test_read_between_instants(tmp_path: Path) -> None:
    written(tmp_path, *(AT + 600 * step for step in range(12)))
    found = archive.read(tmp_path, "bus", Vehicles, from_epoch_s=AT + 1200, to_epoch_s=AT + 4200)
    assert [instant - AT for instant, _ in found] == [1200, 1800, 2400, 3000, 3600, 4200]


def test_read_of_another_feed_or_kind_is_empty(tmp_path: Path) -> None:
    written(tmp_path, AT)
    assert list(archive.read(tmp_path, "rail", Vehicles)) == []
    assert list(archive.read(tmp_path, "bus", TripUpdates)) == []


def test_a_record_being_written_is_read(tmp_path: Path) -> None:
    """Readers need not wait for the end of the hour, and a crash costs nothing that was written."""
    recorder = Recorder(tmp_path, "bus", Kind.VEHICLES)
    recorder.append(AT, vehicles(50, 1))
    recorder.append(AT + 30, vehicles(50, 2))
    assert [one.header_epoch_s for _, one in archive.read(tmp_path, "bus", Vehicles)] == [1, 2]
    (hour,) = archive.hours(tmp_path)
    data = hour.path.read_bytes()
    hour.path.write_bytes(data[:-5])
    assert [one.header_epoch_s for _, one in archive.read(tmp_path, "bus", Vehicles)] == [1]
    recorder.close()


def test_foreign_and_broken_files_are_passed_over(tmp_path: Path) -> None:
    written(tmp_path, AT)
    (tmp_path / "archive/bus/notes.zst").write_text("mine")
    (tmp_path / "archive/bus/2026112309-vehicles-1.zst").write_bytes(b"garbage" * 50)
    assert [instant for instant, _ in archive.read(tmp_path, "bus", Vehicles)] == [AT]


@pytest.mark.parametrize(("after_s", "age_s", "expected"), [(45, 60, 30), (29, 60, 0), (-1, 60, None), (200, 60, None)])
def test_at_gives_the_last_record_before(tmp_path: Path, after_s: int, age_s: int, expected: int | None) -> None:
    written(tmp_path, AT, AT + 30)
    found = archive.at(tmp_path, "bus", Vehicles, AT + after_s, age_s)
    assert (None if found is None else found[0] - AT) == expected


def test_at_looks_into_the_hour_before(tmp_path: Path) -> None:
    written(tmp_path, AT - 20)
    found = archive.at(tmp_path, "bus", Vehicles, AT + 10, 60)
    assert found is not None
    assert found[0] == AT - 20


def test_forget_by_age_then_by_size(tmp_path: Path) -> None:
    """The hour being written stays whatever its size."""
    written(tmp_path, *(AT + 3600 * hour for hour in range(30)))
    now = AT + 3600 * 29 + 10
    archive.forget(tmp_path, now_epoch_s=now, keep_days=1, max_bytes=2**40)
    assert len(archive.hours(tmp_path)) == 25
    one = archive.hours(tmp_path)[0].size
    archive.forget(tmp_path, now_epoch_s=now, keep_days=1, max_bytes=3 * one + 10)
    assert [hour.from_epoch_s for hour in archive.hours(tmp_path)][-1] == AT + 3600 * 29
    assert len(archive.hours(tmp_path)) <= 3
    archive.forget(tmp_path, now_epoch_s=now, keep_days=0, max_bytes=0)
    assert len(archive.hours(tmp_path)) == 1


def test_repetition_costs_little(tmp_path: Path) -> None:
    """A feed that says nearly the same again takes a small part of what it took first."""
    recorder = Recorder(tmp_path, "bus", Kind.VEHICLES)
    first = replace(vehicles(500, 1), lat=np.random.default_rng(1).random(500))
    recorder.append(AT, first)
    size = archive.hours(tmp_path)[0].size
    for step in range(10):
        recorder.append(AT + 30 * step, replace(first, header_epoch_s=step))
    recorder.close()
    assert archive.hours(tmp_path)[0].size < 2 * size


def test_schedules_are_kept_once_and_found_by_time(tmp_path: Path) -> None:
    """The one that had come by then; before the first came, the first."""
    day = 86_400
    archive.keep_schedule(tmp_path, "town", b"winter", AT)
    archive.keep_schedule(tmp_path, "town", b"winter", AT + 1)
    archive.keep_schedule(tmp_path, "town", b"spring", AT + 30 * day)
    found = [archive.schedule_at(tmp_path, "town", AT + days * day) for days in (-1, 1, 31)]
    assert [path.read_bytes() for path in found if path] == [b"winter", b"winter", b"spring"]
    assert archive.schedule_at(tmp_path, "rail", AT) is None
    archive.forget(tmp_path, now_epoch_s=AT + 40 * day, keep_days=14, max_bytes=2**40)
    assert archive.schedule_at(tmp_path, "town", AT) is not None
    archive.forget(tmp_path, now_epoch_s=AT + 50 * day, keep_days=14, max_bytes=2**40)
    kept = archive.schedule_at(tmp_path, "town", AT)
    assert kept is not None
    assert kept.read_bytes() == b"spring"

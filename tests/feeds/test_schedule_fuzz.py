"""Schedules that are spoilt in every way: an import ends with a bundle that can be asked, or with its one error."""

import random
import tempfile
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import ScheduleRefused
from feeds.schedule import build
from store.timetable import Bundle
from tests.calls_at_stop import calls_at_stop
from tests.feeds.schedules import FILES, zip_of

MORE = {
    "calendar.txt": FILES["calendar.txt"] + "WE,0,0,0,0,0,1,1,20000101,20991231\n",
    "frequencies.txt": "trip_id,start_time,end_time,headway_secs,exact_times\nT2,06:00:00,07:00:00,600,1\n",
    "shapes.txt": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence,shape_dist_traveled\n"
    "S1,44.60,-63.60,1,0\nS1,44.61,-63.60,2,1.1\nS1,44.62,-63.60,3,2.2\n",
    "translations.txt": "table_name,field_name,language,translation,record_id\nstops,stop_name,vi,Phố Alder,A\n",
    "feed_info.txt": "feed_publisher_name,feed_publisher_url,feed_lang\nLarch,https://larch.example,en\n",
    "transfers.txt": "from_stop_id,to_stop_id,transfer_type\nA,B,0\n",
}
WHOLE = {
    **FILES, **MORE,
    "trips.txt": "route_id,service_id,trip_id,trip_headsign,direction_id,block_id,shape_id\nR1,WK,T1,Cedar,0,K1,S1\nR1,WE,T2,Cedar,0,K1,\n",
}  # fmt: skip
NASTY = (
    "", " ", "0", "-1", "²", "١", "99999999999999999999", "1e309", "nan", "inf", "-inf", "0x10", "1_0", "1,5", '"', '""', '"a',
    "a\"b", "\x00", "\ufeff", "é", "東京", "\ud7ff", "24:61:00", "25:00:00", "-1:00:00", "1:2:3:4", "99:99:99", "8:00", "20261301",
    "00000000", "99991231", "20260230", "2026-11-24", "A", "S", "T1", "WK", "R1", "\r", "a" * 5000, "=1+1", "44.6;63", "91", "181",
)  # fmt: skip


IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where there is one, a file system in memory: the hundred files of a bundle need no disk to wait for."""


def question(bundle: Bundle) -> int:
    """Ask what the house asks of a timetable; how many calls it has."""
    day, calls = date(2026, 11, 24), 0
    bundle.active(day)
    for stop in range(len(bundle.stop_ids)):
        for near in (day, day + timedelta(days=4)):
            calls += sum(1 for _ in calls_at_stop(bundle, stop, near, 0, 10 * 86_400))
        bundle.stop_route_rows(stop)
    for trip in range(len(bundle.trip_ids)):
        bundle.trip(trip)
        assert (
            len(bundle.trip_stops(trip))
            == len(bundle.trip_departures_s(trip))
            == len(bundle.trip_distances_m(trip))
            >= 2
        )
    return calls


def import_of(files: dict[str, str | bytes], home: Path) -> Bundle | None:
    path = home / "g.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return opened(path, home)


def opened(path: Path, home: Path) -> Bundle | None:
    try:
        return Bundle(Path(build(path, feed_id="f", home=home).folder))
    except ScheduleRefused:
        return None


def spoilt(text: str, lot: random.Random) -> str:
    """A table with some of its cells, rows or its header changed."""
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(lot.randint(1, 4)):
        row = lot.randrange(len(rows))
        match lot.randrange(7):
            case 0 | 1 | 2:
                rows[row][lot.randrange(len(rows[row]))] = lot.choice(NASTY)
            case 3:
                rows.insert(row, list(rows[row]))
            case 4:
                rows[row] = rows[row][: lot.randrange(len(rows[row]) + 1)] or [""]
            case 5:
                rows[row].append(lot.choice(NASTY))
            case _:
                lot.shuffle(rows)
    return lot.choice(("\n", "\r\n", "\r")).join(",".join(cells) for cells in rows)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_spoilt_schedule_ends_in_a_bundle_or_in_the_one_error(seed: int) -> None:
    lot = random.Random(seed)
    files: dict[str, str | bytes] = dict(WHOLE)
    for name in lot.sample(sorted(files), lot.randint(1, 3)):
        files[name] = spoilt(WHOLE[name], lot)
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home:
        bundle = import_of(files, Path(home))
        if bundle is not None:
            question(bundle)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(sorted(WHOLE)), data=st.binary(max_size=300), keep=st.booleans())
def test_any_bytes_as_a_table_end_in_a_bundle_or_in_the_one_error(name: str, data: bytes, keep: bool) -> None:
    files: dict[str, str | bytes] = {
        **WHOLE,
        name: (WHOLE[name].splitlines()[0].encode() + b"\n" if keep else b"") + data,
    }
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home:
        bundle = import_of(files, Path(home))
        if bundle is not None:
            question(bundle)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.floats(0, 1), data=st.binary(min_size=1, max_size=8))
def test_a_damaged_zip_ends_in_a_bundle_or_in_the_one_error(at: float, data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home:
        path = zip_of(Path(home) / "g.zip")
        whole = path.read_bytes()
        begin = int(at * len(whole))
        path.write_bytes(whole[:begin] + data + whole[begin + len(data) :])
        bundle = opened(path, Path(home))
        if bundle is not None:
            question(bundle)


def test_everything_at_once_is_served(tmp_path: Path) -> None:
    """Two calendars, exceptions, a frequency, blocks, a shape, a station, times past midnight, a translation."""
    bundle = import_of(dict(WHOLE), tmp_path)
    assert bundle is not None
    assert question(bundle) == 3 + 3 * 6
    assert bundle.translations()["vi"]


@pytest.mark.parametrize(
    ("start", "end", "runs_today"),
    [("20000101", "20991231", True), ("19000101", "99991231", True), ("00010101", "20301231", True),
     ("20261101", "99991231", True), ("19000101", "19991231", False)],
)  # fmt: skip
def test_a_calendar_that_never_means_to_end_runs_today(start: str, end: str, runs_today: bool, tmp_path: Path) -> None:
    days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    files: dict[str, str | bytes] = {
        **FILES, "calendar.txt": f"service_id,{days},start_date,end_date\nWK,1,1,1,1,1,1,1,{start},{end}\n",
        "calendar_dates.txt": "service_id,date,exception_type\n",
    }  # fmt: skip
    bundle = import_of(files, tmp_path)
    assert bundle is not None
    assert bool(bundle.active(date(2026, 11, 24))[0]) == runs_today


def test_a_bomb_in_the_zip_is_refused(tmp_path: Path) -> None:
    """A table of zeros that unpacks to a thousand times its size."""
    path = tmp_path / "g.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in FILES.items():
            archive.writestr(name, text if name != "stops.txt" else bytes(100 * 1024**2))
    with pytest.raises(ScheduleRefused, match=r"stops\.txt: unpacks to more than"):
        build(path, feed_id="f", home=tmp_path)


@pytest.mark.parametrize("number", ["²", "١", "99999999999999999999", "-3", "3.0"])
def test_numbers_that_are_none_are_problems(number: str, tmp_path: Path) -> None:
    """Digits that int() does not take, and numbers that no column holds."""
    files: dict[str, str | bytes] = {
        **WHOLE,
        "routes.txt": f"route_id,agency_id,route_short_name,route_long_name,route_type,route_sort_order\nR1,LT,1,A,{number},{number}\n",
        "frequencies.txt": f"trip_id,start_time,end_time,headway_secs,exact_times\nT2,06:00:00,07:00:00,{number},1\n",
    }  # fmt: skip
    bundle = import_of(files, tmp_path)
    assert bundle is not None
    assert question(bundle) > 0

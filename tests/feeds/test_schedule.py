"""A GTFS zip becomes a bundle; what is wrong in it is said, the rest is served."""

import csv
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from domain.errors import BundleUnusable, ScheduleRefused
from domain.feed import FeedKind, FeedSpec
from feeds.schedule import Imported, build, import_file, put_in_force
from store import timetable
from store.hall import Hall
from store.timetable import Bundle
from store.timetable_writer import keep_newest
from tests.calls_at_stop import calls_at_stop
from tests.feeds.schedules import FILES, zip_of


def imported(tmp_path: Path, **changes: object) -> tuple[Bundle, Imported]:
    """The bundle of the small schedule with some changes."""
    path = zip_of(tmp_path / "gtfs.zip", **changes)  # type: ignore[arg-type]
    result = build(path, feed_id="town", home=tmp_path)
    return Bundle(Path(result.folder)), result


def codes(result: Imported) -> dict[str, int]:
    return {problem.code: problem.count for problem in result.problems}


def test_a_schedule_is_served_as_written(tmp_path: Path) -> None:
    """Stops, routes, trips, times past midnight, calendars with exceptions and stations come through."""
    bundle, result = imported(tmp_path)
    assert codes(result) == {}
    trip = bundle.trip_ids.index("T2")
    assert trip is not None
    assert bundle.trip_arrivals_s(trip).tolist() == [90_000, 90_600, 91_200]
    assert bundle.trip_departures_s(trip).tolist() == [90_000, 90_660, 91_200]
    assert bundle.trip_sequences(trip).tolist() == [1, 5, 9]
    assert [bundle.stop_ids[stop] for stop in bundle.trip_stops(trip).tolist()] == ["A", "B", "C"]
    assert bundle.trip_distances_m(trip).tolist() == pytest.approx([0, 1112, 2224], abs=2)
    assert [bool(bundle.active(date(2026, 11, day))[0]) for day in (9, 11, 14, 15)] == [True, False, True, False]
    stop = bundle.stop(1)
    assert (stop.name, stop.parent_raw_id, int(stop.wheelchair_boarding), stop.compass) == ("Birch St", "S", 1, "N")
    assert bundle.route(0).color == "0000FF"
    assert (bundle.code, bundle.time_zone) == ("LT", "America/Halifax")
    calls = list(calls_at_stop(bundle, 1, date(2026, 11, 9), 0, 100_000))
    assert [(bundle.trip_ids[call.trip], call.position, call.departure_s) for call in calls] == [
        ("T1", 1, 29_460),
        ("T2", 1, 90_660),
    ]
    assert [bundle.trip_ids[row] for row in bundle.block_rows(0)] == ["T1", "T2"]


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("byte order mark", {"stops": b"\xef\xbb\xbf" + FILES["stops.txt"].encode()}),
        ("windows line ends", {"stop_times": FILES["stop_times.txt"].replace("\n", "\r\n")}),
        ("old mac line ends", {"stops": FILES["stops.txt"].replace("\n", "\r")}),
        ("a top folder", {"folder": "feed/"}),
        (
            "rows in another order",
            {
                "stop_times": "\n".join(
                    [FILES["stop_times.txt"].splitlines()[0], *FILES["stop_times.txt"].splitlines()[:0:-1]]
                )
            },
        ),
        (
            "spaces around values",
            {"stop_times": FILES["stop_times.txt"].replace("T1,", " T1 ,").replace(",A,", ", A ,")},
        ),
        ("hours of one digit", {"stop_times": FILES["stop_times.txt"].replace("08:", "8:")}),
    ],
)
def test_a_schedule_in_another_dress_is_the_same(what: str, changes: dict[str, object], tmp_path: Path) -> None:
    """How the text is written makes no difference to what it says."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "dressed").mkdir()
    plain, _ = imported(tmp_path / "plain")
    dressed, result = imported(tmp_path / "dressed", **changes)
    assert codes(result) == {}
    for raw in ("T1", "T2"):
        one, other = plain.trip_ids.index(raw), dressed.trip_ids.index(raw)
        assert one is not None
        assert other is not None
        assert dressed.trip_arrivals_s(other).tolist() == plain.trip_arrivals_s(one).tolist(), what
        assert [dressed.stop_ids[s] for s in dressed.trip_stops(other).tolist()] == ["A", "B", "C"]


def test_quoted_texts_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    """A quote switches to the reader that knows them."""
    bundle, _ = imported(tmp_path, stops=FILES["stops.txt"].replace("Alder St", '"Alder St,\nnorth side"'))
    assert bundle.stop(0).name == "Alder St,\nnorth side"


def test_windows_1250_is_recognised(tmp_path: Path) -> None:
    """A Polish name in its old code page reads right."""
    bundle, _ = imported(
        tmp_path, stops=FILES["stops.txt"].replace("Alder St", "Łąka Źdźbło ęłśą").encode("windows-1250")
    )
    assert bundle.stop(0).name == "Łąka Źdźbło ęłśą"


def test_blank_times_lie_between_the_timed_calls(tmp_path: Path) -> None:
    """Interpolated by calls where there is no distance, by distance where there is."""
    bundle, _ = imported(tmp_path, stop_times=FILES["stop_times.txt"].replace("T1,08:10:00,08:11:00", "T1,,"))
    trip = bundle.trip_ids.index("T1")
    assert trip is not None
    assert bundle.trip_arrivals_s(trip).tolist() == [28_800, 29_400, 30_000]


def test_a_frequency_based_trip_is_one_row_for_each_departure(tmp_path: Path) -> None:
    """Every run of the window has its own row and calls."""
    bundle, _ = imported(
        tmp_path, frequencies="trip_id,start_time,end_time,headway_secs,exact_times\nT1,06:00:00,07:00:00,1200,0\n"
    )
    rows = bundle.trip_rows("T1")
    assert [bundle.trip_start_s[row] for row in rows] == [21_600, 22_800, 24_000]
    assert bundle.trip_rows("T2") == range(rows.stop, rows.stop + 1) or len(bundle.trip_rows("T2")) == 1
    assert len(list(calls_at_stop(bundle, 0, date(2026, 11, 9), 0, 30_000))) == 3
    assert bundle.frequency_headway_s[0] == 1200


def test_shapes_give_distances_and_loops_come_right(tmp_path: Path) -> None:
    """Stops are placed along the line in order, also where the line passes the same spot twice."""
    shapes = "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n" + "".join(
        f"L,{lat},{lon},{number}\n"
        for number, (lat, lon) in enumerate(
            [(44.60, -63.60), (44.62, -63.60), (44.62, -63.58), (44.60, -63.58), (44.60, -63.60)]
        )
    )
    stop_times = FILES["stop_times.txt"] + "T1,08:40:00,08:40:00,A,12\n"
    bundle, _ = imported(
        tmp_path, shapes=shapes, trips=FILES["trips.txt"].replace("K1,\n", "K1,L\n", 1), stop_times=stop_times
    )
    trip = bundle.trip_ids.index("T1")
    assert trip is not None
    assert bundle.trip_distances_m(trip).tolist() == pytest.approx([0, 1112, 2224, 7617], abs=30)


def test_bad_rows_are_problems_with_file_and_line_and_the_rest_is_served(tmp_path: Path) -> None:
    """Nothing is lost but the row itself."""
    bundle, result = imported(
        tmp_path,
        stop_times=FILES["stop_times.txt"]
        + "T9,08:00:00,08:00:00,A,1\nT1,99,99,Z,10\nT1,08:30:00,08:30:00,A\nT2,25:30:00,xx,C,10\n",
        stops=FILES["stops.txt"] + "D,104,Dogwood,91.5,-63,0,,\n",
    )
    assert codes(result) == {"bad_coordinate": 1, "unknown_trip": 1, "unknown_stop": 1, "row_width": 1, "bad_time": 1}
    where = {problem.code: problem.where for problem in result.problems}
    assert where["unknown_trip"] == "stop_times.txt:8"
    assert where["row_width"] == "stop_times.txt:10"
    assert len(bundle.trip_ids) == 2


def test_the_line_of_a_bad_row_is_exact_after_blank_lines_and_quoted_breaks(tmp_path: Path) -> None:
    """What an operator opens the file at."""
    stops = FILES["stops.txt"].replace("A,101,Alder St", 'A,101,"Alder St,\nnorth side"').replace("B,102", "\n\nB,102")
    _, result = imported(tmp_path, stops=stops + "X,9\nD,104,Dogwood,91.5,-63,0,,\n")
    assert {problem.code: problem.where for problem in result.problems} == {
        "row_width": "stops.txt:9",
        "bad_coordinate": "stops.txt:10",
    }


def test_rows_closed_by_a_comma_more_than_the_header_are_read(tmp_path: Path) -> None:
    """A nameless column without anything in it is no fault."""
    bundle, result = imported(
        tmp_path, stop_times=FILES["stop_times.txt"].replace("\n", ",\n").replace("e,\n", "e\n", 1)
    )
    assert codes(result) == {}
    assert len(bundle.trip_ids) == 2


def test_a_file_of_bad_rows_is_counted_not_searched(tmp_path: Path) -> None:
    """Two hundred thousand rows of a wrong width are one problem, in a moment."""
    _, result = imported(tmp_path, stop_times=FILES["stop_times.txt"] + "T1,08:30:00,08:30:00,A\n" * 200_000)
    assert codes(result) == {"row_width": 200_000}
    assert result.problems[0].where == "stop_times.txt:8"


def test_quotes_in_stop_times_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    """The long table too: the rows around them stay whole."""
    rows = FILES["stop_times.txt"].splitlines()
    quoted = [rows[0] + ",stop_headsign", *(row + ',"Cedar,\nvia ""B"""' for row in rows[1:])]
    bundle, result = imported(tmp_path, stop_times="\n".join(quoted) + "\n")
    assert codes(result) == {}
    trip = bundle.trip_ids.index("T2")
    assert trip is not None
    assert bundle.texts[bundle.pattern_headsign[bundle.call_row(trip, 1)]] == 'Cedar,\nvia "B"'
    assert bundle.trip_arrivals_s(trip).tolist() == [90_000, 90_600, 91_200]


def test_a_missing_required_file_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(ScheduleRefused, match=r"stops\.txt"):
        imported(tmp_path, without=("stops.txt",))
    with pytest.raises(ScheduleRefused, match="calendar"):
        imported(tmp_path, without=("calendar.txt", "calendar_dates.txt"))


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    """Not an exception of the zip module."""
    (tmp_path / "x.zip").write_bytes(b"<html>Bad Gateway</html>")
    with pytest.raises(ScheduleRefused, match="zip"):
        build(tmp_path / "x.zip", feed_id="town", home=tmp_path)


def test_only_the_bundle_in_force_and_the_one_before_stay(tmp_path: Path) -> None:
    """Older ones are removed; a folder without meta.json is no bundle."""
    made = []
    for number in range(4):
        stops = FILES["stops.txt"].replace("Alder St", f"Alder St {number}")
        made.append(imported(tmp_path, stops=stops)[1].generation)
    keep_newest(tmp_path, "town", made[-1])
    left = {path.name for path in (tmp_path / "timetables" / "town").iterdir()}
    assert made[-1] in left
    assert len(left) == 2
    (tmp_path / "timetables" / "town" / "half").mkdir()
    with pytest.raises(BundleUnusable):
        timetable.open_bundle(tmp_path, "town", "half")


async def test_import_runs_in_a_process_of_its_own_and_is_announced(tmp_path: Path, redis_url: str) -> None:
    """The same zip gives the same generation; a refusal comes back as one."""
    spec = FeedSpec(feed_id="town", kind=FeedKind.GTFS, url="http://x.example/g.zip", interval_s=60)
    path = zip_of(tmp_path / "gtfs.zip")
    steps: list[str] = []
    result = await import_file(
        path, spec, tmp_path, source="x", now_epoch_s=1.0, progress=lambda step, _share: steps.append(step)
    )
    assert steps[-1] == "done"
    assert result.built
    assert not build(path, feed_id="town", home=tmp_path).built
    hall = Hall.connect(redis_url)
    await timetable.announce(hall, "town", result.generation, 1.0)
    assert await timetable.in_force(hall, "town") == result.generation
    await hall.close()
    with pytest.raises(ScheduleRefused, match=r"routes\.txt"):
        await import_file(
            zip_of(tmp_path / "bad.zip", without=("routes.txt",)), spec, tmp_path, source="x", now_epoch_s=1.0
        )


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["gtfsrt/halifax/gtfs.zip", "gtfsrt/kingston/gtfs.zip", "gtfsrt/raba/gtfs.zip"])
def test_a_recorded_schedule_equals_a_plain_reading(name: str, recordings: Path, tmp_path: Path) -> None:
    """Every call of every trip, against the csv module."""
    path = recordings / name
    if not path.exists():
        pytest.skip(f"no {name} among the recordings")
    result = build(path, feed_id="town", home=tmp_path)
    bundle = Bundle(Path(result.folder))
    with zipfile.ZipFile(path) as archive:
        member = next(entry for entry in archive.namelist() if entry.endswith("stop_times.txt"))
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open(member), "utf-8-sig")))
    expected: dict[str, list[tuple[int, str, str]]] = {}
    for row in rows:
        expected.setdefault(row["trip_id"].strip(), []).append(
            (int(row["stop_sequence"]), row["stop_id"].strip(), row["departure_time"].strip())
        )
    assert len(bundle.trip_ids) == len(expected)
    for raw, calls in expected.items():
        trip = bundle.trip_ids.index(raw)
        assert trip is not None
        calls.sort()
        assert bundle.trip_sequences(trip).tolist() == [call[0] for call in calls]
        assert [bundle.stop_ids[stop] for stop in bundle.trip_stops(trip).tolist()] == [call[1] for call in calls]
        for departs, (_, _, text) in zip(bundle.trip_departures_s(trip).tolist(), calls, strict=True):
            if text:
                hours, minutes, seconds = (int(part) for part in text.split(":"))
                assert departs == hours * 3600 + minutes * 60 + seconds


@pytest.mark.recorded
def test_every_recorded_schedule_is_imported_or_refused_by_name(recordings: Path, tmp_path: Path) -> None:
    """All but the one without files and the one without stops."""
    refused = {}
    paths = [path for path in sorted(recordings.rglob("*.zip")) if path.stat().st_size < 2_500_000]
    for path in paths:
        try:
            result = build(path, feed_id="town", home=tmp_path)
            assert result.counts["trips"] > 0
        except ScheduleRefused as error:
            refused[path.parent.name] = str(error)
    assert len(paths) > 12
    assert all(why.startswith("required files are missing") for why in refused.values())
    assert set(refused) <= {"upstream-resources", "nyc-s78-b42-2017-05"}


async def test_agency_code_of_another_feed_is_refused(tmp_path: Path, redis_url: str) -> None:
    """Two feeds with the same agency_id would share ids: the second is told to give codes of its own, and then serves."""
    hall = Hall.connect(redis_url)
    schedules = ["town", "hills"]
    town = build(zip_of(tmp_path / "a.zip"), feed_id="town", home=tmp_path)
    await put_in_force(hall, tmp_path, town, schedules, 1.0)
    hills = build(zip_of(tmp_path / "b.zip"), feed_id="hills", home=tmp_path)
    with pytest.raises(
        ScheduleRefused, match=r"agency code LT belongs to feed town already: .* agencies = \{ \"LT\" = "
    ):
        await put_in_force(hall, tmp_path, hills, schedules, 1.0)
    assert await timetable.in_force(hall, "hills") is None
    again = build(zip_of(tmp_path / "b.zip"), feed_id="hills", home=tmp_path, agency_codes=(("LT", "H"), ("", "H")))
    await put_in_force(hall, tmp_path, again, schedules, 1.0)
    await put_in_force(hall, tmp_path, town, schedules, 2.0)
    assert await timetable.in_force(hall, "hills") == again.generation
    await hall.close()

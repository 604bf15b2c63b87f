"""Every other recorded format, on a folder of its own that the test writes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.transit import gtfs_realtime_pb2

from backtest import readers
from backtest.readers import days, own_archive, positions_with_gtfs, stop_crossings
from backtest.readers.folder import Folder
from backtest.recording import Recording, SetUnreadable, said_at
from backtest.tracks import tracks_of
from backtest.truth import truth_of
from domain.feed import FeedKind, FeedSpec
from feeds.formats.gtfs_realtime import decode
from feeds.schedule import import_file
from store import archive
from tests.backtest.folders import MIDNIGHT_EPOCH_S, NOON_EPOCH_S, drive, lat_at, write_gtfs, write_gz


def _read(folder: Path) -> Recording:
    return readers.read(Folder(folder))


def _truth(recording: Recording) -> list[float]:
    tracks = tracks_of(recording.runs, recording.lines, recording.fixes)
    return [float(it) for it in truth_of(recording, tracks).at_s]


def _messages() -> Iterator[tuple[int, bytes, bytes]]:
    """(receipt, vehicle positions, trip updates) of a bus that leaves at noon and is told to be 33 s, then 5 s late."""
    for now, metres in drive(NOON_EPOCH_S, 5.0, until_m=2100.0):
        message = gtfs_realtime_pb2.FeedMessage()
        message.header.gtfs_realtime_version = "2.0"
        message.header.timestamp = now + 7
        vehicle = message.entity.add(id="v").vehicle
        vehicle.trip.trip_id, vehicle.trip.start_date, vehicle.vehicle.id = "t1", "20260109", "bus"
        vehicle.position.latitude, vehicle.position.longitude, vehicle.timestamp = lat_at(metres), -75.0, now
        update = gtfs_realtime_pb2.FeedMessage()
        update.header.gtfs_realtime_version = "2.0"
        update.header.timestamp = now + 7
        trip = update.entity.add(id="u").trip_update
        trip.trip.trip_id, trip.trip.start_date = "t1", "20260109"
        trip.stop_time_update.add(stop_sequence=2).arrival.time = NOON_EPOCH_S + 100 + 33
        trip.stop_time_update.add(stop_sequence=4, stop_id="s3").departure.delay = 5
        yield now + 7, message.SerializeToString(), update.SerializeToString()


def _is_the_recorded_bus(recording: Recording) -> None:
    assert np.all(recording.fixes.received_s - recording.fixes.at_s == 7.0)
    assert np.allclose(_truth(recording), NOON_EPOCH_S + np.array([12.0, 97.0, 197.0, 297.0, 397.0]), atol=2.0)
    assert len(recording.said) == 1
    now_s = np.full(5, float(recording.fixes.received_s[4]))
    told = said_at(recording.said, now_s, np.arange(5))
    assert np.isnan(told[0])
    assert (told[1:] - NOON_EPOCH_S).tolist() == [133.0, 233.0, 305.0, 405.0]
    before = said_at(recording.said, np.full(5, float(recording.fixes.received_s[0] - 1)), np.arange(5))
    assert np.isnan(before).all()


def test_messages_as_a_city_records_them(tmp_path: Path) -> None:
    """VehiclePositions and TripUpdates as *.pb: a report counts from its message, a delay carries on to later calls."""
    write_gtfs(tmp_path / "gtfs.zip", trips={"t1": 43_200})
    for received, positions, updates in _messages():
        (tmp_path / f"VehiclePositions_{received}.pb").write_bytes(positions)
        (tmp_path / f"TripUpdates_{received}.pb").write_bytes(updates)
    recording = _read(tmp_path)
    assert recording.form == positions_with_gtfs.NAME
    _is_the_recorded_bus(recording)


def test_messages_by_any_name(tmp_path: Path) -> None:
    """Both parts are looked for in every message, unless its name says that it holds the other one only."""
    write_gtfs(tmp_path / "gtfs.zip", trips={"t1": 43_200})
    for received, positions, updates in _messages():
        (tmp_path / f"vp{received}.pb").write_bytes(positions)
        (tmp_path / f"tu{received}.pb").write_bytes(updates)
    _is_the_recorded_bus(_read(tmp_path))
    for file in tmp_path.glob("*.pb"):
        file.unlink()
    for received, positions, updates in _messages():
        (tmp_path / f"feed-{received}.pb").write_bytes(positions + updates)
    _is_the_recorded_bus(_read(tmp_path))


def test_two_feeds_of_one_city_do_not_silence_each_other(tmp_path: Path) -> None:
    """A newer message of the trams replaces what the trams' feed said, not what the buses' did."""
    write_gtfs(tmp_path / "gtfs.zip", trips={"t1": 43_200})
    for received, positions, updates in _messages():
        (tmp_path / f"VehiclePositions-{received}-bus.pb").write_bytes(positions)
        (tmp_path / f"TripUpdates-{received}-bus.pb").write_bytes(updates)
        trams = gtfs_realtime_pb2.FeedMessage()
        trams.header.gtfs_realtime_version = "2.0"
        trams.header.timestamp = received + 1
        tram = trams.entity.add(id="x").trip_update
        tram.trip.trip_id = "elsewhere"
        tram.stop_time_update.add(stop_sequence=1).arrival.time = NOON_EPOCH_S
        (tmp_path / f"TripUpdates-{received + 1}-tram.pb").write_bytes(trams.SerializeToString())
    _is_the_recorded_bus(_read(tmp_path))


async def test_our_own_archive_of_the_same_bus(tmp_path: Path) -> None:
    """The home of a deployment, its timetable imported and its feeds kept, is the same recording."""
    write_gtfs(tmp_path / "gtfs.zip", trips={"t1": 43_200})
    spec = FeedSpec(feed_id="road", kind=FeedKind.GTFS, url="", interval_s=60.0)
    await import_file(tmp_path / "gtfs.zip", spec, tmp_path / "home", source="test", now_epoch_s=NOON_EPOCH_S)
    for kind, part in ((archive.Kind.VEHICLES, 1), (archive.Kind.TRIP_UPDATES, 2)):
        recorder = archive.Recorder(tmp_path / "home", "live", kind)
        for message in _messages():
            items = decode(message[part], feed_id="live", now_epoch_s=message[0]).items  # type: ignore[arg-type]
            recorder.append(message[0], items.vehicles if part == 1 else items.trip_updates)
        recorder.close()
    recording = _read(tmp_path / "home")
    assert recording.form == own_archive.NAME
    _is_the_recorded_bus(recording)


def test_stop_crossings_are_timed_as_measured_and_the_first_call_by_its_departure(tmp_path: Path) -> None:
    """Only revenue rows at timepoints count, and rows that stand out of order do not."""
    rows = [
        # trip, node, timepoint, order, revenue, scheduled, arrival, departure
        (9, 1, 11, 1, "R", 43_200, 43_100, 43_260),
        (9, 2, None, 2, "R", 43_250, None, None),
        (9, 7, 17, 3, "R", 50_000, 50_000, 50_010),
        (9, 3, 13, 4, "R", 43_500, 43_530, 43_545),
        (9, 4, 14, 5, "R", 43_800, 43_790, None),
        (9, 5, 15, 6, "D", 44_000, 44_000, 44_000),
    ]
    columns = {
        "TRIP_ID": [it[0] for it in rows],
        "GEO_NODE_ID": [it[1] for it in rows],
        "TIME_POINT_ID": [it[2] for it in rows],
        "BLOCK_STOP_ORDER": [it[3] for it in rows],
        "IsRevenue": [it[4] for it in rows],
        "SCHEDULED_TIME": [it[5] for it in rows],
        "ACT_ARRIVAL_TIME": [it[6] for it in rows],
        "ACT_DEPARTURE_TIME": [it[7] for it in rows],
        "CALENDAR_ID": [120260109] * len(rows),
        "PULLOUT_ID": [3] * len(rows),
        "VEHICLE_ID": [77] * len(rows),
        "ROUTE_ID": [1] * len(rows),
    }
    pq.write_table(pa.table(columns), tmp_path / "crossings of friday.parquet")
    recording = _read(tmp_path)
    assert recording.form == stop_crossings.NAME
    assert recording.runs.stop.tolist() == [0, 1, 2]
    assert recording.stops.ids == ["1", "3", "4"]
    assert _truth(recording) == [MIDNIGHT_EPOCH_S + it for it in (43_260, 43_530, 43_790)]


def test_the_longest_part_in_order_is_kept() -> None:
    """One row of a later pass among the earlier ones goes, whichever side it is on."""
    assert stop_crossings.in_order(np.array([0.0, 60.0, 900.0, 120.0, 120.0])).tolist() == [0, 1, 3, 4]
    assert stop_crossings.in_order(np.array([500.0, 60.0, 120.0, 180.0])).tolist() == [1, 2, 3]


def test_observed_calls_learn_the_first_day_and_are_judged_on_the_next(tmp_path: Path) -> None:
    """An extrapolated call is no observation; the second of two days begins at three in the morning."""
    write_gtfs(tmp_path / "g.zip", trips={"t1": 43_200})
    header = "trip_id,call_time,stop_id,vehicle_id,source,date,run_index"
    rows = [
        f"t1,2026-01-{day:02d} 12:0{number}:30-05,s{number},bus,{'E' if number == 4 else 'I'},2026-01-{day:02d},{day}"
        for day in (9, 10)
        for number in range(5)
    ]
    write_gz(tmp_path / "observed.csv.gz", header, rows)
    recording = _read(tmp_path)
    assert recording.runs.service_days == [20260109, 20260110]
    offsets = np.asarray(_truth(recording)) - NOON_EPOCH_S
    assert offsets[:4].tolist() == [30.0, 90.0, 150.0, 210.0]
    assert np.isnan(offsets[4])
    assert recording.warm_until_s == MIDNIGHT_EPOCH_S + 86_400 + 3 * 3600


def test_day_files_find_their_schedule_and_their_hour(tmp_path: Path) -> None:
    """Of two schedules the one that knows the day's trips counts; the timestamps' offset is the agency's hour."""
    stops = [f"s{number},Stop,{lat_at(500 * number):.7f},-75.0" for number in range(5)]
    write_gz(tmp_path / "places.csv.gz", "stop_id,stop_name,stop_lat,stop_lon", stops)
    for name, trip, start in (("old", "t0", 36_000), ("new", "t1", 43_200)):
        calls = [
            f"{trip},{(start + 100 * n) // 3600}:{(start + 100 * n) // 60 % 60:02d}:{(start + 100 * n) % 60:02d},s{n},1"
            for n in range(5)
        ]
        write_gz(tmp_path / f"{name}.csv.gz", "trip_id,arrival_time,stop_id,monday", calls)
    rows = []
    for now, metres in drive(NOON_EPOCH_S + 60, 5.0, until_m=2100.0):
        clock = np.datetime64(now - 5 * 3600, "s")
        rows.append(f"bus,{clock}-05:00,5.0,1,t1,{lat_at(metres):.6f},-75.0,NORTH")
    header = "vehicle_id,timestamp,speed,route_id,trip_id,latitude,longitude,trip_headsign"
    write_gz(tmp_path / "2026-01-09.csv.gz", header, rows)
    recording = _read(tmp_path)
    assert recording.runs.ids == ["t1@20260109"]
    assert recording.time_zone == "Etc/GMT+5"
    assert recording.runs.arrival_s[0] == NOON_EPOCH_S
    assert np.allclose(_truth(recording), NOON_EPOCH_S + 60 + np.array([12.0, 97.0, 197.0, 297.0, 397.0]), atol=1.0)


def test_day_files_of_the_day_on_which_clocks_go_forward(tmp_path: Path) -> None:
    """Before two at night they write -05:00, from three on -04:00: noon is noon, one in the night is an hour after midnight."""
    (tmp_path / "stops.csv").write_text(
        "stop_id,stop_lat,stop_lon\n" + "".join(f"s{n},{lat_at(500 * n)},-75.0\n" for n in range(5))
    )
    noon_epoch_s = 1_772_985_600  # 8 March 2026, 12:00 in New York
    times = [
        f"{trip},{start // 60:02d}:{start % 60 + 2 * n:02d}:00,s{n}\n"
        for trip, start in (("night", 120), ("t1", 720))
        for n in range(5)
    ]
    (tmp_path / "schedule.csv").write_text("trip_id,arrival_time,stop_id\n" + "".join(times))
    rows = []
    for trip, start_s, offset_h in (("night", noon_epoch_s - 10 * 3600, 5), ("t1", noon_epoch_s, 4)):
        for now, metres in drive(start_s, 5.0, until_m=2100.0):
            clock = np.datetime64(now - offset_h * 3600, "s")
            rows.append(f"bus,{clock}-0{offset_h}:00,{trip},{lat_at(metres):.6f},-75.0")
    write_gz(tmp_path / "day.csv.gz", "vehicle_id,timestamp,trip_id,latitude,longitude", rows)
    recording = _read(tmp_path)
    assert recording.runs.ids == ["night@20260308", "t1@20260308"]
    # Times count from noon minus twelve hours, an hour before that day's midnight: 02:00 of the timetable is 01:00 by the clock.
    assert recording.runs.arrival_s[[0, 5]].tolist() == [noon_epoch_s - 10 * 3600, noon_epoch_s]


def test_several_days_are_halved(tmp_path: Path) -> None:
    """Of five days three are for learning, of two one."""
    write_gtfs(tmp_path / "g.zip", trips={"t1": 43_200})
    rows = [f"t1,2026-01-{day:02d} 12:00:30-05,s{n},bus" for day in (5, 6, 7, 8, 9) for n in range(2)]
    write_gz(tmp_path / "o.csv.gz", "trip_id,call_time,stop_id,vehicle_id", rows)
    recording = _read(tmp_path)
    assert recording.warm_until_s == MIDNIGHT_EPOCH_S - 86_400 + 3 * 3600
    assert days.until_later_days(recording.runs, "America/New_York") == recording.warm_until_s


def test_a_night_is_no_day_of_its_own(tmp_path: Path) -> None:
    """One day, its first bus still of the service day before it and one with a wrong clock: judged from 14:00, not from 3:00."""
    write_gtfs(tmp_path / "g.zip", trips={"night": 86_700, **{f"t{n}": 3600 * n for n in range(5, 21)}})
    noon = "2026-01-09"
    rows = [f"night,{noon} 00:05:{n}0-05,s{n},bus" for n in range(5)]
    rows += [f"t{hour},{noon} {hour:02d}:0{n}:00-05,s{n},bus" for hour in range(5, 21) for n in range(5)]
    write_gz(tmp_path / "o.csv.gz", "trip_id,call_time,stop_id,vehicle_id", rows)
    recording = _read(tmp_path)
    assert sorted(set(recording.runs.service_days)) == [20260108, 20260109]
    assert days.days_of(recording.runs) == [20260109]
    assert recording.warm_until_s == NOON_EPOCH_S + 2 * 3600


@pytest.fixture
def rails(tmp_path: Path) -> Path:
    """Two trains' worth of Parquet, an hour apart, with what the agency said of the first."""
    pq.write_table(
        pa.table(
            {"stop_id": ["a", "b", "c"], "stop_lat": [lat_at(1000.0 * n) for n in range(3)], "stop_lon": [-75.0] * 3}
        ),
        tmp_path / "stops.parquet",
    )
    said = [
        # feed, at, sequence, stop, status, metres
        (1000, 995, 10, "a", "STOPPED_AT", 0.0),
        (1002, 995, 10, "a", "STOPPED_AT", 0.0),
        (1020, 1015, 20, "b", "IN_TRANSIT_TO", 300.0),
        (1080, 1076, 20, "b", "STOPPED_AT", 1000.0),
        (1100, 1097, 20, "b", "STOPPED_AT", 1000.0),
        (1120, 1118, 30, "c", "IN_TRANSIT_TO", 1200.0),
        (1200, 1195, 30, "c", "STOPPED_AT", 2000.0),
    ]
    pq.write_table(
        pa.table(
            {
                "feed_timestamp": [it[0] for it in said],
                "vehicle.timestamp": [it[1] for it in said],
                "vehicle.current_stop_sequence": [float(it[2]) for it in said],
                "vehicle.stop_id": [it[3] for it in said],
                "vehicle.current_status": [it[4] for it in said],
                "vehicle.position.latitude": [lat_at(it[5]) for it in said],
                "vehicle.position.longitude": [-75.0] * len(said),
                "vehicle.trip.trip_id": ["t"] * len(said),
                "vehicle.trip.start_date": ["20260109"] * len(said),
                "vehicle.trip.route_id": ["Blue"] * len(said),
                "vehicle.vehicle.id": ["train"] * len(said),
            }
        ),
        tmp_path / "positions.parquet",
    )
    pq.write_table(
        pa.table(
            {
                "feed_timestamp": [1001, 1001, 1090],
                "trip_update.trip.trip_id": ["t", "t", "t"],
                "trip_update.trip.start_date": ["20260109"] * 3,
                "trip_update.stop_time_update.stop_sequence": [20, 30, 30],
                "trip_update.stop_time_update.stop_id": ["b", "c", "c"],
                "trip_update.stop_time_update.arrival.time": [1070, 1190, 1199],
            }
        ),
        tmp_path / "updates.parquet",
    )
    return tmp_path


def test_trains_arrive_when_they_first_say_that_they_stand(rails: Path) -> None:
    """And leave when they first say that they do not; the first call is timed by its departure."""
    recording = _read(rails)
    assert _truth(recording) == [1015.0, 1076.0, 1195.0]
    assert recording.events.received_s.tolist() == [1000.0, 1020.0, 1080.0, 1120.0, 1200.0]
    assert recording.events.departure_s.tolist()[1] == 1015.0
    assert recording.events.departure_s.tolist()[3] == 1118.0


def test_the_newest_message_counts_and_what_it_leaves_out_is_not_said(rails: Path) -> None:
    """At 1050 s both calls were told; the message of 1090 s speaks of the last one only; after 150 s it is too old."""
    (said,) = _read(rails).said
    calls = np.array([1, 2])
    assert said.at(np.array([1050.0, 1050.0]), calls).tolist() == [1070.0, 1190.0]
    later = said.at(np.array([1095.0, 1095.0]), calls)
    assert np.isnan(later[0])
    assert later[1] == 1199.0
    assert np.isnan(said.at(np.array([1241.0, 1241.0]), calls)).all()


def test_the_second_hour_goes_on_where_the_first_one_ended(rails: Path, tmp_path: Path) -> None:
    """Two tables of one feed, in one folder or in two: a new message replaces the last one of the hour before."""
    second = tmp_path / "13h"
    second.mkdir()
    late = pq.read_table(rails / "updates.parquet").slice(2)
    pq.write_table(pq.read_table(rails / "updates.parquet").slice(0, 2), rails / "updates.parquet")
    pq.write_table(late, second / "updates.parquet")
    recording = readers.read(Folder(rails, second))
    assert len(recording.said) == 1
    calls = np.array([1, 2])
    told = said_at(recording.said, np.array([1095.0, 1095.0]), calls)
    assert np.isnan(told[0])
    assert told[1] == 1199.0


def test_of_two_feeds_that_speak_of_one_train_the_newer_one_counts(rails: Path) -> None:
    """Two tables at the same time, by other names: each of its own; where both tell, what was heard last."""
    pq.write_table(pq.read_table(rails / "updates.parquet").slice(2), rails / "corrections.parquet")
    first = pq.read_table(rails / "updates.parquet").slice(0, 2)
    again = first.set_column(0, "feed_timestamp", pa.array([1091, 1091])).slice(0, 1)
    pq.write_table(pa.concat_tables([first, again]), rails / "updates.parquet")
    recording = readers.read(Folder(rails))
    assert len(recording.said) == 2
    told = said_at(recording.said, np.array([1095.0, 1095.0]), np.array([1, 2]))
    assert told.tolist() == [1070.0, 1199.0]


def test_samples_of_the_stops_ahead_are_arrivals_that_become_known(tmp_path: Path) -> None:
    """Each position lists stops ahead with their arrivals; the arrival is an event when it happens."""
    rows = [
        {"trip_id": "t", "vehicle_id": "v", "vp_ts": at, "vp_lat": lat_at(metres), "vp_lon": -75.0, "stop_id": stop,
         "stop_sequence": number, "stop_lat": lat_at(1000.0 * number), "stop_lon": -75.0, "actual_arrival": reached}
        for at, metres in ((36_000_000, 100.0), (36_000_060, 800.0))
        for number, stop, reached in ((1, "b", 36_000_090), (2, "c", 36_000_200))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "samples.parquet")
    recording = _read(tmp_path)
    assert _truth(recording)[1] == 36_000_200.0
    assert recording.events.received_s.tolist() == [36_000_090.0, 36_000_200.0]
    assert recording.fixes.said.tolist() == [0, 0]


def test_samples_tell_a_departure_by_the_next_position_away_from_the_stop(tmp_path: Path) -> None:
    """It reaches b at 90 s, stands there at 120 s, and is 80 m on at 160 s: at 8 m/s it left ten seconds before."""
    rows = [
        {"trip_id": "t", "vehicle_id": "v", "vp_ts": at, "vp_lat": lat_at(metres), "vp_lon": -75.0, "stop_id": stop,
         "stop_sequence": number, "stop_lat": lat_at(1000.0 * number), "stop_lon": -75.0, "actual_arrival": reached}
        for at, metres in ((36_000_000, 100.0), (36_000_120, 1005.0), (36_000_160, 1080.0))
        for number, stop, reached in ((1, "b", 36_000_090), (2, "c", 36_000_300))
        if reached > at
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "samples.parquet")
    events = _read(tmp_path).events
    assert events.received_s.tolist() == [36_000_090.0, 36_000_160.0, 36_000_300.0]
    assert events.call.tolist() == [0, 0, 1]
    assert np.isnan(events.departure_s[0])
    assert events.departure_s[1] == pytest.approx(36_000_150.0, abs=0.5)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(SetUnreadable, match="nowhere"):
        Folder(tmp_path / "nowhere")

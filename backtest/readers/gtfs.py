"""The parts of a GTFS archive that a replay needs, of the trips that were seen. Missing files cost what they hold."""

import zipfile
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from backtest.readers.book import Pattern
from backtest.readers.folder import numbers, texts
from backtest.recording import Floats, SetUnreadable
from domain import service_day


class Schedule:
    """One or several GTFS archives; of a trip that several hold, the last wins."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        agencies = [texts(table, "agency_timezone") for table in self._tables("agency.txt")]
        zones = [zone for column in agencies for zone in column if zone]
        if not zones:
            raise SetUnreadable(f"{paths[0]}: expected agency.txt with agency_timezone")
        self.time_zone = zones[0]
        try:
            service_day.zone(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SetUnreadable(
                f"{paths[0]}: agency.txt: expected a time zone such as America/Toronto, found {self.time_zone!r}"
            ) from error

    def _tables(self, name: str, *needed: str) -> list[pa.Table]:
        """The file of each archive that has one, as text; raises SetUnreadable when a column of *needed* is not there."""
        found = []
        for path in self.paths:
            with zipfile.ZipFile(path) as archive:
                member = next((it for it in archive.namelist() if Path(it).name == name), None)
                if member is None:
                    continue
                body = archive.read(member)
            body = body.removeprefix(b"\xef\xbb\xbf")
            if not body.strip():
                continue
            header = body.split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(",")
            columns = [it.strip().strip('"') for it in header]
            try:
                table = pacsv.read_csv(
                    pa.BufferReader(body),
                    read_options=pacsv.ReadOptions(column_names=columns, skip_rows=1),
                    parse_options=pacsv.ParseOptions(newlines_in_values=True),
                    convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
                )
            except pa.ArrowException as error:
                raise SetUnreadable(f"{path}: {name}: expected a CSV file in UTF-8: {error}") from error
            absent = sorted(set(needed) - set(columns))
            if absent:
                raise SetUnreadable(f"{path}: {name}: expected columns {', '.join(absent)}, found {', '.join(columns)}")
            found.append(table)
        return found

    def places(self) -> dict[str, tuple[float, float]]:
        """stop_id to degrees (lat, lon)."""
        there: dict[str, tuple[float, float]] = {}
        for table in self._tables("stops.txt", "stop_id", "stop_lat", "stop_lon"):
            lat, lon = numbers(table, "stop_lat").tolist(), numbers(table, "stop_lon").tolist()
            there.update(zip(texts(table, "stop_id"), zip(lat, lon, strict=True), strict=True))
        return there

    def shapes(self, wanted: set[str]) -> dict[str, tuple[Floats, Floats]]:
        """shape_id to latitudes and longitudes of its points."""
        found: dict[str, tuple[Floats, Floats]] = {}
        for whole in self._tables("shapes.txt", "shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"):
            table = whole.filter(pc.is_in(whole["shape_id"], value_set=pa.array(sorted(wanted), pa.string())))
            names = np.asarray(texts(table, "shape_id"), dtype=object)
            order = np.lexsort((numbers(table, "shape_pt_sequence"), names.astype(str)))
            lat, lon = numbers(table, "shape_pt_lat")[order], numbers(table, "shape_pt_lon")[order]
            for rows in _groups(names[order].astype(str)):
                found[str(names[order[rows[0]]])] = (lat[rows], lon[rows])
        return found

    def by_frequency(self, wanted: set[str]) -> set[str]:
        """Those of the trips that frequencies.txt repeats: no row of the timetable is the time of one of their runs."""
        repeated = {trip for table in self._tables("frequencies.txt", "trip_id") for trip in texts(table, "trip_id")}
        return wanted & repeated

    def patterns(self, wanted: set[str]) -> dict[str, Pattern]:
        """trip_id to its calls, of the wanted trips that are there."""
        about: dict[str, tuple[str, str, str]] = {}
        for table in self._tables("trips.txt", "trip_id", "route_id"):
            for trip, *rest in zip(
                *(texts(table, name) for name in ("trip_id", "route_id", "block_id", "shape_id")), strict=True
            ):
                if trip in wanted:
                    about[trip] = (rest[0], rest[1], rest[2])
        found: dict[str, Pattern] = {}
        keep = pa.array(sorted(wanted), pa.string())
        for whole in self._tables("stop_times.txt", "trip_id", "stop_id", "stop_sequence", "arrival_time"):
            told_apart = "timepoint" in whole.column_names and bool(pc.any(pc.equal(whole["timepoint"], "0")).as_py())
            table = whole.filter(pc.is_in(whole["trip_id"], value_set=keep))
            trips = np.asarray(texts(table, "trip_id"), dtype=str)
            sequence = numbers(table, "stop_sequence")
            order = np.lexsort((sequence, trips))
            stops = np.asarray(texts(table, "stop_id"), dtype=object)[order]
            arrival, departure = _service_s(table, "arrival_time")[order], _service_s(table, "departure_time")[order]
            waits = (numbers(table, "timepoint") == 1)[order] & told_apart
            for rows in _groups(trips[order]):
                trip = str(trips[order[rows[0]]])
                if trip in about and len(rows) > 1:
                    route, block, shape = about[trip]
                    arrives, departs = _whole(arrival[rows], departure[rows])
                    found[trip] = Pattern(
                        trip_id=trip,
                        route=route,
                        block=block,
                        stop_ids=tuple(stops[rows].tolist()),
                        sequence=sequence[order[rows]].astype(np.int64),
                        arrival_s=arrives,
                        departure_s=departs,
                        waits=waits[rows],
                        shape=shape,
                    )
        return found


def _groups(names: "np.ndarray[tuple[int], np.dtype[np.str_]]") -> list["np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """Rows of each stretch of equal names."""
    if not len(names):
        return []
    return np.split(np.arange(len(names)), np.flatnonzero(names[1:] != names[:-1]) + 1)


def _service_s(table: pa.Table, name: str) -> Floats:
    return np.asarray([service_s(it) for it in texts(table, name)], np.float64)


def service_s(text: str) -> float:
    """H:MM:SS, past 24 h too, as seconds; nan for anything else."""
    parts = text.strip().split(":")
    try:
        hours, minutes, seconds = (int(it) for it in parts)
    except ValueError:
        return float("nan")
    return float(hours * 3600 + minutes * 60 + seconds)


def _whole(arrival_s: Floats, departure_s: Floats) -> tuple[Floats, Floats]:
    """A missing time is the other one; calls between timepoints lie evenly."""
    arrival = np.where(np.isfinite(arrival_s), arrival_s, departure_s)
    departure = np.where(np.isfinite(departure_s), departure_s, arrival)
    known = np.isfinite(arrival)
    if not known.all() and known.any():
        rows = np.arange(len(arrival))
        between = np.interp(rows, rows[known], arrival[known])
        arrival, departure = np.where(known, arrival, between), np.where(known, departure, between)
    return arrival, np.maximum(departure, arrival)

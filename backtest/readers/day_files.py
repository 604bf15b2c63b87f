"""Vehicle positions, a table a day, with schedules as tables: CapMetro's archive."""

from datetime import date, datetime

import numpy as np
import pyarrow as pa

from backtest.readers.book import Book, Pattern
from backtest.readers.days import until_afternoon_or_later_days
from backtest.readers.folder import Folder, Table, places_of, texts
from backtest.readers.gtfs import service_s
from backtest.readers.positions_with_gtfs import fixes_of, typical_interval
from backtest.readers.realtime_rows import is_positions, reports
from backtest.recording import Floats, Int64s, Recording, SetUnreadable, no_events, pieces_of

NAME = "days of vehicle positions with schedule tables"
NEEDS = (
    "tables with vehicle_id, timestamp (ISO 8601 with its offset), trip_id, latitude, longitude; schedule tables with "
    "trip_id, arrival_time, stop_id in order of travel; tables of stops with stop_id, stop_lat, stop_lon"
)
WARM_UP = "the first half of the days (of five days three); of one day as for stop crossings"
DAY_S = 86_400
ENOUGH = 500
"""So many timestamps of a table tell how far local time is from UTC."""
EPOCH_DAY = date(1970, 1, 1).toordinal()


def recognise(folder: Folder) -> bool:
    """Positions and a schedule as tables."""
    return any(is_positions(it) for it in folder.tables) and any(_is_schedule(it) for it in folder.tables)


def _is_schedule(table: Table) -> bool:
    return table.has(("trip_id",), ("arrival_time",), ("stop_id",)) and not table.has(("lat", "latitude"))


def _is_stops(table: Table) -> bool:
    return table.has(("stop_id",), ("stop_lat",), ("stop_lon",)) and not table.has(("trip_id",))


def read(folder: Folder) -> Recording:
    """The recording in *folder*. Of several schedules each day goes with the one that knows most of its trips."""
    said = reports(folder)
    clock = _clock(folder)
    places = places_of(it for it in folder.tables if _is_stops(it))
    wanted = set(said.trip)
    schedules = [_patterns(it, wanted, places) for it in folder.tables if _is_schedule(it)]
    placed = np.isfinite(said.at_s)
    local_day = np.where(placed, clock.day(np.where(placed, said.at_s, 0.0)), 0)
    book = Book(places=places)
    run = np.full(len(said), -1, np.int64)
    for day in np.unique(local_day[placed]).tolist():
        rows = np.flatnonzero(placed & (local_day == day))
        around = np.asarray([day - 1, day, day + 1])
        start_s = dict(zip(around.tolist(), clock.start_s(around).tolist(), strict=True))
        seen = {said.trip[row] for row in rows.tolist()}
        schedule = max(schedules, key=lambda it: len(seen & it.keys()))
        for row in rows.tolist():
            pattern = schedule.get(said.trip[row])
            if pattern is not None:
                run[row] = _run(book, pattern, float(said.at_s[row]), day, start_s)
    if not (run >= 0).any():
        raise SetUnreadable(f"{folder.paths[-1]}: none of the positions' trip ids is in a schedule table")
    stops, runs, lines = book.bound()
    fixes = fixes_of(said, run, runs.ptr, np.full(len(said), -1, np.int64))
    interval_s = typical_interval(fixes)
    pieces = pieces_of(np.sort(fixes.received_s), max(150.0, 2.0 * interval_s))
    zone = f"Etc/GMT{-clock.hours_ahead(int(local_day.max())):+d}"
    unknown = int(np.count_nonzero(run < 0))
    return Recording(
        name=folder.name,
        form=NAME,
        time_zone=zone,
        stops=stops,
        runs=runs,
        lines=lines,
        fixes=fixes,
        events=no_events(),
        said=(),
        pieces=pieces,
        warm_until_s=until_afternoon_or_later_days(runs, zone, pieces),
        interval_s=interval_s,
        notes=[f"{unknown:,} of {len(run):,} reports are on a trip that is in no schedule"] if unknown else [],
    )


def _patterns(table: Table, wanted: set[str], places: dict[str, tuple[float, float]]) -> dict[str, Pattern]:
    """trip_id to its calls; the order of travel is that of the table."""
    rows = table.read(trip=("trip_id",), at=("arrival_time",), stop=("stop_id",))
    calls: dict[str, list[tuple[str, float]]] = {}
    for trip, text, stop in zip(texts(rows, "trip"), texts(rows, "at"), texts(rows, "stop"), strict=True):
        if trip in wanted and stop in places:
            calls.setdefault(trip, []).append((stop, service_s(text)))
    found = {}
    for trip, listed in calls.items():
        arrival = np.asarray([at for _, at in listed])
        if len(listed) < 2 or not np.isfinite(arrival).all():
            continue
        found[trip] = Pattern(
            trip_id=trip,
            route="",
            block="",
            stop_ids=tuple(stop for stop, _ in listed),
            sequence=np.arange(1, len(listed) + 1),
            arrival_s=np.maximum.accumulate(arrival),
            departure_s=np.maximum.accumulate(arrival),
            waits=np.zeros(len(listed), np.bool_),
        )
    return found


class _Clock:
    """When local days begin, as the timestamps write their offset: noon minus 12 h, also where clocks change that night."""

    def __init__(self, days: Int64s, offsets: Floats) -> None:
        self._days, self._offsets = days, offsets

    def start_s(self, day: Int64s) -> Floats:
        """Epoch seconds of service time 0 on each local day (days since 1970)."""
        row = np.searchsorted(self._days, day, "right") - 1
        found: Floats = day * DAY_S - self._offsets[np.clip(row, 0, len(self._offsets) - 1)]
        return found

    def day(self, at_s: Floats) -> Int64s:
        """The local day of each instant."""
        guess = np.floor(at_s / DAY_S).astype(np.int64)
        found: Int64s = guess + (at_s >= self.start_s(guess + 1)) - (at_s < self.start_s(guess))
        return found

    def hours_ahead(self, day: int) -> int:
        """Of UTC, at noon of that day."""
        return int((day * DAY_S - self.start_s(np.asarray([day]))[0]) // 3600)


def _clock(folder: Folder) -> _Clock:
    """Of each day the offset nearest to its noon: where clocks change, the schedule goes by that of noon."""
    by_day: dict[int, tuple[float, float]] = {}
    for table in folder.tables:
        if is_positions(table):
            rows = table.read(at=("timestamp",))
            written = pa.compute.unique(rows["at"]).to_pylist()
            for text in written[:: max(1, len(written) // ENOUGH)]:
                try:
                    moment = datetime.fromisoformat(text)
                except (TypeError, ValueError):
                    continue
                offset = moment.utcoffset()
                if offset is not None:
                    off_noon_h = abs(moment.hour + moment.minute / 60 - 12)
                    day = moment.date().toordinal() - EPOCH_DAY
                    by_day[day] = min(by_day.get(day, (np.inf, 0.0)), (off_noon_h, offset.total_seconds()))
    if not by_day:
        raise SetUnreadable(
            f"{folder.paths[-1]}: expected timestamps with an offset, such as 2016-11-24T00:00:51-06:00: without one nobody "
            "knows to what time of day the schedule speaks"
        )
    days = sorted(by_day)
    return _Clock(np.asarray(days, np.int64), np.asarray([by_day[it][1] for it in days]))


def _run(book: Book, pattern: Pattern, at_s: float, day: int, start_s: dict[int, float]) -> int:
    """The run of the day (this or the one before) on which the trip is nearest to being under way."""

    def away_s(number: int) -> float:
        now_s = at_s - start_s[number]
        return max(float(pattern.departure_s[0]) - now_s, now_s - float(pattern.arrival_s[-1]), 0.0)

    best = min((day, day - 1, day + 1), key=away_s)
    number = int(np.datetime64(best, "D").astype("datetime64[D]").astype(str).replace("-", ""))
    return book.run(pattern, number, start_s[best])

"""What Wayside itself keeps of a city: the archive of its feeds and its timetable bundles."""

from pathlib import Path

import numpy as np

from backtest.readers import positions_with_gtfs
from backtest.readers.book import Pattern
from backtest.readers.folder import Folder
from backtest.readers.realtime_rows import in_order, reports_in, together, updates_in
from backtest.recording import Floats, Recording, SetUnreadable
from domain.errors import BundleUnusable
from domain.realtime import TripUpdates, Vehicles
from store import archive
from store.timetable import Bundle

NAME = "Wayside's own archive"
NEEDS = "WAYSIDE_HOME of a running deployment: archive/ with vehicles of at least one feed, and timetables/"
WARM_UP = positions_with_gtfs.WARM_UP


def recognise(folder: Folder) -> bool:
    """Homes with an archive in each."""
    return all(archive.hours(home, kind=archive.Kind.VEHICLES) for home in folder.paths)


def read(folder: Folder) -> Recording:
    """Everything kept of all feeds, on the timetable that knows most of their trips."""
    kept = [(home, feed) for home in folder.paths for feed in sorted({hour.feed_id for hour in archive.hours(home)})]
    said = together(
        [reports_in(vehicles, at_s) for home, feed in kept for at_s, vehicles in archive.read(home, feed, Vehicles)]
    )  # fmt: skip
    claimed = in_order(
        [updates_in(told, at_s, feed) for home, feed in kept for at_s, told in archive.read(home, feed, TripUpdates)]
    )  # fmt: skip
    trips = set(said.trip)
    timetables = [BundleSchedule(it) for home in folder.paths for it in _bundles(home)]
    if not timetables:
        raise SetUnreadable(
            f"{folder.paths[-1]}: expected a timetable under timetables/, made by `wayside import` or by the feeds"
        )
    return positions_with_gtfs.joined(folder.name, NAME, said, claimed, max(timetables, key=lambda it: it.knows(trips)))


def _bundles(home: Path) -> list[Bundle]:
    """All readable bundles, by when they were imported."""
    found = []
    for meta in (home / "timetables").glob("*/*/meta.json"):
        try:
            found.append(Bundle(meta.parent))
        except BundleUnusable:
            continue
    return sorted(found, key=lambda it: (float(it.meta.get("imported_epoch_s", 0.0)), it.generation))


class BundleSchedule:
    """A timetable bundle, asked as a recording's schedule."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.time_zone = bundle.time_zone

    def knows(self, trips: set[str]) -> int:
        """How many of the trips are in it."""
        return sum(len(self._bundle.trip_rows(it)) > 0 for it in trips)

    def places(self) -> dict[str, tuple[float, float]]:
        """stop_id to degrees (lat, lon)."""
        bundle = self._bundle
        lat, lon = bundle.array("stop_lat").tolist(), bundle.array("stop_lon").tolist()
        return {bundle.stop_ids[row]: (lat[row], lon[row]) for row in range(len(lat))}

    def shapes(self, wanted: set[str]) -> dict[str, tuple[Floats, Floats]]:
        """Shape (its row, as text) to latitudes and longitudes of its points."""
        found = {}
        for name in wanted:
            lat, lon, _ = self._bundle.shape(int(name))
            found[name] = (np.asarray(lat, np.float64), np.asarray(lon, np.float64))
        return found

    def by_frequency(self, wanted: set[str]) -> set[str]:
        """Those of the trips that run by frequency."""
        first = {name: rows[0] for name in wanted if len(rows := self._bundle.trip_rows(name))}
        return {name for name, row in first.items() if self._bundle.trip_frequency[row] >= 0}

    def patterns(self, wanted: set[str]) -> dict[str, Pattern]:
        """trip_id to its calls, of the wanted trips that are there."""
        bundle = self._bundle
        timepoint = bundle.array("pattern_timepoint")
        told_apart = bool((timepoint == 0).any())
        found = {}
        for name in wanted:
            rows = bundle.trip_rows(name)
            if not len(rows):
                continue
            trip = rows[0]
            first, size = bundle.call_row(trip), bundle.trip_length(trip)
            block, shape = bundle.trip_block[trip], bundle.trip_shape(trip)
            found[name] = Pattern(
                trip_id=name,
                route=bundle.route_ids[bundle.trip_route[trip]],
                block=bundle.block_ids[block] if block >= 0 else "",
                stop_ids=tuple(bundle.stop_ids[int(stop)] for stop in bundle.trip_stops(trip)),
                sequence=bundle.trip_sequences(trip).astype(np.int64),
                arrival_s=bundle.trip_arrivals_s(trip).astype(np.float64),
                departure_s=bundle.trip_departures_s(trip).astype(np.float64),
                waits=(timepoint[first : first + size] == 1) & told_apart,
                shape=str(shape) if shape >= 0 else "",
            )
        return found

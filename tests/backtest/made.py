"""Small recordings made by hand: one run of three calls, 1,000 m apart, reports and events as a test wants them."""

import numpy as np

from backtest.recording import Events, Fixes, Recording, Runs, Said, Stops, no_events, no_fixes
from backtest.tracks import line_through
from tests.backtest.folders import lat_at

CALLS = 3
STEP_M = 1000.0


def runs(
    count: int = 1, *, block: str = "", start_s: float = 0.0, apart_s: float = 600.0, step_s: float = 100.0
) -> Runs:
    """*count* runs of the same three calls, *apart_s* after one another; 100 s scheduled from call to call."""
    size = CALLS
    arrival = np.concatenate([start_s + run * apart_s + step_s * np.arange(size) for run in range(count)])
    return Runs(
        ids=[f"t{run}@20260109" for run in range(count)],
        trip_ids=[f"t{run}" for run in range(count)],
        routes=["r"] * count,
        service_days=[20260109] * count,
        blocks=[block] * count,
        line=np.zeros(count, np.int64),
        ptr=np.arange(0, size * count + 1, size),
        run=np.repeat(np.arange(count), size),
        stop=np.tile(np.arange(size), count),
        sequence=np.tile(np.arange(1, size + 1), count),
        arrival_s=arrival,
        departure_s=arrival,
        along_m=np.tile(STEP_M * np.arange(size), count),
        waits=np.zeros(size * count, np.bool_),
    )


def fixes(*reports: tuple[float, int, float], delay_s: float = 0.0) -> Fixes:
    """Reports (when, run, metres along), each received *delay_s* later."""
    at = np.asarray([it[0] for it in reports], np.float64)
    return Fixes(
        received_s=at + delay_s,
        at_s=at,
        run=np.asarray([it[1] for it in reports], np.int64),
        vehicle=np.zeros(len(reports), np.int64),
        lat=np.asarray([lat_at(it[2]) for it in reports]),
        lon=np.full(len(reports), -75.0),
        said=np.full(len(reports), -1, np.int64),
        stopped=np.zeros(len(reports), np.bool_),
    )


def events(*rows: tuple[float, int, float, float]) -> Events:
    """Events (received, call, arrival, departure)."""
    columns = [np.asarray([it[number] for it in rows], np.float64) for number in range(4)]
    return Events(
        received_s=columns[0],
        call=columns[1].astype(np.int64),
        vehicle=np.zeros(len(rows), np.int64),
        arrival_s=columns[2],
        departure_s=columns[3],
    )


def recording(
    of: Runs,
    *,
    reports: Fixes | None = None,
    happened: Events | None = None,
    said: tuple[Said, ...] = (),
    pieces: tuple[tuple[float, float], ...] = ((0.0, 1e6),),
    warm_until_s: float = 0.0,
    interval_s: float = 30.0,
) -> Recording:
    """The recording of these."""
    lat = np.asarray([lat_at(STEP_M * number) for number in range(CALLS)])
    lon = np.full(CALLS, -75.0)
    return Recording(
        name="made",
        form="by hand",
        time_zone="UTC",
        stops=Stops(ids=["a", "b", "c"], lat=lat, lon=lon),
        runs=of,
        lines=(line_through(lat, lon, 100.0),),
        fixes=reports if reports is not None else no_fixes(),
        events=happened if happened is not None else no_events(),
        said=said,
        pieces=pieces,
        warm_until_s=warm_until_s,
        interval_s=interval_s,
    )

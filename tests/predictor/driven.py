"""The buses of the streets' line S driven: in time, or slower than their timetable, with what an agency says of them."""

from collections.abc import Iterator

import numpy as np
from google.transit import gtfs_realtime_pb2 as pb

from domain.predictions import CallFlag, Predictions
from domain.realtime import TripUpdates
from feeds.formats import gtfs_realtime
from tests.predictor.streets import EAST, WEST, Report, Streets, along, at

SLOW_MPS = 10 / 3
"""The timetable wants 5 m/s: 1 km in 200 s; this is 300 s."""
LATE_S = {"east2": 1500}
"""Twenty-five minutes late from its start, with the rest of its block."""


def buses(now: int) -> Iterator[Report]:
    """The buses of line S: they leave in time and drive slowly."""
    for number in range(12):
        for way, line, offset in (("east", EAST, 0), ("west", WEST, 1500)):
            start = at(7) + number * 600 + offset
            if start - 60 <= now <= start + 6000 / SLOW_MPS + 60:
                metres = min(max(now - start, 0) * SLOW_MPS, 6000.0)
                yield Report(place=along(line, metres), when=now, trip=f"{way}{number}", vehicle=f"{way}{number}")


def run(town: Streets, minutes: int, agency: bool = False) -> Predictions:
    """From 7:00, a tick every 30 s."""
    made = None
    for now in range(at(7), at(7) + minutes * 60 + 1, 30):
        made = town.tick(now, *buses(now), updates=on_time(now) if agency else None)
        check(made)
    assert made is not None
    return made


def check(made: Predictions) -> None:
    """What must hold of every tick: nothing ahead is told before now, times never run backwards, bands enclose."""
    ahead = (made.flags & CallFlag.PASSED) == 0
    told = ahead & (made.arrival_epoch_s > 0)
    assert (made.arrival_epoch_s[told] >= made.computed_epoch_s).all()
    assert (made.departure_epoch_s[told] >= made.arrival_epoch_s[told]).all()
    assert (made.early_s <= 0).all()
    assert (made.late_s >= 0).all()
    run = np.repeat(np.arange(len(made.trip)), np.diff(made.ptr))[made.arrival_epoch_s > 0]
    times = made.arrival_epoch_s[made.arrival_epoch_s > 0].astype(np.int64)
    assert (np.diff(times)[np.diff(run) == 0] >= 0).all()


def on_time(now: int) -> TripUpdates:
    """An agency that says all is on time."""
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = now
    for report in buses(now):
        update = message.entity.add(id=report.trip).trip_update
        update.trip.trip_id = report.trip
        update.stop_time_update.add(stop_sequence=1).arrival.delay = 0
    found = gtfs_realtime.decode(message.SerializeToString(), feed_id="v", now_epoch_s=now).items.trip_updates
    assert found is not None
    return found


def reports(now: int, without: set[str]) -> list[Report]:
    """Every bus of line S that is between its first and last stop, on time but for LATE_S, but for those *without*."""
    found = []
    for number in range(12):
        for way, line in (("east", EAST), ("west", WEST)):
            trip = f"{way}{number}"
            departs = at(7) + number * 600 + (1500 if way == "west" else 0) + LATE_S.get(trip, 0)
            if trip not in without and departs <= now <= departs + 1200:
                place = along(line, (now - departs) * 5)
                found.append(Report(place=place, when=now, trip=trip, vehicle=f"b{number % 5}-{way}"))
    return found

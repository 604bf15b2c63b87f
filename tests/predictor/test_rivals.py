"""Several feeds of one timetable: whose word counts, and which vehicles are the same."""

from typing import Any

import numpy as np
from google.transit.gtfs_realtime_pb2 import FeedMessage

from domain.predictions import Predictions
from domain.realtime import TripUpdates
from feeds.formats import gtfs_realtime
from predictor.rivals import OUTDATED_S, preferred
from predictor.tick import predict
from predictor.words import Heard
from tests.predictor.streets import OUT_AND_BACK, Report, Streets, along, at, vehicles


def said(delay: int, when: int, trip_id: str = "out1", **descriptor: Any) -> TripUpdates:
    """One feed's word on a trip."""
    message = FeedMessage()
    message.header.gtfs_realtime_version, message.header.timestamp = "2.0", when
    update = message.entity.add(id="1").trip_update
    update.trip.trip_id, update.trip.start_date, update.timestamp = trip_id, "20261123", when
    for name, value in descriptor.items():
        setattr(update.trip, name, value)
    for sequence in (1, 11, 21):
        stop = update.stop_time_update.add(stop_sequence=sequence, stop_id=f"stop{sequence // 10}")
        if descriptor:
            stop.arrival.time = at(9, sequence) + delay
        else:
            stop.arrival.delay = delay
    items = gtfs_realtime.decode(message.SerializeToString(), feed_id="x", now_epoch_s=when).items
    assert items.trip_updates is not None
    return items.trip_updates


def ticked(town: Streets, now: int, *heard: Heard) -> Predictions:
    return predict(town.schedule, town.ground, heard, float(now), town.memory)[0]


def word(feed_id: str, updates: TripUpdates, priority: int = 0) -> Heard:
    return Heard(feed_id=feed_id, header_epoch_s=at(8), updates=updates, vehicles=None, priority=priority)


def seen(feed_id: str, *reports: Report, priority: int = 0) -> Heard:
    said = vehicles(list(reports), at(8, 5))
    return Heard(feed_id=feed_id, header_epoch_s=at(8, 5), updates=None, vehicles=said, vehicle_priority=priority)


def delay_of(town: Streets, made: Predictions) -> tuple[str, int]:
    """Whose word is told of out1, and how late it is."""
    row = town.row(made, "out1")
    return made.feed_ids[made.trip_feed[row]], int(made.arrival_epoch_s[made.ptr[row] + 1]) - at(8, 3, 20)


def test_newest_word_counts_among_equals(town: Streets) -> None:
    """Of two feeds that were given no rank, whoever spoke last; of the same instant, the one named first."""
    old, new = word("a", said(60, at(7, 59))), word("b", said(90, at(8)))
    assert delay_of(town, ticked(town, at(8), old, new)) == ("b", 90)
    assert delay_of(town, ticked(town, at(8), new, old)) == ("b", 90)
    assert delay_of(town, ticked(town, at(8), word("a", said(60, at(8))), new)) == ("a", 60)


def test_higher_priority_counts_though_it_is_older(town: Streets) -> None:
    """As configured, until it is OUTDATED_S behind."""
    old, new = word("a", said(60, at(7, 58)), priority=2), word("b", said(90, at(8)), priority=1)
    assert delay_of(town, ticked(town, at(8), old, new)) == ("a", 60)
    outdated = word("a", said(60, at(8) - OUTDATED_S - 1), priority=2)
    assert delay_of(town, ticked(town, at(8), outdated, new)) == ("b", 90)


def test_added_trip_of_two_feeds_is_there_once(town: Streets) -> None:
    """Both list a trip that the timetable does not have; another id is another trip."""
    added: dict[str, Any] = {"schedule_relationship": 8, "route_id": "O"}
    one, same = said(0, at(8), "extra", **added), said(30, at(8, 1), "extra", **added)
    made = ticked(town, at(8, 2), word("a", one), word("b", same), word("c", said(0, at(8), "other", **added)))
    assert sorted((made.named[row]["trip_id"], made.feed_ids[made.trip_feed[row]]) for row in made.named) == [
        ("extra", "b"),
        ("other", "c"),
    ]


def test_vehicle_of_two_feeds_is_there_once(town: Streets) -> None:
    """The same bus on the same trip in two feeds is one bus: the newer report, or the one of the ranked feed."""
    early = Report(place=along(OUT_AND_BACK, 1300), when=at(8, 4, 20), trip="out1")
    later = Report(place=along(OUT_AND_BACK, 1450), when=at(8, 4, 50), trip="out1")
    made = ticked(town, at(8, 5), seen("a", early), seen("b", later))
    assert (made.vehicle_ids, made.located_epoch_s.tolist()) == (["bus"], [at(8, 4, 50)])
    made = ticked(town, at(8, 5), seen("a", early, priority=1), seen("b", later))
    assert (made.vehicle_ids, made.located_epoch_s.tolist()) == (["bus"], [at(8, 4, 20)])


def test_vehicles_with_one_id_are_kept_apart(town: Streets) -> None:
    """Bus 7 of one company and bus 7 of another, kilometres away or on another trip."""
    one = Report(place=along(OUT_AND_BACK, 1300), when=at(8, 4, 50), trip="out1", vehicle="7")
    other = Report(place=(5000, 3000), when=at(8, 4, 50), vehicle="7")
    made = ticked(town, at(8, 5), seen("a", one), seen("b", other))
    assert sorted(made.vehicle_ids) == ["7", "7@b"]
    assert town.aboard(made, "7") == "out1"
    made = ticked(town, at(8, 5), seen("a", one), seen("b", other, priority=1))
    assert sorted(made.vehicle_ids) == ["7", "7@a"]
    assert town.aboard(made, "7@a") == "out1"


def test_vehicle_that_names_no_trip_is_the_one_nearby_that_does(town: Streets) -> None:
    """A positions feed without trips beside one with trips."""
    one = Report(place=along(OUT_AND_BACK, 1300), when=at(8, 4, 20), trip="out1")
    bare = Report(place=along(OUT_AND_BACK, 1450), when=at(8, 4, 20))
    made = ticked(town, at(8, 5), seen("a", one), seen("b", bare))
    assert made.vehicle_ids == ["bus"]
    assert town.aboard(made) == "out1"


def test_preferred_keeps_one_row_a_key() -> None:
    """In the order of the rows."""
    key = np.array([5, 7, 5, 9, 7], np.int64)
    feed = np.array([0, 0, 1, 1, 1], np.int64)
    told = np.array([10, 10, 20, 0, 10], np.int64)
    assert preferred(key, feed, told, [0, 0]).tolist() == [1, 2, 3]
    assert preferred(key, feed, told, [1, 0]).tolist() == [0, 1, 3]
    assert preferred(key[:0], feed[:0], told[:0], []).tolist() == []

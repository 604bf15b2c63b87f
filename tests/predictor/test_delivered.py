"""Trips that ran, trips that were cancelled, ghosts, and what nobody could see."""

from dataclasses import replace

import numpy as np

from domain.delivered import RouteDay
from domain.predictions import Predictions
from domain.realtime import TripRelationship
from predictor.delivered import Ledger
from tests.predictor.driven import reports
from tests.predictor.streets import DATE, Streets, at


def drive(
    town: Streets, ledger: Ledger, *, since: int, until: int, without: set[str] = frozenset(),  # type: ignore[assignment]
    cancelled: str = "", blind: tuple[int, int] = (0, 0),
) -> Predictions:  # fmt: skip
    """Tick every 30 s; *blind* is a time in which the feed is out of order and says nothing."""
    made = town.tick(since)
    for now in range(since, until, 30):
        watching = not blind[0] <= now < blind[1]
        made = town.tick(now, *(reports(now, without) if watching else []))
        if cancelled:
            made = with_cancelled(town, made, cancelled)
        ledger.note(made, now, watching=watching)
    return made


def with_cancelled(town: Streets, made: Predictions, trip: str) -> Predictions:
    """The tick with a row that says that the trip does not run."""
    return replace(
        made,
        trip=np.append(made.trip, np.int32(town.bundle.trip_rows(trip)[0])),
        service_date=np.append(made.service_date, np.int32(DATE)),
        relationship=np.append(made.relationship, np.uint8(TripRelationship.CANCELED)),
        ptr=np.append(made.ptr, made.ptr[-1]),
    )


def line_s(ledger: Ledger, now: int) -> RouteDay:
    return next(it for it in ledger.counts(DATE, now) if it.route_id == "S")


def missing(town: Streets, ledger: Ledger, now: int, *, watching: bool = True) -> set[str]:
    trips, dates = ledger.missing(now, watching=watching)
    assert set(dates.tolist()) <= {DATE}
    return {town.bundle.trip_ids[trip] for trip in trips.tolist()}


def test_every_trip_that_a_vehicle_drove_is_delivered(town: Streets) -> None:
    """From 06:55 to 09:50 all 24 trips of line S run, one of them 25 minutes late; the night trip is not due."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(9, 50))
    day = line_s(ledger, at(9, 50))
    assert (day.planned, day.delivered, day.cancelled, day.missing, day.unknown) == (25, 24, 0, 0, 0)
    assert day.share == 1.0


def test_a_trip_that_nobody_drove_is_missing_once_it_is_over(town: Streets) -> None:
    """The 07:30 east: promised by the timetable, never seen."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(8, 15), without={"east3"})
    assert line_s(ledger, at(8, 15)).missing == 0
    drive(town, ledger, since=at(8, 15), until=at(8, 25), without={"east3"})
    assert line_s(ledger, at(8, 25)).missing == 1


def test_a_trip_in_an_outage_is_not_a_ghost(town: Streets) -> None:
    """The feed is out of order from 07:25 to 08:25: nobody can say whether the 07:30 came."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(9), without={"east3"}, blind=(at(7, 25), at(8, 25)))
    day = line_s(ledger, at(9))
    assert day.missing == 0
    assert day.unknown >= 1


def test_a_trip_while_the_predictor_was_away_is_not_a_ghost(town: Streets) -> None:
    """No tick from 07:25 to 08:20, and no vehicle seen of what ran then."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(7, 25))
    drive(town, ledger, since=at(8, 20), until=at(9))
    assert line_s(ledger, at(9)).missing == 0


def test_a_cancelled_trip_is_no_ghost(town: Streets) -> None:
    """The agency said so."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(8, 30), without={"east3"}, cancelled="east3")
    day = line_s(ledger, at(8, 30))
    assert (day.cancelled, day.missing) == (1, 0)


def test_a_route_whose_vehicles_never_report_is_not_judged(town: Streets) -> None:
    """Lines O, L and N have no vehicles in the feed: unknown, not missing; once they were seen on a day before, missing."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(7, 55), until=at(9, 30))
    before = {it.route_id: it for it in ledger.counts(DATE, at(9, 30))}
    assert (before["O"].missing, before["O"].unknown) == (0, 1)
    ledger.recall_routes([replace(before["O"], delivered=1)])
    after = {it.route_id: it for it in ledger.counts(DATE, at(9, 30))}
    assert (after["O"].missing, after["O"].unknown) == (1, 0)
    assert (after["N"].missing, after["N"].unknown) == (0, 1)


def test_an_arrival_whose_vehicle_should_be_visible_and_is_not_says_so(town: Streets) -> None:
    """Ten minutes after its departure the 08:00 has no vehicle; its block's is nowhere; the others are well."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(8, 9), without={"east6"})
    assert missing(town, ledger, at(8, 9)) == set()
    drive(town, ledger, since=at(8, 9), until=at(8, 11), without={"east6"})
    assert missing(town, ledger, at(8, 11)) == {"east6"}
    assert missing(town, ledger, at(8, 11), watching=False) == set()


def test_a_trip_whose_block_is_still_late_on_the_one_before_is_not_missing(town: Streets) -> None:
    """The 07:20 east runs 25 minutes late, so its block's 07:45 west cannot have left by 07:57."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(7, 57), without={"west2"})
    assert "west2" not in missing(town, ledger, at(7, 57))


def test_a_vehicle_that_vanished_on_its_way_is_missing(town: Streets) -> None:
    """Seen until 08:05, then no more; the trip ends at 08:20."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(8, 5))
    drive(town, ledger, since=at(8, 5), until=at(8, 17), without={"east6"})
    assert missing(town, ledger, at(8, 17)) == {"east6"}
    assert line_s(ledger, at(9)).missing == 0


def test_what_was_noted_survives_a_restart(town: Streets) -> None:
    """Kept by the ids of trips, taken up by another ledger: the same counts, and no ghosts of trips seen before."""
    ledger = Ledger(town.schedule)
    drive(town, ledger, since=at(6, 55), until=at(8), without={"east3"})
    again = Ledger(town.schedule)
    again.recall(DATE, ledger.kept(DATE))
    assert again.counts(DATE, at(8)) == ledger.counts(DATE, at(8))
    drive(town, again, since=at(8, 1), until=at(8, 30), without={"east3"})
    assert line_s(again, at(8, 30)).missing == 1


def test_days_that_are_over_are_let_go(town: Streets) -> None:
    """A week of ticks keeps the days around now only."""
    ledger = Ledger(town.schedule)
    for day in range(7):
        now = at(12) + day * 86_400
        ledger.note(town.tick(now), now, watching=True)
    assert len(ledger.days) <= 4

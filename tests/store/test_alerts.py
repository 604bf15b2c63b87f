"""Messages, Alerts and trip risks come back from a real server as they went in."""

from dataclasses import replace

from domain.alert import Alert
from domain.risk import RiskLevel, TripRisk
from predictor.alert_chains import advance
from store import alerts, keys
from store.hall import Hall
from tests.feeds.formats.cap_messages import alert, read

NOW = 1_795_435_300.0


def one_alert() -> Alert:
    (made,) = advance({}, [read(alert())], feed_id="civil", seen_epoch_s=NOW, now_epoch_s=NOW).told
    return made


async def test_messages_come_back_and_are_announced(hall: Hall) -> None:
    """With the time of the poll and a version that counts up."""
    message = read(alert())
    assert await alerts.get_messages(hall, "civil") is None
    await alerts.put_messages(hall, "civil", [message], NOW)
    await alerts.put_messages(hall, "civil", [message, replace(message, identifier="B")], NOW + 60)
    found = await alerts.get_messages(hall, "civil")
    assert found is not None
    assert (found.at_epoch_s, found.version) == (NOW + 60, 2)
    assert found.messages == (message, replace(message, identifier="B"))
    assert await alerts.messages_version(hall, "civil") == 2


async def test_alerts_and_their_events_are_written_together(hall: Hall) -> None:
    """Quiet changes make no work; forgotten ones are gone; the version and the time are no Alerts."""
    loud = one_alert()
    quiet = replace(loud, alert_id="quiet")
    await alerts.put_alerts(hall, [loud], NOW, quiet=[quiet])
    assert await alerts.get_alerts(hall) == {loud.alert_id: loud, "quiet": quiet}
    await alerts.put_alerts(hall, [replace(loud, revision=2)], NOW + 1, forgotten=["quiet"])
    assert await alerts.get_alerts(hall) == {loud.alert_id: replace(loud, revision=2)}
    await alerts.put_alerts(hall, [], NOW + 2)
    assert await alerts.alerts_version(hall) == 2
    events = [entry for _, entry in await hall.redis.xrange(keys.alert_events())]
    assert [(event[b"alert_id"].decode(), event[b"revision"]) for event in events] == [
        (loud.alert_id, b"1"),
        (loud.alert_id, b"2"),
    ]


async def test_trip_risks_are_replaced_whole(hall: Hall) -> None:
    risk = TripRisk(
        alert_id="a",
        revision=1,
        level=RiskLevel.SEVERE,
        trip_id="1_t",
        route_id="1_r",
        service_date=20261123,
        first_position=3,
        last_position=5,
        stop_ids=("1_s",),
    )
    assert await alerts.get_trip_risks(hall) == ()
    await alerts.put_trip_risks(hall, [risk, replace(risk, trip_id="1_u")], NOW)
    await alerts.put_trip_risks(hall, [risk], NOW)
    assert await alerts.get_trip_risks(hall) == (risk,)


async def test_the_stamp_tells_a_new_beginning_from_no_change(hall: Hall) -> None:
    """A server that lost everything counts from 1 again: the number is the same, the stamp is not."""
    made = one_alert()
    await alerts.put_alerts(hall, [made], NOW)
    before = (await alerts.alerts_version(hall), await alerts.alerts_stamp(hall))
    assert await alerts.alerts_stamp(hall) == before[1]
    await hall.redis.flushall()
    await alerts.put_alerts(hall, [made], NOW)
    assert await alerts.alerts_version(hall) == before[0]
    assert await alerts.alerts_stamp(hall) != before[1]

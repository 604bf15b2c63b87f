"""What alert feeds list, the Alerts made of it, the work that Alerts make, and the trips that they touch.

An Alert and the entry in the stream that has people told of it are written in one transaction: whoever reads the entry
finds the Alert at that revision or a later one, and no revision that people must hear of is without its entry.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.alert import Alert, AlertMessage
from domain.risk import TripRisk
from store import codec, keys
from store.hall import Hall

MAX_EVENTS = 100_000
"""The stream of alert events is trimmed to about so many entries: months of a busy country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMessages:
    """What one feed lists: *at_epoch_s* is the time of the poll that found it."""

    at_epoch_s: float
    version: int
    messages: tuple[AlertMessage, ...]
    found_at: tuple[str, ...] = ()
    """For each message what the poller calls the entry of its index, blank for none; empty when there is no index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Messages:
    messages: tuple[AlertMessage, ...]
    found_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _TripRisks:
    risks: tuple[TripRisk, ...]


async def put_messages(
    hall: Hall, feed_id: str, messages: Sequence[AlertMessage], at_epoch_s: float, found_at: Sequence[str] = ()
) -> None:
    """Replace what the feed lists. Call it for every good poll, also when nothing changed: it says that we saw."""
    blob = codec.pack(_Messages(messages=tuple(messages), found_at=tuple(found_at)))
    await hall.put_state(
        keys.alert_messages(feed_id), {"at": at_epoch_s, "blob": blob}, topic="alert_messages", feed_id=feed_id
    )


async def get_messages(hall: Hall, feed_id: str) -> ListedMessages | None:
    """What the feed lists, or None when it was never read. Raises BlobUnusable."""
    state = await hall.get_state(keys.alert_messages(feed_id))
    if not state or "blob" not in state:
        return None
    said = codec.unpack(state["blob"], _Messages)
    return ListedMessages(
        at_epoch_s=float(state["at"]),
        version=int(state["version"]),
        messages=said.messages,
        found_at=said.found_at,
    )


async def messages_version(hall: Hall, feed_id: str) -> int:
    """Counts up with every :func:`put_messages`; 0 before the first."""
    return await hall.version(keys.alert_messages(feed_id))


async def put_alerts(
    hall: Hall,
    changed: Sequence[Alert],
    at_epoch_s: float,
    *,
    quiet: Sequence[Alert] = (),
    forgotten: Iterable[str] = (),
) -> None:
    """Write *changed* with a stream entry each, *quiet* without, and drop *forgotten*; all or nothing."""
    gone = tuple(forgotten)
    if not (changed or quiet or gone):
        return
    async with hall.redis.pipeline(transaction=True) as pipe:
        pipe.hincrby(keys.alerts(), "version", 1)
        pipe.hsetnx(keys.alerts(), "born", secrets.token_hex(8))
        pipe.hset(
            keys.alerts(),
            mapping={alert.alert_id: codec.encode(alert) for alert in (*changed, *quiet)} | {"at": at_epoch_s},
        )
        if gone:
            pipe.hdel(keys.alerts(), *gone)
        for alert in changed:
            entry = {"alert_id": alert.alert_id, "revision": alert.revision, "at": at_epoch_s}
            pipe.xadd(keys.alert_events(), entry, maxlen=MAX_EVENTS, approximate=True)
        version = int((await pipe.execute())[0])
    await hall.redis.publish(keys.channel(), f"alerts - {version}")


_NOT_ALERTS = (b"version", b"at", b"born")


async def get_alerts(hall: Hall) -> dict[str, Alert]:
    """Every Alert that is known, by id: those in force and those that ended in the last day. Raises BlobUnusable."""
    fields = await hall.redis.hgetall(keys.alerts())
    return {name.decode(): codec.decode(value, Alert) for name, value in fields.items() if name not in _NOT_ALERTS}


async def alerts_stamp(hall: Hall) -> str:
    """Another with every change of any Alert, also where a server that lost everything counts from 1 again."""
    version, born = await hall.redis.hmget(keys.alerts(), ["version", "born"])
    return f"{int(version or 0)} {(born or b'').decode()}"


async def alerts_version(hall: Hall) -> int:
    """Counts up with every change of any Alert."""
    return await hall.version(keys.alerts())


async def put_trip_risks(hall: Hall, risks: Sequence[TripRisk], at_epoch_s: float) -> None:
    """Replace the running trips that Alerts touch."""
    blob = codec.pack(_TripRisks(risks=tuple(risks)))
    await hall.put_state(keys.trip_risks(), {"at": at_epoch_s, "blob": blob}, topic="trip_risks")


async def get_trip_risks(hall: Hall) -> tuple[TripRisk, ...]:
    """The running trips that Alerts touch. Raises BlobUnusable."""
    state = await hall.get_state(keys.trip_risks())
    return codec.unpack(state["blob"], _TripRisks).risks if state and "blob" in state else ()

"""Hand-overs: the work, who was told what of an event, what was put off or given up, and counts and receipts.

Receipts hold neither tokens nor places, and of a subscription's identifier (a credential) only a few characters of a
digest.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from domain.errors import BlobUnusable
from domain.notification import Delivery, DeliveryOutcome, Notification, Told
from store import codec, keys
from store.hall import Hall
from store.streams import Entry

SENDERS = "senders"
RECEIPTS_KEPT = 5000
DEAD_KEPT = 10_000
TOLD_KEPT_S = 180 * 86_400
"""Who was told of an event is remembered for so long after the last hand-over: longer than any warning seen."""

_TELL = """
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and tonumber(string.match(known, '^%d+')) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
"""A later revision, told by another process meanwhile, is never overwritten by an earlier one."""

_RELEASE = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then return redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""

_RELEASE_DUE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do
  redis.call('XADD', KEYS[2], '*', 'notification', member)
  redis.call('ZREM', KEYS[1], member)
end
return #due
"""


# --- the work


async def put_work(hall: Hall, notifications: Sequence[Notification]) -> None:
    """Have these handed over."""
    if not notifications:
        return
    async with hall.redis.pipeline(transaction=False) as pipe:
        for notification in notifications:
            pipe.xadd(keys.pushes(), {"notification": codec.encode(notification)})
        await pipe.execute()


def notification_of(entry: Entry) -> Notification:
    """What an entry of the work asks for. Raises BlobUnusable."""
    return codec.decode(entry.fields.get(b"notification", b""), Notification)


async def put_off(hall: Hall, notification: Notification, due_epoch_s: float) -> None:
    """Have this handed over later."""
    await hall.redis.zadd(keys.pushes_later(), {codec.encode(notification): due_epoch_s})


async def release_due(hall: Hall, now_epoch_s: float, count: int = 500) -> int:
    """Make work of what was put off until now; how much, at most *count*."""
    return int(await hall.redis.eval(_RELEASE_DUE, 2, keys.pushes_later(), keys.pushes(), now_epoch_s, count))


async def give_up(hall: Hall, fields: Mapping[bytes, bytes], reason: str, at_epoch_s: float) -> None:
    """Keep what cannot be handed over, with the reason, for an operator to look at."""
    entry = {**dict(fields), b"reason": reason[:300].encode(), b"at": str(at_epoch_s).encode()}
    await hall.redis.xadd(keys.pushes_dead(), entry, maxlen=DEAD_KEPT, approximate=True)


# --- who was told what


async def told(hall: Hall, alert_id: str, subscription_ids: Sequence[str]) -> dict[str, Told]:
    """What these subscriptions were told of an event; those that were told nothing are left out."""
    if not subscription_ids:
        return {}
    values = await hall.redis.hmget(keys.told(alert_id), list(subscription_ids))
    return _readable(zip(subscription_ids, values, strict=True))


def _readable(found: Iterable[tuple[str, bytes | None]]) -> dict[str, Told]:
    """What cannot be read counts as not told: rather twice than never."""
    told_by_id: dict[str, Told] = {}
    for subscription_id, value in found:
        if value is not None:
            with contextlib.suppress(BlobUnusable):
                told_by_id[subscription_id] = Told.decode(value)
    return told_by_id


async def all_told(hall: Hall, alert_id: str) -> dict[str, Told]:
    """Everybody who was told anything of an event."""
    found: dict[str, Told] = {}
    cursor = 0
    while True:
        cursor, fields = await hall.redis.hscan(keys.told(alert_id), cursor, count=5000)
        found |= _readable((name.decode(), value) for name, value in fields.items())
        if not int(cursor):
            return found


async def tell(hall: Hall, said: Iterable[tuple[str, str, Told]]) -> list[bool]:
    """Note, for each (alert id, subscription id, told), what is being or was handed over.

    False where a later revision was noted meanwhile: then nothing is changed.
    """
    async with hall.redis.pipeline(transaction=False) as pipe:
        for alert_id, subscription_id, one in said:
            pipe.eval(_TELL, 1, keys.told(alert_id), subscription_id, one.revision, one.encode(), TOLD_KEPT_S)
        return [bool(answer) for answer in await pipe.execute()]


async def take_back(hall: Hall, alert_id: str, subscription_id: str, claimed: Told, before: Told | None) -> None:
    """Undo a claim whose hand-over surely did not happen; what another process noted meanwhile stays."""
    old = before.encode() if before is not None else ""
    await hall.redis.eval(_RELEASE, 1, keys.told(alert_id), subscription_id, claimed.encode(), old)


# --- counts and receipts


async def record(hall: Hall, deliveries: Sequence[Delivery]) -> None:
    """Count outcomes and keep the latest receipts."""
    if not deliveries:
        return
    counts: dict[str, int] = {}
    for one in deliveries:
        counts[one.outcome.value] = counts.get(one.outcome.value, 0) + 1
    async with hall.redis.pipeline(transaction=False) as pipe:
        for outcome, count in counts.items():
            pipe.hincrby(keys.delivery_counts(), outcome, count)
        for one in deliveries:
            receipt = {
                "subscription": hashlib.sha256(one.subscription_id.encode()).hexdigest()[:12],
                "alert_id": one.alert_id,
                "revision": one.revision,
                "kind": one.kind.value,
                "outcome": one.outcome.value,
                "at": one.at_epoch_s,
                "detail": one.detail[:200],
            }
            pipe.xadd(keys.deliveries_recent(), receipt, maxlen=RECEIPTS_KEPT, approximate=True)
        await pipe.execute()


async def counts(hall: Hall) -> dict[DeliveryOutcome, int]:
    """How many hand-overs ended how."""
    found = await hall.redis.hgetall(keys.delivery_counts())
    return {DeliveryOutcome(name.decode()): int(count) for name, count in found.items()}


async def recent(hall: Hall, count: int = 50) -> list[dict[str, str]]:
    """The latest receipts, newest first: subscription (a digest), alert_id, revision, kind, outcome, at, detail."""
    entries = await hall.redis.xrevrange(keys.deliveries_recent(), count=count)
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries]

"""Who asked to be warned of what: subscriptions in shards, found again by their device and places.

An identifier lies in the shard of its own checksum. The shard also holds digests of device and places, so that the
same request again finds the same subscription. Every change is also put on a stream: a newcomer gets what is in force.
"""

import hashlib
import secrets
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from domain.errors import BlobUnusable
from domain.subscription import Device, Place, Subscription
from store import codec, keys
from store.hall import Hall

MAX_CHANGES = 1_000_000
"""The stream of changes is trimmed to about so many entries."""

IDLE_S = 180 * 86_400
"""A subscription that was not heard of for half a year is forgotten; apps say that they are there when opened."""

_PUT = """
if redis.call('HGET', KEYS[2], ARGV[2]) ~= (ARGV[4] ~= '' and ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
return 1
"""
_REPLACE = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
_FORGET = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a request to subscribe."""

    subscription: Subscription
    is_new: bool


def shard_of(subscription_id: str) -> int:
    """The shard that an identifier, or a digest, lies in."""
    return zlib.crc32(subscription_id.encode()) % keys.SUBSCRIPTION_SHARDS


def digest_of(device: Device, places: Sequence[Place]) -> str:
    """The same for the same device and ground, whatever the labels and their order."""
    ground = sorted((place.lat, place.lon, place.radius_m) for place in places)
    text = f"{device.platform.value}\n{device.token}\n{ground!r}"
    return hashlib.blake2b(text.encode(), digest_size=18).hexdigest()


def _new_id(shard: int) -> str:
    """192 random bits, in the given shard (which leaves 188 to guess)."""
    while True:
        subscription_id = secrets.token_urlsafe(24)
        if shard_of(subscription_id) == shard:
            return subscription_id


async def put(hall: Hall, wanted: Subscription) -> Kept:
    """Keep *wanted* under a new identifier, or under the one that this device and ground have already.

    Returns when it is written (and on disk, where the server is set to ``appendfsync always``). What was asked before
    keeps its identifier and its age, and takes language, labels and level of the new request.
    """
    digest = digest_of(wanted.device, wanted.places)
    shard = shard_of(digest)
    while True:
        known_id = await hall.redis.hget(keys.subscription_devices(shard), digest)
        old = await get(hall, known_id.decode()) if known_id else None
        if old is not None and digest_of(old.device, old.places) == digest:
            kept = await edit(
                hall,
                old.subscription_id,
                lambda now: replace(wanted, subscription_id=now.subscription_id, created_epoch_s=now.created_epoch_s),
                "again",
            )
            if kept is not None:
                return Kept(kept, is_new=False)
            continue
        kept = replace(wanted, subscription_id=_new_id(shard))
        if await hall.redis.eval(
            _PUT,
            2,
            keys.subscriptions(shard),
            keys.subscription_devices(shard),
            kept.subscription_id,
            digest,
            codec.encode(kept),
            known_id or b"",
        ):
            await announce(hall, kept.subscription_id, "new")
            return Kept(kept, is_new=True)


async def edit(
    hall: Hall, subscription_id: str, how: Callable[[Subscription], Subscription], what: str = "changed"
) -> Subscription | None:
    """Replace a subscription by *how* of it, whatever else happens meanwhile; None when there is none.

    *what* is announced on the stream of changes; blank announces nothing. *how* may be called again when somebody else
    was quicker. Raises BlobUnusable.
    """
    key = keys.subscriptions(shard_of(subscription_id))
    while True:
        value = await hall.redis.hget(key, subscription_id)
        if value is None:
            return None
        old = codec.decode(value, Subscription)
        new = how(old)
        if await hall.redis.eval(_REPLACE, 1, key, subscription_id, value, codec.encode(new)):
            break
    before, after = digest_of(old.device, old.places), digest_of(new.device, new.places)
    if before != after:
        await hall.redis.hset(keys.subscription_devices(shard_of(after)), after, subscription_id)
        await _forget_digest(hall, before, subscription_id)
    if what:
        await announce(hall, subscription_id, what)
    return new


async def announce(hall: Hall, subscription_id: str, what: str) -> None:
    """Have the subscription told of what is in force."""
    entry = {"subscription_id": subscription_id, "change": what}
    await hall.redis.xadd(keys.subscription_changes(), entry, maxlen=MAX_CHANGES, approximate=True)


async def get(hall: Hall, subscription_id: str) -> Subscription | None:
    """One subscription, or None. Raises BlobUnusable."""
    value = await hall.redis.hget(keys.subscriptions(shard_of(subscription_id)), subscription_id)
    return codec.decode(value, Subscription) if value is not None else None


async def get_many(hall: Hall, subscription_ids: Iterable[str]) -> dict[str, Subscription]:
    """Those that exist and can be read, by identifier; one round trip a shard."""
    by_shard: dict[int, list[str]] = {}
    for subscription_id in dict.fromkeys(subscription_ids):
        by_shard.setdefault(shard_of(subscription_id), []).append(subscription_id)
    found: dict[str, Subscription] = {}
    for shard, ids in by_shard.items():
        values = await hall.redis.hmget(keys.subscriptions(shard), ids)
        found |= {one.subscription_id: one for one in _readable(value for value in values if value is not None)}
    return found


async def heartbeat(hall: Hall, subscription_id: str, now_epoch_s: float) -> bool:
    """Note that the app was opened; False when there is no such subscription."""
    seen = int(now_epoch_s)
    return await edit(hall, subscription_id, lambda old: replace(old, seen_epoch_s=seen), "") is not None


async def delete(hall: Hall, subscription_id: str) -> bool:
    """Forget a subscription and all it held; False when there was none."""
    return await _delete_if(hall, subscription_id, lambda _: True)


async def delete_if_token(hall: Hall, subscription_id: str, token: str) -> bool:
    """Forget a subscription whose token is dead, unless it has another token by now."""
    return await _delete_if(hall, subscription_id, lambda one: one.device.token == token)


async def _delete_if(hall: Hall, subscription_id: str, doomed: Callable[[Subscription], bool]) -> bool:
    key = keys.subscriptions(shard_of(subscription_id))
    while True:
        value = await hall.redis.hget(key, subscription_id)
        if value is None:
            return False
        known = _readable((value,))
        if known and not doomed(known[0]):
            return False
        if await hall.redis.eval(_FORGET, 1, key, subscription_id, value):
            for one in known:
                await _forget_digest(hall, digest_of(one.device, one.places), subscription_id)
            return True


async def _forget_digest(hall: Hall, digest: str, subscription_id: str) -> None:
    await hall.redis.eval(_FORGET, 1, keys.subscription_devices(shard_of(digest)), digest, subscription_id)


async def in_shard(hall: Hall, shard: int, page: int = 5000) -> AsyncIterator[list[Subscription]]:
    """Every subscription of a shard, some thousand at a time. One that comes or goes meanwhile may be missed, one may
    come twice; what is there from beginning to end comes."""
    cursor = 0
    while True:
        cursor, fields = await hall.redis.hscan(keys.subscriptions(shard), cursor, count=page)
        if fields:
            yield _readable(fields.values())
        if not int(cursor):
            return


def _readable(values: Iterable[bytes]) -> list[Subscription]:
    found = []
    for value in values:
        try:
            found.append(codec.decode(value, Subscription))
        except BlobUnusable:
            continue  # one broken record must not keep a warning from everybody else
    return found


async def expire_idle(hall: Hall, now_epoch_s: float, idle_s: float = IDLE_S) -> int:
    """Forget the subscriptions that were not heard of for *idle_s*; how many there were."""
    since_epoch_s = now_epoch_s - idle_s
    gone = 0
    for shard in range(keys.SUBSCRIPTION_SHARDS):
        async for page in in_shard(hall, shard):
            for one in page:
                if one.seen_epoch_s < since_epoch_s:
                    gone += await _delete_if(
                        hall, one.subscription_id, lambda found: found.seen_epoch_s < since_epoch_s
                    )
    return gone

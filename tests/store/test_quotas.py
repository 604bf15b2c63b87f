"""Buckets of quotas in a real server."""

from domain.quota import Quota
from store import api_keys, keys, quotas
from store.hall import Hall
from store.quotas import Want

HOURLY = Quota(requests=100, per_s=3600)
"""So slow that no test sees it refill by a whole request (36 s)."""


async def test_lease_gives_portions_until_the_bucket_is_empty(hall: Hall) -> None:
    """What is granted in all is the quota; then it says how long to wait."""
    granted = [(await quotas.lease(hall, {"k": Want(HOURLY, 0, 30)}))["k"] for _ in range(5)]
    assert [lease.granted for lease in granted] == [30, 30, 30, 10, 0]
    assert [lease.left for lease in granted] == [70, 40, 10, 0, 0]
    assert 0 < granted[-1].wait_s <= 36
    assert granted[0].wait_s == 0


async def test_lease_settles_what_was_served_before(hall: Hall) -> None:
    """Requests let through on credit count, into debt if need be; a debt is never more than a quota."""
    first = (await quotas.lease(hall, {"k": Want(HOURLY, 95, 10)}))["k"]
    assert (first.granted, first.left) == (5, 0)
    owing = (await quotas.lease(hall, {"k": Want(HOURLY, 30, 10)}))["k"]
    assert (owing.granted, owing.left) in {(0, -30), (0, -29)}
    deep = (await quotas.lease(hall, {"k": Want(HOURLY, 100_000, 10)}))["k"]
    assert (deep.granted, deep.left) == (0, -100)


async def test_lease_of_several_keys_keeps_them_apart(hall: Hall) -> None:
    """Each key has a bucket of its own, which expires by itself."""
    found = await quotas.lease(hall, {"a": Want(HOURLY, 0, 99), "b": Want(Quota(requests=3, per_s=86_400), 0, 99)})
    assert {digest: lease.granted for digest, lease in found.items()} == {"a": 99, "b": 3}
    assert 0 < await hall.redis.pttl(keys.quota("a")) <= 7_201_000


async def test_lease_refills_evenly(hall: Hall) -> None:
    """A bucket written as it was 36 seconds ago has one more request to give."""
    await quotas.lease(hall, {"k": Want(HOURLY, 0, 100)})
    at = float(await hall.redis.hget(keys.quota("k"), "at"))
    await hall.redis.hset(keys.quota("k"), "at", at - 36.5)
    assert (await quotas.lease(hall, {"k": Want(HOURLY, 0, 5)}))["k"].granted == 1


async def test_revoked_key_leaves_no_bucket(hall: Hall) -> None:
    """Revoking forgets the key, its quota, and says so to whoever follows."""
    token = await api_keys.add(hall, name="app", role="rider", at_epoch_s=1, quota=HOURLY)
    await api_keys.add(hall, name="other", role="rider", at_epoch_s=1, exempt=True)
    digest = api_keys.digest_of(token)
    await quotas.lease(hall, {digest: Want(HOURLY, 0, 5)})
    assert await api_keys.revoke(hall, "app") == 1
    assert {key.name for key in (await api_keys.get_all(hall)).values()} == {"other"}
    assert await hall.redis.exists(keys.quota(digest)) == 0
    assert await api_keys.revoke(hall, "app") == 0


async def test_key_record_holds_no_key(hall: Hall) -> None:
    """Nothing in Redis says what the key is."""
    token = await api_keys.add(hall, name="app", role="rider", at_epoch_s=1, quota=HOURLY, protected=True)
    kept = await hall.redis.hgetall(keys.api_keys())
    assert all(token.encode() not in name + value for name, value in kept.items())
    (record,) = (await api_keys.get_all(hall)).values()
    assert (record.quota, record.exempt, record.protected) == (HOURLY, False, True)

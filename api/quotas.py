"""A process's portions of the quotas of API keys, so that a rider's request asks Redis nothing.

Every key has a small portion in hand. When half of it is gone, the next is leased in the background; when all is gone
before the lease comes, as many again are let through and settled with it, unless the bucket had nothing more to give
the last time; only a burst beyond that waits for the lease. While Redis is away each process goes on with its even share
of the quota (quota / web processes).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from api.errors import too_many
from domain.quota import Quota
from runtime.clock import Clock
from store.hall import AWAY, Hall
from store.quotas import Lease, Want, lease
from store.streams import REFUSED

log = logging.getLogger("wayside.api")

SHARE = 20
"""A portion is the quota's twentieth part, at least one request, at most MAX_PORTION."""
MAX_PORTION = 500
ROUND_S = 0.002
"""Leases of all keys that run low within so long are one round trip."""
RETRY_S = 0.5
"""How often Redis is tried again while it is away."""
PATIENCE_S = 1.0
"""The longest that a burst waits for a lease."""


class KeyRights(Protocol):
    """What a key's record says of its quota."""

    @property
    def quota(self) -> Quota | None:
        """None: the deployment's."""

    @property
    def exempt(self) -> bool:
        """No quota at all."""


class _Account:
    """One key's portion in this process."""

    __slots__ = ("asked", "credit", "empty_until_s", "hand", "missed", "portion", "quota", "refilled_s", "wait_s")

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.portion = max(1, min(quota.requests // SHARE, MAX_PORTION))
        self.hand = 0.0
        """Requests granted and not yet served; negative: served and not yet settled."""
        self.credit = self.portion
        """How far below zero *hand* may go: nothing once the bucket was seen empty."""
        self.missed = 0
        """Requests that wait for the next lease."""
        self.asked = False
        self.empty_until_s = -1e9
        self.wait_s = 1.0
        self.refilled_s: float | None = None
        """While Redis is away: when the process's own share was last reckoned."""


class Quotas:
    """See the module. One a web process."""

    def __init__(self, clock: Clock, *, default: Quota, processes: int) -> None:
        self._clock = clock
        self._default = default
        self._processes = processes
        self._accounts: dict[str, _Account] = {}
        self._low: list[str] = []
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._alone = False
        self.leasing = False
        """A lease is under way: who was refused may yet be let through, see :meth:`settled`."""

    def take(self, digest: str, key: KeyRights) -> None:
        """Count one request of the key; raises RequestRefused (429) when its quota, or its portion, is used up."""
        if key.exempt:
            return
        account = self._accounts.get(digest)
        quota = key.quota or self._default
        if account is None or account.quota != quota:
            account = self._accounts[digest] = _Account(quota)
        now_s = self._clock.monotonic_s()
        if self._alone:
            self._refill_alone(account, now_s)
        if not account.asked and account.hand * 2 <= account.portion and now_s >= account.empty_until_s:
            account.asked = True
            self._low.append(digest)
            self.leasing = True
            self._wake.set()
        if account.hand >= 1 or (not self._alone and account.hand > -account.credit):
            account.hand -= 1
            return
        account.missed += account.asked
        raise too_many(max(account.wait_s, account.empty_until_s - now_s))

    async def settled(self) -> None:
        """Return once the lease under way is there; or soon, if it does not come."""
        try:
            await asyncio.wait_for(self._settled.wait(), PATIENCE_S)
        except TimeoutError:
            return

    def _refill_alone(self, account: _Account, now_s: float) -> None:
        rate = account.quota.rate_per_s / self._processes
        since_s = 0.0 if account.refilled_s is None else now_s - account.refilled_s
        account.hand = min(max(account.hand, 0.0) + since_s * rate, float(account.portion))
        account.refilled_s = now_s
        account.wait_s = max(0.0, 1 - account.hand) / rate

    # --- leasing

    async def run(self, hall: Hall, known: Callable[[], Mapping[str, object]]) -> None:
        """Lease what runs low, and forget keys that are not *known* any more; never ends."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(ROUND_S)
            self._wake.clear()
            low, self._low = self._low, []
            for digest in self._accounts.keys() - known().keys():
                del self._accounts[digest]
            wants = {digest: _want(self._accounts[digest]) for digest in low if digest in self._accounts}
            try:
                leases = await lease(hall, wants) if wants else {}
            except (*AWAY, *REFUSED):
                await self._lost(low)
            else:
                self._found(wants, leases)

    def _round_is_over(self) -> None:
        self.leasing = bool(self._low)
        over, self._settled = self._settled, asyncio.Event()
        over.set()

    async def _lost(self, low: list[str]) -> None:
        if not self._alone:
            log.warning("event=quotas_alone reason=redis_away action=own_share processes=%d", self._processes)
        self._alone = True
        self._round_is_over()
        await asyncio.sleep(RETRY_S)
        for digest in low:
            if (account := self._accounts.get(digest)) is not None:
                account.asked = False

    def _found(self, wants: Mapping[str, Want], leases: Mapping[str, Lease]) -> None:
        now_s = self._clock.monotonic_s()
        if self._alone:
            self._alone = False
            for account in self._accounts.values():
                account.refilled_s, account.asked = None, False
        for digest, got in leases.items():
            if digest not in self._accounts:
                continue
            account = self._accounts[digest]
            account.asked = False
            account.hand += wants[digest].served + got.granted
            account.credit = account.portion if got.left > 0 else 0
            account.wait_s = got.wait_s
            account.empty_until_s = now_s + got.wait_s if got.granted == 0 else -1e9
        self._round_is_over()


def _want(account: _Account) -> Want:
    in_hand = int(account.hand)
    wanted = account.portion - max(0, in_hand) + account.missed
    account.missed = 0
    return Want(account.quota, max(0, -in_hand), wanted)

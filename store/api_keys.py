"""API keys and operator tokens: only their SHA-256 is kept; the key itself is shown once, when it is made."""

import hashlib
import secrets
from dataclasses import dataclass

from domain.quota import Quota
from store import codec, keys, quotas
from store.hall import Hall

TOPIC = "api_keys"
ROLES = ("rider", "operator")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of a key."""

    name: str
    role: str
    created_epoch_s: int
    quota: Quota | None = None
    """None: what the deployment grants every key."""
    exempt: bool = False
    """No quota at all."""
    protected: bool = False
    """May also read what riders reported."""


def digest_of(token: str) -> str:
    """How a key is looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


async def add(
    hall: Hall, *, name: str, role: str, at_epoch_s: float, quota: Quota | None = None, exempt: bool = False,
    protected: bool = False,
) -> str:  # fmt: skip
    """Make a key; it is returned here and nowhere else. Raises ValueError for a role there is not."""
    if role not in ROLES:
        raise ValueError(f"role {role!r}: expected one of {', '.join(ROLES)}")
    token = f"{'op' if role == 'operator' else 'rk'}-{secrets.token_urlsafe(18)}"
    record = ApiKey(
        name=name, role=role, created_epoch_s=int(at_epoch_s), quota=quota, exempt=exempt, protected=protected
    )
    await hall.redis.hset(keys.api_keys(), digest_of(token), codec.encode(record))
    await _announce(hall)
    return token


async def get_all(hall: Hall) -> dict[str, ApiKey]:
    """Digest to key."""
    found = await hall.redis.hgetall(keys.api_keys())
    return {digest.decode(): codec.decode(value, ApiKey) for digest, value in found.items()}


async def revoke(hall: Hall, name: str) -> int:
    """Forget every key of that name; how many there were. Web processes refuse them within the second."""
    found = [digest for digest, key in (await get_all(hall)).items() if key.name == name]
    if not found:
        return 0
    count = int(await hall.redis.hdel(keys.api_keys(), *found))
    for digest in found:
        await quotas.forget(hall, digest)
    await _announce(hall)
    return count


async def _announce(hall: Hall) -> None:
    await hall.redis.publish(keys.channel(), f"{TOPIC} - 0")

"""API keys and operator tokens: only their SHA-256 is kept; the key itself is shown once, when it is made."""

import hashlib
import secrets
from dataclasses import dataclass

from store import codec, keys
from store.hall import Hall

ROLES = ("rider", "operator")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of a key."""

    name: str
    role: str
    created_epoch_s: int


def digest_of(token: str) -> str:
    """How a key is looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


async def add(hall: Hall, *, name: str, role: str, at_epoch_s: float) -> str:
    """Make a key; it is returned here and nowhere else. Raises ValueError for a role there is not."""
    if role not in ROLES:
        raise ValueError(f"role {role!r}: expected one of {', '.join(ROLES)}")
    token = f"{'op' if role == 'operator' else 'rk'}-{secrets.token_urlsafe(18)}"
    record = ApiKey(name=name, role=role, created_epoch_s=int(at_epoch_s))
    await hall.redis.hset(keys.api_keys(), digest_of(token), codec.encode(record))
    return token


async def get_all(hall: Hall) -> dict[str, ApiKey]:
    """Digest to key."""
    found = await hall.redis.hgetall(keys.api_keys())
    return {digest.decode(): codec.decode(value, ApiKey) for digest, value in found.items()}


async def revoke(hall: Hall, name: str) -> int:
    """Forget every key of that name; how many there were."""
    found = [digest for digest, key in (await get_all(hall)).items() if key.name == name]
    return int(await hall.redis.hdel(keys.api_keys(), *found)) if found else 0

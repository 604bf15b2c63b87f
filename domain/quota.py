"""How often one may ask: so many requests a second, minute, hour or day."""

import re
from dataclasses import dataclass

UNITS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
MAX_REQUESTS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """*requests* in *per_s* seconds. It refills evenly, and at most one whole quota can be saved up for a burst."""

    requests: int
    per_s: int

    @property
    def rate_per_s(self) -> float:
        return self.requests / self.per_s

    def __str__(self) -> str:
        unit = {seconds: name for name, seconds in UNITS_S.items()}.get(self.per_s, f"{self.per_s} s")
        return f"{self.requests}/{unit}"


def parse(text: str) -> Quota:
    """``600/minute`` and the like (also ``10/s``, ``600/min``); raises ValueError that says what was expected."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*([a-z]+)\s*", text.lower())
    units = [name for name in UNITS_S if found and name.startswith(found[2].rstrip("s") or "s")]
    if found is None or len(units) != 1 or not 1 <= int(found[1]) <= MAX_REQUESTS:
        raise ValueError(f"expected requests/unit such as 20/second or 600/minute, found {text!r}")
    return Quota(requests=int(found[1]), per_s=UNITS_S[units[0]])

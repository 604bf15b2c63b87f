"""What clients may keep, and how they ask whether it is still right.

An answer from the timetable is the same until another timetable, another notice, another release or another local day
is in force; all of that and the whole address make its ETag. It is a weak one, because the body's ``currentTime`` moves on.
What is live is never kept.
"""

from hashlib import blake2b
from importlib.metadata import version

from api.notices import NONE
from api.replica import Replica
from domain import service_day

MAX_AGE_S = 300
"""What only changes with the timetable may be used for five minutes without asking, but not into another day."""


class Validators:
    """ETags of one process: the same in every process that has the same in force."""

    def __init__(self) -> None:
        self._release = version("wayside")
        self._known: tuple[object, ...] = ()
        self._state = b""
        self._noticed = False
        self._max_age_s = 0

    def etag(self, replica: Replica, address: bytes, now_epoch_s: float) -> bytes:
        """The ETag of what *address* (path and query) is answered now."""
        self._look(replica, now_epoch_s)
        return b'W/"%b"' % blake2b(self._state + address, digest_size=12).hexdigest().encode()

    def cache_control(self, replica: Replica, body: bytes | None, now_epoch_s: float) -> bytes:
        """How long a body from the timetable may be kept; one with notices in it only if asked about each time.

        *body* None: one that the client has, of which nobody knows here whether notices are in it.
        """
        self._look(replica, now_epoch_s)
        noticed = self._noticed and (body is None or (b'"situations":[' in body and b'"situations":[]' not in body))
        return b"no-cache" if noticed else b"public, max-age=%d" % self._max_age_s

    def _look(self, replica: Replica, now_epoch_s: float) -> None:
        known = (
            int(now_epoch_s),
            *((one.bundle.generation, one.notices.revision(now_epoch_s)) for one in replica.served.values()),
        )
        if known == self._known:
            return
        digest = blake2b(self._release.encode(), digest_size=16)
        noticed, max_age_s = False, MAX_AGE_S
        for one in replica.served.values():
            zone = one.bundle.time_zone
            today = service_day.local_date(now_epoch_s, zone)
            if service_day.local_date(now_epoch_s + MAX_AGE_S, zone) != today:
                max_age_s = min(max_age_s, 900 - int(now_epoch_s) % 900)  # dates change on a quarter hour
            notices = one.notices.fingerprint(now_epoch_s)
            noticed = noticed or notices != NONE
            digest.update(f"{one.bundle.feed_id} {one.bundle.generation} {today}".encode())
            digest.update(notices)
        self._known, self._state = known, digest.digest()
        self._noticed, self._max_age_s = noticed, max_age_s


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Is the answer with that ETag among those the client has? By weak comparison. Source: RFC 9110 §13.1.2."""
    if not if_none_match:
        return False
    given = if_none_match.strip()
    return given == b"*" or etag[2:] in {part.strip().removeprefix(b"W/") for part in given.split(b",")}


def given_by(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The request's If-None-Match, or nothing."""
    return b",".join(value for name, value in headers if name == b"if-none-match")

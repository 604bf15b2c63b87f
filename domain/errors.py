"""Every error the house raises on purpose.

::

    WaysideError
    ├── SettingsInvalid        configuration: every fault at once, with file, key and what was expected
    ├── FetchFailed            a feed could not be had: status, retry_after_s
    ├── NotThisFormat          bytes that are not the format they were said to be at all
    │   └── ScheduleRefused    a GTFS schedule that cannot be served: a required file or everything in it is missing
    ├── BundleUnusable         a timetable bundle on disk is missing, cut short or of another layout version
    ├── BlobUnusable           a value in Redis is cut short or of another layout version
    ├── IdMalformed            an id without an agency code
    └── DeliveryFailed         a push provider did not take a notification: retry, or not
"""


class WaysideError(Exception):
    """The root; a message says what, where, and what was expected."""


class SettingsInvalid(WaysideError):
    """The configuration has faults; all of them are in :attr:`faults`, one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class FetchFailed(WaysideError):
    """A feed could not be had.

    *outcome* is one of the closed set that labels metrics (``domain.feed.PollOutcome`` values); *status* the HTTP
    status if there was one; *retry_after_s* what the server asked for.
    """

    def __init__(
        self, message: str, *, outcome: str, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.status = status
        self.retry_after_s = retry_after_s


class NotThisFormat(WaysideError):
    """The bytes are not the expected format at all (one bad entity is a Problem instead)."""


class ScheduleRefused(NotThisFormat):
    """A GTFS schedule that cannot be served; the last good one keeps serving."""


class BundleUnusable(WaysideError):
    """A timetable bundle on disk is missing, cut short, or of another layout version."""


class BlobUnusable(WaysideError):
    """A value in Redis is cut short, or of another layout version."""


class IdMalformed(WaysideError):
    """An id that should read ``agency_rest`` does not."""


class DeliveryFailed(WaysideError):
    """A push provider did not take a notification.

    *retry* says whether the same hand-over may succeed later, *forget* that the device's token is dead,
    *maybe_taken* that the provider may have taken it all the same (an answer that never came), *unanswered* that it said
    neither yes nor no: then the phone may have rung.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool,
        forget: bool = False,
        retry_after_s: float | None = None,
        maybe_taken: bool = False,
        unanswered: bool = False,
    ) -> None:
        super().__init__(message)
        self.maybe_taken = maybe_taken or unanswered
        self.unanswered = unanswered
        self.retry = retry
        self.forget = forget
        self.retry_after_s = retry_after_s
